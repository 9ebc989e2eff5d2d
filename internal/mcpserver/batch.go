// This file is JSON-RPC batches on stdio, which only clients of 2025-03-26 may send.

package mcpserver

import (
	"bytes"
	"encoding/json"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
)

// A batch is an array of messages whose answers go back as an array.
type batch struct {
	calls    []jsonrpc.ID // in use until all of them are answered
	answered int
	answers  []json.RawMessage // to calls, and to what was none
}

// line is what to write once all calls are answered.
func (b *batch) line() []byte {
	line, _ := json.Marshal(b.answers) // made of encoded messages
	return line
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
	var messages []jsonrpc.Message
	for _, r := range raw {
		message, err := decode(r)
		if err == nil {
			err = c.enter(message, b)
		}
		if err != nil {
			b.answers = append(b.answers, rpcError(nil, jsonrpc.CodeInvalidRequest, "Invalid request: "+err.Error()))
			continue
		}
		messages = append(messages, message)
	}
	if len(b.calls) == 0 && len(b.answers) > 0 {
		_ = c.writeLine(b.line()) // writeLine has ended the exchange
	}
	for _, message := range messages { // only now: the first answer must not find an unfinished batch
		c.push(message)
	}
}

// collect returns the line to write for an answer: the answer itself, or its whole batch when that is
// complete, or nil when there is nothing to write. The answer nil is that of a cancelled call.
func (c *stdioConn) collect(id jsonrpc.ID, answer []byte) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.open[id]
	if b == nil {
		delete(c.open, id)
		return answer
	}
	if answer != nil {
		b.answers = append(b.answers, answer)
	}
	if b.answered++; b.answered < len(b.calls) {
		return nil
	}
	for _, id := range b.calls {
		delete(c.open, id)
	}
	if len(b.answers) == 0 { // all were cancelled
		return nil
	}
	return b.line()
}
