package mcpserver

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// ways are the four ways to call a tool. Each starts a call and returns what ends the connection without
// saying goodbye, what cancels the call politely (nil: there is no such thing), and what waits for the answer.
type way struct {
	name string
	call func(b *bench, tool string) (disconnect, cancel func(), answer func(text string))
}

func ways() []way {
	const cancelled = `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`
	return []way{
		{"legacy", func(b *bench, tool string) (func(), func(), func(string)) {
			session := b.initialize()
			run := b.start("POST", "/mcp", legacyCall(1, tool, ""), session)
			cancel := func() { b.do("POST", "/mcp", cancelled, session) }
			return run.cancel, cancel, func(text string) { run.want(b.t, text) }
		}},
		{"modern", func(b *bench, tool string) (func(), func(), func(string)) {
			run := b.start("POST", "/mcp", modernCall(1, tool, ""), modernHeaders(tool))
			return run.cancel, nil, func(text string) { run.want(b.t, text) }
		}},
		{"sse", func(b *bench, tool string) (func(), func(), func(string)) {
			l := b.listenSSE()
			b.post(l, legacyCall(1, tool, ""))
			return l.running.cancel, func() { b.post(l, cancelled) }, func(text string) { l.want(b.t, text) }
		}},
		{"stdio", func(b *bench, tool string) (func(), func(), func(string)) {
			p := b.stdio()
			p.say(legacyInit)
			p.want(`"id":0`)
			p.say(legacyCall(1, tool, ""))
			return func() { p.in.Close() }, func() { p.say(cancelled) }, func(text string) { p.want(text) }
		}},
	}
}

func TestOnReply_trueWhenTheReplyHasLeft(t *testing.T) {
	for _, w := range ways() {
		t.Run(w.name, func(t *testing.T) {
			b := newBench(t, transportOptions{}).serve()
			_, _, answer := w.call(b, "hold")
			within(t, "hold", b.started)
			select {
			case left := <-b.left:
				t.Fatalf("onReply: left = %v before the tool returned", left)
			default:
			}
			b.release <- struct{}{}
			answer("held")
			b.wantLeft(true)
		})
	}
}

func TestDisconnect_cancelsTheToolAndItsReplyIsLost(t *testing.T) {
	for _, w := range ways() {
		t.Run(w.name, func(t *testing.T) {
			b := newBench(t, transportOptions{}).serve()
			disconnect, _, _ := w.call(b, "wait")
			within(t, "wait", b.started)
			disconnect()
			within(t, "the tool's context", b.ended)
			b.wantLeft(false)
		})
	}
}

func TestCancelled_endsTheToolAndItsReplyIsLost(t *testing.T) {
	for _, w := range ways() {
		t.Run(w.name, func(t *testing.T) {
			b := newBench(t, transportOptions{}).serve()
			_, cancel, _ := w.call(b, "wait")
			if cancel == nil {
				t.Skip("2026-07-28 cancels by closing the response")
			}
			within(t, "wait", b.started)
			cancel()
			b.wantEnded(context.Canceled)
			b.wantLeft(false)
		})
	}
}

func TestOnReply_falseWhenTheClientLeftBeforeTheReply(t *testing.T) { // a tool that ignores its context
	for _, w := range ways() {
		t.Run(w.name, func(t *testing.T) {
			b := newBench(t, transportOptions{}).serve()
			disconnect, _, _ := w.call(b, "hold")
			within(t, "hold", b.started)
			disconnect()
			b.awaitGone()
			b.release <- struct{}{}
			b.wantLeft(false)
		})
	}
}

// awaitGone waits until the transports know that no client is there any more.
func (b *bench) awaitGone() {
	b.t.Helper()
	for deadline := time.Now().Add(hangTime); time.Now().Before(deadline); <-time.After(time.Millisecond) {
		b.mu.Lock()
		live := 0
		for _, x := range b.exchanges {
			if x.ctx.Err() == nil {
				live++
			}
		}
		b.mu.Unlock()
		if live == 0 {
			return
		}
	}
	b.t.Fatal("the transports still believe in a client after 5 s")
}

