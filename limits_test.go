package agentbridge_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"testing"

	"agentbridge"
)

// wantRefused checks how a call was refused; an empty code means not at all.
func wantRefused(t *testing.T, call string, err error, want agentbridge.Code) {
	t.Helper()
	if got := agentbridge.CodeOf(err); got != want {
		t.Errorf("%s = %v (%q), want %q", call, err, got, want)
	}
}

// identities are the parsers of everything that obeys the rules of identifiers.
var identities = map[string]struct {
	limit int
	parse func(string) error
}{
	"channel":   {256, func(s string) error { _, err := agentbridge.ParseChannelName(s); return err }},
	"sender":    {128, func(s string) error { _, err := agentbridge.ParseAgentName("sender", s); return err }},
	"consumer":  {128, func(s string) error { _, err := agentbridge.ParseAgentName("consumer_id", s); return err }},
	"key":       {256, func(s string) error { _, err := agentbridge.ParseKey(s); return err }},
	"reference": {256, func(s string) error { _, err := agentbridge.ParseMessageID("since_id", s); return err }},
	"role":      {100, func(s string) error { _, err := agentbridge.ParseRole("my_role", s); return err }},
	"file":      {1024, func(s string) error { _, err := agentbridge.ParseSeatDraft("", "", []string{s}); return err }},
}

func TestIdentities(t *testing.T) {
	for name, identity := range identities {
		for _, c := range []struct {
			s    string
			want agentbridge.Code
		}{
			{strings.Repeat("x", identity.limit), ""},
			{strings.Repeat("x", identity.limit+1), agentbridge.TooLong},
			{strings.Repeat("é", identity.limit), ""}, // code points count, not bytes
			{strings.Repeat("é", identity.limit+1), agentbridge.TooLong},
			{strings.Repeat("🦜", identity.limit), ""},
			{strings.Repeat("🦜", identity.limit+1), agentbridge.TooLong},
			{"payments:worker one", ""},
			{"", agentbridge.Required},
			{" abc", agentbridge.SurroundingWhitespace},
			{"abc\n", agentbridge.SurroundingWhitespace},
			{"abc\u00a0", agentbridge.SurroundingWhitespace},
			{"   ", agentbridge.SurroundingWhitespace},
			{"two\nlines", agentbridge.ControlCharacter},
			{"two\u2028lines", agentbridge.ControlCharacter},
			{"two\u0085lines", agentbridge.ControlCharacter},
			{"nul\x00byte", agentbridge.ControlCharacter},
			{"escape\x1b[2J", agentbridge.ControlCharacter},
			{"broken\xff", agentbridge.InvalidUTF8},
			{"surrogate\xed\xa0\x80", agentbridge.InvalidUTF8},
		} {
			wantRefused(t, name+" "+strconv.Quote(agentbridge.Preview(c.s, 20)), identity.parse(c.s), c.want)
		}
	}
}

// References are opaque: what is invisible in them stays, for Clean to judge
// where they are stored. Names and labels are refused.
func TestIdentities_invisible(t *testing.T) {
	for name, want := range map[string]agentbridge.Code{
		"channel": agentbridge.ControlCharacter, "sender": agentbridge.ControlCharacter, "consumer": agentbridge.ControlCharacter, "role": agentbridge.ControlCharacter,
		"key": "", "reference": "", "file": "",
	} {
		wantRefused(t, name, identities[name].parse("zero\u200bwidth"), want)
	}
}

func TestIdentities_nameTheField(t *testing.T) {
	_, err := agentbridge.ParseAgentName("consumer_id", "")
	if got, want := err.Error(), "consumer_id: must not be empty"; got != want {
		t.Errorf("ParseAgentName(consumer_id, nothing) = %q, want %q", got, want)
	}
	_, err = agentbridge.ParseSeatDraft("", "", []string{"a", " b"})
	if got, want := err.Error(), "files_involved[1]: must not start or end with whitespace"; got != want {
		t.Errorf("ParseSeatDraft(files a, ' b') = %q, want %q", got, want)
	}
}

func TestParseRole_short(t *testing.T) {
	for role, want := range map[string]agentbridge.Code{
		"": agentbridge.Required, "qa": agentbridge.TooShort, "éé": agentbridge.TooShort, "dev": "", "ééé": "",
	} {
		_, err := agentbridge.ParseRole("my_role", role)
		wantRefused(t, "ParseRole("+role+")", err, want)
	}
}

