package boundary_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge/internal/boundary"
)

const (
	signedIn  = `{"authenticated":true,"auth_required":true}` + "\n"
	signedOut = `{"authenticated":false,"auth_required":true}` + "\n"
	openDoor  = `{"authenticated":true,"auth_required":false}` + "\n"
)

// mint exchanges the token for a cookie, in the form of a request header.
func (x *bench) mint(headers ...string) string {
	x.t.Helper()
	resp := x.want(200, signedIn, "POST /api/session", append(headers, withToken)...)
	for _, c := range resp.Cookies() {
		if c.Name == "agentbridge_session" {
			return "Cookie: " + c.Name + "=" + c.Value
		}
	}
	x.t.Fatalf("no cookie in %v", resp.Header)
	return ""
}

func TestSession(t *testing.T) {
	x := newBench(t, boundary.Options{Token: token}, nil)
	noStore := map[string]string{"Cache-Control": "no-store", "Set-Cookie": ""}
	wantHeaders(t, x.want(401, "unauthorized", "GET /api/session"), noStore)
	wantHeaders(t, x.want(200, signedIn, "GET /api/session", withToken), noStore)

	resp := x.want(200, signedIn, "POST /api/session", withToken)
	wantHeaders(t, resp, map[string]string{"Cache-Control": "no-store"})
	form := `^agentbridge_session=[A-Za-z0-9_-]{43}; Path=/; Max-Age=28800; HttpOnly; SameSite=Strict$`
	if got := resp.Header.Get("Set-Cookie"); !regexp.MustCompile(form).MatchString(got) {
		t.Errorf("Set-Cookie is %q", got)
	}

	cookie := x.mint()
	x.want(200, signedIn, "GET /api/session", cookie)
	x.want(200, "reached", "GET /api/state", cookie)
	x.want(200, "reached", "POST /api/send", cookie, asJSON)
	x.want(200, "reached", "GET /events/channel/c", cookie)
	x.want(200, "reached", "GET /api/state", "Cookie: agentbridge_session="+strings.Repeat("A", 43)+"; "+strings.TrimPrefix(cookie, "Cookie: "))
	x.want(401, "unauthorized", "GET /api/state", cookie+"x")
	x.want(401, "unauthorized", "GET /api/state", cookie[:len(cookie)-1])
	x.want(401, "unauthorized", "GET /api/state", cookie, "Authorization: Bearer wrong") // whoever offers a token is asked for the right one
	x.want(200, "reached", "GET /api/state", cookie, "Authorization: Basic eDp5")        // a proxy's
	// A cookie goes with every request of a browser, whoever made it ask.
	x.want(403, "origin not allowed", "POST /api/send", cookie, asJSON, "Origin: http://localhost:3000", "Sec-Fetch-Site: same-site")
	x.want(403, "cross-site", "GET /events/channel/c", cookie, "Sec-Fetch-Site: same-site")
	x.want(403, "origin not allowed", "DELETE /api/session", cookie, "Origin: https://evil.example")
	x.want(200, "reached", "GET /api/state", cookie)

	resp = x.want(200, signedOut, "DELETE /api/session", cookie)
	wantHeaders(t, resp, map[string]string{"Cache-Control": "no-store",
		"Set-Cookie": "agentbridge_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict"})
	x.want(401, "unauthorized", "GET /api/state", cookie)
	x.want(401, "unauthorized", "GET /api/session", cookie)
	x.want(200, signedOut, "DELETE /api/session", cookie)
	x.want(200, signedOut, "DELETE /api/session")
}

func TestSession_minting(t *testing.T) {
	x := newBench(t, boundary.Options{Token: token, SessionTTL: 90 * time.Second}, nil)
	first := x.mint()
	x.want(401, "unauthorized", "POST /api/session", first) // a stolen cookie would live for ever
	x.want(401, "unauthorized", "POST /api/session")
	x.want(401, "unauthorized", "POST /api/session", "Authorization: Bearer wrong")
	x.want(200, "reached", "GET /api/state", first)
	second := x.mint(first)
	if second == first {
		t.Error("the same cookie twice")
	}
	x.want(401, "unauthorized", "GET /api/state", first)
	x.want(200, "reached", "GET /api/state", second)
	third := x.mint() // another browser's
	x.want(200, "reached", "GET /api/state", second)
	x.want(200, "reached", "GET /api/state", third)
	if got := x.want(200, "", "POST /api/session", withToken).Header.Get("Set-Cookie"); !strings.Contains(got, "; Max-Age=90;") {
		t.Errorf("Set-Cookie is %q", got)
	}
	x.b.Close()
	x.want(401, "unauthorized", "GET /api/state", second)
	x.want(401, "unauthorized", "GET /api/state", third)
}

func TestSession_methods(t *testing.T) {
	x := newBench(t, boundary.Options{Token: token}, nil)
	for _, method := range []string{"PUT", "PATCH", "OPTIONS", "TRACE", "PROPFIND"} {
		resp := x.want(405, `{"error":"method not allowed"}`, method+" /api/session", withToken)
		wantHeaders(t, resp, map[string]string{"Allow": "GET, HEAD, POST, DELETE", "Content-Type": "application/json", "Cache-Control": "no-store"})
		x.want(401, "unauthorized", method+" /api/session")
	}
	if resp, body := x.do("HEAD /api/session", withToken); resp.StatusCode != 200 || body != "" {
		t.Errorf("HEAD: got %d %s", resp.StatusCode, body)
	}
}

