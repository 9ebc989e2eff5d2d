// This file serves one client over stdin and stdout, one JSON-RPC message a line. The SDK's transport ends
// at the first line it cannot read and drops, at the end of stdin, what it has not answered; this one does
// not, and decodes each message once instead of three times.

package mcpserver

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

const (
	maxLine = 4 << 20 // bytes

	// Together less than two seconds: what a client waits before it kills the process.
	answerTime = time.Second            // after the end of stdin, for requests already read
	leaveTime  = 600 * time.Millisecond // after that for everything, close included
	partTime   = 200 * time.Millisecond // for each step of leaving
)

var errStdinEnded = errors.New("stdin has ended")

// serveStdio serves one client until stdin ends, ctx ends or the transports close, and then returns nil
// within two seconds; requests already read have one of these to be answered. It closes in and out. A
// reader that does not return from Read when closed, as os.Stdin on a terminal, keeps one goroutine.
func (t *transports) serveStdio(ctx context.Context, in io.ReadCloser, out io.WriteCloser) error {
	x, ok := t.open(ctx, nil)
	if !ok {
		return nil
	}
	defer t.shut(x)
	conn := &stdioConn{
		x: x, replies: &t.replies, in: in, out: out,
		incoming: make(chan jsonrpc.Message, 16),
		closed:   make(chan struct{}),
	}
	session, err := t.server.Connect(x.ctx, conn, nil)
	if err != nil {
		return fmt.Errorf("connect stdio: %w", err)
	}
	go conn.read()

	<-x.ctx.Done()
	t.leaveWithin(leaveTime)
	conn.pending.wait(partTime) // calls that were cancelled may still say so
	select {
	case <-t.closeSession(session):
	case <-time.After(partTime): // a tool ignores its context, or nobody reads stdout
	}
	conn.Close()
	t.replies.running.wait(partTime)
	if cause := context.Cause(x.ctx); errors.Is(cause, errStdio) {
		return cause
	}
	return nil
}

// errStdio marks errors of reading and writing, as opposed to an orderly end.
var errStdio = errors.New("stdio")

// stdioConn is the mcp.Transport and the mcp.Connection of one client.
type stdioConn struct {
	x        *exchange
	replies  *deliveries
	in       io.ReadCloser
	out      io.WriteCloser
	incoming chan jsonrpc.Message
	pending  tally // calls read and not yet answered
	calls    unanswered

	once   sync.Once
	closed chan struct{}

	writing sync.Mutex            // guards out; held while a client does not read
	mu      sync.Mutex            // guards the fields below
	open    map[jsonrpc.ID]*batch // calls not yet answered; nil for one outside of a batch
	claimed map[string]struct{}   // tokens of writes in progress
}

func (c *stdioConn) Connect(context.Context) (mcp.Connection, error) { return c, nil }
func (c *stdioConn) SessionID() string                               { return "" }

func (c *stdioConn) Close() error {
	c.once.Do(func() {
		close(c.closed)
		c.in.Close()
		c.out.Close()
		c.giveUp()
	})
	return nil
}

// giveUp reports replies as lost whose write has not ended. Closing a blocking stdout does not interrupt a
// write, and one that nobody reads would otherwise keep its message until deliveryLimit.
func (c *stdioConn) giveUp() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for token := range c.claimed {
		c.replies.settle(token, false)
	}
}

// claim claims the tokens in line, unless giveUp has run or is about to; what nobody claims is lost too.
func (c *stdioConn) claim(line []byte) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.closed:
		return nil
	default:
	}
	tokens := c.replies.claim(line)
	for _, token := range tokens {
		if c.claimed == nil {
			c.claimed = make(map[string]struct{})
		}
		c.claimed[token] = struct{}{}
	}
	return tokens
}

// settle is for the tokens that claim returned. After giveUp it changes nothing.
func (c *stdioConn) settle(tokens []string, left bool) {
	if len(tokens) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, token := range tokens {
		delete(c.claimed, token)
	}
	c.replies.settleAll(tokens, left)
}

func (c *stdioConn) Read(ctx context.Context) (jsonrpc.Message, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-c.closed:
		return nil, io.EOF
	case message := <-c.incoming:
		c.calls.read(message)
		return message, nil
	}
}

func (c *stdioConn) Write(ctx context.Context, message jsonrpc.Message) error {
	answer, ok := message.(*jsonrpc.Response)
	if ok {
		defer c.pending.done()
	}
	line, err := jsonrpc.EncodeMessage(message)
	if err != nil {
		return err
	}
	if ok {
		if !c.calls.answer(answer.ID) {
			line = nil // the SDK's context of the call ends now: onReply takes the reply for lost
		}
		if line = c.collect(answer.ID, line); line == nil {
			return nil
		}
	}
	return c.writeLine(line)
}

