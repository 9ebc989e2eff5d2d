package mcpserver

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
)

// caller is a client over pipes in memory, for bubbles: waiting costs nothing
// there, and a goroutine that is left behind fails the test.
type caller struct {
	*hall
	in    *io.PipeWriter
	lines *json.Decoder
	alice *bridgetest.Agent
	done  chan error // of serveStdio
}

func newCaller(t *testing.T) *caller {
	h := newHall(t)
	in, stdin := io.Pipe()
	stdout, out := io.Pipe()
	c := &caller{h, stdin, json.NewDecoder(stdout), h.bridge.Agent("alice"), make(chan error, 1)}
	go func() { c.done <- h.serveStdio(t.Context(), in, out) }()
	c.say(legacyInit)
	c.next()
	return c
}

func (c *caller) say(line string) {
	c.t.Helper()
	if _, err := io.WriteString(c.in, line+"\n"); err != nil {
		c.t.Fatal(err)
	}
}

// line is a message from the server.
type line struct {
	ID     int
	Method string
	Params struct {
		ProgressToken   string
		Progress, Total float64
	}
	Result json.RawMessage
	Error  *struct{ Message string }
}

func (c *caller) next() (l line) {
	c.t.Helper()
	if err := c.lines.Decode(&l); err != nil {
		c.t.Fatalf("stdout: %v", err)
	}
	return l
}

// wait starts a bridge_wait; meta goes into its _meta.
func (c *caller) wait(id int, meta string, a args) {
	c.t.Helper()
	c.say(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"bridge_wait","_meta":{%s},"arguments":%s}}`, id, meta, encode(a)))
}

// wantAnswer reads the answer to a wait.
func (c *caller) wantAnswer(id int) answer {
	c.t.Helper()
	l := c.next()
	if l.ID != id || l.Result == nil {
		c.t.Fatalf("message %+v, want the answer to %d", l, id)
	}
	a, err := decodeAnswer(l.Result)
	if err != nil {
		c.t.Fatal(err)
	}
	return a
}

func decodeAnswer(result json.RawMessage) (answer, error) {
	r, err := decodeResult([]byte(`{"result":` + string(result) + `}`))
	if err != nil {
		return answer{}, err
	}
	return readResult("bridge_wait", r)
}

func (c *caller) leave() {
	c.t.Helper()
	c.in.Close()
	if err := <-c.done; err != nil {
		c.t.Errorf("serveStdio: %v", err)
	}
}

func TestWait_wakesOnASend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCaller(t)
		defer c.leave()
		for i, cursor := range []args{{"consumer_id": "bob"}, {"since_id": string(c.alice.MustSend("c", "before").ID)}} {
			c.alice.MustClear("c")
			if cursor["since_id"] != nil {
				cursor["since_id"] = string(c.alice.MustSend("c", "before").ID)
			}
			began := time.Now()
			c.wait(i+1, "", with(cursor, args{"channel": "c", "timeout_seconds": 55}))
			time.Sleep(17 * time.Second)
			c.alice.MustSend("elsewhere", "not for bob")
			time.Sleep(time.Second)
			sent := c.alice.MustSend("c", "hello")
			got := c.wantAnswer(i + 1)
			if took := time.Since(began); took != 18*time.Second {
				t.Errorf("bridge_wait(%v) returned after %v, want 18 s: at once", cursor, took)
			}
			messages := got.list("messages")
			if len(messages) != 1 || messages[0].str("content") != "hello" || got.bool("timed_out") || got.str("next_cursor") != string(sent.ID) {
				t.Errorf("bridge_wait(%v) = %s, want hello", cursor, encode(got.data))
			}
		}
	})
}

func TestWait_timesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCaller(t)
		defer c.leave()
		cursor := string(c.alice.MustSend("c", "seen").ID)
		for i, timeout := range []struct {
			argument any
			want     time.Duration
		}{{0, 0}, {0.25, 250 * time.Millisecond}, {5, 5 * time.Second}, {7.5, 7500 * time.Millisecond}, {nil, agentbridge.DefaultWait}, {55, agentbridge.MaxWait}} {
			began := time.Now()
			c.wait(i+1, "", args{"channel": "c", "since_id": cursor, "timeout_seconds": timeout.argument})
			got := c.wantAnswer(i + 1)
			if took := time.Since(began); took != timeout.want || !got.bool("timed_out") || got.str("next_cursor") != cursor {
				t.Errorf("bridge_wait(timeout_seconds %v) took %v and said %s, want %v, timed_out and the same cursor",
					timeout.argument, took, encode(got.data), timeout.want)
			}
			if !strings.Contains(got.text, "Call again with the same cursor") {
				t.Errorf("bridge_wait says %q, want what to do after a timeout", got.text)
			}
		}
	})
}

// Whoever asks for progress is told every five seconds; nobody else is, for a
// client that did not ask takes such a message for an error.
func TestWait_progress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCaller(t)
		defer c.leave()
		c.wait(1, `"progressToken":"p"`, args{"channel": "c", "consumer_id": "bob", "timeout_seconds": 18})
		for _, want := range []float64{5, 10, 15} {
			l := c.next()
			if l.Method != "notifications/progress" || l.Params.ProgressToken != "p" || l.Params.Progress != want || l.Params.Total != 18 {
				t.Errorf("message %+v, want progress %v of 18", l, want)
			}
		}
		if got := c.wantAnswer(1); !got.bool("timed_out") {
			t.Errorf("bridge_wait = %s, want a timeout", encode(got.data))
		}
		c.wait(2, "", args{"channel": "c", "consumer_id": "bob", "timeout_seconds": 18})
		c.wantAnswer(2) // and no progress before it
	})
}

func TestWait_endsWhenCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCaller(t)
		c.wait(1, "", args{"channel": "c", "consumer_id": "bob", "timeout_seconds": 55})
		time.Sleep(time.Second)
		began := time.Now()
		c.say(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`)
		c.leave() // which a running call would hold up
		if took := time.Since(began); took != 0 {
			t.Errorf("a cancelled bridge_wait ended after %v, want at once", took)
		}
	})
}

