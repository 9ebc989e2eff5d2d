// This file knows the calls of one connection that its client has cancelled: they get no answer.

package mcpserver

import (
	"encoding/json"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
)

// unanswered are the calls of one connection between the SDK's reading of them and its answer. The zero value
// is ready to use. It is for connections that carry all answers on one stream: there nobody waits for the
// answer to a cancelled call, and MCP wants none (basic/utilities/cancellation). On /mcp the answer ends the
// response of the call.
type unanswered struct {
	mu    sync.Mutex          // guards calls
	calls map[jsonrpc.ID]bool // whether its client has cancelled it
}

// read notes what the SDK is about to read.
func (u *unanswered) read(message jsonrpc.Message) {
	request, ok := message.(*jsonrpc.Request)
	if !ok {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if request.IsCall() {
		if u.calls == nil {
			u.calls = make(map[jsonrpc.ID]bool)
		}
		if _, ok := u.calls[request.ID]; !ok { // the SDK refuses a second call under an id in use
			u.calls[request.ID] = false
		}
		return
	}
	if id, ok := cancels(request); ok {
		if _, ok := u.calls[id]; ok {
			u.calls[id] = true
		}
	}
}

// answer reports whether the answer to a call is still wanted, which it asks for once.
func (u *unanswered) answer(id jsonrpc.ID) (wanted bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	cancelled := u.calls[id]
	delete(u.calls, id)
	return !cancelled
}

// cancels returns which call a notification cancels.
func cancels(n *jsonrpc.Request) (jsonrpc.ID, bool) {
	if n.Method != "notifications/cancelled" {
		return jsonrpc.ID{}, false
	}
	var params struct {
		RequestID any `json:"requestId"`
	}
	if json.Unmarshal(n.Params, &params) != nil {
		return jsonrpc.ID{}, false
	}
	id, err := jsonrpc.MakeID(params.RequestID)
	return id, err == nil && id.IsValid()
}
