package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"agentbridge"
	"agentbridge/internal/wire"
)

// statuses is the one table from codes to HTTP statuses.
var statuses = map[agentbridge.Code]int{
	agentbridge.InvalidType:           http.StatusBadRequest,
	agentbridge.Required:              http.StatusBadRequest,
	agentbridge.SurroundingWhitespace: http.StatusBadRequest,
	agentbridge.TooLong:               http.StatusBadRequest,
	agentbridge.ControlCharacter:      http.StatusBadRequest,
	agentbridge.NULByte:               http.StatusBadRequest,
	agentbridge.InvalidFormat:         http.StatusBadRequest,
	agentbridge.TooDeep:               http.StatusBadRequest,
	agentbridge.InvalidJSON:           http.StatusBadRequest,
	agentbridge.UnknownField:          http.StatusBadRequest,
	agentbridge.InvalidProtocol:       http.StatusBadRequest,
	agentbridge.TimezoneRequired:      http.StatusBadRequest,
	agentbridge.OutOfRange:            http.StatusBadRequest,
	agentbridge.TooMany:               http.StatusBadRequest,
	agentbridge.InvalidValue:          http.StatusBadRequest,
	agentbridge.TooShort:              http.StatusBadRequest,
	agentbridge.InvalidUTF8:           http.StatusBadRequest,
	agentbridge.Reserved:              http.StatusBadRequest,
	agentbridge.TooLarge:              http.StatusRequestEntityTooLarge,
	agentbridge.Conflict:              http.StatusConflict,
	agentbridge.NotFound:              http.StatusNotFound,
	agentbridge.Unauthenticated:       http.StatusUnauthorized,
	agentbridge.Forbidden:             http.StatusForbidden,
	agentbridge.Expired:               http.StatusUnauthorized,
	agentbridge.RateLimited:           http.StatusTooManyRequests,
	agentbridge.Unreachable:           http.StatusServiceUnavailable,
	agentbridge.Busy:                  http.StatusServiceUnavailable,
	agentbridge.Unavailable:           http.StatusServiceUnavailable,
	agentbridge.Closed:                http.StatusServiceUnavailable,
	agentbridge.Unusable:              http.StatusInternalServerError,
	agentbridge.Internal:              http.StatusInternalServerError,
}

// errNoMessage is the answer to an id that no message has, word for word.
var errNoMessage = errors.New("not found")

// worded is a refusal whose "error" is a text that clients of reference B know,
// and perhaps its status.
type worded struct {
	refusal *agentbridge.Error
	text    string
	status  int // 0 for that of its code
}

func (w *worded) Error() string { return w.text }
func (w *worded) Unwrap() error { return w.refusal }

// word gives a refusal a text of its own.
func word(text string, e *agentbridge.Error) error { return &worded{refusal: e, text: text} }

// refuse answers with an error, if somebody is still there to read it.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if ended := r.Context().Err(); ended != nil && errors.Is(err, ended) {
		if context.Cause(r.Context()) == ended {
			return // whoever asked has left, which is nobody's fault
		}
		err = endOf(r.Context())
	}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.Is(err, errSlow):
		s.log.Info("refused", "method", r.Method, "path", r.URL.Path, "status", http.StatusRequestTimeout, "error", err)
		wire.WriteError(w, http.StatusRequestTimeout, err.Error())
		return
	case errors.Is(err, errNoMessage):
		wire.WriteError(w, http.StatusNotFound, errNoMessage.Error())
		return
	case errors.As(err, &tooLarge):
		wire.WriteError(w, http.StatusRequestEntityTooLarge, "request body too large")
		return
	}
	e, ok := errors.AsType[*agentbridge.Error](err)
	if !ok {
		s.log.Error("internal error", "method", r.Method, "path", r.URL.Path, "error", err)
		wire.WriteError(w, http.StatusInternalServerError, "internal error; the log of the bridge says more")
		return
	}
	status := statuses[e.Code]
	if w, ok := errors.AsType[*worded](err); ok && w.status != 0 {
		status = w.status
	}
	s.log.Log(r.Context(), level(e.Code), "refused", "method", r.Method, "path", r.URL.Path, "status", status, "error", err)
	setRefusalHeader(w.Header(), status, e.RetryAfter)
	switch {
	case e.Code == agentbridge.Forbidden:
		wire.SetChallenge(r.Context(), w.Header(), wire.InsufficientScope)
	case status == http.StatusUnauthorized && agentbridge.PrincipalOf(r.Context()).Ended() != nil:
		wire.SetChallenge(r.Context(), w.Header(), wire.InvalidToken)
	case status == http.StatusUnauthorized:
		wire.SetChallenge(r.Context(), w.Header(), "")
	}
	wire.WriteJSON(w, status, bodyOf(err, e))
}

// endOf says why a request was ended on this side.
func endOf(ctx context.Context) error {
	if e, ok := errors.AsType[*agentbridge.Error](context.Cause(ctx)); ok {
		return e // of a credential that was revoked or has expired
	}
	return agentbridge.Refuse(agentbridge.Unauthenticated, "", "the session has ended; sign in again")
}

func bodyOf(err error, e *agentbridge.Error) wire.Error {
	body := wire.Error{Error: e.Message, Field: e.Field, Code: e.Code, Message: e.Message}
	if w, ok := errors.AsType[*worded](err); ok {
		body.Error = w.text
	}
	return body
}

// level tells what callers did wrong, and what passes by itself, from what an
// operator should know.
func level(code agentbridge.Code) slog.Level {
	switch code {
	case agentbridge.Unavailable:
		return slog.LevelWarn
	case agentbridge.Unusable, agentbridge.Internal:
		return slog.LevelError
	}
	return slog.LevelInfo
}

func setRefusalHeader(h http.Header, status int, retryAfter time.Duration) {
	if retryAfter > 0 || status == http.StatusServiceUnavailable {
		seconds := (retryAfter + time.Second - 1) / time.Second
		h.Set("Retry-After", strconv.Itoa(int(max(1, seconds))))
	}
}
