package token_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"agentbridge"
	"agentbridge/internal/token"
)

func TestMintAPI(t *testing.T) {
	seen := map[agentbridge.APIToken]bool{}
	for range 1000 {
		minted := token.MintAPI()
		parsed, ok := token.ParseAPI(string(minted))
		if !ok || parsed != minted || len(minted) != len(agentbridge.APITokenPrefix)+49 {
			t.Fatalf("ParseAPI(%q) = %q, %v; want the token of 49 digits that was minted", string(minted), string(parsed), ok)
		}
		if seen[minted] {
			t.Fatalf("MintAPI() returned %q twice", string(minted))
		}
		seen[minted] = true
	}
}

// What was mistyped, cut short or made up ends before anything is looked up.
func TestParseAPI_refuses(t *testing.T) {
	good := string(token.MintAPI())
	digits := strings.TrimPrefix(good, agentbridge.APITokenPrefix)
	bad := map[string]string{
		"nothing":             "",
		"the prefix":          agentbridge.APITokenPrefix,
		"cut short":           good[:len(good)-1],
		"the beginning":       good[:len(good)/2],
		"too long":            good + "0",
		"a line":              good + "\n",
		"a space before":      " " + good,
		"no prefix":           digits,
		"another kind":        "abr_join_" + digits[1:],
		"in capitals":         strings.ToUpper(good),
		"a shared secret":     strings.Repeat("0123456789abcdef", 4),
		"another alphabet":    good[:20] + "-" + good[21:],
		"a letter of Unicode": good[:20] + "é" + good[22:],
		"a NUL":               good[:20] + "\x00" + good[21:],
	}
	for i := len(agentbridge.APITokenPrefix); i < len(good); i++ {
		other := byte('A')
		if good[i] == other {
			other = 'B'
		}
		bad[fmt.Sprintf("digit %d mistyped", i)] = good[:i] + string(other) + good[i+1:]
	}
	for what, text := range bad {
		if parsed, ok := token.ParseAPI(text); ok {
			t.Errorf("ParseAPI(%s: %q) = %q, true; want false", what, text, string(parsed))
		}
	}
}

func TestIDOf(t *testing.T) {
	a, b := token.MintAPI(), token.MintAPI()
	id := token.IDOf(token.DigestOf(a))
	if len(id) != 8 || id != token.IDOf(token.DigestOf(a)) || id == token.IDOf(token.DigestOf(b)) {
		t.Errorf("IDOf = %q; want 8 digits, the same for one token and others for another", id)
	}
	if strings.Contains(string(a), id) {
		t.Errorf("IDOf(%q) = %q, which is a part of it", string(a), id)
	}
}

// A token that gets into a log or an answer by accident is not shown.
func TestAPIToken_isNotWritten(t *testing.T) {
	minted := token.MintAPI()
	encoded, err := json.Marshal(struct{ Token agentbridge.APIToken }{minted})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{string(encoded), fmt.Sprint(minted), fmt.Sprintf("%s %q %v %+v %x", minted, minted, minted, struct{ T agentbridge.APIToken }{minted}, minted)} {
		if strings.Contains(text, string(minted)[8:20]) || bytes.Contains([]byte(text), fmt.Appendf(nil, "%x", string(minted)[8:20])) {
			t.Errorf("%q holds the token", text)
		}
	}
}

func BenchmarkParseAPI(b *testing.B) {
	text := string(token.MintAPI())
	for b.Loop() {
		minted, _ := token.ParseAPI(text)
		_ = token.IDOf(token.DigestOf(minted))
	}
}
