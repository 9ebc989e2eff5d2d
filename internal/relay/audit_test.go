package relay_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"

	"github.com/google/go-cmp/cmp"
)

// entries returns the audit entries behind a number, oldest first.
func entries(t *testing.T, b *bridgetest.Bridge, after int64) (list []agentbridge.Entry) {
	t.Helper()
	all, err := b.Operator().Entries(t.Context(), agentbridge.EntryQuery{Limit: agentbridge.MaxEntries})
	if err != nil {
		t.Fatalf("Entries() = %v", err)
	}
	for _, e := range all.Entries {
		if e.Seq > after {
			list = append([]agentbridge.Entry{e}, list...)
		}
	}
	return list
}

func lastEntry(t *testing.T, b *bridgetest.Bridge) int64 {
	t.Helper()
	list := entries(t, b, 0)
	if len(list) == 0 {
		return 0
	}
	return list[len(list)-1].Seq
}

// line is an entry as "actor action target {names in its detail}".
func line(t *testing.T, e agentbridge.Entry) string {
	t.Helper()
	detail := map[string]any{}
	if e.Detail != nil {
		if err := json.Unmarshal(e.Detail, &detail); err != nil {
			t.Errorf("detail of entry %d = %s: %v", e.Seq, e.Detail, err)
		}
	}
	for name := range detail {
		detail[name] = 0
	}
	names := strings.TrimPrefix(fmt.Sprint(detail), "map") // sorted
	return fmt.Sprintf("%s %s %s %s", e.Actor, e.Action, e.Target, strings.ReplaceAll(names, ":0", ""))
}

func TestAudit_oneEntryForEachDeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bridgetest.New(t)
		ctx := t.Context()
		alice, bob, operator := b.Agent("alice"), b.Agent("bob"), b.Operator()
		keyed := alice.Draft("#build", "a password")
		keyed.Key = "a password as a key"
		var first, second agentbridge.Sent
		var a, partner *bridgetest.Seat
		var conv agentbridge.ChannelName
		for _, step := range []struct {
			what string
			do   func()
			want []string // CONV stands for the conversation
		}{
			{"send", func() { first = alice.MustSendDraft(keyed) }, []string{"alice send #build [bytes hash id seq]"}},
			{"send again", func() { alice.MustSendDraft(keyed) }, nil},
			{"send in conflict", func() { d := keyed; d.Body = alice.Draft("c", "other").Body; _, _ = alice.Send(ctx, d) }, nil},
			{"second send", func() { second = bob.MustSend("#build", "a password") }, []string{"bob send #build [bytes hash id seq]"}},
			{"read", func() { bob.WantRead("#build", "a password", "a password") }, nil},
			{"wait", func() {
				_, _ = bob.Wait(ctx, agentbridge.ReadRequest{Channel: "#build", After: second.ID}, time.Second)
			}, nil},
			{"list", func() {
				_, _ = bob.Channels(ctx, agentbridge.ChannelQuery{})
				_, _ = bob.Overview(ctx, "", 5, 1000)
				_, _ = bob.Ping(ctx)
			}, nil},
			{"ack", func() { bob.MustAck("#build", second.ID) }, []string{"bob ack #build [seq]"}},
			{"ack back", func() { bob.MustAck("#build", first.ID) }, nil},
			{"ack of nothing", func() { _, _ = bob.Ack(ctx, agentbridge.Ack{Channel: "#build", Consumer: "bob", MessageID: "x"}) }, nil},
			{"clear", func() { bob.MustClear("#build"); synctest.Wait() }, []string{"local clear #build [cleared]"}},
			{"clear of nothing", func() { bob.MustClear("#nobody-wrote-here") }, nil},

			{"create", func() {
				a, partner = b.Pair("backend_developer", "frontend_developer")
				conv = a.Credential.Conversation.Channel()
			}, []string{"a create_conversation CONV [role_a role_b]"}},
			{"empty check", func() { partner.WantCheck() }, nil},
			{"send to partner", func() {
				a.MustSendDraft(agentbridge.SeatDraft{Text: "a password", ActionType: "info", Files: []string{"a password.txt"}, Key: "k"})
			}, []string{"a send CONV [bytes hash id seq]"}},
			{"send to partner again", func() {
				a.MustSendDraft(agentbridge.SeatDraft{Text: "a password", ActionType: "info", Files: []string{"a password.txt"}, Key: "k"})
			}, nil},
			{"check", func() { partner.WantCheck("a password") }, []string{"b check_messages CONV [count remaining]"}},
			{"status", func() { partner.MustStatus(agentbridge.Blocked) }, []string{"b update_status CONV [status]"}},
			{"partner", func() { time.Sleep(time.Minute); partner.MustPartner() }, nil},
			{"tokens", func() { _, _, _ = operator.Tokens(ctx, a.Credential.Conversation) }, []string{"operator tokens_shown CONV []"}},
			{"tokens of nobody", func() { _, _, _ = operator.Tokens(ctx, "conv_0123456789abcdef") }, nil},
			{"list and show", func() {
				_, _ = operator.Conversations(ctx)
				_, _, _ = operator.Conversation(ctx, a.Credential.Conversation)
			}, nil},
			{"cleanup too early", func() { _, _ = operator.Cleanup(ctx) }, nil},
			{"cleanup", func() { time.Sleep(agentbridge.DefaultTTL); _, _ = operator.Cleanup(ctx) }, []string{"operator cleanup CONV [messages]"}},
			{"check of what was removed", func() { _, _ = partner.Check(ctx, 1000) }, nil},
		} {
			before := lastEntry(t, b)
			step.do()
			var got []string
			for _, e := range entries(t, b, before) {
				got = append(got, line(t, e))
				if s := fmt.Sprintf("%s %s", e.Actor, e.Detail); strings.Contains(s, "password") {
					t.Errorf("%s: entry %q holds text of a message", step.what, s)
				}
				if !e.At.Equal(time.Now()) {
					t.Errorf("%s: entry of %v, want %v", step.what, e.At, time.Now())
				}
			}
			for i := range step.want {
				step.want[i] = strings.ReplaceAll(step.want[i], "CONV", string(conv))
			}
			if diff := cmp.Diff(step.want, got); diff != "" {
				t.Errorf("%s: -want +got\n%s", step.what, diff)
			}
		}
	})
}

