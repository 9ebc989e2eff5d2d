// This file is what a tool handler sees of the transports: a context that ends when nobody waits for the
// answer any more, and a call that can say when the answer has left.

package mcpserver

import (
	"context"
	"errors"
	"time"

	"agentbridge"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

const (
	// exchangeHeader carries the id of the exchange through the SDK: a handler on legacy /mcp sees the
	// context of the initialize request, but the headers of its own. Copies that clients send are replaced.
	exchangeHeader = "X-Agentbridge-Exchange"

	// callLimit bounds every tools/call; the longest wait a tool offers must be shorter. The SDK itself
	// waits for ever, for example for a client's answer to an elicitation.
	callLimit = 75 * time.Second

	lastLegacyRevision = "2025-11-25"
	modernRevision     = "2026-07-28"
)

var errCallTooLong = errors.New("the call took too long")

// A call is one running tools/call.
type call struct {
	x       *exchange
	replies *deliveries
	request context.Context // the SDK's: it ends when the reply was written or dropped, or the client cancels
}

type callKey struct{}

// callOf returns the context and the call of a running tool. The context ends when the client cancels or
// disconnects, on every transport, when its session ends, when the transports close, or after callLimit.
// Outside of the transports (the SDK's in-memory one, in tests) the call knows nothing about its reply.
func callOf(ctx context.Context, _ *mcp.CallToolRequest) (context.Context, *call) {
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		return ctx, c
	}
	return ctx, &call{}
}

// beginStream sends the first bytes of an answer that may take long, after which keep-alives follow. A tool
// that has begun must not end with a JSON-RPC error, whose status can no longer be sent. Where bytes flow
// anyway (stdio, /sse) it does nothing.
func (c *call) beginStream() {
	if c.x != nil && c.x.stream != nil {
		c.x.stream.begin()
	}
}

// onReply runs f once, in a goroutine of its own that close waits for: with left=true after the reply that
// carries result was written and flushed without an error while its client was connected, with left=false
// as soon as it is known that this will not happen. Call it last, and at most once for a result.
func (c *call) onReply(result *mcp.CallToolResult, f func(left bool)) {
	if c.x == nil {
		f(false)
		return
	}
	c.replies.add(result, f, c.request, c.x.ctx)
}

// middleware is the part of the transports that runs inside the SDK.
func (t *transports) middleware() mcp.Middleware {
	return func(next mcp.MethodHandler) mcp.MethodHandler {
		return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
			switch method {
			case "initialize":
				return t.initialize(ctx, next, req)
			case "tools/call":
				return t.callTool(ctx, next, req)
			}
			return next(ctx, method, req)
		}
	}
}

func (t *transports) callTool(ctx context.Context, next mcp.MethodHandler, req mcp.Request) (mcp.Result, error) {
	running, cancel := context.WithTimeoutCause(ctx, callLimit, errCallTooLong)
	defer cancel()
	x := t.exchangeOf(ctx, req)
	if x == nil {
		return next(running, "tools/call", req)
	}
	if x.ctx.Err() != nil { // nobody would read the answer, and whoever retries must not act twice
		return nil, context.Cause(x.ctx)
	}
	running, cancelCause := context.WithCancelCause(running)
	defer cancelCause(nil)
	defer context.AfterFunc(x.ctx, func() { cancelCause(context.Cause(x.ctx)) })()

	c := &call{x: x, replies: &t.replies, request: ctx}
	running = agentbridge.WithPrincipal(running, callerOf(x, req)) // of this request, not of the one that opened its session
	return next(context.WithValue(running, callKey{}, c), "tools/call", req)
}

// callerKey is where the messages of /sse carry who posted them.
const callerKey = "principal"

func postedBy(p agentbridge.Principal) *mcp.RequestExtra {
	return &mcp.RequestExtra{TokenInfo: &auth.TokenInfo{Extra: map[string]any{callerKey: p}}}
}

// callerOf returns who made a request: whoever posted it, which on all transports but /sse is who will get the
// answer.
func callerOf(x *exchange, req mcp.Request) agentbridge.Principal {
	if extra := req.GetExtra(); extra != nil && extra.TokenInfo != nil {
		if p, ok := extra.TokenInfo.Extra[callerKey].(agentbridge.Principal); ok {
			return p
		}
	}
	return agentbridge.PrincipalOf(x.ctx)
}

// initialize notes the session that a client of an older revision opens.
func (t *transports) initialize(ctx context.Context, next mcp.MethodHandler, req mcp.Request) (mcp.Result, error) {
	// The SDK answers 2026-07-28 with 2025-11-25, but goes on to believe the request and then sends
	// input_required results that such a client cannot read.
	if p, ok := req.GetParams().(*mcp.InitializeParams); ok && p.ProtocolVersion > lastLegacyRevision {
		p.ProtocolVersion = lastLegacyRevision
	}
	result, err := next(ctx, "initialize", req)
	if err != nil {
		return nil, err
	}
	x := t.exchangeOf(ctx, req)
	server, ok := req.GetSession().(*mcp.ServerSession)
	if x == nil || !ok {
		return result, nil
	}
	if x.admitted {
		t.registerSession(x, server)
	}
	if r, ok := result.(*mcp.InitializeResult); ok {
		x.mu.Lock()
		x.revision = r.ProtocolVersion
		x.mu.Unlock()
	}
	return result, nil
}

// exchangeOf returns the exchange that will carry the answer to req, or nil outside of the transports.
func (t *transports) exchangeOf(ctx context.Context, req mcp.Request) *exchange {
	extra := req.GetExtra()
	if extra == nil || extra.Header == nil { // stdio and /sse
		x, _ := ctx.Value(exchangeKey{}).(*exchange)
		return x
	}
	t.mu.Lock()
	x := t.exchanges[extra.Header.Get(exchangeHeader)]
	t.mu.Unlock()
	if x == nil { // its POST ended before the SDK came to run the call
		ended, cancel := context.WithCancelCause(ctx)
		cancel(errClientGone)
		x = &exchange{ctx: ended, cancel: cancel, admitted: true, left: true}
	}
	return x
}
