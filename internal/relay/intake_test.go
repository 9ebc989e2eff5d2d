package relay_test

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/redact"
	"agentbridge/internal/relay"
	"agentbridge/internal/store"

	"github.com/google/go-cmp/cmp"
)

// badges are the secrets of these tests: a badge and four digits.
var badges = redact.Pattern{Name: "badge", Regexp: regexp.MustCompile(`(?i)badge-[0-9]{4}`), Keywords: []string{"badge-"}, Placeholder: "BADGE_REDACTED"}

// guarded returns a bridge that takes out badges.
func guarded(t *testing.T) *bridgetest.Bridge {
	t.Helper()
	return bridgetest.Open(t, t.TempDir(), relay.Options{Redactor: badgeRedactor(t)})
}

func badgeRedactor(t *testing.T) *redact.Redactor {
	t.Helper()
	r := redact.New([]redact.Pattern{badges})
	return r
}

// wantChanges checks what a sender is told of his message.
func wantChanges(t *testing.T, sent agentbridge.Sent, redacted, sanitized int) {
	t.Helper()
	var want map[string]int
	if redacted > 0 {
		want = map[string]int{"BADGE_REDACTED": redacted}
	}
	if diff := cmp.Diff(want, sent.Redacted); diff != "" || sent.Sanitized != sanitized {
		t.Errorf("Send() = %d sanitized, want %d; redacted (-want +got):\n%s", sent.Sanitized, sanitized, diff)
	}
}

// wantNoBadge looks for a badge in everything an auditor sees.
func wantNoBadge(t *testing.T, b *bridgetest.Bridge) {
	t.Helper()
	for _, e := range entries(t, b, 0) {
		if shown := fmt.Sprintf("%s %s %s %s", e.Actor, e.Action, e.Target, e.Detail); badges.Regexp.MatchString(shown) {
			t.Errorf("the audit log holds a secret: %s", shown)
		}
	}
}

// intakes are texts with badges in them, and what is stored. What holds none
// stays as it was written, byte for byte.
var intakes = []struct {
	name, text, want    string
	redacted, sanitized int
}{
	{"text", "see BADGE-1234 and badge-5678.", "see BADGE_REDACTED and BADGE_REDACTED.", 2, 0},
	{"text without one", "see BADGE-12", "see BADGE-12", 0, 0},
	{"split by what is taken out", "see BAD\u200bGE-12\u202e34", "see BADGE_REDACTED", 1, 2},
	{"a JSON value", `{ "n": 1.50, "note": "my BADGE-1234" }`, `{"n":1.50,"note":"my BADGE_REDACTED"}`, 1, 0},
	{"a JSON value, escaped", `{"a":["\u0042ADGE\u002d1234"]}`, `{"a":["BADGE_REDACTED"]}`, 1, 0},
	{"JSON, split by an escape", `{"a":"BADGE-\u200b1234"}`, `{"a":"BADGE_REDACTED"}`, 1, 1},
	{"JSON behind an invisible character", "\u200b" + `{"a":"BADGE\u002d1234"}`, `{"a":"BADGE_REDACTED"}`, 1, 1},
	{"JSON keys", `{"BADGE-1234":1,"BADGE-5678":2}`, `{"BADGE_REDACTED":1,"BADGE_REDACTED 2":2}`, 2, 0},
	{"JSON without one", `{ "n": 1.50, "note": "\u0041" }`, `{ "n": 1.50, "note": "\u0041" }`, 0, 0},
	{"JSON that is one string", `"BADGE\u002d1234"`, `"BADGE_REDACTED"`, 1, 0},
	{"JSON that is not taken apart", `{"a":"BADGE\u002d1234","a":1}`, `{"a":"BADGE_REDACTED","a":1}`, 1, 0},
	{"no JSON", `{"a":"BADGE-1234"`, `{"a":"BADGE_REDACTED"`, 1, 0},
}

func TestIntake_channel(t *testing.T) {
	for _, tt := range intakes {
		t.Run(tt.name, func(t *testing.T) {
			b := guarded(t)
			alice := b.Agent("alice")
			wantChanges(t, alice.MustSend("#build", tt.text), tt.redacted, tt.sanitized)
			alice.WantRead("#build", tt.want)
			wantNoBadge(t, b)
		})
	}
}

