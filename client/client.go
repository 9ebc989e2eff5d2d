// Package client is a bridge that is elsewhere: it implements
// agentbridge.Session over the JSON API and the event streams of a running
// server, so that commands and screens cannot tell near from far. Rules of the
// bridge are the server's; the client's own are how to reach it, when to try
// again, and what not to believe.
//
// Errors mean what they mean near by: a refusal of the server arrives as an
// *agentbridge.Error with the same code. One that nobody answers, or somebody
// who is no agentbridge, is Unreachable.
package client

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/url"
	"time"

	"agentbridge"
)

// DefaultTimeout bounds a call that doesn't wait.
const DefaultTimeout = 15 * time.Second

// Options say where a bridge is and how to talk to it. Only URL is needed.
type Options struct {
	// URL of the bridge: http://host:8765 or https://…; a path prefix is kept.
	// Proxies of the environment (HTTPS_PROXY, NO_PROXY …) are used, but not on
	// the way to this machine.
	URL string

	// Token is the shared token, sent as "Authorization: Bearer"; "" for none.
	// It is never sent elsewhere: redirects are not followed.
	Token string

	// AllowPlaintext lets the token travel over http to another machine. All
	// who can see the network in between can read it, and everything else, so
	// this is for links that are encrypted below, such as a VPN or a tunnel.
	AllowPlaintext bool

	// RootCAs are whose certificates are believed; nil means the system's.
	RootCAs *x509.CertPool

	// Timeout is how long a call that doesn't wait may take, retries included;
	// 0 means DefaultTimeout.
	Timeout time.Duration

	// Retry is how long a feed that lost its connection keeps trying before
	// Next fails as Unreachable; 0 means for ever.
	Retry time.Duration

	// OnReconnect is told before each pause of a feed why it lost its
	// connection and how long it will wait. It is called from the feed's own
	// goroutine and holds that up; it may be nil.
	OnReconnect func(err error, wait time.Duration)
}

// Client is a session of a bridge that is elsewhere. It is safe for concurrent
// use.
type Client struct {
	base      *url.URL
	name      string // of the bridge, for people: the URL
	token     string
	timeout   time.Duration
	retry     time.Duration
	onRestart func(err error, wait time.Duration)
	http      *http.Client
	transport *http.Transport
	witness   witness // of what Ping was told of the audit log
}

var _ agentbridge.Session = (*Client)(nil)

// New returns a client. It checks the options and connects to nothing. Errors
// never show the token.
func New(o Options) (*Client, error) {
	base, err := parseURL(o.URL)
	if err != nil {
		return nil, err
	}
	if err := checkToken(o, base); err != nil {
		return nil, err
	}
	c := &Client{
		base: base, name: base.String(), token: o.Token,
		timeout: o.Timeout, retry: o.Retry, onRestart: o.OnReconnect,
	}
	if c.timeout <= 0 {
		c.timeout = DefaultTimeout
	}
	if c.onRestart == nil {
		c.onRestart = func(error, time.Duration) {}
	}
	c.transport = newTransport(c.timeout, o.RootCAs)
	c.http = &http.Client{Transport: c.transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // another host must not get the token
	}}
	return c, nil
}

// Close gives up idle connections. Calls under way end with their contexts,
// and feeds with their own Close.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// proxy is the environment's, but never for this machine: a token may travel to
// it unencrypted.
func proxy(r *http.Request) (*url.URL, error) {
	if isLoopback(r.URL.Hostname()) {
		return nil, nil
	}
	return http.ProxyFromEnvironment(r)
}

func newTransport(timeout time.Duration, roots *x509.CertPool) *http.Transport {
	dialer := &net.Dialer{Timeout: timeout, KeepAlive: 15 * time.Second}
	return &http.Transport{
		Proxy:               proxy,
		DialContext:         dialer.DialContext,
		TLSClientConfig:     &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: timeout,
		MaxIdleConnsPerHost: 32,
		IdleConnTimeout:     90 * time.Second,
		ForceAttemptHTTP2:   true,
		// Streams share a connection over HTTP/2; a dead one is noticed by its
		// pings, or every call would wait for its own timeout on it.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 15 * time.Second},
		// Answers are small and streams must not be held back.
		DisableCompression:     true,
		MaxResponseHeaderBytes: 64 << 10,
	}
}
