package relay_test

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"

	"github.com/google/go-cmp/cmp"
)

func TestOperator_conversations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bridgetest.New(t)
		operator := b.Operator()
		if list, err := operator.Conversations(t.Context()); err != nil || len(list) != 0 {
			t.Errorf("Conversations() of nothing = %+v, %v", list, err)
		}
		start := time.Now().UTC()
		a, partner := b.Pair("backend_developer", "frontend_developer")
		time.Sleep(time.Hour)
		later, _ := b.Pair("author", "reviewer")
		a.MustSend("one")
		a.MustSend("two")
		partner.MustSend("three")
		partner.WantCheck("one", "two")
		a.MustSend("four")
		partner.WantTake("four")
		a.MustSend("five")

		list, err := operator.Conversations(t.Context())
		want := []agentbridge.ConversationInfo{ // newest first
			{ID: later.Credential.Conversation, RoleA: "author", RoleB: "reviewer", CreatedAt: start.Add(time.Hour), ExpiresAt: start.Add(4 * time.Hour), Generation: 1},
			{ID: a.Credential.Conversation, RoleA: "backend_developer", RoleB: "frontend_developer", CreatedAt: start, ExpiresAt: start.Add(3 * time.Hour), Generation: 1,
				Messages: 5, UnreadA: 1, UnreadB: 2},
		}
		if diff := cmp.Diff(want, list); err != nil || diff != "" {
			t.Errorf("Conversations(): %v, -want +got\n%s", err, diff)
		}

		info, lines, err := operator.Conversation(t.Context(), a.Credential.Conversation)
		if diff := cmp.Diff(want[1], info); err != nil || diff != "" {
			t.Errorf("Conversation(): %v, -want +got\n%s", err, diff)
		}
		var got []string
		for _, l := range lines {
			got = append(got, string(l.Message.Sender)+" to "+string(l.To)+": "+l.Message.Content+", "+string(l.State))
		}
		transcript := []string{"a to b: one, injected", "a to b: two, injected", "b to a: three, stored", "a to b: four, offered", "a to b: five, stored"}
		if diff := cmp.Diff(transcript, got); diff != "" {
			t.Errorf("Conversation(): -want +got\n%s", diff)
		}
		if info.Expired(info.ExpiresAt.Add(-1)) || !info.Expired(info.ExpiresAt) {
			t.Error("Expired() is not true from ExpiresAt on")
		}
		_, _, err = operator.Conversation(t.Context(), "conv_0123456789abcdef")
		bridgetest.WantErr(t, agentbridge.NotFound, err)
	})
}

func TestOperator_tokens(t *testing.T) {
	b := bridgetest.New(t)
	a, partner := b.Pair("backend_developer", "frontend_developer")
	tokenA, tokenB, err := b.Operator().Tokens(t.Context(), a.Credential.Conversation)
	if err != nil || tokenA != a.Credential.Token || tokenB != partner.Credential.Token {
		t.Errorf("Tokens() differ from what the creator was given, %v", err)
	}
	tokenA, tokenB, err = b.Operator().Tokens(t.Context(), "conv_0123456789abcdef")
	bridgetest.WantErr(t, agentbridge.NotFound, err)
	if tokenA != "" || tokenB != "" {
		t.Error("Tokens() of an unknown conversation returned some")
	}
}

