package bridgetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"agentbridge"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// In these tests a message that was sent last shows that nothing else came
// before it.

func testFollow(t *testing.T, alice, bob *Agent) { // live, for two readers
	alice.MustSend("#build", "before")
	f, g := alice.MustFollow("#build", ""), bob.MustFollow("#build", "")
	alice.MustSend("#build", "one")
	bob.MustSend("#other", "elsewhere")
	bob.MustSendDraft(bob.Envelope("#build", `{"schema_version":1,"type":"task","content":"two"}`))
	const two = `#build: {"content":"two","schema_version":1,"type":"task"}`
	f.Want("#build: one", two)
	alice.MustSend("#build", "three")
	f.Want("#build: three")
	g.Want("#build: one", two, "#build: three")

	// A message in a feed is the message.
	h := bob.MustFollow("#build", agentbridge.Position(agentbridge.Mark(0)))
	var got []agentbridge.Message
	for len(got) < 4 {
		b, err := h.Next(t.Context())
		if err != nil {
			t.Fatalf("Next() = %v", err)
		}
		for _, e := range b.Events {
			got = append(got, e.Message)
		}
	}
	want := bob.MustRead(agentbridge.ReadRequest{Channel: "#build"}).Messages
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("Next(): -want what Read returned +got\n%s", diff)
	}
}

func testFollowBehind(t *testing.T, alice, bob *Agent) { // from a position on
	one := alice.MustSend("#build", "one")
	alice.MustSend("#build", "two")
	f := bob.MustFollow("#build", agentbridge.Position(one.ID))
	if f.Position() != agentbridge.Position(one.ID) {
		t.Errorf("Position() at first = %q, want %q", f.Position(), one.ID)
	}
	f.Want("#build: two")
	alice.MustSend("#build", "three")
	f.Want("#build: three")
	at := f.Position()
	f.Close()
	alice.MustSend("#build", "four")
	bob.MustFollow("#build", at).Want("#build: four")
	page := bob.MustRead(agentbridge.ReadRequest{Channel: "#build", After: agentbridge.MessageID(at)}) // it is a message's id as well
	WantTexts(t, "Read() behind a feed's position", page.Messages, "four")

	// The position of a feed that saw nothing yet is one too.
	at = bob.MustFollow("#build", "").Position()
	alice.MustSend("#build", "five")
	bob.MustFollow("#build", at).Want("#build: five")
}

func testFollowBurst(t *testing.T, alice, bob *Agent) { // many more than a batch or a replay, past and live
	const half = 700
	var want []string
	send := func() {
		text := fmt.Sprint("m", len(want))
		want = append(want, "#build: "+text)
		alice.MustSend("#build", text)
	}
	for range half {
		send()
	}
	f := bob.MustFollow("#build", agentbridge.Position(agentbridge.Mark(0)))
	for range half {
		send()
	}
	f.Want(want...)
}

func testFollowClear(t *testing.T, alice, bob *Agent) {
	alice.MustSend("#build", "one")
	f := bob.MustFollow("#build", "")
	alice.MustSend("#build", "two")
	f.Want("#build: two")
	alice.MustClear("#build")
	f.Want("#build: clear 2")
	alice.MustClear("#build") // of nothing is nothing
	alice.MustSend("#build", "three")
	f.Want("#build: three")
	alice.MustSend("#build", "four")
	bob.MustFollow("#build", f.Position()).Want("#build: four")
}

func testFollowStale(t *testing.T, alice, bob *Agent) {
	elsewhere := alice.MustSend("#deploy", "one")
	alice.MustSend("#build", "two")
	for _, after := range []agentbridge.Position{agentbridge.Position(elsewhere.ID), "yesterday", agentbridge.Position(agentbridge.NewMessageID(1 << 40))} {
		f := bob.MustFollow("#build", after)
		f.Want("#build: cursor_stale")
		alice.MustSend("#build", "new")
		f.Want("#build: new")
		f.Close()
	}

	cleared := alice.MustSend("#build", "three")
	alice.MustClear("#build")
	alice.MustSend("#build", "four")
	alice.MustSend("#build", "five")
	f := bob.MustFollow("#build", agentbridge.Position(cleared.ID))
	f.Want("#build: cursor_stale", "#build: four", "#build: five")
	alice.MustSend("#build", "six")
	f.Want("#build: six")
}

func testFollowNew(t *testing.T, alice, bob *Agent) { // a channel that does not exist yet
	for _, name := range []agentbridge.ChannelName{"#new", "a/b", "a//..b", "%2e?#&+ ü"} {
		f := bob.MustFollow(name, "")
		alice.MustSend(name, "first")
		f.Want(string(name) + ": first")
		f.Close()
	}
}

