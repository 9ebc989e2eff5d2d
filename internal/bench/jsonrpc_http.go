package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"agentbridge"
)

// rpcHTTP is Streamable HTTP: each request is a POST, whose answer is one JSON
// document or an event stream that holds it.
type rpcHTTP struct {
	*link
	session string // "" on a server that keeps none
	header  http.Header
	id      int64

	forgotten int // times that the server had forgotten the session

	listening sync.WaitGroup
	deafen    context.CancelFunc // ends the stream of listen; nil if there is none
	deaf      atomic.Bool        // that stream has ended
}

// dialRPC opens a session.
func dialRPC(ctx context.Context, l *link) (*rpcHTTP, error) {
	r := &rpcHTTP{link: l}
	return r, r.open(ctx)
}

const (
	bothMedia      = "application/json, text/event-stream"
	sessionHeader  = "Mcp-Session-Id"
	revisionHeader = "Mcp-Protocol-Version"
)

// open begins a session, also in place of one that the server has forgotten.
func (r *rpcHTTP) open(ctx context.Context) error {
	r.session, r.header = "", r.headerWith("Accept", bothMedia)
	var result initializeResult
	header, err := r.post(ctx, "initialize", ourself(), &result, 0)
	switch {
	case err != nil:
		return err
	case result.Revision == "":
		return r.foreign("its MCP does not say which revision it speaks")
	}
	if r.session = header.Get(sessionHeader); r.session != "" {
		r.header.Set(sessionHeader, r.session)
	}
	r.header.Set(revisionHeader, result.Revision)
	return r.notify(ctx, "notifications/initialized", nil)
}

// call implements rpc. If the server has forgotten the session, because it was
// started anew, it did nothing, and the call is made again in another one.
func (r *rpcHTTP) call(ctx context.Context, method string, params, result any, wait time.Duration) error {
	_, err := r.post(ctx, method, params, result, wait)
	if agentbridge.CodeOf(err) != agentbridge.NotFound || r.session == "" {
		return err
	}
	r.forgotten++
	if err := r.open(ctx); err != nil {
		return err
	}
	_, err = r.post(ctx, method, params, result, wait)
	return err
}

// post makes a request and returns the header of its answer.
func (r *rpcHTTP) post(ctx context.Context, method string, params, result any, wait time.Duration) (http.Header, error) {
	r.id++
	body, err := encodeRPC(r.id, method, params)
	if err != nil {
		return nil, err
	}
	within, cancel := context.WithTimeout(ctx, callTime+wait)
	defer cancel()
	resp, err := r.do(within, http.MethodPost, "/mcp", r.header, body)
	if err != nil {
		return nil, r.outcome(ctx, err)
	}
	defer resp.Body.Close()
	return resp.Header, r.outcome(ctx, r.answer(resp, r.id, result))
}

// answer reads the answer to a request.
func (r *rpcHTTP) answer(resp *http.Response, id int64, result any) error {
	if isMedia(resp, "text/event-stream") {
		return r.answerIn(resp.Body, id, result)
	}
	if !isMedia(resp, "application/json") {
		return r.foreign("its answer is neither JSON nor an event stream")
	}
	raw, err := readWhole(resp)
	if err != nil {
		return err
	}
	if len(raw) > maxAnswer {
		return r.foreign("its answer has no end")
	}
	mine, err := decodeRPC(raw, id, result)
	return r.verdict(mine, err)
}

// answerIn finds the answer among the events of a stream, and reads that to its
// end so that the connection can be used again.
func (r *rpcHTTP) answerIn(body io.Reader, id int64, result any) error {
	whole := &io.LimitedReader{R: body, N: maxAnswer}
	events := newEventReader(whole)
	for {
		_, data, err := events.next()
		if errors.Is(err, errEndless) || err == io.EOF {
			return r.foreign("its event stream ended without an answer")
		}
		if err != nil {
			return err
		}
		if mine, err := decodeRPC(data, id, result); mine || err != nil {
			_, _ = io.Copy(io.Discard, whole) // then the next call takes another connection
			return r.verdict(mine, err)
		}
	}
}

// verdict is the outcome of a message that had to be the answer.
func (r *rpcHTTP) verdict(mine bool, err error) error {
	if _, ok := errors.AsType[*agentbridge.Error](err); ok || err == nil && mine {
		return err
	}
	return r.foreign("its answer makes no sense")
}

// notify implements rpc.
func (r *rpcHTTP) notify(ctx context.Context, method string, params any) error {
	body, err := encodeRPC(0, method, params)
	if err != nil {
		return err
	}
	within, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	resp, err := r.do(within, http.MethodPost, "/mcp", r.header, body)
	if err != nil {
		return r.outcome(ctx, err)
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer)) // there is nothing in it
	return resp.Body.Close()
}

// listen opens the session's own event stream and reads it until Close. It
// returns once the stream stands. The connection of the calls is given up: who
// listens and asks nothing has one.
func (r *rpcHTTP) listen(ctx context.Context) error {
	if r.deafen != nil {
		return nil // it does already
	}
	header := r.header.Clone()
	header.Set("Accept", "text/event-stream")
	header.Del("Content-Type")
	body, cancel, err := r.openStream(ctx, "/mcp", header)
	if err != nil {
		return err
	}
	r.deafen = cancel
	r.listening.Go(func() {
		defer body.Close()
		_, _ = io.Copy(io.Discard, body) // until the stream ends, for whatever reason
		r.deaf.Store(true)
	})
	r.close()
	return nil
}

// endTime is what a server gets for ending a session: it will do so by itself.
const endTime = 5 * time.Second

// Close implements rpc: it ends the session on the server too.
func (r *rpcHTTP) Close() error {
	if r.deafen != nil {
		r.deafen()
	}
	r.listening.Wait()
	defer r.close()
	if r.session == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), endTime)
	defer cancel()
	r.session = ""
	resp, err := r.do(ctx, http.MethodDelete, "/mcp", r.header, nil)
	if agentbridge.CodeOf(err) == agentbridge.NotFound {
		return nil // it was forgotten before
	}
	if err != nil {
		return fmt.Errorf("end a session: %w", r.outcome(context.Background(), err))
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxRefusal)) // there is nothing in it
	return resp.Body.Close()
}
