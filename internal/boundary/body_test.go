package boundary_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge"
	"agentbridge/internal/boundary"
)

func TestMediaType(t *testing.T) {
	x := newBench(t, boundary.Options{}, nil)
	json := []string{"application/json", "APPLICATION/JSON", "application/json; charset=utf-8", "application/json;", "application/merge-patch+json"}
	other := []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "text/plain; application/json",
		"application/jsonx", "text/json", "application/json, text/plain", "json", "application/"}
	for _, path := range []string{"/api/send", "/api/ack", "/api/clear", "/api/conversations", "/messages", "/messages/?session_id=1", "/mcp"} {
		for _, method := range []string{"POST ", "PUT ", "PATCH "} {
			x.want(415, "content-type must be application/json", method+path)
			for _, ct := range json {
				x.want(200, "reached", method+path, "Content-Type: "+ct)
			}
			for _, ct := range other {
				x.want(415, "content-type must be application/json", method+path, "Content-Type: "+ct)
			}
			x.want(415, "content-type must be application/json", method+path, asJSON, "Content-Type: text/plain")
		}
		x.want(200, "reached", "GET "+path)
		x.want(200, "reached", "DELETE "+path)
	}
	x.want(200, "reached", "POST /api/messages", "Content-Type: text/plain") // the API says which method it has
	x.want(200, "true", "POST /api/session")
}

// post sends a body; chunked keeps its length to itself.
func (x *bench) post(path string, size int, chunked bool) *http.Response {
	x.t.Helper()
	r := x.ask("POST "+path, asJSON)
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(strings.Repeat("x", size))), int64(size)
	if chunked {
		r.ContentLength = -1
	}
	resp, _ := x.send(r)
	return resp
}

func TestBodySize(t *testing.T) {
	for _, max := range []int{0, 2000} {
		x := newBench(t, boundary.Options{MaxRequestBytes: int64(max)}, nil)
		if max == 0 {
			max = 262144
		}
		for path, limit := range map[string]int{
			"/api/send": 4 * max, "/api/ack": max, "/api/unknown": max, "/": max, "/mcp": 4 * max, "/messages/": 4 * max, "/messages": 4 * max,
		} {
			for _, chunked := range []bool{false, true} {
				x.told()
				if resp := x.post(path, limit, chunked); resp.StatusCode != 200 {
					t.Errorf("%s, %d bytes, chunked %t: got %d, want 200", path, limit, chunked, resp.StatusCode)
				}
				if refusals, log := x.told(); len(refusals) != 0 || log != "" {
					t.Errorf("%s, %d bytes: told %v %s", path, limit, refusals, log)
				}
				resp := x.post(path, limit+1, chunked)
				refusals, log := x.told()
				if resp.StatusCode != 413 || !resp.Close {
					t.Errorf("%s, %d bytes, chunked %t: got %d, close %t, want 413 and a closed connection", path, limit+1, chunked, resp.StatusCode, resp.Close)
				}
				if len(refusals) != 1 || refusals[0].Action != agentbridge.ActionOversizeReject || refusals[0].Path != path || strings.Count(log, "\n") != 1 {
					t.Errorf("%s, %d bytes, chunked %t: told %v, logged %q", path, limit+1, chunked, refusals, log)
				}
			}
		}
	}
}

// The refusal comes before the body: nobody waits for what is thrown away.
func TestBodySize_atOnce(t *testing.T) {
	x := newBench(t, boundary.Options{}, nil)
	head := "Host: localhost\r\nContent-Type: application/json\r\n"
	if status := x.raw("POST /api/send HTTP/1.1\r\n" + head + "Content-Length: 99999999\r\n\r\n{"); status != 413 {
		t.Errorf("got %d, want 413", status)
	}
	if status := x.raw("POST /api/send HTTP/1.1\r\n" + head + "Expect: 100-continue\r\nContent-Length: 99999999\r\n\r\n"); status != 413 {
		t.Errorf("expecting 100: got %d, want 413", status)
	}
	if status := x.raw("POST /api/send HTTP/1.1\r\n" + head + "Content-Length: 1048577\r\n\r\n"); status != 413 {
		t.Errorf("a byte too much: got %d, want 413", status)
	}
}

// A pipe is a server on the bubble's clock: in it half a minute costs nothing.
type pipe struct {
	t     *testing.T
	conns chan net.Conn
	done  chan struct{}
}

func newPipe(t *testing.T, h http.Handler, setUp ...func(*http.Server)) *pipe {
	p := &pipe{t: t, conns: make(chan net.Conn), done: make(chan struct{})}
	server := &http.Server{Handler: h, Protocols: new(http.Protocols)}
	for _, f := range setUp {
		f(server)
	}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	go server.Serve(p)
	t.Cleanup(func() { server.Close() })
	return p
}

func (p *pipe) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (p *pipe) Addr() net.Addr { return &net.UnixAddr{} }
func (p *pipe) Close() error   { close(p.done); return nil }

// dial connects and sends.
func (p *pipe) dial(request string) (net.Conn, *bufio.Reader) {
	p.t.Helper()
	near, far := net.Pipe()
	p.t.Cleanup(func() { near.Close() })
	p.conns <- far
	if _, err := io.WriteString(near, request); err != nil {
		p.t.Fatal(err)
	}
	return near, bufio.NewReader(near)
}

