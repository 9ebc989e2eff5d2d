package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"agentbridge"
)

// sitting is an agent in its seat of a conversation.
type sitting struct {
	*agent
	credential map[string]any
}

func (s sitting) with(more map[string]any) map[string]any {
	args := maps.Clone(s.credential)
	maps.Copy(args, more)
	return args
}

// say sends a message to the partner.
func (s sitting) say(ctx context.Context, action, text string, files ...string) error {
	s.stage.transcript.said(s.name, action, text)
	s.stage.transcript.count(1, 0)
	return s.call(ctx, "send_to_partner", s.with(map[string]any{"message": text, "action_type": action, "files_involved": append([]string{}, files...)}), nil)
}

// hear takes the unread messages, which must be exactly these.
func (s sitting) hear(ctx context.Context, want ...string) error {
	var got struct {
		Messages []struct {
			Message     string `json:"message"`
			Redelivered bool   `json:"redelivered"`
		} `json:"messages"`
		Remaining int `json:"remaining"`
	}
	if err := s.call(ctx, "check_messages", s.credential, &got); err != nil {
		return err
	}
	var texts []string
	for _, m := range got.Messages {
		if m.Redelivered {
			return fmt.Errorf("%s was handed %q a second time", s.name, m.Message)
		}
		texts = append(texts, m.Message)
	}
	if got.Remaining != 0 || !slices.Equal(texts, want) {
		return fmt.Errorf("%s reads %q and %d remaining, want %q and none", s.name, texts, got.Remaining, want)
	}
	s.stage.transcript.count(0, len(texts))
	s.stage.transcript.checkf("%s has read %d, none remain", s.name, len(texts))
	return nil
}

func (s sitting) report(ctx context.Context, status string) error {
	s.stage.transcript.said(s.name, "status", status)
	return s.call(ctx, "update_my_status", s.with(map[string]any{"status": status}), nil)
}

// playConversation lets two developers agree on the API of a todo app.
func (st *stage) playConversation(ctx context.Context) (agentbridge.ConversationID, error) {
	st.transcript.scene("1. Two developers agree on an API (conversation)")
	backend, err := st.joinStdio(ctx, "backend")
	if err != nil {
		return "", err
	}
	frontend, err := st.joinHTTP(ctx, "frontend")
	if err != nil {
		return "", err
	}
	var made struct {
		ID     string `json:"conversation_id"`
		TokenA string `json:"session_a_token"`
		TokenB string `json:"session_b_token"`
	}
	if err := backend.call(ctx, "create_conversation", map[string]any{"my_role": "backend_api_developer", "partner_role": "frontend_react_developer"}, &made); err != nil {
		return "", err
	}
	st.transcript.stagef("a person hands %s and its token to frontend", made.ID)
	a := sitting{backend, map[string]any{"conversation_id": made.ID, "session_id": "a", "token": made.TokenA}}
	b := sitting{frontend, map[string]any{"conversation_id": made.ID, "session_id": "b", "token": made.TokenB}}
	return agentbridge.ConversationID(made.ID), st.negotiate(ctx, a, b)
}

// What they say.
const (
	proposal = "Proposal for the todo API: GET /api/todos, POST /api/todos, DELETE /api/todos/{id}. Agreed?"
	question = "I also need PATCH /api/todos/{id} to tick one off. What does a todo look like?"
	schema   = `PATCH is in. A todo is {"id": int, "title": string, "completed": bool, "created_at": RFC 3339}.`
	tested   = "All five tests pass. The API is on port 8000."
	cors     = "My dev server is on port 5173 and the browser refuses it. Can you enable CORS?"
	corsDone = "CORS is enabled for http://localhost:5173."
	works    = "Everything works here. Shall we commit?"
	commit   = "Committed: todo API with CORS and tests."
	done     = "Committed: todo screens. Done."
)

func (st *stage) negotiate(ctx context.Context, a, b sitting) error {
	impostor := sitting{b.agent, map[string]any{"conversation_id": b.credential["conversation_id"], "session_id": "a", "token": b.credential["token"]}}
	for _, step := range []func() error{
		func() error { return a.report(ctx, "working") },
		func() error {
			return impostor.wantRefused(ctx, "frontend's token in backend's seat", "check_messages", impostor.credential)
		},
		func() error { return a.say(ctx, "proposal", proposal, "docs/api.md") },
		func() error { return b.hear(ctx, proposal) },
		func() error { return b.report(ctx, "working") },
		func() error { return b.say(ctx, "question", question) },
		func() error { return a.hear(ctx, question) },
		func() error { return a.say(ctx, "info", schema, "app/models/todo.py") },
		func() error { return a.say(ctx, "info", tested) },
		func() error { return a.wantUnread(ctx, 2) },
		func() error { return b.hear(ctx, schema, tested) },
		func() error { return b.say(ctx, "question", cors) },
		func() error { return a.hear(ctx, cors) },
		func() error { return a.say(ctx, "info", corsDone, "app/main.py") },
		func() error { return b.hear(ctx, corsDone) },
		func() error { return b.say(ctx, "question", works) },
		func() error { return a.hear(ctx, works) },
		func() error { return a.say(ctx, "complete", commit) },
		func() error { return a.report(ctx, "complete") },
		func() error { return b.hear(ctx, commit) },
		func() error { return b.say(ctx, "complete", done) },
		func() error { return b.report(ctx, "complete") },
		func() error { return a.hear(ctx, done) },
		func() error { return a.hear(ctx) },
		func() error { return b.hear(ctx) },
		func() error { return a.wantPartner(ctx, "frontend_react_developer", "complete") },
		func() error { return b.wantPartner(ctx, "backend_api_developer", "complete") },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// partner is what check_partner_status tells.
type partner struct {
	Role   string `json:"role"`
	Status string `json:"status"`
	Alive  bool   `json:"alive"`
	Unread int    `json:"unread_by_partner"`
}

// wantUnread checks how many of its messages the partner has not read; nothing
// is called delivered before it was.
func (s sitting) wantUnread(ctx context.Context, want int) error {
	p, err := s.seePartner(ctx, func(p partner) bool { return p.Unread == want })
	if err != nil {
		return fmt.Errorf("%s is told that %d of its messages are unread, want %d: %w", s.name, p.Unread, want, err)
	}
	s.stage.transcript.checkf("%s sees that %d of its messages are still unread", s.name, want)
	return nil
}

func (s sitting) wantPartner(ctx context.Context, role, status string) error {
	want := partner{Role: role, Status: status, Alive: true}
	p, err := s.seePartner(ctx, func(p partner) bool { return p == want })
	if err != nil {
		return fmt.Errorf("%s sees partner %+v, want %+v: %w", s.name, p, want, err)
	}
	s.stage.transcript.checkf("%s sees its partner alive and %s, nothing unread", s.name, strings.ToLower(status))
	return nil
}

// seePartner asks until the answer is right. The bridge marks a message as read
// after the reply that carried it has left, so that its sender may ask, in
// another process, a moment too early.
func (s sitting) seePartner(ctx context.Context, right func(partner) bool) (p partner, err error) {
	for start := time.Now(); time.Since(start) < 3*time.Second; time.Sleep(5 * time.Millisecond) {
		if err := s.call(ctx, "check_partner_status", s.credential, &p); err != nil || right(p) {
			return p, err
		}
	}
	return p, errors.New("asked for three seconds")
}
