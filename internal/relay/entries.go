package relay

import (
	"context"

	"agentbridge"
	"agentbridge/internal/store"
)

// Entries implements agentbridge.Session.
func (s *session) Entries(ctx context.Context, q agentbridge.EntryQuery) (page agentbridge.EntryPage, err error) {
	if err := s.may(ctx, opAudit, ""); err != nil {
		return page, err
	}
	if q.Limit <= 0 {
		q.Limit = agentbridge.DefaultEntries
	}
	q.Limit = min(q.Limit, agentbridge.MaxEntries)
	err = s.relay.store.View(ctx, func(v store.Reader) error {
		page, err = entries(v, q, s.who.Verified())
		return err
	})
	return page, err
}

// entryLooks is how many pages of the log entries reads at most, all but the
// first of MaxEntries.
const entryLooks = 10

// entries looks for what a query selects, with or without the entries of
// conversations. Whoever filters a long log may get less than there is, and then
// asks again from Next.
func entries(v store.Reader, q agentbridge.EntryQuery, private bool) (page agentbridge.EntryPage, err error) {
	look := agentbridge.EntryQuery{Before: q.Before, Limit: q.Limit}
	if q.Target.Private() {
		if !private {
			return page, nil
		}
		look.Target = q.Target
	}
	for range entryLooks {
		list, err := v.Entries(look)
		if err != nil {
			return agentbridge.EntryPage{}, err
		}
		for _, e := range list {
			look.Before = e.Seq
			if e.Target.Private() && !private || !q.Matches(e) {
				continue
			}
			if page.Entries = append(page.Entries, e); len(page.Entries) == q.Limit {
				page.Next = behind(e.Seq)
				return page, nil
			}
		}
		if len(list) < look.Limit {
			return page, nil
		}
		look.Limit = agentbridge.MaxEntries
	}
	page.Next = behind(look.Before)
	return page, nil
}

// behind is where to go on after an entry. Nothing is before the first one.
func behind(seq int64) int64 {
	if seq == 1 {
		return 0
	}
	return seq
}