// An attacker puts marks into messages: with a made-up token, and with one that a reply of his own carried.
// Neither may settle somebody else's delivery, nor keep his own from being counted.
func TestOnReply_contentCannotForgeTheMark(t *testing.T) {
	b := newBench(t, transportOptions{}).serve()
	session := b.initialize()
	run := b.start("POST", "/mcp", legacyCall(1, "hold", ""), session)
	within(t, "hold", b.started)

	_, body := b.do("POST", "/mcp", legacyCall(2, "report", "x"), session)
	_, token, _ := strings.Cut(body, deliveryMark)
	b.wantLeft(true)
	forged := deliveryMark + token[:tokenLength] + `"` + deliveryMark + strings.Repeat("0", tokenLength) + `"`
	b.do("POST", "/mcp", legacyCall(3, "echo", forged), session)
	b.do("POST", "/mcp", legacyCall(4, "report", forged+deliveryMark), session)
	b.wantLeft(true)

	b.release <- struct{}{}
	run.want(t, "held")
	b.wantLeft(true)
}

func TestDeliveries_claimsOnlyWhatIsWaitedFor(t *testing.T) {
	var d deliveries
	var results [3]mcp.CallToolResult
	for i := range results {
		d.add(&results[i], func(bool) {}, t.Context())
	}
	mark := func(i int) string { return deliveryMark + results[i].Meta[deliveryKey].(string) + `"` }
	token := func(i int) string { return results[i].Meta[deliveryKey].(string) }
	d.settle(token(1), true)
	for _, c := range []struct {
		p    string
		want []string
	}{
		{"", nil},
		{deliveryMark, nil},
		{mark(0)[:len(mark(0))-2], nil},
		{deliveryMark + strings.Repeat("0", 32), nil},
		{"[" + mark(0) + "," + mark(1) + "," + mark(2) + "]", []string{token(0), token(2)}},
	} {
		if diff := cmp.Diff(c.want, d.claim([]byte(c.p))); diff != "" {
			t.Errorf("claim(%q) (-want +got):\n%s", c.p, diff)
		}
	}
}

func TestDeliveries_settleOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d deliveries
		said := []string{}
		add := func(name string, ends ...context.Context) string {
			var r mcp.CallToolResult
			d.add(&r, func(left bool) {
				if left {
					name += " left"
				} else {
					name += " lost"
				}
				said = append(said, name)
			}, ends...)
			return r.Meta[deliveryKey].(string)
		}
		ended, cancel := context.WithCancel(t.Context())
		add("ended later", ended)
		cancel()
		synctest.Wait()
		add("ended before", ended)
		synctest.Wait()
		a := add("twice")
		d.settle(a, true)
		d.settle(a, false)
		synctest.Wait()
		add("forgotten", t.Context())
		time.Sleep(deliveryLimit)
		if !d.running.wait(time.Second) {
			t.Error("there are still deliveries running")
		}
		want := []string{"ended later lost", "ended before lost", "twice left", "forgotten lost"}
		if diff := cmp.Diff(want, said); diff != "" {
			t.Errorf("onReply (-want +got):\n%s", diff)
		}
		if n := d.count.Load(); n != 0 {
			t.Errorf("%d deliveries leaked", n)
		}
	})
}

func TestCall_endsAfterItsLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, transportOptions{})
		in, stdin := io.Pipe()
		stdout, out := io.Pipe()
		go io.Copy(io.Discard, stdout)
		done := make(chan error)
		go func() { done <- b.serveStdio(t.Context(), in, out) }()
		began := time.Now()
		io.WriteString(stdin, legacyInit+"\n"+legacyCall(1, "wait", "")+"\n")
		if err := <-b.ended; !errors.Is(err, errCallTooLong) {
			t.Errorf("the tool's context ended with %v, want %v", err, errCallTooLong)
		}
		if took := time.Since(began); took != callLimit {
			t.Errorf("the call took %v, want %v", took, callLimit)
		}
		stdin.Close()
		if err := <-done; err != nil {
			t.Errorf("serveStdio: %v", err)
		}
	})
}

func TestCallOf_worksOutsideTheTransports(t *testing.T) {
	ctx, c := callOf(t.Context(), nil)
	c.beginStream()
	left := true
	c.onReply(&mcp.CallToolResult{}, func(l bool) { left = l })
	if ctx != t.Context() || left {
		t.Errorf("callOf without transports: left = %v, want false at once and the context as it was", left)
	}
}
