package bench

import (
	"context"
	"sync"
	"time"

	"agentbridge"
)

// engineAgent calls a Session in this process, as the faces do.
type engineAgent struct {
	session  agentbridge.Session
	bridge   agentbridge.Bridge
	name     agentbridge.AgentName
	consumer agentbridge.AgentName // of which the bridge knows no cursor
}

func (t *Target) enterEngine(ctx context.Context, name string) (Agent, error) {
	own, err := agentbridge.ParseAgentName("name", name)
	if err != nil {
		return nil, err
	}
	s, err := t.Bridge.Open(ctx, agentbridge.Local())
	if err != nil {
		return nil, err
	}
	return &engineAgent{session: s, bridge: t.Bridge, name: own, consumer: agentbridge.AgentName(consumerOf(name))}, nil
}

// Close implements Agent. The bridge is not the agent's to close.
func (a *engineAgent) Close() error { return nil }

// Send implements Agent.
func (a *engineAgent) Send(ctx context.Context, channel, content, key string) (string, error) {
	d := agentbridge.Draft{Channel: agentbridge.ChannelName(channel), Sender: a.name, Key: key}
	var err error
	if d.Body, err = agentbridge.Text(content); err != nil {
		return "", err
	}
	sent, err := a.session.Send(ctx, d)
	return string(sent.ID), err
}

// Read implements Agent.
func (a *engineAgent) Read(ctx context.Context, channel, after string, limit int) ([]Message, error) {
	return collect(after, limit, false, func(after string, limit int) ([]Message, bool, error) {
		r := agentbridge.ReadRequest{Channel: agentbridge.ChannelName(channel), After: agentbridge.MessageID(after), Limit: limit}
		if after == "" {
			r.Consumer = a.consumer
		}
		p, err := a.session.Read(ctx, r)
		if err != nil {
			return nil, false, err
		}
		list, err := messagesOf(p)
		return list, p.More, err
	})
}

func messagesOf(p agentbridge.Page) ([]Message, error) {
	if p.Stale {
		return nil, errStale
	}
	list := make([]Message, 0, len(p.Messages))
	for _, m := range p.Messages {
		list = append(list, Message{ID: string(m.ID), Sender: string(m.Sender), Content: m.Content})
	}
	return list, nil
}

// Wait implements Agent.
func (a *engineAgent) Wait(ctx context.Context, channel, after string, timeout time.Duration) ([]Message, error) {
	r := agentbridge.ReadRequest{Channel: agentbridge.ChannelName(channel), After: agentbridge.MessageID(after), Limit: waitLimit(false)}
	p, err := a.session.Wait(ctx, r, timeout)
	if err != nil {
		return nil, err
	}
	return messagesOf(p)
}

// List implements Agent.
func (a *engineAgent) List(ctx context.Context) (int, error) {
	list, err := a.session.Channels(ctx, agentbridge.ChannelQuery{Senders: true})
	return int(list.TotalChannels), err
}

// Clear implements Agent.
func (a *engineAgent) Clear(ctx context.Context, channel string) error {
	_, err := a.session.Clear(ctx, agentbridge.ChannelName(channel))
	return err
}

// Follow implements Follower.
func (a *engineAgent) Follow(ctx context.Context, channel string) (Stream, error) {
	feed, err := a.session.Follow(ctx, agentbridge.ChannelName(channel), "")
	if err != nil {
		return nil, err
	}
	life, end := context.WithCancel(context.Background())
	return &engineStream{feed: feed, life: life, end: end}, nil
}

// engineStream is a feed. Its Close ends a Next that blocks.
type engineStream struct {
	life context.Context
	end  context.CancelFunc

	mu   sync.Mutex // held by Next, and guards the fields below: a feed has one user at a time
	feed agentbridge.Feed
	held []agentbridge.Event
}

// Next implements Stream.
func (s *engineStream) Next(ctx context.Context) (Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		for len(s.held) > 0 {
			e := s.held[0]
			s.held = s.held[1:]
			if m := e.Message; e.Kind == agentbridge.EventMessage {
				return Message{ID: string(m.ID), Sender: string(m.Sender), Content: m.Content}, nil
			}
		}
		if s.life.Err() != nil {
			return Message{}, errClosed
		}
		if err := s.fetch(ctx); err != nil {
			return Message{}, err
		}
	}
}

// fetch takes the next batch of the feed. The caller holds mu.
func (s *engineStream) fetch(ctx context.Context) error {
	until, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.life, cancel)()
	b, err := s.feed.Next(until)
	if err != nil && s.life.Err() != nil {
		return errClosed
	}
	s.held = b.Events
	return err
}

var errClosed error = agentbridge.Refuse(agentbridge.Closed, "", "the stream was closed")

// Close implements Stream.
func (s *engineStream) Close() error {
	s.end()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.feed.Close()
	return nil
}