// The agent's program is closed in the middle of a wait.
func TestWait_endsWithItsClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCaller(t)
		for id := range 20 {
			c.wait(id+1, "", args{"channel": "c", "consumer_id": "bob", "timeout_seconds": 55})
		}
		time.Sleep(time.Second)
		began := time.Now()
		go func() { // answers to what was cancelled
			for c.lines.Decode(new(line)) == nil {
			}
		}()
		c.leave()
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("serveStdio returned %v after its client left, want 2 s", took)
		}
	})
}

// The same over HTTP: each client hangs up, and its wait must be over long
// before its timeout, or the bubble would find the goroutines.
func TestWait_endsWithItsConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t)
		h.servePipe()
		session := h.initialize()
		sse := h.listenSSE()
		call := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"bridge_wait","_meta":{"progressToken":"p"},"arguments":{"channel":"c","consumer_id":"bob","timeout_seconds":55}}}`
		modern := strings.Replace(call, `"_meta":{`, `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},`, 1)
		post := h.start("POST", "/mcp", call, session)
		stateless := h.start("POST", "/mcp", modern, modernHeaders("bridge_wait"))
		h.post(sse, call)
		time.Sleep(7 * time.Second)
		for _, r := range []*running{post, stateless} {
			r.want(t, "notifications/progress") // bytes flow before the answer
		}
		waiting := func() int {
			h.mu.Lock()
			defer h.mu.Unlock()
			return len(h.exchanges)
		}
		if n := waiting(); n != 3 {
			t.Errorf("%d exchanges, want the three waits", n)
		}
		post.cancel()
		stateless.cancel()
		sse.cancel()
		synctest.Wait()
		if n := waiting(); n != 0 {
			t.Errorf("%d exchanges after all clients hung up, want none", n)
		}
	})
}

// Nobody waits in vain for a bridge that shuts down.
func TestWait_endsWithTheBridge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCaller(t)
		defer c.leave()
		c.wait(1, "", args{"channel": "c", "consumer_id": "bob", "timeout_seconds": 55})
		time.Sleep(time.Second)
		c.bridge.Relay.Close()
		l := c.next()
		if _, err := decodeAnswer(l.Result); err == nil || !strings.Contains(err.Error(), "shutting down; reconnect") {
			t.Errorf("bridge_wait ended with %v, want to be told of the shutdown", err)
		}
	})
}

func TestWait_staleCursor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCaller(t)
		defer c.leave()
		here := string(c.alice.MustSend("c", "x").ID)
		elsewhere := string(c.alice.MustSend("d", "y").ID)
		for i, cursor := range []string{elsewhere, "no message's id", strings.ToUpper(here) + "x"} {
			began := time.Now()
			c.wait(i+1, "", args{"channel": "c", "since_id": cursor})
			got := c.wantAnswer(i + 1)
			if took := time.Since(began); took != 0 || got.str("warning") != "since_id_not_found" || got.bool("timed_out") || got.str("next_cursor") != cursor {
				t.Errorf("bridge_wait(since_id %q) = %s after %v, want a warning at once", cursor, encode(got.data), took)
			}
			if !strings.Contains(got.text, "Read again without since_id") {
				t.Errorf("bridge_wait says %q, want what to do with a stale cursor", got.text)
			}
		}
	})
}

// A message whose wait's answer is lost is there for the next one: reading
// moves no cursor.
func TestWait_lostAnswerLosesNothing(t *testing.T) {
	h := newHall(t)
	h.serve()
	session := h.initialize()
	call := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"bridge_wait","arguments":{"channel":"c","consumer_id":"bob"}}}`
	sent := h.bridge.Agent("alice").MustSend("c", repeat(`"`, agentbridge.MaxContent)) // 520 KB as text and data
	conn := h.deaf(http.MethodPost, "/mcp", call, session)
	readUntil(t, conn, `"content"`)
	vanish(conn)
	got := h.wire().must("bridge_wait", args{"channel": "c", "consumer_id": "bob"})
	if ids := got.column("messages", "id"); len(ids) != 1 || ids[0] != string(sent.ID) {
		t.Errorf("bridge_wait after a lost answer = %v, want %s", ids, sent.ID)
	}
}
