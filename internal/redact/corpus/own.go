package corpus

// ownKinds are what agentbridge itself gives out.
var ownKinds = []kind{
	{"conversation-token-json", []string{
		`{"conversation_id": "conv-«hex:12»", "session_id": "a", "token": "«!hex:64»"}`, `{"conversation_id":"«uuid»","session_a_token":"«!hex:64»","session_b_token":"«!hex:64»","expires_at":"«ts»"}`,
	}},
	{"conversation-token-text", []string{
		"session_a_token: «!hex:64»", "Join with conversation conv-«hex:12», session b, token «!hex:64»", "session_b_token=«!hex:64»", "**Your token:** `«!hex:64»`", "- token: «!hex:64»\n- session: b",
	}},
	{"conversation-token-call", []string{`{"name": "send_to_partner", "arguments": {"conversation_id": "conv-«hex:12»", "session_id": "a", "token": "«!hex:64»", "message": "hi"}}`, "send_to_partner(conversation_id='conv-«hex:12»', session_id='a', token='«!hex:64»', message='hi')", "agentbridge send --session a --token «!hex:64» hello"}},
	{"api-token", []string{
		"‹abr_api_«b62:49»›", "curl -H 'Authorization: Bearer ‹abr_api_«b62:49»›' http://«ip»:7777/api/channels", "AGENTBRIDGE_TOKEN=‹abr_api_«b62:49»›", "I use ‹abr_api_«b62:49»› for the relay, is that right?",
		`{"url": "http://«host»:7777/mcp", "headers": {"Authorization": "Bearer ‹abr_api_«b62:49»›"}}`,
	}},
}
