package relay_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/store"
)

// Eve may read and send in her channel only. She looks for signs that there are
// others.
func TestHidden_marks(t *testing.T) { // a mark must not count what others say
	b := bridgetest.New(t)
	bob, eve := b.Agent("bob"), scoped(t, b, "eve", "read:eve,send:eve")
	last := bob.MustSend("eve", "one").Seq
	for range 10 {
		bob.MustSend("secret", "x")
	}
	stale := func(c agentbridge.ChannelName, at agentbridge.Seq, want bool) {
		t.Helper()
		page := eve.MustRead(agentbridge.ReadRequest{Channel: c, After: agentbridge.Mark(at)})
		if page.Stale != want {
			t.Errorf("Read(%s behind the mark %d) is stale: %v, want %v", c, at, page.Stale, want)
		}
	}
	stale("eve", 0, false)
	stale("eve", last, false)
	for at := last + 1; at < last+20; at++ {
		stale("eve", at, true)
	}
	bob.MustClear("eve")
	stale("eve", last, false)
	stale("eve", last+1, true)
	f := eve.MustFollow("eve", agentbridge.Position(agentbridge.Mark(last+5)))
	bob.MustSend("eve", "two")
	f.Want("eve: cursor_stale", "eve: two")
}

// To follow from a message that is elsewhere begins now, from one that was
// removed at what is left. Which of both it is must not tell that a message is
// still there.
func TestHidden_followFromElsewhere(t *testing.T) {
	b := bridgetest.New(t)
	bob, eve := b.Agent("bob"), scoped(t, b, "eve", "read:eve")
	there := bob.MustSend("secret", "x")
	removed := bob.MustSend("removed", "x")
	bob.MustClear("removed")
	bob.MustSend("eve", "one")
	bob.MustClear("eve")
	bob.MustSend("eve", "two")
	for what, id := range map[string]agentbridge.MessageID{"there": there.ID, "removed": removed.ID} {
		f := eve.MustFollow("eve", agentbridge.Position(id))
		t.Log(what)
		f.Want("eve: cursor_stale", "eve: two")
	}
	if f := bob.MustFollow("eve", agentbridge.Position(there.ID)); true { // who may know is told what is new
		bob.MustSend("eve", "three")
		f.Want("eve: cursor_stale", "eve: three")
	}
}

// Whoever may send under a name that looks like a hidden one's is not told so.
func TestHidden_lookAlikes(t *testing.T) {
	const pay, paylike = "payer", "рауег" // the second is Cyrillic
	b := bridgetest.New(t)
	bob := b.Agent("bob")
	bob.MustSend(pay, "one")
	eve := scoped(t, b, "eve", "send:"+paylike+",read:"+paylike)
	eve.MustSend(paylike, "x")

	bob.MustSend("#"+pay, "one")
	reader := scoped(t, b, "reader", "send:#"+paylike+",read:#"+pay)
	_, err := reader.Send(t.Context(), reader.Draft("#"+paylike, "x"))
	bridgetest.WantErr(t, agentbridge.Reserved, err)
	scoped(t, b, "sender", "send:#*").MustSend("#"+paylike, "x") // it may not read the other one

	// Nor is somebody without a name told who writes where he can't read.
	b.Agent(pay).MustSend("inbox", "x")
	blind, err := b.Open(t.Context(), agentbridge.Principal{Roles: []agentbridge.AccessRole{agentbridge.RoleMember},
		Scopes: []agentbridge.Scope{{Verb: agentbridge.VerbSend, Pattern: "inbox"}}})
	if err != nil {
		t.Fatal(err)
	}
	twin := bridgetest.NewAgent(t, blind, paylike)
	_, err = twin.Send(t.Context(), twin.Draft("inbox", "x"))
	if agentbridge.CodeOf(err) != agentbridge.Reserved || strings.Contains(err.Error(), pay) {
		t.Errorf("Send() = %v, want it refused without the name", err)
	}
}

