package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// speak sends a numbered message to the channel that a tail follows.
func speak(m *member, number int) {
	m.t.Helper()
	m.must("bridge_send", args{"channel": "c", "sender": "s", "content": fmt.Sprint("message ", number)})
}

// wantMessages waits for the messages with these numbers on a tail's stdout.
func (p *program) wantMessages(first, last int) {
	p.t.Helper()
	for i := first; i <= last; i++ {
		line := within(p.t, 20*time.Second, fmt.Sprint("message ", i), p.lines)
		if !strings.HasSuffix(line, fmt.Sprint(" s: message ", i)) {
			p.t.Fatalf("%v printed %q, want message %d", p.cmd.Args[1:], line, i)
		}
	}
}

// interrupt is Ctrl-C. The program ends with code 130, prints no more, and says
// what it has said on stderr.
func (p *program) interrupt() (prose string) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		p.t.Fatal(err)
	}
	within(p.t, 10*time.Second, "the end of "+strings.Join(p.cmd.Args[1:], " "), p.exited)
	for line := range p.lines {
		p.t.Errorf("%v printed %q, want no more", p.cmd.Args[1:], line)
	}
	if got := p.cmd.ProcessState.ExitCode(); got != exitInterrupted {
		p.t.Errorf("%v ended with exit code %d, want %d; stderr: %s", p.cmd.Args[1:], got, exitInterrupted, &p.stderr)
	}
	return p.stderr.String()
}

// kill ends a program as a power cut would.
func (p *program) kill() {
	p.t.Helper()
	p.cmd.Process.Kill()
	within(p.t, 10*time.Second, "the end of a killed program", p.exited)
}

// again starts a server where an earlier one was.
func (h home) again(t *testing.T, url string) *program {
	t.Helper()
	p, now := h.serve(t, "--port", url[strings.LastIndex(url, ":")+1:])
	if now != url {
		t.Fatalf("the server is at %s, want %s", now, url)
	}
	return p
}

// The server is killed and started again, and then ended and started again.
// Messages go on coming, also while it is away, through another process on the
// same database. A tail and a consumer's tail print each of them once, in
// order, and say once per outage that the bridge is away.
func TestProcess_tailSurvivesTheServer(t *testing.T) {
	for name, c := range map[string]struct {
		flags []string
		told  int // outages; a consumer's calls bridge short ones without a word
	}{
		"tail":            {[]string{"--last", "2"}, 2},
		"consumer's tail": {[]string{"--consumer", "team"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHome(t)
			other := h.stdio(t).member()
			server, url := h.serve(t)
			speak(other, 1)
			speak(other, 2)
			tail := launch(t, append([]string{"tail", "c", "--url", url}, c.flags...)...)
			tail.wantMessages(1, 2)
			speak(other, 3)
			tail.wantMessages(3, 3)

			server.kill()
			speak(other, 4)
			speak(other, 5)
			server = h.again(t, url)
			speak(other, 6)
			tail.wantMessages(4, 6)

			server.terminate()
			within(t, 10*time.Second, "the end of the server", server.exited)
			speak(other, 7)
			h.again(t, url)
			speak(other, 8)
			tail.wantMessages(7, 8)
			prose := tail.interrupt()
			if n := strings.Count(prose, "does not answer"); n != c.told && c.told > 0 || n > 2 || strings.Count(prose, "\n") != 2*n {
				t.Errorf("it said %q, want %d outages and their ends", prose, c.told)
			}
		})
	}
}

// A consumer's tail that is killed goes on behind what it had acknowledged, with
// a server and without one.
func TestProcess_tailOfAConsumerGoesOn(t *testing.T) {
	h := newHome(t)
	_, url := h.serve(t)
	m := visit(t, url)
	near := h.flags("tail", "c", "--consumer", "team")
	far := []string{"tail", "c", "--consumer", "team", "--url", url}
	for i, flags := range [][]string{near, far, far, near} {
		tail := launch(t, flags...)
		speak(m, 2*i)
		speak(m, 2*i+1)
		tail.wantMessages(2*i, 2*i+1)
		for unread := true; unread; { // until it has acknowledged what it printed
			page := m.must("bridge_receive", args{"channel": "c", "consumer_id": "team"})
			unread = len(page["messages"].([]any)) > 0
		}
		if i%2 == 0 {
			tail.kill()
		} else if prose := tail.interrupt(); prose != "" {
			t.Errorf("%v said %q", flags, prose)
		}
	}
}