func (p *pipe) answer(r *bufio.Reader) (int, string) {
	p.t.Helper()
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

const slowHead = " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: Bearer " + token + "\r\n"

// A client sends a byte now and then, for ever: it would hold a handler for ever.
func TestSlowBody(t *testing.T) {
	for name, c := range map[string]struct {
		request string
		after   time.Duration
	}{
		"of a length": {"POST /api/send" + slowHead + "Content-Length: 1000\r\n\r\n{", 30 * time.Second},
		"chunked":     {"PUT /api/send" + slowHead + "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", 30 * time.Second},
		"of a GET":    {"GET /api/state" + slowHead + "Content-Length: 1000\r\n\r\n{", 30 * time.Second},
		"refused":     {"POST /api/send" + strings.Replace(slowHead, "Bearer", "Nothing", 1) + "Content-Length: 1000\r\n\r\n{", 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			p := newPipe(t, boundary.New(boundary.Options{Token: token}).Wrap(http.HandlerFunc(reached)))
			conn, r := p.dial(c.request)
			var drip sync.WaitGroup
			drip.Go(func() {
				for err := error(nil); err == nil; _, err = io.WriteString(conn, "1\r\n{\r\n") {
					time.Sleep(7 * time.Second)
				}
			})
			status, body := p.answer(r)
			if status < 400 || time.Since(start) != c.after {
				t.Errorf("%s: got %d %s after %s, want a refusal after %s", name, status, body, time.Since(start), c.after)
			}
			if _, err := r.ReadByte(); err == nil {
				t.Errorf("%s: the connection goes on", name)
			}
			conn.Close()
			drip.Wait()
		})
	}
}

// The deadline of a body must not end what comes after it: long polls and streams.
func TestSlowBody_thenLongAnswer(t *testing.T) {
	wait := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/unread" {
			if _, err := io.ReadAll(r.Body); err != nil {
				t.Errorf("%s: %v", r.URL.Path, err)
			}
		}
		for range 3 {
			select {
			case <-r.Context().Done():
				t.Errorf("%s %s: the request ended: %v", r.Method, r.URL.Path, context.Cause(r.Context()))
				return
			case <-time.After(time.Minute):
				fmt.Fprintln(w, "event")
				http.NewResponseController(w).Flush()
			}
		}
	}
	for _, request := range []string{
		"POST /api/send" + slowHead + "Content-Length: 2\r\n\r\n{}",
		"POST /api/send" + slowHead + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		"POST /api/send" + slowHead + "Content-Length: 0\r\n\r\n",
		"POST /api/unread" + slowHead + "Content-Length: 2\r\n\r\n{}",
		"GET /api/wait" + slowHead + "\r\n",
	} {
		synctest.Test(t, func(t *testing.T) {
			p := newPipe(t, boundary.New(boundary.Options{Token: token}).Wrap(http.HandlerFunc(wait)))
			conn, r := p.dial(request)
			for range 2 { // the connection lives on, too
				if status, body := p.answer(r); status != 200 || body != "event\nevent\nevent\n" {
					t.Errorf("%.30s: got %d %q", request, status, body)
				}
				time.Sleep(time.Minute)
				if _, err := io.WriteString(conn, request); err != nil {
					t.Fatal(err)
				}
			}
			p.answer(r)
		})
	}
}

// The same over HTTP/2, where the deadline is the stream's.
func TestSlowBody_thenLongAnswerHTTP2(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipe(t, boundary.New(boundary.Options{Token: token}).Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			select {
			case <-r.Context().Done():
			case <-time.After(time.Minute):
				fmt.Fprint(w, r.Proto)
			}
		})))
		client := &http.Client{Transport: &http.Transport{Protocols: new(http.Protocols),
			DialContext: func(context.Context, string, string) (net.Conn, error) {
				near, far := net.Pipe()
				p.conns <- far
				return near, nil
			}}}
		client.Transport.(*http.Transport).Protocols.SetUnencryptedHTTP2(true)
		r, err := http.NewRequest("POST", "http://localhost/api/send", io.MultiReader(strings.NewReader("{}")))
		if err != nil {
			t.Fatal(err)
		}
		r.Header = http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {"application/json"}}
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "HTTP/2.0" {
			t.Errorf("got %q, %v", body, err)
		}
		client.CloseIdleConnections()
	})
}

// A handler that waits still learns that its client left.
func TestSlowBody_clientLeaves(t *testing.T) {
	left := make(chan error, 1)
	x := newBench(t, boundary.Options{}, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
		left <- r.Context().Err()
	})
	r := x.ask("POST /api/send", asJSON)
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader("{}")), 2
	resp, err := x.server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// The same over a real connection and over HTTP/2, where deadlines are a stream's.
func TestSlowBody_realListener(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		x := newBench(t, boundary.Options{}, nil)
		if http2 {
			x.server.Close()
			x = newBenchHTTP2(t)
		}
		x.b.SetBodyTime(50 * time.Millisecond)
		never, hold := io.Pipe()
		defer hold.Close()
		r := x.ask("POST /api/send", asJSON)
		r.Body = never
		resp, body := x.send(r)
		if resp.StatusCode != 400 || body != "body not read\n" || resp.ProtoMajor == 2 != http2 {
			t.Errorf("HTTP/2 %t: got %s %d %s, want the handler's 400", http2, resp.Proto, resp.StatusCode, body)
		}
		if resp, _ := x.do("GET /"); resp.StatusCode != 200 {
			t.Errorf("HTTP/2 %t: got %d, want 200", http2, resp.StatusCode)
		}
	}
}
