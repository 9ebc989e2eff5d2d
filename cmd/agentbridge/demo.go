package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// demoTime is how long the whole demo may take before it has failed.
const demoTime = 15 * time.Second

func newDemo() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Play a collaboration of agents over real transports and check every step",
		Long: `Play two scenes between agents that are real MCP clients of real bridge
processes on a fresh database: two developers agree on an API in a conversation,
one over stdio and one over HTTP; then an orchestrator gives work to two workers
over channels, and one worker is killed in the middle. Every step is checked, and
at the end nothing may be lost. Nothing of yours is read or changed.`,
		Args: usageArgs(noArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			// A reader that goes away (demo | head) must not end us before our
			// processes have been ended.
			outliveSignals()
			ctx, cancel := context.WithTimeoutCause(cmd.Context(), demoTime, fmt.Errorf("the demo took longer than %v", demoTime))
			defer cancel()
			err := playDemo(ctx, newTranscript(cmd.OutOrStdout()), cmd.ErrOrStderr())
			if err != nil && cmd.Context().Err() == nil {
				return fmt.Errorf("demo failed: %w", errors.Join(context.Cause(ctx), err))
			}
			return err
		},
	}
}

// playDemo sets the stage, plays the scenes and looks at what is left in the
// database.
func playDemo(ctx context.Context, tr *transcript, stderr io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "agentbridge-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	st := &stage{db: filepath.Join(dir, "bridge.db"), transcript: tr, stderr: stderr, start: time.Now()}
	defer func() { err = errors.Join(err, st.close()) }()

	if err := st.serve(ctx); err != nil {
		return err
	}
	conversation, err := st.playConversation(ctx)
	if err != nil {
		return fmt.Errorf("conversation: %w", err)
	}
	if err := st.playChannels(ctx); err != nil {
		return fmt.Errorf("channels: %w", err)
	}
	if err := st.close(); err != nil {
		return err
	}
	if err := st.inspect(ctx, conversation); err != nil {
		return fmt.Errorf("look at the database: %w", err)
	}
	tr.summary(time.Since(st.start))
	return nil
}

// stage is the processes of a demo and what they share.
type stage struct {
	db         string
	url        string // of the bridge over HTTP
	transcript *transcript
	stderr     io.Writer
	start      time.Time
	server     *exec.Cmd

	mu     sync.Mutex // guards agents
	agents []*agent
}

// command makes a command line of this program, with an environment that
// nobody's settings leak into.
func (st *stage) command(args ...string) *exec.Cmd {
	cmd := exec.Command(executable(), args...)
	cmd.Stderr = st.stderr
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "AGENTBRIDGE_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	return cmd
}

// serve starts the bridge over HTTP and waits until it tells where it is.
func (st *stage) serve(ctx context.Context) error {
	st.server = st.command("serve", "--port", "0", "--db", st.db)
	out, err := st.server.StdoutPipe()
	if err != nil {
		return err
	}
	if err := st.server.Start(); err != nil {
		return fmt.Errorf("start agentbridge serve: %w", err)
	}
	defer context.AfterFunc(ctx, func() { _ = st.server.Process.Kill() })() // a bridge that says nothing must not keep us
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if fields := strings.Fields(lines.Text()); len(fields) == 2 && fields[0] == "MCP" {
			st.url = fields[1]
			go func() { _, _ = io.Copy(io.Discard, out) }() // ends with the process
			st.transcript.stagef("agentbridge serve (pid %d) at %s", st.server.Process.Pid, st.url)
			return nil
		}
	}
	return errors.Join(errors.New("agentbridge serve ended before it said where it is"), context.Cause(ctx))
}

// close ends all processes, the server by SIGTERM as its operator would.
func (st *stage) close() error {
	var err error
	st.mu.Lock()
	defer st.mu.Unlock()
	for _, a := range st.agents {
		err = errors.Join(err, a.leave())
	}
	st.agents = nil
	if st.server == nil || st.server.Process == nil {
		return err
	}
	server := st.server
	st.server = nil
	if e := server.Process.Signal(syscall.SIGTERM); e != nil {
		_ = server.Process.Kill() // on systems without SIGTERM
		_ = server.Wait()
		return err
	}
	start := time.Now()
	kill := time.AfterFunc(5*time.Second, func() { _ = server.Process.Kill() })
	defer kill.Stop()
	if e := server.Wait(); e != nil {
		return errors.Join(err, fmt.Errorf("agentbridge serve did not end cleanly on SIGTERM: %w", e))
	}
	st.transcript.stagef("agentbridge serve ended cleanly %v after SIGTERM", time.Since(start).Round(time.Millisecond))
	return err
}
