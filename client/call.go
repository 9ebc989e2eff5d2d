package client

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"

	"agentbridge"
)

const (
	// maxAnswer is the most that is read of an answer. The bridge's own are far
	// smaller; somebody else's must not fill our memory.
	maxAnswer = 8 << 20
	// maxRefusal is the most that is read of an answer that is no success.
	maxRefusal = 64 << 10
)

// call is one request of the JSON API.
type call struct {
	method string
	path   string // escaped, behind the bridge's URL
	query  url.Values
	body   any           // sent as JSON; nil for none
	wait   time.Duration // that the server may take beyond the timeout
	tries  int           // more than one only for what may happen twice without harm
}

// ask makes a call and returns its answer. One that does not hold what it must
// is not from an agentbridge.
func ask[T any](ctx context.Context, c *Client, what call, valid func(T) bool) (answer T, err error) {
	raw, err := c.do(ctx, what)
	if err != nil {
		return answer, err
	}
	if err := json.Unmarshal(raw, &answer); err != nil || !valid(answer) {
		var none T
		return none, c.foreign("its answer to " + what.path + " makes no sense")
	}
	return answer, nil
}

// do makes a call, again after a pause if that may help, all within the
// timeout.
func (c *Client) do(ctx context.Context, what call) ([]byte, error) {
	var body []byte
	if what.body != nil {
		var err error
		if body, err = encode(what.body); err != nil {
			return nil, err
		}
	}
	within, cancel := context.WithTimeout(ctx, c.timeout+what.wait)
	defer cancel()
	for try := 1; ; try++ {
		answer, again, err := c.once(within, what, body)
		switch {
		case err == nil:
			return answer, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case !again || try >= what.tries || !pause(within, backoff(try, err)):
			return nil, err
		}
	}
}

// once makes a call and tells whether another try may help.
func (c *Client) once(ctx context.Context, what call, body []byte) (answer []byte, again bool, err error) {
	req, err := c.request(ctx, what.method, c.url(what.path, what.query), body)
	if err != nil {
		return nil, false, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, true, c.unreachable(ctx, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, passes(resp.StatusCode), c.refusal(resp)
	}
	if !isMedia(resp, "application/json") {
		return nil, false, c.foreign("its answer is not JSON")
	}
	answer, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, true, c.unreachable(ctx, err)
	case len(answer) > maxAnswer:
		return nil, false, c.foreign("its answer has no end")
	}
	return answer, false, nil
}

// passes tells whether a status does by itself: the bridge's own, or that of a proxy
// before it while it is restarted.
func passes(status int) bool {
	return status == http.StatusServiceUnavailable || status == http.StatusBadGateway || status == http.StatusGatewayTimeout
}

func (c *Client) request(ctx context.Context, method, url string, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body == nil {
		req.Body, req.GetBody = nil, nil
	} else {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", agentbridge.Service+"/"+agentbridge.Version)
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	return req, nil
}

// encode writes JSON without HTML escapes, which would make text up to six
// times as long as the server's limits expect.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return b.Bytes(), err
}

// isMedia tells whether an answer is of a media type.
func isMedia(resp *http.Response, want string) bool {
	got, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	return err == nil && got == want
}
