package bench

import (
	"context"
	"errors"
	"time"

	"agentbridge"
)

// Listener is an agent that can hold open the stream on which a server tells
// its clients what happens: the door MCP. Listen returns once the stream stands;
// it is read until Close, and what comes is thrown away.
type Listener interface {
	Listen(ctx context.Context) error
}

// mcpAgent calls tools, over whatever transport.
type mcpAgent struct {
	rpc
	name      string
	consumer  string // of which the bridge knows no cursor
	foreigner bool   // the bridge is somebody else's
}

// mcpTalker is one whose bridge knows conversations.
type mcpTalker struct{ mcpAgent }

// mcpListener and mcpListenerTalker are those over HTTP.
type (
	mcpListener       struct{ mcpAgent }
	mcpListenerTalker struct{ mcpTalker }
)

func (t *Target) enterMCP(ctx context.Context, name string) (Agent, error) {
	l, name, err := t.arrive(ctx, name)
	if err != nil {
		return nil, err
	}
	r, err := dialRPC(ctx, l)
	if err != nil {
		l.close()
		return nil, err
	}
	a := mcpAgent{rpc: r, name: name, consumer: consumerOf(name), foreigner: t.Foreign}
	if t.Foreign {
		return &mcpListener{a}, nil
	}
	return &mcpListenerTalker{mcpTalker{a}}, nil
}

func (t *Target) enterStdio(ctx context.Context, name string) (Agent, error) {
	conn, err := t.Stdio(ctx)
	if err != nil {
		return nil, agentbridge.Refuse(agentbridge.Unreachable, "", "no process could be started for an agent (%s)", inert(err.Error()))
	}
	r := newRPCStdio(conn)
	var hello initializeResult
	err = r.call(ctx, "initialize", ourself(), &hello, 0)
	if err == nil && !t.Foreign && hello.Server.Name != agentbridge.Service {
		err = agentbridge.Refuse(agentbridge.Unreachable, "", "the process behind stdio is no agentbridge but calls itself %q", inert(hello.Server.Name))
	}
	if err == nil {
		err = r.notify(ctx, "notifications/initialized", nil)
	}
	if err != nil {
		_ = r.Close() // the first error is the one to tell
		return nil, err
	}
	a := mcpAgent{rpc: r, name: name, consumer: consumerOf(name), foreigner: t.Foreign}
	if t.Foreign {
		return &a, nil
	}
	return &mcpTalker{a}, nil
}

// Listen implements Listener.
func (a *mcpListener) Listen(ctx context.Context) error { return a.rpc.(*rpcHTTP).listen(ctx) }

// Listen implements Listener.
func (a *mcpListenerTalker) Listen(ctx context.Context) error { return a.rpc.(*rpcHTTP).listen(ctx) }

var (
	errForgotten = errors.New("the server ended the session while nobody looked")
	errDeaf      = errors.New("the server ended the stream while nobody looked")
)

// lasted is nil if the session is still the one that was opened, and the stream
// of Listen, if there is one, stands. Whether the server still knows the session
// shows in the first call after it has forgotten it.
func (a *mcpAgent) lasted() error {
	r, ok := a.rpc.(*rpcHTTP)
	switch {
	case !ok:
		return nil
	case r.forgotten > 0:
		return errForgotten
	case r.deaf.Load():
		return errDeaf
	}
	return nil
}

// lasted asks that of an agent, and of those through other doors nothing.
func lasted(a Agent) error {
	if l, ok := a.(interface{ lasted() error }); ok {
		return l.lasted()
	}
	return nil
}

// tool calls a tool.
func (a *mcpAgent) tool(ctx context.Context, name string, args, data any) error {
	return callTool(ctx, a.rpc, name, args, data, 0)
}

// Send implements Agent.
func (a *mcpAgent) Send(ctx context.Context, channel, content, key string) (string, error) {
	var data struct {
		ID string `json:"id"`
	}
	err := a.tool(ctx, "bridge_send", sendBody{channel, a.name, content, key}, &data)
	return data.ID, stored(data.ID, err)
}

// stored makes an error of a success that does not say what it stored.
func stored(id string, err error) error {
	if err == nil && id == "" {
		err = errNoID
	}
	return err
}

var errNoID error = agentbridge.Refuse(agentbridge.Unreachable, "", "the server answers, but is no bridge: it stored a message and does not say under which id")

type readArgs struct {
	Channel  string   `json:"channel"`
	After    string   `json:"since_id,omitempty"`
	Consumer string   `json:"consumer_id,omitempty"`
	Limit    int      `json:"limit"`
	Timeout  *float64 `json:"timeout_seconds,omitempty"`
}

// Read implements Agent.
func (a *mcpAgent) Read(ctx context.Context, channel, after string, limit int) ([]Message, error) {
	return collect(after, limit, a.foreigner, func(after string, limit int) ([]Message, bool, error) {
		args := readArgs{Channel: channel, After: after, Limit: limit}
		if after == "" {
			args.Consumer = a.consumer
		}
		var p page
		if err := a.tool(ctx, "bridge_receive", args, &p); err != nil {
			return nil, false, err
		}
		list, err := p.read()
		return list, p.More, err
	})
}

// Wait implements Agent.
func (a *mcpAgent) Wait(ctx context.Context, channel, after string, timeout time.Duration) ([]Message, error) {
	seconds := timeout.Seconds()
	args := readArgs{Channel: channel, After: after, Limit: waitLimit(a.foreigner), Timeout: &seconds}
	var p page
	if err := callTool(ctx, a.rpc, "bridge_wait", args, &p, timeout); err != nil {
		return nil, err
	}
	return p.read()
}

// List implements Agent.
func (a *mcpAgent) List(ctx context.Context) (int, error) {
	var o overview
	err := a.tool(ctx, "bridge_channels", struct{}{}, &o)
	return o.count(), err
}

// Clear implements Agent.
func (a *mcpAgent) Clear(ctx context.Context, channel string) error {
	return a.tool(ctx, "bridge_clear", clearBody{channel}, &struct{}{})
}