func TestIntake_conversation(t *testing.T) {
	for _, tt := range intakes {
		t.Run(tt.name, func(t *testing.T) {
			b := guarded(t)
			a, partner := b.Pair("backend_developer", "frontend_developer")
			wantChanges(t, a.MustSend(tt.text), tt.redacted, tt.sanitized)
			partner.WantCheck(tt.want)
			wantNoBadge(t, b)
		})
	}
}

// An envelope stays one: what it says is redacted wherever it says it.
func TestIntake_envelope(t *testing.T) {
	b := guarded(t)
	alice := b.Agent("alice")
	d := alice.Envelope("#build", `{"schema_version":1,"type":"task","thread_id":"t-1",
		"content":{"ask":"for BADGE-1234","BADGE-5678":[1,"badge-0000"],"bell":"\u0007"},"metadata":{"badge-1111":"x"},
		"artifacts":[{"uri":"https://example.org/BADGE-2222","name":"BADGE-3333"}],"extensions":{"x":{"y":"BADGE-4444"}}}`)
	wantChanges(t, alice.MustSendDraft(d), 7, 1)
	m := alice.MustRead(agentbridge.ReadRequest{Channel: "#build"}).Messages[0]
	const want = `{"artifacts":[{"name":"BADGE_REDACTED","uri":"https://example.org/BADGE_REDACTED"}],` +
		`"content":{"BADGE_REDACTED":[1,"BADGE_REDACTED"],"ask":"for BADGE_REDACTED","bell":""},"extensions":{"x":{"y":"BADGE_REDACTED"}},` +
		`"metadata":{"BADGE_REDACTED":"x"},"schema_version":1,"thread_id":"t-1","type":"task"}`
	if m.Content != want || m.Encoding != agentbridge.Structured {
		t.Errorf("Read() = %s as %s, want %s as structured", m.Content, m.Encoding, want)
	}
	wantNoBadge(t, b)
}

// Names, keys and ids that are secrets are refused: with a placeholder in their
// place two of them would become one. Nothing is stored.
func TestIntake_labelsAreRefused(t *testing.T) {
	b := guarded(t)
	alice, bob := b.Agent("alice"), b.Agent("badge-1234")
	a, _ := b.Pair("backend_developer", "frontend_developer")
	sent := alice.MustSend("#build", "x")
	keyed := func(key string) agentbridge.Draft {
		d := alice.Draft("#build", "y")
		d.Key = key
		return d
	}
	before := lastEntry(t, b)
	refused := func(field string, d agentbridge.Draft) {
		t.Helper()
		_, err := alice.Send(t.Context(), d)
		wantField(t, err, agentbridge.InvalidValue, field, "looks like a secret")
	}
	refused("channel", alice.Draft("#BADGE-1234", "x"))
	refused("sender", bob.Draft("#build", "x"))
	refused("idempotency_key", keyed("BADGE-1234"))
	refused("idempotency_key", keyed("BADGE\u200b-1234"))
	for _, label := range []string{"type", "thread_id", "reply_to", "correlation_id", "causation_id", "recipient", "dedupe_key"} {
		envelope := map[string]any{"schema_version": 1, "type": "task", "content": "x", label: "badge-1234"}
		raw := agentbridge.CanonicalJSON(envelope)
		refused(label, alice.Envelope("#build", string(raw)))
		refused(label, alice.Draft("#build", string(raw))) // the same as text
	}
	_, err := bob.Ack(t.Context(), agentbridge.Ack{Channel: "#build", Consumer: bob.Name, MessageID: sent.ID})
	wantField(t, err, agentbridge.InvalidValue, "consumer_id", "looks like a secret")
	_, err = a.Send(t.Context(), agentbridge.SeatDraft{Text: "x", ActionType: "info", Key: "badge-1234"})
	wantField(t, err, agentbridge.InvalidValue, "idempotency_key", "looks like a secret")
	if after := lastEntry(t, b); after != before {
		t.Errorf("the audit log went from %d to %d, want nothing stored", before, after)
	}
	alice.WantRead("#build", "x")
}

