package bench

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"agentbridge"
)

// maxRefusal is the most that is read of an answer that is no success.
const maxRefusal = 64 << 10

// codes are what a refusal that has no code means by its status.
var codes = map[int]agentbridge.Code{
	http.StatusUnauthorized:          agentbridge.Unauthenticated,
	http.StatusForbidden:             agentbridge.Forbidden,
	http.StatusNotFound:              agentbridge.NotFound,
	http.StatusConflict:              agentbridge.Conflict,
	http.StatusRequestEntityTooLarge: agentbridge.TooLarge,
	http.StatusTooManyRequests:       agentbridge.RateLimited,
	http.StatusServiceUnavailable:    agentbridge.Busy,
}

// refusal makes an error of an answer that is no success, in any of the forms
// in which bridges refuse: the JSON API's, or JSON-RPC's.
func (l *link) refusal(resp *http.Response) error {
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		return l.foreign("it answered with a redirect, which is not followed because the token must go nowhere else")
	}
	raw, _ := io.ReadAll(io.LimitReader(resp.Body, maxRefusal)) // what is cut off is no JSON
	code, known := codes[resp.StatusCode]
	var body struct {
		Error   json.RawMessage  `json:"error"`
		Code    agentbridge.Code `json:"code"`
		Field   string           `json:"field"`
		Message string           `json:"message"`
	}
	var why string
	if json.Unmarshal(raw, &body) == nil {
		why = wordsOf(body.Error)
	}
	switch {
	case resp.StatusCode == http.StatusUnauthorized && body.Field == "":
		return l.unauthorized()
	case why == "" && !known:
		return l.foreign("it answered with status " + strconv.Itoa(resp.StatusCode))
	case why == "":
		why = "answered with status " + strconv.Itoa(resp.StatusCode)
	case body.Message != "":
		why = body.Message
	}
	e := &agentbridge.Error{Code: body.Code, Field: inert(body.Field), Message: inert(why)}
	if e.Code == "" {
		e.Code = agentbridge.InvalidValue
		if known {
			e.Code = code
		} else if resp.StatusCode >= 500 {
			e.Code = agentbridge.Internal
		}
	}
	if n, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && n > 0 && n < 1e6 {
		e.RetryAfter = time.Duration(n) * time.Second
	}
	return e
}

// wordsOf is what an "error" says: a sentence, or JSON-RPC's object with one.
func wordsOf(raw json.RawMessage) string {
	var sentence string
	if json.Unmarshal(raw, &sentence) == nil {
		return sentence
	}
	var object rpcError
	_ = json.Unmarshal(raw, &object) // then it says nothing
	return object.Message
}

func (l *link) unauthorized() error {
	if _, given := l.header["Authorization"]; given {
		return agentbridge.Refuse(agentbridge.Unauthenticated, "", "the bridge at %s does not accept the token; check it against the one that its operator gave out", l.base)
	}
	return agentbridge.Refuse(agentbridge.Unauthenticated, "", "the bridge at %s wants a token; give the one that its operator gave out", l.base)
}

// foreign says that somebody answered who is no bridge.
func (l *link) foreign(why string) error {
	return agentbridge.Refuse(agentbridge.Unreachable, "", "the server at %s answers, but is no bridge: %s; check the address, its port and its path", l.base, why)
}

// stranger is the error of a first look: whoever refuses to say who he is is no
// bridge, whatever his reasons.
func (l *link) stranger(err error) error {
	switch agentbridge.CodeOf(err) {
	case agentbridge.Unauthenticated, agentbridge.Unreachable, agentbridge.RateLimited, agentbridge.Busy:
		return err
	}
	e, ok := errors.AsType[*agentbridge.Error](err)
	if !ok {
		return err
	}
	return l.foreign("it does not say who it is (" + e.Error() + ")")
}

// outcome makes an error of the network one that says what it means. ctx is
// the caller's: if it has ended, that is the error.
func (l *link) outcome(ctx context.Context, err error) error {
	if _, ok := errors.AsType[*agentbridge.Error](err); err == nil || ok {
		return err
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		return agentbridge.Refuse(agentbridge.Unreachable, "", "the bridge at %s did not answer in time; check that it runs", l.base)
	}
	return agentbridge.Refuse(agentbridge.Unreachable, "", "nobody answers at %s (%s); check the address and that the bridge runs", l.base, inert(err.Error()))
}

// inert makes a server's text fit for a terminal and for a table.
func inert(s string) string { return agentbridge.InertLine(agentbridge.Preview(s, 300)) }

// sentenceCodes tell by its words what a tool's refusal means: over MCP there
// are no codes. The words are ours and reference B's.
var sentenceCodes = []struct {
	words string
	code  agentbridge.Code
}{
	{"the limit is ", agentbridge.RateLimited},
	{"; retry after ", agentbridge.Busy},
	{"is busy", agentbridge.Busy},
	{"does not admit", agentbridge.Unauthenticated},
	{"was already used for different", agentbridge.Conflict},
	{"internal error", agentbridge.Internal},
	{"is shutting down", agentbridge.Closed},
}

// toolRefusal makes an error of what a tool says when it refuses.
func toolRefusal(text string) error {
	e := &agentbridge.Error{Code: agentbridge.InvalidValue, Message: inert(text)}
	for _, s := range sentenceCodes {
		if strings.Contains(text, s.words) {
			e.Code = s.code
			break
		}
	}
	if said, seconds, ok := strings.Cut(text, "; retry after "); ok {
		e.Message = inert(said)
		number, _, _ := strings.Cut(seconds, " ")
		if n, err := strconv.Atoi(number); err == nil && n > 0 && n < 1e6 {
			e.RetryAfter = time.Duration(n) * time.Second
		}
	}
	return e
}

// What differs between two errors of one kind: ids, ports, how long to wait.
var particular = regexp.MustCompile(`\b(?:[0-9a-f]{8}-[0-9a-f-]{27}|conv_[0-9a-f]+|[0-9a-f]{16,}|\d{4,}|\d[\d.]*(?:µs|ms|s|m|h)(?:\d+s)?)\b`)

// breakages are what an error of the network says in the middle, and that in few
// words.
var breakages = []struct{ words, kind string }{
	{"connection refused", "connection refused"},
	{"actively refused", "connection refused"}, // Windows
	{"connection reset", "connection reset"},
	{"forcibly closed", "connection reset"},
	{"broken pipe", "connection reset"},
	{"server closed idle connection", "connection closed"},
	{"it ended the stream", "stream ended"},
	{"too many open files", "too many open files of this process"},
	{"did not answer in time", "not answered in time"},
	{"EOF", "connection closed"},
}

// ErrorKind is an error in few words, the same for all errors of its kind: a
// word for programs and the first line, without what differs from call to call.
// It is for counting; "" is no error.
func ErrorKind(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, context.Canceled):
		return "given up by the benchmark"
	case errors.Is(err, context.DeadlineExceeded):
		return "not answered in time"
	}
	words, _, _ := strings.Cut(err.Error(), "\n")
	if e, ok := errors.AsType[*agentbridge.Error](err); ok {
		for _, o := range breakages {
			if e.Code == agentbridge.Unreachable && strings.Contains(words, o.words) {
				return o.kind
			}
		}
		words, _, _ = strings.Cut(string(e.Code)+": "+e.Error(), "\n")
	}
	return agentbridge.Preview(particular.ReplaceAllString(agentbridge.InertLine(words), "#"), 120)
}
