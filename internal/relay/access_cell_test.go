package relay_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/store"

	"github.com/google/go-cmp/cmp"
)

// cell is one field of the table: one call by one principal.
type cell struct {
	*testing.T
	bridge  *bridgetest.Bridge
	who     agentbridge.Principal
	label   agentbridge.AgentName // under which it speaks
	end     func()                // ends its life
	session agentbridge.Session

	channel agentbridge.ChannelName
	sent    agentbridge.Sent // what stands there: "one"
	conv    agentbridge.NewConversation
	seat    agentbridge.SeatSession
	sitErr  error
}

func (c *cell) view(f func(store.Reader) error) {
	c.Helper()
	if err := c.bridge.Store.View(c.Context(), f); err != nil {
		c.Fatal(err)
	}
}

func (c *cell) holds(id agentbridge.MessageID) (ok bool) {
	c.view(func(v store.Reader) (err error) { _, _, ok, err = v.Message(id); return err })
	return ok
}

func (c *cell) sits(do func(agentbridge.SeatSession) (bool, error)) (bool, error) {
	if c.sitErr != nil {
		return false, c.sitErr
	}
	return do(c.seat)
}

// hears tells whether a feed brings the message of the channel.
func (c *cell) hears(f agentbridge.Feed, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	defer f.Close()
	ctx, cancel := context.WithTimeout(c.Context(), time.Second) // of the bubble
	defer cancel()
	b, _ := f.Next(ctx)
	heard := slices.ContainsFunc(b.Events, func(e agentbridge.Event) bool { return e.Channel == c.channel })
	c.counts(heard, int64(len(b.Events)))
	return heard, nil
}

// counts checks that whoever has a name is told of its one channel and nothing
// else, or of nothing.
func (c *cell) counts(shown bool, counts ...int64) {
	c.Helper()
	for _, n := range counts {
		if c.who.Verified() && n != map[bool]int64{true: 1}[shown] {
			c.Errorf("it is told of %d channels, messages or events, and sees the channel: %v", counts, shown)
		}
	}
}

// prepare fills the channel and the conversation of the cell.
func (c *cell) prepare() {
	c.Helper()
	setup := c.bridge.Agent("setup")
	c.sent = setup.MustSend(c.channel, "one")
	var err error
	if c.conv, err = setup.CreateConversation(c.Context(), "role_a", "role_b"); err != nil {
		c.Fatal(err)
	}
	c.bridge.MustSit(agentbridge.SeatCredential{Conversation: c.conv.ID, Seat: agentbridge.SeatB, Token: c.conv.TokenB}).MustSend("one")
}

// call opens the session and, where one is needed, the seat, and does the deed.
func (c *cell) call(method string) (done bool, err error) {
	if c.session, err = c.bridge.Open(c.Context(), c.who); err != nil {
		return false, err
	}
	if strings.HasPrefix(method, "SeatSession.") {
		c.seat, c.sitErr = c.bridge.Sit(c.Context(), c.who, agentbridge.SeatCredential{Conversation: c.conv.ID, Seat: agentbridge.SeatA, Token: c.conv.TokenA})
	}
	c.end()
	return deeds[method].do(c)
}

// check makes the call and compares what comes of it.
func (c *cell) check(method, want string) {
	c.Helper()
	c.prepare()
	before, denied := c.state(), len(c.denials())
	done, err := c.call(method)
	got := map[agentbridge.Code]string{"": "H", agentbridge.Forbidden: "F", agentbridge.NotFound: "N", agentbridge.Unauthenticated: "U"}[agentbridge.CodeOf(err)]
	if done {
		got += "A"
	}
	if got = strings.TrimPrefix(got, "H"); got == "" && err == nil {
		got = "H"
	}
	if got != want {
		c.Errorf("%s = %q (%v), want %q", method, got, err, want)
		return
	}
	synctest.Wait() // some denials are written later
	now := c.denials()[denied:]
	if err == nil {
		if len(now) > 0 {
			c.Errorf("%s was allowed, and the audit log says %+v", method, now)
		}
		return
	}
	if diff := cmp.Diff(before, c.state()); diff != "" {
		c.Errorf("%s was refused, and changed something: -before +after\n%s", method, diff)
	}
	c.wantDenial(method, now)
}

