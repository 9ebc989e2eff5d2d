package storetest

import (
	"context"
	"time"

	"agentbridge"
	"agentbridge/internal/store"
)

func invitation(id string, to agentbridge.ConversationID, until time.Time) store.Invitation {
	return store.Invitation{ID: id, Conversation: to, Digest: [32]byte{4, 31: 5}, ExpiresAt: until, Tries: 2}
}

// invite keeps an invitation.
func (d *desk) invite(i store.Invitation) {
	d.Helper()
	d.must(func(t store.Tx) error { return t.PutInvitation(i) })
}

func (d *desk) invitation(id string) (i store.Invitation, ok bool) {
	d.Helper()
	i = get(d, func(r store.Reader) (i store.Invitation, err error) {
		i, ok, err = r.Invitation(id)
		return i, err
	})
	return i, ok
}

// invited are those of some ids that are kept.
func (d *desk) invited(ids ...string) (kept []string) {
	d.Helper()
	for _, id := range ids {
		if _, ok := d.invitation(id); ok {
			kept = append(kept, id)
		}
	}
	return kept
}

var invitations = []test{
	{"are kept as they were given, and replaced", func(d *desk) {
		d.converse(talk)
		d.converse(other)
		i := invitation("7K3M", talk, noon)
		d.invite(i)
		d.reopen()
		got, ok := d.invitation("7K3M")
		want(d, "Invitation found", ok, true)
		want(d, "Invitation", got, i)
		_, ok = d.invitation("7K3N")
		want(d, "Invitation of an unknown id", ok, false)

		i.Conversation, i.Digest[7], i.ExpiresAt, i.Tries = other, 9, noon.Add(time.Hour), 0
		d.invite(i)
		got, _ = d.invitation("7K3M")
		want(d, "Invitation", got, i)
	}},
	{"are dropped one by one", func(d *desk) {
		d.converse(talk)
		d.invite(invitation("AAAA", talk, noon))
		d.invite(invitation("BBBB", talk, noon))
		for range 2 { // again does no harm
			d.must(func(t store.Tx) error { return t.DropInvitation("AAAA") })
		}
		want(d, "invitations", d.invited("AAAA", "BBBB"), []string{"BBBB"})
	}},
	{"are dropped when they have expired", func(d *desk) {
		d.converse(talk)
		d.invite(invitation("AAAA", talk, noon.Add(-time.Microsecond)))
		d.invite(invitation("BBBB", talk, noon))
		d.must(func(t store.Tx) error { return t.DropInvitations(noon) })
		want(d, "invitations", d.invited("AAAA", "BBBB"), []string{"BBBB"})
	}},
	{"go with their conversation", func(d *desk) {
		d.converse(talk)
		d.converse(other)
		d.invite(invitation("AAAA", talk, noon))
		d.invite(invitation("BBBB", other, noon))
		d.drop(talk)
		want(d, "invitations", d.invited("AAAA", "BBBB"), []string{"BBBB"})
	}},
	{"belong to conversations that are there", func(d *desk) {
		err := d.Update(context.Background(), func(t store.Tx) error { return t.PutInvitation(invitation("AAAA", talk, noon)) })
		if err == nil {
			d.Error("PutInvitation to an unknown conversation: got no error, want one")
		}
	}},
}
