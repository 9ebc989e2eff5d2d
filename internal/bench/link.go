package bench

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"agentbridge"
	"agentbridge/internal/wire"
)

const (
	callTime  = 60 * time.Second // for a call that doesn't wait
	maxAnswer = 32 << 20         // bytes of one answer; what is larger is no bridge's
)

// link is one agent's way to a server: a connection that is kept between calls,
// and others for its streams.
type link struct {
	base      string // the server's URL, without credentials and without a slash at the end
	transport *http.Transport
	header    http.Header // of every call; never changed
}

// newLink prepares a link. It connects to nothing.
func (t *Target) newLink() (*link, error) {
	u, err := url.Parse(t.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, agentbridge.Refuse(agentbridge.InvalidFormat, "url", "of %s is not that of a server; write it like http://127.0.0.1:8765", t.Name)
	}
	l := &link{
		base: u.Scheme + "://" + u.Host + strings.TrimRight(u.EscapedPath(), "/"),
		transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment, // which leaves out this machine
			MaxIdleConnsPerHost:    1,
			IdleConnTimeout:        90 * time.Second,
			TLSHandshakeTimeout:    callTime,
			DisableCompression:     true,
			MaxResponseHeaderBytes: 64 << 10,
		},
		header: http.Header{
			"Accept":       {"application/json"},
			"Content-Type": {"application/json"},
			"User-Agent":   {"agentbridge-bench/" + agentbridge.Version},
		},
	}
	if t.Token != "" {
		l.header["Authorization"] = []string{"Bearer " + t.Token}
	}
	return l, nil
}

// close gives up the kept connection.
func (l *link) close() { l.transport.CloseIdleConnections() }

// headerWith is the header of every call with some of its fields set anew.
func (l *link) headerWith(pairs ...string) http.Header {
	h := l.header.Clone()
	for i := 0; i+1 < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

// ask makes a call of the JSON API and reads its answer into answer. It may wait
// for so long beyond the time that every call has.
func (l *link) ask(ctx context.Context, method, path string, body, answer any, wait time.Duration) error {
	within, cancel := context.WithTimeout(ctx, callTime+wait)
	defer cancel()
	var raw []byte
	if body != nil {
		var err error
		if raw, err = encode(body); err != nil {
			return err
		}
	}
	resp, err := l.do(within, method, path, l.header, raw)
	if err == nil {
		defer resp.Body.Close()
		err = l.read(resp, answer)
	}
	return l.outcome(ctx, err)
}

// do makes a request. Its answer is one of success, whose body the caller
// closes. A redirect is not followed: the token must go nowhere else.
func (l *link) do(ctx context.Context, method, path string, header http.Header, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, l.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body == nil {
		req.Body, req.GetBody = nil, nil
	}
	req.Header = header
	resp, err := l.transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return resp, nil
	}
	defer resp.Body.Close()
	return nil, l.refusal(resp)
}

// read reads an answer that is one JSON document.
func (l *link) read(resp *http.Response, answer any) error {
	if !isMedia(resp, "application/json") {
		return l.foreign("its answer is not JSON")
	}
	raw, err := readWhole(resp)
	switch {
	case err != nil:
		return err
	case len(raw) > maxAnswer:
		return l.foreign("its answer has no end")
	}
	if err := json.Unmarshal(raw, answer); err != nil {
		return l.foreign("its answer makes no sense")
	}
	return nil
}

// readWhole reads an answer to its end, so that the connection can be used again,
// or a byte more than it may have.
func readWhole(resp *http.Response) ([]byte, error) {
	var b bytes.Buffer
	if n := resp.ContentLength; n > 0 && n <= maxAnswer {
		b.Grow(int(n) + bytes.MinRead)
	}
	_, err := b.ReadFrom(io.LimitReader(resp.Body, maxAnswer+1))
	return b.Bytes(), err
}

// isMedia tells whether an answer is of a media type.
func isMedia(resp *http.Response, want string) bool {
	got, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(got), want)
}

// encode writes JSON on one line without HTML escapes, which would make text up
// to six times as long as servers expect.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return b.Bytes(), err
}

// arrive opens a link to a target that is what it says, and returns the name
// under which the bridge knows who comes: its own for a token that is an agent's,
// else the given one.
func (t *Target) arrive(ctx context.Context, name string) (*link, string, error) {
	l, err := t.newLink()
	if err != nil {
		return nil, "", err
	}
	known, err := l.greet(ctx, t.Foreign)
	if err != nil {
		l.close()
		return nil, "", err
	}
	return l, cmp.Or(known, name), nil
}

// greet asks the server who it is, and by what name it knows the agent: "" if
// that may call itself what it likes.
func (l *link) greet(ctx context.Context, foreign bool) (name string, err error) {
	var status wire.Status
	if err := l.ask(ctx, http.MethodGet, "/status", nil, &status, 0); err != nil {
		return "", l.stranger(err)
	}
	if status.Service == "" || status.Status == "" || status.Version == "" || status.ServerTime == "" {
		return "", l.foreign("its /status does not say what a bridge's says")
	}
	if !foreign && status.Service != agentbridge.Service {
		return "", agentbridge.Refuse(agentbridge.Unreachable, "", "the server at %s is no agentbridge but calls itself %q; "+
			"check the address, or name it as one to compare with", l.base, inert(status.Service))
	}
	var session wire.Session
	err = l.ask(ctx, http.MethodGet, "/api/session", nil, &session, 0)
	if foreign && agentbridge.CodeOf(err) == agentbridge.NotFound { // older ones don't have it
		err = nil
	}
	return string(session.Agent), err
}