func testFollowEnds(t *testing.T, alice, bob *Agent) { // Next ends with its context, the feed does not
	f := bob.MustFollow("#build", "")
	ended := make(chan error)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		_, err := f.Next(ctx)
		ended <- err
	}()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Next() = %v, want %v", err, context.Canceled)
	}
	alice.MustSend("#build", "one")
	f.Want("#build: one")
}

// testFollowInterrupted ends the context of Next again and again while messages
// come, at whatever moment that is.
func testFollowInterrupted(t *testing.T, alice, bob *Agent) {
	f := bob.MustFollow("#build", "")
	var want, got []string
	take := func(ctx context.Context) {
		b, err := f.Next(ctx)
		if err != nil && (!errors.Is(err, context.Canceled) || len(b.Events) > 0) {
			t.Fatalf("Next() = %d events, %v", len(b.Events), err)
		}
		for _, e := range b.Events {
			got = append(got, e.Message.Content)
		}
	}
	for i := range 100 {
		want = append(want, fmt.Sprint("m", i))
		ctx, cancel := context.WithCancel(t.Context())
		sent, draft := make(chan error, 1), alice.Draft("#build", want[i])
		go func() {
			_, err := alice.Send(ctx, draft)
			cancel()
			sent <- err
		}()
		take(ctx)
		if err := <-sent; err != nil {
			t.Fatalf("Send() = %v", err)
		}
	}
	for len(got) < len(want) {
		take(t.Context())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Next(), interrupted: -want +got\n%s", diff)
	}
}

func testWatch(t *testing.T, alice, bob *Agent) { // everything, also what is new
	alice.MustSend("#build", "before")
	f := bob.MustWatch("")
	alice.MustSend("#build", "one")
	if _, err := alice.CreateConversation(t.Context(), "backend_developer", "frontend_developer"); err != nil {
		t.Fatalf("CreateConversation() = %v", err)
	}
	bob.MustSend("#new", "two")
	bob.MustAck("#new", bob.MustSend("#new", "three").ID)
	f.Want("#build: one", "#new: two", "#new: three")
	alice.MustClear("#build")
	bob.MustSend("#new", "four")
	f.Want("#build: clear 2", "#new: four")

	g := bob.MustWatch("")
	alice.MustSend("#build", "five")
	b, err := g.Next(t.Context())
	if err != nil || len(b.Events) != 1 {
		t.Fatalf("Next() = %+v, %v", b, err)
	}
	want := bob.MustRead(agentbridge.ReadRequest{Channel: "#build"}).Messages[0]
	if diff := cmp.Diff(want, b.Events[0].Message, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("Next(): -want what Read returned +got\n%s", diff)
	}
}

func testWatchSome(t *testing.T, alice, bob *Agent) { // only what was asked for
	names := []agentbridge.ChannelName{"#build", "a, b&c=d", "#new"}
	f := bob.MustWatch("", names...)
	alice.MustSend("#build", "one")
	alice.MustSend("#other", "two")
	alice.MustSend("a", "three")
	alice.MustClear("#other")
	alice.MustSend("a, b&c=d", "four")
	alice.MustSend("#new", "five")
	f.Want("#build: one", "a, b&c=d: four", "#new: five")
}

func testWatchResume(t *testing.T, alice, bob *Agent) { // nothing twice, nothing lost
	at := bob.MustWatch("").Position()
	if at == "" {
		t.Error("Position() at first = \"\"")
	}
	var want []string
	for i := range 350 {
		channel := agentbridge.ChannelName(fmt.Sprint("c", i%7))
		want = append(want, fmt.Sprintf("%s: m%d", channel, i))
		alice.MustSend(channel, fmt.Sprint("m", i))
	}
	var got []string
	for len(got) < len(want) { // each batch by another feed
		f := bob.MustWatch(at)
		b, err := f.Next(t.Context())
		if err != nil {
			t.Fatalf("Next() = %v", err)
		}
		for _, e := range b.Events {
			got = append(got, Tell(e))
		}
		at = f.Position()
		f.Close()
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Watch() in pieces: -want +got\n%s", diff)
	}
}

func testWatchReset(t *testing.T, alice, bob *Agent) { // a position of another database
	alice.MustSend("#build", "before")
	f := bob.MustWatch("999999999")
	f.Want("reset")
	alice.MustSend("#build", "one")
	f.Want("#build: one")
	alice.MustSend("#build", "two")
	bob.MustWatch(f.Position()).Want("#build: two")
}
