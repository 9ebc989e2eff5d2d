package mcpserver

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A process is a client at the other end of real pipes.
type process struct {
	b     *bench
	in    *os.File // what the server reads
	lines chan string
	done  chan error // of serveStdio
	stop  context.CancelFunc
}

func (b *bench) stdio() *process {
	b.t.Helper()
	serverIn, in, err := os.Pipe()
	if err != nil {
		b.t.Fatal(err)
	}
	out, serverOut, err := os.Pipe()
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.t.Context())
	p := &process{b: b, in: in, lines: make(chan string, 100), done: make(chan error, 1), stop: stop}
	go func() {
		err := b.serveStdio(ctx, serverIn, serverOut)
		p.done <- err
		p.done <- err // for the cleanup
	}()
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer close(p.lines)
		scanner := bufio.NewScanner(out)
		scanner.Buffer(nil, 64<<20)
		for scanner.Scan() {
			p.lines <- scanner.Text()
		}
	}()
	b.t.Cleanup(func() {
		stop()
		in.Close()
		<-p.done
		out.Close()
		<-read
	})
	return p
}

func (p *process) say(line string) {
	p.b.t.Helper()
	if _, err := io.WriteString(p.in, line+"\n"); err != nil {
		p.b.t.Fatal(err)
	}
}

// want reads one line, which must be a JSON-RPC message that contains text.
func (p *process) want(text string) string {
	p.b.t.Helper()
	line := within(p.b.t, "stdout", p.lines)
	if !json.Valid([]byte(line)) || !strings.Contains(line, `"jsonrpc":"2.0"`) || !strings.Contains(line, text) {
		p.b.t.Fatalf("stdout: %.300q, want a message with %q", line, text)
	}
	return line
}

func (p *process) wantDone() {
	p.b.t.Helper()
	began := time.Now()
	select {
	case err := <-p.done:
		if err != nil {
			p.b.t.Errorf("serveStdio: %v", err)
		}
	case <-time.After(2 * time.Second):
		p.b.t.Errorf("serveStdio has not returned after %v", time.Since(began))
	}
}

func TestStdio_servesBothEras(t *testing.T) {
	p := newBench(t, transportOptions{}).stdio()
	p.say(modernCall(1, "report", "new")) // no initialize
	p.want(`"text":"new"`)
	p.b.wantLeft(true)

	p = newBench(t, transportOptions{}).stdio()
	p.say(strings.Replace(legacyInit, "2025-11-25", "2026-07-28", 1))
	p.want(`"protocolVersion":"2025-11-25"`)
	p.say(legacyCall(2, "report", "old"))
	p.want(`"text":"old"`)
	p.b.wantLeft(true)
	p.say(modernCall(3, "echo", "new"))
	p.want(`"text":"new"`)
}

func TestStdio_answersWhatItHasReadWhenStdinEnds(t *testing.T) { // printf '…' | agentbridge stdio
	b := newBench(t, transportOptions{})
	p := b.stdio()
	io.WriteString(p.in, legacyInit+"\r\n\n"+legacyCall(1, "report", "one")+"\n"+legacyCall(2, "report", "two")) // the last line is open
	p.in.Close()
	p.want(`"id":0`)
	one := p.want(`"result"`)
	if two := p.want(`"result"`); strings.Contains(one, `"id":1`) == strings.Contains(two, `"id":1`) {
		t.Errorf("answers %s and %s, want one each", one, two)
	}
	p.wantDone()
	b.wantLeft(true)
	b.wantLeft(true)
}

func TestStdio_returnsAtOnceWhenAllIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, transportOptions{})
		stdout, out := io.Pipe()
		go io.Copy(io.Discard, stdout)
		began := time.Now()
		in := io.NopCloser(strings.NewReader(legacyInit + "\n" + legacyCall(1, "report slowly", "") + "\n"))
		if err := b.serveStdio(t.Context(), in, out); err != nil {
			t.Errorf("serveStdio: %v", err)
		}
		if took := time.Since(began); took != slowStore {
			t.Errorf("serveStdio took %v, want %v", took, slowStore)
		}
		select {
		case left := <-b.left:
			if !left {
				t.Error("onReply: left = false")
			}
		default:
			t.Error("serveStdio returned before onReply's function")
		}
	})
}

func TestStdio_cancelsLongWaitsWhenStdinEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, tool := range []string{"wait", "hold"} { // hold ignores its context
			b := newBench(t, transportOptions{})
			in, stdin := io.Pipe()
			stdout, out := io.Pipe()
			go io.Copy(io.Discard, stdout)
			done := make(chan error)
			go func() { done <- b.serveStdio(t.Context(), in, out) }()
			io.WriteString(stdin, legacyInit+"\n"+legacyCall(1, tool, "")+"\n")
			<-b.started
			began := time.Now()
			stdin.Close()
			if err := <-done; err != nil {
				t.Errorf("%s: serveStdio: %v", tool, err)
			}
			if took := time.Since(began); took < answerTime || took > 2*time.Second {
				t.Errorf("%s: serveStdio took %v after the end of stdin", tool, took)
			}
			if tool == "hold" {
				b.release <- struct{}{}
			}
			if left := <-b.left; left {
				t.Errorf("%s: onReply: left = true", tool)
			}
		}
	})
}

