package bridgetest

import (
	"strings"
	"testing"

	"agentbridge"
)

// Stored is what is stored of a text that is sent to a channel and holds no
// secret, and how many characters are taken out of it. Nothing is left of a
// text that is "" then: it is refused.
func Stored(t testing.TB, text string) (content string, sanitized int) {
	t.Helper()
	body, err := agentbridge.Text(text)
	if err != nil {
		t.Fatalf("Text(%+q) = %v", agentbridge.Preview(text, 40), err)
	}
	body, sanitized, err = body.Clean()
	if err != nil && agentbridge.CodeOf(err) != agentbridge.Required {
		t.Fatalf("Clean(%+q) = %v", agentbridge.Preview(text, 40), err)
	}
	return body.Content(), sanitized
}

// Said is Stored for what is said in a conversation, where a text may be empty.
func Said(text string) (stored string, sanitized int) {
	if v, ok := container(text); ok {
		if v, n := agentbridge.CleanJSON(v); n > 0 {
			return string(agentbridge.CanonicalJSON(v)), n
		}
		return text, 0
	}
	clean, n := agentbridge.Clean(text)
	if _, ok := container(clean); ok && n > 0 {
		clean, more := Said(clean)
		return clean, n + more
	}
	return clean, n
}

// container decodes an object or a list.
func container(text string) (any, bool) {
	if trimmed := strings.TrimLeft(text, " \t\r\n"); trimmed == "" || !strings.Contains("{[", trimmed[:1]) {
		return nil, false
	}
	v, err := agentbridge.DecodeJSON("text", []byte(text))
	return v, err == nil
}
