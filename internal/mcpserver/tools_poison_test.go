package mcpserver

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"agentbridge/bridgetest"
)

// poisons are JSON values that broke reference B or might break us: one of
// them in a channel made every later read of it fail.
func poisons() map[string]string {
	return map[string]string{
		"5,000 digits":            repeat("9", 5_000),
		"5,000 decimals":          "0." + repeat("9", 5_000),
		"an integer too large":    "1e999",
		"a list of it":            "[1e999]",
		"a small one":             "[1e-999]",
		"NaN":                     "[NaN]",
		"Infinity":                "[-Infinity]",
		"a lone high surrogate":   `"\ud800"`,
		"a lone low surrogate":    `"\udc00x"`,
		"surrogates turned round": `"\udc00\ud800"`,
		"a lone one as a key":     `{"\ud800":1}`,
		"10,000 brackets":         repeat("[", 10_000) + repeat("]", 10_000),
		"10,000 open brackets":    repeat("[", 10_000),
		"65 objects":              repeat(`{"a":`, 65) + "1" + repeat("}", 65),
		"invalid UTF-8":           "\"\xff\xfe\"",
		"a surrogate as UTF-8":    "\"\xed\xa0\x80\"",
		"NUL":                     `"a\u0000b"`,
		"a key twice":             `{"a":1,"a":2}`,
		"an envelope":             `{"schema_version":1,"type":"t","content":1}`,
		"a broken envelope":       `{"schema_version":1,"type":"T","content":1}`,
		"a later envelope":        `{"schema_version":2,"type":"t","content":1}`,
		"a huge version":          `{"schema_version":` + repeat("9", 5_000) + `,"type":"t","content":1}`,
		"a huge type":             `{"schema_version":1,"type":"` + repeat("\U000E0041", 30_000) + `","content":1}`,
		"unknown fields":          `{"schema_version":1,"type":"t","content":1,"` + repeat("<", 60_000) + `":1}`,
		"131,072 quotes":          encode(repeat(`"`, 131_072)),
		"131,072 controls":        encode(repeat("\x01", 131_072)),
		"a line separator":        `"\u2028\u2029"`,
		"terminal codes":          `"\u001b]0;owned\u0007\u001b[2J"`,
		"white space":             `" \t\n "`,
		"a byte order mark":       "\"\ufeff{}\"",
	}
}

// A poisoned message is stored or refused, and the channel works on.
func TestTools_poison(t *testing.T) {
	h := newHall(t)
	c := h.wire()
	a, b := c.converse()
	for name, value := range poisons() {
		c.must("bridge_clear", args{"channel": "poison"})
		for way, arguments := range map[string]string{
			"as an envelope's content": fmt.Sprintf(`{"channel":"poison","sender":"mallory","message":{"schema_version":1,"type":"t","content":%s}}`, value),
			"as content":               fmt.Sprintf(`{"channel":"poison","sender":"mallory","content":%s}`, value),
			"in content":               encode(args{"channel": "poison", "sender": "mallory", "content": strings.ToValidUTF8(value, "?")}),
			"as metadata":              fmt.Sprintf(`{"channel":"poison","sender":"mallory","message":{"schema_version":1,"type":"t","content":1,"metadata":{"k":%s}}}`, value),
			"as a message":             fmt.Sprintf(`{"channel":"poison","sender":"mallory","message":%s}`, value),
			"as all arguments":         value,
		} {
			if _, err := c.try("bridge_send", arguments); err != nil {
				continue
			}
			if _, err := c.try("bridge_receive", args{"channel": "poison", "limit": 1}); err != nil {
				t.Errorf("bridge_receive after %s %s: %v", name, way, err)
			}
		}
		c.wantAlive(name)
		for way, arguments := range map[string]string{
			"to the partner": strings.Replace(encode(with(a, args{"message": "POISON"})), `"POISON"`, value, 1),
			"in files":       strings.Replace(encode(with(a, args{"message": "", "files_involved": []string{"POISON"}})), `"POISON"`, value, 1),
		} {
			_, err := c.try("send_to_partner", arguments)
			if _, e := c.try("check_messages", b); e != nil {
				t.Errorf("check_messages after %s %s (%v): %v", name, way, err, e)
			}
		}
	}
}

