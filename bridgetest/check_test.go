package bridgetest

import (
	"context"
	"slices"
	"testing"

	"agentbridge"
	"agentbridge/internal/store"
)

// A check that can't fail is worth nothing: each of these stores tells one lie.
func TestCheck_findsLies(t *testing.T) {
	b := New(t)
	alice := b.Agent("alice")
	alice.MustSend("#build", "one")
	alice.MustSend("#build", "two")
	seat, _ := b.Pair("backend_developer", "frontend_developer")
	seat.MustSend("three")

	for name, lie := range map[string]lie{
		"a gap in the audit log":     {lost: 2},
		"an audit log that is cut":   {lost: 1},
		"a message without an entry": {silenced: 2},
		"a count":                    {tally: 1},
		"an unread count":            {unread: 1},
		"a message out of order":     {page: func(m []agentbridge.Message) []agentbridge.Message { slices.Reverse(m); return m }},
		"a lost message":             {page: func(m []agentbridge.Message) []agentbridge.Message { return m[1:] }},
	} {
		t.Run(name, func(t *testing.T) {
			found := &recorder{TB: t}
			lie.Store = b.Store
			Check(found, lie)
			if !found.failed {
				t.Error("Check() found nothing")
			}
		})
	}
}

// recorder notes a failure instead of failing.
type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Errorf(string, ...any) { r.failed = true }

// lie is a store that tells something else than it holds.
type lie struct {
	store.Store
	lost     int64 // the entry that is not there
	silenced int64 // the entry that says it was no send
	page     func([]agentbridge.Message) []agentbridge.Message
	tally    int64
	unread   int64
}

func (l lie) View(ctx context.Context, f func(store.Reader) error) error {
	return l.Store.View(ctx, func(v store.Reader) error { return f(liar{v, l}) })
}

type liar struct {
	store.Reader
	lie lie
}

func (l liar) Entries(q agentbridge.EntryQuery) ([]agentbridge.Entry, error) {
	list, err := l.Reader.Entries(q)
	for i := range list {
		if list[i].Seq == l.lie.silenced {
			list[i].Action = agentbridge.ActionAck
		}
	}
	return slices.DeleteFunc(list, func(e agentbridge.Entry) bool { return e.Seq == l.lie.lost }), err
}

func (l liar) After(c store.Channel, seq agentbridge.Seq, s store.Span) ([]agentbridge.Message, bool, error) {
	page, more, err := l.Reader.After(c, seq, s)
	if l.lie.page != nil {
		page = l.lie.page(page)
	}
	return page, more, err
}

func (l liar) Tally(c store.Channel) (store.Tally, error) {
	t, err := l.Reader.Tally(c)
	t.Messages += l.lie.tally
	return t, err
}

func (l liar) Unread(c store.Channel, recipient agentbridge.AgentName) (int64, error) {
	n, err := l.Reader.Unread(c, recipient)
	return n + l.lie.unread, err
}
