package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"strings"

	"agentbridge"
	"agentbridge/internal/boundary"
	"agentbridge/internal/oidc"
	"agentbridge/internal/relay"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// identityFlags name an identity provider whose access tokens admit, and the
// name under which it knows this bridge.
type identityFlags struct {
	issuer   string
	audience string
	name     string // of the claim that names the agent
	roles    string // of the claim with its roles
	public   string // URL of this bridge
}

func (f *identityFlags) declare(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.public, "public-url", "", "the https `URL` under which clients reach the bridge, as https://bridge.example.org")
	flags.StringVar(&f.issuer, "oidc-issuer", "", "`URL` of an OpenID Connect provider whose access tokens admit; then agents find their way to it by themselves")
	flags.StringVar(&f.audience, "oidc-audience", "", "`name` under which the provider knows this bridge (default: its --public-url, and that with /mcp)")
	flags.StringVar(&f.name, "oidc-name-claim", "sub", "`claim` of a token that is the agent's name")
	flags.StringVar(&f.roles, "oidc-roles-claim", "roles", "`claim` of a token that holds the agent's roles; dots lead into objects, as in realm_access.roles")
}

// check refuses what makes no sense together. Tokens are made for a URL, and an
// address that others can reach is not one that clients have to use.
func (f *identityFlags) check(flags *pflag.FlagSet, r reach) error {
	if f.public != "" {
		if err := checkPublic(f.public); err != nil {
			return usageError{fmt.Errorf("%s %w", calledBy(flags, "public-url"), err)}
		}
	}
	if f.issuer == "" {
		for _, flag := range []string{"oidc-audience", "oidc-name-claim", "oidc-roles-claim"} {
			if flags.Changed(flag) {
				return usageError{fmt.Errorf("%s needs --oidc-issuer, the provider whose tokens it is about", calledBy(flags, flag))}
			}
		}
		return nil
	}
	if err := oidc.CheckIssuer(f.issuer); err != nil {
		return usageError{fmt.Errorf("%s: %w", calledBy(flags, "oidc-issuer"), err)}
	}
	for flag, value := range map[string]string{"oidc-audience": f.audience, "oidc-name-claim": f.name, "oidc-roles-claim": f.roles} {
		if flags.Changed(flag) && strings.TrimSpace(value) == "" {
			return usageError{fmt.Errorf("%s is empty; leave it out for the default", calledBy(flags, flag))}
		}
	}
	if r != fromHere && f.public == "" {
		return usageError{fmt.Errorf("%s needs --public-url too where the network can connect: tokens are made for that URL", calledBy(flags, "oidc-issuer"))}
	}
	return nil
}

var errPublic = errors.New("must be https://NAME or https://NAME:PORT, without a path; http is for this machine only")

func checkPublic(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || strings.TrimSuffix(s, "/") != u.Scheme+"://"+u.Host || strings.ContainsAny(u.Host, `"\*`) {
		return errPublic
	}
	ip, err := netip.ParseAddr(u.Hostname())
	here := u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
	if u.Scheme != "https" && !(u.Scheme == "http" && here) {
		return errPublic
	}
	return nil
}

// options are of the verifier of a bridge that is at a URL; nil if there is no
// provider.
func (f *identityFlags) options(at string) *oidc.Options {
	if f.issuer == "" {
		return nil
	}
	o := &oidc.Options{Issuer: f.issuer, NameClaim: f.name, RolesClaim: f.roles, Audiences: []string{at, at + "/", at + "/mcp"}}
	if f.audience != "" {
		o.Audiences = []string{f.audience}
	}
	return o
}

// porter knows who holds a credential: the relay for tokens of the bridge, the
// identity provider, if there is one, for its own. No credential goes on to
// anybody else.
type porter struct {
	relay    *relay.Relay
	provider *oidc.Verifier // nil if there is none
}

// porter puts one at the door of a bridge that is at a URL.
func (f *identityFlags) porter(door *boundary.Options, r *relay.Relay, at string) (p porter, err error) {
	p.relay = r
	if o := f.options(at); o != nil {
		p.provider, err = oidc.New(*o)
		door.Resource = &boundary.Resource{URL: at, Issuer: o.Issuer}
	}
	door.Authenticator = p
	return p, err
}

// errStranger is a credential of no kind that there is.
var errStranger = agentbridge.Refuse(agentbridge.Unauthenticated, "", "unknown credential")

// AuthRequired implements boundary.Authenticator.
func (p porter) AuthRequired() bool { return p.provider != nil || p.relay.AuthRequired() }

// Authenticate implements boundary.Authenticator.
func (p porter) Authenticate(ctx context.Context, credential string) (agentbridge.Principal, error) {
	switch {
	case strings.HasPrefix(credential, agentbridge.APITokenPrefix):
		return p.relay.Authenticate(ctx, credential)
	case p.provider != nil && oidc.IsToken(credential):
		who, err := p.provider.Verify(ctx, credential)
		if err != nil {
			return agentbridge.Principal{}, err
		}
		return p.relay.Admit(ctx, who.Subject, agentbridge.AgentName(who.Name), who.Roles, who.Scopes, who.Expires)
	}
	return agentbridge.Principal{}, errStranger
}

// greet asks the identity provider for its keys, beside all else. A bridge
// serves its own agents although the provider is down, but its operator should
// know. hush ends it.
func (p porter) greet(ctx context.Context, log *slog.Logger) (hush func()) {
	if p.provider == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := p.provider.Prepare(ctx); err != nil && ctx.Err() == nil {
			log.Warn("the identity provider can't be asked; its tokens admit nobody until it can", "error", err)
		}
	}()
	return func() {
		cancel()
		<-done
	}
}