// Labels as agents choose them are no secrets to anybody.
func TestIntake_labelsThatAreNone(t *testing.T) {
	b := bridgetest.New(t)
	alice := b.Agent("alice")
	for i, label := range []string{"4711", "build-4711", "3f2b8c1a-7d64-4e0f-9b53-2a1c5d6e7f80", "9fceb02d0ae598e95dc970b74767f19372d61af8", "01HZX3K5V8Q2W4E6R8T0Y2U4I6", "todo_api:review#2"} {
		for _, field := range []string{"thread_id", "reply_to", "correlation_id", "causation_id", "recipient", "dedupe_key"} {
			envelope := map[string]any{"schema_version": 1, "type": "task", "content": "x", field: label}
			d := alice.Envelope(agentbridge.ChannelName(fmt.Sprint("c", i)), string(agentbridge.CanonicalJSON(envelope)))
			if sent, err := alice.Send(t.Context(), d); err != nil || sent.Redacted != nil {
				t.Errorf("Send(%s: %s) = redacted %v, %v; want it stored as it is", field, label, sent.Redacted, err)
			}
		}
		d := alice.Draft("keys", "x")
		d.Key = label
		if _, err := alice.Send(t.Context(), d); err != nil {
			t.Errorf("Send(idempotency key %s) = %v", label, err)
		}
	}
}

func TestIntake_rolesAndFiles(t *testing.T) {
	b := guarded(t)
	a, partner := b.Pair("owner of BADGE-1234", "keeper\u202e of badge-5678")
	for seat, want := range map[*bridgetest.Seat]agentbridge.Role{a: "keeper of BADGE_REDACTED", partner: "owner of BADGE_REDACTED"} {
		if got := seat.MustPartner().Role; got != want {
			t.Errorf("Partner().Role = %q, want %q", got, want)
		}
	}
	sent := a.MustSendDraft(agentbridge.SeatDraft{Text: "x", ActionType: "info", Files: []string{"k8s/BADGE-1234.yaml", "main.go", "a\u200bb"}})
	wantChanges(t, sent, 1, 1)
	got := partner.MustCheck()
	if diff := cmp.Diff([]string{"k8s/BADGE_REDACTED.yaml", "main.go", "ab"}, got[0].Files); diff != "" {
		t.Errorf("Check(): files -want +got\n%s", diff)
	}
	wantNoBadge(t, b)
}

// remembering is a store that keeps the metadata of cursors, which no call
// returns.
type remembering struct {
	store.Store
	metadata []string
}

type rememberingTx struct {
	store.Tx
	r *remembering
}

func (r *remembering) Update(ctx context.Context, f func(store.Tx) error) error {
	return r.Store.Update(ctx, func(t store.Tx) error { return f(rememberingTx{t, r}) })
}

func (t rememberingTx) PutCursor(c store.Channel, cur agentbridge.Cursor, metadata agentbridge.Metadata) error {
	t.r.metadata = append(t.r.metadata, string(metadata))
	return t.Tx.PutCursor(c, cur, metadata)
}

