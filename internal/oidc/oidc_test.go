package oidc_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge"
	"agentbridge/internal/oidc"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"
)

func everything() []agentbridge.Scope { return agentbridge.Local().Scopes }

func TestVerify(t *testing.T) {
	i, key := newIssuer(t)
	until := time.Now().Add(time.Hour).Truncate(time.Second)
	got := want(t, i.verifier(t), key.sign(nil, i.claims(object{"exp": until.Unix(), "scope": "openid profile"})), admitted)
	if diff := cmp.Diff(oidc.Identity{Subject: i.url + "#user-1", Name: "user-1", Roles: []agentbridge.AccessRole{agentbridge.RoleMember},
		Scopes: everything(), Expires: until}, got); diff != "" {
		t.Error(diff)
	}
}

// Every algorithm of the list does what it should, with a key that says which it is for and with one that does not.
func TestVerify_algorithms(t *testing.T) {
	for _, alg := range []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA} {
		i, _ := newIssuer(t)
		key := newPair("k", alg)
		mute := key.public()
		delete(mute, "alg")
		delete(mute, "use")
		for _, public := range []object{key.public(), mute} {
			i.publish(newPair("other", jose.ES256).public(), public)
			want(t, i.verifier(t), key.sign(nil, i.claims(nil)), admitted)
		}
		i.publish(public(key, ""))
		want(t, i.verifier(t), key.sign(object{"kid": nil}, i.claims(nil)), admitted) // neither has an id
	}
}

func public(p pair, id string) object {
	p.id = id
	return p.public()
}

func TestVerify_accepts(t *testing.T) {
	i, key := newIssuer(t)
	for name, token := range map[string]string{
		"typ JWT":                 key.sign(object{"typ": "JWT"}, i.claims(nil)),
		"typ application/at+jwt":  key.sign(object{"typ": "application/at+jwt"}, i.claims(nil)),
		"no typ":                  key.sign(object{"typ": nil}, i.claims(nil)),
		"no kid":                  key.sign(object{"kid": nil}, i.claims(nil)),
		"aud as list":             key.sign(nil, i.claims(object{"aud": []string{"account", audience}})),
		"aud of /mcp":             key.sign(nil, i.claims(object{"aud": audience + "/mcp"})),
		"nbf now":                 key.sign(nil, i.claims(object{"nbf": time.Now().Unix()})),
		"nbf of a clock ahead":    key.sign(nil, i.claims(object{"nbf": time.Now().Add(20 * time.Second).Unix()})),
		"exp with a fraction":     key.sign(nil, i.claims(object{"exp": float64(time.Now().Add(time.Hour).Unix()) + 0.5})),
		"Keycloak's access token": key.sign(nil, i.claims(object{"typ": "Bearer"})),
		"Cognito's":               key.sign(nil, i.claims(object{"token_use": "access"})),
	} {
		t.Run(name, func(t *testing.T) { want(t, i.verifier(t), token, admitted) })
	}
}

func TestVerify_roles(t *testing.T) {
	i, key := newIssuer(t)
	const viewer, member, admin = agentbridge.RoleViewer, agentbridge.RoleMember, agentbridge.RoleAdmin
	for _, c := range []struct {
		claim  string
		claims object
		want   []agentbridge.AccessRole
	}{
		{"", object{"roles": []string{"viewer", "member"}}, []agentbridge.AccessRole{viewer, member}},
		{"", object{"roles": "viewer member"}, []agentbridge.AccessRole{viewer, member}},
		{"", object{"roles": "viewer,member, viewer"}, []agentbridge.AccessRole{viewer, member}},
		{"", object{"roles": []string{"agentbridge:admin", "other:member", "Viewer", "user", "member "}}, []agentbridge.AccessRole{admin}},
		{"groups", object{"groups": []string{"admin"}, "roles": "viewer"}, []agentbridge.AccessRole{admin}},
		{"realm_access.roles", object{"realm_access": object{"roles": []string{"admin"}}}, []agentbridge.AccessRole{admin}},
		{"https://x.example/roles", object{"https://x.example/roles": []string{"member"}}, []agentbridge.AccessRole{member}},
		{"realm_access.roles", object{"realm_access.roles": "viewer", "realm_access": object{"roles": []string{"admin"}}}, []agentbridge.AccessRole{viewer}},

		{"", object{"roles": nil}, nil},
		{"", object{"roles": nil, "Roles": []string{"admin"}, "role": "admin"}, nil},
		{"", object{"roles": []string{}}, nil},
		{"", object{"roles": []string{"owner", "root", "ADMIN", "agentbridge:agentbridge:admin", "agentbridge:"}}, nil},
		{"", object{"roles": object{"admin": true}}, nil},
		{"", object{"roles": []any{"admin", 7}}, nil},
		{"", object{"roles": 7}, nil},
		{"a.b", object{"a": "b", "roles": "admin"}, nil},
		{"a.b", object{"a": object{"c": "admin"}}, nil},
	} {
		v := i.verifier(t, func(o *oidc.Options) { o.RolesClaim = c.claim })
		code := admitted
		if c.want == nil {
			code = powerless
		}
		if got := want(t, v, key.sign(nil, i.claims(c.claims)), code); !slices.Equal(got.Roles, c.want) {
			t.Errorf("%v: roles %v, want %v", c.claims, got.Roles, c.want)
		}
	}
}

