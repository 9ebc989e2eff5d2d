package main

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"time"
)

// pipes are processes that speak over stdin and stdout.
type pipes struct {
	mu   sync.Mutex // guards live
	live map[*pipe]bool
}

// pipe is one of them. Close ends it.
type pipe struct {
	io.Reader
	io.WriteCloser
	cmd   *exec.Cmd
	owner *pipes
	once  sync.Once
}

func (p *pipes) open(ctx context.Context, args ...string) (io.ReadWriteCloser, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	cmd, _ := child(args...)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start agentbridge %s: %w", args[0], err)
	}
	one := &pipe{Reader: out, WriteCloser: in, cmd: cmd, owner: p}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.live == nil {
		p.live = map[*pipe]bool{}
	}
	p.live[one] = true
	return one, nil
}

// Close hangs up, and kills the process if it does not end of that.
func (p *pipe) Close() error {
	p.once.Do(func() {
		_ = p.WriteCloser.Close()
		timer := time.AfterFunc(endTime, func() { _ = p.cmd.Process.Kill() })
		defer timer.Stop()
		_ = p.cmd.Wait() // how it ended is nobody's question any more
		p.owner.mu.Lock()
		defer p.owner.mu.Unlock()
		delete(p.owner.live, p)
	})
	return nil
}

// close ends those that nobody has closed.
func (p *pipes) close() error {
	p.mu.Lock()
	var left []*pipe
	for one := range p.live {
		left = append(left, one)
	}
	p.mu.Unlock()
	var all sync.WaitGroup
	for _, one := range left {
		all.Go(func() { _ = one.Close() })
	}
	all.Wait()
	return nil
}