func TestStdio_returnsWhenItsContextEnds(t *testing.T) {
	b := newBench(t, transportOptions{})
	p := b.stdio()
	p.say(legacyInit)
	p.want(`"id":0`)
	p.say(legacyCall(1, "wait", ""))
	within(t, "wait", b.started)
	p.stop()
	b.wantEnded(context.Canceled)
	b.wantLeft(false)
	p.wantDone()
}

func TestStdio_returnsWhenNobodyReadsStdout(t *testing.T) { // a stuck reader blocks only itself
	b := newBench(t, transportOptions{}).serve()
	serverIn, in, _ := os.Pipe()
	out, serverOut, _ := os.Pipe()
	defer in.Close()
	defer out.Close()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.serveStdio(ctx, serverIn, serverOut) }()
	io.WriteString(in, legacyInit+"\n"+legacyCall(1, "big", "")+"\n")
	within(t, "big", b.started)

	resp, body := b.do("POST", "/mcp", modernCall(1, "echo", "busy"), modernHeaders("echo"))
	wantStatus(t, "echo", resp, body, 200, "busy")
	stop()
	if err := within(t, "serveStdio", done); err != nil {
		t.Errorf("serveStdio: %v", err)
	}
	b.wantLeft(false)
}

// A deaf client has stopped reading. As with the real stdout, which is blocking, closing it does not interrupt
// the write.
type deaf struct{ begun, end chan struct{} }

func (d deaf) Write(p []byte) (int, error) {
	if len(p) < 64<<10 {
		return len(p), nil
	}
	close(d.begun)
	<-d.end
	return len(p), nil
}
func (d deaf) Close() error { return nil }

func TestStdio_givesUpAReplyThatNobodyReads(t *testing.T) { // it took 3.75 s, and the message came back 20 s later
	synctest.Test(t, func(t *testing.T) {
		for end, limit := range map[string]time.Duration{"SIGTERM": leaveTime, "EOF": answerTime + leaveTime} {
			b := newBench(t, transportOptions{})
			in, stdin := io.Pipe()
			out := deaf{make(chan struct{}), make(chan struct{})}
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() {
				defer close(done)
				if err := b.serveStdio(ctx, in, out); err != nil {
					t.Errorf("%s: serveStdio: %v", end, err)
				}
				b.close()
			}()
			io.WriteString(stdin, legacyInit+"\n"+legacyCall(1, "big", "")+"\n")
			<-out.begun
			began := time.Now()
			if end == "SIGTERM" {
				stop()
			} else {
				stdin.Close()
			}
			<-done
			if took := time.Since(began); took > limit {
				t.Errorf("%s: serveStdio and close took %v, want %v at most", end, took, limit)
			}
			select {
			case left := <-b.left:
				if left {
					t.Errorf("%s: onReply: left = true", end)
				}
			default:
				t.Errorf("%s: close returned before onReply's function", end)
			}
			close(out.end) // the write succeeds after all, but nobody is told twice
			synctest.Wait()
			if len(b.left) > 0 {
				t.Errorf("%s: onReply's function ran twice", end)
			}
			stop()
		}
	})
}

// The SDK reads 1.5 as 1, and never answers a call whose id is in use.
func TestStdio_refusesIDsItCannotAnswer(t *testing.T) {
	const refused = `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,`
	b := newBench(t, transportOptions{})
	p := b.stdio()
	p.say(legacyInit)
	p.want(`"id":0`)
	for _, id := range []string{"1.5", "1e22", "9007199254740993", "-9223372036854775809", "true", "null", "{}", "[1]"} {
		p.say(`{"jsonrpc":"2.0","id":` + id + `,"method":"ping"}`)
		p.want(refused)
	}
	for _, id := range []string{`"1.5"`, `""`, "0", "-7", "9007199254740991"} {
		p.say(`{"jsonrpc":"2.0","id":` + id + `,"method":"ping"}`)
		p.want(`"id":` + id)
	}

	p.say(legacyCall(1, "hold", ""))
	within(t, "hold", b.started)
	p.say(legacyCall(1, "echo", "again"))
	p.want(refused)
	b.release <- struct{}{}
	p.want("held")
	b.wantLeft(true)
	p.say(legacyCall(1, "echo", "now"))
	p.want(`"text":"now"`)

	began := time.Now()
	p.in.Close()
	p.wantDone()
	if took := time.Since(began); took >= answerTime {
		t.Errorf("serveStdio took %v: it still waits for an answer", took)
	}
}

