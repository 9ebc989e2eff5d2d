// This file is JSON-RPC batches on stdio, which only clients of 2025-03-26 may send.

package mcpserver

import (
	"bytes"
	"encoding/json"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
)

// A batch is an array of calls whose answers go back as an array.
type batch struct {
	open    int
	answers []json.RawMessage
}

// isBatch reports whether a message is an array.
func isBatch(message []byte) bool { return bytes.HasPrefix(message, []byte("[")) }

// acceptBatch takes an array of messages, which 2025-03-26 demands and 2025-06-18 took out again.
func (c *stdioConn) acceptBatch(line []byte) {
	c.x.mu.Lock()
	revision := c.x.revision
	c.x.mu.Unlock()
	var raw []json.RawMessage
	_ = json.Unmarshal(line, &raw) // checked: it is an array
	if revision >= "2025-06-18" || len(raw) == 0 {
		c.refuse(jsonrpc.CodeInvalidRequest, "Invalid request: a batch is empty or not part of this revision")
		return
	}
	b := &batch{}
	messages := make([]jsonrpc.Message, len(raw))
	for i, r := range raw {
		message, err := jsonrpc.DecodeMessage(r)
		if err != nil {
			c.refuse(jsonrpc.CodeInvalidRequest, "Invalid request: "+err.Error())
			return
		}
		messages[i] = message
	}
	c.mu.Lock()
	for _, message := range messages {
		if isCall(message) {
			if c.batches == nil {
				c.batches = make(map[jsonrpc.ID]*batch)
			}
			c.batches[message.(*jsonrpc.Request).ID] = b
			b.open++
		}
	}
	c.mu.Unlock()
	for _, message := range messages {
		c.push(message)
	}
}

// collect returns the line to write for an answer: the answer itself, or its whole batch when that is
// complete, or nil when it is not.
func (c *stdioConn) collect(id jsonrpc.ID, answer []byte) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.batches[id]
	if b == nil {
		return answer
	}
	delete(c.batches, id)
	b.answers = append(b.answers, answer)
	if b.open--; b.open > 0 {
		return nil
	}
	line, _ := json.Marshal(b.answers) // made of encoded messages
	return line
}
