package faults

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
)

// Readers of every kind stop reading, but stay: event streams, MCP clients with
// their streams and answers, and programs behind a pipe. Nobody else notices,
// the server does not gather what they don't take, and in the end it lets go of
// them.
func TestStuck_readers(t *testing.T) {
	t.Parallel()
	const channel, streams = "#stuck", 50
	n := rounds(t, 1)
	total := min(5000, 100+100*n)
	h, l := newHome(t), newLedger(t)
	server := h.serve("--max-sse", "100", "--max-sse-per-channel", "100")
	senders := []*insistent{
		l.insistent(overMCP(t, server.url), channel, "mcp"),
		l.insistent(h.stdio(), channel, "stdio"),
	}
	follower, listener := newReading(t, "a subscriber", channel), newReading(t, "a listener at /mcp", channel)
	c := begin(t)
	defer c.end()
	c.read(func(ctx context.Context) { follower.follow(ctx, overHTTP(t, server.url)) })
	c.read(func(ctx context.Context) { listener.listen(ctx, overMCP(t, server.url)) })
	for _, s := range senders {
		s.size = 2000
	}
	c.send(senders...)
	l.await(20)
	before := usageOf(server.program)
	stuckStreams(t, server, channel, streams)
	stuckMCP(t, server, channel, 20)
	stuckStdio(t, h, channel, 5)
	for range total / 100 {
		l.await(100)
	}
	during := usageOf(server.program)
	if n > 1 { // it takes as long as a reader may take for one write
		wantStreams(t, server, 1)
	}
	c.finish(l, follower, listener)
	after := usageOf(server.program)
	report(t, "readers that are stuck", n, verify(t, h, l, follower, listener), "stuck", streams+20+5, "rss-mib-before", before.rss, "rss-mib-during", during.rss, "rss-mib-after", after.rss)
	if limit := 300; max(during.rss, after.rss) > limit && !raceEnabled {
		t.Errorf("a server with %d stuck readers takes %d MiB, want at most %d", streams+20+5, max(during.rss, after.rss), limit)
	}
}

// tight makes connections that hold little which has not been read.
var tight = net.Dialer{Control: narrow}

// stuckStreams opens event streams and reads the head of each, and no more.
func stuckStreams(t *testing.T, s *server, channel string, n int) {
	t.Helper()
	for i := range n {
		path := "/events/channel/%23" + channel[1:]
		if i%2 == 0 {
			path = "/api/events"
		}
		conn, err := openStream(s.host(), path, &tight)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
}

// stuckMCP opens sessions with a stream each, and asks for a long answer, of
// which nobody reads a byte.
func stuckMCP(t *testing.T, s *server, channel string, n int) {
	t.Helper()
	p := &poster{url: s.url + "/mcp", http: &http.Client{Transport: &http.Transport{}}}
	t.Cleanup(p.http.CloseIdleConnections)
	body := rpc(1, "tools/call", encode(args{"name": "bridge_receive", "arguments": args{"channel": channel, "consumer_id": "stuck", "limit": 500}}))
	for range n {
		session, err := p.open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for method, content := range map[string]string{"GET": "", "POST": body} {
			r, err := http.NewRequest(method, p.url, strings.NewReader(content))
			if err != nil {
				t.Fatal(err)
			}
			head(r.Header, session)
			conn, err := tight.Dial("tcp", s.host())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = conn.Close() })
			if err := r.Write(conn); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// stuckStdio starts programs, asks them for much, and does not read what they
// write.
func stuckStdio(t *testing.T, h *home, channel string, n int) {
	t.Helper()
	for range n {
		out, in, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = out.Close() })
		cmd := command(h.flags("stdio", "--limits", "off")...)
		cmd.Stdout = in
		stdin, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		_ = in.Close() // the program has its own
		t.Cleanup(func() {
			_ = cmd.Process.Kill() // an error says that it has ended
			_ = cmd.Wait()         // as it was killed
		})
		fmt.Fprintln(stdin, rpc(0, "initialize", opening))
		if _, err := bufio.NewReaderSize(out, 16).ReadString('\n'); err != nil { // it runs
			t.Fatal(err)
		}
		for i := range 20 {
			if _, err := io.WriteString(stdin, rpc(1+i, "tools/call", encode(args{"name": "bridge_receive", "arguments": args{"channel": channel, "consumer_id": "stuck", "limit": 500}}))+"\n"); err != nil {
				t.Fatal(err)
			}
		}
	}
}
