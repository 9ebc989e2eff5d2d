package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/client"
	"agentbridge/internal/httpapi"
	"agentbridge/internal/relay"

	"github.com/google/go-cmp/cmp"
)

// site is a server that can be stopped and started again on the same address
// and the same files.
type site struct {
	t      *testing.T
	dir    string
	addr   string
	bridge *bridgetest.Bridge
	api    *httpapi.Server
	server *http.Server
}

func newSite(t *testing.T) *site {
	s := &site{t: t, dir: t.TempDir(), addr: "127.0.0.1:0"}
	s.start()
	t.Cleanup(s.stop)
	return s
}

func (s *site) start() {
	s.t.Helper()
	l, err := net.Listen("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.addr = l.Addr().String()
	s.bridge = bridgetest.Open(s.t, s.dir, relay.Options{})
	s.api = httpapi.New(s.bridge.Relay, httpapi.Options{})
	s.server = &http.Server{Handler: asLocal(s.api.Handler())}
	go func(server *http.Server) { _ = server.Serve(l) }(s.server)
}

// unplug ends the server in the middle of whatever it says.
func (s *site) unplug() { _ = s.server.Close() }

func (s *site) stop() {
	s.unplug()
	s.api.Close()
	s.bridge.Close()
}

// collect reads a feed until it told so many messages, and returns them.
func collect(t *testing.T, f agentbridge.Feed, n int) (texts []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for len(texts) < n {
		b, err := f.Next(ctx)
		if err != nil {
			t.Fatalf("Next() after %d messages = %v", len(texts), err)
		}
		for _, e := range b.Events {
			if e.Kind != agentbridge.EventMessage {
				t.Fatalf("Next() after %d messages = %s", len(texts), bridgetest.Tell(e))
			}
			texts = append(texts, e.Message.Content)
		}
	}
	return texts
}

// A server is restarted again and again; its readers get everything once.
func TestFeed_restarts(t *testing.T) {
	const rounds, each = 5, 100
	s := newSite(t)
	c := dial(t, client.Options{URL: "http://" + s.addr})
	reader := bridgetest.NewAgent(t, c, "reader")
	feeds := map[string]agentbridge.Feed{"Follow": reader.MustFollow("#build", ""), "Watch": reader.MustWatch("")}
	var want []string
	send := func() {
		for range each {
			want = append(want, fmt.Sprint("m", len(want)))
			s.bridge.Agent("alice").MustSend("#build", want[len(want)-1])
		}
	}
	for round := range rounds {
		send()
		if round%2 == 0 {
			s.unplug()
		} else {
			s.api.Close() // says bye where it can
		}
		send()
		s.stop()
		s.start()
	}
	for name, f := range feeds {
		if diff := cmp.Diff(want, collect(t, f, len(want))); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
	alice := s.bridge.Agent("alice")
	alice.MustSend("#build", "last")
	for name, f := range feeds {
		if got := collect(t, f, 1); got[0] != "last" {
			t.Errorf("%s: %q after all, want the next message", name, got)
		}
	}
}

// shears is a network that cuts each connection after some bytes of the
// server's answer.
type shears struct {
	net.Listener
	to string

	mu   sync.Mutex // guards rand
	rand *rand.Rand
}

func (s *shears) serve() {
	for {
		conn, err := s.Accept()
		if err != nil {
			return
		}
		go s.forward(conn)
	}
}

func (s *shears) forward(conn net.Conn) {
	defer conn.Close()
	up, err := net.Dial("tcp", s.to)
	if err != nil {
		return
	}
	defer up.Close()
	go func() {
		_, _ = io.Copy(up, conn)
		_ = up.Close()
	}()
	s.mu.Lock()
	length := s.rand.Int64N(50_000) // a batch of Watch takes up to 35,000
	if s.rand.IntN(4) == 0 {
		length = s.rand.Int64N(600) // in the header or the first frame
	}
	s.mu.Unlock()
	_, _ = io.CopyN(conn, up, length)
}

// Connections are cut anywhere, also within a frame; nothing is lost or told
// twice.
func TestFeed_cutAnywhere(t *testing.T) {
	const n = 1000
	s := newSite(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	between := &shears{Listener: l, to: s.addr, rand: rand.New(rand.NewPCG(1, 2))}
	go between.serve()

	var mu sync.Mutex
	cuts := 0
	c := dial(t, client.Options{URL: "http://" + l.Addr().String(), OnReconnect: func(error, time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		cuts++
	}})
	now := s.bridge.Agent("alice").MustWatch("").Position()
	feeds := map[string]agentbridge.Feed{
		"Follow": insist(t, func() (agentbridge.Feed, error) {
			return c.Follow(t.Context(), "#build", agentbridge.Position(agentbridge.Mark(0)))
		}),
		"Watch": insist(t, func() (agentbridge.Feed, error) { return c.Watch(t.Context(), nil, now) }),
	}
	var want []string
	for i := range n {
		want = append(want, fmt.Sprint("m", i))
	}
	sent := make(chan error, 1)
	go func() {
		alice := s.bridge.Agent("alice")
		for _, text := range want {
			if _, err := alice.Send(t.Context(), alice.Draft("#build", text)); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	for name, f := range feeds {
		if diff := cmp.Diff(want, collect(t, f, n)); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
	if err := <-sent; err != nil {
		t.Fatalf("Send() = %v", err)
	}
	mu.Lock()
	defer mu.Unlock()
	if cuts < 10 {
		t.Errorf("%d cuts: too few to show anything", cuts)
	}
}

// insist tries until a connection holds long enough for a feed to begin.
func insist(t *testing.T, open func() (agentbridge.Feed, error)) agentbridge.Feed {
	t.Helper()
	for range 100 {
		f, err := open()
		if err == nil {
			t.Cleanup(f.Close)
			return f
		}
		bridgetest.WantErr(t, agentbridge.Unreachable, err)
	}
	t.Fatal("the feed never began")
	return nil
}

// A reader that does not read is cut by the bridge, and goes on when it does.
func TestFeed_slowReader(t *testing.T) {
	const n = 300 // of 100 kB: more than queue and network take
	s := newSite(t)
	reader := bridgetest.NewAgent(t, dial(t, client.Options{URL: "http://" + s.addr}), "reader")
	f := reader.MustFollow("#build", "")
	alice, pad := s.bridge.Agent("alice"), strings.Repeat("x", 100_000)
	var want []string
	for i := range n {
		want = append(want, fmt.Sprint(i, pad))
		alice.MustSend("#build", want[i])
	}
	s.unplug()
	s.stop()
	s.start()
	got := collect(t, f, n)
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("message %d is %q, want %d", i, agentbridge.Preview(got[i], 10), i)
		}
	}
}

// Close ends a feed whatever it is doing, and so does nothing twice.
func TestFeed_close(t *testing.T) {
	s := newSite(t)
	reader := bridgetest.NewAgent(t, dial(t, client.Options{URL: "http://" + s.addr}), "reader")
	f, g := reader.MustFollow("#build", ""), reader.MustFollow("#build", "")
	f.Close()
	f.Close()
	_, err := f.Next(t.Context())
	bridgetest.WantErr(t, agentbridge.Closed, err)
	s.stop() // g is trying to come back now
	g.Close()
	s.start()
}

// What Follow is refused it is refused at once.
func TestFeed_unreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := dial(t, client.Options{URL: "http://" + l.Addr().String()})
	l.Close()
	_, err = c.Follow(t.Context(), "#build", "")
	bridgetest.WantErr(t, agentbridge.Unreachable, err)
	if errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Follow() = %v", err)
	}
}
