package bridgetest

import (
	"testing"

	"agentbridge"

	"github.com/google/go-cmp/cmp"
)

func testSendAnyText(t *testing.T, alice, bob *Agent) { // what nobody should obey is taken out, and that is said
	var stored []string
	for _, text := range []string{
		"\x1b[2Ja\u202eb\u200b", "one\u2028two\r\nthree\r", `{ "b": "\u001b[2J", "\u200ba": 1.50 }`, "\u200b[\"\\u202ex\"]",
		`{"schema_version":1,"type":"t","content":"\u0007"}`, "plain \ufffd 🦜 é",
	} {
		want, sanitized := Stored(t, text)
		stored = append(stored, want)
		if sent := alice.MustSend("#any", text); sent.Sanitized != sanitized || sent.Redacted != nil {
			t.Errorf("Send(%+q) = %d taken out, redacted %v; want %d and nothing", text, sent.Sanitized, sent.Redacted, sanitized)
		}
	}
	WantTexts(t, "Read()", bob.MustRead(agentbridge.ReadRequest{Channel: "#any"}).Messages, stored...)
	for _, text := range []string{"\x01", "\x1b\u200b", "\r"} {
		_, err := alice.Send(t.Context(), alice.Draft("#any", text))
		WantErr(t, agentbridge.Required, err)
	}
}

func testSendSecret(t *testing.T, alice, bob *Agent) { // a secret is not stored, and the sender is told
	sent := alice.MustSend("#any", "password: Xk29-fLqa81Zp\x07")
	if diff := cmp.Diff(map[string]int{"PASSWORD_REDACTED": 1}, sent.Redacted); diff != "" || sent.Sanitized != 1 {
		t.Errorf("Send() = %d taken out, want 1; redacted (-want +got):\n%s", sent.Sanitized, diff)
	}
	bob.WantRead("#any", "password: PASSWORD_REDACTED")
}