// Writers in several processes don't disturb the order in which two tails, near
// and far, print.
func TestProcess_tailsAgree(t *testing.T) {
	h := newHome(t)
	_, url := h.serve(t)
	speak(visit(t, url), 0)
	tails := []*program{launch(t, h.flags("tail", "c")...), launch(t, "tail", "c", "--url", url)}
	for _, tail := range tails {
		tail.wantMessages(0, 0)
	}
	const writers, each = 4, 100
	for w := range writers {
		m := visit(t, url)
		if w%2 == 0 {
			m = h.stdio(t).member()
		}
		go func() {
			for i := range each {
				if _, err := m.call("bridge_send", args{"channel": "c", "sender": fmt.Sprint("w", w), "content": fmt.Sprint(i)}); err != nil {
					t.Errorf("bridge_send: %v", err)
				}
			}
		}()
	}
	var printed [2][]string
	for i, tail := range tails {
		next := map[string]int{}
		for range writers * each {
			line := within(t, 20*time.Second, "a message", tail.lines)
			printed[i] = append(printed[i], line)
			_, text, _ := strings.Cut(line, "Z ")
			writer, number, _ := strings.Cut(text, ": ")
			if number != fmt.Sprint(next[writer]) {
				t.Fatalf("%v printed %q, want number %d of this writer", tail.cmd.Args[1:], line, next[writer])
			}
			next[writer]++
		}
		tail.interrupt()
	}
	if !slices.Equal(printed[0], printed[1]) {
		t.Error("the two tails printed in different orders")
	}
}

// piped starts a tail whose stdout the test holds, unread.
func piped(t *testing.T, flags ...string) (p *program, out *os.File) {
	t.Helper()
	out, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { out.Close() })
	cmd := command(t, flags...)
	cmd.Stdout = w
	p = &program{t: t, cmd: cmd, exited: make(chan struct{}), lines: make(chan string)}
	close(p.lines)
	cmd.Stderr = &p.stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	go func() {
		cmd.Wait()
		close(p.exited)
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-p.exited
	})
	return p, out
}

// A reader that has seen enough is no failure.
func TestProcess_tailWhoseReaderGoes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a pipe that nobody reads is told otherwise there")
	}
	h := newHome(t)
	_, url := h.serve(t)
	m := visit(t, url)
	speak(m, 1)
	for name, flags := range map[string][]string{
		"near":            h.flags("tail", "c"),
		"far":             {"tail", "c", "--url", url},
		"consumer's tail": h.flags("tail", "c", "--consumer", "a"),
	} {
		p, out := piped(t, flags...)
		if _, err := out.Read(make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		out.Close()
		speak(m, 2)
		p.wantExit(exitOK)
		t.Log(name)
	}
}

// A reader that has stopped reading does not keep Ctrl-C from working.
func TestProcess_tailWhoseReaderIsStuck(t *testing.T) {
	h := newHome(t)
	m := h.stdio(t).member()
	for range 6 {
		m.must("bridge_send", args{"channel": "c", "sender": "s", "content": strings.Repeat("x", 100_000)})
	}
	p, out := piped(t, h.flags("tail", "c")...)
	if _, err := out.Read(make([]byte, 10)); err != nil { // it prints
		t.Fatal(err)
	}
	p.interrupt()
}

