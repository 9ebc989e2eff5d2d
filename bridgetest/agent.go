package bridgetest

import (
	"testing"

	"agentbridge"

	"github.com/google/go-cmp/cmp"
)

// Agent is a participant of channels. Its Must and Want methods end or fail the
// test, so they belong in the test's own goroutine; the methods of its Session
// return their errors.
type Agent struct {
	agentbridge.Session
	Name agentbridge.AgentName
	t    testing.TB
}

// NewAgent returns a participant on any session.
func NewAgent(t testing.TB, s agentbridge.Session, name agentbridge.AgentName) *Agent {
	return &Agent{Session: s, Name: name, t: t}
}

// Draft is a text as the agent would send it.
func (a *Agent) Draft(channel agentbridge.ChannelName, text string) agentbridge.Draft {
	a.t.Helper()
	body, err := agentbridge.Text(text)
	if err != nil {
		a.t.Fatalf("Text(%q) = %v", agentbridge.Preview(text, 40), err)
	}
	return agentbridge.Draft{Channel: channel, Sender: a.Name, Body: body}
}

// Envelope is a protocol-v1 message as the agent would send it.
func (a *Agent) Envelope(channel agentbridge.ChannelName, raw string) agentbridge.Draft {
	a.t.Helper()
	v, err := agentbridge.DecodeJSON("message", []byte(raw))
	if err != nil {
		a.t.Fatalf("DecodeJSON(%s) = %v", raw, err)
	}
	body, err := agentbridge.ParseEnvelope(v.(map[string]any))
	if err != nil {
		a.t.Fatalf("ParseEnvelope(%s) = %v", raw, err)
	}
	return agentbridge.Draft{Channel: channel, Sender: a.Name, Body: body}
}

// MustSend sends a text.
func (a *Agent) MustSend(channel agentbridge.ChannelName, text string) agentbridge.Sent {
	a.t.Helper()
	return a.MustSendDraft(a.Draft(channel, text))
}

// MustSendDraft sends a draft.
func (a *Agent) MustSendDraft(d agentbridge.Draft) agentbridge.Sent {
	a.t.Helper()
	sent, err := a.Send(a.t.Context(), d)
	if err != nil {
		a.t.Fatalf("Send(%s, %q) = %v", d.Channel, agentbridge.Preview(d.Body.Content(), 40), err)
	}
	return sent
}

// MustRead reads a page.
func (a *Agent) MustRead(r agentbridge.ReadRequest) agentbridge.Page {
	a.t.Helper()
	page, err := a.Read(a.t.Context(), r)
	if err != nil {
		a.t.Fatalf("Read(%+v) = %v", r, err)
	}
	return page
}

// WantRead checks what stands behind the agent's cursor, oldest first, and
// leaves the cursor where it is.
func (a *Agent) WantRead(channel agentbridge.ChannelName, want ...string) {
	a.t.Helper()
	page := a.MustRead(agentbridge.ReadRequest{Channel: channel, Consumer: a.Name, Limit: agentbridge.MaxPage})
	WantTexts(a.t, "Read("+string(channel)+") as "+string(a.Name), page.Messages, want...)
}

// MustAck acknowledges a message.
func (a *Agent) MustAck(channel agentbridge.ChannelName, id agentbridge.MessageID) agentbridge.Cursor {
	a.t.Helper()
	cur, err := a.Ack(a.t.Context(), agentbridge.Ack{Channel: channel, Consumer: a.Name, MessageID: id})
	if err != nil {
		a.t.Fatalf("Ack(%s, %s) = %v", channel, id, err)
	}
	return cur
}

// MustClear clears a channel and returns how many messages it held.
func (a *Agent) MustClear(channel agentbridge.ChannelName) int64 {
	a.t.Helper()
	n, err := a.Clear(a.t.Context(), channel)
	if err != nil {
		a.t.Fatalf("Clear(%s) = %v", channel, err)
	}
	return n
}

// WantTexts compares the contents of messages that a call returned.
func WantTexts(t testing.TB, call string, got []agentbridge.Message, want ...string) {
	t.Helper()
	var texts []string
	for _, m := range got {
		texts = append(texts, agentbridge.Preview(m.Content, 80))
	}
	if diff := cmp.Diff(want, texts); diff != "" {
		t.Fatalf("%s: -want +got\n%s", call, diff)
	}
}
