package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"agentbridge"
	"agentbridge/internal/store"
)

// everything knows no right answer to any single call. It looks only at what
// holds whatever the order: Check, and that what was acknowledged is there.
var everything = []test{
	{"holds together in any order", func(d *desk) {
		const workers, turns = 8, 60
		second := &desk{T: d.T, Store: d.open(d.T), open: d.open}
		var logged atomic.Int64 // entries of transactions that returned no error
		var wg sync.WaitGroup
		for i := range workers {
			w := &worker{desk: d, rand: rand.New(rand.NewPCG(uint64(i), 42)), logged: &logged, name: fmt.Sprintf("w%d", i)}
			if i%4 == 3 {
				w.desk = second
			}
			wg.Go(func() {
				for range turns {
					w.turn()
				}
			})
		}
		stop, checked := make(chan bool), make(chan bool)
		go func() {
			defer close(checked)
			for {
				select {
				case <-stop:
					return
				default:
					Check(d.T, d.Store)
				}
			}
		}()
		wg.Wait()
		close(stop)
		<-checked
		Check(d.T, second.Store)

		newest := d.entries(agentbridge.EntryQuery{Limit: 1})
		want(d, "newest audit entry", newest, []int64{logged.Load()})
		d.settleAll()
		for d.sweep(50) == 50 {
		}
		want(d, "Cleared", d.cleared(), false)
		Check(d.T, second.Store)
	}},
}

// worker does random things.
type worker struct {
	*desk
	rand   *rand.Rand
	logged *atomic.Int64
	name   string
	offers int
}

func (w *worker) turn() {
	name := agentbridge.ChannelName(fmt.Sprintf("#%d", w.rand.IntN(4)))
	id := agentbridge.ConversationID(fmt.Sprintf("conv_%016x", w.rand.IntN(3)))
	switch w.rand.IntN(12) {
	case 0, 1, 2, 3:
		w.do(1, func(t store.Tx) error { _, err := post(t, name, w.name); return err })
	case 4:
		_ = w.Update(context.Background(), func(t store.Tx) error {
			if _, err := post(t, name, "undone"); err != nil {
				return err
			}
			if _, err := post(t, agentbridge.ChannelName("#never-"+w.name), "undone"); err != nil {
				return err
			}
			if w.rand.IntN(2) == 0 {
				panic("undone")
			}
			return errOops
		})
	case 5:
		w.do(0, func(t store.Tx) error {
			c, ok, err := t.Channel(name)
			if err != nil || !ok {
				return err
			}
			_, err = t.ClearChannel(c)
			return err
		})
	case 6:
		w.do(0, func(t store.Tx) error { _, err := t.Sweep(3); return err })
	case 7:
		w.do(0, func(t store.Tx) error {
			if _, ok, err := t.Conversation(id); ok || err != nil {
				return err
			}
			return converse(t, id, noon)
		})
	case 8, 9:
		w.talk(id, func(t store.Tx, _ store.Channel) error { _, err := say(t, id, w.name); return err }, 1)
	case 10:
		w.offers++
		offer := fmt.Sprintf("%s-%d", w.name, w.offers)
		w.talk(id, func(t store.Tx, c store.Channel) error {
			_, _, err := t.Offer(c, seatB, offer, noon, noon.Add(agentbridge.OfferTime), store.Span{Limit: 2, MaxBytes: 1 << 20})
			return err
		}, 0)
		w.do(0, func(t store.Tx) error { return t.SettleOffer(offer, w.rand.IntN(2) == 0) })
	case 11:
		w.do(0, func(t store.Tx) error { return t.DropConversation(id) })
	}
}

var errNobody = errors.New("no such conversation")

// talk does something in a conversation, if there is one.
func (w *worker) talk(id agentbridge.ConversationID, f func(store.Tx, store.Channel) error, entries int64) {
	w.do(entries, func(t store.Tx) error {
		c, ok, err := t.Channel(id.Channel())
		if err != nil {
			return err
		}
		if !ok {
			return errNobody
		}
		return f(t, c)
	})
}

// do runs a transaction that writes so many entries if it succeeds.
func (w *worker) do(entries int64, f func(store.Tx) error) {
	switch err := w.Update(context.Background(), f); err {
	case nil:
		w.logged.Add(entries)
	case errNobody:
	default:
		w.Errorf("Update of %s: got %v, want no error", w.name, err)
	}
}

// settleAll offers and injects whatever waits, so that nothing is left unread.
func (d *desk) settleAll() {
	d.Helper()
	for _, id := range d.ids() {
		d.must(func(t store.Tx) error {
			c, err := lookup(t, id.Channel())
			if err != nil {
				return err
			}
			late := noon.Add(2 * agentbridge.OfferTime)
			if _, _, err := t.Offer(c, seatB, "last", late, late.Add(agentbridge.OfferTime), all); err != nil {
				return err
			}
			return t.SettleOffer("last", true)
		})
		want(d, "Unread of "+string(id), d.unread(id, seatB), 0)
	}
}
