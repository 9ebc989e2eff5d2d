package bench_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/bench"
)

func TestAgent_sendAndRead(t *testing.T) {
	throughDoors(t, func(t *testing.T, target *bench.Target, door bench.Door, x string) {
		alice, bob := enter(t, target, door, "alice"), enter(t, target, door, "bob")
		before, err := bob.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if list, err := bob.Read(t.Context(), x+"a", "", 500); err != nil || len(list) != 0 {
			t.Errorf("Read() of an empty channel = %v, %v", list, err)
		}
		var ids []string
		for _, text := range []string{"one", `two <&> "é` + "\u2028", "{\"a\":1}", "four"} {
			ids = append(ids, mustSend(t, alice, x+"a", text))
		}
		mustSend(t, alice, x+"b", "elsewhere")
		got, err := bob.Read(t.Context(), x+"a", "", 500)
		want := "alice: one\nalice: two <&> \"é\n\nalice: {\"a\":1}\nalice: four" // a line separator becomes a line feed
		if err != nil || texts(got) != want {
			t.Errorf("Read() from the beginning = %q, %v, want %q", texts(got), err, want)
		}
		for i, m := range got {
			if m.ID != ids[i] || m.Again {
				t.Errorf("message %d = %+v, was stored as %s", i, m, ids[i])
			}
		}
		if got, err := bob.Read(t.Context(), x+"a", ids[0], 2); err != nil || len(got) != 2 || got[0].ID != ids[1] {
			t.Errorf("Read() of two behind the first = %q, %v", texts(got), err)
		}
		if n, err := bob.List(t.Context()); err != nil || n != before+2 {
			t.Errorf("List() = %d, %v, want %d and two more", n, err, before)
		}
	})
}

// A bridge bounds what it answers at once by bytes too; whoever asks for 500
// messages takes less for the end.
func TestAgent_readLarge(t *testing.T) {
	throughDoors(t, func(t *testing.T, target *bench.Target, door bench.Door, x string) {
		alice := enter(t, target, door, "alice")
		const n = 15
		pad := strings.Repeat("lorem ipsum ", 1600)
		for i := range n {
			mustSend(t, alice, x+"big", fmt.Sprint(i, " ", pad))
		}
		list, err := alice.Read(t.Context(), x+"big", "", n)
		if err != nil || len(list) != n {
			t.Fatalf("Read() = %d messages, %v, want %d", len(list), err, n)
		}
		for i, m := range list {
			if m.Content != fmt.Sprint(i, " ", pad) {
				t.Errorf("message %d is %.20q of %d bytes", i, m.Content, len(m.Content))
			}
		}
		if list, err := alice.Read(t.Context(), x+"big", list[0].ID, n-5); err != nil || len(list) != n-5 {
			t.Errorf("Read() of all but five = %d messages, %v", len(list), err)
		}
	})
}

func TestAgent_key(t *testing.T) {
	throughDoors(t, func(t *testing.T, target *bench.Target, door bench.Door, x string) {
		alice := enter(t, target, door, "alice")
		first, err := alice.Send(t.Context(), x, "once", "key-1")
		if err != nil {
			t.Fatal(err)
		}
		if again, err := alice.Send(t.Context(), x, "once", "key-1"); err != nil || again != first {
			t.Errorf("Send() again = %q, %v, want %q", again, err, first)
		}
		_, err = alice.Send(t.Context(), x, "other", "key-1")
		bridgetest.WantErr(t, agentbridge.Conflict, err)
		if list, err := alice.Read(t.Context(), x, "", 500); err != nil || len(list) != 1 {
			t.Errorf("Read() = %q, %v, want one message", texts(list), err)
		}
	})
}