func TestSession_open(t *testing.T) {
	x := newBench(t, boundary.Options{}, nil)
	for _, method := range []string{"GET", "POST"} {
		wantHeaders(t, x.want(200, openDoor, method+" /api/session"), map[string]string{"Set-Cookie": "", "Cache-Control": "no-store"})
	}
	x.want(200, `{"authenticated":false,"auth_required":false}`, "DELETE /api/session")
	x.want(403, "unauthenticated", "POST /api/session", "X-Forwarded-For: 8.8.8.8")
}

func TestSession_secure(t *testing.T) {
	proxies, _ := boundary.ParseProxies([]string{"127.0.0.1"})
	for _, c := range []struct {
		o      boundary.Options
		header string
		secure bool
	}{
		{boundary.Options{Token: token}, "X-Forwarded-Proto: https", false},
		{boundary.Options{Token: token, Proxies: proxies}, "X-Forwarded-Proto: https", true},
		{boundary.Options{Token: token, Proxies: proxies}, "X-Forwarded-Proto: http", false},
		{boundary.Options{Token: token, TLS: true}, "X-A: b", true},
	} {
		x := newBench(t, c.o, nil)
		for _, line := range []string{"POST /api/session", "DELETE /api/session"} {
			set := x.want(200, "authenticated", line, withToken, c.header).Header.Get("Set-Cookie")
			if strings.Contains(set, "; Secure") != c.secure {
				t.Errorf("%s with %s: Set-Cookie is %q, want Secure: %t", line, c.header, set, c.secure)
			}
		}
	}
}

func TestSession_atMost(t *testing.T) {
	g := newGate(t)
	mint := func() string {
		r := httptest.NewRequest("POST", "http://localhost/api/session", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		g.h.ServeHTTP(w, r)
		return strings.TrimSuffix(strings.SplitAfter(w.Header().Get("Set-Cookie"), ";")[0], ";")
	}
	first, second := mint(), mint()
	for range boundary.MaxSessions - 1 {
		mint()
	}
	if n := g.b.Sessions(); n != boundary.MaxSessions {
		t.Errorf("%d sessions, want %d", n, boundary.MaxSessions)
	}
	if w := g.ask(attacker, "Cookie", first); w.Code != 401 {
		t.Errorf("the oldest: got %d, want 401", w.Code)
	}
	if w := g.ask(attacker, "Cookie", second); w.Code != 200 {
		t.Errorf("the second oldest: got %d, want 200", w.Code)
	}
	g.b.Close()
	if n := g.b.Sessions(); n != 0 {
		t.Errorf("%d sessions after Close", n)
	}
}

// stream writes an event at once, then waits for the end of its request and tells why it came.
func stream(ended chan<- error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "event")
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
		ended <- context.Cause(r.Context())
	}
}

// A stream that was opened with a cookie must not outlive the session; one that came with the token goes on.
func TestSession_endsStreams(t *testing.T) {
	for name, end := range map[string]func(x *bench, cookie string){
		"signed out": func(x *bench, cookie string) { x.want(200, signedOut, "DELETE /api/session", cookie) },
		"replaced":   func(x *bench, cookie string) { x.mint(cookie) },
		"closed":     func(x *bench, _ string) { x.b.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			ended, bearerEnded := make(chan error, 1), make(chan error, 1)
			x := newBench(t, boundary.Options{Token: token}, func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Authorization") != "" {
					stream(bearerEnded)(w, r)
					return
				}
				stream(ended)(w, r)
			})
			cookie := x.mint()
			open := func(header string) (io.Closer, *bufio.Reader) {
				resp, err := x.server.Client().Do(x.ask("GET /events/channel/c", header))
				if err != nil {
					t.Fatal(err)
				}
				r := bufio.NewReader(resp.Body)
				if line, err := r.ReadString('\n'); err != nil || line != "event\n" {
					t.Fatalf("got %q, %v", line, err)
				}
				return resp.Body, r
			}
			_, r := open(cookie)
			other, _ := open(withToken)
			end(x, cookie)
			if err := <-ended; err == nil || err.Error() != "the session was revoked" {
				t.Errorf("the cause is %v", err)
			}
			if _, err := r.ReadByte(); err != io.EOF {
				t.Errorf("the stream goes on: %v", err)
			}
			select {
			case err := <-bearerEnded:
				t.Errorf("the other stream ended: %v", err)
			default:
			}
			other.Close()
			<-bearerEnded
		})
	}
}

func TestSession_expires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		b := boundary.New(boundary.Options{Token: token})
		p := newPipe(t, b.Wrap(stream(ended)))
		start := time.Now()
		_, r := p.dial("POST /api/session" + slowHead + "\r\n")
		resp, err := http.ReadResponse(r, nil)
		if err != nil || resp.StatusCode != 200 {
			t.Fatal(resp, err)
		}
		get := "GET /events/channel/c HTTP/1.1\r\nHost: localhost\r\nCookie: agentbridge_session=" + resp.Cookies()[0].Value + "\r\n\r\n"

		time.Sleep(7 * time.Hour) // using it does not make it longer
		_, r = p.dial(get)
		if status, body := p.answer(r); status != 200 || body != "event\n" {
			t.Errorf("got %d %s", status, body)
		}
		if err := <-ended; err == nil || err.Error() != "the session has expired" || time.Since(start) != 8*time.Hour {
			t.Errorf("ended after %s: %v", time.Since(start), err)
		}
		_, r = p.dial(get)
		if status, _ := p.answer(r); status != 401 {
			t.Errorf("after it expired: got %d, want 401", status)
		}
		if n := b.Sessions(); n != 0 {
			t.Errorf("%d sessions are left", n)
		}
	})
}