func TestIntake_metadataOfAnAck(t *testing.T) {
	b := bridgetest.New(t)
	st := &remembering{Store: b.Store}
	r, err := relay.New(t.Context(), st, relay.Options{KeyFile: filepath.Join(b.Dir, bridgetest.KeyFile), Redactor: badgeRedactor(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	s, err := r.Open(t.Context(), agentbridge.Local())
	if err != nil {
		t.Fatal(err)
	}
	alice := bridgetest.NewAgent(t, s, "alice")
	for _, metadata := range []string{`{"done":"BADGE-1234","badge-5678":[1.50,"\u202ex"]}`, `{ "n": 1.50 }`, ``} {
		sent := alice.MustSend("#build", "x")
		if _, err := alice.Ack(t.Context(), agentbridge.Ack{Channel: "#build", Consumer: "bob", MessageID: sent.ID, Metadata: agentbridge.Metadata(metadata)}); err != nil {
			t.Fatalf("Ack(%s) = %v", metadata, err)
		}
	}
	want := []string{`{"BADGE_REDACTED":[1.50,"x"],"done":"BADGE_REDACTED"}`, `{ "n": 1.50 }`, ``}
	if diff := cmp.Diff(want, st.metadata); diff != "" {
		t.Errorf("metadata of the cursors: -want +got\n%s", diff)
	}
	wantNoBadge(t, b)
}

// An auditor learns what was taken out by kind and number, and how much was
// stored; of a message that was left alone he learns what he always did.
func TestIntake_audit(t *testing.T) {
	b := guarded(t)
	alice := b.Agent("alice")
	a, _ := b.Pair("backend_developer", "frontend_developer")
	for i, send := range []func() agentbridge.Sent{
		func() agentbridge.Sent { return alice.MustSend("#build", "BADGE-1234\x1b badge-5678") },
		func() agentbridge.Sent { return a.MustSend("BADGE-1234\x1b badge-5678") },
	} {
		sent := send()
		list := entries(t, b, 0)
		want := fmt.Sprintf(`{"id":%q,"seq":%d,"bytes":29,"hash":"","sanitized":1,"redacted":{"BADGE_REDACTED":2}}`, sent.ID, sent.Seq)
		if got := withoutHash(list[len(list)-1].Detail); got != want {
			t.Errorf("%d: the audit log says %s, want %s", i, got, want)
		}
	}
	sent := alice.MustSend("#build", "plain")
	list := entries(t, b, 0)
	want := fmt.Sprintf(`{"id":%q,"seq":%d,"bytes":5,"hash":""}`, sent.ID, sent.Seq)
	if got := withoutHash(list[len(list)-1].Detail); got != want {
		t.Errorf("the audit log says %s, want %s", got, want)
	}
}

var hashInDetail = regexp.MustCompile(`"hash":"[0-9a-f]{32}"`)

func withoutHash(m agentbridge.Metadata) string {
	return hashInDetail.ReplaceAllString(string(m), `"hash":""`)
}

// A request that the boundary turned away may have a secret in its path.
func TestIntake_refusedPath(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := guarded(t)
		b.NoteRefusal(agentbridge.Refusal{Action: agentbridge.ActionAuthFailure, Address: "192.0.2.1", Path: "/api/x/BADGE-1234\x1b[2J"})
		synctest.Wait()
		list := entries(t, b, 0)
		if len(list) != 1 || !strings.Contains(string(list[0].Detail), `"/api/x/BADGE_REDACTED[2J"`) {
			t.Errorf("the audit log says %v, want the path with a placeholder", list)
		}
	})
}

// A retry is the same message, and the sender is told the same again, though
// what is compared is what was stored.
func TestIntake_again(t *testing.T) {
	b := guarded(t)
	alice := b.Agent("alice")
	a, partner := b.Pair("backend_developer", "frontend_developer")
	for name, send := range map[string]func(text string) (agentbridge.Sent, error){
		"channel": func(text string) (agentbridge.Sent, error) {
			d := alice.Draft("#build", text)
			d.Key = "k1"
			return alice.Send(t.Context(), d)
		},
		"envelope": func(text string) (agentbridge.Sent, error) {
			raw := agentbridge.CanonicalJSON(map[string]any{"schema_version": 1, "type": "t", "content": text, "dedupe_key": "k1"})
			return alice.Send(t.Context(), alice.Envelope("#tasks", string(raw)))
		},
		"conversation": func(text string) (agentbridge.Sent, error) {
			return a.Send(t.Context(), agentbridge.SeatDraft{Text: text, ActionType: "info", Key: "k1"})
		},
	} {
		first, err := send("my BADGE-1234\x1b")
		if err != nil {
			t.Fatalf("%s: Send() = %v", name, err)
		}
		again, err := send("my BADGE-1234\x1b")
		if err != nil || !again.Deduplicated || again.ID != first.ID || again.Seq != first.Seq {
			t.Errorf("%s: Send() again = %+v, %v; want %s, deduplicated", name, again, err, first.ID)
		}
		wantChanges(t, first, 1, 1)
		wantChanges(t, again, 1, 1)
		_, err = send("your BADGE-1234")
		bridgetest.WantErr(t, agentbridge.Conflict, err)
	}
	alice.WantRead("#build", "my BADGE_REDACTED")
	partner.WantCheck("my BADGE_REDACTED")
}

// Placeholders may be longer than what they stand for, and nothing is stored
// that is larger than a message may be.
func TestIntake_placeholdersCount(t *testing.T) {
	b := guarded(t)
	alice := b.Agent("alice")
	many := func(bytes int) string { return strings.Repeat("BADGE-1234 ", bytes/11) }
	_, err := alice.Send(t.Context(), alice.Draft("#build", many(agentbridge.MaxContent)))
	wantField(t, err, agentbridge.TooLarge, "content", "placeholders")
	a, partner := b.Pair("backend_developer", "frontend_developer")
	_, err = a.Send(t.Context(), agentbridge.SeatDraft{Text: many(agentbridge.MaxText), ActionType: "info"})
	wantField(t, err, agentbridge.TooLong, "message", "placeholders")
	alice.WantRead("#build")
	partner.WantCheck()
}
