package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/relay"
)

// letter is a message that was sent, perhaps.
type letter struct {
	key      string // its idempotency key, and its text
	answered string // the id it was stored under, "" if no answer arrived
}

// outbox is what one sender has sent. It belongs to one goroutine at a time.
type outbox struct{ letters []*letter }

// next is the letter to send: the last one, until its answer has arrived.
func (o *outbox) next(sender string) *letter {
	if n := len(o.letters); n == 0 || o.letters[n-1].answered != "" {
		o.letters = append(o.letters, &letter{key: fmt.Sprintf("%s.%d", sender, n)})
	}
	return o.letters[len(o.letters)-1]
}

// mill is agents at work on a bridge that is killed again and again, and what
// they have been told.
type mill struct {
	t    *testing.T
	home home
	seat map[string]args // credentials by session_id

	outboxes map[string]*outbox // by sender; "partner" writes to its partner

	mu       sync.Mutex      // guards the fields below
	acked    float64         // the last position whose acknowledgement was answered
	received map[string]bool // ids that check_messages returned
	again    []string        // ids that came twice without being marked
}

const channelOfMill = "mill"

// A bridge is killed without warning while six agents use it, after a random
// number of answers. What it said is true afterwards: an answered send is
// there, once; an unanswered one is there once after a retry; an acknowledged
// position holds; and a message to a partner is handed out until its answer
// arrives.
func TestProcess_killedUnderLoad(t *testing.T) {
	rounds := 10
	if os.Getenv("AGENTBRIDGE_LONG") == "1" {
		rounds = 100
	}
	const seed = 20260728
	random := rand.New(rand.NewPCG(seed, 0))
	m := newMill(t)
	for range rounds {
		p := m.home.stdio(t, "--limits", "off") // the senders do not think
		p.killAt = 40 + random.IntN(100)
		agent := p.member()
		m.check(agent)
		m.work(agent)
		within(t, 10*time.Second, "the end of a killed program", p.exited)
		m.verify()
	}
	m.finish()
	t.Logf("%d rounds: %d messages in the channel, %d to the partner, %d handed out", rounds,
		m.sent("s0")+m.sent("s1")+m.sent("s2"), m.sent("partner"), len(m.received))
}

func (m *mill) sent(sender string) int { return len(m.outboxes[sender].letters) }

func newMill(t *testing.T) *mill {
	m := &mill{t: t, home: newHome(t), outboxes: map[string]*outbox{"s0": {}, "s1": {}, "s2": {}, "partner": {}}, received: map[string]bool{}}
	p := m.home.stdio(t)
	made := p.member().must("create_conversation", args{"my_role": "backend_developer", "partner_role": "frontend_developer"})
	m.seat = map[string]args{}
	for _, id := range []string{"a", "b"} {
		m.seat[id] = args{"conversation_id": made["conversation_id"], "session_id": id, "token": made["session_"+id+"_token"]}
	}
	p.in.Close()
	p.wantExit(exitOK)
	return m
}

// work runs all agents until the bridge is dead.
func (m *mill) work(agent *member) {
	var agents sync.WaitGroup
	for sender, box := range m.outboxes {
		agents.Go(func() {
			for m.send(agent, sender, box.next(sender)) {
			}
		})
	}
	agents.Go(func() {
		for m.acknowledge(agent) {
		}
	})
	agents.Go(func() {
		for m.take(agent) {
		}
	})
	agents.Wait()
}

// lives tells whether a call was answered.
func (m *mill) lives(what string, err error) bool {
	if err != nil && err != errEnded {
		m.t.Errorf("%s: %v", what, err)
	}
	return err == nil
}

func (m *mill) send(agent *member, sender string, l *letter) bool {
	tool, id, arguments := "bridge_send", "id", args{"channel": channelOfMill, "sender": sender, "content": l.key}
	if sender == "partner" {
		tool, id, arguments = "send_to_partner", "message_id", with(m.seat["a"], args{"message": l.key})
	}
	answer, err := agent.call(tool, with(arguments, args{"idempotency_key": l.key}))
	if !m.lives(tool, err) {
		return false
	}
	l.answered = answer[id].(string)
	return true
}

