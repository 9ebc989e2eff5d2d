package relay_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/relay"
	"agentbridge/internal/store"
)

// waiting is a Wait in a goroutine of its own.
type waiting struct {
	page agentbridge.Page
	err  error
	took time.Duration
	done chan struct{}
}

func startWait(ctx context.Context, s agentbridge.Session, channel agentbridge.ChannelName, timeout time.Duration) *waiting {
	w := &waiting{done: make(chan struct{})}
	go func() {
		defer close(w.done)
		start := time.Now()
		w.page, w.err = s.Wait(ctx, agentbridge.ReadRequest{Channel: channel, Consumer: "bob"}, timeout)
		w.took = time.Since(start)
	}()
	return w
}

func TestWait_time(t *testing.T) {
	for _, c := range []struct{ timeout, want time.Duration }{
		{20 * time.Second, 20 * time.Second},
		{55 * time.Second, 55 * time.Second},
		{time.Hour, 55 * time.Second}, // longer than clients and proxies keep a call
		{0, 0},
		{-time.Second, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := startWait(t.Context(), bridgetest.New(t).Session(), "#build", c.timeout)
			<-w.done
			if w.err != nil || !w.page.TimedOut || w.took != c.want {
				t.Errorf("Wait(%v) = timed out %v after %v, %v; want %v", c.timeout, w.page.TimedOut, w.took, w.err, c.want)
			}
		})
	}
}

func TestWait_wakesAtOnce(t *testing.T) { // and only for its own channel
	synctest.Test(t, func(t *testing.T) {
		b := bridgetest.New(t)
		alice := b.Agent("alice")
		_, partner := b.Pair("backend_developer", "frontend_developer")
		w := startWait(t.Context(), b.Session(), "#build", agentbridge.MaxWait)
		for range 5 {
			time.Sleep(time.Second)
			alice.MustSend("#deploy", "elsewhere")
			partner.MustSend("elsewhere")
			alice.MustClear("#build")
		}
		synctest.Wait()
		select {
		case <-w.done:
			t.Fatalf("Wait(#build) = %+v, %v after a send to #deploy", w.page, w.err)
		default:
		}
		alice.MustSend("#build", "done")
		<-w.done
		if w.err != nil || w.took != 5*time.Second {
			t.Errorf("Wait() returned after %v, %v; want the moment of the send, 5s", w.took, w.err)
		}
		bridgetest.WantTexts(t, "Wait()", w.page.Messages, "done")
	})
}

func TestWait_endsWithItsContextOrTheBridge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bridgetest.New(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancelled := startWait(ctx, b.Session(), "#build", agentbridge.MaxWait)
		closed := startWait(t.Context(), b.Session(), "#build", agentbridge.MaxWait)
		time.Sleep(time.Second)
		cancel()
		<-cancelled.done
		if !errors.Is(cancelled.err, context.Canceled) || cancelled.took != time.Second {
			t.Errorf("Wait() = %v after %v, want %v at once", cancelled.err, cancelled.took, context.Canceled)
		}
		time.Sleep(time.Second)
		b.Close()
		<-closed.done
		bridgetest.WantErr(t, agentbridge.Closed, closed.err)
		if closed.took != 2*time.Second {
			t.Errorf("Wait() returned after %v, want it when the bridge closed", closed.took)
		}
	})
}

func TestWait_theSlowReader(t *testing.T) { // what came while it was away is there, and nothing twice
	synctest.Test(t, func(t *testing.T) {
		b := bridgetest.New(t)
		alice, bob := b.Agent("alice"), b.Agent("bob")
		var want, got []string
		for i := range 40 {
			want = append(want, fmt.Sprint(i))
		}
		go func() {
			for i, text := range want {
				if _, err := alice.Send(t.Context(), alice.Draft("#build", text)); err != nil {
					t.Errorf("Send(%s) = %v", text, err)
				}
				time.Sleep(time.Duration(i%7) * time.Second)
			}
		}()
		for len(got) < len(want) {
			page, err := bob.Wait(t.Context(), agentbridge.ReadRequest{Channel: "#build", Consumer: "bob", Limit: 3}, agentbridge.MaxWait)
			if err != nil || page.TimedOut {
				t.Fatalf("Wait() = %+v, %v", page, err)
			}
			for _, m := range page.Messages {
				got = append(got, m.Content)
			}
			bob.MustAck("#build", page.Next)
			time.Sleep(4 * time.Second)
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("Wait() and Ack() in a loop: %v, want %v", got, want)
		}
	})
}

