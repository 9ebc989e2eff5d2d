// This file bounds how many connections are open, at the cost of those that do nothing.

package boundary

import (
	"container/list"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
)

const maxConnections = 10_000 // the most that MaxConnections returns

// LimitIdle sets s.ConnState and s.ConnContext so that at most max connections are open: when there is one
// more, the one that has been waited for longest is closed. So ten thousand idle connections keep nobody out.
// Waited for is a connection between two requests, before its first one, and while a body that a Boundary
// reads has not all arrived. One that is being served is never closed: if all are, the new one is. What
// s.ConnState did before it still does.
func LimitIdle(s *http.Server, max int) {
	conns := &connections{max: max, idle: list.New(), place: map[net.Conn]*list.Element{}}
	before := s.ConnState
	s.ConnState = func(c net.Conn, state http.ConnState) {
		conns.change(c, state)
		if before != nil {
			before(c, state)
		}
	}
	s.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, arrivalKey{}, arrival{conns, c})
	}
}

// arrival is a connection whose request may still be on its way.
type arrival struct {
	conns *connections
	conn  net.Conn
}

type arrivalKey struct{}

// arrivalOf returns nil where nothing limits connections, and for HTTP/2, where one connection carries many
// requests.
func arrivalOf(r *http.Request) *arrival {
	a, ok := r.Context().Value(arrivalKey{}).(arrival)
	if !ok || r.ProtoMajor > 1 {
		return nil
	}
	return &a
}

// wait says that the rest of a request is waited for, serve that it is there.
func (a *arrival) wait()  { a.conns.change(a.conn, http.StateIdle) }
func (a *arrival) serve() { a.conns.change(a.conn, http.StateActive) }

type connections struct {
	max int

	mu    sync.Mutex                 // guards the fields below
	idle  *list.List                 // of net.Conn; the first has been waited for longest
	place map[net.Conn]*list.Element // in idle, nil for one that is being served; holds every open connection
}

// change is called by the server, also by its accept loop: it must not wait.
func (c *connections) change(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	place, known := c.place[conn]
	if !known && state != http.StateNew {
		return // we have closed it
	}
	if place != nil {
		c.idle.Remove(place)
	}
	switch state {
	case http.StateNew, http.StateIdle:
		c.place[conn] = c.idle.PushBack(conn)
	case http.StateActive:
		c.place[conn] = nil
	default:
		delete(c.place, conn)
	}
	if len(c.place) > c.max && c.idle.Len() > 0 {
		c.closeOldest()
	}
}

// closeOldest closes a connection that is waited for. The caller holds mu.
func (c *connections) closeOldest() {
	conn := c.idle.Remove(c.idle.Front()).(net.Conn)
	delete(c.place, conn)
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn() // closing TLS may wait for the client to take a farewell
	}
	conn.Close()
}
