package boundary_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge"
	"agentbridge/internal/boundary"
)

// What is open when a token is revoked ends, however it came in. Each handler says why.
func TestAgents_revocationEndsStreams(t *testing.T) {
	for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
		for _, by := range []string{"credential", "cookie"} {
			t.Run(proto+" by "+by, func(t *testing.T) {
				a := &agents{}
				alice, bob := a.add("alice", member), a.add("bob", member)
				ended := make(chan error, 1)
				x := newBench(t, boundary.Options{Authenticator: a}, func(w http.ResponseWriter, r *http.Request) {
					fmt.Fprintln(w, r.Proto)
					http.NewResponseController(w).Flush()
					<-r.Context().Done()
					if agentbridge.PrincipalOf(r.Context()).Name == "alice" {
						ended <- context.Cause(r.Context())
					}
				})
				if proto == "HTTP/2.0" {
					x.server = secondServer(t, x)
				}
				header := holding(alice)
				if by == "cookie" {
					header = x.signIn(alice)
				}
				hers, others := x.open("GET /events/channel/c", proto, header), x.open("GET /sse", proto, holding(bob))
				a.revoke(alice)
				if err := <-ended; err != errRevoked {
					t.Errorf("the cause is %v, want that of the principal", err)
				}
				if _, err := hers.ReadByte(); err != io.EOF {
					t.Errorf("alice's stream: %v, want its end", err)
				}
				if n := others.Buffered(); n != 0 {
					t.Errorf("bob's stream holds %d bytes", n)
				}
			})
		}
	}
}

func secondServer(t *testing.T, x *bench) *httptest.Server {
	server := httptest.NewUnstartedServer(x.server.Config.Handler)
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

// open begins a stream whose first line is its protocol.
func (x *bench) open(line, proto string, headers ...string) *bufio.Reader {
	x.t.Helper()
	resp, err := x.server.Client().Do(x.ask(line, headers...))
	if err != nil {
		x.t.Fatal(err)
	}
	x.t.Cleanup(func() { resp.Body.Close() })
	r := bufio.NewReader(resp.Body)
	if first, err := r.ReadString('\n'); err != nil || first != proto+"\n" {
		x.t.Fatalf("%d %q, %v; want a stream over %s", resp.StatusCode, first, err, proto)
	}
	return r
}

// A client that does not read holds up its stream's end no longer than five seconds, whatever the handler does.
func TestAgents_revocationCutsOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &agents{}
		alice := a.add("alice", member)
		over := make(chan time.Time, 1)
		b := boundary.New(boundary.Options{Authenticator: a})
		p := newPipe(t, b.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for err := error(nil); err == nil; { // and heeds no end
				_, err = w.Write(make([]byte, 1<<10))
			}
			over <- time.Now()
		})))
		conn, _ := p.dial("GET /events/channel/c HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + alice + "\r\n\r\n")
		defer conn.Close()
		time.Sleep(time.Minute)
		revoked := time.Now()
		a.revoke(alice)
		if d := (<-over).Sub(revoked); d > 5*time.Second {
			t.Errorf("it wrote for %v", d)
		}
	})
}

// Whoever came in while the bridge was open is asked again when it is not any more.
func TestAgents_openStreamsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &agents{}
		ended := make(chan error, 1)
		b := boundary.New(boundary.Options{Authenticator: a})
		h := b.Wrap(stream(ended))
		ask := func() int {
			r := httptest.NewRequest("GET", "http://localhost/events/channel/c", nil)
			r.RemoteAddr = "127.0.0.1:5"
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			return w.Code
		}
		go ask()
		time.Sleep(time.Hour)
		select {
		case err := <-ended:
			t.Fatalf("it ended before anybody was known: %v", err)
		default:
		}
		known := time.Now()
		a.add("alice", member)
		if err := <-ended; agentbridge.CodeOf(err) != agentbridge.Unauthenticated || time.Since(known) > 5*time.Second {
			t.Errorf("it ended after %v: %v", time.Since(known), err)
		}
		if code := ask(); code != 401 {
			t.Errorf("then: got %d, want 401", code)
		}
	})
}