func TestSend_manyAtOnceWithOneKey(t *testing.T) { // an impatient client retries before the answer
	b := bridgetest.New(t)
	alice := b.Agent("alice")
	d := alice.Draft("#build", "done")
	d.Key = "k"
	answers := make([]agentbridge.Sent, 20)
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() {
			var err error
			if answers[i], err = alice.Send(t.Context(), d); err != nil {
				t.Errorf("Send() = %v", err)
			}
		})
	}
	wg.Wait()
	stored := 0
	for _, sent := range answers {
		if sent.ID != answers[0].ID {
			t.Errorf("Send() = %s and %s, want one message", sent.ID, answers[0].ID)
		}
		if !sent.Deduplicated {
			stored++
		}
	}
	if stored != 1 {
		t.Errorf("%d of %d sends with one key stored a message, want 1", stored, len(answers))
	}
	alice.WantRead("#build", "done")
}

func TestSend_keysSurviveRestarts(t *testing.T) {
	b := bridgetest.New(t)
	d := b.Agent("alice").Draft("#build", "done")
	d.Key = "k"
	first := b.Agent("alice").MustSendDraft(d)
	b.Close()
	again := bridgetest.Open(t, b.Dir, relay.Options{}).Agent("alice").MustSendDraft(d)
	if !again.Deduplicated || again.ID != first.ID {
		t.Errorf("Send() after a restart = %+v, want %s, deduplicated", again, first.ID)
	}
}

// sendMany sends at once, in any order: they share commits, which is what takes
// the time.
func sendMany(t *testing.T, from *bridgetest.Agent, n int, draft func(i int) agentbridge.Draft) {
	t.Helper()
	var wg sync.WaitGroup
	for i := range n {
		d := draft(i)
		wg.Go(func() {
			if _, err := from.Send(t.Context(), d); err != nil {
				t.Errorf("Send(%s) = %v", d.Channel, err)
			}
		})
	}
	wg.Wait()
}

func TestRead_bounds(t *testing.T) { // also for a face that forgot to check them
	alice := bridgetest.New(t).Agent("alice")
	sendMany(t, alice, agentbridge.MaxPage+1, func(i int) agentbridge.Draft { return alice.Draft("#build", fmt.Sprint(i)) })
	for limit, want := range map[int]int{
		math.MinInt: agentbridge.DefaultPage, -1: agentbridge.DefaultPage, 0: agentbridge.DefaultPage,
		1: 1, agentbridge.MaxPage: agentbridge.MaxPage, math.MaxInt: agentbridge.MaxPage,
	} {
		for _, consumer := range []agentbridge.AgentName{"", "bob"} {
			page := alice.MustRead(agentbridge.ReadRequest{Channel: "#build", Consumer: consumer, Limit: limit, MaxBytes: min(limit, 0)})
			if len(page.Messages) != want || page.More == page.Older {
				t.Errorf("Read(limit %d as %q) = %d messages, more %v, older %v; want %d and one of the two", limit, consumer, len(page.Messages), page.More, page.Older, want)
			}
		}
	}
}

func TestRead_byTwoProcesses(t *testing.T) {
	one := bridgetest.New(t)
	two := bridgetest.Open(t, one.Dir, relay.Options{})
	alice, bob := one.Agent("alice"), two.Agent("bob")
	first := alice.MustSend("#build", "one")
	second := bob.MustSend("#build", "two")
	third := alice.MustSend("#build", "three")
	if first.Seq >= second.Seq || second.Seq >= third.Seq {
		t.Errorf("Send() by turns in two processes = seq %d, %d, %d", first.Seq, second.Seq, third.Seq)
	}
	bob.MustAck("#build", first.ID)
	one.Agent("bob").WantRead("#build", "two", "three")
	alice.MustClear("#build")
	bob.WantRead("#build")
	if fourth := bob.MustSend("#build", "four"); fourth.Seq <= third.Seq {
		t.Errorf("Send() after Clear in another process = seq %d, want one behind %d", fourth.Seq, third.Seq)
	}
	alice.WantRead("#build", "four")
}

// What was cleared was a mistake, a password perhaps. It must be gone from the
// disk, not only from the answers.
func TestClear_overwrites(t *testing.T) {
	const needle = "hunter2 in a haystack"
	synctest.Test(t, func(t *testing.T) {
		b := bridgetest.New(t)
		alice := b.Agent("alice")
		const messages = 520 // more than one batch of the sweeper
		sendMany(t, alice, messages, func(i int) agentbridge.Draft {
			d := alice.Draft("#build", fmt.Sprint(needle, i, strings.Repeat(".", i)))
			d.Key = fmt.Sprint("key", i, " of ", needle)
			return d
		})
		kept := alice.MustSend("#deploy", "kept")
		if !bytes.Contains(readDatabase(t, b.Dir), []byte(needle)) { // like all readings here: nobody else needs its locks
			t.Fatal("the messages can't be found before Clear")
		}
		if n := alice.MustClear("#build"); n != messages {
			t.Errorf("Clear() = %d, want %d", n, messages)
		}
		synctest.Wait() // for the sweeper
		if bytes.Contains(readClosed(t, b), []byte(needle)) {
			t.Error("cleared messages or their keys still stand in the database")
		}
		alice = bridgetest.Open(t, b.Dir, relay.Options{}).Agent("alice")
		alice.WantRead("#deploy", "kept")
		if sent := alice.MustSend("#build", "new"); sent.Seq <= kept.Seq {
			t.Errorf("Send() after Clear and a restart = seq %d, want one behind %d", sent.Seq, kept.Seq)
		}
	})
}

