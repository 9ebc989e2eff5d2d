package main

import (
	"slices"
	"testing"
	"time"
)

// Three agents, two with bridge processes of their own and one on a server,
// share one database: none of them notices that they are not in one program.
func TestProcesses_shareADatabase(t *testing.T) {
	h := newHome(t)
	started, url := h.serve(t)
	x, y := h.stdio(t), h.stdio(t)
	alice, bob, carol := x.member(), y.member(), visit(t, url)

	made := alice.must("create_conversation", args{"my_role": "backend_developer", "partner_role": "frontend_developer"})
	a := args{"conversation_id": made["conversation_id"], "session_id": "a", "token": made["session_a_token"]}
	b := args{"conversation_id": made["conversation_id"], "session_id": "b", "token": made["session_b_token"]}
	alice.must("send_to_partner", with(a, args{"message": "to bob's process"}))
	wantColumn(t, "bob's check_messages", bob.must("check_messages", b), "messages", "message", "to bob's process")
	bob.must("send_to_partner", with(b, args{"message": "to alice's process"}))
	bob.must("update_my_status", with(b, args{"status": "waiting"}))
	wantColumn(t, "alice's check_messages through the server", carol.must("check_messages", a), "messages", "message", "to alice's process")
	if status := carol.must("check_partner_status", a); status["status"] != "waiting" || status["alive"] != true {
		t.Errorf("check_partner_status = %v, want bob waiting and alive", status)
	}

	var ids []string
	for sender, m := range map[string]*member{"alice": alice, "bob": bob, "carol": carol} {
		sent := m.must("bridge_send", args{"channel": "all", "sender": sender, "content": "hello"})
		ids = append(ids, sent["id"].(string))
	}
	for who, m := range map[string]*member{"alice": alice, "bob": bob, "carol": carol} {
		wantColumn(t, who+"'s bridge_receive", m.must("bridge_receive", args{"channel": "all"}), "messages", "id", ids...)
	}
	carol.must("bridge_ack", args{"channel": "all", "consumer_id": "team", "message_id": ids[1]})
	wantColumn(t, "bridge_receive behind carol's cursor", alice.must("bridge_receive", args{"channel": "all", "consumer_id": "team"}), "messages", "id", ids[2])

	// A wait in one process is woken by a send in another.
	for waiter, pair := range map[string][2]*member{"alice": {alice, bob}, "bob": {bob, carol}, "carol": {carol, alice}} {
		woken := make(chan data, 1)
		go func() {
			answer, err := pair[0].call("bridge_wait", args{"channel": "bell " + waiter, "consumer_id": waiter, "timeout_seconds": 30})
			if err != nil {
				t.Errorf("%s's bridge_wait: %v", waiter, err)
			}
			woken <- answer
		}()
		pair[0].must("bridge_ping", args{}) // the wait was read before it
		pair[1].must("bridge_send", args{"channel": "bell " + waiter, "sender": "s", "content": "wake up"})
		began := time.Now()
		wantColumn(t, waiter+"'s bridge_wait", within(t, 10*time.Second, waiter+"'s bridge_wait", woken), "messages", "content", "wake up")
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s was woken after %v, want soon", waiter, took)
		}
	}

	// After all of them have ended, others go on where they stopped.
	x.in.Close()
	y.terminate()
	started.terminate()
	for _, p := range []*program{x, y, started} {
		p.wantExit(exitOK)
	}
	_, url = h.serve(t)
	dave, erin := h.stdio(t).member(), visit(t, url)
	dave.must("send_to_partner", with(a, args{"message": "after the restart"}))
	wantColumn(t, "check_messages with a token from before", erin.must("check_messages", b), "messages", "message", "after the restart")
	wantColumn(t, "bridge_receive behind a cursor from before", dave.must("bridge_receive", args{"channel": "all", "consumer_id": "team"}), "messages", "id", ids[2])
	if _, err := dave.call("check_messages", with(b, args{"token": a["token"]})); err == nil {
		t.Error("check_messages with the partner's token succeeded")
	}
}

func wantColumn(t *testing.T, what string, d data, list, key string, want ...string) {
	t.Helper()
	if got := column(d, list, key); !slices.Equal(got, want) {
		t.Errorf("%s: %s %q, want %q", what, key, got, want)
	}
}