// Whoever knows or guesses the id of a conversation tries to reach it as a
// channel, without its token.
func TestParseChannelName_conversations(t *testing.T) {
	for name, want := range map[string]agentbridge.Code{
		"conv_0123456789abcdef":   agentbridge.Reserved,
		"conv_0123456789abcdef\n": agentbridge.SurroundingWhitespace,
		"conv_0123456789abcde":    "", // the form of no conversation
		"conv_0123456789abcdef0":  "",
		"conv_0123456789ABCDEF":   "",
		"conv_0123456789abcdeg":   "",
		"xconv_0123456789abcdef":  "",
		"conv_":                   "",
	} {
		_, err := agentbridge.ParseChannelName(name)
		wantRefused(t, "ParseChannelName("+strconv.Quote(name)+")", err, want)
	}
}

func TestParseConversationID(t *testing.T) {
	for id, want := range map[string]agentbridge.Code{
		"conv_0123456789abcdef":   "",
		"conv_a1b2c3d4e5f6g7h8":   agentbridge.InvalidFormat, // the sample of reference A's README
		"conv_0123456789ABCDEF":   agentbridge.InvalidFormat,
		"conv_0123456789abcde":    agentbridge.InvalidFormat,
		"conv_0123456789abcdef0":  agentbridge.InvalidFormat,
		"conv_0123456789abcdef\n": agentbridge.InvalidFormat,
		"0123456789abcdef":        agentbridge.InvalidFormat,
		"":                        agentbridge.InvalidFormat,
	} {
		_, err := agentbridge.ParseConversationID(id)
		wantRefused(t, "ParseConversationID("+strconv.Quote(id)+")", err, want)
	}
}

func TestParseToken(t *testing.T) {
	token := strings.Repeat("0123456789abcdef", 4)
	for s, want := range map[string]agentbridge.Code{
		token:                        "",
		token[:63]:                   agentbridge.InvalidFormat,
		token + "0":                  agentbridge.InvalidFormat,
		strings.ToUpper(token):       agentbridge.InvalidFormat,
		token[:63] + "g":             agentbridge.InvalidFormat,
		token[:63] + "\n":            agentbridge.InvalidFormat,
		strings.Repeat("é", 64):      agentbridge.InvalidFormat, // broke reference A's comparison
		"":                           agentbridge.InvalidFormat,
		"abr_a_" + token[:58]:        agentbridge.InvalidFormat,
		strings.Repeat("\x00", 64):   agentbridge.InvalidFormat,
		" " + token[:62] + "\u00a0x": agentbridge.InvalidFormat,
	} {
		_, err := agentbridge.ParseToken(s)
		wantRefused(t, "ParseToken("+strconv.Quote(s)+")", err, want)
	}
}

func TestParseWords(t *testing.T) {
	for _, c := range []struct {
		what    string
		parse   func(string) error
		words   []string
		refused []string
	}{
		{"status", func(s string) error { _, err := agentbridge.ParseStatus(s); return err },
			[]string{"working", "waiting", "blocked", "complete"}, []string{"", "Working", "active", "working "}},
		{"action type", func(s string) error { _, err := agentbridge.ParseActionType(s); return err },
			[]string{"", "question", "info", "proposal", "blocked", "complete"}, []string{"Info", "task_assignment", " "}},
		{"seat", func(s string) error { _, err := agentbridge.ParseSeat(s); return err },
			[]string{"a", "b"}, []string{"", "A", "c", "system", "a\n"}},
	} {
		for _, s := range c.words {
			wantRefused(t, c.what+" "+strconv.Quote(s), c.parse(s), "")
		}
		for _, s := range c.refused {
			wantRefused(t, c.what+" "+strconv.Quote(s), c.parse(s), agentbridge.InvalidValue)
		}
	}
	if action, _ := agentbridge.ParseActionType(""); action != "info" {
		t.Errorf("ParseActionType(nothing) = %q, want info", action)
	}
}

