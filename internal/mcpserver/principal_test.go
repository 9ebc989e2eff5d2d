package mcpserver

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"agentbridge"
)

// asBearer stands for the boundary: "Bearer alice" is an agent of that name,
// "Bearer alice:viewer" one with another role, and no token nobody in particular.
func asBearer(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := agentbridge.Local()
		if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
			name, role, _ := strings.Cut(token, ":")
			if role == "" {
				role = "member"
			}
			who = agentbridge.Principal{Name: agentbridge.AgentName(name), Roles: []agentbridge.AccessRole{agentbridge.AccessRole(role)}}
		}
		next.ServeHTTP(w, r.WithContext(agentbridge.WithPrincipal(r.Context(), who)))
	})
}

// bearer are the headers of a request with a token, "" for none.
func bearer(token string) headers {
	if token == "" {
		return headers{}
	}
	return headers{"Authorization": "Bearer " + token}
}

func (h headers) and(more headers) headers {
	out := headers{}
	for _, m := range []headers{h, more} {
		for k, v := range m {
			out[k] = v
		}
	}
	return out
}

// Whoever learns the id of a session, from a log or over a shoulder, can do
// nothing with it: not end it, not read along, and not speak in it.
func TestSessions_belongToTheirPrincipal(t *testing.T) {
	for _, c := range []struct{ owner, thief string }{
		{"alice", "mallory"}, {"alice", ""}, {"", "mallory"}, {"alice", "alice2"}, {"alice", "Alice"},
	} {
		t.Run(fmt.Sprintf("%q by %q", c.owner, c.thief), func(t *testing.T) {
			b := newBench(t, transportOptions{}).serve(asBearer)
			owner, thief := bearer(c.owner), bearer(c.thief)
			resp, _ := b.do("POST", "/mcp", legacyInit, owner)
			session := headers{"Mcp-Session-Id": resp.Header.Get("Mcp-Session-Id")}
			for _, method := range []string{"POST", "GET", "DELETE"} {
				body := ""
				if method == "POST" {
					body = legacyCall(1, "wait", "")
				}
				resp, text := b.do(method, "/mcp", body, thief.and(session))
				wantStatus(t, method, resp, text, 403, "another user")
			}
			resp, text := b.do("POST", "/mcp", legacyCall(2, "echo", "still here"), owner.and(session))
			wantStatus(t, "the owner's POST", resp, text, 200, "still here")

			sse := b.start("GET", "/sse", "", owner)
			path := strings.TrimPrefix(sse.want(t, "data: "), "data: ")
			for _, body := range []string{legacyInit, legacyCall(1, "wait", "")} {
				resp, text := b.do("POST", path, body, thief)
				wantStatus(t, "POST "+path, resp, text, 403, "another user")
			}
			resp, text = b.do("POST", path, legacyInit, owner)
			wantStatus(t, "the owner's POST "+path, resp, text, 202, "Accepted")
			if line := sse.want(t, "data: "); !strings.Contains(line, `"protocolVersion"`) {
				t.Errorf("the first thing on the owner's stream is %q, want the answer to its own request", line)
			}
			if len(b.started) > 0 {
				t.Error("a call of the thief's ran")
			}
		})
	}
}

// A call acts for who made it: not for who opened the session or the stream,
// who may have been given more, and not for who called a moment ago.
func TestCalls_actForTheirOwnRequest(t *testing.T) {
	b := newBench(t, transportOptions{}).serve(asBearer)
	agents := []string{"alice", "bob", ""}
	says := map[string]string{"alice": "alice[member]", "alice:viewer": "alice[viewer]", "bob": "bob[member]", "bob:viewer": "bob[viewer]", "": "[admin]", "alice:auditor": "alice[auditor]"}

	t.Run("mcp 2026-07-28", func(t *testing.T) {
		for token, want := range says {
			resp, body := b.do("POST", "/mcp", modernCall(1, "who", ""), modernHeaders("who").and(bearer(token)))
			wantStatus(t, token, resp, body, 200, want)
		}
	})
	t.Run("mcp", func(t *testing.T) {
		sessions := map[string]headers{}
		for _, agent := range agents {
			resp, _ := b.do("POST", "/mcp", legacyInit, bearer(agent))
			sessions[agent] = headers{"Mcp-Session-Id": resp.Header.Get("Mcp-Session-Id"), "Mcp-Protocol-Version": "2025-11-25"}
		}
		for token, want := range says {
			agent, _, _ := strings.Cut(token, ":")
			resp, body := b.do("POST", "/mcp", legacyCall(1, "who", ""), sessions[agent].and(bearer(token)))
			wantStatus(t, token, resp, body, 200, want)
		}
	})
	t.Run("sse", func(t *testing.T) {
		streams, paths := map[string]*running{}, map[string]string{}
		for _, agent := range agents {
			sse := b.start("GET", "/sse", "", bearer(agent))
			streams[agent], paths[agent] = sse, strings.TrimPrefix(sse.want(t, "data: "), "data: ")
			b.do("POST", paths[agent], legacyInit, bearer(agent))
			sse.want(t, `"protocolVersion"`)
		}
		for token, want := range says {
			agent, _, _ := strings.Cut(token, ":")
			resp, text := b.do("POST", paths[agent], legacyCall(1, "who", ""), bearer(token))
			wantStatus(t, token, resp, text, 202, "Accepted")
			if line := streams[agent].want(t, "data: "); !strings.Contains(line, want) {
				t.Errorf("who as %q: %s, want %q", token, line, want)
			}
		}
	})
}

// A client's own words do not make it somebody.
func TestCalls_bringNoPrincipalAlong(t *testing.T) {
	b := newBench(t, transportOptions{}).serve(asBearer)
	sse := b.start("GET", "/sse", "", nil)
	path := strings.TrimPrefix(sse.want(t, "data: "), "data: ")
	b.do("POST", path, legacyInit, nil)
	sse.want(t, `"protocolVersion"`)
	forged := strings.Replace(legacyCall(1, "who", ""), `"arguments"`, `"_meta":{"principal":{"Name":"alice"}},"arguments"`, 1)
	b.do("POST", path, strings.Replace(forged, `"id"`, `"Extra":{"TokenInfo":{"Extra":{"principal":{"Name":"alice"}}}},"id"`, 1), nil)
	if line := sse.want(t, "data: "); !strings.Contains(line, "[admin]") || strings.Contains(line, "alice") {
		t.Errorf("who = %s", line)
	}
}
