package storetest

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"agentbridge"
	"agentbridge/internal/store"
)

var transactions = []test{
	{"see their own changes, and nobody else does before the end", func(d *desk) {
		d.send("#build", "1")
		d.must(func(t store.Tx) error {
			if _, err := post(t, "#build", "2"); err != nil {
				return err
			}
			c, err := lookup(t, "#build")
			if err != nil {
				return err
			}
			tally, err := t.Tally(c)
			want(d, "Tally inside", tally.Messages, 2)
			want(d, "texts outside", d.texts("#build"), []string{"1"})
			return err
		})
		want(d, "texts afterwards", d.texts("#build"), []string{"1", "2"})
	}},
	{"that only read stand on one snapshot", func(d *desk) {
		d.send("#build", "1")
		var first, second int64
		err := d.View(context.Background(), func(r store.Reader) error {
			c, err := lookup(r, "#build")
			if err != nil {
				return err
			}
			t, err := r.Tally(c)
			if err != nil {
				return err
			}
			first = t.Messages
			d.send("#build", "2")
			t, err = r.Tally(c)
			second = t.Messages
			return err
		})
		want(d, "View", err, nil)
		want(d, "Tally at first", first, 1)
		want(d, "Tally after another's commit", second, 1)
		want(d, "Tally in a new snapshot", d.tally("#build"), 2)
	}},
	{"that glance wait for nobody who reads", func(d *desk) {
		d.send("#build", "1")
		const many = 100 // more than any store lets read at once
		var reading sync.WaitGroup
		stop := make(chan struct{})
		begun := make(chan struct{}, many)
		for range many {
			reading.Go(func() {
				want(d, "View", d.View(context.Background(), func(store.Reader) error {
					begun <- struct{}{}
					<-stop
					return nil
				}), nil)
			})
		}
		<-begun
		d.send("#build", "2")
		ctx, cancel := context.WithTimeout(d.Context(), 10*time.Second)
		defer cancel()
		for range 3 {
			var n int64
			err := d.Glance(ctx, func(r store.Reader) error {
				c, err := lookup(r, "#build")
				if err != nil {
					return err
				}
				t, err := r.Tally(c)
				n = t.Messages
				return err
			})
			want(d, "Glance", err, nil)
			want(d, "Tally at a glance", n, 2)
		}
		want(d, "Glance that fails", d.Glance(ctx, func(store.Reader) error { return errOops }), errOops)
		close(stop)
		reading.Wait()
	}},
	{"that fail undo all they did", func(d *desk) {
		d.converse(talk)
		m := d.say(talk, "1")
		d.sendKeyed("#build", "k1", "old")
		before := d.entries(agentbridge.EntryQuery{Limit: 100})
		for name, end := range map[string]func() error{
			"error": func() error { return errOops },
			"panic": func() error { panic("oops") },
		} {
			err := d.Update(context.Background(), func(t store.Tx) error { return errorsFirst(wreck(t, m), end) })
			if err == nil || name == "error" && err != errOops {
				d.Errorf("Update that ends with %s: got %v, want %v", name, err, errOops)
			}
			want(d, "texts after "+name, d.texts("#build"), []string{"old"})
			want(d, "Channels after "+name, d.list("", 10), []line{{"#build", 1}})
			want(d, "Transcript after "+name, d.transcript(talk), []string{"1 to b stored 0"})
			want(d, "Entries after "+name, d.entries(agentbridge.EntryQuery{Limit: 100}), before)
			_, ok := d.keyed("#build", alice, "k1")
			want(d, "Keyed after "+name, ok, true)
			_, ok = d.cursor("#build", bob)
			want(d, "Cursor after "+name, ok, false)
			want(d, "Conversations after "+name, d.ids(), []agentbridge.ConversationID{talk})
			want(d, "Setting after "+name, d.setting("wrecked"), "(none)")
		}
	}},
	{"that fail undo nothing of those beside them", func(d *desk) {
		// Many are queued behind one that is held, so that a store which commits
		// several at once does so here. Every third fails, every fifth panics.
		const many = 120
		d.send("#shared", "first")
		release := d.hold()
		results := make([]error, many)
		var asked sync.WaitGroup
		var done sync.WaitGroup
		asked.Add(many)
		for i := range many {
			done.Go(func() {
				asked.Done()
				results[i] = d.Update(context.Background(), func(t store.Tx) error {
					if _, err := post(t, "#shared", strconv.Itoa(i)); err != nil {
						return err
					}
					if _, err := post(t, agentbridge.ChannelName(fmt.Sprintf("#own-%d", i)), "hello"); err != nil {
						return err
					}
					switch {
					case i%3 == 0:
						return fmt.Errorf("%d: %w", i, errOops)
					case i%5 == 0:
						panic(i)
					}
					return nil
				})
			})
		}
		asked.Wait()
		release()
		done.Wait()

		kept := map[string]bool{"first": true}
		for i, err := range results {
			if fails := i%3 == 0 || i%5 == 0; fails != (err != nil) {
				d.Errorf("Update %d: got %v, want failure %v", i, err, fails)
			}
			if i%3 == 0 && err != nil && err.Error() != fmt.Sprintf("%d: oops", i) {
				d.Errorf("Update %d: got %v, want its own error", i, err)
			}
			if err == nil {
				kept[strconv.Itoa(i)] = true
			}
			if _, ok := d.channel(fmt.Sprintf("#own-%d", i)); ok != (err == nil) {
				d.Errorf("Channel of %d: got %v, want %v", i, ok, err == nil)
			}
		}
		got := map[string]bool{}
		for _, text := range d.texts("#shared") {
			got[text] = true
		}
		want(d, "texts", got, kept)
		want(d, "Tally", d.tally("#shared"), int64(len(kept)))
		n := int64(2*len(kept) - 1)
		want(d, "newest entry", d.entries(agentbridge.EntryQuery{Limit: 1}), []int64{n})
	}},
	{"whose ctx ended never begin", func(d *desk) {
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		ran := false
		err := d.Update(ended, func(store.Tx) error { ran = true; return nil })
		want(d, "Update with an ended ctx", err, context.Canceled)
		want(d, "Update with an ended ctx ran", ran, false)
	}},
	{"whose ctx ends in the queue never begin", func(d *desk) {
		const many = 50
		ctx, cancel := context.WithCancel(context.Background())
		release := d.hold()
		var ran atomic.Int64
		var asked, done sync.WaitGroup
		asked.Add(many)
		for range many {
			done.Go(func() {
				asked.Done()
				err := d.Update(ctx, func(store.Tx) error { ran.Add(1); return nil })
				want(d, "Update", err, context.Canceled)
			})
		}
		asked.Wait()
		cancel() // none of them has begun: somebody else holds the store
		release()
		done.Wait()
		want(d, "transactions that ran", ran.Load(), 0)
	}},
	{"whose ctx ends in the queue return at once", func(d *desk) {
		ctx, cancel := context.WithCancel(context.Background())
		release := d.hold()
		defer release()
		err := make(chan error)
		go func() { err <- d.Update(ctx, func(store.Tx) error { return nil }) }()
		cancel()
		select {
		case got := <-err: // although the one before it still runs
			want(d, "Update", got, context.Canceled)
		case <-time.After(10 * time.Second):
			d.Error("Update whose ctx ended: got no answer in 10 s, want one at once")
		}
	}},
	{"ring before they return", func(d *desk) {
		bell := d.listen()
		d.must(func(t store.Tx) error {
			for _, topic := range []agentbridge.ChannelName{"#a", "#b"} {
				if err := t.Log(agentbridge.Entry{At: noon, Target: topic}); err != nil {
					return err
				}
			}
			return nil
		})
		want(d, "rings for #a", bell.rang("#a"), true)
		want(d, "rings for #b", bell.rang("#b"), true)
		err := d.Update(context.Background(), func(t store.Tx) error {
			if err := t.Log(agentbridge.Entry{At: noon, Target: "#undone"}); err != nil {
				return err
			}
			return errOops
		})
		want(d, "Update", err, errOops)
		want(d, "rings for #undone", bell.rang("#undone"), false)
	}},
	{"each ring before they return when they share a commit", func(d *desk) {
		bell := d.listen()
		var wg sync.WaitGroup
		for i := range 100 {
			topic := agentbridge.ChannelName(fmt.Sprintf("#%d", i))
			wg.Go(func() {
				err := d.Update(context.Background(), func(t store.Tx) error {
					if err := t.Log(agentbridge.Entry{At: noon, Target: topic}); err != nil {
						return err
					}
					if i%4 == 0 {
						return errOops
					}
					return nil
				})
				want(d, fmt.Sprintf("rings for %s", topic), bell.rang(topic), err == nil)
			})
		}
		wg.Wait()
	}},
	{"are refused after Close", func(d *desk) {
		d.send("#build", "1")
		want(d, "Close", d.Close(), nil)
		want(d, "second Close", d.Close(), nil)
		ran := false
		err := d.Update(context.Background(), func(store.Tx) error { ran = true; return nil })
		want(d, "Update", agentbridge.CodeOf(err), agentbridge.Closed)
		err = d.View(context.Background(), func(store.Reader) error { ran = true; return nil })
		want(d, "View", agentbridge.CodeOf(err), agentbridge.Closed)
		want(d, "a closed store ran something", ran, false)
	}},
	{"that wait when Close comes are stored or refused, never both", func(d *desk) {
		const many = 50
		release := d.hold()
		results := make([]error, many)
		var asked, done sync.WaitGroup
		asked.Add(many)
		for i := range many {
			done.Go(func() {
				asked.Done()
				results[i] = d.Update(context.Background(), func(t store.Tx) error {
					_, err := post(t, "#build", strconv.Itoa(i))
					return err
				})
			})
		}
		asked.Wait()
		closed := make(chan error)
		go func() { closed <- d.Close() }()
		release()
		want(d, "Close", <-closed, nil)
		done.Wait()
		d.Store = d.open(d.T)
		stored := d.texts("#build")
		for i, err := range results {
			if err != nil && agentbridge.CodeOf(err) != agentbridge.Closed {
				d.Errorf("Update %d: got %v, want no error or Closed", i, err)
			}
			if is := slices.Contains(stored, strconv.Itoa(i)); is != (err == nil) {
				d.Errorf("Update %d: got %v and stored %v, want both to agree", i, err, is)
			}
		}
	}},
	{"that read hold Close up", func(d *desk) {
		d.send("#build", "1")
		inside, goOn, closed := make(chan bool), make(chan bool), make(chan error, 2)
		viewed := make(chan error, 1)
		go func() {
			viewed <- d.View(context.Background(), func(r store.Reader) error {
				inside <- true
				<-goOn
				c, err := lookup(r, "#build") // the store is still there
				if err != nil {
					return err
				}
				_, _, err = r.Newest(c, 0, all)
				return err
			})
		}()
		<-inside
		go func() { closed <- d.Close() }()
		for agentbridge.CodeOf(d.Update(context.Background(), func(store.Tx) error { return nil })) != agentbridge.Closed {
		} // Close has begun
		select {
		case err := <-closed:
			closed <- err
			d.Errorf("Close while a View is in use: got %v, want it to wait", err)
		case <-time.After(50 * time.Millisecond): // long enough to catch one that doesn't
		}
		close(goOn)
		want(d, "View", <-viewed, nil)
		want(d, "Close", <-closed, nil)
	}},
	{"of another store are heard once OnCommit is set", func(d *desk) {
		stop, stopped := make(chan bool), make(chan bool)
		go func() {
			defer close(stopped)
			for {
				select {
				case <-stop:
					return
				default:
					err := d.Update(context.Background(), func(t store.Tx) error { _, err := post(t, "#busy", "x"); return err })
					want(d, "Update", err, nil)
				}
			}
		}()
		for range 3 { // commits come in while the store opens, before anybody listens
			if !(&desk{T: d.T, Store: d.open(d.T)}).listen().waitFor("#busy", 10*time.Second) {
				d.Error("OnCommit: got no ring in 10 s, want one")
			}
		}
		close(stop)
		<-stopped
	}},
	{"of two stores on one database meet", func(d *desk) {
		second := &desk{T: d.T, Store: d.open(d.T), open: d.open}
		bell := second.listen()
		var last agentbridge.Seq
		for i := range 20 {
			from, to := d, second
			if i%2 == 1 {
				from, to = second, d
			}
			m := from.send("#build", strconv.Itoa(i))
			if m.Seq <= last {
				d.Errorf("Append in turn: got seq %d behind %d, want a higher one", m.Seq, last)
			}
			last = m.Seq
			want(d, "Tally in the other store", to.tally("#build"), int64(i+1))
		}
		d.send("#rings", "hello")
		if !bell.waitFor("#rings", 10*time.Second) {
			d.Error("OnCommit in the other store: got no ring in 10 s, want one")
		}
		d.clear("#build")
		second.sweep(100)
		if m := d.send("#build", "new"); m.Seq <= last {
			d.Errorf("Append after the other's Sweep: got seq %d, want above %d", m.Seq, last)
		}
		want(d, "texts", second.texts("#build"), []string{"new"})
	}},
}

