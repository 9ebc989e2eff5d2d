package storetest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"agentbridge/internal/store"
)

var buckets = []test{
	{"are full until put", func(d *desk) {
		want(d, "Bucket", d.bucket("conversation=a"), "")
		want(d, "FullBuckets", d.fullBuckets(noon, 10), 0)
		want(d, "DropBuckets", d.dropBuckets(noon, 10), 0)
	}},
	{"keep what was put last, each for itself", func(d *desk) {
		long := strings.Repeat("ä", 500)
		d.putBucket("a", "one", noon)
		d.putBucket("a ", "other", noon)
		d.putBucket(long, "\x00\xff", noon)
		d.putBucket("a", "two", noon.Add(-time.Hour))
		want(d, "Bucket(a)", d.bucket("a"), "two")
		want(d, "Bucket(a and a space)", d.bucket("a "), "other")
		want(d, "Bucket(A)", d.bucket("A"), "")
		want(d, "Bucket(long)", d.bucket(long), "\x00\xff")
		want(d, "FullBuckets", d.fullBuckets(noon.Add(-time.Minute), 10), 1)
	}},
	{"outlive a restart and are shared", func(d *desk) {
		d.putBucket("a", "one", noon)
		second := &desk{T: d.T, Store: d.open(d.T), open: d.open}
		want(d, "Bucket in another store", second.bucket("a"), "one")
		second.putBucket("a", "two", noon)
		want(d, "Bucket after another's put", d.bucket("a"), "two")
		d.reopen()
		want(d, "Bucket after a restart", d.bucket("a"), "two")
	}},
	{"are as they were after a transaction that failed", func(d *desk) {
		d.putBucket("a", "one", noon)
		for name, end := range map[string]func() error{
			"error": func() error { return errOops },
			"panic": func() error { panic("oops") },
		} {
			err := d.Update(context.Background(), func(t store.Tx) error {
				if err := t.PutBucket("a", []byte("two"), noon); err != nil {
					return err
				}
				if err := t.PutBucket("b", []byte("two"), noon); err != nil {
					return err
				}
				if state, err := t.Bucket("a"); err != nil || string(state) != "two" {
					return fmt.Errorf("bucket inside: got %q, %v, want %q", state, err, "two")
				}
				if _, err := t.DropBuckets(noon, 1); err != nil {
					return err
				}
				return end()
			})
			if err == nil || name == "error" && err != errOops {
				d.Errorf("Update that ends with %s: got %v, want %v", name, err, errOops)
			}
			want(d, "Bucket(a) after "+name, d.bucket("a"), "one")
			want(d, "Bucket(b) after "+name, d.bucket("b"), "")
		}
	}},
	{"are dropped when they are full, a few at a time", func(d *desk) {
		for i := range 7 {
			d.putBucket(fmt.Sprint(i), "used", noon.Add(time.Duration(i)*time.Second))
		}
		want(d, "FullBuckets before any is", d.fullBuckets(noon.Add(-time.Microsecond), 10), 0)
		now := noon.Add(4 * time.Second) // 0 to 4 are full
		want(d, "FullBuckets", d.fullBuckets(now, 10), 5)
		want(d, "FullBuckets up to 3", d.fullBuckets(now, 3), 3)
		want(d, "DropBuckets", d.dropBuckets(now, 3), 3)
		want(d, "DropBuckets again", d.dropBuckets(now, 3), 2)
		want(d, "DropBuckets at last", d.dropBuckets(now, 3), 0)
		want(d, "Bucket(4)", d.bucket("4"), "")
		want(d, "Bucket(5)", d.bucket("5"), "used")
		want(d, "Bucket(6)", d.bucket("6"), "used")
	}},
	{"count exactly however many use them at once", func(d *desk) {
		const users, times = 8, 20
		second := &desk{T: d.T, Store: d.open(d.T), open: d.open}
		var wg sync.WaitGroup
		for i := range users {
			mine := d
			if i%2 == 1 {
				mine = second
			}
			wg.Go(func() {
				for range times {
					mine.countUp("a")
				}
			})
		}
		wg.Wait()
		want(d, "Bucket", d.bucket("a"), strings.Repeat("x", users*times))
	}},
}

// countUp makes the state of a bucket one byte longer.
func (d *desk) countUp(key string) {
	err := d.Update(context.Background(), func(t store.Tx) error {
		state, err := t.Bucket(key)
		if err != nil {
			return err
		}
		return t.PutBucket(key, append(state, 'x'), noon)
	})
	want(d, "Update", err, nil)
}

// bucket is the state of a bucket, "" if it is full.
func (d *desk) bucket(key string) (state string) {
	d.Helper()
	d.must(func(t store.Tx) error {
		b, err := t.Bucket(key)
		if err == nil && b != nil && len(b) == 0 {
			err = fmt.Errorf("Bucket(%q): got an empty state, want one or nil", key)
		}
		state = string(b)
		return err
	})
	return state
}

func (d *desk) putBucket(key, state string, fullAt time.Time) {
	d.Helper()
	d.must(func(t store.Tx) error { return t.PutBucket(key, []byte(state), fullAt) })
}

func (d *desk) fullBuckets(now time.Time, limit int) int64 {
	d.Helper()
	return get(d, func(r store.Reader) (int64, error) { return r.FullBuckets(now, limit) })
}

func (d *desk) dropBuckets(now time.Time, limit int) (n int64) {
	d.Helper()
	d.must(func(t store.Tx) (err error) {
		n, err = t.DropBuckets(now, limit)
		return err
	})
	return n
}