// wantDenial checks that the log tells of the refusal once, by whom and what.
func (c *cell) wantDenial(method string, list []agentbridge.Entry) {
	c.Helper()
	if len(list) != 1 {
		c.Errorf("%s was refused, and the audit log has %d entries of it: %+v", method, len(list), list)
		return
	}
	var about struct{ Operation string }
	if err := json.Unmarshal(list[0].Detail, &about); err != nil || about.Operation != deeds[method].rule {
		c.Errorf("%s was refused, and the audit log says %s (%v), want the operation %q", method, list[0].Detail, err, deeds[method].rule)
	}
	actor := c.who.Name
	if actor == "" {
		actor = "local"
	}
	if list[0].Actor != actor {
		c.Errorf("%s was refused to %s, and the audit log says %s", method, actor, list[0].Actor)
	}
}

func (c *cell) entries() []agentbridge.Entry {
	c.Helper()
	var list []agentbridge.Entry
	c.view(func(v store.Reader) (err error) { list, err = v.EntriesAfter(0, 100_000); return err })
	return list
}

// denials are the entries of what was refused, oldest first.
func (c *cell) denials() []agentbridge.Entry {
	return slices.DeleteFunc(c.entries(), func(e agentbridge.Entry) bool { return e.Action.Outcome() == agentbridge.Allowed })
}

// state is all that a call might change, but for the denials.
func (c *cell) state() (lines []string) {
	c.Helper()
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	for _, e := range c.entries() {
		if e.Action.Outcome() == agentbridge.Allowed {
			add("entry %s %s %s", e.Actor, e.Action, e.Target)
		}
	}
	c.view(func(v store.Reader) error {
		channels, messages, err := v.Totals()
		add("%d channels, %d messages", channels, messages)
		for _, name := range []agentbridge.ChannelName{c.channel, c.conv.ID.Channel()} {
			ch, _, _ := v.Channel(name)
			page, _, _ := v.Newest(ch, 0, store.Span{Limit: 100, MaxBytes: 1 << 20})
			cur, _, _ := v.Cursor(ch, c.label)
			a, _, _ := v.Presence(ch, "a")
			receipts, _ := v.Transcript(ch)
			add("%s: %+v, cursor %+v, a %+v, receipts %+v", name, page, cur, a, receipts)
		}
		conv, _, _ := v.Conversation(c.conv.ID)
		invitation, _, _ := v.Invitation(c.conv.Invite.ID())
		add("%+v, %+v", conv, invitation)
		return err
	})
	return lines
}

// columns are the principals of the table. Each has a name of its own, or its
// denials would count as one.
func columns(role string, covered bool, channel agentbridge.ChannelName) (p agentbridge.Principal, end func()) {
	end = func() {}
	switch role {
	case "nobody":
		return agentbridge.Principal{}, end
	case "local":
		return agentbridge.Local(), end
	}
	p.Name = agentbridge.AgentName(fmt.Sprint(role, "-", covered))
	p.Roles = []agentbridge.AccessRole{agentbridge.AccessRole(role)}
	pattern := string(channel)
	if !covered {
		pattern = "elsewhere:*"
	}
	for _, verb := range []agentbridge.Verb{agentbridge.VerbRead, agentbridge.VerbSend, agentbridge.VerbClear} {
		p.Scopes = append(p.Scopes, agentbridge.Scope{Verb: verb, Pattern: pattern})
	}
	if role == "ended" {
		p.Roles = []agentbridge.AccessRole{agentbridge.RoleAdmin}
		var cancel context.CancelFunc
		p.Life, cancel = context.WithCancel(context.Background())
		end = cancel
	}
	return p, end
}
