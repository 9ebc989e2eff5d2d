package wire

import (
	"encoding/json"
	"net/http"
)

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
