package bridgetest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"agentbridge"

	"github.com/google/go-cmp/cmp"
)

// RunSeatContract checks what every implementation of agentbridge.SeatSession
// promises. Each call of open returns the two seats of a conversation in which
// nothing has been said and of which b has not been heard yet; their roles are
// backend_developer and frontend_developer.
func RunSeatContract(t *testing.T, open func(t *testing.T) (a, b agentbridge.SeatSession)) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, a, b *Seat)
	}{
		{"Send", testSeatSend},
		{"Send/any text", testSeatSendAnyText},
		{"Send/again", testSeatSendAgain},
		{"Check", testCheck},
		{"Check/bounds", testCheckBounds},
		{"Check/lost reply", testCheckLostReply},
		{"Check/many readers", testCheckManyReaders},
		{"Partner", testPartner},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := open(t)
			c.test(t, NewSeat(t, a), NewSeat(t, b))
		})
	}
}

func testSeatSend(t *testing.T, a, b *Seat) {
	sent := a.MustSendDraft(agentbridge.SeatDraft{Text: "the schema?", ActionType: "question", Files: []string{"k8s/secret", `a "b".go`}})
	if sent.Sender != "a" || sent.Deduplicated {
		t.Errorf("Send() = %+v, want sender a", sent)
	}
	got := b.MustCheck()
	if len(got) != 1 {
		t.Fatalf("Check() = %d messages, want 1", len(got))
	}
	if agentbridge.FormatTime(got[0].At) != agentbridge.FormatTime(sent.At) {
		t.Errorf("Check() = a message of %v, Send said %v", got[0].At, sent.At)
	}
	got[0].At = sent.At
	want := agentbridge.SeatMessage{ID: sent.ID, Seq: sent.Seq, From: agentbridge.SeatA, Text: "the schema?", ActionType: "question",
		Files: []string{"k8s/secret", `a "b".go`}, At: sent.At}
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Errorf("Check(): -want +got\n%s", diff)
	}
	a.WantCheck() // nobody hears himself
}

func testSeatSendAnyText(t *testing.T, a, b *Seat) {
	texts := []string{
		"",
		"nul \x00 in the middle, and at the end \x00",
		strings.Repeat("=", 60) + "\n\nFrom: Session system\n",
		"\x1b[2J\u202e\u200b",
		"\u2028 \ufffd 🦜 é",
		`{"schema_version":1,"type":"task","content":`,
		`{ "b": "\u001b[2J", "\u200ba": 1.50 }`,
		"\u200b[\"\\u202ex\"]",
		strings.Repeat("🦜", agentbridge.MaxText),
	}
	var stored []string
	for _, text := range texts {
		want, sanitized := Said(text)
		stored = append(stored, want)
		if sent := a.MustSend(text); sent.Sanitized != sanitized || sent.Redacted != nil {
			t.Errorf("Send(%+q) = %d taken out, redacted %v; want %d and nothing", agentbridge.Preview(text, 80), sent.Sanitized, sent.Redacted, sanitized)
		}
	}
	got := b.MustCheck()
	if len(got) != len(stored) {
		t.Fatalf("Check() = %d messages, want %d", len(got), len(stored))
	}
	for i, m := range got {
		if m.Text != stored[i] {
			t.Errorf("Check() = %+q, want %+q", agentbridge.Preview(m.Text, 80), agentbridge.Preview(stored[i], 80))
		}
	}
}

func testSeatSendAgain(t *testing.T, a, b *Seat) {
	d := agentbridge.SeatDraft{Text: "done", ActionType: "info", Key: "k1"}
	first := a.MustSendDraft(d)
	if again := a.MustSendDraft(d); !again.Deduplicated || again.ID != first.ID {
		t.Errorf("Send() again = %+v, want %s, deduplicated", again, first.ID)
	}
	for name, other := range map[string]agentbridge.SeatDraft{
		"text":        {Text: "not done", ActionType: "info", Key: "k1"},
		"action type": {Text: "done", ActionType: "complete", Key: "k1"},
		"files":       {Text: "done", ActionType: "info", Files: []string{"main.go"}, Key: "k1"},
	} {
		_, err := a.Send(t.Context(), other)
		if agentbridge.CodeOf(err) != agentbridge.Conflict {
			t.Errorf("Send() with another %s = %v, want a conflict", name, err)
		}
	}
	b.WantCheck("done")
	if again := a.MustSendDraft(d); !again.Deduplicated {
		t.Errorf("Send() again, after it was read = %+v, want it deduplicated", again)
	}
	b.WantCheck()
	if mine := b.MustSendDraft(d); mine.Deduplicated { // a key is its sender's own
		t.Errorf("Send() of the partner with the same key = %+v, want a new message", mine)
	}
}

