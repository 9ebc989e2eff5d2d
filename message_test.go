package agentbridge_test

import (
	"encoding/json"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"agentbridge"
)

func TestMessageID(t *testing.T) {
	form := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	for _, seq := range []agentbridge.Seq{1, 2, 255, 65535, 65536, 1 << 31, 1<<32 - 1, 1 << 32, 1<<48 - 1} {
		id := agentbridge.NewMessageID(seq)
		if !form.MatchString(string(id)) {
			t.Errorf("NewMessageID(%d) = %s, want a UUID of version 8", seq, id)
		}
		if got := id.Position(); got != seq {
			t.Errorf("NewMessageID(%d).Position() = %d", seq, got)
		}
		if _, err := agentbridge.ParseMessageID("since_id", string(id)); err != nil {
			t.Errorf("ParseMessageID(NewMessageID(%d)) = %v", seq, err)
		}
	}
}

func TestMessageID_unique(t *testing.T) { // two bridges number apart; their ids must not meet
	seen := map[agentbridge.MessageID]bool{}
	for range 10_000 {
		id := agentbridge.NewMessageID(7)
		if seen[id] {
			t.Fatalf("NewMessageID(7) = %s, twice", id)
		}
		seen[id] = true
	}
}

func TestMessageID_foreign(t *testing.T) { // ids come from callers; whatever they are, they stand nowhere
	for _, id := range []agentbridge.MessageID{
		"", "yesterday", "0", "-00000000-0000-8000-8000-000000000000", agentbridge.MessageID(strings.Repeat("é", 18)),
		"zzzzzzzz-zzzz-8000-8000-000000000000", "+0000001-0001-8000-8000-000000000000", "00000000000018000800000000000000000", "0_000001-0001-8000-8000-000000000000",
	} {
		if got := id.Position(); got != 0 {
			t.Errorf("MessageID(%q).Position() = %d, want 0", id, got)
		}
	}
}

// record is a message in a listing as encoding/json writes it, with all that it
// escapes for HTML's sake.
type record struct {
	Seq          agentbridge.Seq         `json:"seq"`
	ID           agentbridge.MessageID   `json:"id"`
	Channel      agentbridge.ChannelName `json:"channel"`
	Sender       agentbridge.AgentName   `json:"sender"`
	Content      string                  `json:"content"`
	Timestamp    string                  `json:"timestamp"`
	Encoding     agentbridge.Encoding    `json:"encoding"`
	Message      json.RawMessage         `json:"message,omitempty"`
	ParseWarning string                  `json:"parse_warning,omitempty"`
}

func wantWireSize(t *testing.T, m agentbridge.Message) {
	t.Helper()
	r := record{Seq: m.Seq, ID: m.ID, Channel: m.Channel, Sender: m.Sender, Content: m.Content, Timestamp: agentbridge.FormatTime(m.At), Encoding: m.Encoding}
	r.Message, r.ParseWarning = m.Envelope()
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatalf("Marshal(%+v) = %v", r, err)
	}
	if got := m.WireSize(); got < len(b) {
		t.Errorf("WireSize() of %q (%s) = %d, on the wire it takes %d", agentbridge.Preview(m.Content, 20), m.Encoding, got, len(b))
	}
}

// An attacker fills a page with text that grows when it is encoded, so that the
// reply to somebody else becomes too large to be read.
func TestWireSize(t *testing.T) {
	nasty := []string{`"`, `\`, "<", "&", "\n", "\b", "\x1b", "\x7f", "\u0085", "\u2028", "\u2029", "\u200b", "é", "🦜", "\ufffd", "\u202e"}
	var texts []string
	for _, s := range nasty {
		inJSON, err := json.Marshal(strings.Repeat(s, 1000))
		if err != nil {
			t.Fatal(err)
		}
		key, err := json.Marshal(strings.Repeat(s, 40))
		if err != nil {
			t.Fatal(err)
		}
		canonical, err := parse(envelope("content", string(inJSON)))
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, strings.Repeat(s, 1000), canonical.Content(), string(inJSON), envelope("content", string(inJSON)), envelope("content", `{"`+strings.Repeat("k", 20)+`":`+string(inJSON)+`}`),
			envelope(strings.Trim(string(key), `"`), "1"), envelope("type", string(inJSON)))
	}
	for _, c := range contents {
		texts = append(texts, c.content)
	}
	for _, s := range texts {
		body, err := agentbridge.Text(s)
		if err != nil {
			t.Fatalf("Text(%q) = %v", s, err)
		}
		wantWireSize(t, agentbridge.Message{
			Seq: math.MaxInt64, ID: agentbridge.NewMessageID(1<<48 - 1),
			Channel: agentbridge.ChannelName(strings.Repeat("<", agentbridge.MaxChannelName)),
			Sender:  agentbridge.AgentName(strings.Repeat(`"`, agentbridge.MaxAgentName)),
			Content: s, Encoding: body.Encoding(), At: time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC),
		})
	}
}

func TestPreview(t *testing.T) {
	for _, c := range []struct {
		s    string
		n    int
		want string
	}{
		{"", 3, ""}, {"abc", 3, "abc"}, {"abcd", 3, "abc…"}, {"ééé", 3, "ééé"}, {"🦜🦜", 1, "🦜…"}, {"x", 0, "…"}, {"\xff\xff", 1, "\xff…"},
	} {
		if got := agentbridge.Preview(c.s, c.n); got != c.want {
			t.Errorf("Preview(%q, %d) = %q, want %q", c.s, c.n, got, c.want)
		}
	}
}

func TestFormatTime(t *testing.T) { // timestamps sort as text, whatever zone and digits they had
	for want, at := range map[string]time.Time{
		"2026-07-28T12:00:00.000000Z": time.Date(2026, 7, 28, 14, 0, 0, 0, time.FixedZone("", 7200)),
		"2026-07-28T12:00:00.123456Z": time.Date(2026, 7, 28, 12, 0, 0, 123456789, time.UTC),
	} {
		if got := agentbridge.FormatTime(at); got != want {
			t.Errorf("FormatTime(%v) = %s, want %s", at, got, want)
		}
	}
}
