package bridgetest

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"agentbridge"
	"agentbridge/internal/store"
	"agentbridge/internal/store/storetest"
)

// Check fails t if a store breaks one of its own promises (storetest.Check), or
// the engine's: the audit log knows of every message that is there, and of no
// other one. A closed store passes.
func Check(t testing.TB, st store.Store) {
	t.Helper()
	storetest.Check(t, st)
	err := st.View(context.Background(), func(v store.Reader) error {
		want, err := logged(v)
		if err != nil {
			return err
		}
		got, err := held(v)
		if err == nil && got != want {
			err = fmt.Errorf("the store holds %d messages, by the audit log it should be %d", got, want)
		}
		return err
	})
	if err != nil && agentbridge.CodeOf(err) != agentbridge.Closed {
		t.Errorf("Check: %v", err)
	}
}

// logged counts what the audit log says was sent and neither cleared,
// expired nor cleaned up since.
func logged(v store.Reader) (messages int64, err error) {
	q := agentbridge.EntryQuery{Limit: agentbridge.MaxEntries}
	for {
		page, err := v.Entries(q)
		if err != nil || len(page) == 0 {
			return messages, err
		}
		for _, e := range page {
			var detail struct{ Cleared, Expired, Messages int64 }
			_ = json.Unmarshal(e.Detail, &detail) // an entry without these says 0
			switch e.Action {
			case agentbridge.ActionSend:
				messages++
			case agentbridge.ActionClear:
				messages -= detail.Cleared
			case agentbridge.ActionExpire:
				messages -= detail.Expired
			case agentbridge.ActionCleanup:
				messages -= detail.Messages
			}
		}
		q.Before = page[len(page)-1].Seq
	}
}

// held counts the messages of channels and of conversations.
func held(v store.Reader) (messages int64, err error) {
	_, messages, err = v.Totals()
	if err != nil {
		return 0, err
	}
	list, err := v.Conversations()
	if err != nil {
		return 0, err
	}
	for _, conv := range list {
		c, _, err := v.Channel(conv.ID.Channel())
		if err != nil {
			return 0, err
		}
		t, err := v.Tally(c)
		if err != nil {
			return 0, err
		}
		messages += t.Messages
	}
	return messages, nil
}