func TestAgent_wait(t *testing.T) {
	throughDoors(t, func(t *testing.T, target *bench.Target, door bench.Door, x string) {
		alice, bob := enter(t, target, door, "alice"), enter(t, target, door, "bob")
		first := mustSend(t, alice, x, "first")
		if list, err := bob.Wait(t.Context(), x, first, time.Millisecond); err != nil || len(list) != 0 {
			t.Errorf("Wait() for nothing = %q, %v", texts(list), err)
		}
		type outcome struct {
			list []bench.Message
			err  error
		}
		got := make(chan outcome)
		go func() {
			list, err := bob.Wait(t.Context(), x, first, patience)
			got <- outcome{list, err}
		}()
		mustSend(t, alice, x, "second")
		if o := <-got; o.err != nil || texts(o.list) != "alice: second" {
			t.Errorf("Wait() = %q, %v", texts(o.list), o.err)
		}
	})
}

// A call that is given up leaves an agent that works.
func TestAgent_givenUp(t *testing.T) {
	throughDoors(t, func(t *testing.T, target *bench.Target, door bench.Door, x string) {
		alice := enter(t, target, door, "alice")
		first := mustSend(t, alice, x, "first")
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if list, err := alice.Wait(ctx, x, first, patience); err == nil || ctx.Err() == nil {
			t.Errorf("Wait() that was given up = %q, %v", texts(list), err)
		}
		if _, err := alice.Send(ctx, x, "too late", ""); err == nil {
			t.Error("Send() after its context ended succeeded")
		}
		mustSend(t, alice, x, "second")
		if list, err := alice.Read(t.Context(), x, first, 500); err != nil || texts(list) != "alice: second" {
			t.Errorf("Read() = %q, %v", texts(list), err)
		}
	})
}

func TestAgent_clear(t *testing.T) {
	throughDoors(t, func(t *testing.T, target *bench.Target, door bench.Door, x string) {
		alice := enter(t, target, door, "alice")
		gone := mustSend(t, alice, x, "gone")
		if err := alice.Clear(t.Context(), x); err != nil {
			t.Errorf("Clear() = %v", err)
		}
		if list, err := alice.Read(t.Context(), x, "", 500); err != nil || len(list) != 0 {
			t.Errorf("Read() after a clear = %q, %v", texts(list), err)
		}
		_, err := alice.Read(t.Context(), x, gone, 500) // nothing would look like a channel without news
		bridgetest.WantErr(t, agentbridge.NotFound, err)
		_, err = alice.Wait(t.Context(), x, gone, patience)
		bridgetest.WantErr(t, agentbridge.NotFound, err)
	})
}

func TestFollower(t *testing.T) {
	throughDoors(t, func(t *testing.T, target *bench.Target, door bench.Door, x string) {
		alice := enter(t, target, door, "alice")
		follower, ok := alice.(bench.Follower)
		if want := door == bench.Engine || door == bench.HTTP; ok != want {
			t.Fatalf("Follower = %t, want %t", ok, want)
		}
		if !ok {
			return
		}
		mustSend(t, alice, x+"a//b/./ü?&%2e", "before")
		begin, cancel := context.WithCancel(t.Context())
		stream, err := follower.Follow(begin, x+"a//b/./ü?&%2e")
		cancel() // a stream outlasts the context it was opened with
		if err != nil {
			t.Fatalf("Follow() = %v", err)
		}
		if err := alice.Clear(t.Context(), x+"a//b/./ü?&%2e"); err != nil { // no message, and passed over
			t.Fatal(err)
		}
		long := strings.Repeat("lorem ipsum ", 10_000)
		for _, text := range []string{"one", long, "three"} {
			id := mustSend(t, alice, x+"a//b/./ü?&%2e", text)
			if m, err := stream.Next(t.Context()); err != nil || m != (bench.Message{ID: id, Sender: "alice", Content: text}) {
				t.Fatalf("Next() = %.80v, %v", m, err)
			}
		}
		ended := make(chan error)
		go func() {
			_, err := stream.Next(t.Context())
			ended <- err
		}()
		if err := stream.Close(); err != nil {
			t.Errorf("Close() = %v", err)
		}
		if err := <-ended; err == nil {
			t.Error("Next() after Close returned a message")
		}
	})
}

