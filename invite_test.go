package agentbridge_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"agentbridge"
)

func TestInvite(t *testing.T) {
	random := [12]byte{0, 1, 9, 10, 17, 18, 19, 20, 21, 22, 31, 32 + 26}
	code := agentbridge.MakeInvite(random)
	if code != "019A-HJKM-NPZT" || code.ID() != "019A" {
		t.Fatalf("MakeInvite() = %s with id %s, want 019A-HJKM-NPZT with id 019A", string(code), code.ID())
	}
	for _, text := range []string{
		"019A-HJKM-NPZT", "019a-hjkm-npzt", "019AHJKMNPZT", " 019a hjkm npzt ", "0-1-9-A-H-J-K-M-N-P-Z-T",
		"O19A-HJKM-NPZT", "oi9a-hjkm-npzt", "OL9A-HJKM-NPZT", "ol9ahjkmnpzt", // as people read them aloud
	} {
		if got, err := agentbridge.ParseInvite(text); err != nil || got != code {
			t.Errorf("ParseInvite(%q) = %s, %v; want %s", text, string(got), err, string(code))
		}
	}
	if id := agentbridge.Invite("01").ID(); id != "01" {
		t.Errorf("ID() of what was never parsed = %q, want what there is", id)
	}
}

func TestParseInvite_refuses(t *testing.T) {
	for _, text := range []string{
		"", "-", "019A", "019A-HJKM-NPZ", "019A-HJKM-NPZTX", "019A-HJKM-NPZU", "019A_HJKM_NPZT", "019A-HJKM-NPZ\x00", "019A\nHJKM-NPZT",
		"０19A-HJKM-NPZT", "019A-HJKM-NPZ\xff", "conv_0123456789abcdef", strings.Repeat("7", 64), strings.Repeat("-", 1<<16),
	} {
		code, err := agentbridge.ParseInvite(text)
		if agentbridge.CodeOf(err) != agentbridge.InvalidFormat || code != "" {
			t.Errorf("ParseInvite(%q) = %s, %v; want it refused as %s", agentbridge.Preview(text, 40), string(code), err, agentbridge.InvalidFormat)
		}
		if text != "" && text != "-" && err != nil && strings.Contains(err.Error(), text) {
			t.Errorf("ParseInvite(%q) = %v, which repeats it", text, err)
		}
	}
}

// A code is a password for ten minutes: it must not get into a log by accident.
func TestInvite_showsNothing(t *testing.T) {
	code := agentbridge.MakeInvite([12]byte{1, 2, 3})
	encoded, err := json.Marshal(map[string]any{"code": code, "new": agentbridge.NewConversation{Invite: code}})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(code), fmt.Sprintf("%v %s %q %x %#v", code, code, code, code, code),
		fmt.Sprintf("%+v", agentbridge.NewConversation{Invite: code}), string(encoded)} {
		if strings.Contains(text, "1230") || strings.Contains(text, "0000-0000") {
			t.Errorf("a code shows itself: %s", text)
		}
	}
}
