package storetest

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"agentbridge"
	"agentbridge/internal/store"
)

// Check fails t if a store breaks a promise that can be seen from outside, on
// one snapshot: it may run while others write. A closed store passes.
func Check(t testing.TB, s store.Store) {
	t.Helper()
	err := s.View(context.Background(), func(r store.Reader) error {
		c := checker{Reader: r, seqs: map[agentbridge.Seq]agentbridge.ChannelName{}}
		for _, step := range []func() error{c.audit, c.tree, c.channels, c.conversations} {
			if err := step(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil && agentbridge.CodeOf(err) != agentbridge.Closed {
		t.Errorf("Check: %v", err)
	}
}

type checker struct {
	store.Reader
	seqs map[agentbridge.Seq]agentbridge.ChannelName // where each number was seen
}

// audit holds entries n, n-1, … 1: none is missing, none is there twice.
func (c *checker) audit() error {
	next := int64(0) // 0: the first one tells
	for {
		page, err := c.Entries(agentbridge.EntryQuery{Before: next, Limit: agentbridge.MaxEntries})
		if err != nil {
			return err
		}
		for _, e := range page {
			if next != 0 && e.Seq != next-1 {
				return fmt.Errorf("audit entry before %d: got %d, want %d", next, e.Seq, next-1)
			}
			next = e.Seq
		}
		if len(page) < agentbridge.MaxEntries {
			break
		}
	}
	if next > 1 {
		return fmt.Errorf("oldest audit entry: got %d, want 1", next)
	}
	return nil
}

// channels are listed in order, hold what they say, and add up to the totals.
func (c *checker) channels() error {
	var names, held int64
	var last agentbridge.ChannelName
	err := c.Channels("", func(ch store.Channel, t store.Tally) (bool, error) {
		if ch.Private || ch.Name <= last || t.Messages == 0 {
			return false, fmt.Errorf("list channels: got %+v with %+v behind %q, want public, ascending and not empty", ch, t, last)
		}
		last = ch.Name
		names++
		held += t.Messages
		again, err := lookup(c, ch.Name)
		if err != nil {
			return false, err
		}
		if again != ch {
			return false, fmt.Errorf("Channel(%q): got %+v, want %+v as listed", ch.Name, again, ch)
		}
		return true, c.messages(ch, t)
	})
	if err != nil {
		return err
	}
	totalNames, totalHeld, err := c.Totals()
	if err == nil && (totalNames != names || totalHeld != held) {
		err = fmt.Errorf("count totals: got %d channels with %d messages, want %d with %d as listed", totalNames, totalHeld, names, held)
	}
	return err
}

// messages of a channel ascend above its floor, are found by id, are of this
// channel only, and are as many as its tally says.
func (c *checker) messages(ch store.Channel, t store.Tally) error {
	tally, err := c.Tally(ch)
	if err != nil {
		return err
	}
	if tally != t {
		return fmt.Errorf("Tally(%q): got %+v, want %+v as listed", ch.Name, tally, t)
	}
	var count int64
	var newest agentbridge.Message
	senders := map[agentbridge.AgentName]bool{}
	for more := true; more; {
		var page []agentbridge.Message
		if page, more, err = c.After(ch, newest.Seq, store.Span{Limit: agentbridge.MaxPage, MaxBytes: agentbridge.MaxReplyBytes}); err != nil {
			return err
		}
		if more && len(page) == 0 {
			return fmt.Errorf("After(%q, %d): got nothing and more, want a message", ch.Name, newest.Seq)
		}
		for _, m := range page {
			if m.Seq <= newest.Seq || m.Seq <= ch.Floor {
				return fmt.Errorf("After(%q): got seq %d behind %d with floor %d, want ascending and above", ch.Name, m.Seq, newest.Seq, ch.Floor)
			}
			if other, ok := c.seqs[m.Seq]; ok {
				return fmt.Errorf("seq %d: got it in %q and %q, want it once", m.Seq, other, ch.Name)
			}
			c.seqs[m.Seq] = ch.Name
			if seq, ok, err := c.Find(ch, m.ID); err != nil || !ok || seq != m.Seq {
				return fmt.Errorf("Find(%q, %s): got %d, %v, %v, want %d", ch.Name, m.ID, seq, ok, err, m.Seq)
			}
			newest = m
			senders[m.Sender] = true
			count++
		}
	}
	if count != t.Messages || !newest.At.Equal(t.LastAt) {
		return fmt.Errorf("Tally(%q): got %+v, want %d messages, the newest of %v", ch.Name, t, count, newest.At)
	}
	if ch.Private {
		return nil
	}
	return c.senders(ch, senders)
}

// senders of a channel's messages are among those who are listed.
func (c *checker) senders(ch store.Channel, wrote map[agentbridge.AgentName]bool) error {
	listed, err := c.Senders(ch, math.MaxInt32)
	if err != nil {
		return err
	}
	for sender := range wrote {
		if !slices.Contains(listed, sender) {
			return fmt.Errorf("Senders(%q): got %q, want also %q, who wrote there", ch.Name, listed, sender)
		}
	}
	return nil
}

// conversations are listed newest first and are private channels whose unread
// messages are those that the transcript says are not injected.
func (c *checker) conversations() error {
	list, err := c.Conversations()
	if err != nil {
		return err
	}
	for i, conv := range list {
		if i > 0 && conv.CreatedAt.After(list[i-1].CreatedAt) {
			return fmt.Errorf("list conversations: got %s of %v behind one of %v, want newest first", conv.ID, conv.CreatedAt, list[i-1].CreatedAt)
		}
		ch, err := lookup(c, conv.ID.Channel())
		if err != nil {
			return err
		}
		if !ch.Private {
			return fmt.Errorf("Channel(%q): got a public channel, want a private one", ch.Name)
		}
		t, err := c.Tally(ch)
		if err != nil {
			return err
		}
		if err := c.messages(ch, t); err != nil {
			return err
		}
		if err := c.unread(ch); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) unread(ch store.Channel) error {
	list, err := c.Transcript(ch)
	if err != nil {
		return err
	}
	unread := map[agentbridge.AgentName]int64{}
	var last agentbridge.Seq
	for _, r := range list {
		if r.Message.Seq < last {
			return fmt.Errorf("Transcript(%q): got seq %d behind %d, want ascending", ch.Name, r.Message.Seq, last)
		}
		last = r.Message.Seq
		if !r.State.Read() {
			unread[r.Recipient]++
		}
	}
	for _, seat := range []agentbridge.Seat{agentbridge.SeatA, agentbridge.SeatB} {
		got, err := c.Unread(ch, seat.Agent())
		if err != nil {
			return err
		}
		if want := unread[seat.Agent()]; got != want {
			return fmt.Errorf("Unread(%q, %s): got %d, want %d as in the transcript", ch.Name, seat, got, want)
		}
	}
	return nil
}
