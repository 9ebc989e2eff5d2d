package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"agentbridge"
	"agentbridge/internal/wire"
)

// codes are what a refusal without a code means by its status.
var codes = map[int]agentbridge.Code{
	http.StatusUnauthorized:          agentbridge.Unauthenticated,
	http.StatusForbidden:             agentbridge.Unauthenticated,
	http.StatusNotFound:              agentbridge.NotFound,
	http.StatusConflict:              agentbridge.Conflict,
	http.StatusRequestEntityTooLarge: agentbridge.TooLarge,
	http.StatusTooManyRequests:       agentbridge.RateLimited,
	http.StatusServiceUnavailable:    agentbridge.Busy,
}

// refusal makes an error of an answer that is no success.
func (c *Client) refusal(resp *http.Response) error {
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		return c.redirected(resp)
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxRefusal))
	var body wire.Error
	if err != nil || !isMedia(resp, "application/json") || json.Unmarshal(raw, &body) != nil || body.Error == "" {
		if strings.Contains(string(raw), "HTTP request to an HTTPS server") { // net/http's words, and nginx's are much alike
			return agentbridge.Refuse(agentbridge.Unreachable, "", "the server at %s wants https; use https:// in the URL", c.name)
		}
		return c.foreign("it answered with status " + strconv.Itoa(resp.StatusCode))
	}
	e := &agentbridge.Error{Code: body.Code, Field: inert(body.Field), Message: inert(sentence(body))}
	if e.Code == "" {
		e.Code = codeOf(resp.StatusCode)
	}
	switch resp.StatusCode {
	case http.StatusUnauthorized:
		if e.Field == "" { // else it is about something in the request
			e.Message = c.unauthorized(e.Message)
		}
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		e.RetryAfter = retryAfter(resp.Header.Get("Retry-After"))
	}
	return e
}

func codeOf(status int) agentbridge.Code {
	if code, ok := codes[status]; ok {
		return code
	}
	if status >= 500 {
		return agentbridge.Internal
	}
	return agentbridge.InvalidValue
}

// sentence is what a refusal says, without the field's name.
func sentence(body wire.Error) string {
	if body.Message != "" {
		return body.Message
	}
	return strings.TrimPrefix(body.Error, body.Field+": ")
}

// inert makes a server's text fit for a terminal.
func inert(s string) string { return agentbridge.InertLine(agentbridge.Preview(s, 500)) }

func (c *Client) unauthorized(why string) string {
	if c.token == "" {
		return "the bridge at " + c.name + " wants a token (" + why + "); set the one that its operator gave out"
	}
	return "the bridge at " + c.name + " does not accept the token (" + why + "); check it against the one its operator gave out"
}

// longestRetry bounds what a server can make a client wait before it asks again.
const longestRetry = 24 * time.Hour

// retryAfter reads the header, in seconds or as a date; 1 s unless told.
func retryAfter(header string) time.Duration {
	if n, err := strconv.Atoi(header); err == nil && n > 0 {
		return min(time.Duration(min(n, 1e6))*time.Second, longestRetry)
	}
	if at, err := http.ParseTime(header); err == nil {
		return min(max(time.Until(at), time.Second), longestRetry)
	}
	return time.Second
}

func (c *Client) redirected(resp *http.Response) error {
	return agentbridge.Refuse(agentbridge.Unreachable, "",
		"%s answered with a redirect to %q, which is not followed because the token must go nowhere else; if that is the bridge, use its address",
		c.name, inert(resp.Header.Get("Location")))
}

// foreignError is an Unreachable that somebody who is no bridge answered.
type foreignError struct{ refusal *agentbridge.Error }

func (e *foreignError) Error() string { return e.refusal.Error() }
func (e *foreignError) Unwrap() error { return e.refusal }

func (c *Client) foreign(why string) error {
	return &foreignError{agentbridge.Refuse(agentbridge.Unreachable, "",
		"the server at %s is not an agentbridge: %s; check the address, its port and its path", c.name, why)}
}

func isForeign(err error) bool {
	_, ok := errors.AsType[*foreignError](err)
	return ok
}

// unreachable says that nobody answered, or not to the end. The cause is kept
// for people, less the URL that net/http repeats.
func (c *Client) unreachable(ctx context.Context, err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		return agentbridge.Refuse(agentbridge.Unreachable, "", "the bridge at %s did not answer in time; check that it runs and that nothing between holds requests back", c.name)
	}
	return agentbridge.Refuse(agentbridge.Unreachable, "", "the bridge at %s can't be reached (%s); %s", c.name, inert(err.Error()), advice(err))
}

// advice says what to check after a failed connection.
func advice(err error) string {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "its certificate is signed by nobody known here; give the authority's certificate (--ca-cert)"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "its certificate is not valid for this address or time"
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok || strings.Contains(err.Error(), "server gave HTTP response to HTTPS client") {
		return "it does not speak https; use http:// in the URL if that is meant"
	}
	return "check the address and that the bridge is running"
}
