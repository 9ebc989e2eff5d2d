package agentbridge_test

import (
	"strings"
	"testing"

	"agentbridge"
)

func TestBody_Clean(t *testing.T) {
	for _, c := range []struct {
		content, want string
		encoding      agentbridge.Encoding
		removed       int
		code          agentbridge.Code
	}{
		{"done", "done", agentbridge.LegacyText, 0, ""},
		{"\x1b[2Jdone\u202e", "[2Jdone", agentbridge.LegacyText, 2, ""},
		{"C:\\u202e is text", "C:\\u202e is text", agentbridge.LegacyText, 0, ""},
		{`{ "b": "\u0041\n", "a": 1.50 }`, `{ "b": "\u0041\n", "a": 1.50 }`, agentbridge.LegacyJSON, 0, ""}, // clean, so not touched
		{`{ "b": "\u202ex", "a": 1.50 }`, `{"a":1.50,"b":"x"}`, agentbridge.LegacyJSON, 1, ""},
		{"{ \"b\": \"\u202ex\" }", `{"b":"x"}`, agentbridge.LegacyJSON, 1, ""},
		{"\ufeff" + `{"a":"\u202e"}`, `{"a":""}`, agentbridge.LegacyJSON, 2, ""}, // no JSON until it is clean
		{"{\"a\":1,\"a\u200b\":2}", `{"a":1,"a_2":2}`, agentbridge.LegacyJSON, 1, ""},
		{"\ufeff{}", "{}", agentbridge.LegacyJSON, 1, ""},
		{`{"a":1,"a":"\u202e"}`, `{"a":1,"a":"\u202e"}`, agentbridge.LegacyJSON, 0, ""}, // which nobody decodes here
		{`{"schema_version":1,"type":"t","content":{"k\u200b":"\u001b[2J"},"thread_id":"x\u200b"}`,
			`{"content":{"k":"[2J"},"schema_version":1,"thread_id":"x","type":"t"}`, agentbridge.Structured, 3, ""},
		{`{"schema_version":1,"type":"t","content":"\u202e"}`, `{"content":"","schema_version":1,"type":"t"}`, agentbridge.Structured, 1, ""},
		{`{"schema_version":1,"type":"t","content":1,"thread_id":"\u200b"}`, "", "", 1, agentbridge.Required},
		{"\r", "", "", 1, agentbridge.Required},
		{strings.Repeat("\x01", agentbridge.MaxContent), "", "", agentbridge.MaxContent, agentbridge.Required},
	} {
		body, err := agentbridge.Text(c.content)
		if err != nil {
			t.Fatalf("Text(%+.60q) = %v", c.content, err)
		}
		clean, removed, err := body.Clean()
		wantRefused(t, "Clean of "+agentbridge.Preview(c.content, 40), err, c.code)
		if clean.Content() != c.want || clean.Encoding() != c.encoding || removed != c.removed {
			t.Errorf("Clean of %+.80q = %+q (%s), %d, want %+q (%s), %d", c.content, clean.Content(), clean.Encoding(), removed, c.want, c.encoding, c.removed)
		}
		if again, n, err := clean.Clean(); c.code == "" && (again != clean || n != 0 || err != nil) {
			t.Errorf("Clean of %+q = %+q, %d, %v: not at rest", clean.Content(), again.Content(), n, err)
		}
	}
}

// A retry must find what it stored, whatever was taken out of it.
func TestBody_Clean_keepsTheKey(t *testing.T) {
	body, err := parse(`{"schema_version":1,"type":"t","content":"\u202ex","dedupe_key":"k\u200b"}`)
	if err != nil {
		t.Fatal(err)
	}
	clean, _, err := body.Clean()
	if key := (agentbridge.Draft{Body: clean}).IdempotencyKey(); err != nil || key != "k\u200b" {
		t.Errorf("the key of a cleaned envelope = %+q, %v, want the one that was given", key, err)
	}
}
