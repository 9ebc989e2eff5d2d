package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"agentbridge/internal/boundary"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// networkFlags say where the bridge listens and who may connect there.
type networkFlags struct {
	authFlags
	identityFlags
	host       string
	port       int // 0 takes a free one
	trusted    []string
	origins    []string
	proxies    []string
	everybody  bool // may come in without a token
	required   bool // a token, from the start
	certChain  string
	certKey    string
	maxRequest int // bytes
	sessionTTL int // seconds
}

func (f *networkFlags) declare(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.host, "host", "127.0.0.1", "`address` to listen on; any but loopback needs tokens, and 0.0.0.0 or :: a --trusted-host too")
	declareNumber(flags, &f.port, "port", 8765, 0, 65535, "port to listen on; 0 takes a free one")
	f.authFlags.declare(cmd)
	declareBool(flags, &f.required, "require-token", "let nobody in without a token, even as long as there is none: for agents that have their own (agentbridge agent add)")
	f.identityFlags.declare(cmd)
	declareList(flags, &f.trusted, "trusted-host", boundary.CheckHost, "`name` under which clients may reach the bridge besides loopback, *.example.org for all below one")
	annotate(flags, "trusted-host", alsoReads, "AGENTBRIDGE_TRUSTED_HOSTS")
	declareList(flags, &f.origins, "cors-origin", boundary.CheckOrigin, "`origin` of web pages that may use the bridge, as https://example.org")
	declareBool(flags, &f.everybody, "allow-unauthenticated-network", "let everybody who reaches the bridge read, write and clear everything")
	flags.StringVar(&f.certChain, "tls-cert", "", "`file` with the certificate chain (PEM) to serve https with; read again when it changes")
	flags.StringVar(&f.certKey, "tls-key", "", "`file` with the certificate's key (PEM)")
	declareList(flags, &f.proxies, "proxy", checkProxy, "`address` or network (CIDR) of a reverse proxy whose X-Forwarded headers are believed")
	declareNumber(flags, &f.maxRequest, "max-request-bytes", 256<<10, 1024, largest, "largest body of a request, in bytes; where one holds a message, as at /api/send and /mcp, it may be four times as much")
	declareNumber(flags, &f.sessionTTL, "session-ttl-seconds", 8*60*60, 60, largest, "how long a browser stays signed in, in seconds")
}

func checkProxy(text string) error {
	_, err := boundary.ParseProxies([]string{text})
	return err
}

// entrance is where and for whom the bridge is open: what the flags come to.
type entrance struct {
	host     string // without brackets
	port     int
	boundary boundary.Options
	tls      *tls.Config // nil for plain http
}

// settle checks the flags together and warns of what is allowed but unwise. It
// opens nothing but the files it is told to read.
func (f *networkFlags) settle(flags *pflag.FlagSet, stderr io.Writer, log *slog.Logger) (*entrance, error) {
	host, reach, err := f.address(flags)
	if err != nil {
		return nil, err
	}
	token, err := f.read(flags, stderr)
	if err != nil {
		return nil, err
	}
	if err := f.checkToken(flags, token); err != nil {
		return nil, err
	}
	if err := f.checkReach(calledBy(flags, "host"), reach, token); err != nil {
		return nil, err
	}
	if err := f.identityFlags.check(flags, reach); err != nil {
		return nil, err
	}
	config, err := f.loadTLS(flags, log)
	if err != nil {
		return nil, err
	}
	proxies, err := boundary.ParseProxies(f.proxies)
	if err != nil {
		return nil, usageError{fmt.Errorf("%s: %w", calledBy(flags, "proxy"), err)}
	}
	f.warn(stderr, reach, token)
	return &entrance{host, f.port, boundary.Options{
		Token:                       token,
		RequireToken:                f.required,
		TrustedHosts:                f.hosts(host, reach),
		CORSOrigins:                 f.origins,
		AllowUnauthenticatedNetwork: f.everybody,
		Proxies:                     proxies,
		MaxRequestBytes:             int64(f.maxRequest),
		SessionTTL:                  time.Duration(f.sessionTTL) * time.Second,
		TLS:                         config != nil,
		Logger:                      log,
	}, config}, nil
}

// reach is from where an address can be reached.
type reach int

const (
	fromHere     reach = iota // loopback
	fromNetwork               // one address
	fromAnywhere              // all addresses of this machine
)

