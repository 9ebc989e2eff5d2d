package agentbridge

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestFits(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"*", "", true},
		{"*", "#build", true},
		{"**", "#build", true},
		{"", "", true},
		{"", "#build", false},
		{"#build", "#build", true},
		{"#build", "#build2", false},
		{"#build", "x#build", false},
		{"#build", "#Build", false},
		{"payments:*", "payments:", true},
		{"payments:*", "payments:worker", true},
		{"payments:*", "payments", false},
		{"payments:*", "other:payments:worker", false},
		{"*:worker", "payments:worker", true},
		{"*:worker", "payments:worker:2", false},
		{"a*b*c", "abc", true},
		{"a*b*c", "a-b-b-c", true},
		{"a*b*c", "acb", false},
		{"a*b*c", "abcb", false},
		{"ab*ba", "aba", false}, // what both ends need is there once only
		{"ab*ba", "abba", true},
		{"*a*a*", "a", false},
		{"*a*a*", "aa", true},
		{"a*a", "a", false},
		{"a?c", "abc", false}, // nothing but * is a sign
		{"a.c", "abc", false},
		{"[ab]", "a", false},
		{`a\*`, "a*", false},
		{"*ü*", "für", true},
		{"*\xbc*", "für", true}, // bytes; ParseScopes lets no such pattern in
	} {
		if got := fits(c.pattern, c.name); got != c.want {
			t.Errorf("fits(%q, %q) = %v, want %v", c.pattern, c.name, got, c.want)
		}
	}
}

// A pattern and a name made for each other, as long as names may be and far
// longer. A matcher that tries again from every place would not come back.
func TestFits_time(t *testing.T) {
	for _, c := range []struct {
		what, pattern, name string
	}{
		{"many stars", strings.Repeat("*a", 1<<16) + "b", strings.Repeat("a", 1<<17)},
		{"only stars", strings.Repeat("*", 1<<18) + "b", strings.Repeat("a", 1<<18)},
		{"long parts that nearly fit", strings.Repeat("*"+strings.Repeat("a", 500)+"b", 100), strings.Repeat(strings.Repeat("a", 500)+"c", 1000)},
		{"a part as long as the name", "*" + strings.Repeat("a", 1<<18) + "b*", strings.Repeat("a", 1<<19)},
	} {
		start := time.Now()
		if fits(c.pattern, c.name) {
			t.Errorf("%s: fits() = true", c.what)
		}
		if took := time.Since(start); took > time.Second { // it takes well under a hundredth of that
			t.Errorf("%s: fits() took %v", c.what, took)
		}
	}
}

func TestScope_covers(t *testing.T) {
	p := Principal{Scopes: []Scope{{VerbRead, "*"}, {VerbSend, "payments:*"}}}
	for _, c := range []struct {
		verb    Verb
		channel ChannelName
		want    bool
	}{
		{VerbRead, "#build", true},
		{VerbRead, "payments:worker", true},
		{VerbSend, "payments:worker", true},
		{VerbSend, "#build", false},
		{VerbClear, "payments:worker", false},
		{"", "payments:worker", false},
		{VerbRead, "conv_0123456789abcdef", false}, // who sits there may speak there, and nobody else
		{VerbRead, "conv_0123456789abcde", true},   // is none
	} {
		if got := p.Covers(c.verb, c.channel); got != c.want {
			t.Errorf("Covers(%s, %s) = %v, want %v", c.verb, c.channel, got, c.want)
		}
	}
	if !p.Unlimited(VerbRead) || p.Unlimited(VerbSend) || (Principal{}).Unlimited(VerbRead) {
		t.Error("Unlimited() of read:*, send:payments:* and of nobody: want true, false, false")
	}
	own := Principal{Scopes: []Scope{{VerbRead, "conv_0123456789abcdef"}}}
	if own.Covers(VerbRead, "conv_0123456789abcdef") {
		t.Error("a scope that names a conversation covers it")
	}
}

func TestParseScopes(t *testing.T) {
	for _, c := range []struct {
		in   string
		want []Scope
		code Code
	}{
		{"read:*", []Scope{{VerbRead, "*"}}, ""},
		{"send:payments:*,read:*", []Scope{{VerbSend, "payments:*"}, {VerbRead, "*"}}, ""},
		{" read:a , clear:b ", []Scope{{VerbRead, "a"}, {VerbClear, "b"}}, ""},
		{"write:a,send:a", []Scope{{VerbSend, "a"}}, ""},
		{"read:a,read:a", []Scope{{VerbRead, "a"}}, ""},
		{"read:a:b:*:c", []Scope{{VerbRead, "a:b:*:c"}}, ""},
		{"read:Ａ", []Scope{{VerbRead, "A"}}, ""}, // as channels are named
		{"read:＊", []Scope{{VerbRead, "*"}}, ""},
		{"read:**,read:***", []Scope{{VerbRead, "*"}}, ""},
		{"read:a**＊b****", []Scope{{VerbRead, "a*b*"}}, ""},
		{"read:a，b", nil, InvalidFormat}, // it would be read back as two

		{"", nil, InvalidFormat},
		{",", nil, InvalidFormat},
		{"read:a,", nil, InvalidFormat},
		{"read", nil, InvalidFormat},
		{"read:", nil, Required},
		{":a", nil, InvalidFormat},
		{"Read:a", nil, InvalidFormat},
		{"*:a", nil, InvalidFormat},
		{"admin:a", nil, InvalidFormat},
		{"read :a", nil, InvalidFormat},
		{"read: a", nil, SurroundingWhitespace},
		{"read:-rf", nil, InvalidFormat},
		{"read:../../etc", nil, InvalidFormat},
		{"read:a\nb", nil, ControlCharacter},
		{"read:a\x00", nil, ControlCharacter},
		{"read:a\u202eb", nil, ControlCharacter},
		{"read:\xff", nil, InvalidUTF8},
		{"read:pаyments", nil, InvalidFormat}, // one letter is Cyrillic
		{"read:" + strings.Repeat("a", MaxChannelName), []Scope{{VerbRead, strings.Repeat("a", MaxChannelName)}}, ""},
		{"read:" + strings.Repeat("a", MaxChannelName+1), nil, TooLong},
	} {
		got, err := ParseScopes("scope", c.in)
		if !slices.Equal(got, c.want) || CodeOf(err) != c.code {
			t.Errorf("ParseScopes(%q) = %v, %v; want %v, %q", c.in, got, err, c.want, c.code)
		}
		if e, ok := errors.AsType[*Error](err); ok && e.Field != "scope" {
			t.Errorf("ParseScopes(%q) blames %q, want scope", c.in, e.Field)
		}
	}
}

