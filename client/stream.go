package client

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"agentbridge"
)

// silence is how long a stream may say nothing before it counts as dead. The
// bridge says at least ": ping" every 15 s.
const silence = 45 * time.Second

var errSilent = errors.New("nothing came for 45 s, not even a sign of life")

// stream is one connection to an event stream. Whoever opened it closes it.
type stream struct {
	client *Client
	sse    *sseReader
	body   io.ReadCloser
	ctx    context.Context // of the connection: its cause says why the client itself ended it
	cancel context.CancelCauseFunc
	first  *frame // read already, when the position was asked for
}

// connect opens an event stream behind a position. With "" it begins now, and
// the stream's first frame says where that is. It lasts as long as ctx, but
// must begin within the timeout.
func (c *Client) connect(ctx context.Context, what source, from agentbridge.Position) (*stream, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	late := time.AfterFunc(c.timeout, func() { cancel(context.DeadlineExceeded) })
	defer late.Stop()
	st, err := c.openStream(ctx, what, from)
	if err != nil {
		cancel(nil)
		return nil, err
	}
	st.cancel = cancel
	if from == "" {
		f, err := st.next()
		if err != nil {
			st.close()
			return nil, err
		}
		st.first = &f
	}
	if !late.Stop() {
		st.close()
		return nil, c.unreachable(ctx, context.DeadlineExceeded)
	}
	return st, nil
}

func (c *Client) openStream(ctx context.Context, what source, from agentbridge.Position) (*stream, error) {
	req, err := c.request(ctx, http.MethodGet, c.url(what.path, what.query), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("Cache-Control", "no-store")
	if from != "" {
		req.Header.Set("Last-Event-ID", string(from))
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	switch {
	case resp.StatusCode != http.StatusOK:
		err = c.refusal(resp)
	case !isMedia(resp, "text/event-stream"):
		err = c.foreign("its answer is no event stream")
	default:
		st := &stream{client: c, body: resp.Body, ctx: ctx}
		st.sse = newSSEReader(readerFunc(st.read))
		return st, nil
	}
	_ = resp.Body.Close()
	return nil, err
}

func (st *stream) close() {
	st.cancel(nil)
	_ = st.body.Close()
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

// read reads from the connection, but not longer than silence.
func (st *stream) read(b []byte) (int, error) {
	dead := time.AfterFunc(silence, func() { st.cancel(errSilent) })
	defer dead.Stop()
	return st.body.Read(b)
}

// next returns the next frame, or why there is none.
func (st *stream) next() (frame, error) {
	if f := st.first; f != nil {
		st.first = nil
		return *f, nil
	}
	f, err := st.sse.next()
	switch {
	case err == nil:
		return f, nil
	case errors.Is(err, errLine) || errors.Is(err, errEvent):
		return f, st.client.foreign(err.Error())
	case errors.Is(err, io.EOF):
		err = errors.New("the stream ended")
	case errors.Is(context.Cause(st.ctx), errSilent):
		err = errSilent
	}
	return f, st.client.unreachable(st.ctx, err)
}
