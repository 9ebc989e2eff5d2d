package mcpserver

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"agentbridge"

	"github.com/google/go-cmp/cmp"
)

// Two agents use every tool once, at every door and across doors.
func TestTools_conversation(t *testing.T) {
	h := newHall(t)
	h.serve()
	for i, d := range doors {
		t.Run(d.name, func(t *testing.T) {
			alice, bob := h.enter(d), h.enter(doors[(i+1)%len(doors)])
			walkConversation(t, alice, bob)
		})
	}
}

func walkConversation(t *testing.T, alice, bob *client) {
	made := alice.must("create_conversation", args{"my_role": "backend_developer", "partner_role": "frontend_developer"})
	wantMatch(t, "conversation_id", made.str("conversation_id"), `^conv_[a-f0-9]{16}$`)
	wantMatch(t, "session_a_token", made.str("session_a_token"), `^[a-f0-9]{64}$`)
	wantMatch(t, "session_b_token", made.str("session_b_token"), `^[a-f0-9]{64}$`)
	wantTime(t, "expires_at", made.str("expires_at"), 3*time.Hour)
	wantEqual(t, "session_id", made.data["session_id"], "a")
	for _, secret := range []string{"conversation_id", "session_a_token", "session_b_token", "expires_at"} {
		if !strings.Contains(made.text, made.str(secret)) {
			t.Errorf("create_conversation: the text has no %s:\n%s", secret, made.text)
		}
	}
	a := args{"conversation_id": made.str("conversation_id"), "session_id": "a", "token": made.str("session_a_token")}
	b := args{"conversation_id": made.str("conversation_id"), "session_id": "b", "token": made.str("session_b_token")}

	unseen := alice.must("check_partner_status", a)
	wantData(t, "check_partner_status of a partner never seen", unseen, args{
		"session_id": "b", "role": "frontend_developer", "status": "unknown", "last_heartbeat": nil, "age_seconds": nil,
		"alive": false, "unread_by_partner": 0.0,
	})

	sent := alice.must("send_to_partner", with(a, args{
		"message": "GET /api/todos?\n\u2028 <b>🦜</b>", "action_type": "question", "files_involved": []string{"api/todos.go", "a\"b"}, "idempotency_key": "k1",
	}))
	wantData(t, "send_to_partner", sent, args{
		"message_id": sent.str("message_id"), "seq": sent.data["seq"], "to": "b", "sent_at": sent.str("sent_at"), "deduplicated": false, "sanitized": 1.0})
	wantTime(t, "sent_at", sent.str("sent_at"), 0)
	again := alice.must("send_to_partner", with(a, args{
		"message": "GET /api/todos?\n\u2028 <b>🦜</b>", "action_type": "question", "files_involved": []string{"api/todos.go", "a\"b"}, "idempotency_key": "k1",
	}))
	wantData(t, "the same send again", again, with(sent.data, args{"deduplicated": true}))
	plain := alice.must("send_to_partner", with(a, args{"message": ""}))
	wantEqual(t, "unread_by_partner", alice.must("check_partner_status", a).num("unread_by_partner"), 2)

	checked := bob.must("check_messages", b)
	wantData(t, "check_messages", checked, args{"count": 2.0, "remaining": 0.0, "messages": []any{
		args{"id": sent.str("message_id"), "seq": sent.data["seq"], "from": "a", "message": "GET /api/todos?\n\n <b>🦜</b>", "action_type": "question",
			"files_involved": []any{"api/todos.go", "a\"b"}, "sent_at": sent.str("sent_at"), "redelivered": false},
		args{"id": plain.str("message_id"), "seq": plain.data["seq"], "from": "a", "message": "", "action_type": "info",
			"files_involved": []any{}, "sent_at": plain.str("sent_at"), "redelivered": false},
	}})
	wantData(t, "check_messages again", bob.must("check_messages", b), args{"count": 0.0, "remaining": 0.0, "messages": []any{}})

	wantData(t, "update_my_status", bob.must("update_my_status", with(b, args{"status": "working"})), args{"status": "working"})
	seen := alice.must("check_partner_status", a)
	wantData(t, "check_partner_status", seen, args{
		"session_id": "b", "role": "frontend_developer", "status": "working", "last_heartbeat": seen.str("last_heartbeat"), "age_seconds": 0.0,
		"alive": true, "unread_by_partner": seen.data["unread_by_partner"],
	})
	wantTime(t, "last_heartbeat", seen.str("last_heartbeat"), 0)
	alice.wantUnread(a, 0)
}

