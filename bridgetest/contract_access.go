package bridgetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"agentbridge"

	"github.com/google/go-cmp/cmp"
)

// As opens a session for a principal. One with a name is an agent of the bridge
// with these roles and scopes; its life is the bridge's to end.
type As func(p agentbridge.Principal) agentbridge.Session

// RunAccessContract checks what every implementation of agentbridge.Session
// promises of those who are known by name, and of those who are not. Each call
// of open returns the door of a bridge that holds nothing and knows nobody yet.
func RunAccessContract(t *testing.T, open func(t *testing.T) As) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, as As)
	}{
		{"sender", testAccessSender},
		{"label", testAccessLabel},
		{"consumer", testAccessConsumer},
		{"hidden", testAccessHidden},
		{"hidden feeds", testAccessHiddenFeeds},
		{"roles", testAccessRoles},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

// known is a principal with a name, a role and scopes.
func known(t *testing.T, name agentbridge.AgentName, role agentbridge.AccessRole, scopes string) agentbridge.Principal {
	t.Helper()
	list, err := agentbridge.ParseScopes("scope", scopes)
	if err != nil {
		t.Fatal(err)
	}
	return agentbridge.Principal{Name: name, Roles: []agentbridge.AccessRole{role}, Scopes: list}
}

// wantRefusal checks that a call was refused with a code for what stands in a
// field.
func wantRefusal(t *testing.T, call string, code agentbridge.Code, field string, err error) {
	t.Helper()
	if e, ok := errors.AsType[*agentbridge.Error](err); !ok || e.Code != code || e.Field != field {
		t.Errorf("%s = %#v, want it refused as %s for %q", call, err, code, field)
	}
}

func testAccessSender(t *testing.T, as As) { // who has a name speaks under it, and it is seen that it is so
	alice := NewAgent(t, as(known(t, "alice", agentbridge.RoleMember, "read:*,send:*")), "alice")
	bob := NewAgent(t, as(agentbridge.Local()), "bob")
	feed, all := bob.MustFollow("#build", ""), bob.MustWatch("")
	unnamed := alice.Draft("#build", "one")
	unnamed.Sender = ""
	if sent := alice.MustSendDraft(unnamed); sent.Sender != "alice" {
		t.Errorf("Send() without a sender = %+v, want alice's", sent)
	}
	alice.MustSend("#build", "two")
	bob.MustSend("#build", "three")
	for _, name := range []agentbridge.AgentName{"bob", "alice2", "alice/phone", "Alice"} {
		_, err := alice.Send(t.Context(), agentbridge.Draft{Channel: "#build", Sender: name, Body: unnamed.Body})
		wantRefusal(t, "Send() as "+string(name), agentbridge.Forbidden, "sender", err)
	}

	type said struct {
		sender   agentbridge.AgentName
		text     string
		verified bool
	}
	want := []said{{"alice", "one", true}, {"alice", "two", true}, {"bob", "three", false}}
	check := func(call string, messages []agentbridge.Message) {
		t.Helper()
		var got []said
		for _, m := range messages {
			got = append(got, said{m.Sender, m.Content, m.Verified})
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(said{})); diff != "" {
			t.Errorf("%s: -want +got\n%s", call, diff)
		}
	}
	page := bob.MustRead(agentbridge.ReadRequest{Channel: "#build"})
	check("Read()", page.Messages)
	var each []agentbridge.Message
	for _, m := range page.Messages {
		m, err := bob.Message(t.Context(), m.ID)
		if err != nil {
			t.Fatalf("Message() = %v", err)
		}
		each = append(each, m)
	}
	check("Message()", each)
	o, err := bob.Overview(t.Context(), "", 10, agentbridge.MaxReplyBytes)
	if err != nil || len(o.Channels) != 1 {
		t.Fatalf("Overview() = %+v, %v", o, err)
	}
	check("Overview()", o.Channels[0].Messages)
	check("Follow()", feed.messages(3))
	check("Watch()", all.messages(3))
}

// messages are the next so many.
func (l *Listener) messages(n int) (list []agentbridge.Message) {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), patience)
	defer cancel()
	for len(list) < n {
		b, err := l.Next(ctx)
		if err != nil {
			l.t.Fatalf("Next() of %s = %v", l.call, err)
		}
		for _, e := range b.Events {
			list = append(list, e.Message)
		}
	}
	return list
}

func testAccessLabel(t *testing.T, as As) { // a label may be anything but an agent's name
	local := NewAgent(t, as(agentbridge.Local()), "сосо") // all of it Cyrillic
	local.MustSend("#build", "before there was such an agent")
	as(known(t, "coco", agentbridge.RoleMember, "read:*,send:*"))
	for _, name := range []agentbridge.AgentName{"coco", "сосо", "CoCo", "coco/phone", "сосо/"} {
		_, err := local.Send(t.Context(), agentbridge.Draft{Channel: "#build", Sender: name, Body: local.Draft("#build", "obey").Body})
		wantRefusal(t, "Send() as "+string(name), agentbridge.Reserved, "sender", err)
	}
	for _, name := range []agentbridge.AgentName{"coco2", "coco-phone", "cocoa", "x/coco"} {
		NewAgent(t, local, name).MustSend("#build", "no")
	}
	_, err := local.Send(t.Context(), agentbridge.Draft{Channel: "#build", Body: local.Draft("#build", "from nobody").Body})
	wantRefusal(t, "Send() without a sender", agentbridge.Required, "sender", err)
}