// Somebody guesses tokens, a thousand a minute. The first attempt must be in
// the log, and all of them must not fill the disk.
func TestAudit_refusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bridgetest.Unlimited(t) // or they would be told to come back later, which has entries of its own
		a, partner := b.Pair("backend_developer", "frontend_developer")
		conv := a.Credential.Conversation
		guess := func(c agentbridge.SeatCredential, times int) {
			for range times {
				if _, err := b.Sit(t.Context(), agentbridge.Local(), c); err == nil {
					t.Errorf("Sit(%+v) was let in", c)
				}
				time.Sleep(time.Millisecond)
			}
		}
		wrong := agentbridge.SeatCredential{Conversation: conv, Seat: agentbridge.SeatA, Token: partner.Credential.Token}
		wrongB := agentbridge.SeatCredential{Conversation: conv, Seat: agentbridge.SeatB, Token: a.Credential.Token}
		for _, step := range []struct {
			what string
			do   func()
			want []string
		}{
			{"a burst", func() { guess(wrong, 1000) }, []string{`local refused CONV {"not_written_before":0,"reason":"wrong token","seat":"a"}`}},
			{"the other seat", func() { guess(wrongB, 2) }, []string{`local refused CONV {"not_written_before":0,"reason":"wrong token","seat":"b"}`}},
			{"invented conversations", func() {
				for i := range 100 {
					guess(agentbridge.SeatCredential{Conversation: agentbridge.ConversationID(fmt.Sprintf("conv_%016x", i)), Seat: agentbridge.SeatA}, 1)
				}
			}, []string{`local refused  {"not_written_before":0,"reason":"unknown conversation","seat":""}`}},
			{"the right token", func() { b.MustSit(a.Credential) }, nil},
			{"within the minute", func() { time.Sleep(50 * time.Second); guess(wrong, 1) }, nil},
			{"a minute later", func() { time.Sleep(10 * time.Second); guess(wrong, 1) },
				[]string{`local refused CONV {"not_written":1000,"reason":"wrong token","seat":"a"}`, // when the minute had ended
					`local refused CONV {"not_written_before":0,"reason":"wrong token","seat":"a"}`}},
			{"invented again", func() { guess(agentbridge.SeatCredential{Conversation: "conv_ffffffffffffffff"}, 3) },
				[]string{`local refused  {"not_written_before":99,"reason":"unknown conversation","seat":""}`}},
			{"an outdated token", func() { time.Sleep(agentbridge.DefaultTTL); guess(partner.Credential, 3) },
				[]string{`local refused CONV {"not_written":1,"reason":"wrong token","seat":"b"}`,
					`local refused  {"not_written":2,"reason":"unknown conversation","seat":""}`,
					`local refused CONV {"not_written_before":0,"reason":"expired","seat":"b"}`}},
		} {
			before := lastEntry(t, b)
			step.do()
			var got []string
			for _, e := range entries(t, b, before) {
				got = append(got, strings.ReplaceAll(fmt.Sprintf("%s %s %s %s", e.Actor, e.Action, e.Target, e.Detail), string(conv), "CONV"))
			}
			if diff := cmp.Diff(step.want, got); diff != "" {
				t.Errorf("%s: -want +got\n%s", step.what, diff)
			}
		}
	})
}
