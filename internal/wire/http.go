package wire

import (
	"bytes"
	"encoding/json"
	"net/http"
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

// WriteJSON answers with a value as JSON. Characters that matter in HTML are
// left as they are: the content type says that this is none.
func WriteJSON(w http.ResponseWriter, status int, v any) {
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
