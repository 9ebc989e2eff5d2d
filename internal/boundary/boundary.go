// Package boundary decides which HTTP requests reach the bridge: by the host they name, the page they come
// from, the credential they carry and their size. It promises that nothing behind it sees a request that
// one of these forbids, that each refusal is a status, a sentence and one line in the log, and that no token
// is ever kept, written or echoed. What an admitted request may do is for others to decide.
package boundary

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"agentbridge"
	"agentbridge/internal/wire"
)

// Options of a Boundary.
type Options struct {
	// Token is the shared token: whoever holds it is agentbridge.Local. "" for none.
	Token string
	// Authenticator knows further credentials; nil for none.
	Authenticator Authenticator
	// RequireToken lets nobody in without a credential, although there may be none yet. If it is false, there
	// is no Token and the Authenticator requires nothing, the bridge is open to this machine.
	RequireToken bool
	// Resource tells OAuth clients where to get a credential; nil: nowhere.
	Resource *Resource
	// TrustedHosts are host names or IPs without port that a request may name, beyond the loopback names;
	// "*.example.org" stands for every name below it. CheckHost tells whether one is well formed.
	TrustedHosts []string
	// CORSOrigins are other origins whose pages may use the bridge, as browsers send them. CheckOrigin tells
	// whether one is well formed.
	CORSOrigins []string
	// AllowUnauthenticatedNetwork lets everybody in without a credential, from other machines too, unless there
	// is a Token or RequireToken. Credentials that are given must be right all the same.
	AllowUnauthenticatedNetwork bool
	// Proxies are the peers whose X-Forwarded-* headers are believed.
	Proxies []netip.Prefix
	// MaxRequestBytes bounds a request's body; default 262144. Where a body holds a message (/api/send, /mcp,
	// /messages) it may be four times as large, because JSON escapes may make that of the message.
	MaxRequestBytes int64
	// SessionTTL is how long a browser's session lasts, whether it is used or not; default 8 h.
	SessionTTL time.Duration
	// TLS says that the listener speaks it.
	TLS bool
	// Refused is told of what is turned away, as auth_failure, policy_reject or oversize_reject. It must not
	// block. May be nil.
	Refused func(agentbridge.Refusal)
	// Logger gets a line at level Warn for each refusal. They are a stranger's to write, as often as they like.
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.MaxRequestBytes <= 0 {
		o.MaxRequestBytes = 262144
	}
	if o.SessionTTL <= 0 {
		o.SessionTTL = 8 * time.Hour
	}
	if o.Refused == nil {
		o.Refused = func(agentbridge.Refusal) {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// bodyTime is what a client gets for sending a whole body.
const bodyTime = 30 * time.Second

// Authenticator knows who holds a credential.
type Authenticator interface {
	// AuthRequired tells whether nobody is to be let in without one. It is asked for every request, and again
	// while one that came without lasts.
	AuthRequired() bool
	// Authenticate returns who a credential admits. One that admits nobody is refused as Unauthenticated or
	// Expired, which counts as an attempt; one that is right but admits to nothing as Forbidden. Any other error
	// is a fault, which is nobody's attempt.
	Authenticate(ctx context.Context, credential string) (agentbridge.Principal, error)
}

// Boundary checks requests. Its methods are safe for concurrent use.
type Boundary struct {
	opts     Options
	token    [sha256.Size]byte // the token's digest
	hosts    hosts
	origins  map[origin]bool
	attempts *attempts
	sessions *sessions
	bodyTime time.Duration
}

// New returns a Boundary. Of TrustedHosts and CORSOrigins it leaves out what is malformed, which admits
// nobody.
func New(o Options) *Boundary {
	o = o.withDefaults()
	return &Boundary{
		opts:     o,
		token:    sha256.Sum256([]byte(o.Token)),
		hosts:    hostsOf(o.TrustedHosts),
		origins:  originsOf(o.CORSOrigins),
		attempts: newAttempts(),
		sessions: newSessions(o.SessionTTL),
		bodyTime: bodyTime,
	}
}

// Close revokes all cookies, which ends the requests that came with their cookies.
func (b *Boundary) Close() { b.sessions.close() }

// Wrap checks every request before next sees it. It answers /api/session itself.
func (b *Boundary) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.limitBodyTime(w, r)
		v := b.look(r)
		b.setHeaders(w.Header(), v)
		if no := b.admit(v); no != nil {
			b.refuse(w, v, no)
			return
		}
		switch {
		case v.metadata != "":
			b.serveMetadata(w, v)
		case v.preflight:
			answerPreflight(w)
		case v.path == sessionPath:
			b.serveSession(w, v)
		default:
			ctx, leave := b.enter(w, v)
			defer leave()
			r = r.WithContext(ctx)
			r.Body = b.limitBody(w, v)
			next.ServeHTTP(w, r)
		}
	})
}

// admit walks through the checks and returns the first refusal. Who a request comes from is asked after what
// it looks like, so that a page in a browser learns nothing about the token.
func (b *Boundary) admit(v *visit) *refusal {
	if no := b.checkHost(v); no != nil {
		return no
	}
	if v.metadata != "" { // is for everybody, pages of other sites included
		return nil
	}
	if v.preflight {
		return b.checkPreflight(v)
	}
	for _, check := range []func(*visit) *refusal{
		b.checkOrigin, checkMediaType, checkURL, b.authenticate, b.checkLength,
	} {
		if no := check(v); no != nil {
			return no
		}
	}
	return nil
}

// refusal is why a request goes no further.
type refusal struct {
	action  agentbridge.Action
	status  int
	message string // for whoever asked, and for the log; repeats nothing that they sent

	header, value string // one more header of the answer, if any
	fault         error  // of ours, for the log; nil if the request is at fault
}

func reject(status int, message string) *refusal {
	return &refusal{action: agentbridge.ActionPolicyReject, status: status, message: message}
}

func (b *Boundary) refuse(w http.ResponseWriter, v *visit, no *refusal) {
	b.report(v, no)
	if no.header != "" {
		w.Header().Set(no.header, no.value)
	}
	leaveBody(w, v.r)
	wire.WriteError(w, no.status, no.message)
	if a := arrivalOf(v.r); a != nil { // a client that does not read its refusal has no claim to its place
		a.wait()
	}
}

// maxLogged is how many code points of a path a line of the log holds.
const maxLogged = 200

// report tells of a refusal. A query stays out of it: it may hold what somebody took for a place for tokens.
func (b *Boundary) report(v *visit, no *refusal) {
	address := v.address()
	if no.fault != nil { // which tells nothing about who asked
		if v.r.Context().Err() == nil { // else it may be just that nobody waits any more
			b.opts.Logger.Error("credentials can't be checked", "error", no.fault)
		}
		return
	}
	b.opts.Logger.Warn("request refused", "status", no.status, "reason", no.message, "address", address,
		"path", agentbridge.Preview(v.r.URL.Path, maxLogged))
	b.opts.Refused(agentbridge.Refusal{Action: no.action, Address: address, Path: v.r.URL.Path})
}