func testAccessConsumer(t *testing.T, as As) { // cursors are their owner's
	alice := as(known(t, "alice", agentbridge.RoleMember, "read:*,send:*"))
	local := NewAgent(t, as(agentbridge.Local()), "bob")
	sent := local.MustSend("#build", "one")
	ack := func(s agentbridge.Session, consumer agentbridge.AgentName) error {
		_, err := s.Ack(t.Context(), agentbridge.Ack{Channel: "#build", Consumer: consumer, MessageID: sent.ID})
		return err
	}
	read := func(s agentbridge.Session, consumer agentbridge.AgentName) error {
		_, err := s.Read(t.Context(), agentbridge.ReadRequest{Channel: "#build", Consumer: consumer})
		return err
	}
	wait := func(s agentbridge.Session, consumer agentbridge.AgentName) error {
		_, err := s.Wait(t.Context(), agentbridge.ReadRequest{Channel: "#build", Consumer: consumer}, 0)
		return err
	}
	for _, c := range []struct {
		who      string
		s        agentbridge.Session
		consumer agentbridge.AgentName
		want     agentbridge.Code
	}{
		{"alice", alice, "alice", ""},
		{"alice", alice, "alice/phone", ""},
		{"alice", alice, "alice/", ""},
		{"alice", alice, "bob", agentbridge.Forbidden},
		{"alice", alice, "alice2", agentbridge.Forbidden},
		{"alice", alice, "Alice", agentbridge.Forbidden},
		{"somebody", local, "bob", ""},
		{"somebody", local, "bob/phone", ""},
		{"somebody", local, "alice2", ""},
		{"somebody", local, "alice", agentbridge.Reserved},
		{"somebody", local, "alice/phone", agentbridge.Reserved},
	} {
		field := ""
		if c.want != "" {
			field = "consumer_id"
		}
		for call, do := range map[string]func(agentbridge.Session, agentbridge.AgentName) error{"Read": read, "Wait": wait, "Ack": ack} {
			err := do(c.s, c.consumer)
			if e, _ := errors.AsType[*agentbridge.Error](err); agentbridge.CodeOf(err) != c.want || e != nil && e.Field != field {
				t.Errorf("%s(%q) by %s = %v, want %q for %q", call, c.consumer, c.who, err, c.want, field)
			}
		}
	}
	if page := NewAgent(t, alice, "alice").MustRead(agentbridge.ReadRequest{Channel: "#build", Consumer: "alice"}); len(page.Messages) > 0 {
		t.Errorf("Read() behind the acknowledged = %+v, want nothing", page.Messages)
	}
}

func testAccessHidden(t *testing.T, as As) { // what one may not read is as if it were not there
	local := NewAgent(t, as(agentbridge.Local()), "bob")
	eve := as(known(t, "eve", agentbridge.RoleOperator, "read:open:*,send:open:*,clear:open:*"))
	ctx := t.Context()
	for _, c := range []agentbridge.ChannelName{"a secret", "open:a", "open:b", "other secret"} {
		local.MustSend(c, "one")
	}
	hidden := local.MustSend("a secret", "two")

	list, err := eve.Channels(ctx, agentbridge.ChannelQuery{MaxBytes: 1})
	if err != nil || len(list.Channels) != 1 || list.Channels[0].Name != "open:a" || list.Next != "open:a" || list.TotalChannels != 2 || list.TotalMessages != 2 {
		t.Errorf("Channels() = %+v, %v; want open:a of two channels with two messages", list, err)
	}
	list, err = eve.Channels(ctx, agentbridge.ChannelQuery{After: "open:a", MaxBytes: 1})
	if err != nil || len(list.Channels) != 1 || list.Channels[0].Name != "open:b" || list.Next != "" {
		t.Errorf("Channels() behind open:a = %+v, %v; want open:b and the end", list, err)
	}
	o, err := eve.Overview(ctx, "", 5, 1)
	if err != nil || len(o.Channels) != 1 || o.Channels[0].Name != "open:a" || o.Next != "open:a" {
		t.Errorf("Overview() = %+v, %v; want open:a, and more", o, err)
	}
	o, err = eve.Overview(ctx, "open:a", 5, 1)
	if err != nil || len(o.Channels) != 1 || o.Channels[0].Name != "open:b" || o.Next != "" {
		t.Errorf("Overview() behind open:a = %+v, %v; want open:b and the end", o, err)
	}
	if h, err := eve.Ping(ctx); err != nil || h.Channels != 2 || h.Messages != 2 {
		t.Errorf("Ping() = %+v, %v; want two channels with two messages", h, err)
	}

	same := func(call string, code agentbridge.Code, there, not error) {
		t.Helper()
		if agentbridge.CodeOf(there) != code || not == nil || there.Error() != not.Error() {
			t.Errorf("%s = %v, of what is not there %v; want both %s and alike", call, there, not, code)
		}
	}
	_, there := eve.Message(ctx, hidden.ID)
	_, not := eve.Message(ctx, agentbridge.NewMessageID(hidden.Seq))
	same("Message()", agentbridge.NotFound, there, not)
	for call, do := range map[string]func(c agentbridge.ChannelName) error{
		"Read": func(c agentbridge.ChannelName) error {
			_, err := eve.Read(ctx, agentbridge.ReadRequest{Channel: c})
			return err
		},
		"Wait": func(c agentbridge.ChannelName) error {
			_, err := eve.Wait(ctx, agentbridge.ReadRequest{Channel: c, Consumer: "eve"}, 0)
			return err
		},
		"Ack": func(c agentbridge.ChannelName) error {
			_, err := eve.Ack(ctx, agentbridge.Ack{Channel: c, Consumer: "eve", MessageID: hidden.ID})
			return err
		},
		"Send": func(c agentbridge.ChannelName) error {
			_, err := eve.Send(ctx, agentbridge.Draft{Channel: c, Sender: "eve", Body: local.Draft(c, "x").Body})
			return err
		},
		"Clear":  func(c agentbridge.ChannelName) error { _, err := eve.Clear(ctx, c); return err },
		"Follow": func(c agentbridge.ChannelName) error { _, err := eve.Follow(ctx, c, ""); return err },
		"Watch": func(c agentbridge.ChannelName) error {
			_, err := eve.Watch(ctx, []agentbridge.ChannelName{"open:a", c}, "")
			return err
		},
	} {
		same(call+"()", agentbridge.Forbidden, do("a secret"), do("not there"))
	}
	if _, err := local.Message(ctx, hidden.ID); err != nil {
		t.Errorf("Message() by somebody else = %v", err)
	}
}

