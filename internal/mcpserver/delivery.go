// This file knows whether a reply has left the process. A message counts as read only then, so an answer
// here must never say yes too early; saying no too often only delivers a message twice.

package mcpserver

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// deliveryKey is the _meta entry that marks a reply. Its value is random and made after the content of the
// reply was stored, so content cannot carry the value of a delivery that is still waiting; and inside a
// JSON string the quotes of the mark would be escaped.
const (
	deliveryKey  = "agentbridge/delivery"
	deliveryMark = `"` + deliveryKey + `":"`
	tokenLength  = 32 // 128 bits in hex

	// deliveryLimit is how long after its registration a reply is given up. Writers have shorter limits,
	// except on stdio, where a client may stop reading for as long as it likes.
	deliveryLimit = 20 * time.Second
)

// deliveries holds the replies that are on their way out. The zero value is ready to use.
type deliveries struct {
	running tally        // deliveries added and not yet finished with f
	count   atomic.Int64 // len(waiting), so that a writer with nothing to look for takes no lock

	mu      sync.Mutex // guards waiting
	waiting map[string]*delivery
}

type delivery struct {
	f       func(left bool)
	ends    []context.Context // one done before the write begins: the reply is lost
	stops   []func() bool
	timer   *time.Timer
	claimed bool // a writer has it and will say
}

// add marks result and runs f once, in a goroutine of its own: with true when the mark has been written out,
// with false when one of ends is done before that, or the limit is over.
func (d *deliveries) add(result *mcp.CallToolResult, f func(left bool), ends ...context.Context) {
	var random [tokenLength / 2]byte
	rand.Read(random[:]) // never fails
	token := hex.EncodeToString(random[:])
	if result.Meta == nil {
		result.Meta = mcp.Meta{}
	}
	result.Meta[deliveryKey] = token

	d.running.add()
	e := &delivery{f: f, ends: ends}
	d.mu.Lock() // held to the end: a context that is already done calls lost from another goroutine
	defer d.mu.Unlock()
	if d.waiting == nil {
		d.waiting = make(map[string]*delivery)
	}
	d.waiting[token] = e
	d.count.Add(1)
	e.timer = time.AfterFunc(deliveryLimit, func() { d.settle(token, false) })
	for _, ctx := range ends {
		e.stops = append(e.stops, context.AfterFunc(ctx, func() { d.lost(token) }))
	}
}

// settle ends the wait for a token, claimed or not: the writer that has claimed it says what became of it, and
// the timer gives up on any. Only the first call for a token does anything.
func (d *deliveries) settle(token string, left bool) { d.finish(token, left, true) }

// lost ends the wait for a reply that nobody has begun to write.
func (d *deliveries) lost(token string) { d.finish(token, false, false) }

func (d *deliveries) finish(token string, left, claimed bool) {
	d.mu.Lock()
	e := d.waiting[token]
	if e == nil || e.claimed && !claimed {
		d.mu.Unlock()
		return
	}
	delete(d.waiting, token)
	d.count.Add(-1)
	d.mu.Unlock()

	e.timer.Stop()
	for _, stop := range e.stops {
		stop()
	}
	go func() { // f goes to the store: neither the writer nor its lock may wait for that
		defer d.running.done()
		e.f(left)
	}()
}

// claim returns the tokens in p that somebody waits for; the caller writes p and settles them. From here on
// only the write decides: a client that hangs up on reading the last byte has its reply. Each message of
// the SDK arrives in one Write, so a token is never split; if one ever were, it would be reported as lost,
// and its message read again.
func (d *deliveries) claim(p []byte) []string {
	if d.count.Load() == 0 {
		return nil
	}
	var tokens []string
	for {
		i := bytes.Index(p, []byte(deliveryMark))
		if i < 0 {
			return tokens
		}
		p = p[i+len(deliveryMark):]
		if len(p) < tokenLength {
			return tokens
		}
		if token := string(p[:tokenLength]); d.claimOne(token) {
			tokens = append(tokens, token)
		}
	}
}

func (d *deliveries) claimOne(token string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.waiting[token]
	if e == nil || e.claimed {
		return false
	}
	for _, ctx := range e.ends {
		if ctx.Err() != nil { // lost is on its way
			return false
		}
	}
	e.claimed = true
	return true
}

func (d *deliveries) settleAll(tokens []string, left bool) {
	for _, token := range tokens {
		d.settle(token, left)
	}
}
