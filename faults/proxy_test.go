package faults

import (
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// lossy forwards connections to a server: all that clients say, and of what the
// server says to a connection a random number of bytes, after which the
// connection is gone. So requests are carried out whose answers nobody gets, or
// half of them.
type lossy struct {
	url  string
	cuts atomic.Int64 // answers that were cut off, or connections before one

	server   string
	listener net.Listener
	lengths  func() int64 // how much of its answers a connection gets
	members  sync.WaitGroup

	mu    sync.Mutex // guards the fields below
	open  map[net.Conn]bool
	ended bool
}

// newLossy begins to forward to a server. Most connections get a few answers or
// a part of the first, and one in twelve enough for pages. It ends with the
// test.
func newLossy(t testing.TB, host string, random *rand.Rand) *lossy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex // guards random
	p := &lossy{url: "http://" + listener.Addr().String(), server: host, listener: listener, open: map[net.Conn]bool{}, lengths: func() int64 {
		mu.Lock()
		defer mu.Unlock()
		if random.IntN(12) == 0 {
			return random.Int64N(100_000)
		}
		return random.Int64N(2000)
	}}
	p.members.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

func (p *lossy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return // it is closed
		}
		p.members.Go(func() { p.forward(client) })
	}
}

// forward carries one connection to its end.
func (p *lossy) forward(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		return
	}
	defer p.forget(client, server)
	if !p.keep(client, server) {
		return
	}
	p.members.Go(func() {
		_, _ = io.Copy(server, client)
		_ = server.Close() // if it hasn't ended by now, its client has
	})
	limit := p.lengths()
	if n, _ := io.CopyN(client, server, limit); n == limit && p.cuts.Add(1)%2 == 0 {
		_ = client.(*net.TCPConn).SetLinger(0) // what the client has not read by now is lost as well
	}
}

// keep notes connections so that they end with the proxy.
func (p *lossy) keep(list ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range list {
		p.open[c] = true
	}
	return !p.ended
}

func (p *lossy) forget(list ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range list {
		_ = c.Close()
		delete(p.open, c)
	}
}

func (p *lossy) close() {
	_ = p.listener.Close()
	p.mu.Lock()
	p.ended = true
	for c := range p.open {
		_ = c.Close()
	}
	p.mu.Unlock()
	p.members.Wait()
}
