package relay_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/store"

	"github.com/google/go-cmp/cmp"
)

func TestEntries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bridgetest.New(t)
		bob, auditor := b.Agent("bob"), named(t, b, "auditor")
		start := time.Now()
		bob.MustSend("#build", "one")            // 1
		creator, _ := b.Pair("role_a", "role_b") // 2
		creator.MustSend("two")                  // 3
		time.Sleep(time.Hour)                    //
		bob.MustClear("#build")                  // 4
		auditor.MustSend("#build", "three")      // 5
		bob.MustSend("#build", "four")           // 6
		nobody, err := b.Open(t.Context(), agentbridge.Principal{Name: "nobody"})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = nobody.Ping(t.Context()) // 7
		conv := creator.Credential.Conversation.Channel()
		for _, c := range []struct {
			q                 agentbridge.EntryQuery
			verified, unnamed []int64 // what these see
		}{
			{agentbridge.EntryQuery{}, []int64{7, 6, 5, 4, 3, 2, 1}, []int64{7, 6, 5, 4, 1}},
			{agentbridge.EntryQuery{Limit: 2}, []int64{7, 6}, []int64{7, 6}},
			{agentbridge.EntryQuery{Before: 4}, []int64{3, 2, 1}, []int64{1}},
			{agentbridge.EntryQuery{Before: 4, Limit: 1}, []int64{3}, []int64{1}},
			{agentbridge.EntryQuery{Before: -1}, nil, nil},
			{agentbridge.EntryQuery{Target: conv}, []int64{3, 2}, nil},
			{agentbridge.EntryQuery{Target: conv, Action: agentbridge.ActionSend}, []int64{3}, nil},
			{agentbridge.EntryQuery{Target: "#build"}, []int64{6, 5, 4, 1}, []int64{6, 5, 4, 1}},
			{agentbridge.EntryQuery{Target: "#other"}, nil, nil},
			{agentbridge.EntryQuery{Actor: "bob"}, []int64{6, 1}, []int64{6, 1}},
			{agentbridge.EntryQuery{Actor: "auditor"}, []int64{5}, []int64{5}},
			{agentbridge.EntryQuery{Action: agentbridge.ActionSend}, []int64{6, 5, 3, 1}, []int64{6, 5, 1}},
			{agentbridge.EntryQuery{Outcome: agentbridge.Denied}, []int64{7}, []int64{7}},
			{agentbridge.EntryQuery{Outcome: agentbridge.Alarm}, nil, nil},
			{agentbridge.EntryQuery{Since: start.Add(time.Hour)}, []int64{7, 6, 5, 4}, []int64{7, 6, 5, 4}},
			{agentbridge.EntryQuery{Until: start.Add(time.Hour)}, []int64{3, 2, 1}, []int64{1}},
			{agentbridge.EntryQuery{Actor: "bob", Since: start.Add(time.Hour), Limit: agentbridge.MaxEntries + 1}, []int64{6}, []int64{6}},
		} {
			for who, want := range map[*bridgetest.Agent][]int64{auditor: c.verified, bob: c.unnamed} {
				page, err := who.Entries(t.Context(), c.q)
				var got []int64
				for _, e := range page.Entries {
					got = append(got, e.Seq)
				}
				if diff := cmp.Diff(want, got); err != nil || diff != "" {
					t.Errorf("Entries(%+v) by %s: %v, -want +got\n%s", c.q, who.Name, err, diff)
				}
			}
		}
	})
}

// In a long log, a filter that selects little is answered in pages that may be
// short, even empty; who goes on from Next sees everything once.
func TestEntries_walk(t *testing.T) {
	b := bridgetest.New(t)
	const all, every = 12_000, 2_400
	err := b.Store.Update(t.Context(), func(t store.Tx) error {
		for i := range all {
			e := agentbridge.Entry{At: time.Now(), Actor: "bob", Action: agentbridge.ActionAck, Target: "#build"}
			if i%every == 0 {
				e.Actor = "rare"
			}
			if i%3 == 0 {
				e.Target = "conv_0123456789abcdef"
			}
			if err := t.Log(e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	walk := func(s agentbridge.Session, q agentbridge.EntryQuery) (seqs []int64, pages int) {
		t.Helper()
		for {
			page, err := s.Entries(t.Context(), q)
			if pages++; err != nil || pages > all {
				t.Fatalf("Entries(%+v) = %v, page %d", q, err, pages)
			}
			for _, e := range page.Entries {
				seqs = append(seqs, e.Seq)
			}
			if page.Next == 0 {
				return seqs, pages
			}
			q.Before = page.Next
		}
	}
	known, label := named(t, b, "auditor"), b.Session()
	for _, limit := range []int{1, 2, 5} {
		if got, pages := walk(known, agentbridge.EntryQuery{Actor: "rare", Limit: limit}); !slices.Equal(got, []int64{9601, 7201, 4801, 2401, 1}) || pages > 6 {
			t.Errorf("Entries() of a rare actor, at most %d = %d in %d pages", limit, got, pages)
		}
	}
	if got, pages := walk(known, agentbridge.EntryQuery{Actor: "nobody"}); len(got) > 0 || pages != 2 {
		t.Errorf("Entries() of nobody = %d in %d pages, want an empty one and the end", got, pages)
	}
	for who, s := range map[string]agentbridge.Session{"auditor": known, "label": label} {
		want := all
		if who == "label" {
			want = all * 2 / 3
		}
		got, _ := walk(s, agentbridge.EntryQuery{Limit: 999})
		if len(got) != want || !slices.IsSortedFunc(got, func(a, b int64) int { return int(b - a) }) {
			t.Errorf("Entries() by %s, in pages of 999: %d entries, want %d, each once", who, len(got), want)
		}
	}
	if got, _ := walk(known, agentbridge.EntryQuery{Target: "conv_0123456789abcdef", Limit: 1000}); len(got) != all/3 {
		t.Errorf("Entries() of the conversation: %d, want %d", len(got), all/3)
	}
	if page, err := label.Entries(t.Context(), agentbridge.EntryQuery{Target: "conv_0123456789abcdef"}); err != nil || fmt.Sprint(page) != fmt.Sprint(agentbridge.EntryPage{}) {
		t.Errorf("Entries() of the conversation by one without a name = %+v, %v; want nothing, and no more of it", page, err)
	}
}