func TestVerify_scopes(t *testing.T) {
	i, key := newIssuer(t)
	some := func(s string) []agentbridge.Scope { return must(agentbridge.ParseScopes("", s)) }
	for _, c := range []struct {
		claims object
		want   []agentbridge.Scope // nil: refused
	}{
		{object{}, everything()},
		{object{"scope": ""}, everything()},
		{object{"scope": "openid email"}, everything()},
		{object{"scope": "openid read:payments:* send:payments:out"}, some("read:payments:*,send:payments:out")},
		{object{"scope": "write:a read:a read:a"}, some("send:a,read:a")},
		{object{"scp": []string{"read:a", "User.Read"}}, some("read:a")},
		{object{"scp": "read:a"}, some("read:a")},
		{object{"scope": "read:a", "scp": "send:a"}, some("read:a,send:a")},
		{object{"scope": json.RawMessage("null"), "scp": "read:a"}, some("read:a")},
		{object{"scope": json.RawMessage("null")}, everything()},
		{object{"scope": []string{}}, everything()},
		{object{"scope": "thread:a chat:write read.all api://x/access"}, everything()},
		{object{"scope": "agentbridge:read:a agentbridge:write:b"}, some("read:a,send:b")},
		{object{"scope": "\tread:a\nsend:b\u00a0clear:c\u3000"}, some("read:a,send:b,clear:c")},
		{object{"scp": []string{"openid\u00a0read:a", " send:b"}}, some("read:a,send:b")},
		// What was meant to bound something must not be lost.
		{object{"scope": "read:"}, nil},
		{object{"scope": "read:a send:\u202e"}, nil},
		{object{"scope": strings.Repeat("read:a ", 101) + "x"}, some("read:a")},
		{object{"scp": []string{"read:a,send:b"}}, nil},
		{object{"scope": []any{"read:a", 5}}, nil},
		{object{"scope": []any{"read:a", true}}, nil},
		{object{"scope": []any{"read:a", []string{"x"}}}, nil},
		{object{"scope": []any{"read:a", nil}}, nil},
		{object{"scope": object{"read": "a"}}, nil},
		{object{"scope": true}, nil},
		{object{"scope": 5}, nil},
		{object{"scope": "read:a", "scp": object{"x": 1}}, nil},
		{object{"scope": "Read:a"}, nil},
		{object{"scope": "openid WRITE:a"}, nil},
		{object{"scope": "Agentbridge:read:a"}, nil},
		{object{"scope": "agentbridge:agentbridge:read:a"}, nil},
		{object{"scope": "api://x/read:a"}, nil},
		{object{"scp": []string{"https://bridge.example/send:a"}}, nil},
		{object{"scope": "bridge:clear:a"}, nil},
		{object{"scope": "\u200bread:a"}, nil},
		{object{"scope": `"read:a"`}, nil},
	} {
		code := admitted
		if c.want == nil {
			code = powerless
		}
		if got := want(t, i.verifier(t), key.sign(nil, i.claims(c.claims)), code); !slices.Equal(got.Scopes, c.want) {
			t.Errorf("%v: scopes %v, want %v", c.claims, got.Scopes, c.want)
		}
	}
}

func TestVerify_name(t *testing.T) {
	i, key := newIssuer(t)
	v := i.verifier(t, func(o *oidc.Options) { o.NameClaim = "preferred_username" })
	got := want(t, v, key.sign(nil, i.claims(object{"preferred_username": "alice"})), admitted)
	if got.Name != "alice" || got.Subject != i.url+"#user-1" {
		t.Errorf("it is %+v", got)
	}
	for _, name := range []any{nil, "", 7, []string{"alice"}} {
		want(t, v, key.sign(nil, i.claims(object{"preferred_username": name, "Preferred_Username": "admin"})), wrong)
	}
}

