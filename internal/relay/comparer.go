package relay

import (
	"agentbridge"
	"agentbridge/internal/token"
)

// comparer holds texts against the hashes of their entries, in a goroutine of its
// own while the next ones are read.
type comparer struct {
	key   token.Key
	batch []claim
	work  chan []claim
	done  chan struct{} // closed when compared and wrong are there to be read

	compared int64
	wrong    []claim // the first of them
}

// claim is what an entry says of a message.
type claim struct {
	entry   int64
	hash    string
	message agentbridge.Message
}

const claims = 256 // on their way at a time

// newComparer starts one that end has to end. Without a key it is nil.
func newComparer(key *token.Key) *comparer {
	if key == nil {
		return nil
	}
	c := &comparer{key: *key, work: make(chan []claim, 4), done: make(chan struct{})}
	go c.run()
	return c
}

func (c *comparer) run() {
	defer close(c.done)
	for batch := range c.work {
		for _, x := range batch {
			switch {
			case ContentHash(c.key, x.message) == x.hash:
				c.compared++
			case len(c.wrong) < maxMessageFaults:
				c.wrong = append(c.wrong, x)
			}
		}
	}
}

func (c *comparer) add(x claim) {
	if c.batch = append(c.batch, x); len(c.batch) == claims {
		c.work <- c.batch
		c.batch = make([]claim, 0, claims)
	}
}

// end waits until all has been compared. It may be called again.
func (c *comparer) end() {
	if c == nil || c.work == nil {
		return
	}
	c.work <- c.batch
	close(c.work)
	<-c.done
	c.work = nil
}