func TestParseScopes_many(t *testing.T) {
	numbered := func(n int) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprint("read:c", i))
		}
		return strings.Join(list, ",")
	}
	if got, err := ParseScopes("scope", numbered(MaxScopes)); len(got) != MaxScopes || err != nil {
		t.Errorf("ParseScopes() of %d = %d, %v", MaxScopes, len(got), err)
	}
	for _, n := range []int{MaxScopes + 1, 200_000} { // the second does not take long either
		if got, err := ParseScopes("scope", numbered(n)); got != nil || CodeOf(err) != TooMany {
			t.Errorf("ParseScopes() of %d = %d, %v; want too many", n, len(got), err)
		}
	}
	if got, err := ParseScopes("scope", strings.Repeat("read:a,", 10_000)+"read:a"); len(got) != 1 || err != nil {
		t.Errorf("ParseScopes() of one scope, repeated = %d, %v; want it once", len(got), err)
	}
}

func TestParseAccessRole(t *testing.T) {
	for _, r := range AccessRoles() {
		if got, err := ParseAccessRole("role", string(r)); got != r || err != nil {
			t.Errorf("ParseAccessRole(%q) = %q, %v", r, got, err)
		}
	}
	for _, s := range []string{"", "Admin", "admin ", "root", "viewer,admin"} {
		if got, err := ParseAccessRole("role", s); got != "" || CodeOf(err) != InvalidValue {
			t.Errorf("ParseAccessRole(%q) = %q, %v; want it refused", s, got, err)
		}
	}
}

func TestPrincipal_ended(t *testing.T) {
	revoked := errors.New("revoked")
	life, end := context.WithCancelCause(t.Context())
	p := Principal{Life: life}
	if err := p.Ended(); err != nil {
		t.Errorf("Ended() of a live one = %v", err)
	}
	if end(revoked); !errors.Is(p.Ended(), revoked) {
		t.Errorf("Ended() = %v, want %v", p.Ended(), revoked)
	}
	if err := Local().Ended(); err != nil {
		t.Errorf("Ended() of one who lives for ever = %v", err)
	}
}

func TestPrincipalOf_nobody(t *testing.T) { // who was not said to be anybody may do nothing
	p := PrincipalOf(t.Context())
	if p.Verified() || len(p.Roles) > 0 || len(p.Scopes) > 0 {
		t.Errorf("PrincipalOf() of a bare context = %+v, want nobody", p)
	}
	if got := PrincipalOf(WithPrincipal(t.Context(), Principal{Name: "alice"})); got.Name != "alice" {
		t.Errorf("PrincipalOf() = %+v, want alice", got)
	}
}

func FuzzFits(f *testing.F) {
	for _, c := range [][2]string{{"*", ""}, {"a*b*c", "abc"}, {"ab*ba", "aba"}, {"**a", "aa"}, {"*ü*", "für"}} {
		f.Add(c[0], c[1])
	}
	f.Fuzz(func(t *testing.T, pattern, name string) {
		if len(pattern) > 200 { // for the expression, not for us
			return
		}
		parts := strings.Split(pattern, "*")
		for i := range parts {
			parts[i] = regexp.QuoteMeta(parts[i])
		}
		expr, err := regexp.Compile(`(?s)\A` + strings.Join(parts, ".*") + `\z`)
		if err != nil { // no UTF-8
			return
		}
		if got, want := fits(pattern, name), expr.MatchString(name); got != want {
			t.Errorf("fits(%q, %q) = %v, %v says %v", pattern, name, got, expr, want)
		}
	})
}

func FuzzParseScopes(f *testing.F) {
	for _, s := range []string{"read:*", "send:payments:*,read:*", " write:a ,clear:*b*", "read:", "read:\xff", "read:Ａ", "read:a，b", ",,"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		scopes, err := ParseScopes("scope", s)
		if err != nil {
			if scopes != nil || CodeOf(err) == Internal {
				t.Fatalf("ParseScopes(%q) = %v, %v", s, scopes, err)
			}
			return
		}
		var texts []string
		for _, sc := range scopes {
			texts = append(texts, sc.String())
			if !slices.Contains([]Verb{VerbRead, VerbSend, VerbClear}, sc.Verb) || sc.Pattern == "" {
				t.Errorf("ParseScopes(%q) holds %+v", s, sc)
			}
			if sc.Covers(sc.Verb, "conv_0123456789abcdef") {
				t.Errorf("%v covers a conversation", sc)
			}
		}
		again, err := ParseScopes("scope", strings.Join(texts, ","))
		if err != nil || !slices.Equal(again, scopes) || len(scopes) == 0 || len(scopes) > MaxScopes {
			t.Errorf("ParseScopes(%q) = %v, which is read back as %v, %v", s, scopes, again, err)
		}
	})
}
