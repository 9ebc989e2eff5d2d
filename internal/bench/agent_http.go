package bench

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"agentbridge"
	"agentbridge/internal/wire"
)

// httpAgent speaks the JSON API, as reference B has it too.
type httpAgent struct {
	*link
	name      string
	consumer  string // of which the bridge knows no cursor
	foreigner bool   // the bridge is somebody else's
}

func (t *Target) enterHTTP(ctx context.Context, name string) (Agent, error) {
	l, name, err := t.arrive(ctx, name)
	if err != nil {
		return nil, err
	}
	return &httpAgent{link: l, name: name, consumer: consumerOf(name), foreigner: t.Foreign}, nil
}

// Close implements Agent.
func (a *httpAgent) Close() error {
	a.link.close()
	return nil
}

type sendBody struct {
	Channel string `json:"channel"`
	Sender  string `json:"sender"`
	Content string `json:"content"`
	Key     string `json:"idempotency_key,omitempty"`
}

// Send implements Agent.
func (a *httpAgent) Send(ctx context.Context, channel, content, key string) (string, error) {
	var answer struct {
		ID string `json:"id"`
	}
	err := a.ask(ctx, http.MethodPost, "/api/send", sendBody{channel, a.name, content, key}, &answer, 0)
	if err == nil && answer.ID == "" {
		err = a.foreign("it stored a message and does not say under which id")
	}
	return answer.ID, err
}

// record is what agents look at of a message, in all of the forms in which
// bridges write one.
type record struct {
	ID      string `json:"id"`
	Sender  string `json:"sender"`
	Content string `json:"content"`
}

// page is what agents look at of an answer to a read or a wait.
type page struct {
	Messages []record `json:"messages"`
	More     bool     `json:"more"` // reference B never says so, and bounds no page by bytes
	Warning  string   `json:"warning"`
}

var errStale error = agentbridge.Refuse(agentbridge.NotFound, "since_id", "is no message of this channel any more; read from the beginning")

// read is the page's messages, or why it has none.
func (p *page) read() ([]Message, error) {
	if p.Warning == wire.WarnStale {
		return nil, errStale
	}
	list := make([]Message, 0, len(p.Messages))
	for _, r := range p.Messages {
		list = append(list, Message{ID: r.ID, Sender: r.Sender, Content: r.Content})
	}
	return list, nil
}

// Read implements Agent.
func (a *httpAgent) Read(ctx context.Context, channel, after string, limit int) ([]Message, error) {
	return collect(after, limit, a.foreigner, func(after string, limit int) ([]Message, bool, error) {
		query := "?full=1&channel=" + url.QueryEscape(channel) + "&limit=" + strconv.Itoa(limit)
		if after != "" {
			query += "&since_id=" + url.QueryEscape(after)
		} else {
			query += "&consumer_id=" + url.QueryEscape(a.consumer)
		}
		var p page
		if err := a.ask(ctx, http.MethodGet, "/api/messages"+query, nil, &p, 0); err != nil {
			return nil, false, err
		}
		list, err := p.read()
		return list, p.More, err
	})
}

// Wait implements Agent.
func (a *httpAgent) Wait(ctx context.Context, channel, after string, timeout time.Duration) ([]Message, error) {
	query := "?channel=" + url.QueryEscape(channel) + "&since_id=" + url.QueryEscape(after) +
		"&limit=" + strconv.Itoa(waitLimit(a.foreigner)) + "&timeout_seconds=" + inSeconds(timeout)
	var p page
	if err := a.ask(ctx, http.MethodGet, "/api/wait"+query, nil, &p, timeout); err != nil {
		return nil, err
	}
	return p.read()
}

func inSeconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) }

// overview is what is counted of a listing of channels.
type overview struct {
	Total    int        `json:"total_channels"` // not of reference B's, which lists all
	Channels []struct{} `json:"channels"`
}

func (o *overview) count() int { return max(o.Total, len(o.Channels)) }

// List implements Agent.
func (a *httpAgent) List(ctx context.Context) (int, error) {
	var o overview
	err := a.ask(ctx, http.MethodGet, "/api/state", nil, &o, 0)
	return o.count(), err
}

type clearBody struct {
	Channel string `json:"channel"`
}

// Clear implements Agent.
func (a *httpAgent) Clear(ctx context.Context, channel string) error {
	return a.ask(ctx, http.MethodPost, "/api/clear", clearBody{channel}, &struct{}{}, 0)
}
