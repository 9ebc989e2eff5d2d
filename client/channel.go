package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"agentbridge"
	"agentbridge/internal/wire"
)

// Tries of calls, which may be repeated when nothing came back. A read changes
// nothing; an acknowledgement says the same twice. Whatever is not here is
// tried once.
const (
	readTries  = 2
	writeTries = 4
)

// get is a call that reads.
func get(path string, query url.Values) call {
	return call{method: http.MethodGet, path: path, query: query, tries: readTries}
}

// post is a call that changes something.
func post(path string, body any) call {
	return call{method: http.MethodPost, path: path, body: body, tries: 1}
}

// pageQuery is a ReadRequest as the API takes it.
func pageQuery(r agentbridge.ReadRequest) url.Values {
	if r.Limit <= 0 {
		r.Limit = agentbridge.DefaultPage // the API's own default is another
	}
	q := url.Values{"channel": {string(r.Channel)}, "limit": {strconv.Itoa(min(r.Limit, agentbridge.MaxPage))}}
	if r.After != "" {
		q.Set("since_id", string(r.After))
	}
	if r.Consumer != "" {
		q.Set("consumer_id", string(r.Consumer))
	}
	if r.Before > 0 && r.After == "" && r.Consumer == "" { // both win over it, and the API takes one direction
		q.Set("before_seq", strconv.FormatInt(int64(r.Before), 10))
	}
	if r.MaxBytes <= 0 {
		r.MaxBytes = agentbridge.MaxReplyBytes // as above
	}
	setBytes(q, r.MaxBytes)
	return q
}

func setBytes(q url.Values, maxBytes int) {
	if maxBytes > 0 {
		q.Set("max_bytes", strconv.Itoa(maxBytes))
	}
}

// Read implements agentbridge.Session.
func (c *Client) Read(ctx context.Context, r agentbridge.ReadRequest) (agentbridge.Page, error) {
	q := pageQuery(r)
	q.Set("full", "1")
	list, err := ask(ctx, c, get("/api/messages", q), func(l wire.Listing) bool { return l.Channel == r.Channel && l.Messages != nil })
	if err != nil {
		return agentbridge.Page{}, err
	}
	page := pageOf(r, list.NextCursor, list.Warning)
	page.More, page.Older = list.More, list.Older
	for _, l := range list.Messages {
		m, err := readListed(list.Channel, l)
		if err != nil {
			return agentbridge.Page{}, c.foreign("a message in its answer makes no sense")
		}
		page.Messages = append(page.Messages, m)
	}
	return page, nil
}

func readListed(channel agentbridge.ChannelName, l wire.Listed) (agentbridge.Message, error) {
	r := wire.Record{Seq: l.Seq, ID: l.ID, Channel: channel, Sender: l.Sender, Verified: l.Verified, Timestamp: l.TSFull, Encoding: l.Encoding}
	if l.Content != nil {
		r.Content = *l.Content
	}
	return r.Read()
}

// pageOf is what every answer to a read says of the page as a whole.
func pageOf(r agentbridge.ReadRequest, next *string, warning string) agentbridge.Page {
	page := agentbridge.Page{Channel: r.Channel, Consumer: r.Consumer, Next: r.After}
	if next != nil {
		page.Next = agentbridge.MessageID(*next)
	}
	page.Stale = warning == wire.WarnStale
	page.Gap = warning == wire.WarnGap
	return page
}

// Wait implements agentbridge.Session. It is tried once: how much of the time
// is left is for the caller to know.
func (c *Client) Wait(ctx context.Context, r agentbridge.ReadRequest, timeout time.Duration) (agentbridge.Page, error) {
	if r.After == "" && r.Consumer == "" {
		return agentbridge.Page{}, agentbridge.Refuse(agentbridge.Required, "cursor",
			"waiting requires since_id or consumer_id; pass the last message id you have seen, or a stable consumer_id")
	}
	timeout = min(max(timeout, 0), agentbridge.MaxWait)
	q := pageQuery(r)
	q.Set("timeout_seconds", strconv.FormatFloat(timeout.Seconds(), 'f', -1, 64))
	what := get("/api/wait", q)
	what.tries, what.wait = 1, timeout
	answer, err := ask(ctx, c, what, func(p wire.WaitPage) bool { return p.Channel == r.Channel && p.Messages != nil })
	if err != nil {
		return agentbridge.Page{}, err
	}
	warning := ""
	if answer.Warning != nil {
		warning = *answer.Warning
	}
	page := pageOf(r, answer.NextCursor, warning)
	page.More, page.Older, page.TimedOut = answer.More, answer.Older, answer.TimedOut
	page.Messages, err = c.readRecords(answer.Messages)
	return page, err
}

func (c *Client) readRecords(records []wire.Record) (list []agentbridge.Message, err error) {
	for _, r := range records {
		m, err := r.Read()
		if err != nil {
			return nil, c.foreign("a message in its answer makes no sense")
		}
		list = append(list, m)
	}
	return list, nil
}

// Ack implements agentbridge.Session.
func (c *Client) Ack(ctx context.Context, a agentbridge.Ack) (agentbridge.Cursor, error) {
	req := wire.AckRequest{Channel: a.Channel, ConsumerID: a.Consumer, MessageID: a.MessageID}
	if a.Metadata != nil {
		req.Metadata = []byte(a.Metadata)
	}
	what := post("/api/ack", req)
	what.tries = writeTries
	cur, err := ask(ctx, c, what, func(w wire.Cursor) bool { return w.Channel == a.Channel && w.ConsumerID == a.Consumer })
	if err != nil {
		return agentbridge.Cursor{}, err
	}
	at, err := wire.ReadTime(cur.UpdatedAt)
	if err != nil {
		return agentbridge.Cursor{}, c.foreign("the time in its answer makes no sense")
	}
	return agentbridge.Cursor{Consumer: cur.ConsumerID, Channel: cur.Channel, Seq: cur.LastSeq, MessageID: cur.LastMessageID,
		UpdatedAt: at, Advanced: cur.Advanced}, nil
}

// Clear implements agentbridge.Session. It is never repeated by itself: what
// came after the first time would go with the second.
func (c *Client) Clear(ctx context.Context, channel agentbridge.ChannelName) (int64, error) {
	answer, err := ask(ctx, c, post("/api/clear", wire.ClearRequest{Channel: channel}), func(w wire.Cleared) bool { return w.Channel == channel })
	return answer.Cleared, err
}