func TestOperator_cleanup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bridgetest.New(t)
		old, oldPartner := b.Pair("backend_developer", "frontend_developer")
		time.Sleep(time.Hour)
		young, youngPartner := b.Pair("author", "reviewer")
		old.MustSend("hunter2")
		young.MustSend("kept")
		b.Agent("alice").MustSend("#build", "kept")
		time.Sleep(2 * time.Hour) // the first one has expired, the second has not

		removed := make([][]agentbridge.ConversationID, 2) // two operators at once
		var wg sync.WaitGroup
		for i := range removed {
			wg.Go(func() {
				var err error
				if removed[i], err = b.Operator().Cleanup(t.Context()); err != nil {
					t.Errorf("Cleanup() = %v", err)
				}
			})
		}
		wg.Wait()
		want := []agentbridge.ConversationID{old.Credential.Conversation}
		if diff := cmp.Diff(want, slices.Concat(removed...)); diff != "" {
			t.Errorf("Cleanup() by two: -want +got\n%s", diff)
		}

		_, _, err := b.Operator().Conversation(t.Context(), old.Credential.Conversation)
		bridgetest.WantErr(t, agentbridge.NotFound, err)
		wantRefused(t, b, "a removed conversation", agentbridge.Unauthenticated, old.Credential)
		for what, call := range map[string]func() error{ // of somebody who still sits there
			"Send":      func() error { _, err := oldPartner.Send(t.Context(), agentbridge.SeatDraft{Text: "x"}); return err },
			"Check":     func() error { _, err := oldPartner.Check(t.Context(), 1000); return err },
			"SetStatus": func() error { return oldPartner.SetStatus(t.Context(), agentbridge.Working) },
			"Partner":   func() error { _, err := oldPartner.Partner(t.Context()); return err },
		} {
			if err := call(); agentbridge.CodeOf(err) != agentbridge.Expired {
				t.Errorf("%s in a removed conversation = %v, want %q", what, err, agentbridge.Expired)
			}
		}
		youngPartner.WantCheck("kept")
		b.Agent("bob").WantRead("#build", "kept")

		var actions []agentbridge.Action
		for _, e := range entries(t, b, 0) {
			if e.Target == old.Credential.Conversation.Channel() {
				actions = append(actions, e.Action)
			}
		}
		stay := []agentbridge.Action{agentbridge.ActionCreateConversation, agentbridge.ActionSend, agentbridge.ActionCleanup}
		if diff := cmp.Diff(stay, actions); diff != "" {
			t.Errorf("entries of the removed conversation: -want +got\n%s", diff)
		}
	})
}

func TestOperator_entries(t *testing.T) {
	b := bridgetest.Unlimited(t)
	alice := b.Agent("alice")
	a, _ := b.Pair("backend_developer", "frontend_developer") // entry 1
	for range 30 {                                            // entries 2, 4 … 60 of the conversation, 3, 5 … 61 of the channel
		a.MustSend("to the partner")
		alice.MustSend("#build", "to all")
	}
	conv := a.Credential.Conversation.Channel()
	for _, c := range []struct {
		what        string
		q           agentbridge.EntryQuery
		first, last int64 // newest first
		count       int
	}{
		{"the newest", agentbridge.EntryQuery{}, 61, 12, agentbridge.DefaultEntries},
		{"all", agentbridge.EntryQuery{Limit: agentbridge.MaxEntries}, 61, 1, 61},
		{"two", agentbridge.EntryQuery{Limit: 2}, 61, 60, 2},
		{"older ones", agentbridge.EntryQuery{Before: 60, Limit: 2}, 59, 58, 2},
		{"the oldest", agentbridge.EntryQuery{Before: 2}, 1, 1, 1},
		{"before all", agentbridge.EntryQuery{Before: 1}, 0, 0, 0},
		{"of the conversation", agentbridge.EntryQuery{Target: conv}, 60, 1, 31},
		{"two of the conversation", agentbridge.EntryQuery{Target: conv, Limit: 2}, 60, 58, 2},
		{"older ones of the conversation", agentbridge.EntryQuery{Target: conv, Before: 58, Limit: 2}, 56, 54, 2},
		{"by an agent", agentbridge.EntryQuery{Actor: "alice"}, 61, 3, 30},
		{"two by an agent", agentbridge.EntryQuery{Actor: "alice", Before: 61, Limit: 2}, 59, 57, 2},
		{"of an action", agentbridge.EntryQuery{Action: agentbridge.ActionCreateConversation}, 1, 1, 1},
		{"of a channel", agentbridge.EntryQuery{Target: "#build", Limit: agentbridge.MaxEntries}, 61, 3, 30},
		{"of an outcome", agentbridge.EntryQuery{Outcome: agentbridge.Denied}, 0, 0, 0},
		{"of an unknown conversation", agentbridge.EntryQuery{Target: "conv_0123456789abcdef"}, 0, 0, 0},
	} {
		page, err := b.Operator().Entries(t.Context(), c.q)
		list := page.Entries
		if err != nil || len(list) != c.count || c.count > 0 && (list[0].Seq != c.first || list[len(list)-1].Seq != c.last) {
			t.Errorf("Entries(%s) = %d of them, %v; want %d, from %d down to %d", c.what, len(list), err, c.count, c.first, c.last)
		}
	}
	for _, limit := range []int{-1, agentbridge.MaxEntries + 1} {
		_, err := b.Operator().Entries(t.Context(), agentbridge.EntryQuery{Limit: limit})
		bridgetest.WantErr(t, agentbridge.OutOfRange, err)
	}
}