func TestStdio_refusesOneByOneInABatch(t *testing.T) {
	b := newBench(t, transportOptions{})
	p := b.stdio()
	p.say(strings.Replace(legacyInit, "2025-11-25", "2025-03-26", 1))
	p.want("2025-03-26")
	p.say(legacyCall(1, "hold", ""))
	within(t, "hold", b.started)
	for _, c := range []struct {
		batch           string
		answers, errors int
	}{
		{"[" + strings.Join([]string{legacyCall(2, "echo", "a"), "7", legacyCall(1, "echo", "in use"), `{"jsonrpc":"2.0","id":1.5,"method":"ping"}`, legacyCall(2, "echo", "twice"), legacyCall(3, "echo", "b")}, ",") + "]", 6, 4},
		{`[1,{"jsonrpc":"2.0","id":true,"method":"ping"}]`, 2, 2},
		{"[" + legacyCall(2, "echo", "a") + "]", 1, 0},
	} {
		p.say(c.batch)
		line := p.want("")
		if err := strings.Count(line, `"code":-32600`); strings.Count(line, `"jsonrpc"`) != c.answers || err != c.errors || line[0] != '[' {
			t.Errorf("batch %s: answer %s, want %d with %d errors", c.batch, line, c.answers, c.errors)
		}
	}
	b.release <- struct{}{}
	p.want("held")
	began := time.Now()
	p.in.Close()
	p.wantDone()
	if took := time.Since(began); took >= answerTime {
		t.Errorf("serveStdio took %v: it still waits for an answer", took)
	}
}

func TestStdio_survivesBombs(t *testing.T) {
	b := newBench(t, transportOptions{})
	p := b.stdio()
	p.say(legacyInit)
	p.want(`"id":0`)
	for _, bomb := range bombs() {
		p.say(bomb.message)
		if bomb.refused {
			p.want(`{"jsonrpc":"2.0","id":null,"error":{"code":-32700,`)
		} else {
			p.want(`"text":"ok"`)
		}
	}
	for _, message := range []string{`{}`, `7`, `null`, `""`, `[]`, `{"jsonrpc":"2.0","id":{},"method":"ping"}`, `{"jsonrpc":"2.0","id":` + strings.Repeat("9", 5000) + `,"method":"ping"}`} {
		p.say(message)
		p.want(`{"jsonrpc":"2.0","id":null,"error":{"code":-32600,`)
	}
	p.say(strings.Repeat("x", maxLine+1))
	p.want(`"message":"Parse error: line longer than 4194304 bytes"`)
	p.say(legacyCall(1, "echo", "alive"))
	p.want("alive")
	p.in.Close()
	p.wantDone()
}

func TestStdio_takesBatchesOnlyWhereTheRevisionHasThem(t *testing.T) {
	batch := "[" + legacyCall(1, "report", "a") + "," + legacyCall(2, "report", "b") + `,{"jsonrpc":"2.0","method":"notifications/initialized"}]`
	for revision, want := range map[string]string{"2025-03-26": `[{"jsonrpc"`, "2025-06-18": `{"jsonrpc":"2.0","id":null,"error":{"code":-32600`} {
		b := newBench(t, transportOptions{})
		p := b.stdio()
		p.say(strings.Replace(legacyInit, "2025-11-25", revision, 1))
		p.want(revision)
		p.say(batch)
		if line := p.want(""); !strings.HasPrefix(line, want) {
			t.Errorf("%s: batch answered with %s", revision, line)
		}
		p.say(legacyCall(3, "echo", "alive"))
		p.want("alive")
	}
}

func TestStdio_manyCallsAtOnce(t *testing.T) {
	b := newBench(t, transportOptions{})
	p := b.stdio()
	p.say(legacyInit)
	p.want(`"id":0`)
	const calls = 50
	go func() {
		for i := 1; i <= calls; i++ {
			io.WriteString(p.in, legacyCall(i, "echo", fmt.Sprintf("n%d.", i)+strings.Repeat("y", 100*i))+"\n")
		}
	}()
	for range calls {
		line := p.want("result")
		var answer struct {
			ID     int
			Result struct{ Content []struct{ Text string } }
		}
		if err := json.Unmarshal([]byte(line), &answer); err != nil || !strings.HasPrefix(answer.Result.Content[0].Text, fmt.Sprintf("n%d.", answer.ID)) {
			t.Errorf("answer %s: %v", line, err)
		}
	}
}

func BenchmarkStdio(b *testing.B) {
	bench := newBench(nil, transportOptions{})
	in, stdin, _ := os.Pipe()
	stdout, out, _ := os.Pipe()
	ctx, stop := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- bench.serveStdio(ctx, in, out) }()
	lines := bufio.NewScanner(stdout)
	exchange := func(line string) {
		io.WriteString(stdin, line+"\n")
		lines.Scan()
	}
	exchange(legacyInit)
	call := legacyCall(1, "echo", strings.Repeat("x", 500))
	for b.Loop() {
		exchange(call)
	}
	stop()
	<-done
}
