package mcpserver

import (
	"context"
	"strconv"
	"time"

	"agentbridge"
	"agentbridge/internal/wire"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

func bridgeSend(ctx context.Context, c *invocation) (*reply, error) {
	draft := agentbridge.Draft{Channel: c.args.channel(), Sender: c.sender(ctx)}
	content, isText := c.args.optional("content")
	envelope, isEnvelope := c.args.object("message")
	key, keyed := c.args.optional("idempotency_key")
	s, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	switch {
	case isText == isEnvelope:
		return nil, agentbridge.Refuse(agentbridge.Required, "content", "provide exactly one of content or message")
	case isText:
		draft.Body, err = agentbridge.Text(content)
	default:
		draft.Body, err = agentbridge.ParseEnvelope(envelope)
	}
	if err != nil {
		return nil, err
	}
	if keyed {
		if draft.Key, err = agentbridge.ParseKey(key); err != nil {
			return nil, err
		}
	}
	sent, err := s.Send(ctx, draft)
	if err != nil {
		return nil, err
	}
	f := newFence()
	f.sayf("Stored message %s (seq %d) in %s.", sent.ID, sent.Seq, quote(sent.Channel))
	if sent.Deduplicated {
		f.sayf("It had been stored before under this idempotency_key; nothing was sent twice.")
	}
	changes := f.sayChanges(sent)
	return &reply{text: f.String(), data: struct {
		ID           agentbridge.MessageID   `json:"id"`
		Seq          agentbridge.Seq         `json:"seq"`
		Channel      agentbridge.ChannelName `json:"channel"`
		Sender       agentbridge.AgentName   `json:"sender"`
		Timestamp    string                  `json:"timestamp"`
		Deduplicated bool                    `json:"deduplicated"`
		wire.Changes
	}{sent.ID, sent.Seq, sent.Channel, sent.Sender, agentbridge.FormatTime(sent.At), sent.Deduplicated, changes}}, nil
}

// sender reads who a message shall be from. Whoever is known by name is that
// one, and need not say so.
func (c *invocation) sender(ctx context.Context) agentbridge.AgentName {
	who, err := c.principal(ctx)
	c.args.check(err)
	return c.args.agentOr("sender", who.Name)
}

// readRequest reads what bridge_receive and bridge_wait have in common.
func (c *invocation) readRequest() agentbridge.ReadRequest {
	r := agentbridge.ReadRequest{Channel: c.args.channel(), MaxBytes: pageBytes}
	if since, given := c.args.optional("since_id"); given {
		id, err := agentbridge.ParseMessageID("since_id", since)
		r.After = parsed(c.args, id, err)
	}
	if consumer, given := c.args.optional("consumer_id"); given {
		name, err := agentbridge.ParseAgentName("consumer_id", consumer)
		r.Consumer = parsed(c.args, name, err)
	}
	r.Limit = c.args.integer("limit", agentbridge.DefaultPage, 1, agentbridge.MaxPage)
	return r
}

func bridgeReceive(ctx context.Context, c *invocation) (*reply, error) {
	r := c.readRequest()
	s, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	page, err := s.Read(ctx, r)
	if err != nil {
		return nil, err
	}
	return &reply{text: pageText(page), data: pageOf(page)}, nil
}

func pageText(p agentbridge.Page) string {
	f := newFence()
	behind := ""
	if p.Next != "" || p.Consumer != "" {
		behind = " behind this position"
	}
	switch {
	case p.Stale:
		f.sayf("since_id %s is not a message of channel %s: it was cleared or belongs elsewhere. Read again without since_id.", quote(p.Next), quote(p.Channel))
	case p.TimedOut:
		f.sayf("Nothing new in channel %s before the timeout. Call again with the same cursor.", quote(p.Channel))
	case len(p.Messages) == 0:
		f.sayf("Channel %s has no messages%s.", quote(p.Channel), behind)
	default:
		f.sayf("%s in channel %s.%s", plural(int64(len(p.Messages)), "message"), quote(p.Channel), unverifiedOf(p.Messages))
		f.warn()
	}
	if p.Gap {
		f.sayf("Gap: messages behind the last acknowledgement of %s were cleared or expired before it read them.", quote(p.Consumer))
	}
	for _, m := range p.Messages {
		f.block(messageTitle(m)+suspicion(m.Content), m.Content)
	}
	if p.More {
		f.sayf("More follow: read again with since_id %s.", p.Next)
	}
	if p.Older {
		f.sayf("Older messages exist: a new consumer_id reads the channel from its beginning.")
	}
	return f.String()
}

func messageTitle(m agentbridge.Message) string {
	return "[" + strconv.FormatInt(int64(m.Seq), 10) + "] from " + verified(m) + quote(m.Sender) + " at " + agentbridge.FormatTime(m.At) + ", id " + string(m.ID)
}

// progressEvery is how often a waiting call shows that it is alive.
const progressEvery = 5 * time.Second

func bridgeWait(ctx context.Context, c *invocation) (*reply, error) {
	r := c.readRequest()
	seconds := c.args.number("timeout_seconds", agentbridge.DefaultWait.Seconds(), 0, agentbridge.MaxWait.Seconds())
	s, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	page, err := c.wait(ctx, s, r, time.Duration(seconds*float64(time.Second)))
	if err != nil {
		return nil, err
	}
	return &reply{text: pageText(page), data: waitPage{pageOf(page), page.TimedOut}}, nil
}

// wait waits in stretches and reports progress between them, which keeps the
// clients that ask for it from giving up.
func (c *invocation) wait(ctx context.Context, s agentbridge.Session, r agentbridge.ReadRequest, timeout time.Duration) (agentbridge.Page, error) {
	start := time.Now()
	for {
		left := timeout - time.Since(start)
		page, err := s.Wait(ctx, r, max(0, min(left, progressEvery)))
		if err != nil || !page.TimedOut || left <= progressEvery {
			return page, err
		}
		c.progress(ctx, time.Since(start), timeout)
	}
}

// progress tells a client that asked for it how long the wait has lasted.
func (c *invocation) progress(ctx context.Context, waited, timeout time.Duration) {
	token := c.message.Params.GetProgressToken()
	if token == nil {
		return
	}
	c.beginStream()
	// An error means that the client is gone, which ctx will tell.
	_ = c.message.Session.NotifyProgress(ctx, &mcp.ProgressNotificationParams{
		ProgressToken: token, Message: "waiting for messages", Progress: waited.Seconds(), Total: timeout.Seconds(),
	})
}

func bridgeAck(ctx context.Context, c *invocation) (*reply, error) {
	ack := agentbridge.Ack{Channel: c.args.channel(), Consumer: c.args.agent("consumer_id")}
	id := c.args.required("message_id")
	object, hasMetadata := c.args.object("metadata")
	s, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	if ack.MessageID, err = agentbridge.ParseMessageID("message_id", id); err != nil {
		return nil, err
	}
	if hasMetadata {
		if ack.Metadata, err = agentbridge.ParseMetadata("metadata", object); err != nil {
			return nil, err
		}
	}
	cur, err := s.Ack(ctx, ack)
	if err != nil {
		return nil, err
	}
	f := newFence()
	if cur.Advanced {
		f.sayf("Consumer %s has acknowledged %s up to %s (seq %d).", quote(cur.Consumer), quote(cur.Channel), cur.MessageID, cur.Seq)
	} else {
		f.sayf("Consumer %s had already acknowledged %s up to %s (seq %d); nothing changed.", quote(cur.Consumer), quote(cur.Channel), cur.MessageID, cur.Seq)
	}
	return &reply{text: f.String(), data: wire.CursorOf(cur)}, nil
}