// Much happens where eve may not look. Her feed comes to what she may see, and
// says that more follows only if that is for her.
func TestHidden_watchBehindOthers(t *testing.T) {
	b := bridgetest.Unlimited(t)
	bob, eve := b.Agent("bob"), scoped(t, b, "eve", "read:eve")
	bob.MustSend("eve", "first")
	err := b.Store.Update(t.Context(), func(t store.Tx) error {
		for range 1100 {
			if err := t.Log(agentbridge.Entry{At: time.Now(), Actor: "bob", Action: agentbridge.ActionAck, Target: "secret"}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	bob.MustSend("eve", "last")
	f, err := eve.Watch(t.Context(), nil, "0")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, want := range []string{"eve: first", "eve: last"} {
		batch, err := f.Next(t.Context())
		if err != nil || len(batch.Events) != 1 || bridgetest.Tell(batch.Events[0]) != want || batch.More {
			t.Fatalf("Next() = %+v, %v; want %s and no more", batch, err, want)
		}
	}
}

// A token ends while its holder waits, follows and watches: all of that ends at
// once and says why.
func TestLife_endsWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bridgetest.New(t)
		why := agentbridge.Refuse(agentbridge.Unauthenticated, "", "revoked")
		for _, c := range []struct {
			what  string
			cause error
			want  agentbridge.Code
		}{
			{"revoked", why, agentbridge.Unauthenticated},
			{"no cause", nil, agentbridge.Unauthenticated},
			{"some cause", errors.New("x"), agentbridge.Unauthenticated},
			{"to come again", agentbridge.Refuse(agentbridge.Busy, "", "again"), agentbridge.Busy},
		} {
			p := agentbridge.Local()
			life, end := context.WithCancelCause(context.Background())
			p.Life, p.Name = life, agentbridge.AgentName(c.what)
			s, err := b.Open(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			follow, err := s.Follow(t.Context(), "#build", "")
			if err != nil {
				t.Fatal(err)
			}
			watch, err := s.Watch(t.Context(), nil, "")
			if err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 3)
			for _, wait := range []func() error{
				func() error {
					_, err := s.Wait(t.Context(), agentbridge.ReadRequest{Channel: "#build", After: agentbridge.Mark(0)}, agentbridge.MaxWait)
					return err
				},
				func() error { _, err := follow.Next(t.Context()); return err },
				func() error { _, err := watch.Next(t.Context()); return err },
			} {
				go func() { ended <- wait() }()
			}
			time.Sleep(time.Second)
			before := lastEntry(t, b)
			end(c.cause)
			at := time.Now()
			for range 3 {
				if err := <-ended; agentbridge.CodeOf(err) != c.want || c.cause == why && err != error(why) {
					t.Errorf("%s: a wait ended with %v, want %q", c.what, err, c.want)
				}
			}
			if took := time.Since(at); took > 0 {
				t.Errorf("%s: that took %v", c.what, took)
			}
			if got := told(t, b, before); len(got) > 0 {
				t.Errorf("%s: an end is no attempt, and the audit log says %q", c.what, got)
			}
			follow.Close()
			watch.Close()
		}
	})
}

// A feed that has something to tell at every look ends all the same.
func TestLife_endsABusyFeed(t *testing.T) {
	b := bridgetest.Unlimited(t)
	bob := b.Agent("bob")
	for range 300 { // three batches
		bob.MustSend("#build", "x")
	}
	p := agentbridge.Local()
	life, end := context.WithCancel(context.Background())
	p.Life = life
	s, err := b.Open(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	follow, err := s.Follow(t.Context(), "#build", agentbridge.Position(agentbridge.Mark(0)))
	if err != nil {
		t.Fatal(err)
	}
	defer follow.Close()
	watch, err := s.Watch(t.Context(), nil, "0")
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Close()
	for _, f := range []agentbridge.Feed{follow, watch} {
		if _, err := f.Next(t.Context()); err != nil {
			t.Errorf("Next() of a live one = %v", err)
		}
	}
	end()
	for _, f := range []agentbridge.Feed{follow, watch} {
		_, err := f.Next(t.Context())
		bridgetest.WantErr(t, agentbridge.Unauthenticated, err)
	}
}