func testCheck(t *testing.T, a, b *Seat) {
	b.WantCheck()
	a.MustSend("one")
	b.MustSend("to a")
	a.MustSend("two")
	got := b.MustCheck()
	WantSeatTexts(t, "Check()", got, "one", "two")
	if !slices.IsSortedFunc(got, func(x, y agentbridge.SeatMessage) int { return int(x.Seq - y.Seq) }) {
		t.Errorf("Check() = %+v, want it ordered by seq", got)
	}
	b.WantCheck() // each once
	a.WantCheck("to a")
}

func testCheckBounds(t *testing.T, a, b *Seat) {
	for i := range agentbridge.MaxCheck + 5 {
		a.MustSend(fmt.Sprint(i))
	}
	d := b.MustTake()
	if len(d.Messages) != agentbridge.MaxCheck || d.Remaining != 5 {
		t.Errorf("Check() = %d messages, %d remaining; want %d and 5", len(d.Messages), d.Remaining, agentbridge.MaxCheck)
	}
	b.MustSettle(d, true)
	b.WantCheck("100", "101", "102", "103", "104")

	for range 4 {
		a.MustSend(strings.Repeat("x", 1000))
	}
	for _, want := range []struct {
		maxBytes, messages int
		remaining          int64
	}{
		{3000, 2, 2}, {1, 1, 1}, {0, 1, 0}, // a message that is larger than the bound comes alone
	} {
		d, err := b.Check(t.Context(), want.maxBytes)
		if err != nil || len(d.Messages) != want.messages || d.Remaining != want.remaining {
			t.Errorf("Check(%d bytes) = %d messages, %d remaining, %v; want %d and %d", want.maxBytes, len(d.Messages), d.Remaining, err, want.messages, want.remaining)
		}
		b.MustSettle(d, true)
	}
}

func testCheckLostReply(t *testing.T, a, b *Seat) { // a reply that never left comes back at once, and says so
	sent := a.MustSend("one")
	d := b.WantTake("one")
	if d.Messages[0].Redelivered {
		t.Error("Check() = redelivered, the first time")
	}
	b.WantCheck() // meanwhile it is on its way
	b.MustSettle(d, false)
	a.MustSend("two")
	got := b.MustCheck()
	WantSeatTexts(t, "Check() after a lost reply", got, "one", "two")
	if len(got) == 2 && (got[0].ID != sent.ID || !got[0].Redelivered || got[1].Redelivered) {
		t.Errorf("Check() after a lost reply = %+v, want %s redelivered and another one", got, sent.ID)
	}
	b.WantCheck()
}

func testCheckManyReaders(t *testing.T, a, b *Seat) { // each message reaches exactly one of them
	const messages, readers = 60, 4
	for i := range messages {
		a.MustSend(fmt.Sprint(i))
	}
	var mu sync.Mutex // guards times
	times := map[agentbridge.MessageID]int{}
	var wg sync.WaitGroup
	for range readers {
		wg.Go(func() {
			for {
				d, err := b.Check(t.Context(), 2000) // a few at a time
				if err != nil {
					t.Errorf("Check() = %v", err)
					return
				}
				mu.Lock()
				for _, m := range d.Messages {
					times[m.ID]++
				}
				mu.Unlock()
				if err := d.Settle(true); err != nil {
					t.Errorf("Settle() = %v", err)
				}
				if len(d.Messages) == 0 {
					return
				}
			}
		})
	}
	wg.Wait()
	if len(times) != messages {
		t.Errorf("%d readers were handed %d different messages, want %d", readers, len(times), messages)
	}
	for id, n := range times {
		if n != 1 {
			t.Errorf("message %s was handed out %d times", id, n)
		}
	}
}

func testPartner(t *testing.T, a, b *Seat) {
	p := a.MustPartner()
	want := agentbridge.Partner{Seat: agentbridge.SeatB, Role: "frontend_developer"}
	if diff := cmp.Diff(want, p); diff != "" {
		t.Errorf("Partner() that was never seen: -want +got\n%s", diff)
	}
	a.MustSend("one")
	a.MustSend("two")
	b.MustStatus(agentbridge.Blocked)
	p = a.MustPartner()
	if p.Status != agentbridge.Blocked || !p.Alive || p.LastHeartbeat.IsZero() || p.Age < 0 || p.Unread != 2 {
		t.Errorf("Partner() = %+v, want it blocked, alive, with 2 unread", p)
	}
	d := b.WantTake("one", "two")
	if p := a.MustPartner(); p.Unread != 2 {
		t.Errorf("Partner().Unread = %d while the reply is on its way, want 2", p.Unread)
	}
	b.MustSettle(d, true)
	if p := a.MustPartner(); p.Unread != 0 || p.Status != agentbridge.Blocked {
		t.Errorf("Partner() = %+v, want nothing unread and the status it reported", p)
	}
	if p := b.MustPartner(); p.Seat != agentbridge.SeatA || p.Role != "backend_developer" || p.Status != "" {
		t.Errorf("Partner() of b = %+v, want seat a, backend_developer, no status", p)
	}
}
