package faults

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"
)

// Thousands of event streams are opened and dropped, half of them politely and
// half as by a client whose machine was switched off. Those who use the bridge
// meanwhile notice nothing, and afterwards nothing is left of them.
func TestStreams_openedAndDropped(t *testing.T) {
	t.Parallel()
	const channel = "#streams"
	n := rounds(t, 1)
	total := min(10_000, 334*n)
	wave := min(2000, total, files(t)/3)
	if raceEnabled {
		wave = min(wave, 1000) // the race detector bounds goroutines
	}
	h, l := newHome(t), newLedger(t)
	server := h.serve("--max-sse", fmt.Sprint(wave+100), "--max-sse-per-channel", fmt.Sprint(wave+100))
	sender := l.insistent(overMCP(t, server.url), channel, "sender")
	tell := func() { // each of these goes to every stream
		for range 3 {
			if !sender.try(t.Context(), l.next(channel, sender.name, sender.size)) {
				t.Error("a send beside streams that come and go was not answered")
			}
		}
	}
	subscriber := newReading(t, "a subscriber", channel)
	c := begin(t)
	defer c.end()
	c.read(func(ctx context.Context) { subscriber.follow(ctx, overHTTP(t, server.url)) })
	tell()
	drop(t, openStreams(t, server, channel, 20)) // what the first ones make the server open for good
	wantStreams(t, server, 1)
	before := usageOf(server.program)
	most := before
	for done := 0; done < total; done += wave {
		open := openStreams(t, server, channel, min(wave, total-done))
		most.rss = max(most.rss, usageOf(server.program).rss)
		tell()
		drop(t, open)
	}
	wantStreams(t, server, 1)
	const slack = 20 // connections of our own that come and go
	eventually(t, fmt.Sprintf("descriptors of a server that had %d", before.files), func() (any, bool) {
		now := usageOf(server.program).files
		return now, now <= before.files+slack
	})
	late := newReading(t, "a subscriber that comes afterwards", channel)
	c.read(func(ctx context.Context) { late.follow(ctx, overHTTP(t, server.url)) })
	tell()
	c.finish(l, subscriber, late)
	after := usageOf(server.program)
	report(t, "event streams opened and dropped", n, verify(t, h, l, subscriber, late), "streams", total, "at-once", wave,
		"files-before", before.files, "files-after", after.files, "threads-before", before.threads, "threads-after", after.threads,
		"rss-mib-before", before.rss, "rss-mib-most", most.rss, "rss-mib-after", after.rss)
	if limit := before.threads + 50; after.threads > limit {
		t.Errorf("a server whose streams are gone has %d threads, want at most %d", after.threads, limit)
	}
}

// wantStreams waits until a server has so many event streams.
func wantStreams(t *testing.T, s *server, n int) {
	t.Helper()
	eventually(t, fmt.Sprintf("event streams of a server that has %d readers", n), func() (any, bool) {
		now := s.streams()
		return now, now == n
	})
}

// openStreams opens event streams of both kinds, each on a connection of its
// own, and waits until all of them are open.
func openStreams(t *testing.T, s *server, channel string, n int) []*net.TCPConn {
	t.Helper()
	open := make([]*net.TCPConn, n)
	failed := make(chan error, n)
	places := make(chan struct{}, 64)
	var work sync.WaitGroup
	for i := range open {
		places <- struct{}{}
		work.Go(func() {
			defer func() { <-places }()
			path := "/events/channel/%23" + channel[1:]
			if i%2 == 0 {
				path = "/api/events"
			}
			var err error
			if open[i], err = openStream(s.host(), path, nil); err != nil {
				failed <- err
			}
		})
	}
	work.Wait()
	select {
	case err := <-failed:
		t.Fatalf("%d of %d streams could not be opened: %v", len(failed)+1, n, err)
	default:
	}
	return open
}

// openStream asks for an event stream and reads the head of the answer, and no
// more. Its connection is dialer's, if there is one.
func openStream(host, path string, dialer *net.Dialer) (*net.TCPConn, error) {
	if dialer == nil {
		dialer = &net.Dialer{}
	}
	conn, err := dialer.Dial("tcp", host)
	if err != nil {
		return nil, err
	}
	_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\n\r\n", path, host)
	if err == nil {
		var resp *http.Response
		if resp, err = http.ReadResponse(bufio.NewReader(conn), nil); err == nil && resp.StatusCode != http.StatusOK {
			err = fmt.Errorf("GET %s: %s", path, resp.Status)
		}
	}
	if err != nil {
		_ = conn.Close() // it is of no use
		return nil, err
	}
	return conn.(*net.TCPConn), nil
}

// drop closes connections, every second one with a reset.
func drop(t *testing.T, open []*net.TCPConn) {
	t.Helper()
	for i, conn := range open {
		if i/2%2 == 0 {
			if err := conn.SetLinger(0); err != nil {
				t.Fatal(err)
			}
		}
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
