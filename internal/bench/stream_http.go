package bench

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"agentbridge/internal/wire"
)

// openStream makes a request for an event stream and returns it once its header
// has come, within the time that every call has. It lasts until cancel, however
// ctx ends.
func (l *link) openStream(ctx context.Context, path string, header http.Header) (body io.ReadCloser, cancel context.CancelFunc, err error) {
	life, end := context.WithCancelCause(context.WithoutCancel(ctx))
	late := time.AfterFunc(callTime, func() { end(context.DeadlineExceeded) })
	unlink := context.AfterFunc(ctx, func() { end(ctx.Err()) })
	resp, err := l.do(life, http.MethodGet, path, header, nil)
	if err == nil && !isMedia(resp, "text/event-stream") {
		err = l.foreign("its answer is no event stream")
		_ = resp.Body.Close()
	}
	if stopped, unlinked := late.Stop(), unlink(); err == nil && !(stopped && unlinked) {
		err = context.Cause(life)
		_ = resp.Body.Close()
	}
	if err != nil {
		if errors.Is(context.Cause(life), context.DeadlineExceeded) {
			err = context.DeadlineExceeded
		}
		end(nil)
		return nil, nil, l.outcome(ctx, err)
	}
	return resp.Body, func() { end(nil) }, nil
}

// Follow implements Follower. The bridges answer with the header of a stream
// when its reader has been registered.
func (a *httpAgent) Follow(ctx context.Context, channel string) (Stream, error) {
	body, cancel, err := a.openStream(ctx, "/events/channel/"+url.PathEscape(channel), a.headerWith("Accept", "text/event-stream"))
	if err != nil {
		return nil, err
	}
	return &httpStream{link: a.link, body: body, cancel: cancel, events: newEventReader(body)}, nil
}

// httpStream is one channel's event stream. A context that ends while or after
// Next was called with it ends the stream: what is read half can't be read on.
type httpStream struct {
	link   *link
	body   io.ReadCloser
	cancel context.CancelFunc
	events *eventReader

	until  context.Context // the context of the last Next, which is usually that of the next one
	unlink func() bool

	once sync.Once
}

// Next implements Stream.
func (s *httpStream) Next(ctx context.Context) (Message, error) {
	s.endWith(ctx)
	for {
		name, data, err := s.events.next()
		if err != nil {
			return Message{}, s.ended(ctx, err)
		}
		switch string(name) {
		case wire.EventMessage:
			var r record
			if err := json.Unmarshal(data, &r); err != nil || r.ID == "" {
				return Message{}, s.link.foreign("a message in its stream makes no sense")
			}
			return Message{ID: r.ID, Sender: r.Sender, Content: r.Content}, nil
		case wire.EventTruncated:
			return Message{}, s.ended(ctx, io.EOF)
		}
	}
}

// endWith lets a context end the stream.
func (s *httpStream) endWith(ctx context.Context) {
	if ctx == s.until {
		return
	}
	if s.unlink != nil {
		s.unlink()
	}
	s.until, s.unlink = ctx, context.AfterFunc(ctx, s.cancel)
}

func (s *httpStream) ended(ctx context.Context, err error) error {
	if errors.Is(err, errEndless) {
		return s.link.foreign("its stream: " + err.Error())
	}
	if errors.Is(err, io.EOF) && ctx.Err() == nil {
		err = errStreamEnded
	}
	return s.link.outcome(ctx, err)
}

var errStreamEnded = errors.New("it ended the stream")

// Close implements Stream.
func (s *httpStream) Close() error {
	s.once.Do(func() {
		s.cancel()
		_ = s.body.Close() // an error of a connection that is given up
	})
	return nil
}
