package relay

import (
	"context"
	"time"

	"agentbridge"
	"agentbridge/internal/store"
)

// operatorName is what the audit log calls the person at the machine.
const operatorName agentbridge.AgentName = "operator"

// operator implements agentbridge.Operator. There is no credential to ask for:
// whoever owns the store's files could read them anyway.
type operator struct {
	store   store.Store
	keyFile string // read when tokens are asked for, and only then
}

// NewOperator returns the view of whoever owns the store's files, without
// opening the bridge for anybody.
func NewOperator(st store.Store, keyFile string) agentbridge.Operator { return operator{st, keyFile} }

// Operator returns the view of whoever owns the store's files.
func (r *Relay) Operator() agentbridge.Operator { return NewOperator(r.store, r.keyFile) }

func unknownConversation(id agentbridge.ConversationID) error {
	return agentbridge.Refuse(agentbridge.NotFound, "", "conversation %s does not exist; list them with: agentbridge conversation list", id)
}

// Conversations implements agentbridge.Operator.
func (o operator) Conversations(ctx context.Context) (list []agentbridge.ConversationInfo, err error) {
	err = o.store.View(ctx, func(v store.Reader) error {
		convs, err := v.Conversations()
		if err != nil {
			return err
		}
		for _, conv := range convs {
			info, err := describe(v, conv)
			if err != nil {
				return err
			}
			list = append(list, info)
		}
		return nil
	})
	return list, err
}

func describe(v store.Reader, conv store.Conversation) (agentbridge.ConversationInfo, error) {
	info := agentbridge.ConversationInfo{
		ID: conv.ID, RoleA: conv.RoleA, RoleB: conv.RoleB,
		CreatedAt: conv.CreatedAt, ExpiresAt: conv.ExpiresAt, Generation: conv.Generation,
	}
	c, _, err := v.Channel(conv.ID.Channel())
	if err != nil {
		return info, err
	}
	tally, err := v.Tally(c)
	if err != nil {
		return info, err
	}
	info.Messages = tally.Messages
	if info.UnreadA, err = v.Unread(c, agentbridge.SeatA.Agent()); err != nil {
		return info, err
	}
	info.UnreadB, err = v.Unread(c, agentbridge.SeatB.Agent())
	return info, err
}

// Conversation implements agentbridge.Operator.
func (o operator) Conversation(ctx context.Context, id agentbridge.ConversationID) (info agentbridge.ConversationInfo, lines []agentbridge.TranscriptLine, err error) {
	err = o.store.View(ctx, func(v store.Reader) error {
		conv, ok, err := v.Conversation(id)
		if err != nil {
			return err
		}
		if !ok {
			return unknownConversation(id)
		}
		if info, err = describe(v, conv); err != nil {
			return err
		}
		c, _, err := v.Channel(id.Channel())
		if err != nil {
			return err
		}
		receipts, err := v.Transcript(c)
		for _, r := range receipts {
			lines = append(lines, agentbridge.TranscriptLine{Message: r.Message, To: agentbridge.Seat(r.Recipient), State: r.State})
		}
		return err
	})
	return info, lines, err
}

// Tokens implements agentbridge.Operator. The entry comes first: no token is
// shown that the log does not know of.
func (o operator) Tokens(ctx context.Context, id agentbridge.ConversationID) (a, b agentbridge.Token, err error) {
	key, known, err := matchingKey(ctx, o.store, o.keyFile)
	if err != nil {
		return "", "", err
	}
	if !known { // a database without a key has no conversations either
		return "", "", unknownConversation(id)
	}
	var conv store.Conversation
	err = o.store.Update(ctx, func(t store.Tx) error {
		var ok bool
		if conv, ok, err = t.Conversation(id); err != nil {
			return err
		}
		if !ok {
			return unknownConversation(id)
		}
		return t.Log(agentbridge.Entry{At: time.Now(), Actor: operatorName, Action: agentbridge.ActionTokensShown, Target: id.Channel()})
	})
	if err != nil {
		return "", "", err
	}
	return key.Derive(id, agentbridge.SeatA, conv.Generation), key.Derive(id, agentbridge.SeatB, conv.Generation), nil
}

// Cleanup implements agentbridge.Operator: one transaction for each, so that
// agents at work are not kept waiting by a long list.
func (o operator) Cleanup(ctx context.Context) (removed []agentbridge.ConversationID, err error) {
	list, err := o.Conversations(ctx)
	if err != nil {
		return nil, err
	}
	for _, info := range list {
		if !info.Expired(time.Now()) {
			continue
		}
		var dropped bool
		err := o.store.Update(ctx, func(t store.Tx) error {
			dropped, err = drop(t, info)
			return err
		})
		if err != nil {
			return removed, err
		}
		if dropped {
			removed = append(removed, info.ID)
		}
	}
	return removed, nil
}

// drop removes a conversation, unless another cleanup was faster.
func drop(t store.Tx, info agentbridge.ConversationInfo) (dropped bool, err error) {
	if _, ok, err := t.Conversation(info.ID); err != nil || !ok {
		return false, err
	}
	if err := t.DropConversation(info.ID); err != nil {
		return false, err
	}
	return true, t.Log(agentbridge.Entry{At: time.Now(), Actor: operatorName, Action: agentbridge.ActionCleanup, Target: info.ID.Channel(),
		Detail: detail(map[string]any{"messages": info.Messages})})
}

// Entries implements agentbridge.Operator.
func (o operator) Entries(ctx context.Context, q agentbridge.EntryQuery) (page agentbridge.EntryPage, err error) {
	if q.Limit == 0 {
		q.Limit = agentbridge.DefaultEntries
	}
	if q.Limit < 1 || q.Limit > agentbridge.MaxEntries {
		return page, agentbridge.Refuse(agentbridge.OutOfRange, "limit", "must be 1 to %d", agentbridge.MaxEntries)
	}
	want := q.Limit
	for { // whoever owns the files may look through all of the log
		var some agentbridge.EntryPage
		err := o.store.View(ctx, func(v store.Reader) error {
			some, err = entries(v, q, true)
			return err
		})
		if err != nil {
			return agentbridge.EntryPage{}, err
		}
		page.Entries, page.Next = append(page.Entries, some.Entries...), some.Next
		if q.Before, q.Limit = some.Next, want-len(page.Entries); q.Limit == 0 || q.Before == 0 {
			return page, nil
		}
	}
}