// address takes --host apart.
func (f *networkFlags) address(flags *pflag.FlagSet) (host string, r reach, err error) {
	host = f.host
	if inner, ok := strings.CutPrefix(host, "["); ok && strings.HasSuffix(inner, "]") {
		host = strings.TrimSuffix(inner, "]")
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		switch ip = ip.Unmap(); {
		case ip.IsLoopback():
			return host, fromHere, nil
		case ip.IsUnspecified():
			return host, fromAnywhere, nil
		}
		return host, fromNetwork, nil
	}
	switch {
	case host == "":
		return host, fromAnywhere, nil
	case strings.EqualFold(host, "localhost"):
		return host, fromHere, nil
	case strings.Contains(host, "*"): // must not become a pattern of trusted names
		return "", 0, usageError{fmt.Errorf("%s must be an address or a name, not a pattern; 0.0.0.0 and :: stand for all addresses", calledBy(flags, "host"))}
	}
	if boundary.CheckHost(host) != nil {
		return "", 0, usageError{fmt.Errorf("%s must be an address or a name without scheme, port or path, not %q", calledBy(flags, "host"), host)}
	}
	return host, fromNetwork, nil
}

// asks tells whether nobody comes in without a token, from the start.
func (f *networkFlags) asks(token string) bool {
	return token != "" || f.required || f.issuer != ""
}

// checkToken refuses a shared token that is somebody's own, and settings that
// contradict each other.
func (f *networkFlags) checkToken(flags *pflag.FlagSet, token string) error {
	if isAgentToken(token) {
		return usageError{errors.New("the token that all clients share begins with abr_, as those that an agent has to itself; make another, for example with: openssl rand -hex 32")}
	}
	if f.required && f.everybody {
		return usageError{fmt.Errorf("%s and %s contradict each other; leave one of them out", calledBy(flags, "require-token"), calledBy(flags, "allow-unauthenticated-network"))}
	}
	return nil
}

// checkReach refuses to be open to more people than the operator has said.
func (f *networkFlags) checkReach(name string, r reach, token string) error {
	if r == fromAnywhere && len(f.trusted) == 0 && f.public == "" {
		return usageError{fmt.Errorf("%s %s listens on all addresses and needs --trusted-host with each name that clients will use: LAN or Tailscale address, DNS name, or that of a reverse proxy", name, quoteEmpty(f.host))}
	}
	if r != fromHere && !f.asks(token) && !f.everybody {
		return usageError{fmt.Errorf("%s %s can be reached from the network and needs a token; set --auth-token-file or AGENTBRIDGE_AUTH_TOKEN, pass --require-token if every agent has its own, or pass --allow-unauthenticated-network if everybody there may read and write everything", name, quoteEmpty(f.host))}
	}
	return nil
}

// quoteEmpty makes an empty text visible in a sentence.
func quoteEmpty(text string) string {
	if text == "" {
		return `""`
	}
	return text
}

func (f *networkFlags) warn(w io.Writer, r reach, token string) {
	if f.everybody && token == "" {
		warnf(w, "there is no token: everybody who reaches this bridge can read, write and clear every channel (--allow-unauthenticated-network)")
	}
	if token != "" && len(token) < shortToken {
		warnf(w, "the token has fewer than %d characters and can be guessed; make a longer one, for example with: openssl rand -hex 32", shortToken)
	}
	if r != fromHere && f.asks(token) && f.certChain == "" && f.public == "" {
		warnf(w, "the token and all messages travel unencrypted; use --tls-cert and --tls-key, or a proxy that speaks TLS")
	}
}

// hosts are the names that clients may use besides loopback. One concrete
// address to listen on, and the name in --public-url, are among them without
// being named.
func (f *networkFlags) hosts(host string, r reach) []string {
	list := slices.Clip(f.trusted)
	if u, err := url.Parse(f.public); err == nil && u.Host != "" {
		list = append(list, u.Hostname())
	}
	if r != fromNetwork || slices.Contains(f.trusted, host) {
		return list
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		host = ip.WithZone("").String() // clients have zones of their own
	}
	return append(list, host)
}

// loadTLS reads the certificate, if there is one to read.
func (f *networkFlags) loadTLS(flags *pflag.FlagSet, log *slog.Logger) (*tls.Config, error) {
	if !flags.Changed("tls-cert") && !flags.Changed("tls-key") {
		return nil, nil
	}
	if !flags.Changed("tls-cert") || !flags.Changed("tls-key") {
		return nil, usageError{errors.New("--tls-cert and --tls-key must be given together")}
	}
	for _, file := range []struct{ flag, path string }{{"tls-cert", f.certChain}, {"tls-key", f.certKey}} {
		if info, err := os.Stat(file.path); err != nil || info.IsDir() {
			return nil, usageError{fmt.Errorf("%s file not found: %s", calledBy(flags, file.flag), quoteEmpty(file.path))}
		}
	}
	config, err := boundary.LoadCertificate(f.certChain, f.certKey, log)
	if err != nil {
		return nil, usageError{err}
	}
	return config, nil
}