// wantAlive reads the newest of the poisoned channel in every way there is.
func (c *client) wantAlive(after string) {
	c.t.Helper()
	for tool, arguments := range map[string]args{
		"bridge_receive":  {"channel": "poison", "limit": 1},
		"bridge_wait":     {"channel": "poison", "consumer_id": "bob", "timeout_seconds": 0},
		"bridge_status":   {"per_channel": 1},
		"bridge_channels": {},
		"bridge_ping":     {},
	} {
		if _, err := c.try(tool, arguments); err != nil {
			c.t.Errorf("%s after %s: %v", tool, after, err)
		}
	}
}

// What was accepted comes back as it was sent, byte for byte, if it is clean;
// else as the sender was told.
func TestTools_roundTrip(t *testing.T) {
	h := newHall(t)
	c := h.wire()
	a, b := c.converse()
	for name, value := range poisons() {
		if len(value) > 50_000 || strings.ToValidUTF8(value, "") != value {
			continue
		}
		stored, sanitized := bridgetest.Stored(t, value)
		sent := c.must("bridge_send", args{"channel": "round trip", "sender": "s", "content": value})
		wantSanitized(t, name, sent, sanitized)
		got := c.must("bridge_receive", args{"channel": "round trip", "limit": 1}).list("messages")[0]
		if got.str("content") != stored || got.str("id") != sent.str("id") {
			t.Errorf("%s: content came back as %.100q", name, got.str("content"))
		}
		said, sanitized := bridgetest.Said(value)
		wantSanitized(t, name, c.must("send_to_partner", with(a, args{"message": value})), sanitized)
		if got := c.must("check_messages", b).column("messages", "message"); !slices.Equal(got, []string{said}) {
			t.Errorf("%s: message came back as %.100q", name, got)
		}
	}
}

// A reader learns why an envelope could not be read, and gets its text.
func TestTools_encodings(t *testing.T) {
	h := newHall(t)
	c := h.wire()
	for _, want := range []struct{ content, encoding, warning string }{
		{"hello", "legacy_text", ""},
		{"{not json", "legacy_text", ""},
		{`{"a":1}`, "legacy_json", ""},
		{repeat("9", 5_000), "legacy_json", ""},
		{`{"schema_version":1,"type":"t","content":[1]}`, "structured", ""},
		{`{"schema_version":2,"type":"t","content":1}`, "unsupported", "message: unsupported message schema_version: 2"},
		{`{"schema_version":1,"type":"T","content":1}`, "invalid", "type: must be lower-case letters"},
		{`{"schema_version":1,"type":"t","content":1,"x":1}`, "invalid", "message: unknown field(s): x"},
	} {
		c.must("bridge_send", args{"channel": "c", "sender": "s", "content": want.content})
		got := c.must("bridge_receive", args{"channel": "c", "limit": 1}).list("messages")[0]
		if got.str("encoding") != want.encoding || !strings.HasPrefix(got.str("parse_warning"), want.warning) || got.str("content") != want.content {
			t.Errorf("content %.50q came back as %s, want %s with warning %q", want.content, encode(got.data), want.encoding, want.warning)
		}
		if _, hasWarning := got.data["parse_warning"]; hasWarning != (want.warning != "") {
			t.Errorf("content %.50q has a parse_warning: %v", want.content, hasWarning)
		}
		if _, hasMessage := got.data["message"]; hasMessage != (want.encoding == "structured") {
			t.Errorf("content %.50q has a message: %v", want.content, hasMessage)
		}
	}
}
