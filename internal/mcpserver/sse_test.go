package mcpserver

import (
	"regexp"
	"strings"
	"testing"
)

func TestSSE_speaksAsReferenceB(t *testing.T) {
	b := newBench(t, transportOptions{}).serve()
	sse := b.start("GET", "/sse", "", nil)
	if line := sse.want(t, ""); line != "event: endpoint" {
		t.Errorf("first line %q, want event: endpoint", line)
	}
	line := sse.want(t, "data: ")
	if !regexp.MustCompile(`^data: /messages/\?session_id=[0-9a-f]{32}$`).MatchString(line) {
		t.Errorf("endpoint %q", line)
	}
	path := strings.TrimPrefix(line, "data: ")
	resp, body := b.do("POST", path, legacyInit, nil)
	if resp.StatusCode != 202 || body != "Accepted" {
		t.Errorf("POST: %d %q, want 202 Accepted", resp.StatusCode, body)
	}
	sse.want(t, "event: message")
	sse.want(t, `data: {"jsonrpc":"2.0","id":0,"result"`)

	// Without the slash it is the same place.
	resp, body = b.do("POST", strings.Replace(path, "/?", "?", 1), legacyCall(1, "report", "hi"), nil)
	wantStatus(t, "POST /messages", resp, body, 202, "Accepted")
	sse.want(t, `"text":"hi"`)
	b.wantLeft(true)

	for _, c := range []struct {
		method, path, body string
		status             int
		text               string
	}{
		{"POST", "/messages/", "{}", 400, "session_id is required"},
		{"POST", "/messages/?session_id=zz", "{}", 400, "Invalid session ID"},
		{"POST", "/messages/?session_id=" + strings.Repeat("0", 32), "{}", 404, "Could not find session"},
		{"POST", path, "{", 400, `"code":-32700`},
		{"GET", path, "", 405, "error"},
		{"POST", "/sse", "{}", 405, "error"},
	} {
		resp, body := b.do(c.method, c.path, c.body, nil)
		wantStatus(t, c.method+" "+c.path, resp, body, c.status, c.text)
	}
}

func TestSSE_survivesBombs(t *testing.T) {
	b := newBench(t, transportOptions{}).serve()
	l := b.listenSSE()
	for name, bomb := range bombs() {
		resp, body := b.do("POST", l.path, bomb.message, nil)
		switch {
		case len(bomb.message) > 1<<20:
			wantStatus(t, name, resp, body, 413, "exceeds")
		case bomb.refused:
			wantStatus(t, name, resp, body, 400, `"code":-32700`)
		default:
			wantStatus(t, name, resp, body, 202, "Accepted")
			l.want(t, `"text":"ok"`)
		}
	}
	b.post(l, legacyCall(1, "echo", "alive"))
	l.want(t, "alive")
}
