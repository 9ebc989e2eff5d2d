package main

import (
	"cmp"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"

	"agentbridge"
)

// announce tells the operator what runs where. The token is not in it: what
// stands on a terminal is soon in a log.
func (f *serveFlags) announce(w io.Writer, gate *entrance, url string, b *bridge) {
	fmt.Fprintf(w, "agentbridge %s\n", agentbridge.Version)
	line := func(name, format string, a ...any) {
		fmt.Fprintf(w, "  %-10s %s\n", name, inert(fmt.Sprintf(format, a...)))
	}
	line("database", "%s", b.store.Path())
	line("MCP", "%s/mcp", url)
	line("older MCP", "%s/sse", url)
	line("state", "%s/api/state", url)
	line("health", "%s/status", url)
	line("events", "%s/events/channel/NAME", url)
	if gate.tls != nil {
		line("TLS", "on, with the certificate in %s", f.certChain)
	}
	known := b.AuthRequired() // some agent is
	if who := f.admitted(gate, known); who != "" {
		line("token", "%s", who)
	}
	if f.issuer != "" {
		line("OAuth", "access tokens of %s admit; clients read %s/.well-known/oauth-protected-resource", f.issuer, url)
	}
	if f.keepDays > 0 {
		line("retention", "messages older than %d days are DELETED; looked for every %d s", f.keepDays, f.sweep)
	}
	if f.audit {
		line("audit log", "%s/api/audit", url)
	}
	f.announceClients(w, gate.boundary.Token != "" || known || f.required, url)
}

// admitted says whose token is asked for, "" if nobody's is.
func (f *serveFlags) admitted(gate *entrance, known bool) string {
	const how = ", as Authorization: Bearer TOKEN"
	switch {
	case gate.boundary.Token != "" && known:
		return "required, the shared one or an agent's own" + how
	case gate.boundary.Token != "":
		return "required" + how
	case known && f.everybody:
		return "an agent's own makes it known" + how + "; without one everybody is let in"
	case known, f.required:
		return "required, each agent's own (agentbridge agent add NAME)" + how
	}
	return ""
}

// announceClients prints what connects the two clients that most people have.
func (f *serveFlags) announceClients(w io.Writer, token bool, url string) {
	variable := ""
	if token {
		variable = tokenVariable
	}
	claude, _ := claudeHTTP(agentbridge.Service, url+"/mcp", variable)
	codex, _ := codexHTTP(agentbridge.Service, url+"/mcp", variable)
	fmt.Fprintf(w, "\nConnect Claude Code:  %s\nConnect Codex:        %s\n", inert(claude), inert(codex))
	fmt.Fprintln(w, "Other clients:        agentbridge connect")
}

// url is where clients find the bridge: where the operator says, or else where
// it listens. All addresses together are none that a client could use, so it
// names a trusted host then.
func (f *serveFlags) url(gate *entrance, at net.Addr) string {
	if f.public != "" {
		return strings.TrimSuffix(f.public, "/")
	}
	host, port := gate.host, gate.port
	if tcp, ok := at.(*net.TCPAddr); ok {
		port = tcp.Port
		if tcp.IP.IsUnspecified() && len(f.trusted) > 0 {
			host = strings.Trim(strings.Replace(f.trusted[0], "*", "HOST", 1), "[]")
		}
	}
	scheme := "http"
	if gate.tls != nil {
		scheme = "https"
	}
	return scheme + "://" + net.JoinHostPort(cmp.Or(host, "localhost"), strconv.Itoa(port))
}

// serveHome is for whoever opens the bridge in a browser. Everybody may see it,
// so it tells nothing about this bridge.
func serveHome(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		writeText(w, http.StatusMethodNotAllowed, "Method Not Allowed")
		return
	}
	writeText(w, http.StatusOK, "agentbridge "+agentbridge.Version+`

  /mcp                  MCP for agents
  /sse                  MCP for older clients
  /api/state            the channels
  /events/channel/NAME  live events of a channel
  /status               health
`)
}

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // net/http leaves it out for HEAD
}
