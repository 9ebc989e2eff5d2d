package main

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"agentbridge"

	"github.com/spf13/cobra"
)

// connecting is the command connect. It only prints: no client's settings are
// changed, and no token is ever read or shown.
type connecting struct {
	place
	name    string // of the bridge in the client's settings
	noToken bool
}

// agentClient is a program for agents that can use the bridge.
type agentClient struct {
	id, title string
	expands   bool // it replaces ${…} in its settings
	stdio     func(name string, command []string) (text, where string)
	http      func(name, url, variable string) (text, where string) // variable is "" if no token is needed
}

func newConnect() *cobra.Command {
	f := &connecting{}
	cmd := &cobra.Command{
		Use:   "connect [CLIENT]",
		Short: "Print what connects a client (Claude Code, Codex, Gemini CLI, Cursor, VS Code) to the bridge",
		Long: `Print what to run or to paste so that a client uses the bridge; without CLIENT,
list the clients. Without --url the client starts 'agentbridge stdio', with --url
it talks to a running 'agentbridge serve', with the token of the environment
variable ` + tokenVariable + `. Tokens themselves are never printed, and
nothing is changed: what is to be used stands on stdout, where to on stderr.`,
		Example: `  agentbridge connect claude-code
  agentbridge connect cursor --url https://bridge.example:8765 > .cursor/mcp.json`,
		Args:      usageArgs(cobra.MaximumNArgs(1)),
		ValidArgs: clientIDs(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return listClients(cmd.OutOrStdout())
			}
			return f.print(cmd, args[0])
		},
	}
	f.storeFlags.declare(cmd)
	f.flags = cmd.Flags()
	f.flags.StringVar(&f.url, "url", "", "address of a bridge that 'agentbridge serve' runs")
	f.flags.StringVar(&f.name, "name", "agentbridge", "what the client shall call the bridge")
	f.flags.BoolVar(&f.noToken, "no-token", false, "the bridge at --url wants no token")
	return cmd
}

func clientIDs() (ids []string) {
	for _, c := range agentClients {
		ids = append(ids, c.id)
	}
	return ids
}

func listClients(w io.Writer) error {
	for _, c := range agentClients {
		if _, err := fmt.Fprintf(w, "%-12s  %s\n", c.id, c.title); err != nil {
			return err
		}
	}
	return nil
}

// serverName is what all clients accept as the name of a server.
var serverName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

func (f *connecting) print(cmd *cobra.Command, id string) error {
	if !serverName.MatchString(f.name) {
		return usageError{errors.New("--name must be up to 64 letters, digits, '-' and '_', beginning with a letter or digit")}
	}
	for _, c := range agentClients {
		if c.id == id {
			text, where, err := f.text(c)
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.ErrOrStderr(), where)
			_, err = fmt.Fprintln(cmd.OutOrStdout(), text)
			return err
		}
	}
	return usageError{fmt.Errorf("there is no client %q; choose one of %s", id, strings.Join(clientIDs(), ", "))}
}

func (f *connecting) text(c agentClient) (text, where string, err error) {
	remote, err := f.remote()
	if err != nil {
		return "", "", err
	}
	if !remote {
		command, err := f.command()
		if err != nil {
			return "", "", err
		}
		if err := c.carries(command...); err != nil {
			return "", "", err
		}
		text, where = c.stdio(f.name, command)
		return text, where, nil
	}
	address, err := mcpURL(f.url)
	if err != nil {
		return "", "", err
	}
	if err := c.carries(address); err != nil {
		return "", "", err
	}
	variable := tokenVariable
	if f.noToken {
		variable = ""
	}
	text, where = c.http(f.name, address, variable)
	return text, where, nil
}

// command starts the bridge for one agent, from whatever directory the client
// runs in.
func (f *connecting) command() ([]string, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	command := []string{ourName(), "stdio"}
	for _, flag := range []struct{ name, path, usual string }{{"--db", f.db, defaultDB()}, {"--key-file", f.keyFile, ""}, {"--encryption-key", f.encryptionKey, ""}} {
		if flag.path == flag.usual {
			continue
		}
		path, err := filepath.Abs(flag.path)
		if err != nil {
			return nil, err
		}
		command = append(command, flag.name, path)
	}
	return command, nil
}

// ourName is this program's name if a client finds it by that, else its path.
func ourName() string {
	self := executable()
	found, err := exec.LookPath("agentbridge")
	if err != nil {
		return self
	}
	a, errA := os.Stat(found)
	b, errB := os.Stat(self)
	if errA == nil && errB == nil && os.SameFile(a, b) {
		return "agentbridge"
	}
	return self
}

// carries refuses what can't be written into the client's settings so that it
// means there what it means here.
func (c agentClient) carries(words ...string) error {
	for _, w := range words {
		if agentbridge.InertLine(w) != w {
			return usageError{fmt.Errorf("%s has invisible characters; use another", said(w))}
		}
		if c.expands && strings.Contains(w, "$") {
			return usageError{fmt.Errorf("%s has a $, which %s takes for a variable; use another", said(w), c.title)}
		}
	}
	return nil
}

// mcpURL is where a bridge serves MCP, from its own address or that one.
func mcpURL(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		// The text itself is not repeated: it may hold a password.
		return "", usageError{errors.New("--url must be http://HOST[:PORT] or https://HOST[:PORT], without user, query or fragment")}
	}
	base := strings.TrimSuffix(strings.TrimRight(u.EscapedPath(), "/"), "/mcp")
	return u.Scheme + "://" + u.Host + base + "/mcp", nil
}
