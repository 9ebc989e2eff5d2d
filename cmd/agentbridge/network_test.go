package main

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"agentbridge"
)

const goodToken = "0123456789abcdef0123456789abcdef"

// write makes a file that only its owner can read.
func write(t *testing.T, content string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

type env = map[string]string

// What the network can reach needs a token, and a name to be reached under. A
// refusal names what was set, be it a flag or a variable.
func TestNetwork_refusals(t *testing.T) {
	const (
		noName  = " listens on all addresses and needs --trusted-host with each name that clients will use: LAN or Tailscale address, DNS name, or that of a reverse proxy"
		noToken = " can be reached from the network and needs a token; set --auth-token-file or AGENTBRIDGE_AUTH_TOKEN, pass --require-token if every agent has its own, or pass --allow-unauthenticated-network if everybody there may read and write everything"
		pair    = "--tls-cert and --tls-key must be given together"
	)
	for _, c := range []struct {
		env  env
		args string
		want string
	}{
		{nil, "--host 0.0.0.0", "--host 0.0.0.0" + noName},
		{nil, "--host ::", "--host ::" + noName},
		{nil, "--host [::]", "--host [::]" + noName},
		{nil, "--host ::ffff:0.0.0.0", "--host ::ffff:0.0.0.0" + noName},
		{nil, "--host=", `--host ""` + noName},
		{nil, "--host 0.0.0.0 --allow-unauthenticated-network", "--host 0.0.0.0" + noName},
		{nil, "--host 0.0.0.0 --trusted-host=", "--host 0.0.0.0" + noName},
		{env{"AGENTBRIDGE_AUTH_TOKEN": goodToken}, "--host 0.0.0.0", "--host 0.0.0.0" + noName},
		{env{"AGENTBRIDGE_HOST": "0.0.0.0"}, "", "AGENTBRIDGE_HOST 0.0.0.0" + noName},

		{nil, "--host 0.0.0.0 --trusted-host a.example", "--host 0.0.0.0" + noToken},
		{nil, "--host 192.0.2.1", "--host 192.0.2.1" + noToken},
		{nil, "--host 2001:db8::1", "--host 2001:db8::1" + noToken},
		{nil, "--host fe80::1%eth0", "--host fe80::1%eth0" + noToken},
		{nil, "--host example.org", "--host example.org" + noToken},
		{nil, "--host localhost.example.org", "--host localhost.example.org" + noToken},
		{nil, "--host 127.0.0.1.example.org", "--host 127.0.0.1.example.org" + noToken},
		{env{"AGENTBRIDGE_ALLOW_UNAUTHENTICATED_NETWORK": "no"}, "--host 192.0.2.1", "--host 192.0.2.1" + noToken},
		{env{"AGENTBRIDGE_ALLOW_UNAUTHENTICATED_NETWORK": "yes"}, "--host 192.0.2.1 --allow-unauthenticated-network=off", "--host 192.0.2.1" + noToken},
		{env{"AGENTBRIDGE_HOST": "192.0.2.1"}, "", "AGENTBRIDGE_HOST 192.0.2.1" + noToken},

		{nil, "--tls-cert a.pem", pair},
		{nil, "--tls-key a.pem", pair},
		{env{"AGENTBRIDGE_TLS_CERT": "a.pem"}, "", pair},
		{env{"AGENTBRIDGE_TLS_CERT": "a.pem", "AGENTBRIDGE_TLS_KEY": " "}, "", pair},
		{nil, "--tls-cert= --tls-key=", `--tls-cert file not found: ""`}, // of variables that a script forgot
		{nil, "--tls-cert /no/cert.pem --tls-key /no/key.pem", "--tls-cert file not found: /no/cert.pem"},
		{nil, "--tls-cert /dev --tls-key /dev", "--tls-cert file not found: /dev"},
		{env{"AGENTBRIDGE_TLS_CERT": os.Args[0], "AGENTBRIDGE_TLS_KEY": "/no/key.pem"}, "", "AGENTBRIDGE_TLS_KEY file not found: /no/key.pem"},
	} {
		begin(t, c.env, strings.Fields(c.args)...).wantRefused(t, c.want)
	}
}

func TestNetwork_refusesFilesThatAreNoCertificate(t *testing.T) {
	path := write(t, "hello\n")
	o := begin(t, nil, "--tls-cert", path, "--tls-key", path)
	if o.code != exitUsage || strings.Count(o.stderr, "\n") != 1 || !strings.Contains(o.stderr, path) {
		t.Errorf("exit code %d, stderr %q; want %d and one line with the file's name", o.code, o.stderr, exitUsage)
	}
}

// A token that is named and then not there must never mean "no token".
func TestNetwork_badTokens(t *testing.T) {
	blank, missing := write(t, " \n\t\n"), filepath.Join(t.TempDir(), "none")
	two, large := write(t, "# my token\n"+goodToken+"\n"), write(t, strings.Repeat("x", maxTokenFile+1))
	const (
		mint   = "; put a token there, for example from: openssl rand -hex 32"
		unable = " must be one line of printable ASCII without spaces, or no client can send it"
		noFile = " is empty; name the file that holds the token"
	)
	for _, c := range []struct {
		env  env
		args []string
		want string
	}{
		{env{"AGENTBRIDGE_AUTH_TOKEN": ""}, nil, "AGENTBRIDGE_AUTH_TOKEN is empty" + mint},
		{env{"AGENTBRIDGE_AUTH_TOKEN": " \t\n"}, nil, "AGENTBRIDGE_AUTH_TOKEN is empty" + mint},
		{env{"AGENTBRIDGE_AUTH_TOKEN": "two words"}, nil, "AGENTBRIDGE_AUTH_TOKEN" + unable},
		{env{"AGENTBRIDGE_AUTH_TOKEN": "grüße"}, nil, "AGENTBRIDGE_AUTH_TOKEN" + unable},
		{nil, []string{"--auth-token="}, "--auth-token is empty" + mint},
		{nil, []string{"--auth-token", "  "}, "--auth-token is empty" + mint},
		{nil, []string{"--auth-token", "a\nb"}, "--auth-token" + unable},
		{nil, []string{"--auth-token-file="}, "--auth-token-file" + noFile},
		{env{"AGENTBRIDGE_AUTH_TOKEN_FILE": ""}, nil, "AGENTBRIDGE_AUTH_TOKEN_FILE" + noFile},
		{nil, []string{"--auth-token-file", blank}, "--auth-token-file is empty (" + blank + ")" + mint},
		{env{"AGENTBRIDGE_AUTH_TOKEN_FILE": blank}, nil, "AGENTBRIDGE_AUTH_TOKEN_FILE is empty (" + blank + ")" + mint},
		{nil, []string{"--auth-token-file", two}, "--auth-token-file (" + two + ")" + unable},
		{nil, []string{"--auth-token-file", large}, "--auth-token-file: " + large + " is larger than 16384 bytes, which is no token"},

		// A flag before the file, the file before the variable: what wins is wrong.
		{env{"AGENTBRIDGE_AUTH_TOKEN": goodToken}, []string{"--auth-token="}, "--auth-token is empty" + mint},
		{env{"AGENTBRIDGE_AUTH_TOKEN": goodToken}, []string{"--auth-token-file", blank}, "--auth-token-file is empty (" + blank + ")" + mint},
		{env{"AGENTBRIDGE_AUTH_TOKEN": goodToken, "AGENTBRIDGE_AUTH_TOKEN_FILE": blank}, nil, "AGENTBRIDGE_AUTH_TOKEN_FILE is empty (" + blank + ")" + mint},
	} {
		begin(t, c.env, c.args...).wantRefused(t, c.want)
	}
	o := begin(t, nil, "--auth-token-file", missing)
	if o.code != exitUsage || !strings.HasPrefix(o.stderr, "agentbridge: could not read --auth-token-file: ") || strings.Count(o.stderr, "\n") != 1 {
		t.Errorf("a file that is not there: exit code %d, stderr %q", o.code, o.stderr)
	}
}

// No message repeats a token, right or wrong.
func TestNetwork_saysNoToken(t *testing.T) {
	for _, c := range []struct {
		env  env
		args []string
	}{
		{env{"AGENTBRIDGE_AUTH_TOKEN": "se cret"}, nil},
		{nil, []string{"--auth-token", "se cret"}},
		{nil, []string{"--auth-token", "secret"}},
		{nil, []string{"--auth-token-file", write(t, "se cret")}},
		{nil, []string{"--auth-token", "secret", "--host", "192.0.2.1"}},
	} {
		if o := begin(t, c.env, c.args...); strings.Contains(o.stderr, "cret") {
			t.Errorf("%s: stderr %q", o.start, o.stderr)
		}
	}
}

// What is allowed but unwise is said at every start, in a line each.
func TestNetwork_warnings(t *testing.T) {
	const (
		open  = "there is no token: everybody who reaches this bridge can read, write and clear every channel (--allow-unauthenticated-network)"
		short = "the token has fewer than 16 characters and can be guessed; make a longer one, for example with: openssl rand -hex 32"
		plain = "the token and all messages travel unencrypted; use --tls-cert and --tls-key, or a proxy that speaks TLS"
	)
	cert, key := newCertificate(t)
	for _, c := range []struct {
		env  env
		args []string
		want []string
	}{
		{nil, nil, nil},
		{env{"AGENTBRIDGE_AUTH_TOKEN": goodToken}, nil, nil},
		{env{"AGENTBRIDGE_AUTH_TOKEN": "  " + goodToken + "\n"}, nil, nil},
		{env{"AGENTBRIDGE_AUTH_TOKEN": goodToken[:16]}, nil, nil},
		{env{"AGENTBRIDGE_AUTH_TOKEN": goodToken[:15]}, nil, []string{short}},
		{nil, []string{"--auth-token-file", write(t, goodToken+"\r\n")}, nil},
		{env{"AGENTBRIDGE_AUTH_TOKEN": goodToken}, []string{"--host", "192.0.2.1"}, []string{plain}},
		{env{"AGENTBRIDGE_AUTH_TOKEN": "short"}, []string{"--host", "192.0.2.1"}, []string{short, plain}},
		{env{"AGENTBRIDGE_AUTH_TOKEN": goodToken}, []string{"--host", "0.0.0.0", "--trusted-host", "a.example"}, []string{plain}},
		{env{"AGENTBRIDGE_AUTH_TOKEN": goodToken}, []string{"--host", "192.0.2.1", "--tls-cert", cert, "--tls-key", key}, nil},
		{nil, []string{"--host", "192.0.2.1", "--allow-unauthenticated-network"}, []string{open}},
		{env{"AGENTBRIDGE_ALLOW_UNAUTHENTICATED_NETWORK": "1"}, []string{"--host", "0.0.0.0", "--trusted-host", "a.example"}, []string{open}},
		{nil, []string{"--allow-unauthenticated-network"}, []string{open}}, // a proxy could let others in
		{env{"AGENTBRIDGE_AUTH_TOKEN": goodToken}, []string{"--allow-unauthenticated-network"}, nil},

		// What a stronger setting replaces is not looked at.
		{env{"AGENTBRIDGE_AUTH_TOKEN": "", "AGENTBRIDGE_AUTH_TOKEN_FILE": "/none"}, []string{"--auth-token", goodToken}, nil},
		{env{"AGENTBRIDGE_AUTH_TOKEN": ""}, []string{"--auth-token-file", write(t, goodToken)}, nil},
	} {
		o := begin(t, c.env, c.args...)
		o.wantAccepted(t)
		var got []string
		for line := range strings.Lines(o.stderr) {
			if text, ok := strings.CutPrefix(line, "agentbridge: warning: "); ok {
				got = append(got, strings.TrimSuffix(text, "\n"))
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: warnings %q, want %q", o.start, got, c.want)
		}
	}
}

func TestNetwork_warnsOfAnOpenTokenFile(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes are something else there")
	}
	for mode, want := range map[os.FileMode]bool{0o600: false, 0o400: false, 0o640: true, 0o604: true, 0o622: true} {
		path := write(t, goodToken)
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		o := begin(t, nil, "--auth-token-file", path)
		o.wantAccepted(t)
		if got := strings.Contains(o.stderr, "other users can read or change the token in "+path+"; chmod 600 it"); got != want {
			t.Errorf("mode %o: stderr %q, warned = %v, want %v", mode, o.stderr, got, want)
		}
	}
}

// Settings about who may connect, each with what it gets.
func TestNetwork_identity(t *testing.T) {
	const public = " must be https://NAME or https://NAME:PORT, without a path; http is for this machine only"
	for _, c := range []struct {
		env  env
		args string
		want string // "" if it is accepted
	}{
		{nil, "--require-token", ""},
		{nil, "--host 192.0.2.1 --require-token", ""},
		{nil, "--host 192.0.2.1 --oidc-issuer https://issuer.example --public-url https://bridge.example", ""},
		{nil, "--host 0.0.0.0 --oidc-issuer https://issuer.example --public-url https://bridge.example:8443/", ""},
		{nil, "--oidc-issuer https://issuer.example/realms/x", ""},
		{nil, "--oidc-issuer http://127.0.0.1:8080 --public-url http://localhost:8765", ""},
		{env{"AGENTBRIDGE_OIDC_ISSUER": "https://issuer.example", "AGENTBRIDGE_OIDC_AUDIENCE": "x", "AGENTBRIDGE_OIDC_NAME_CLAIM": "login",
			"AGENTBRIDGE_OIDC_ROLES_CLAIM": "realm_access.roles", "AGENTBRIDGE_PUBLIC_URL": "https://bridge.example"}, "", ""},

		{nil, "--oidc-issuer http://issuer.example", `--oidc-issuer: "http://issuer.example" is not https: whoever is on the way could forge tokens`},
		{env{"AGENTBRIDGE_OIDC_ISSUER": "issuer.example"}, "", `AGENTBRIDGE_OIDC_ISSUER: "issuer.example" is not the URL of an issuer: write https://host, perhaps with a path`},
		{nil, "--oidc-issuer https://issuer.example --oidc-audience=", "--oidc-audience is empty; leave it out for the default"},
		{nil, "--oidc-audience x", "--oidc-audience needs --oidc-issuer, the provider whose tokens it is about"},
		{nil, "--host 192.0.2.1 --oidc-issuer https://issuer.example", "--oidc-issuer needs --public-url too where the network can connect: tokens are made for that URL"},
		{nil, "--public-url http://bridge.example", "--public-url" + public},
		{nil, "--public-url https://bridge.example/path", "--public-url" + public},
		{nil, "--public-url https://user@bridge.example", "--public-url" + public},
		{nil, "--public-url https://*.example", "--public-url" + public},
		{env{"AGENTBRIDGE_PUBLIC_URL": "bridge.example"}, "", "AGENTBRIDGE_PUBLIC_URL" + public},
		{nil, "--require-token --allow-unauthenticated-network", "--require-token and --allow-unauthenticated-network contradict each other; leave one of them out"},
		{env{"AGENTBRIDGE_AUTH_TOKEN": agentbridge.APITokenPrefix + "x"}, "",
			"the token that all clients share begins with abr_, as those that an agent has to itself; make another, for example with: openssl rand -hex 32"},
	} {
		if o := begin(t, c.env, strings.Fields(c.args)...); c.want == "" {
			o.wantAccepted(t)
		} else {
			o.wantRefused(t, c.want)
		}
	}
}
