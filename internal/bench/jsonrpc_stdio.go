package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"agentbridge"
)

// rpcStdio is JSON-RPC over lines. A goroutine reads them, so that a call can be
// given up without giving up the connection; Close waits for it.
type rpcStdio struct {
	conn  io.ReadWriteCloser
	id    int64
	lines chan []byte // closed when the goroutine ends
	done  chan struct{}
	why   error // why the goroutine ended; read after lines is closed

	once   sync.Once
	closed error // what closing the connection said
}

func newRPCStdio(conn io.ReadWriteCloser) *rpcStdio {
	r := &rpcStdio{conn: conn, lines: make(chan []byte), done: make(chan struct{})}
	go r.read()
	return r
}

func (r *rpcStdio) read() {
	defer close(r.lines)
	lines := lineReader{r: bufio.NewReaderSize(r.conn, 64<<10)}
	for {
		line, err := lines.next()
		if err != nil {
			r.why = err
			return
		}
		select {
		case r.lines <- bytes.Clone(line):
		case <-r.done:
			return
		}
	}
}

// call implements rpc.
func (r *rpcStdio) call(ctx context.Context, method string, params, result any, wait time.Duration) error {
	within, cancel := context.WithTimeout(ctx, callTime+wait)
	defer cancel()
	r.id++
	if err := within.Err(); err != nil {
		return r.outcome(ctx, err)
	}
	if err := r.write(r.id, method, params); err != nil {
		return r.outcome(ctx, err)
	}
	for {
		select {
		case line, ok := <-r.lines:
			if !ok {
				return r.outcome(ctx, r.why)
			}
			if mine, err := decodeRPC(line, r.id, result); mine || err != nil {
				return r.verdict(err)
			}
		case <-within.Done():
			r.giveUp()
			return r.outcome(ctx, within.Err())
		}
	}
}

// verdict is the outcome of a line that was the answer, or no message at all.
func (r *rpcStdio) verdict(err error) error {
	if _, ok := errors.AsType[*agentbridge.Error](err); err == nil || ok {
		return err
	}
	return agentbridge.Refuse(agentbridge.Unreachable, "", "the process behind stdio answers, but is no bridge: a line of its output makes no sense")
}

// giveUp tells the server that nobody waits any more for the last call. If it
// can't be told, the next call will say why.
func (r *rpcStdio) giveUp() {
	_ = r.write(0, "notifications/cancelled", cancelled{r.id, "the caller gave up"})
}

type cancelled struct {
	Request int64  `json:"requestId"`
	Reason  string `json:"reason"`
}

// notify implements rpc.
func (r *rpcStdio) notify(ctx context.Context, method string, params any) error {
	return r.outcome(ctx, r.write(0, method, params))
}

// takeTime is what a process gets for taking a message.
const takeTime = 10 * time.Second

// write sends one message. A process that does not take it in time is given up:
// behind half a message nothing else can be sent.
func (r *rpcStdio) write(id int64, method string, params any) error {
	line, err := encodeRPC(id, method, params)
	if err != nil {
		return err
	}
	stuck := time.AfterFunc(takeTime, r.shut)
	defer stuck.Stop()
	_, err = r.conn.Write(line)
	return err
}

// errProcessEnded is what calls fail with when the process is gone.
var errProcessEnded = errors.New("it ended its output")

// outcome says what an error of the connection means. ctx is the caller's.
func (r *rpcStdio) outcome(ctx context.Context, err error) error {
	if _, ok := errors.AsType[*agentbridge.Error](err); err == nil || ok {
		return err
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		return agentbridge.Refuse(agentbridge.Unreachable, "", "the process behind stdio did not answer in time; look at what it wrote to its stderr")
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe):
		err = errProcessEnded
	}
	return agentbridge.Refuse(agentbridge.Unreachable, "", "nobody answers over stdio (%s); look at what the process wrote to its stderr", inert(err.Error()))
}

func (r *rpcStdio) shut() {
	r.once.Do(func() {
		close(r.done)
		r.closed = r.conn.Close()
	})
}

// Close implements rpc: it ends the process.
func (r *rpcStdio) Close() error {
	r.shut()
	for range r.lines { // until the goroutine has ended
	}
	return r.closed
}
