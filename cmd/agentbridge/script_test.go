package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/rogpeppe/go-internal/testscript"
)

// The scripts in testdata/script drive the program as its user does. In
// attack-*.txtar the attacker is one of the actors.
func TestScripts(t *testing.T) {
	testscript.Run(t, scripts(func(*testscript.Env) {}, testscript.Params{Dir: "testdata/script"}))
}

// The commands that can reach a bridge anywhere are driven once more, by the
// same scripts, against a server: far must look as near does. The condition far
// is for lines that are about the local database.
func TestScripts_far(t *testing.T) {
	var files []string
	for _, name := range []string{"agents", "channel", "read", "read-hostile", "send", "tail"} {
		files = append(files, "testdata/script/"+name+".txtar")
	}
	testscript.Run(t, scripts(func(env *testscript.Env) {
		_, url := newHome(t).serve(t)
		env.Setenv("AGENTBRIDGE_URL", url)
	}, testscript.Params{
		Files:     files,
		Condition: func(name string) (bool, error) { return name == "far", nil },
	}))
}

// scripts completes the parameters: a home of its own for each script, and our
// commands.
func scripts(setup func(*testscript.Env), p testscript.Params) testscript.Params {
	p.Setup = func(env *testscript.Env) error {
		env.Setenv("XDG_DATA_HOME", env.WorkDir+"/data")
		env.Setenv("DB", env.WorkDir+"/data/agentbridge/bridge.db")
		env.Values[followingKey{}] = &following{}
		setup(env)
		return nil
	}
	if p.Condition == nil {
		p.Condition = func(string) (bool, error) { return false, nil } // nothing is far
	}
	p.Cmds = map[string]func(*testscript.TestScript, bool, []string){
		"empty":    wantEmpty,
		"ended":    endTail,
		"examples": writeExamples,
		"exits":    exits,
		"flip":     flipBit,
		"forge":    forgeLog,
		"hostile":  setHostile,
		"id":       keepID,
		"inert":    wantInert,
		"lines":    wantLines,
		"mcp":      callTool,
		"newkey":   plantKey,
		"only":     wantOnly,
		"says":     wantProse,
		"sql":      editDatabase,
		"tail":     startTail,
	}
	return p
}

// empty DIRECTORY: nothing is in it.
func wantEmpty(ts *testscript.TestScript, _ bool, args []string) {
	list, err := os.ReadDir(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(list) > 0 {
		ts.Fatalf("%s holds %v", args[0], list)
	}
}

// exits CODE PROGRAM ARGS... runs a program that must end with this code.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("%s: exit code %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

// mcp [-set VAR=FIELD]... TOOL KEY=VALUE... is an agent with a bridge process of
// its own: it calls one tool and prints the text of the answer. -set keeps a
// field of the structured answer in an environment variable. With ! the tool
// must refuse. Values are taken as Go strings, so that \e and \n can be written.
// The variable AS names the file with the token of the agent that it is.
func callTool(ts *testscript.TestScript, neg bool, args []string) {
	set := map[string]string{}
	for len(args) > 1 && args[0] == "-set" {
		name, field, _ := strings.Cut(args[1], "=")
		set[name] = field
		args = args[2:]
	}
	result, err := callOnce(ts, args[0], arguments(ts, args[1:]))
	ts.Check(err)
	var text strings.Builder
	for _, c := range result.Content {
		text.WriteString(c.(*mcp.TextContent).Text + "\n")
	}
	fmt.Fprint(ts.Stdout(), text.String())
	if result.IsError != neg {
		ts.Fatalf("%s: refused = %v, want %v: %s", args[0], result.IsError, neg, text.String())
	}
	data, _ := result.StructuredContent.(map[string]any)
	for name, field := range set {
		ts.Setenv(name, fmt.Sprint(data[field]))
	}
}

func arguments(ts *testscript.TestScript, pairs []string) map[string]any {
	out := map[string]any{}
	for _, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			ts.Fatalf("%q is not KEY=VALUE", pair)
		}
		text, err := strconv.Unquote(`"` + strings.ReplaceAll(value, `"`, `\"`) + `"`)
		ts.Check(err)
		out[name] = text
	}
	return out
}

func callOnce(ts *testscript.TestScript, tool string, args map[string]any) (*mcp.CallToolResult, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	path, err := exec.LookPath("agentbridge")
	if err != nil {
		return nil, err
	}
	process := exec.Command(path, "stdio", "--db", ts.Getenv("DB"))
	if file := ts.Getenv("AS"); file != "" {
		process.Args = append(process.Args, "--auth-token-file", ts.MkAbs(file))
	}
	client := mcp.NewClient(&mcp.Implementation{Name: "script", Version: "1"}, nil)
	session, err := client.Connect(ctx, &mcp.CommandTransport{Command: process}, nil)
	if err != nil {
		return nil, err
	}
	defer session.Close()
	return session.CallTool(ctx, &mcp.CallToolParams{Name: tool, Arguments: args})
}
