// Package storetest is what every store.Store has to pass. It uses a store as
// the engine does and knows nothing of how the data is kept.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"agentbridge"
	"agentbridge/internal/store"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// Run puts a kind of store through all of its duties. open opens a database of
// its own for each t, and the same one again when it is called again with the
// same t. It has the store closed when t ends.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	for _, noun := range []struct {
		name  string
		tests []test
	}{
		{"channels", channels},
		{"messages", messages},
		{"cursors", cursors},
		{"keys", keys},
		{"conversations", conversations},
		{"presence", presence},
		{"receipts", receipts},
		{"audit", audit},
		{"agents", agents},
		{"credentials", credentials},
		{"invitations", invitations},
		{"settings", settings},
		{"buckets", buckets},
		{"transactions", transactions},
		{"everything at once", everything},
	} {
		t.Run(noun.name, func(t *testing.T) {
			for _, test := range noun.tests {
				t.Run(test.name, func(t *testing.T) {
					t.Parallel()
					d := &desk{T: t, Store: open(t), open: open}
					t.Cleanup(func() { Check(t, d.Store) })
					test.run(d)
				})
			}
		})
	}
}

type test struct {
	name string
	run  func(*desk)
}

// desk is where one test works: a store, and what one does with it all day.
type desk struct {
	*testing.T
	store.Store
	open func(*testing.T) store.Store
}

// reopen closes the store and opens its database again.
func (d *desk) reopen() {
	d.Helper()
	if err := d.Close(); err != nil {
		d.Fatalf("Close: got %v, want no error", err)
	}
	d.Store = d.open(d.T)
}

// must runs a transaction that has to succeed. f returns its errors and never
// ends the test: it may run with the store's pen in its hand.
func (d *desk) must(f func(store.Tx) error) {
	d.Helper()
	if err := d.Update(context.Background(), f); err != nil {
		d.Fatalf("Update: got %v, want no error", err)
	}
}

// get reads one value from a snapshot.
func get[T any](d *desk, f func(store.Reader) (T, error)) (value T) {
	d.Helper()
	err := d.View(context.Background(), func(r store.Reader) (err error) {
		value, err = f(r)
		return err
	})
	if err != nil {
		d.Fatalf("View: got %v, want no error", err)
	}
	return value
}

// want compares what a call returned; nil and empty lists are the same.
func want[T any](t testing.TB, call string, got, want T) {
	t.Helper()
	if !cmp.Equal(got, want, cmpopts.EquateEmpty(), cmpopts.EquateErrors()) {
		t.Errorf("%s:\n got %+v\nwant %+v", call, got, want)
	}
}

// all is a span without bounds.
var all = store.Span{Limit: math.MaxInt32, MaxBytes: math.MaxInt}

// noon is a time that a store can keep exactly.
var noon = time.Date(2026, 11, 20, 12, 0, 0, 123456000, time.UTC)

const alice, bob = agentbridge.AgentName("alice"), agentbridge.AgentName("bob")

// lookup is Channel for one that has to be there.
func lookup(r store.Reader, name agentbridge.ChannelName) (store.Channel, error) {
	c, ok, err := r.Channel(name)
	if err == nil && !ok {
		err = fmt.Errorf("Channel(%q): got nothing, want a channel", name)
	}
	return c, err
}

// post stores a message with its audit entry, as the engine does.
func post(t store.Tx, name agentbridge.ChannelName, text string) (m agentbridge.Message, err error) {
	c, err := t.OpenChannel(name, false)
	if err != nil {
		return m, err
	}
	m, err = t.Append(c, agentbridge.Message{Sender: alice, Content: text, Encoding: agentbridge.LegacyText, At: noon})
	if err != nil {
		return m, err
	}
	return m, t.Log(agentbridge.Entry{At: noon, Actor: alice, Action: agentbridge.ActionSend, Target: name})
}

// send is post in a transaction of its own.
func (d *desk) send(name agentbridge.ChannelName, text string) (m agentbridge.Message) {
	d.Helper()
	d.must(func(t store.Tx) (err error) {
		m, err = post(t, name, text)
		return err
	})
	return m
}

// clear clears a channel and returns how many messages went.
func (d *desk) clear(name agentbridge.ChannelName) (n int64) {
	d.Helper()
	d.must(func(t store.Tx) error {
		c, err := lookup(t, name)
		if err != nil {
			return err
		}
		n, err = t.ClearChannel(c)
		return err
	})
	return n
}

func (d *desk) sweep(limit int) (n int64) {
	d.Helper()
	d.must(func(t store.Tx) (err error) {
		n, err = t.Sweep(limit)
		return err
	})
	return n
}

// texts returns what can be read in a channel.
func (d *desk) texts(name agentbridge.ChannelName) []string {
	d.Helper()
	return get(d, func(r store.Reader) (texts []string, err error) {
		c, ok, err := r.Channel(name)
		if err != nil || !ok {
			return nil, err
		}
		page, _, err := r.After(c, 0, all)
		for _, m := range page {
			texts = append(texts, m.Content)
		}
		return texts, err
	})
}

// tally returns how many messages a channel says it holds.
func (d *desk) tally(name agentbridge.ChannelName) int64 {
	d.Helper()
	return get(d, func(r store.Reader) (int64, error) {
		c, err := lookup(r, name)
		if err != nil {
			return 0, err
		}
		t, err := r.Tally(c)
		return t.Messages, err
	})
}

// entries returns the numbers of the newest audit entries.
func (d *desk) entries(q agentbridge.EntryQuery) []int64 {
	d.Helper()
	return get(d, func(r store.Reader) (seqs []int64, err error) {
		list, err := r.Entries(q)
		for _, e := range list {
			seqs = append(seqs, e.Seq)
		}
		return seqs, err
	})
}

var errOops = errors.New("oops")
