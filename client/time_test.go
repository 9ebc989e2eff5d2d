package client_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/client"
)

// pipes is a network without addresses, for a synctest bubble.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial() (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

// inBubble runs a test against a server, where time costs nothing.
func inBubble(t *testing.T, h http.HandlerFunc, o client.Options, test func(t *testing.T, c *client.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
		server := &http.Server{Handler: h}
		go func() { _ = server.Serve(p) }()
		o.URL = "http://127.0.0.1"
		c := dial(t, o)
		c.DialWith(p.dial)
		test(t, c)
		c.Close()
		close(p.done)
		_ = server.Close()
	})
}

// say writes a part of a stream.
func say(w http.ResponseWriter, format string, args ...any) {
	w.Header().Set("Content-Type", "text/event-stream")
	_, _ = fmt.Fprintf(w, format, args...)
	_ = http.NewResponseController(w).Flush()
}

// A server that takes a connection and then says nothing holds nobody for ever.
func TestTimeout(t *testing.T) {
	stuck := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // or the handler never hears that its client left
		<-r.Context().Done()
	}
	inBubble(t, stuck, client.Options{}, func(t *testing.T, c *client.Client) {
		for name, call := range map[string]func() error{
			"Ping":   func() error { return second(c.Ping(t.Context())) },
			"Send":   func() error { return second(c.Send(t.Context(), bridgetest.NewAgent(t, c, "alice").Draft("#a", "x"))) },
			"Clear":  func() error { return second(c.Clear(t.Context(), "#a")) },
			"Follow": func() error { return second(c.Follow(t.Context(), "#a", "")) },
		} {
			start := time.Now()
			err := call()
			bridgetest.WantErr(t, agentbridge.Unreachable, err)
			if took := time.Since(start); took != client.DefaultTimeout || !strings.Contains(err.Error(), "in time") {
				t.Errorf("%s took %v: %v", name, took, err)
			}
		}
		start := time.Now()
		_, err := c.Wait(t.Context(), agentbridge.ReadRequest{Channel: "#a", Consumer: "bob"}, time.Hour)
		bridgetest.WantErr(t, agentbridge.Unreachable, err)
		if took := time.Since(start); took != agentbridge.MaxWait+client.DefaultTimeout {
			t.Errorf("Wait took %v", took)
		}
	})
}

// A stream that begins but never says where it stands is none of a bridge.
func TestTimeout_position(t *testing.T) {
	mute := func(w http.ResponseWriter, r *http.Request) {
		for say(w, ""); r.Context().Err() == nil; say(w, ": ping\n\n") {
			pause(r.Context(), time.Second)
		}
	}
	inBubble(t, mute, client.Options{}, func(t *testing.T, c *client.Client) {
		start := time.Now()
		_, err := c.Follow(t.Context(), "#a", "")
		bridgetest.WantErr(t, agentbridge.Unreachable, err)
		if took := time.Since(start); took != client.DefaultTimeout {
			t.Errorf("Follow took %v", took)
		}
	})
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
