package bench

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"agentbridge"
	"agentbridge/internal/wire"
)

// lookTime bounds a first look at a server.
const lookTime = 20 * time.Second

// Look asks a server what it is and whether a token admits, and returns a
// target that can be measured, named as the server calls itself. Errors are
// *agentbridge.Error: Unreachable if nobody answers, or somebody without the
// JSON API, and Unauthenticated if a token is missing or refused. None shows
// the token.
func Look(ctx context.Context, url, token string) (*Target, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	t := &Target{Name: url, URL: strings.TrimRight(url, "/"), Token: token, PID: func() int { return 0 }}
	l, err := t.newLink()
	if err != nil {
		return nil, err
	}
	defer l.close()
	var status wire.Status
	if err := l.ask(ctx, http.MethodGet, "/status", nil, &status, 0); err != nil {
		return nil, l.stranger(err)
	}
	if status.Service == "" || status.Status == "" || status.Version == "" {
		return nil, l.foreign("its /status does not say what a bridge's says")
	}
	var state struct {
		Channels *[]json.RawMessage `json:"channels"`
	}
	if err := l.ask(ctx, http.MethodGet, "/api/state", nil, &state, 0); err != nil {
		return nil, l.stranger(err)
	}
	if state.Channels == nil {
		return nil, l.foreign("its /api/state lists no channels")
	}
	t.Foreign = status.Service != agentbridge.Service
	t.Name = inert(status.Service + " " + status.Version)
	return t, nil
}
