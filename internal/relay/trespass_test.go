package relay_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"

	"github.com/google/go-cmp/cmp"
)

// forbidden are the targets and details of what an agent was forbidden.
func forbidden(t *testing.T, b *bridgetest.Bridge, actor agentbridge.AgentName) (lines []string) {
	t.Helper()
	page, err := b.Operator().Entries(t.Context(), agentbridge.EntryQuery{Actor: actor, Action: agentbridge.ActionForbidden, Limit: agentbridge.MaxEntries})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range slices.Backward(page.Entries) {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s", e.Target, e.Detail)))
	}
	return lines
}

func probe(t *testing.T, a *bridgetest.Agent, channels ...agentbridge.ChannelName) {
	t.Helper()
	for _, c := range channels {
		_, err := a.Read(t.Context(), agentbridge.ReadRequest{Channel: c})
		bridgetest.WantErr(t, agentbridge.Forbidden, err)
	}
}

// Eve tries a channel that nobody minds, and then those that she is after.
func TestTrespass_namesChannels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bridgetest.Unlimited(t)
		eve := scoped(t, b, "eve", "read:eve")
		first := `{"not_written_before":0,"operation":"read","verified":true}`
		channels := []agentbridge.ChannelName{"harmless", "payments:secret", "hr:salaries", "ceo"}
		var want []string
		for _, c := range channels {
			want = append(want, string(c)+" "+first)
		}
		probe(t, eve, channels...)
		probe(t, eve, "ceo", "ceo")
		if diff := cmp.Diff(want, forbidden(t, b, "eve")); diff != "" {
			t.Errorf("audit log: -want +got\n%s", diff)
		}
		// With more of them she can't fill the log, and they are counted although
		// she stops within the minute.
		for i := range 1000 {
			probe(t, eve, agentbridge.ChannelName(fmt.Sprintf("c%04d", i)))
		}
		for i := range 16 {
			want = append(want, fmt.Sprintf("c%04d %s", i, first))
		}
		want = append(want, `{"not_written_before":0,"operation":"read","other_channels":true,"verified":true}`)
		if diff := cmp.Diff(want, forbidden(t, b, "eve")); diff != "" {
			t.Errorf("audit log: -want +got\n%s", diff)
		}
		time.Sleep(75 * time.Second)
		got := forbidden(t, b, "eve")[len(want):]
		slices.Sort(got)
		want = []string{
			`ceo {"not_written":2,"operation":"read","verified":true}`,
			`{"not_written":983,"operation":"read","other_channels":true,"verified":true}`,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("audit log, a minute later: -want +got\n%s", diff)
		}
		probe(t, eve, "harmless") // begins anew
		if got := forbidden(t, b, "eve"); got[len(got)-1] != "harmless "+first {
			t.Errorf("audit log ends with %q", got[len(got)-1])
		}
	})
}

// While strangers are turned away from 300 addresses, eve looks up somebody
// else's message. She is in the log, and so is how many strangers were not.
func TestTrespass_behindStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bridgetest.Unlimited(t)
		eve := scoped(t, b, "eve", "read:eve")
		sent := b.Agent("bob").MustSend("secret", "x")
		refuse := func(i int) {
			b.NoteRefusal(agentbridge.Refusal{Action: agentbridge.ActionAuthFailure, Address: fmt.Sprint("192.0.2.", i), Path: "/api/x"})
		}
		look := func() {
			t.Helper()
			_, err := eve.Message(t.Context(), sent.ID)
			bridgetest.WantErr(t, agentbridge.NotFound, err)
		}
		for i := range 300 { // some of them written at once, the queue full of others
			refuse(i)
		}
		look()
		synctest.Wait()
		want := []string{`secret {"not_written_before":0,"operation":"look messages up","verified":true}`}
		if diff := cmp.Diff(want, forbidden(t, b, "eve")); diff != "" {
			t.Errorf("audit log: -want +got\n%s", diff)
		}
		for i := range 300 { // now the minute's hundred are used up
			refuse(i)
			synctest.Wait()
		}
		wantStrangers := func(n int) (last string) {
			t.Helper()
			page, err := b.Operator().Entries(t.Context(), agentbridge.EntryQuery{Action: agentbridge.ActionAuthFailure, Limit: agentbridge.MaxEntries})
			if err != nil || len(page.Entries) != n {
				t.Fatalf("%d strangers in the log, %v; want %d", len(page.Entries), err, n)
			}
			return string(page.Entries[0].Detail)
		}
		wantStrangers(100)
		time.Sleep(time.Minute)
		refuse(299) // twice dropped
		synctest.Wait()
		if last := wantStrangers(101); !strings.Contains(last, `"not_written_before":2`) {
			t.Errorf("the log says %s, want that 2 were not written before", last)
		}
	})
}

// A process that ends at once has written what its principals were refused.
func TestTrespass_close(t *testing.T) {
	b := bridgetest.Unlimited(t)
	eve := scoped(t, b, "eve", "read:eve")
	sent := b.Agent("bob").MustSend("secret", "x")
	probe(t, eve, "secret", "secret", "secret")
	for range 2 {
		_, err := eve.Message(t.Context(), sent.ID)
		bridgetest.WantErr(t, agentbridge.NotFound, err)
	}
	for i := range 50 {
		b.NoteRefusal(agentbridge.Refusal{Action: agentbridge.ActionAuthFailure, Address: fmt.Sprint("192.0.2.", i), Path: "/api/x"})
	}
	b.Relay.Close()
	want := []string{
		`secret {"not_written":1,"operation":"look messages up","verified":true}`,
		`secret {"not_written":2,"operation":"read","verified":true}`,
		`secret {"not_written_before":0,"operation":"look messages up","verified":true}`,
		`secret {"not_written_before":0,"operation":"read","verified":true}`,
	}
	got := forbidden(t, b, "eve")
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("audit log: -want +got\n%s", diff)
	}
	page, err := b.Operator().Entries(t.Context(), agentbridge.EntryQuery{Action: agentbridge.ActionAuthFailure, Limit: 100})
	if err != nil || len(page.Entries) != 50 {
		t.Errorf("%d strangers in the log, %v; want 50", len(page.Entries), err)
	}
}

// A label that is called as an agent will be called later is not that agent; nor
// does the token of a seat show a name.
func TestAudit_verified(t *testing.T) {
	b := bridgetest.New(t)
	before := lastEntry(t, b)
	b.Agent("alice").MustSend("#build", "x")
	alice := named(t, b, "alice")
	alice.MustSend("#build", "x")
	n := create(t, alice)
	for _, c := range []agentbridge.SeatCredential{
		{Conversation: n.ID, Seat: agentbridge.SeatA, Token: n.TokenA},
		{Conversation: n.ID, Seat: agentbridge.SeatB, Token: n.TokenB},
	} {
		s, err := b.Sit(t.Context(), agentbridge.Principal{Name: "alice", Roles: []agentbridge.AccessRole{agentbridge.RoleMember}}, c)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Send(t.Context(), agentbridge.SeatDraft{Text: "x", ActionType: "info"}); err != nil {
			t.Fatal(err)
		}
		if err := s.SetStatus(t.Context(), agentbridge.Blocked); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, e := range entries(t, b, before) {
		got = append(got, fmt.Sprint(e.Actor, " ", e.Action, " ", strings.Contains(string(e.Detail), `"verified":true`)))
	}
	want := []string{"alice send false", "alice send true", "alice create_conversation true",
		"a send true", "a update_status true", "b send false", "b update_status false"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("audit log: -want +got\n%s", diff)
	}
}