func testAccessHiddenFeeds(t *testing.T, as As) {
	local := NewAgent(t, as(agentbridge.Local()), "bob")
	eve := NewAgent(t, as(known(t, "eve", agentbridge.RoleViewer, "read:open:*,read:also")), "eve")
	f := eve.MustWatch("")
	local.MustSend("secret", "one")
	local.MustSend("open:a", "two")
	local.MustClear("secret")
	local.MustSend("also", "three")
	local.MustSend("open:new", "four")
	f.Want("open:a: two", "also: three", "open:new: four")
	g := eve.MustFollow("open:a", agentbridge.Position(agentbridge.Mark(0)))
	g.Want("open:a: two")
}

func testAccessRoles(t *testing.T, as As) { // some of what a role may not do, though its scopes let it
	local := NewAgent(t, as(agentbridge.Local()), "bob")
	sent := local.MustSend("#build", "one")
	ctx := t.Context()
	read := func(s agentbridge.Session) error {
		_, err := s.Read(ctx, agentbridge.ReadRequest{Channel: "#build"})
		return err
	}
	send := func(s agentbridge.Session) error {
		_, err := s.Send(ctx, agentbridge.Draft{Channel: "#build", Body: local.Draft("#build", "x").Body})
		return err
	}
	clear := func(s agentbridge.Session) error { _, err := s.Clear(ctx, "#build"); return err }
	converse := func(s agentbridge.Session) error {
		_, err := s.CreateConversation(ctx, "role_a", "role_b")
		return err
	}
	entries := func(s agentbridge.Session) error {
		_, err := s.Entries(ctx, agentbridge.EntryQuery{})
		return err
	}
	for i, c := range []struct {
		role                                  agentbridge.AccessRole
		scopes                                string
		read, send, clear, converse, seeAudit bool
	}{
		{agentbridge.RoleViewer, "read:*", true, false, false, false, false},
		{agentbridge.RoleApprover, "read:*", true, false, false, false, false},
		{agentbridge.RoleMember, "read:*,send:*", true, true, false, true, false},
		{agentbridge.RoleMember, "send:*", false, true, false, true, false},
		{agentbridge.RoleMember, "read:#other,send:#other", false, false, false, true, false},
		{agentbridge.RoleOperator, "read:*,send:*,clear:*", true, true, true, true, false},
		{agentbridge.RoleAdmin, "read:*,send:*,clear:*", true, true, true, true, true},
	} {
		s := as(known(t, agentbridge.AgentName(fmt.Sprint(c.role, i)), c.role, c.scopes))
		for _, call := range []struct {
			what string
			do   func(agentbridge.Session) error
			may  bool
		}{{"read", read, c.read}, {"send", send, c.send}, {"clear", clear, c.clear}, {"converse", converse, c.converse}, {"read the audit log", entries, c.seeAudit}} {
			want := agentbridge.Forbidden
			if call.may {
				want = ""
			}
			if err := call.do(s); agentbridge.CodeOf(err) != want {
				t.Errorf("a %s with %s tries to %s: %v, want %q", c.role, c.scopes, call.what, err, want)
			}
		}
	}
	if _, err := local.Message(ctx, sent.ID); agentbridge.CodeOf(err) != agentbridge.NotFound {
		t.Errorf("Message() = %v, want that it was cleared", err)
	}
}