func TestText(t *testing.T) {
	for _, c := range []struct {
		what, content string
		want          agentbridge.Code
	}{
		{"the largest", strings.Repeat("x", 131072), ""},
		{"a byte more", strings.Repeat("x", 131073), agentbridge.TooLarge},
		{"the largest of two-byte runes", strings.Repeat("é", 65536), ""},
		{"a rune more", strings.Repeat("é", 65536) + "x", agentbridge.TooLarge}, // bytes count, not code points
		{"nothing", "", agentbridge.Required},
		{"white space", " \n", ""},
		{"NUL", "a\x00b", agentbridge.NULByte},
		{"control characters", "\x1b[2J\u202e", ""},
		{"broken UTF-8", "a\xff", agentbridge.InvalidUTF8},
		{"a surrogate as UTF-8", "a\xed\xa0\x80", agentbridge.InvalidUTF8},
	} {
		body, err := agentbridge.Text(c.content)
		wantRefused(t, "Text("+c.what+")", err, c.want)
		if err == nil && body.Content() != c.content {
			t.Errorf("Text(%s).Content() = %q, want it unchanged", c.what, agentbridge.Preview(body.Content(), 40))
		}
	}
}

func TestParseSeatDraft(t *testing.T) {
	files := func(n int) []string { return strings.Split(strings.Repeat("main.go,", n-1)+"main.go", ",") }
	for _, c := range []struct {
		what, text, action string
		files              []string
		want               agentbridge.Code
	}{
		{"nothing", "", "", nil, ""},
		{"NUL", "\x00", "info", nil, ""},
		{"the longest", strings.Repeat("x", 50_000), "info", nil, ""},
		{"a character more", strings.Repeat("x", 50_001), "info", nil, agentbridge.TooLong},
		{"the longest, of emoji", strings.Repeat("🦜", 50_000), "info", nil, ""},
		{"an emoji more", strings.Repeat("🦜", 50_001), "info", nil, agentbridge.TooLong},
		{"broken UTF-8", "\xff", "info", nil, agentbridge.InvalidUTF8},
		{"another action type", "x", "task_assignment", nil, agentbridge.InvalidValue},
		{"20 files", "x", "info", files(20), ""},
		{"21 files", "x", "info", files(21), agentbridge.TooMany},
		{"an empty file name", "x", "info", []string{""}, agentbridge.Required},
	} {
		d, err := agentbridge.ParseSeatDraft(c.text, c.action, c.files)
		wantRefused(t, "ParseSeatDraft("+c.what+")", err, c.want)
		if err == nil && (d.Text != c.text || d.ActionType != "info" || len(d.Files) != len(c.files)) {
			t.Errorf("ParseSeatDraft(%s) = %+v", c.what, d)
		}
	}
}

func TestParseMetadata(t *testing.T) {
	const frame = len(`{"k":""}`)
	for _, c := range []struct {
		value string
		want  agentbridge.Code
	}{
		{strings.Repeat("x", 16384-frame), ""},
		{strings.Repeat("x", 16385-frame), agentbridge.TooLarge},
		{strings.Repeat("é", (16384-frame)/2), ""}, // bytes count
		{strings.Repeat("é", (16384-frame)/2+1), agentbridge.TooLarge},
		{strings.Repeat("<", 16384-frame), ""}, // and none for HTML's sake
	} {
		m, err := agentbridge.ParseMetadata("metadata", map[string]any{"k": c.value})
		wantRefused(t, "ParseMetadata("+agentbridge.Preview(c.value, 3)+")", err, c.want)
		if want := `{"k":"` + c.value + `"}`; err == nil && string(m) != want {
			t.Errorf("ParseMetadata(%s) = %s", agentbridge.Preview(c.value, 3), agentbridge.Preview(string(m), 40))
		}
	}
}

// A token in a log line admits whoever reads the log.
func TestToken_isNotPrinted(t *testing.T) {
	token := agentbridge.Token(strings.Repeat("0123456789abcdef", 4))
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("sat down", "credential", agentbridge.SeatCredential{Token: token}, "token", token)
	if strings.Contains(log.String(), string(token)) {
		t.Errorf("a log has %s", log.String())
	}
	for _, format := range []string{"%v", "%s", "%+v", "%#v", "%q", "%x", "%d"} {
		for _, v := range []any{token, &token, agentbridge.SeatCredential{Token: token}, agentbridge.NewConversation{TokenA: token, TokenB: token}} {
			if s := fmt.Sprintf(format, v); strings.Contains(s, "0123456789abcdef") || strings.Contains(s, "30313233") {
				t.Errorf("Sprintf(%s, %T) = %s", format, v, s)
			}
		}
	}
}
