package bench

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"agentbridge"
)

// revision is the one of MCP that is spoken: the last one with sessions, which
// every bridge knows.
const revision = "2025-11-25"

// rpc is a connection to an MCP server on which calls are made one after
// another. This is no client library: it knows what a benchmark needs, because
// it shares the machine with the server that it measures.
type rpc interface {
	// call makes a request and reads its result into result. It may wait for so
	// long beyond the time that every call has.
	call(ctx context.Context, method string, params, result any, wait time.Duration) error
	// notify sends a notification.
	notify(ctx context.Context, method string, params any) error
	Close() error
}

// rpcRequest is a JSON-RPC request, or a notification if its ID is 0.
type rpcRequest struct {
	Version string `json:"jsonrpc"`
	ID      int64  `json:"id,omitempty"`
	Method  string `json:"method"`
	Params  any    `json:"params,omitempty"`
}

func encodeRPC(id int64, method string, params any) ([]byte, error) {
	return encode(rpcRequest{"2.0", id, method, params})
}

// rpcAnswer is any message that a server sends.
type rpcAnswer struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"` // of a request or a notification of its own
	Result json.RawMessage `json:"result"`
	Error  *rpcError       `json:"error"`
}

type rpcError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

func (e *rpcError) refusal() error {
	err := agentbridge.Refuse(agentbridge.InvalidValue, "", "the server refused the call as JSON-RPC error %d: %s", e.Code, inert(e.Message))
	if e.Code == codeInternal {
		err.Code = agentbridge.Internal
	}
	return err
}

// codeInternal is JSON-RPC's code for a fault of the server.
const codeInternal = -32603

// decodeRPC reads a message into result if it is the answer to a request, and
// tells whether it is. Whatever else a server sends (progress, logs, requests of
// its own, answers to calls that were given up) leaves no trace.
func decodeRPC(raw []byte, id int64, result any) (mine bool, err error) {
	var m rpcAnswer
	if err := json.Unmarshal(raw, &m); err != nil {
		return false, err
	}
	switch {
	case m.Method != "":
		return false, nil
	case m.Error != nil && (len(m.ID) == 0 || string(m.ID) == "null"): // it could not read whose answer this is
		return true, m.Error.refusal()
	case string(m.ID) != strconv.FormatInt(id, 10):
		return false, nil
	case m.Error != nil:
		return true, m.Error.refusal()
	}
	return true, json.Unmarshal(m.Result, result)
}

type clientInfo struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

type initializeParams struct {
	Revision     string     `json:"protocolVersion"`
	Capabilities struct{}   `json:"capabilities"`
	Client       clientInfo `json:"clientInfo"`
}

type initializeResult struct {
	Revision string `json:"protocolVersion"`
	Server   struct {
		Name string `json:"name"`
	} `json:"serverInfo"`
}

func ourself() initializeParams {
	return initializeParams{Revision: revision, Client: clientInfo{"agentbridge-bench", agentbridge.Version}}
}

// callTool calls a tool and reads its data into data.
func callTool(ctx context.Context, r rpc, name string, args, data any, wait time.Duration) error {
	result := toolResult{Data: data}
	if err := r.call(ctx, "tools/call", toolParams{name, args}, &result, wait); err != nil {
		return err
	}
	if !result.IsError {
		return nil
	}
	var content []struct {
		Text string `json:"text"`
	}
	_ = json.Unmarshal(result.Content, &content) // a refusal without words is one
	for _, c := range content {
		if c.Text != "" {
			return toolRefusal(c.Text)
		}
	}
	return toolRefusal("the tool " + name + " refused and does not say why")
}

type toolParams struct {
	Name string `json:"name"`
	Args any    `json:"arguments"`
}

type toolResult struct {
	IsError bool            `json:"isError"`
	Content json.RawMessage `json:"content"`           // text for models; read only if it says what is wrong
	Data    any             `json:"structuredContent"` // holds a pointer
}
