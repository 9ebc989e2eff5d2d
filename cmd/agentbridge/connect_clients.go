package main

import (
	"bytes"
	"regexp"
	"strings"
)

// agentClients are the clients whose settings we know. Each refers to the token
// in its own way: by the name of an environment variable, or by asking for it.
var agentClients = []agentClient{
	{"claude-code", "Claude Code", true, claudeStdio, claudeHTTP}, // https://code.claude.com/docs/en/mcp
	{"codex", "Codex", false, codexStdio, codexHTTP},              // https://developers.openai.com/codex/mcp
	{"gemini", "Gemini CLI", true, geminiStdio, geminiHTTP},       // https://geminicli.com/docs/tools/mcp-server
	{"cursor", "Cursor", true, cursorStdio, cursorHTTP},           // https://cursor.com/docs/mcp
	{"vscode", "VS Code", true, vscodeStdio, vscodeHTTP},          // https://code.visualstudio.com/docs/copilot/reference/mcp-configuration
}

// inShell is where a line goes that is run.
const inShell = "Run this in a shell:"

// withToken adds to it where the client finds the token.
func withToken(where, client, variable string) string {
	if variable == "" {
		return where
	}
	return "Set " + variable + " to the bridge's token in the environment that " + client + " starts in. " + where
}

func claudeStdio(name string, command []string) (string, string) {
	return shellLine(append([]string{"claude", "mcp", "add", name, "--"}, command...)...), inShell
}

// claudeHTTP leaves ${…} to Claude Code, which replaces it when it connects.
// --header takes all that follows, so it comes last.
func claudeHTTP(name, url, variable string) (string, string) {
	words := []string{"claude", "mcp", "add", "--transport", "http", name, url}
	if variable != "" {
		words = append(words, "--header", "Authorization: Bearer ${"+variable+"}")
	}
	return shellLine(words...), withToken(inShell, "Claude Code", variable)
}

func codexStdio(name string, command []string) (string, string) {
	return shellLine(append([]string{"codex", "mcp", "add", name, "--"}, command...)...), inShell
}

func codexHTTP(name, url, variable string) (string, string) {
	words := []string{"codex", "mcp", "add", name, "--url", url}
	if variable != "" {
		words = append(words, "--bearer-token-env-var", variable)
	}
	return shellLine(words...), withToken(inShell, "Codex", variable)
}

// geminiStdio puts flags of ours behind --, or Gemini CLI may take them for its
// own.
func geminiStdio(name string, command []string) (string, string) {
	words := append([]string{"gemini", "mcp", "add", "--scope", "user", name}, command[:2]...)
	if flags := command[2:]; len(flags) > 0 {
		words = append(append(words, "--"), flags...)
	}
	return shellLine(words...), inShell
}

func geminiHTTP(name, url, variable string) (string, string) {
	words := []string{"gemini", "mcp", "add", "--scope", "user", "--transport", "http"}
	if variable != "" {
		words = append(words, "--header", "Authorization: Bearer ${"+variable+"}")
	}
	return shellLine(append(words, name, url)...), withToken(inShell, "Gemini CLI", variable)
}

// serverEntry is a server in a client's settings, started or reached.
type serverEntry struct {
	Type    string            `json:"type,omitempty"`
	Command string            `json:"command,omitempty"`
	Args    []string          `json:"args,omitempty"`
	URL     string            `json:"url,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
}

type cursorSettings struct {
	Servers map[string]serverEntry `json:"mcpServers"`
}

type vscodeSettings struct {
	Inputs  []vscodeInput          `json:"inputs,omitempty"`
	Servers map[string]serverEntry `json:"servers"`
}

// vscodeInput is something that VS Code asks for once, and keeps.
type vscodeInput struct {
	Type        string `json:"type"`
	ID          string `json:"id"`
	Description string `json:"description"`
	Password    bool   `json:"password"`
}

const cursorFile = "Put this into .cursor/mcp.json of a project, or into ~/.cursor/mcp.json for all:"

func cursorStdio(name string, command []string) (string, string) {
	return jsonText(cursorSettings{map[string]serverEntry{name: {Command: command[0], Args: command[1:]}}}), cursorFile
}

func cursorHTTP(name, url, variable string) (string, string) {
	s := serverEntry{URL: url}
	if variable != "" {
		s.Headers = map[string]string{"Authorization": "Bearer ${env:" + variable + "}"}
	}
	return jsonText(cursorSettings{map[string]serverEntry{name: s}}), withToken(cursorFile, "Cursor", variable)
}

const vscodeFile = "Put this into .vscode/mcp.json of a workspace, or into the file that 'MCP: Open User Configuration' opens:"

func vscodeStdio(name string, command []string) (string, string) {
	return jsonText(vscodeSettings{Servers: map[string]serverEntry{name: {Type: "stdio", Command: command[0], Args: command[1:]}}}), vscodeFile
}

// vscodeHTTP lets VS Code ask for the token.
func vscodeHTTP(name, url, variable string) (string, string) {
	s := serverEntry{Type: "http", URL: url}
	if variable == "" {
		return jsonText(vscodeSettings{Servers: map[string]serverEntry{name: s}}), vscodeFile
	}
	token := vscodeInput{Type: "promptString", ID: name + "-token", Description: "token of the bridge " + name, Password: true}
	s.Headers = map[string]string{"Authorization": "Bearer ${input:" + token.ID + "}"}
	return jsonText(vscodeSettings{[]vscodeInput{token}, map[string]serverEntry{name: s}}), "VS Code will ask for the bridge's token. " + vscodeFile
}

func jsonText(v any) string {
	var b bytes.Buffer
	if err := printJSON(&b, v); err != nil {
		panic(err) // strings only
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// plainWord needs no quotes in a shell.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:=@%+,-]+$`)

// shellLine is a command line for a POSIX shell, in which nothing is expanded.
func shellLine(words ...string) string {
	quoted := make([]string, 0, len(words))
	for _, w := range words {
		if !plainWord.MatchString(w) {
			w = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
		quoted = append(quoted, w)
	}
	return strings.Join(quoted, " ")
}
