package agentbridge_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"agentbridge"
	"agentbridge/bridgetest"

	"golang.org/x/text/unicode/norm"
)

func TestParseChannelName(t *testing.T) {
	for _, c := range []struct {
		name, want string // "" if refused
		code       agentbridge.Code
	}{
		{"payments:worker one", "payments:worker one", ""},
		{"#build", "#build", ""},
		{"a/b//c/", "a/b//c/", ""},
		{"v1..v2", "v1..v2", ""},
		{"a.../b", "a.../b", ""},
		{"тест", "тест", ""},
		{"строка-test", "строка-test", ""},
		{"日本語:作業", "日本語:作業", ""},
		{"東京tower ひらがなkana", "東京tower ひらがなkana", ""}, // no letters that look the same
		{"⚙️ tools 🦜", "⚙️ tools 🦜", ""},
		{"ｐａｙ：１", "pay:1", ""}, // as a keyboard for Japanese writes it
		{"cafe\u0301", "café", ""},
		{"ﬁle №5", "file No5", ""},
		{"system", "system", ""}, // a subject, not a speaker
		{"admin", "admin", ""},

		{"conv_0123456789abcdef", "", agentbridge.Reserved},
		{"ｃｏｎｖ＿0123456789abcdef", "", agentbridge.Reserved},
		{"ﬀ\u200b", "", agentbridge.ControlCharacter},
		{"zero\u200bwidth", "", agentbridge.ControlCharacter},
		{"a\u202eb", "", agentbridge.ControlCharacter},
		{"soft\u00adhyphen", "", agentbridge.ControlCharacter},
		{"می\u200cخواهم", "", agentbridge.ControlCharacter},
		{"👩\u200d💻", "", agentbridge.ControlCharacter},
		{"\u3164", "", agentbridge.ControlCharacter},
		{"a\ufe0f", "", agentbridge.ControlCharacter},
		{"a\U000e0041", "", agentbridge.ControlCharacter},
		{"a" + strings.Repeat("\u0332", 20), "", agentbridge.ControlCharacter},
		{"two\nlines", "", agentbridge.ControlCharacter},
		{"\ue000", "", agentbridge.InvalidFormat},
		{"a\u0378", "", agentbridge.InvalidFormat},
		{"a\uffff", "", agentbridge.InvalidFormat},
		{"-rf", "", agentbridge.InvalidFormat},
		{"－rf", "", agentbridge.InvalidFormat},
		{".hidden", "", agentbridge.InvalidFormat},
		{"..", "", agentbridge.InvalidFormat},
		{"a/../b", "", agentbridge.InvalidFormat},
		{"a/..", "", agentbridge.InvalidFormat},
		{`a\..\b`, "", agentbridge.InvalidFormat},
		{"a／．．／b", "", agentbridge.InvalidFormat},
		{"a/b../../c", "", agentbridge.InvalidFormat},
		{"p\u0430yments", "", agentbridge.InvalidFormat},
		{"build-p\u03b1y", "", agentbridge.InvalidFormat},
		{"тест1a", "", agentbridge.InvalidFormat},
		{"¨x", "", agentbridge.SurroundingWhitespace}, // becomes a space and a mark
		{"　a", "", agentbridge.SurroundingWhitespace},
		{strings.Repeat("ﷺ", 20), "", agentbridge.TooLong}, // 18 characters each
		{strings.Repeat("x", 1<<20), "", agentbridge.TooLong},
	} {
		got, err := agentbridge.ParseChannelName(c.name)
		if string(got) != c.want || agentbridge.CodeOf(err) != c.code {
			t.Errorf("ParseChannelName(%+.60q) = %+q, %v, want %+q, %q", c.name, got, err, c.want, c.code)
		}
	}
}

func TestParseChannelName_sentences(t *testing.T) {
	for name, want := range map[string]string{
		"p\u0430yments": "channel: must not mix Latin and Cyrillic letters in one word; write each word in one alphabet",
		"a\u202eb":      "channel: must not contain invisible or formatting characters; take out U+202E",
		"-rf":           `channel: must not begin with "-"; begin it with a letter or a digit`,
		"a/../b":        `channel: must not hold ".." between slashes; leave it out`,
		"\ue000":        "channel: must not contain characters that have no meaning in Unicode; take out U+E000",
	} {
		if _, err := agentbridge.ParseChannelName(name); err == nil || err.Error() != want {
			t.Errorf("ParseChannelName(%+q) = %v, want %s", name, err, want)
		}
	}
}

// Mallory signs as the bridge, or as whoever runs it.
func TestParseAgentName_reserved(t *testing.T) {
	for _, name := range []string{
		"system", "System", "SYSTEM", "bridge", "BRIDGE", "operator", "admin", "Admin",
		"ѕуѕтем", "ＳＹＳＴＥＭ", "аdmin", "ᴀᴅᴍɪɴ", "adm1n", "0perator", "adrnin", "@dmin", "sy5tem", "br!dge",
		"ádmin", "öperator", "𝐚𝐝𝐦𝐢𝐧", "ⓐⓓⓜⓘⓝ", "admın", "ADMİN",
	} {
		if _, err := agentbridge.ParseAgentName("sender", name); agentbridge.CodeOf(err) != agentbridge.Reserved && !isMixed(err) {
			t.Errorf("ParseAgentName(%q) = %v, want it refused as reserved", name, err)
		}
	}
	for _, name := range []string{ // what agents are called, in the references too
		"local", "a", "b", "mac", "windows", "linux", "watcher", "dashboard", "agent", "orchestrator", "mac-reviewer", "administrator-docs",
		"bridge-reviewer", "system-tests", "operators", "тест", "строка", "админ", "алиса", "café", "日本", "o'neil", "x@y.example", "DOMAIN\\user", "root",
	} {
		if got, err := agentbridge.ParseAgentName("sender", name); err != nil || string(got) != name {
			t.Errorf("ParseAgentName(%q) = %q, %v, want it to stay", name, got, err)
		}
	}
}

