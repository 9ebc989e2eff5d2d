package faults

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"
)

// frail is a client that dies in the middle of what it does: it says and hears
// single bytes.
type frail struct {
	io.Writer
	in stopwatch
	// call is the bytes of a tool call at this client's door.
	call func(tool string, arguments args) []byte
	// die closes everything, as the system does for a killed process.
	die func()
	// leave ends what the client says: from then on it may only listen to what
	// has reached it.
	leave func()
}

// stopwatch is a connection or a pipe that may be read for a limited time.
type stopwatch interface {
	io.Reader
	SetReadDeadline(time.Time) error
}

// frailDoors open frail clients.
var frailDoors = map[string]func(s *server) *frail{
	"http":  frailHTTP,
	"mcp":   frailMCP,
	"stdio": frailStdio,
}

// frailHTTP is a client of the JSON API.
func frailHTTP(s *server) *frail {
	return frailConn(s, func(tool string, arguments args) []byte {
		if tool == "bridge_send" {
			return written("POST", s.url+"/api/send", encode(arguments), nil)
		}
		q := url.Values{}
		for key, value := range arguments {
			q.Set(key, strings.Trim(encode(value), `"`))
		}
		return written("GET", s.url+"/api/wait?"+q.Encode(), "", nil)
	})
}

// frailMCP is a client of /mcp whose session is open.
func frailMCP(s *server) *frail {
	p := &poster{url: s.url + "/mcp", http: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
	session, err := p.open(context.Background())
	if err != nil {
		s.home.t.Fatalf("initialize: %v", err)
	}
	h := http.Header{}
	head(h, session)
	return frailConn(s, func(tool string, arguments args) []byte {
		return written("POST", p.url, rpc(1, "tools/call", encode(args{"name": tool, "arguments": arguments})), h)
	})
}

// written is a request as it travels.
func written(method, url, body string, h http.Header) []byte {
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		panic(err) // a URL that a server gave
	}
	if r.Header = h; h == nil {
		r.Header = http.Header{"Content-Type": {"application/json"}}
	}
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// frailConn is a client on a connection of its own, which holds little that it
// has not read.
func frailConn(s *server, call func(string, args) []byte) *frail {
	s.home.t.Helper()
	dialer := net.Dialer{Control: narrow}
	c, err := dialer.Dial("tcp", s.host())
	if err != nil {
		s.home.t.Fatal(err)
	}
	s.home.t.Cleanup(func() { _ = c.Close() })
	conn := c.(*net.TCPConn)
	return &frail{conn, conn, call, func() {
		_ = conn.SetLinger(0) // what was not read is thrown away, and the other end told so
		_ = conn.Close()
	}, func() { _ = conn.CloseWrite() }}
}

// frailStdio is a client with a process of its own on the server's database.
func frailStdio(s *server) *frail {
	t := s.home.t
	t.Helper()
	out, stdout, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = out.Close() })
	cmd := command(s.home.flags("stdio", "--limits", "off")...)
	cmd.Stdout = stdout
	p := launch(t, cmd, nil)
	_ = stdout.Close() // it is the process's
	f := &frail{p.in, out, func(tool string, arguments args) []byte {
		return []byte(rpc(1, "tools/call", encode(args{"name": tool, "arguments": arguments})) + "\n")
	}, func() {
		_ = p.in.Close()
		_ = out.Close()
		p.wait() // nobody tells it to end but that
	}, func() { _ = p.in.Close() }}
	f.say(t, []byte(rpc(0, "initialize", opening)+"\n"))
	f.until(t, "\n")
	return f
}

func (f *frail) say(t testing.TB, b []byte) {
	t.Helper()
	if _, err := f.Write(b); err != nil {
		t.Fatal(err)
	}
}

// hear reads at most n bytes, and not for long.
func (f *frail) hear(n int64, limit time.Duration) {
	_ = f.in.SetReadDeadline(time.Now().Add(limit))
	_, _ = io.CopyN(io.Discard, f.in, n) // as much as came
}

// until reads up to a text and no further.
func (f *frail) until(t testing.TB, text string) (got string) {
	t.Helper()
	_ = f.in.SetReadDeadline(time.Now().Add(hang)) // pipes and connections can
	for b := make([]byte, 1); !strings.HasSuffix(got, text); got += string(b) {
		if _, err := io.ReadFull(f.in, b); err != nil {
			t.Fatalf("read up to %q: %v after %.300q", text, err, got)
		}
	}
	return got
}
