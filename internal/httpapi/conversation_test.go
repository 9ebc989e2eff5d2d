package httpapi_test

import (
	"strings"
	"testing"

	"agentbridge"
	"agentbridge/internal/httpapi"
)

func TestConversations(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	a := h.post("/api/conversations", `{"my_role":"developer","partner_role":"reviewer"}`)
	body := a.wantKeys("conversation_id", "session_id", "session_a_token", "session_b_token", "expires_at", "invite", "invite_expires_at")
	if a.status != 200 || a.header.Get("Cache-Control") != "no-store" || body["session_id"] != "a" {
		t.Errorf("%s = %d %v", a.call, a.status, a.header)
	}
	seat := h.bridge.MustSit(agentbridge.SeatCredential{Conversation: agentbridge.ConversationID(str(body["conversation_id"])), Seat: agentbridge.SeatB,
		Token: agentbridge.Token(str(body["session_b_token"]))})
	seat.MustSend("hello") // the token admits

	h.post("/api/conversations", `{"my_role":"x","partner_role":"reviewer"}`).wantRefused(400, "must be at least 3 characters", "my_role", "too_short")
	h.post("/api/conversations", `{"my_role":"developer"}`).wantRefused(400, "must be a string", "partner_role", "invalid_type")
	for _, secret := range []string{"session_a_token", "session_b_token", "invite"} {
		if strings.Contains(h.log.String(), str(body[secret])) {
			t.Errorf("the log holds the %s", secret)
		}
	}
}

func TestConversations_join(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	made := h.post("/api/conversations", `{"my_role":"developer","partner_role":"reviewer"}`).wantKeys("conversation_id", "session_id", "session_a_token", "session_b_token", "expires_at", "invite", "invite_expires_at")
	code := str(made["invite"])
	a := h.post("/api/conversations/join", `{"invite":"`+strings.ToLower(code)+`"}`)
	body := a.wantKeys("conversation_id", "session_id", "session_b_token", "role", "partner_role", "expires_at")
	if a.status != 200 || a.header.Get("Cache-Control") != "no-store" || body["session_id"] != "b" || body["role"] != "reviewer" || body["partner_role"] != "developer" {
		t.Errorf("%s = %d %v %v", a.call, a.status, a.header, body)
	}
	for _, same := range []string{"conversation_id", "session_b_token", "expires_at"} {
		if body[same] != made[same] {
			t.Errorf("%s = another %s than its creator was shown", a.call, same)
		}
	}

	const wrong = "does not admit: it is wrong, was used, or is older than 10 minutes; check it, or ask your partner to create a new conversation and to give you that invite"
	h.post("/api/conversations/join", `{"invite":"`+code+`"}`).wantRefused(401, wrong, "invite", "unauthenticated")
	h.post("/api/conversations/join", `{"invite":"7K3M"}`).wantRefused(400, "must be the 12 letters and digits that create_conversation returned as invite, as 7K3M-9QWE-R2TX", "invite", "invalid_format")
	h.post("/api/conversations/join", `{}`).wantRefused(400, "must be a string", "invite", "invalid_type")
	if log := h.log.String(); strings.Contains(log, code) || strings.Contains(log, code[5:]) || strings.Contains(log, str(body["session_b_token"])) {
		t.Errorf("the log holds the code or the token: %s", log)
	}
}