// wreck changes everything a transaction can change.
func wreck(t store.Tx, m agentbridge.Message) error {
	if _, err := post(t, "#new", "x"); err != nil {
		return err
	}
	if _, err := post(t, "#build", "x"); err != nil {
		return err
	}
	build, err := lookup(t, "#build")
	if err != nil {
		return err
	}
	private, err := lookup(t, talk.Channel())
	if err != nil {
		return err
	}
	if err := converse(t, other, noon); err != nil {
		return err
	}
	for _, step := range []func() error{
		func() error {
			return t.PutCursor(build, agentbridge.Cursor{Consumer: bob, Seq: m.Seq, UpdatedAt: noon}, nil)
		},
		func() error { _, err := t.ClearChannel(build); return err },
		func() error { _, err := t.Sweep(10); return err },
		func() error { _, _, err := t.Offer(private, seatB, "wreck", noon, noon.Add(1e9), all); return err },
		func() error { return t.SettleOffer("wreck", true) },
		func() error { return t.DropConversation(talk) },
		func() error { return t.PutSetting("wrecked", "yes") },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func errorsFirst(err error, then func() error) error {
	if err != nil {
		return err
	}
	return then()
}

// hold keeps all other transactions waiting until release is called.
func (d *desk) hold() (release func()) {
	d.Helper()
	inside, goOn, done := make(chan bool), make(chan bool), make(chan error, 1)
	go func() {
		done <- d.Update(context.Background(), func(store.Tx) error {
			close(inside)
			<-goOn // no engine would: f must not block
			return nil
		})
	}()
	<-inside
	return sync.OnceFunc(func() {
		close(goOn)
		if err := <-done; err != nil {
			d.Errorf("Update that was held: got %v, want no error", err)
		}
	})
}

func (d *desk) channel(name string) (c store.Channel, ok bool) {
	d.Helper()
	c = get(d, func(r store.Reader) (c store.Channel, err error) {
		c, ok, err = r.Channel(agentbridge.ChannelName(name))
		return c, err
	})
	return c, ok
}

// bell notes what OnCommit tells.
type bell struct {
	mu   sync.Mutex // guards seen and all
	seen map[agentbridge.ChannelName]bool
	all  bool // nil topics: anything may have changed
	ring chan struct{}
}

func (d *desk) listen() *bell {
	b := &bell{seen: map[agentbridge.ChannelName]bool{}, ring: make(chan struct{}, 1)}
	d.OnCommit(func(topics []agentbridge.ChannelName) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.all = b.all || topics == nil
		for _, topic := range topics {
			b.seen[topic] = true
		}
		select {
		case b.ring <- struct{}{}:
		default:
		}
	})
	return b
}

func (b *bell) rang(topic agentbridge.ChannelName) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all || b.seen[topic]
}

func (b *bell) waitFor(topic agentbridge.ChannelName, limit time.Duration) bool {
	timeout := time.After(limit)
	for !b.rang(topic) {
		select {
		case <-b.ring:
		case <-timeout:
			return false
		}
	}
	return true
}
