package mcpserver

import (
	"fmt"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
)

// A client that has cancelled a call doesn't wait for its answer. Programs told
// their users of an error when one came: "response with an unknown id".
func TestCancelled_hasNoAnswer(t *testing.T) {
	for _, name := range []string{"sse", "stdio"} {
		t.Run(name, func(t *testing.T) {
			b, say, next := oneStream(t, name)
			cancel := func(id string) {
				say(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":` + id + `}}`)
			}
			say(legacyCall(1, "wait", ""))
			within(t, "wait", b.started)
			for _, other := range []string{"2", `"1"`, "null", "{}", "1.5"} { // these are calls of nobody
				cancel(other)
			}
			cancel("1")
			within(t, "the tool's context", b.ended)
			b.wantLeft(false)

			say(legacyCall(3, "hold", "")) // doesn't notice, and has done what it does
			within(t, "hold", b.started)
			cancel("3")
			say(legacyCall(4, "echo", "the cancellation has been read"))
			next(`"id":4`)
			b.release <- struct{}{}
			b.wantLeft(false)

			say(strings.Replace(legacyCall(5, "wait", ""), `"id":5`, `"id":"five"`, 1))
			within(t, "wait", b.started)
			cancel(`"five"`)
			within(t, "the tool's context", b.ended)
			b.wantLeft(false)

			say(legacyCall(6, "report", "answered"))
			next(`"id":6`)
			b.wantLeft(true)
		})
	}
}

// An id is free again after its call was cancelled and has ended.
func TestCancelled_itsIDIsFreeAgain(t *testing.T) {
	b := newBench(t, transportOptions{})
	p := b.stdio()
	p.say(legacyInit)
	p.want(`"id":0`)
	p.say(legacyCall(1, "hold", ""))
	within(t, "hold", b.started)
	p.say(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`)
	p.say(legacyCall(1, "echo", "too soon"))
	p.want("the id belongs to a request that has no answer yet")
	b.release <- struct{}{}
	b.wantLeft(false)
	for { // until the SDK is done with the call
		p.say(legacyCall(1, "echo", "again"))
		line := p.want("")
		if strings.Contains(line, `"text":"again"`) {
			return
		}
		if !strings.Contains(line, "has no answer yet") {
			t.Fatalf("stdout: %s", line)
		}
	}
}

func TestCancelled_leavesOutItsPartOfABatch(t *testing.T) {
	b := newBench(t, transportOptions{})
	p := b.stdio()
	p.say(strings.Replace(legacyInit, "2025-11-25", "2025-03-26", 1))
	p.want("2025-03-26")
	cancel := func(id int) {
		p.say(fmt.Sprintf(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":%d}}`, id))
	}
	p.say("[" + legacyCall(1, "wait", "") + "," + legacyCall(2, "echo", "two") + "]")
	within(t, "wait", b.started)
	cancel(1)
	if line := p.want(`"text":"two"`); !strings.HasPrefix(line, `[{"jsonrpc"`) || strings.Contains(line, `"id":1`) {
		t.Errorf("batch: %s, want the answer to 2 alone", line)
	}
	p.say("[" + legacyCall(3, "wait", "") + "]")
	within(t, "wait", b.started)
	cancel(3)
	b.wantLeft(false)
	b.wantLeft(false)
	p.say(legacyCall(4, "echo", "four")) // and nothing before it
	p.want(`"text":"four"`)
	p.in.Close()
	p.wantDone() // no answer is waited for
}

// oneStream is a client whose answers come on one stream: what it says, and the
// next message it gets, which has to contain a text.
func oneStream(t *testing.T, name string) (b *bench, say, next func(string)) {
	b = newBench(t, transportOptions{}).serve()
	if name == "sse" {
		l := b.listenSSE()
		return b, func(message string) { b.post(l, message) }, func(text string) {
			t.Helper()
			if line := l.want(t, "data: "); !strings.Contains(line, text) {
				t.Fatalf("stream: %s, want %q", line, text)
			}
		}
	}
	p := b.stdio()
	p.say(legacyInit)
	p.want(`"id":0`)
	return b, p.say, func(text string) { t.Helper(); p.want(text) }
}

// What is cancelled before it is read, or twice, or under another's id, changes
// nothing for what comes after. The SDK takes a moment to cancel, so this is
// asked without it.
func TestUnanswered(t *testing.T) {
	message := func(text string) jsonrpc.Message {
		m, err := jsonrpc.DecodeMessage([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	cancel := message(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`)
	call := message(legacyCall(1, "echo", ""))
	id := call.(*jsonrpc.Request).ID
	var u unanswered
	want := func(when string, wanted bool) {
		t.Helper()
		if got := u.answer(id); got != wanted {
			t.Errorf("%s: answer(1) = %v, want %v", when, got, wanted)
		}
	}
	u.read(cancel)
	want("never read", true)
	u.read(cancel)
	u.read(call)
	want("cancelled before it was read", true)
	u.read(call)
	u.read(cancel)
	u.read(cancel)
	u.read(call) // the SDK refuses it, under no id
	want("cancelled", false)
	u.read(call)
	u.read(message(`{"jsonrpc":"2.0","id":1,"result":{}}`)) // the client's answer to a call of ours
	want("read again", true)
	if len(u.calls) != 0 {
		t.Errorf("calls = %v, want none", u.calls)
	}
}
