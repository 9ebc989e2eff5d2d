package httpapi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"agentbridge"
)

// stream is one open event stream: a loop of "wait for what is next, write it,
// flush it" in the goroutine of its handler, which alone writes to it. Nothing
// is queued for it, so a reader that stops reading holds up itself only.
type stream struct {
	server  *Server
	w       http.ResponseWriter
	control *http.ResponseController
	idle    func(*frames) // adds what is written if nothing has happened for a while
}

// errReaderLeft ends a stream whose reader is gone or too slow.
var errReaderLeft = errors.New("the reader of an event stream left")

// errClosing is what streams and waits end with at Close.
var errClosing = agentbridge.Refuse(agentbridge.Closed, "", "the bridge is shutting down; reconnect and go on from the same position")

// setStreamHeader prepares the answer of a stream.
func setStreamHeader(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
}

// follow answers a request with a stream: it opens the feed, takes one of the
// topic's places and has the feed shown until it ends. Whoever may not read the
// topic is told so first: whether its places are taken is not for him to know.
// An error means that the stream did not begin.
func (s *Server) follow(w http.ResponseWriter, r *http.Request, topic agentbridge.ChannelName,
	open func(context.Context, agentbridge.Session) (agentbridge.Feed, error),
	show func(context.Context, *stream, agentbridge.Feed) error,
) error {
	if r.Method == http.MethodHead {
		setStreamHeader(w)
		return nil
	}
	ctx, cancel := s.untilClose(r.Context())
	defer cancel()
	if s.life.Err() != nil {
		return errClosing
	}
	who := agentbridge.PrincipalOf(ctx)
	session, err := s.bridge.Open(ctx, who)
	if err != nil {
		return err
	}
	feed, err := open(ctx, session)
	if err != nil && ctx.Err() != nil && r.Context().Err() == nil {
		return errClosing
	}
	if err != nil {
		return err
	}
	defer feed.Close()
	leave, err := s.gate.enter(who.Name, topic)
	if err != nil {
		return err
	}
	defer leave()
	st, err := s.beginStream(w)
	if err == nil {
		err = show(ctx, st, feed)
	}
	s.ended(ctx, r, err)
	return nil
}

// beginStream answers with the header, so that the reader knows it is
// connected.
func (s *Server) beginStream(w http.ResponseWriter) (*stream, error) {
	setStreamHeader(w)
	st := &stream{s, w, http.NewResponseController(w), (*frames).ping}
	return st, st.flush(nil)
}

// write writes and flushes what fill adds.
func (st *stream) write(fill func(*frames)) error {
	f := newFrames()
	defer f.free()
	fill(f)
	if f.err != nil {
		return f.err
	}
	return st.flush(f.Bytes())
}

// flush sends bytes, or nothing but the header. A reader that does not take
// them in time is cut: it can come back and go on where it was.
func (st *stream) flush(b []byte) error {
	deadline := time.Now().Add(st.server.writeLimit)
	err := st.control.SetWriteDeadline(deadline)
	if err == nil {
		_, err = st.w.Write(b)
	}
	if err == nil {
		err = st.control.Flush()
	}
	if err == nil { // HTTP/2 would end a stream at its deadline even if nothing is written
		return st.control.SetWriteDeadline(time.Time{})
	}
	if errors.Is(err, errors.ErrUnsupported) { // a wrapper of the ResponseWriter hides what it wraps
		return err
	}
	if !time.Now().Before(deadline) {
		st.server.dropped.Add(1)
	}
	return errReaderLeft
}

// next waits for the next batch of a feed and keeps the connection alive
// meanwhile.
func (st *stream) next(ctx context.Context, feed agentbridge.Feed) (agentbridge.Batch, error) {
	for {
		until, cancel := context.WithTimeout(ctx, st.server.keepAlive)
		b, err := feed.Next(until)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
			return b, err
		}
		if err := st.write(st.idle); err != nil {
			return b, err
		}
	}
}

// pump shows what a feed tells until it ends, and returns why: nil if show said
// that it is enough.
func (st *stream) pump(ctx context.Context, feed agentbridge.Feed, show func(agentbridge.Batch) (enough bool, err error)) error {
	for {
		b, err := st.next(ctx, feed)
		if err != nil {
			return err
		}
		if enough, err := show(b); enough || err != nil {
			return err
		}
	}
}

// ended logs why a stream ended if that is worth a line: not that its reader
// left, or is let in no more, or that the bridge shuts down.
func (s *Server) ended(ctx context.Context, r *http.Request, err error) {
	if err == nil || ctx.Err() != nil || errors.Is(err, errReaderLeft) {
		return
	}
	switch agentbridge.CodeOf(err) {
	case agentbridge.Closed, agentbridge.Unauthenticated, agentbridge.Forbidden:
		return
	}
	s.log.Warn("an event stream ended; its reader will come back", "path", r.URL.Path, "error", err)
}