// Next ends with its context, also if nothing ever comes.
func TestFollower_givenUp(t *testing.T) {
	for _, door := range []bench.Door{bench.Engine, bench.HTTP} {
		t.Run(string(door), func(t *testing.T) {
			alice := enter(t, target(t, ""), door, "alice")
			stream, err := alice.(bench.Follower).Follow(t.Context(), "x")
			if err != nil {
				t.Fatal(err)
			}
			defer stream.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			if _, err := stream.Next(ctx); err == nil || ctx.Err() == nil {
				t.Errorf("Next() = %v", err)
			}
		})
	}
}

func TestTalker(t *testing.T) {
	throughDoors(t, func(t *testing.T, target *bench.Target, door bench.Door, _ string) {
		one, other := enter(t, target, door, "one"), enter(t, target, door, "other")
		creator, ok := one.(bench.Talker)
		if want := !target.Foreign && door != bench.HTTP; ok != want {
			t.Fatalf("Talker = %t, want %t", ok, want)
		}
		if !ok {
			return
		}
		partner := other.(bench.Talker)
		a, b, invite, err := creator.Converse(t.Context())
		if err != nil || a.Seat != "a" || b.Seat != "b" || a.Token == "" || b.Token == "" || invite == "" {
			t.Fatalf("Converse() = %v, seats %q and %q", err, a.Seat, b.Seat)
		}
		joined, err := partner.Join(t.Context(), invite)
		if err != nil || joined.Conversation != a.Conversation || joined.Seat != "b" {
			t.Fatalf("Join() = %v, seat %q", err, joined.Seat)
		}
		_, err = partner.Join(t.Context(), invite)
		bridgetest.WantErr(t, agentbridge.Unauthenticated, err)

		id, err := creator.Tell(t.Context(), a, "hello", "key")
		if err != nil {
			t.Fatalf("Tell() = %v", err)
		}
		if again, err := creator.Tell(t.Context(), a, "hello", "key"); err != nil || again != id {
			t.Errorf("Tell() again = %q, %v, want %q", again, err, id)
		}
		list, err := partner.Check(t.Context(), joined)
		if err != nil || len(list) != 1 || list[0] != (bench.Message{ID: id, Sender: "a", Content: "hello"}) {
			t.Errorf("Check() = %+v, %v", list, err)
		}
		if list, err := partner.Check(t.Context(), joined); err != nil || len(list) != 0 {
			t.Errorf("Check() again = %+v, %v", list, err)
		}
		if _, err := partner.Tell(t.Context(), joined, "hello yourself", ""); err != nil {
			t.Errorf("Tell() to the creator = %v", err)
		}
		if list, err := creator.Check(t.Context(), a); err != nil || texts(list) != "b: hello yourself" {
			t.Errorf("Check() of the creator = %+v, %v", list, err)
		}
		wrong := a
		wrong.Token = b.Token
		_, err = creator.Tell(t.Context(), wrong, "as somebody else", "")
		bridgetest.WantErr(t, agentbridge.Unauthenticated, err)
	})
}

// What came in a reply that was lost comes again, and says so.
func TestTalker_again(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bridge := bridgetest.Unlimited(t)
		agent := enter(t, &bench.Target{Name: "own", Bridge: bridge}, bench.Engine, "one").(bench.Talker)
		a, b, _, err := agent.Converse(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := agent.Tell(t.Context(), a, "hello", ""); err != nil {
			t.Fatal(err)
		}
		seat := bridge.MustSit(agentbridge.SeatCredential{Conversation: agentbridge.ConversationID(b.Conversation), Seat: agentbridge.SeatB, Token: agentbridge.Token(b.Token)})
		if d, err := seat.Check(t.Context(), 1000); err != nil || len(d.Messages) != 1 { // and never settled
			t.Fatalf("Check() = %+v, %v", d, err)
		}
		time.Sleep(agentbridge.OfferTime + time.Second)
		if list, err := agent.Check(t.Context(), b); err != nil || len(list) != 1 || !list[0].Again {
			t.Errorf("Check() = %+v, %v, want the message again", list, err)
		}
	})
}
