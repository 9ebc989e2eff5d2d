package main

import (
	"bytes"
	"encoding/json"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"agentbridge"
	"agentbridge/bridgetest"
)

// theatre is a database that Mallory has been at, before names were checked and
// texts were cleaned as they are now: every payload stands in it in every field.
// She came back since.
type theatre struct {
	*testing.T
	id    agentbridge.ConversationID // of a conversation that holds all payloads
	names []string                   // of channels
}

func newTheatre(t *testing.T) *theatre {
	t.Helper()
	s := &theatre{T: t}
	bridge := bridgetest.Unlimited(t)
	t.Setenv("AGENTBRIDGE_DB", filepath.Join(bridge.Dir, bridgetest.Database))
	t.Setenv("AGENTBRIDGE_KEY_FILE", filepath.Join(bridge.Dir, bridgetest.KeyFile))
	t.Setenv("AGENTBRIDGE_AUDIT_KEY", filepath.Join(bridge.Dir, bridgetest.AuditKeyFile))
	a, _ := bridge.Pair("backend", "frontend")
	s.id = a.Credential.Conversation
	for i, p := range bridgetest.Hostile() {
		s.store(bridge, a, i, p.Text)
	}
	bridge.Close()
	return s
}

// store puts one payload wherever the store takes it.
func (s *theatre) store(bridge *bridgetest.Bridge, a *bridgetest.Seat, i int, p string) {
	name := agentbridge.Preview(p, 100)
	mallory := bridge.Agent(agentbridge.AgentName(name))
	channel := agentbridge.ChannelName(strconv.Itoa(i) + " " + name)
	must := func(what string, err error) {
		s.Helper()
		if err != nil {
			s.Errorf("%s of %+.60q: %v, want it stored: it is only text", what, p, err)
		}
	}
	sent, err := bridge.Older(channel, mallory.Name, p)
	must("Older", err)
	s.names = append(s.names, string(channel))
	_, err = mallory.Ack(s.Context(), agentbridge.Ack{Channel: channel, Consumer: mallory.Name, MessageID: sent.ID})
	must("Ack", err)
	_, err = bridge.Older("all", mallory.Name, p)
	must("Older", err)
	made, err := mallory.CreateConversation(s.Context(), agentbridge.Role(name), agentbridge.Role(name))
	must("CreateConversation", err)
	must("OlderRoles", bridge.OlderRoles(made.ID, agentbridge.Role(name), agentbridge.Role(name)))
	d := agentbridge.SeatDraft{Text: p, ActionType: agentbridge.ActionType(name), Files: []string{p}}
	_, err = bridge.OlderSaid(a.Credential, d)
	must("OlderSaid", err)

	// What she sends today is refused if nothing is left of it, or if she looks
	// like somebody who is there.
	_, err = a.Send(s.Context(), d)
	must("Send", err)
	stored, _ := bridgetest.Stored(s, p)
	_, err = mallory.Send(s.Context(), mallory.Draft("today", p))
	switch code := agentbridge.CodeOf(err); {
	case code == agentbridge.Reserved && name != agentbridge.LookAlike(name) && strings.Contains(err.Error(), "looks like"):
	case stored != "":
		must("Send", err)
	case code != agentbridge.Required:
		s.Errorf("Send of %+.60q: %v, want it refused: nothing is left of it", p, err)
	}
}

// agentbridge runs a command line in the theatre and checks that nothing but text
// comes from it.
func (s *theatre) agentbridge(args ...string) string {
	s.Helper()
	var stdout, stderr bytes.Buffer
	run(s.Context(), args, stdio{io.NopCloser(strings.NewReader("")), void{&stdout}, &stderr})
	for name, text := range map[string]string{"stdout": stdout.String(), "stderr": stderr.String()} {
		for i, r := range text {
			if r != '\n' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
				s.Errorf("agentbridge %.100q: %s holds %U: %+.200q", args, name, r, text[max(0, i-100):])
				break
			}
		}
	}
	if len(stderr.String()) > 0 && strings.Contains(stderr.String(), "unknown command") {
		s.Fatalf("agentbridge %q: %s", args, stderr.String())
	}
	return stdout.String()
}

// Whatever an operator looks at, her terminal only prints, and every line is
// one that the command meant.
func TestHostile_commands(t *testing.T) {
	s := newTheatre(t)
	hostile := bridgetest.Hostile()
	for _, c := range []struct {
		lines int // 0: not counted
		args  []string
	}{
		{2 + len(hostile), []string{"list"}}, // a heading, and the conversation of all payloads
		{0, []string{"conversation", "list"}},
		{0, []string{"show", string(s.id)}},
		{0, []string{"tokens", string(s.id)}},
		{500, []string{"audit", "--limit", "500"}},
		{0, []string{"audit", string(s.id)}},
		{3 + len(s.names), []string{"channel", "list"}}, // a heading, "all" and "today"
		{0, []string{"channel", "show", "all", "--limit", "500"}},
		{0, []string{"read", "all", "--limit", "500"}},
		{0, []string{"wait", "all", "--consumer", "bob", "--limit", "500", "--timeout", "1s"}},
	} {
		out := s.agentbridge(c.args...)
		if lines := strings.Count(out, "\n"); out == "" || c.lines > 0 && lines != c.lines {
			t.Errorf("agentbridge %q prints %d lines, want %d:\n%.500s", c.args, lines, c.lines, out)
		}
		if c.args[0] == "wait" || c.args[0] == "tokens" {
			continue
		}
		wantJSON(t, c.args, s.agentbridge(slices.Concat(c.args, []string{"--json"})...), c.args[0] == "read")
	}
	for line := range strings.Lines(s.agentbridge("read", "all", "--limit", "500")) {
		if at := strings.Index(line, "] 20"); !strings.HasPrefix(line, "[") || at < 2 {
			t.Errorf("read prints %.200q, a line that is not its own", line)
		}
	}
}

// wantJSON checks what a program would read: one value, or one in each line.
func wantJSON(t *testing.T, args []string, out string, lines bool) {
	t.Helper()
	values := []string{out}
	if lines {
		values = strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	}
	for _, v := range values {
		if !json.Valid([]byte(v)) {
			t.Errorf("agentbridge %q --json prints %.200q, which is not JSON", args, v)
		}
	}
}

// What is given on the command line comes back in errors and prose.
func TestHostile_arguments(t *testing.T) {
	s := newTheatre(t)
	for i, p := range bridgetest.Hostile() {
		if len(p.Text) > 1000 {
			continue
		}
		for j, args := range [][]string{
			{"read", "--", p.Text}, {"read", "all", "--since=" + p.Text}, {"read", "all", "--consumer=" + p.Text, "--limit", "1"}, {"channel", "show", "--", p.Text},
			{"channel", "clear", "--yes", "--", p.Text}, {"ack", "all", "--consumer=bob", "--", p.Text}, {"wait", "none", "--timeout=1ms", "--consumer=" + p.Text},
			{"show", "--", p.Text}, {"audit", "--", p.Text}, {"send", "--sender=" + p.Text, "all", "x"}, {"send", "--sender=mallory", "--", p.Text, "x"},
			{"send", "all", "--sender=mallory", "--idempotency-key=" + p.Text, "x"}, {"send", "all", "--sender=mallory", "--json", "--", p.Text}, {"read", "all", "--limit=" + p.Text},
		} {
			if (i+j)%6 == 0 { // each opens the database: all of them for each payload would take half a minute
				s.agentbridge(args...)
			}
		}
	}
}
