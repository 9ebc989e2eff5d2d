package storetest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"agentbridge"
	"agentbridge/internal/store"
)

var receipts = []test{
	{"wait, are offered and are injected", func(d *desk) {
		d.converse(talk)
		d.say(talk, "1")
		d.say(talk, "2")
		want(d, "Unread by b", d.unread(talk, seatB), 2)
		want(d, "Unread by a", d.unread(talk, seatA), 0)
		want(d, "Transcript", d.transcript(talk), []string{"1 to b stored 0", "2 to b stored 0"})

		texts, waiting := d.offer("o1", noon, store.Span{Limit: 1, MaxBytes: 1 << 20})
		want(d, "Offer", texts, []string{"1 to b offered 1"})
		want(d, "Offer waiting", waiting, 1)
		want(d, "Unread when offered", d.unread(talk, seatB), 2) // it has not arrived yet

		d.settle("o1", true)
		want(d, "Transcript when injected", d.transcript(talk), []string{"1 to b injected 1", "2 to b stored 0"})
		want(d, "Unread when injected", d.unread(talk, seatB), 1)

		texts, waiting = d.offer("o2", noon, all)
		want(d, "second Offer", texts, []string{"2 to b offered 1"})
		want(d, "second Offer waiting", waiting, 0)
	}},
	{"are known to wait only while nobody holds them", func(d *desk) {
		d.converse(talk)
		want(d, "Waiting with no message", d.waits(seatB, noon), false)
		d.say(talk, "1")
		want(d, "Waiting for b", d.waits(seatB, noon), true)
		want(d, "Waiting for a", d.waits(seatA, noon), false)
		d.offer("o1", noon, all)
		want(d, "Waiting while held", d.waits(seatB, noon.Add(agentbridge.OfferTime-time.Microsecond)), false)
		want(d, "Waiting when the time has passed", d.waits(seatB, noon.Add(agentbridge.OfferTime)), true)
		d.settle("o1", false)
		want(d, "Waiting when given back", d.waits(seatB, noon), true)
		d.offer("o2", noon, all)
		d.settle("o2", true)
		want(d, "Waiting when injected", d.waits(seatB, noon.Add(time.Hour)), false)
	}},
	{"do not wait for a clock that was set back", func(d *desk) {
		d.converse(talk)
		d.say(talk, "1")
		d.offer("o1", noon, all) // and then the process that made the offer dies
		morning := noon.Add(-3 * time.Hour)
		want(d, "Waiting after the clock was set back", d.waits(seatB, morning), true)
		texts, _ := d.offer("o2", morning, all)
		want(d, "Offer after the clock was set back", texts, []string{"1 to b offered 2"})
	}},
	{"come back when they are given back", func(d *desk) {
		d.converse(talk)
		d.say(talk, "1")
		d.offer("o1", noon, all)
		texts, _ := d.offer("o2", noon, all)
		want(d, "Offer while held", texts, nil)
		d.settle("o1", false)
		texts, _ = d.offer("o3", noon, all)
		want(d, "Offer when given back", texts, []string{"1 to b offered 2"})
	}},
	{"come back when their time has passed", func(d *desk) {
		d.converse(talk)
		d.say(talk, "1")
		d.offer("o1", noon, all)
		texts, _ := d.offer("o2", noon.Add(agentbridge.OfferTime-time.Microsecond), all)
		want(d, "Offer just before", texts, nil)
		texts, _ = d.offer("o3", noon.Add(agentbridge.OfferTime), all)
		want(d, "Offer just then", texts, []string{"1 to b offered 2"})

		// The first holder wakes up and believes that it delivered. The message
		// is another's now.
		d.settle("o1", true)
		want(d, "Transcript after a stale settlement", d.transcript(talk), []string{"1 to b offered 2"})
		d.settle("o1", false)
		want(d, "Transcript after another one", d.transcript(talk), []string{"1 to b offered 2"})
		d.settle("o3", true)
		want(d, "Transcript after the right one", d.transcript(talk), []string{"1 to b injected 2"})
		d.settle("o3", false) // what is read stays read
		want(d, "Unread", d.unread(talk, seatB), 0)
	}},
	{"are offered in spans, oldest first", func(d *desk) {
		d.converse(talk)
		var size int
		for _, text := range []string{"1", "2", "3", "4"} {
			size = d.say(talk, text).WireSize()
		}
		texts, waiting := d.offer("o1", noon, store.Span{Limit: 9, MaxBytes: 2 * size})
		want(d, "Offer", texts, []string{"1 to b offered 1", "2 to b offered 1"})
		want(d, "Offer waiting", waiting, 2)
		texts, waiting = d.offer("o2", noon, store.Span{Limit: 9, MaxBytes: 1})
		want(d, "Offer too small for any", texts, []string{"3 to b offered 1"})
		want(d, "Offer too small for any, waiting", waiting, 1)
		d.settle("o1", false)
		texts, waiting = d.offer("o3", noon, store.Span{Limit: 2, MaxBytes: 9 * size})
		want(d, "Offer of what was given back", texts, []string{"1 to b offered 2", "2 to b offered 2"})
		want(d, "Offer of what was given back, waiting", waiting, 1)
	}},
	{"go to exactly one of many", func(d *desk) {
		const sent, callers = 60, 12
		d.converse(talk)
		for i := range sent {
			d.say(talk, fmt.Sprint(i))
		}
		var mu sync.Mutex
		var got []agentbridge.Seq
		var wg sync.WaitGroup
		for i := range callers {
			wg.Go(func() {
				for n := 0; ; n++ {
					offered, err := d.tryOffer(fmt.Sprintf("o%d-%d", i, n), noon, store.Span{Limit: 3, MaxBytes: 1 << 20})
					if err != nil || len(offered) == 0 {
						want(d, "Offer", err, nil)
						return
					}
					mu.Lock()
					for _, r := range offered {
						got = append(got, r.Message.Seq)
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		slices.Sort(got)
		want(d, "messages handed out", len(got), sent)
		want(d, "messages handed out once", len(slices.Compact(got)), sent)
	}},
	{"are offered again when the transaction failed", func(d *desk) {
		d.converse(talk)
		d.say(talk, "1")
		err := d.Update(context.Background(), func(t store.Tx) error {
			c, err := lookup(t, talk.Channel())
			if err != nil {
				return err
			}
			if _, _, err := t.Offer(c, seatB, "o1", noon, noon.Add(agentbridge.OfferTime), all); err != nil {
				return err
			}
			return errOops
		})
		want(d, "Update", err, errOops)
		texts, _ := d.offer("o2", noon, all)
		want(d, "Offer", texts, []string{"1 to b offered 1"})
	}},
}

// offer offers the messages of talk to seat b for OfferTime.
func (d *desk) offer(name string, now time.Time, s store.Span) (texts []string, waiting int64) {
	d.Helper()
	d.must(func(t store.Tx) error {
		c, err := lookup(t, talk.Channel())
		if err != nil {
			return err
		}
		offered, n, err := t.Offer(c, seatB, name, now, now.Add(agentbridge.OfferTime), s)
		texts, waiting = receiptTexts(offered), n
		return err
	})
	return texts, waiting
}

func (d *desk) tryOffer(name string, now time.Time, s store.Span) (offered []store.Receipt, err error) {
	err = d.Update(context.Background(), func(t store.Tx) error {
		c, err := lookup(t, talk.Channel())
		if err != nil {
			return err
		}
		offered, _, err = t.Offer(c, seatB, name, now, now.Add(agentbridge.OfferTime), s)
		return err
	})
	return offered, err
}

func (d *desk) settle(offer string, injected bool) {
	d.Helper()
	d.must(func(t store.Tx) error { return t.SettleOffer(offer, injected) })
}

func (d *desk) unread(id agentbridge.ConversationID, agent agentbridge.AgentName) int64 {
	d.Helper()
	return get(d, func(r store.Reader) (int64, error) {
		c, err := lookup(r, id.Channel())
		if err != nil {
			return 0, err
		}
		return r.Unread(c, agent)
	})
}

func (d *desk) waits(agent agentbridge.AgentName, now time.Time) bool {
	d.Helper()
	return get(d, func(r store.Reader) (bool, error) {
		c, err := lookup(r, talk.Channel())
		if err != nil {
			return false, err
		}
		return r.Waiting(c, agent, now)
	})
}

func (d *desk) transcript(id agentbridge.ConversationID) []string {
	d.Helper()
	return get(d, func(r store.Reader) ([]string, error) {
		c, err := lookup(r, id.Channel())
		if err != nil {
			return nil, err
		}
		list, err := r.Transcript(c)
		return receiptTexts(list), err
	})
}

func receiptTexts(list []store.Receipt) (texts []string) {
	for _, r := range list {
		texts = append(texts, fmt.Sprintf("%s to %s %s %d", r.Message.Content, r.Recipient, r.State, r.Attempts))
	}
	return texts
}