func TestClear_theNewestMessage(t *testing.T) { // its number is not given out again, even after a restart
	synctest.Test(t, func(t *testing.T) {
		b := bridgetest.New(t)
		old := b.Agent("alice").MustSend("#build", "one")
		b.Agent("alice").MustClear("#build")
		synctest.Wait()
		b.Close()
		b = bridgetest.Open(t, b.Dir, relay.Options{})
		if sent := b.Agent("alice").MustSend("#build", "two"); sent.Seq <= old.Seq {
			t.Errorf("Send() = seq %d, want one behind %d", sent.Seq, old.Seq)
		}
	})
}

func TestClear_sweptByTheNextProcess(t *testing.T) { // the one that cleared died before it came to it
	b := bridgetest.New(t)
	b.Agent("alice").MustSend("#build", "hunter2")
	b.Relay.Close() // no sweeper any more
	b.Agent("alice").MustClear("#build")
	err := b.Store.View(t.Context(), func(v store.Reader) error {
		left, err := v.Cleared()
		if !left {
			t.Error("Clear() removed the rows itself: with a million of them, everybody would wait")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	b.Close()
	synctest.Test(t, func(t *testing.T) {
		b := bridgetest.Open(t, b.Dir, relay.Options{})
		synctest.Wait()
		if bytes.Contains(readClosed(t, b), []byte("hunter2")) {
			t.Error("a cleared message still stands in the database after a restart")
		}
	})
}

func TestChannels_walk(t *testing.T) { // more names than fit in an answer
	const n = 400
	b := bridgetest.New(t)
	alice := b.Agent("alice")
	want := map[agentbridge.ChannelName]bool{}
	name := func(i int) agentbridge.ChannelName {
		return agentbridge.ChannelName(fmt.Sprintf("%03d%s", i, strings.Repeat("é", agentbridge.MaxChannelName-3)))
	}
	sendMany(t, alice, n, func(i int) agentbridge.Draft { return alice.Draft(name(i), "x") })
	for i := range n {
		want[name(i)] = true
	}
	pages := 0
	for after := agentbridge.ChannelName(""); ; pages++ {
		list, err := alice.Channels(t.Context(), agentbridge.ChannelQuery{After: after})
		if err != nil || list.TotalChannels != n || list.TotalMessages != n {
			t.Fatalf("Channels(after %q) = %d channels, %d messages, %v; want the totals of all", after, list.TotalChannels, list.TotalMessages, err)
		}
		bytes := 0
		for _, c := range list.Channels {
			if !want[c.Name] || c.Count != 1 {
				t.Errorf("Channels() = %q with %d messages: twice, or unknown", c.Name, c.Count)
			}
			delete(want, c.Name)
			bytes += c.WireSize()
		}
		if bytes > agentbridge.MaxReplyBytes {
			t.Errorf("Channels() = %d bytes of lines", bytes)
		}
		if after = list.Next; after == "" {
			break
		}
	}
	if len(want) != 0 || pages == 0 {
		t.Errorf("Channels() left out %d channels in %d further pages", len(want), pages)
	}
}

func TestClose_refusesFurtherCalls(t *testing.T) {
	b := bridgetest.New(t)
	alice := b.Agent("alice")
	seat, _ := b.Pair("backend_developer", "frontend_developer")
	b.Close()
	ctx := t.Context()
	for what, call := range map[string]func() error{
		"Send":      func() error { _, err := alice.Send(ctx, alice.Draft("#build", "x")); return err },
		"Read":      func() error { _, err := alice.Read(ctx, agentbridge.ReadRequest{Channel: "#build"}); return err },
		"Ack":       func() error { _, err := alice.Ack(ctx, agentbridge.Ack{Channel: "#build", Consumer: "a"}); return err },
		"Clear":     func() error { _, err := alice.Clear(ctx, "#build"); return err },
		"Ping":      func() error { _, err := alice.Ping(ctx); return err },
		"Sit":       func() error { _, err := b.Sit(ctx, agentbridge.Local(), seat.Credential); return err },
		"Seat.Send": func() error { _, err := seat.Send(ctx, agentbridge.SeatDraft{Text: "x"}); return err },
		"Check":     func() error { _, err := seat.Check(ctx, 1000); return err },
		"Partner":   func() error { _, err := seat.Partner(ctx); return err },
	} {
		for range 20 { // a closed store must not answer by luck
			if err := call(); agentbridge.CodeOf(err) != agentbridge.Closed {
				t.Errorf("%s on a closed bridge = %v, want %q", what, err, agentbridge.Closed)
				break
			}
		}
	}
}
