package httpapi

import (
	"errors"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"agentbridge"
)

// params are the parameters of a query. Of a repeated one the last counts;
// one that nobody asks for is ignored, and an empty one counts as absent, all
// as in reference B.
type params url.Values

// parseQuery reads a query. A semicolon in it is an ordinary character.
func parseQuery(u *url.URL) (params, error) {
	values, err := url.ParseQuery(strings.ReplaceAll(u.RawQuery, ";", "%3B"))
	if err != nil {
		return nil, agentbridge.Refuse(agentbridge.InvalidFormat, "", "the query is not valid percent-encoding; write a literal %% as %%25")
	}
	return params(values), nil
}

func (p params) get(name string) string {
	values := p[name]
	if len(values) == 0 {
		return ""
	}
	return values[len(values)-1]
}
func (p params) has(name string) bool { return url.Values(p).Has(name) }

// flag tells whether a parameter is 1, true or yes.
func (p params) flag(name string) bool {
	switch strings.ToLower(strings.TrimSpace(p.get(name))) {
	case "1", "true", "yes":
		return true
	}
	return false
}

// clamped returns a whole number brought into bounds; what is none is the
// fallback.
func (p params) clamped(name string, fallback, low, high int) int {
	n, ok := parseInt(p.get(name))
	if !ok {
		return fallback
	}
	return min(max(n, low), high)
}

// positive returns a whole number from 1, 0 if it is absent.
func (p params) positive(name string) (int64, error) {
	s := p.get(name)
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 1 {
		return 0, agentbridge.Refuse(agentbridge.OutOfRange, name, "must be a positive whole number")
	}
	return n, nil
}

// time returns a point in time, zero if it is absent. A plus sign that was not
// escaped arrives as a blank.
func (p params) time(name string) (time.Time, error) {
	s := p.get(name)
	if s == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, strings.ReplaceAll(s, " ", "+"))
	if err != nil {
		return time.Time{}, agentbridge.Refuse(agentbridge.InvalidFormat, name, "must be a time as in 2026-01-31T12:00:00Z (RFC 3339)")
	}
	return at, nil
}

// parseInt reads a whole number; one that is too large for an int is the
// largest.
func parseInt(s string) (n int, ok bool) {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	return n, err == nil || errors.Is(err, strconv.ErrRange)
}

// parseSeconds reads a number, which may have a fraction.
func parseSeconds(s string) (seconds float64, ok bool) {
	seconds, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, false
	}
	return seconds, !math.IsNaN(seconds)
}

// maxReply bounds what one answer holds of whole messages.
const maxReply = 1 << 20

// maxBytes returns max_bytes brought into 1..maxReply, the fallback if it is
// absent.
func (p params) maxBytes(fallback int) (int, error) {
	s := p.get("max_bytes")
	if s == "" {
		return fallback, nil
	}
	n, ok := parseInt(s)
	if !ok {
		return 0, agentbridge.Refuse(agentbridge.InvalidType, "max_bytes", "must be a whole number of bytes from 1 to %d", maxReply)
	}
	return min(max(n, 1), maxReply), nil
}

// afterChannel returns the name behind which a listing goes on, "" for its
// beginning.
func (p params) afterChannel() (agentbridge.ChannelName, error) {
	s := p.get("after_channel")
	if s == "" {
		return "", nil
	}
	return agentbridge.ParseListed("after_channel", s)
}

// cursor reads since_id and consumer_id.
func (p params) cursor() (after agentbridge.MessageID, consumer agentbridge.AgentName, err error) {
	if s := p.get("since_id"); s != "" {
		if after, err = agentbridge.ParseMessageID("message_id", s); err != nil { // the field as reference B calls it
			return "", "", err
		}
	}
	if s := p.get("consumer_id"); s != "" {
		consumer, err = agentbridge.ParseAgentName("consumer_id", s)
	}
	return after, consumer, err
}

// optional returns what a parameter is parsed to, zero if it is absent.
func optional[T ~string](p params, name string, parse func(field, s string) (T, error)) (v T, err error) {
	if s := p.get(name); s != "" {
		v, err = parse(name, s)
	}
	return v, err
}

// target returns a channel or conversation, "" if it is absent.
func (p params) target(name string) (agentbridge.ChannelName, error) {
	s := agentbridge.ChannelName(p.get(name))
	if s == "" || s.Private() {
		return s, nil
	}
	return agentbridge.ParseChannelName(string(s))
}

// actor returns whose doing is asked for, "" for anybody's. The bridge and its
// operator act too, under names that no agent may have.
func (p params) actor(name string) (agentbridge.AgentName, error) {
	actor, err := optional(p, name, agentbridge.ParseAgentName)
	if agentbridge.CodeOf(err) == agentbridge.Reserved {
		err = nil
	}
	return actor, err
}