func (m *mill) acknowledge(agent *member) bool {
	page, err := agent.call("bridge_receive", args{"channel": channelOfMill, "consumer_id": "c", "limit": 5})
	if !m.lives("bridge_receive", err) {
		return false
	}
	ids := column(page, "messages", "id")
	if len(ids) == 0 {
		return true
	}
	cursor, err := agent.call("bridge_ack", args{"channel": channelOfMill, "consumer_id": "c", "message_id": ids[len(ids)-1]})
	if !m.lives("bridge_ack", err) {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.acked = cursor["last_seq"].(float64)
	return true
}

func (m *mill) take(agent *member) bool {
	checked, err := agent.call("check_messages", m.seat["b"])
	if !m.lives("check_messages", err) {
		return false
	}
	ids, marks := column(checked, "messages", "id"), column(checked, "messages", "redelivered")
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, id := range ids {
		if m.received[id] && marks[i] != "true" {
			m.again = append(m.again, id)
		}
		m.received[id] = true
	}
	return true
}

// check compares what is stored with what was said.
func (m *mill) check(agent *member) {
	m.t.Helper()
	stored := map[string][]string{} // ids by text
	for next := (args{"channel": channelOfMill, "consumer_id": "from the beginning", "limit": 500}); ; {
		page := agent.must("bridge_receive", next)
		ids := column(page, "messages", "id")
		for i, text := range column(page, "messages", "content") {
			stored[text] = append(stored[text], ids[i])
		}
		if page["more"] != true {
			break
		}
		next["since_id"] = page["next_cursor"]
	}
	for sender, box := range m.outboxes {
		for _, l := range box.letters {
			if sender == "partner" {
				continue // see finish
			}
			if l.answered != "" && !slices.Equal(stored[l.key], []string{l.answered}) {
				m.t.Errorf("send %s was answered with %s; stored under %v", l.key, l.answered, stored[l.key])
			}
			if len(stored[l.key]) > 1 {
				m.t.Errorf("send %s is stored under %v", l.key, stored[l.key])
			}
		}
	}
	behind := agent.must("bridge_receive", args{"channel": channelOfMill, "consumer_id": "c", "limit": 1})
	if list, _ := behind["messages"].([]any); len(list) > 0 {
		if seq := list[0].(map[string]any)["seq"].(float64); seq <= m.acked {
			m.t.Errorf("the cursor was acknowledged up to %v, and then stood before %v", m.acked, seq)
		}
	}
}

// verify checks the audit log as a kill left it, against all that was signed.
func (m *mill) verify() {
	m.t.Helper()
	want, command := exitUnanchored, m.home.flags("audit", "verify")
	signed := m.home.db() + ".checkpoints"
	if _, err := os.Stat(signed); err == nil {
		want, command = exitVerified, append(command, "--checkpoint", signed)
	}
	var out printed
	var prose bytes.Buffer
	if code := run(m.t.Context(), command, stdio{out: &out, err: &prose}); code != want {
		m.t.Errorf("audit verify after a kill: exit code %d, want %d\n%s%s", code, want, out.String(), prose.String())
	}
}

// printed is an output of a command that runs in this process.
type printed struct{ bytes.Buffer }

// Close implements io.Closer.
func (*printed) Close() error { return nil }

// finish tries again what was not answered, and then looks into the database
// from within: in a bubble, where the time until lost replies come again costs
// nothing.
func (m *mill) finish() {
	m.t.Helper()
	p := m.home.stdio(m.t)
	agent := p.member()
	for sender, box := range m.outboxes {
		for _, l := range box.letters {
			if l.answered == "" {
				m.send(agent, sender, l)
			}
		}
	}
	m.check(agent)
	p.terminate()
	p.wantExit(exitOK)

	now := time.Now().Round(0) // a bubble's clock starts long ago
	synctest.Test(m.t, func(t *testing.T) {
		time.Sleep(time.Until(now.Add(agentbridge.OfferTime + time.Second)))
		m.inspect(t, bridgetest.Open(t, string(m.home), relay.Options{}))
	})
}

func (m *mill) inspect(t *testing.T, bridge *bridgetest.Bridge) { // what stands in the audit log is checked when it closes
	id := agentbridge.ConversationID(m.seat["b"]["conversation_id"].(string))
	info, lines, err := bridge.Operator().Conversation(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if want := m.sent("partner"); int(info.Messages) != want {
		t.Errorf("%d messages to the partner are stored, want the %d that were sent", info.Messages, want)
	}
	for _, l := range lines {
		if l.State.Read() && !m.received[string(l.Message.ID)] {
			t.Errorf("message %s counts as read, but no answer brought it", l.Message.ID)
		}
	}
	if len(m.again) > 0 {
		t.Errorf("messages %v came twice without a mark", m.again)
	}
	bob := bridge.MustSit(agentbridge.SeatCredential{Conversation: id, Seat: agentbridge.SeatB, Token: agentbridge.Token(m.seat["b"]["token"].(string))})
	for {
		list := bob.MustCheck()
		if len(list) == 0 {
			break
		}
		for _, message := range list {
			if m.received[string(message.ID)] && !message.Redelivered {
				t.Errorf("message %s came twice without a mark", message.ID)
			}
			m.received[string(message.ID)] = true
		}
	}
	for _, l := range m.outboxes["partner"].letters {
		if !m.received[l.answered] {
			t.Errorf("message %s (%s) was never handed out", l.key, l.answered)
		}
	}
}
