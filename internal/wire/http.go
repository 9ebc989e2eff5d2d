package wire

import (
	"bytes"
	"encoding/json"
	"net/http"
	"time"
)

// OneLine returns JSON with U+0085 written as an escape. It is the one line end
// of Unicode that encoding/json leaves as it is, and readers that split an
// event stream with a library for text end a line there.
func OneLine(text []byte) []byte {
	if !bytes.Contains(text, nextLine) {
		return text
	}
	return bytes.ReplaceAll(text, nextLine, []byte(`\u0085`))
}

var nextLine = []byte("\u0085")

// answerTime is what a client gets for taking an answer.
const answerTime = 30 * time.Second

// WriteJSON answers with a value as JSON. Characters that matter in HTML are
// left as they are: the content type says that this is none. A client that does
// not take the answer within half a minute loses its connection.
func WriteJSON(w http.ResponseWriter, status int, v any) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(answerTime)) // only a test's writer can't
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // whoever asked is told or gone
}

// WriteError answers with a refusal.
func WriteError(w http.ResponseWriter, status int, message string) {
	WriteJSON(w, status, Error{Error: message})
}