func (c *stdioConn) writeLine(line []byte) error {
	tokens := c.claim(line)
	c.writing.Lock()
	_, err := c.out.Write(append(line, '\n'))
	c.writing.Unlock()
	c.settle(tokens, err == nil)
	if err != nil {
		c.x.cancel(fmt.Errorf("%w: write: %w", errStdio, err))
	}
	return err
}

// read passes on what arrives, until the end. It answers itself what the SDK would not survive.
func (c *stdioConn) read() {
	r := bufio.NewReaderSize(c.in, 64<<10)
	for {
		line, err := readLine(r)
		switch {
		case err == errLineTooLong:
			c.refuse(jsonrpc.CodeParseError, "Parse error: "+err.Error())
			continue
		case len(line) > 0:
			c.accept(line)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			c.x.cancel(fmt.Errorf("%w: read: %w", errStdio, err))
			return
		}
	}
	select {
	case <-c.pending.idle():
	case <-c.x.ctx.Done():
	case <-time.After(answerTime):
	}
	c.x.cancel(errStdinEnded)
}

var errLineTooLong = fmt.Errorf("line longer than %d bytes", maxLine)

// readLine returns a line without the white space around it, valid until the next call. A line that is too
// long is skipped to its end without being held.
func readLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		line = bytes.Clone(line)
		for err == bufio.ErrBufferFull {
			var more []byte
			more, err = r.ReadSlice('\n')
			if len(line)+len(more) <= maxLine {
				line = append(line, more...)
				continue
			}
			for err == bufio.ErrBufferFull {
				_, err = r.ReadSlice('\n')
			}
			if err == nil || errors.Is(err, io.EOF) { // the next call meets the end again
				err = errLineTooLong
			}
			return nil, err
		}
	}
	return bytes.TrimSpace(line), err
}

func (c *stdioConn) accept(line []byte) {
	if err := checkJSON(line); err != nil {
		c.refuse(jsonrpc.CodeParseError, "Parse error: "+err.Error())
		return
	}
	if isBatch(line) {
		c.acceptBatch(line)
		return
	}
	message, err := decode(line)
	if err == nil {
		err = c.enter(message, nil)
	}
	if err != nil {
		c.refuse(jsonrpc.CodeInvalidRequest, "Invalid request: "+err.Error())
		return
	}
	c.push(message)
}

// decode reads a message and refuses an id that its answer could not carry: the SDK makes an int64 of
// every number, by way of a float64, and a notification of a request whose id is null.
func decode(p []byte) (jsonrpc.Message, error) {
	message, err := jsonrpc.DecodeMessage(p)
	if err != nil {
		return nil, err
	}
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(p, &fields) // it is a message, so it is an object
	if id, ok := fields["id"]; ok && !validID(id) {
		return nil, errBadID
	}
	return message, nil
}

// validID reports whether the id is a string or an integer that a float64 holds exactly.
func validID(id json.RawMessage) bool {
	if bytes.HasPrefix(id, []byte(`"`)) {
		return true
	}
	n, err := strconv.ParseFloat(string(id), 64)
	return err == nil && n == math.Trunc(n) && math.Abs(n) < 1<<53
}

var (
	errBadID   = errors.New("the id must be a string or an integer")
	errIDInUse = errors.New("the id belongs to a request that has no answer yet")
)

// enter notes a call that has to be answered, alone or in b. It refuses one whose id is still in use: two
// answers under one id help nobody, and the SDK would give the second call none.
func (c *stdioConn) enter(message jsonrpc.Message, b *batch) error {
	if !isCall(message) {
		return nil
	}
	id := message.(*jsonrpc.Request).ID
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.open[id]; ok {
		return errIDInUse
	}
	if c.open == nil {
		c.open = make(map[jsonrpc.ID]*batch)
	}
	c.open[id] = b
	if b != nil {
		b.calls = append(b.calls, id)
	}
	c.pending.add()
	return nil
}

func (c *stdioConn) push(message jsonrpc.Message) {
	select {
	case c.incoming <- message:
	case <-c.closed:
	}
}

func isCall(message jsonrpc.Message) bool {
	request, ok := message.(*jsonrpc.Request)
	return ok && request.IsCall()
}

// refuse answers what is no message at all, or not one of ours.
func (c *stdioConn) refuse(code int, reason string) {
	_ = c.writeLine(rpcError(nil, code, reason)) // writeLine has ended the exchange
}