// Ctrl-C also ends a send that waits for a text which nobody types.
func TestProcess_sendWithoutText(t *testing.T) {
	h := newHome(t)
	p := launch(t, h.flags("send", "c", "-")...)
	const pipe = 64 << 10 // what fits before somebody reads
	if _, err := p.in.Write(make([]byte, pipe+1)); err != nil {
		t.Fatal(err)
	}
	if prose := p.interrupt(); prose != "" {
		t.Errorf("it said %q", prose)
	}
	if _, err := os.Stat(h.db()); !os.IsNotExist(err) {
		t.Errorf("the database was made: %v", err)
	}
}

// A bridge that wants a token tells those without one so, with exit code 4.
func TestProcess_commandsWithAToken(t *testing.T) {
	h := newHome(t)
	token := filepath.Join(string(h), "token")
	if err := os.WriteFile(token, []byte("0123456789abcdef0123456789abcdef\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	wrong := filepath.Join(string(h), "wrong")
	if err := os.WriteFile(wrong, []byte("fedcba9876543210fedcba9876543210"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, url := h.serve(t, "--auth-token-file", token)
	sent := launch(t, "send", "c", "message 1", "--sender", "s", "--url", url, "--auth-token-file", token)
	within(t, 10*time.Second, "the end of send", sent.exited)
	cmd := command(t, "tail", "c", "--url", url)
	cmd.Env = append(cmd.Env, "AGENTBRIDGE_AUTH_TOKEN=0123456789abcdef0123456789abcdef")
	tail := launchCommand(t, cmd)
	tail.wantMessages(1, 1)
	tail.interrupt()
	// Few enough, or the server would have us wait.
	for _, words := range [][]string{
		{"send", "c", "x"}, {"read", "c"}, {"wait", "c", "--consumer", "a"}, {"ack", "c", "x", "--consumer", "a"},
		{"tail", "c"}, {"tail", "c", "--last", "0"}, {"tail", "c", "--consumer", "a"},
		{"channel", "list"}, {"channel", "show", "c"}, {"channel", "clear", "c", "--yes"},
	} {
		wantRefusal(t, exitAuth, "token", launch(t, append(words, "--url", url)...))
	}
	wantRefusal(t, exitAuth, "token", launch(t, "tail", "c", "--url", url, "--auth-token-file", wrong))
}

// A certificate that nobody has signed is believed if it is named, and only
// then.
func TestProcess_commandsOverTLS(t *testing.T) {
	h := newHome(t)
	cert, key := newCertificate(t)
	_, url := h.serve(t, "--tls-cert", cert, "--tls-key", key)
	other, _ := newCertificate(t)
	wantRefusal(t, exitUnreachable, "its certificate", launch(t, "send", "c", "x", "--url", url))
	wantRefusal(t, exitUnreachable, "its certificate", launch(t, "send", "c", "x", "--url", url, "--ca-cert", other))
	sent := launch(t, "send", "c", "message 1", "--sender", "s", "--url", url, "--ca-cert", cert)
	within(t, 10*time.Second, "the end of send", sent.exited)
	tail := launch(t, "tail", "c", "--url", url, "--ca-cert", cert)
	tail.wantMessages(1, 1)
	if prose := tail.interrupt(); prose != "" {
		t.Errorf("tail said %q", prose)
	}
}

// A tail of a quiet channel has met the bridge as soon as it has looked once. It
// waits for it then, also behind a proxy, which answers in its stead.
func TestProcess_quietTailSurvivesTheServer(t *testing.T) {
	h := newHome(t)
	server, at := h.serve(t)
	target, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan string, 100)
	forward := httputil.NewSingleHostReverseProxy(target)
	forward.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case asked <- r.URL.Path:
		default: // it asks often while there is no bridge
		}
		r.Host = target.Host
		for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
			r.Header[name] = nil // the reverse proxy adds none then
		}
		forward.ServeHTTP(w, r)
	}))
	defer proxy.Close()
	tail := launch(t, "tail", "c", "--consumer", "team", "--url", proxy.URL)
	for range 2 { // the look, and the long wait
		within(t, 10*time.Second, "a request of tail", asked)
	}
	server.kill()
	h.again(t, at)
	speak(h.stdio(t).member(), 1)
	tail.wantMessages(1, 1)
	tail.interrupt()
}
