// This file bounds how many connections are open, at the cost of those that do nothing.

package boundary

import (
	"container/list"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
)

const maxConnections = 10_000 // the most that MaxConnections returns

// LimitIdle sets s.ConnState so that at most max connections are open: when there is one more, the one that
// has been idle for longest is closed. So ten thousand idle connections keep nobody out. A connection that is
// waited for to send its first request counts as idle. One that is being served is never closed: if all are,
// the new one is. What s.ConnState did before it still does.
func LimitIdle(s *http.Server, max int) {
	conns := &connections{max: max, idle: list.New(), place: map[net.Conn]*list.Element{}}
	before := s.ConnState
	s.ConnState = func(c net.Conn, state http.ConnState) {
		conns.change(c, state)
		if before != nil {
			before(c, state)
		}
	}
}

type connections struct {
	max int

	mu    sync.Mutex                 // guards the fields below
	idle  *list.List                 // of net.Conn; the first has been idle for longest
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

// closeOldest closes a connection that is idle. The caller holds mu.
func (c *connections) closeOldest() {
	conn := c.idle.Remove(c.idle.Front()).(net.Conn)
	delete(c.place, conn)
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn() // closing TLS may wait for the client to take a farewell
	}
	conn.Close()
}