// wantUnread asks until the partner has read all but so many: a reply counts
// as read a moment after it left.
func (c *client) wantUnread(seat args, want int) {
	c.t.Helper()
	eventually(c.t, "unread_by_partner", func() (got any, ok bool) {
		n := c.must("check_partner_status", seat).num("unread_by_partner")
		return n, n == want
	})
}

// eventually polls for what another goroutine or the kernel brings.
func eventually(t *testing.T, what string, look func() (got any, ok bool)) {
	t.Helper()
	for deadline := time.Now().Add(hangTime); ; <-time.After(time.Millisecond) {
		got, ok := look()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s = %v, still after 5 s", what, got)
		}
	}
}

func TestTools_channels(t *testing.T) {
	for i, d := range doors {
		t.Run(d.name, func(t *testing.T) {
			h := newHall(t)
			h.serve()
			walkChannels(t, h.enter(d), h.enter(doors[(i+1)%len(doors)]))
		})
	}
}

func walkChannels(t *testing.T, alice, bob *client) {
	const channel = "payments:worker"
	ping := alice.must("bridge_ping", args{})
	wantData(t, "bridge_ping", ping, args{
		"service": "agentbridge", "version": agentbridge.Version, "channels": 0.0, "messages": 0.0, "server_time": ping.str("server_time"), "audit_checkpoint": ping.data["audit_checkpoint"]})
	wantTime(t, "server_time", ping.str("server_time"), 0)
	wantData(t, "bridge_channels", alice.must("bridge_channels", args{}), args{
		"channels": []any{}, "total_channels": 0.0, "total_messages": 0.0, "next_channel": nil})
	wantData(t, "bridge_status", alice.must("bridge_status", args{}), args{"channels": []any{}, "next_channel": nil})
	wantData(t, "bridge_receive of nothing", bob.must("bridge_receive", args{"channel": channel}), args{
		"channel": channel, "messages": []any{}, "next_cursor": nil, "consumer_id": nil, "more": false, "warning": nil})

	hello := alice.must("bridge_send", args{"channel": channel, "sender": "alice", "content": "hello <b>🦜</b>\n", "idempotency_key": "k"})
	wantMatch(t, "id", hello.str("id"), `^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	wantData(t, "bridge_send", hello, args{
		"id": hello.str("id"), "seq": hello.data["seq"], "channel": channel, "sender": "alice", "timestamp": hello.str("timestamp"), "deduplicated": false})
	wantTime(t, "timestamp", hello.str("timestamp"), 0)
	again := alice.must("bridge_send", args{"channel": channel, "sender": "alice", "content": "hello <b>🦜</b>\n", "idempotency_key": "k"})
	wantData(t, "the same send again", again, with(hello.data, args{"deduplicated": true}))
	alice.refused("bridge_send", args{"channel": channel, "sender": "alice", "content": "other", "idempotency_key": "k"}, "idempotency_key", "use a new key")
	task := alice.must("bridge_send", args{"channel": channel, "sender": "alice", "message": args{
		"type": "task.request", "schema_version": 1, "content": args{"z": 1, "a": []any{nil, true, 1.50}}, "thread_id": "t1", "reply_to": nil, "metadata": args{}}})

	first := args{"seq": hello.data["seq"], "id": hello.str("id"), "channel": channel, "sender": "alice", "content": "hello <b>🦜</b>\n",
		"timestamp": hello.str("timestamp"), "encoding": "legacy_text"}
	second := args{"seq": task.data["seq"], "id": task.str("id"), "channel": channel, "sender": "alice", "timestamp": task.str("timestamp"),
		"encoding": "structured", // canonical: sorted, without spaces and without what is empty
		"content":  `{"content":{"a":[null,true,1.5],"z":1},"schema_version":1,"thread_id":"t1","type":"task.request"}`,
		"message":  args{"schema_version": 1.0, "type": "task.request", "thread_id": "t1", "content": args{"a": []any{nil, true, 1.5}, "z": 1.0}}}
	page := args{"channel": channel, "messages": []any{first, second}, "next_cursor": task.str("id"), "consumer_id": nil, "more": false, "warning": nil}

	wantData(t, "bridge_receive of the newest", bob.must("bridge_receive", args{"channel": channel}), page)
	wantData(t, "bridge_receive of the newest one", bob.must("bridge_receive", args{"channel": channel, "limit": 1}),
		with(page, args{"messages": []any{second}, "older": true}))
	wantData(t, "bridge_receive of a new consumer", bob.must("bridge_receive", args{"channel": channel, "consumer_id": "bob"}),
		with(page, args{"consumer_id": "bob"}))
	wantData(t, "bridge_receive of the oldest one", bob.must("bridge_receive", args{"channel": channel, "consumer_id": "bob", "limit": 1}),
		with(page, args{"consumer_id": "bob", "messages": []any{first}, "next_cursor": hello.str("id"), "more": true}))
	wantData(t, "bridge_wait with something there", bob.must("bridge_wait", args{"channel": channel, "since_id": hello.str("id")}),
		with(page, args{"messages": []any{second}, "timed_out": false}))

	acked := bob.must("bridge_ack", args{"channel": channel, "consumer_id": "bob", "message_id": hello.str("id"), "metadata": args{"why": "done"}})
	wantData(t, "bridge_ack", acked, args{"consumer_id": "bob", "channel": channel, "last_seq": hello.data["seq"],
		"last_message_id": hello.str("id"), "updated_at": acked.str("updated_at"), "advanced": true})
	wantTime(t, "updated_at", acked.str("updated_at"), 0)
	wantData(t, "bridge_ack again", bob.must("bridge_ack", args{"channel": channel, "consumer_id": "bob", "message_id": hello.str("id")}),
		with(acked.data, args{"advanced": false}))
	wantData(t, "bridge_receive behind the cursor", bob.must("bridge_receive", args{"channel": channel, "consumer_id": "bob"}),
		with(page, args{"consumer_id": "bob", "messages": []any{second}}))
	bob.must("bridge_ack", args{"channel": channel, "consumer_id": "bob", "message_id": task.str("id")})
	wantData(t, "bridge_wait for nothing", bob.must("bridge_wait", args{"channel": channel, "consumer_id": "bob", "timeout_seconds": 0}),
		with(page, args{"consumer_id": "bob", "messages": []any{}, "next_cursor": nil, "timed_out": true}))

	wantData(t, "bridge_channels", bob.must("bridge_channels", args{}), args{"total_channels": 1.0, "total_messages": 2.0, "next_channel": nil,
		"channels": []any{args{"channel": channel, "count": 2.0, "last_timestamp": task.str("timestamp")}}})
	wantData(t, "bridge_status", bob.must("bridge_status", args{"per_channel": 1}), args{"next_channel": nil,
		"channels": []any{args{"channel": channel, "total": 2.0, "messages": []any{second}}}})

	wantData(t, "bridge_clear", alice.must("bridge_clear", args{"channel": channel}), args{"channel": channel, "cleared": 2.0})
	stale := bob.must("bridge_receive", args{"channel": channel, "since_id": hello.str("id")})
	wantData(t, "bridge_receive behind what was cleared", stale, with(page, args{
		"messages": []any{}, "next_cursor": hello.str("id"), "warning": "since_id_not_found"}))
	if !strings.Contains(stale.text, "without since_id") {
		t.Errorf("bridge_receive with a stale cursor does not say what to do: %s", stale.text)
	}
	bob.refused("bridge_ack", args{"channel": channel, "consumer_id": "bob", "message_id": hello.str("id")}, "message_id", "does not exist in this channel")
	wantData(t, "bridge_clear again", alice.must("bridge_clear", args{"channel": channel}), args{"channel": channel, "cleared": 0.0})

	// Bob has seen all; what he has not is told as a gap, at every call until he acknowledges.
	for range 2 {
		wantGap(t, bob.must("bridge_receive", args{"channel": channel, "consumer_id": "bob"}), false)
		alice.must("bridge_send", args{"channel": channel, "sender": "alice", "content": "unseen"})
		alice.must("bridge_clear", args{"channel": channel})
		sent := alice.must("bridge_send", args{"channel": channel, "sender": "alice", "content": "seen"})
		wantGap(t, bob.must("bridge_receive", args{"channel": channel, "consumer_id": "bob"}), true)
		wantGap(t, bob.must("bridge_wait", args{"channel": channel, "consumer_id": "bob"}), true)
		wantGap(t, bob.must("bridge_receive", args{"channel": channel, "consumer_id": "somebody new"}), false)
		bob.must("bridge_ack", args{"channel": channel, "consumer_id": "bob", "message_id": sent.str("id")})
	}
	alice.must("bridge_clear", args{"channel": channel})
}

func wantGap(t *testing.T, a answer, want bool) {
	t.Helper()
	if warned, said := a.data["warning"] == "messages_removed", strings.Contains(a.text, "Gap: "); warned != want || said != want {
		t.Errorf("a read warns of %v and says\n%s\nwant a gap: %v", a.data["warning"], a.text, want)
	}
}

// A conversation's id is known to both agents, and to whoever looks over their
// shoulder; without the token it opens nothing.
func TestTools_conversationsAreNoChannels(t *testing.T) {
	h := newHall(t)
	c := h.wire()
	a, _ := c.converse()
	c.must("send_to_partner", with(a, args{"message": "between us"}))
	id := a["conversation_id"]
	h.wantUnchanged("an intruder", func() {
		c.refused("bridge_send", args{"channel": id, "sender": "a", "content": "psst"}, "channel", "use check_messages and send_to_partner")
		c.refused("bridge_receive", args{"channel": id}, "channel", "private")
		c.refused("bridge_wait", args{"channel": id, "consumer_id": "b"}, "channel", "private")
		c.refused("bridge_ack", args{"channel": id, "consumer_id": "b", "message_id": "x"}, "channel", "private")
		c.refused("bridge_clear", args{"channel": id}, "channel", "private")
		c.refused("bridge_channels", args{"after_channel": id}, "channel", "private")
	})
	if list := c.must("bridge_channels", args{}); len(list.list("channels")) > 0 || list.num("total_messages") > 0 {
		t.Errorf("bridge_channels shows %v", list.data)
	}
	if status := c.must("bridge_status", args{}); len(status.list("channels")) > 0 {
		t.Errorf("bridge_status shows %v", status.data)
	}
}

// A wrong token and an unknown conversation are told apart neither by words
// nor by what they leave behind; each is written down once.
func TestTools_wrongTokens(t *testing.T) {
	h := newHall(t)
	c := h.wire()
	a, b := c.converse()
	other, _ := c.converse()
	const denied = "does not admit to this conversation and session_id"
	for what, credentials := range map[string]args{
		"another conversation's token": with(a, args{"token": other["token"]}),
		"the partner's token":          with(a, args{"token": b["token"]}),
		"a guess":                      with(a, args{"token": strings.Repeat("0", 64)}),
		"an unknown conversation":      with(a, args{"conversation_id": "conv_0123456789abcdef"}),
		"the partner's seat":           with(a, args{"session_id": "b"}),
	} {
		for tool, more := range map[string]args{
			"check_messages": {}, "check_partner_status": {}, "update_my_status": {"status": "working"}, "send_to_partner": {"message": "psst"},
		} {
			_, err := c.try(tool, with(credentials, more))
			if err == nil || !strings.Contains(err.Error(), "token: "+denied) {
				t.Errorf("%s with %s: %v, want %q", tool, what, err, denied)
			}
		}
	}
	entries, err := h.bridge.Operator().Entries(t.Context(), agentbridge.EntryQuery{})
	if err != nil {
		t.Fatal(err)
	}
	refusals := map[agentbridge.ChannelName]int{}
	for _, e := range entries.Entries {
		if e.Action == agentbridge.ActionRefused {
			refusals[e.Target]++
		}
	}
	want := map[agentbridge.ChannelName]int{agentbridge.ChannelName(a["conversation_id"].(string)): 2, "": 1} // its two seats; all unknown ones
	if diff := cmp.Diff(want, refusals); diff != "" {
		t.Errorf("refusals in the audit log (-want +got):\n%s", diff)
	}
	wantData(t, "check_messages", c.must("check_messages", b), args{"count": 0.0, "remaining": 0.0, "messages": []any{}})
}

func wantData(t *testing.T, what string, got answer, want args) {
	t.Helper()
	if _, says := got.data["trust"]; says { // whether it must is in the table of documented keys
		want = with(want, args{"trust": "untrusted-peer"})
	}
	if diff := cmp.Diff(want, got.data); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func wantEqual(t *testing.T, what string, got, want any) {
	t.Helper()
	if got != want {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

func wantMatch(t *testing.T, what, got, form string) {
	t.Helper()
	if !regexp.MustCompile(form).MatchString(got) {
		t.Errorf("%s = %q, want the form %s", what, got, form)
	}
}

// wantTime checks the form of a time, and that it is from now on or ago.
func wantTime(t *testing.T, what, got string, from time.Duration) {
	t.Helper()
	wantMatch(t, what, got, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$`)
	at, err := time.Parse(time.RFC3339, got)
	if off := time.Until(at.Add(-from)); err != nil || off < -time.Minute || off > time.Minute {
		t.Errorf("%s = %q, want %v from now", what, got, from)
	}
}