func isMixed(err error) bool { return err != nil && strings.Contains(err.Error(), "must not mix") }

func TestParseRole_unseen(t *testing.T) {
	for role, want := range map[string]agentbridge.Code{
		"backend_developer": "", "توسعه\u200cدهنده": "", "C++ dev ™ 👩\u200d💻": "", "-flag": "", "тестировщик": "",
		"back\u202eend": agentbridge.ControlCharacter, "zero\u200bwidth": agentbridge.ControlCharacter, "dev" + strings.Repeat("\u0336", 40): agentbridge.ControlCharacter,
		"two\nlines": agentbridge.ControlCharacter, "dev\ufe0f": agentbridge.ControlCharacter,
	} {
		got, err := agentbridge.ParseRole("my_role", role)
		wantRefused(t, "ParseRole("+role+")", err, want)
		if err == nil && string(got) != role {
			t.Errorf("ParseRole(%q) = %q, want it unchanged", role, got)
		}
	}
}

// A listing must go past names that were stored before today's rules.
func TestParseListed(t *testing.T) {
	for name, want := range map[string]agentbridge.Code{
		"build": "", "zero\u200bwidth": "", "../x": "", "p\u0430y": "",
		"": agentbridge.Required, "a\nb": agentbridge.ControlCharacter, "conv_0123456789abcdef": agentbridge.Reserved,
	} {
		got, err := agentbridge.ParseListed("after_channel", name)
		wantRefused(t, "ParseListed("+name+")", err, want)
		if err == nil && string(got) != name {
			t.Errorf("ParseListed(%q) = %q, want it unchanged", name, got)
		}
	}
}

func TestLookAlike(t *testing.T) {
	for name, want := range map[string]string{
		"payments:worker": "payments:worker",
		"O0l1I|rn":        "O0l1I|rn", // what ASCII does to itself is nobody's disguise
		"рау":             "pay",
		"РАУ":             "PAУ", // У looks like no letter of ASCII
		"ѕсоре":           "scope",
		"хоѕе":            "xose",
		"αρι":             "api",
		"ΑΡΙ":             "API",
		"ОРS":             "OPS",
		"զօօ":             "qoo",
		"ᎠᎬᏙ":             "DEV",
		"paypaӏ":          "paypal",
		"ɡıt":             "git",
		"a∶b—c":           "a:b-c",
		"⚙️":              "⚙",
		"日本":              "日本",
		"café":            "café",
	} {
		if got := agentbridge.LookAlike(name); got != want {
			t.Errorf("LookAlike(%q) = %q, want %q", name, got, want)
		}
		if again := agentbridge.LookAlike(want); again != want {
			t.Errorf("LookAlike(%q) = %q, want it to stay", want, again)
		}
	}
}

// Every name is checked on every call.
func TestParseNames_allocateNothing(t *testing.T) {
	n := testing.AllocsPerRun(100, func() {
		_, _ = agentbridge.ParseChannelName("payments:worker/one")
		_, _ = agentbridge.ParseAgentName("sender", "mac-reviewer")
		_, _ = agentbridge.ParseRole("my_role", "backend_developer")
	})
	if n != 0 {
		t.Errorf("parsing three names of ASCII allocates %v times", n)
	}
}

func FuzzParseChannelName(f *testing.F) {
	for _, p := range bridgetest.Hostile() {
		f.Add(p.Text)
	}
	f.Fuzz(func(t *testing.T, s string) {
		channel, err := agentbridge.ParseChannelName(s)
		if err == nil {
			wantName(t, string(channel), agentbridge.MaxChannelName)
			if again, err := agentbridge.ParseChannelName(string(channel)); err != nil || again != channel {
				t.Errorf("ParseChannelName(%+q) = %+q, %v: not at rest", channel, again, err)
			}
			if channel.Private() {
				t.Errorf("ParseChannelName(%+q) = %q, a conversation", s, channel)
			}
		}
		agent, err := agentbridge.ParseAgentName("sender", s)
		if err == nil {
			wantName(t, string(agent), agentbridge.MaxAgentName)
			if again, err := agentbridge.ParseAgentName("sender", string(agent)); err != nil || again != agent {
				t.Errorf("ParseAgentName(%+q) = %+q, %v: not at rest", agent, again, err)
			}
		}
		skeleton := agentbridge.LookAlike(s)
		if again := agentbridge.LookAlike(skeleton); again != skeleton {
			t.Errorf("LookAlike(%+q) = %+q: not at rest", skeleton, again)
		}
	})
}

func wantName(t *testing.T, name string, limit int) {
	t.Helper()
	unnamed := func(r rune) bool {
		return unicode.In(r, unicode.C, unicode.Zl, unicode.Zp)
	}
	switch {
	case !utf8.ValidString(name), !norm.NFKC.IsNormalString(name), utf8.RuneCountInString(name) > limit, name != strings.TrimSpace(name), name == "":
		t.Errorf("%+q is no name", name)
	case strings.ContainsFunc(name, unnamed), strings.HasPrefix(name, "-"), strings.HasPrefix(name, "."), strings.Contains("/"+name+"/", "/../"):
		t.Errorf("%+q is a hostile name", name)
	}
}
