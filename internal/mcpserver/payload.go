// This file looks at JSON before the SDK does, and writes the errors that we give in the SDK's place.

package mcpserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
	"unicode/utf8"

	"agentbridge/internal/wire"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
)

const (
	maxDepth     = 64               // levels of arrays and objects in one message
	bodyReadTime = 30 * time.Second // for the whole body of a POST
)

// checkJSON reports why p is not one JSON value that we are willing to parse. The SDK allows 1,000 levels,
// and what tools decode afterwards has limits of its own; nobody needs more than a handful.
func checkJSON(p []byte) error {
	if depth(p) > maxDepth {
		return fmt.Errorf("nested deeper than %d levels", maxDepth)
	}
	if !utf8.Valid(p) {
		return errors.New("not valid UTF-8")
	}
	if !json.Valid(p) {
		return errors.New("not valid JSON")
	}
	return nil
}

// depth is the deepest nesting in p, in one pass and without recursion. It only has to be right for valid
// JSON; anything else fails the next check.
func depth(p []byte) int {
	level, deepest := 0, 0
	for i := 0; i < len(p); i++ {
		switch p[i] {
		case '{', '[':
			level++
			deepest = max(deepest, level)
		case '}', ']':
			level--
		case '"':
			for i++; i < len(p) && p[i] != '"'; i++ {
				if p[i] == '\\' {
					i++
				}
			}
		}
	}
	return deepest
}

// readBody returns the checked body of a POST and puts it back into r, or answers and reports false.
func (t *transports) readBody(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	// http.Server.ReadTimeout would end our streams too, so the time for a slow body is limited here. A
	// writer that cannot set deadlines is one of a test.
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Now().Add(bodyReadTime))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, t.opts.MaxBody))
	if err != nil {
		// net/http reads on to the end of the body if the connection is to live; the deadline stays for that.
		w.Header().Set("Connection", "close")
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			wire.WriteError(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("request body exceeds %d bytes", tooLarge.Limit))
		} else {
			wire.WriteError(w, http.StatusBadRequest, "request body could not be read")
		}
		return nil, false
	}
	_ = rc.SetReadDeadline(time.Time{}) // the connection goes on to watch for the client's leaving
	if err := checkJSON(body); err != nil {
		writeRPCError(w, http.StatusBadRequest, jsonrpc.CodeParseError, "Parse error: "+err.Error())
		return nil, false
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body, true
}

func writeRPCError(w http.ResponseWriter, status, code int, message string) {
	writeJSON(w, status, rpcError(nil, code, message))
}

func writeJSON(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // whoever asked is told or gone
}

// rpcError is a JSON-RPC error. The id nil is null; the SDK's encoder would leave it out.
func rpcError(id json.RawMessage, code int, message string) []byte {
	if id == nil {
		id = json.RawMessage("null")
	}
	text, _ := json.Marshal(message) // a string always encodes
	return fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,"error":{"code":%d,"message":%s}}`, id, code, text)
}
