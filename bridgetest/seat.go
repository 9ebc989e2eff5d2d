package bridgetest

import (
	"testing"

	"agentbridge"

	"github.com/google/go-cmp/cmp"
)

// Seat is a participant of a conversation; the rules of Agent hold.
type Seat struct {
	agentbridge.SeatSession
	Credential agentbridge.SeatCredential // zero if the seat was not opened by a Bridge
	t          testing.TB
}

// NewSeat returns a participant on any seat session.
func NewSeat(t testing.TB, s agentbridge.SeatSession) *Seat { return &Seat{SeatSession: s, t: t} }

// MustSend sends a text to the partner.
func (s *Seat) MustSend(text string) agentbridge.Sent {
	s.t.Helper()
	return s.MustSendDraft(agentbridge.SeatDraft{Text: text, ActionType: "info"})
}

// MustSendDraft sends a draft to the partner.
func (s *Seat) MustSendDraft(d agentbridge.SeatDraft) agentbridge.Sent {
	s.t.Helper()
	sent, err := s.Send(s.t.Context(), d)
	if err != nil {
		s.t.Fatalf("Send(%q) = %v", agentbridge.Preview(d.Text, 40), err)
	}
	return sent
}

// MustTake checks for messages and leaves the delivery to be settled.
func (s *Seat) MustTake() agentbridge.Delivery {
	s.t.Helper()
	d, err := s.Check(s.t.Context(), agentbridge.MaxReplyBytes)
	if err != nil {
		s.t.Fatalf("Check() = %v", err)
	}
	return d
}

// MustCheck checks for messages in a reply that arrives.
func (s *Seat) MustCheck() []agentbridge.SeatMessage {
	s.t.Helper()
	d := s.MustTake()
	s.MustSettle(d, true)
	return d.Messages
}

// MustSettle ends a delivery whose reply has left, or was lost.
func (s *Seat) MustSettle(d agentbridge.Delivery, left bool) {
	s.t.Helper()
	if err := d.Settle(left); err != nil {
		s.t.Fatalf("Settle(%v) = %v", left, err)
	}
}

// WantCheck checks for messages and compares their texts, oldest first.
func (s *Seat) WantCheck(want ...string) {
	s.t.Helper()
	WantSeatTexts(s.t, "Check()", s.MustCheck(), want...)
}

// WantTake is WantCheck for a delivery that the test settles, or never does.
func (s *Seat) WantTake(want ...string) agentbridge.Delivery {
	s.t.Helper()
	d := s.MustTake()
	WantSeatTexts(s.t, "Check()", d.Messages, want...)
	return d
}

// MustStatus reports a status.
func (s *Seat) MustStatus(status agentbridge.Status) {
	s.t.Helper()
	if err := s.SetStatus(s.t.Context(), status); err != nil {
		s.t.Fatalf("SetStatus(%s) = %v", status, err)
	}
}

// MustPartner asks for the partner's state.
func (s *Seat) MustPartner() agentbridge.Partner {
	s.t.Helper()
	p, err := s.Partner(s.t.Context())
	if err != nil {
		s.t.Fatalf("Partner() = %v", err)
	}
	return p
}

// WantSeatTexts compares the texts of messages that a call returned.
func WantSeatTexts(t testing.TB, call string, got []agentbridge.SeatMessage, want ...string) {
	t.Helper()
	var texts []string
	for _, m := range got {
		texts = append(texts, agentbridge.Preview(m.Text, 80))
	}
	if diff := cmp.Diff(want, texts); diff != "" {
		t.Fatalf("%s: -want +got\n%s", call, diff)
	}
}