// A key that is new at the issuer admits as soon as its keys may be asked for again, and one that is withdrawn
// soon admits no more.
func TestVerify_rotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i, first := newSilentIssuer()
		v, second := i.verifier(t), newPair("key-2", jose.ES256)
		want(t, v, first.sign(nil, i.claims(nil)), admitted)

		time.Sleep(time.Minute)
		i.publish(first.public(), second.public())
		want(t, v, second.sign(nil, i.claims(nil)), admitted)
		want(t, v, first.sign(nil, i.claims(nil)), admitted)
		if n := i.fetches(); n != 2 {
			t.Errorf("the issuer was asked %d times, want 2", n)
		}

		i.publish(second.public())
		time.Sleep(10*time.Minute - time.Second)
		want(t, v, first.sign(nil, i.claims(nil)), admitted)
		time.Sleep(time.Second)
		want(t, v, first.sign(nil, i.claims(nil)), wrong)
		want(t, v, second.sign(nil, i.claims(nil)), admitted)
	})
}

// Strangers can invent ids of keys as fast as they like. The issuer is asked once in ten seconds, and those whose
// key is known wait for nothing.
func TestVerify_inventedKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i, key := newSilentIssuer()
		v := i.verifier(t)
		good, mallory := key.sign(nil, i.claims(nil)), newPair("x", jose.ES256)
		invented := mallory.sign(nil, i.claims(nil))
		for range 5 {
			for range 20 {
				want(t, v, invented, wrong)
				want(t, v, good, admitted)
			}
			time.Sleep(10 * time.Second)
		}
		if n := i.fetches(); n != 5 {
			t.Errorf("the issuer was asked %d times in 50 s, want 5", n)
		}

		time.Sleep(time.Hour / 2) // the keys at hand are to be looked at again, too
		slow := make(chan struct{})
		i.become(func(_ http.ResponseWriter, r *http.Request) { close(slow); <-r.Context().Done() })
		var mallorys sync.WaitGroup
		for range 10 {
			mallorys.Go(func() {
				if _, err := v.Verify(t.Context(), invented); agentbridge.CodeOf(err) != fault {
					t.Errorf("an invented key, and nobody to ask: %v", err)
				}
			})
		}
		<-slow
		began := time.Now()
		want(t, v, good, admitted)
		if d := time.Since(began); d > 0 {
			t.Errorf("a good token waited %v for others'", d)
		}
		mallorys.Wait()
		if d := time.Since(began); d != 5*time.Second {
			t.Errorf("a slow issuer was waited for %v, want 5 s", d)
		}
	})
}

// While the issuer is down its keys are good for an hour. A key that is not among them then is a fault, and
// all goes on when it is back.
func TestVerify_outage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i, first := newSilentIssuer()
		v, second := i.verifier(t), newPair("key-2", jose.ES256)
		day := object{"exp": time.Now().Add(24 * time.Hour).Unix()}
		old, fresh := first.sign(nil, i.claims(day)), second.sign(nil, i.claims(day))

		down := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }
		i.become(down)
		if err := v.Prepare(t.Context()); err == nil {
			t.Error("Prepare found an issuer that is down")
		}
		want(t, v, old, fault)
		i.become(nil)
		want(t, v, old, fault) // it was asked just now
		time.Sleep(10 * time.Second)
		want(t, v, old, admitted)

		i.become(down)
		for range 11 {
			time.Sleep(5 * time.Minute)
			want(t, v, old, admitted)
			want(t, v, fresh, fault)
		}
		time.Sleep(5 * time.Minute)
		want(t, v, old, fault)
		i.become(nil)
		i.publish(second.public())
		time.Sleep(10 * time.Second)
		want(t, v, fresh, admitted)
		want(t, v, old, wrong)
	})
}

// A client that leaves does not take away what the others wait for.
func TestVerify_clientLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i, key := newSilentIssuer()
		v, token := i.verifier(t), key.sign(nil, i.claims(nil))
		i.become(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Second)
			i.become(nil)
			i.ServeHTTP(w, r)
		})
		ctx, leave := context.WithCancel(t.Context())
		go v.Verify(ctx, token)
		synctest.Wait()
		leave()
		want(t, v, token, admitted)
	})
}

func BenchmarkVerify(b *testing.B) {
	for _, alg := range []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.EdDSA} {
		b.Run(string(alg), func(b *testing.B) {
			i, _ := newSilentIssuer()
			key := newPair("k", alg)
			i.publish(key.public())
			v := must(oidc.New(i.options()))
			token := key.sign(nil, i.claims(nil))
			for b.Loop() {
				if _, err := v.Verify(b.Context(), token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
