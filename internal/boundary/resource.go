// This file tells OAuth clients where to get an access token: metadata of a protected resource (RFC 9728), and
// the header that points to it.

package boundary

import (
	"net/http"
	"strings"

	"agentbridge"
	"agentbridge/internal/wire"
)

// Resource is the bridge as OAuth clients see it.
type Resource struct {
	URL    string // under which they know it, without a path or a slash at its end
	Issuer string // the authorization server whose tokens admit
}

const (
	metadataPath = "/.well-known/oauth-protected-resource"
	mcpPath      = "/mcp" // a resource of its own, to which MCP clients connect
)

// metadata is the answer, in the words of RFC 9728 §2.
type metadata struct {
	Resource string   `json:"resource"`
	Servers  []string `json:"authorization_servers"`
	Methods  []string `json:"bearer_methods_supported"`
	Scopes   []string `json:"scopes_supported"`
	Name     string   `json:"resource_name"`
}

// metadataOf returns the part of the bridge whose metadata a path is, "/" for the whole, and "" if it is none.
func (b *Boundary) metadataOf(path string) string {
	switch {
	case b.opts.Resource == nil:
		return ""
	case path == metadataPath:
		return "/"
	case path == metadataPath+mcpPath:
		return mcpPath
	}
	return ""
}

// serveMetadata answers everybody, also pages of any origin: it is what a client reads before it has a token,
// and holds nothing secret.
func (b *Boundary) serveMetadata(w http.ResponseWriter, v *visit) {
	switch v.r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodOptions:
		w.Header().Set("Access-Control-Allow-Methods", "GET")
		w.Header().Set("Access-Control-Allow-Headers", "*")
		w.Header().Set("Access-Control-Max-Age", corsMaxAge)
		w.WriteHeader(http.StatusNoContent)
		return
	default:
		w.Header().Set("Allow", "GET, HEAD, OPTIONS")
		wire.WriteError(w, http.StatusMethodNotAllowed, "method not allowed")
		return
	}
	wire.WriteJSON(w, http.StatusOK, metadata{
		Resource: b.opts.Resource.URL + strings.TrimSuffix(v.metadata, "/"),
		Servers:  []string{b.opts.Resource.Issuer},
		Methods:  []string{"header"},
		Scopes:   []string{"read:*", "send:*", "clear:*"},
		Name:     agentbridge.Service,
	})
}

// challenge is how a refusal asks for credentials; wrong says what is the matter with those it got.
func (b *Boundary) challenge(v *visit, wrong string) string {
	challenge := b.askFor(v)
	if wrong != "" {
		challenge += `, error="` + wrong + `"`
	}
	return challenge
}

func (b *Boundary) askFor(v *visit) string {
	if b.opts.Resource == nil {
		return wire.BareChallenge
	}
	url := b.opts.Resource.URL + metadataPath
	if isBelow(v.path, mcpPath) {
		url += mcpPath
	}
	return wire.BareChallenge + `, resource_metadata="` + url + `"`
}
