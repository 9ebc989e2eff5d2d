package relay

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"agentbridge"
	"agentbridge/internal/audit"
	"agentbridge/internal/store"
	"agentbridge/internal/token"
)

// What can be wrong with a message, beside what is wrong with the log.
const (
	messageEdit    audit.Kind = "message-edit"    // it is not what was sent
	messageMissing audit.Kind = "message-missing" // nobody removed it, and it is gone
	messageExtra   audit.Kind = "message-extra"   // nobody sent it, and it is there
)

// maxMessageFaults bounds a report.
const maxMessageFaults = 100

// messageCheck compares the stored messages with their entries while the log is
// read: both are in the order of the messages, so one pass over each will do.
// What it needs of the log it takes from its reader.
type messageCheck struct {
	store.Reader
	texts *comparer // nil: there is no key for it
	whole bool      // the log is read from its beginning
	last  int64     // the entry that was read last
	read  bool      // up to the end

	next func() (stored, bool)
	at   stored // the message to compare next
	more bool   // there is one

	// gone are sent messages that are not there and whose removal has not been
	// met yet, by channel, the oldest first.
	gone map[agentbridge.ChannelName][]absent

	compared, notCompared int64
	why                   string
	faults                []audit.Fault
	err                   error // of reading messages
	endWalk               func()
}

// stored is a message as it was found.
type stored struct {
	agentbridge.Message
	sealed error // why its content is not there
}

// absent is a message that is not there.
type absent struct {
	entry   int64
	message agentbridge.Seq
}

func newMessageCheck(v store.Reader, key *token.Key, whole bool) *messageCheck {
	return &messageCheck{Reader: v, texts: newComparer(key), whole: whole, gone: map[agentbridge.ChannelName][]absent{}, endWalk: func() {}}
}

// stop ends what works for the check.
func (c *messageCheck) stop() {
	c.endWalk()
	c.texts.end()
}

// begin reads the messages behind one, each when it is asked for.
func (c *messageCheck) begin(after agentbridge.Seq) {
	c.next, c.endWalk = iter.Pull(func(yield func(stored) bool) {
		c.err = c.WalkMessages(after, func(m agentbridge.Message, sealed error) (bool, error) {
			return yield(stored{m, sealed}), nil
		})
	})
	c.at, c.more = c.next()
}

// WalkEntries implements audit.Log, and sees what goes by.
func (c *messageCheck) WalkEntries(after int64, f func(e agentbridge.Entry, hashes []byte) (bool, error)) error {
	if c.whole {
		c.begin(0)
	}
	err := c.Reader.WalkEntries(after, func(e agentbridge.Entry, hashes []byte) (bool, error) {
		c.entry(e)
		c.last = e.Seq
		return f(e, hashes)
	})
	c.read = err == nil
	return err
}

func (c *messageCheck) entry(e agentbridge.Entry) {
	switch e.Action {
	case agentbridge.ActionSend:
		if s, ok := parseSent(e.Detail); ok { // else the entry was edited, which is found elsewhere
			c.sent(e, s)
		}
	case agentbridge.ActionClear, agentbridge.ActionCleanup: // all that was sent before them
		delete(c.gone, e.Target)
	case agentbridge.ActionExpire:
		var r removal
		if json.Unmarshal(e.Detail, &r) == nil {
			c.gone[e.Target] = c.expired(c.gone[e.Target], r)
		}
	}
}

// expired takes from the absent messages of a channel those that an expiry
// removed. One of an earlier version says only how many of the oldest these were,
// and behind the beginning of the log nobody knows which.
func (c *messageCheck) expired(list []absent, r removal) []absent {
	if r.UpTo > 0 {
		return slices.DeleteFunc(list, func(a absent) bool { return a.message <= r.UpTo })
	}
	n := min(max(r.Expired, 0), int64(len(list)))
	if !c.whole {
		for range n {
			c.skip("it is gone, and the entry of an expiry does not say whether it was one of those that expired; check the log without --since")
		}
	}
	return list[n:]
}

// sentDetail is what the entry of a send tells of its message.
type sentDetail struct {
	ID    agentbridge.MessageID `json:"id"`
	Seq   agentbridge.Seq       `json:"seq"`
	Bytes int                   `json:"bytes"`
	Hash  string                `json:"hash"` // "" in entries of earlier versions
}

// parseSent reads what sendDetail wrote. Mostly that is what it wrote by hand,
// and then encoding/json would take most of the time of a check.
func parseSent(detail agentbridge.Metadata) (s sentDetail, ok bool) {
	if s, ok = scanSent(string(detail)); !ok {
		ok = json.Unmarshal(detail, &s) == nil
	}
	return s, ok && s.Seq > 0
}

func scanSent(text string) (s sentDetail, ok bool) {
	id, text, ok1 := strings.Cut(strings.TrimPrefix(text, `{"id":"`), `","seq":`)
	seq, text, ok2 := strings.Cut(text, `,"bytes":`)
	size, text, ok3 := strings.Cut(text, `,"hash":"`)
	hash, rest, ok4 := strings.Cut(text, `"`)
	if !ok1 || !ok2 || !ok3 || !ok4 || rest != "}" && rest != `,"verified":true}` || strings.ContainsAny(id, `"\\{`) || strings.Contains(hash, `\`) {
		return s, false
	}
	n, err1 := strconv.ParseInt(seq, 10, 64)
	bytes, err2 := strconv.Atoi(size)
	return sentDetail{agentbridge.MessageID(id), agentbridge.Seq(n), bytes, hash}, err1 == nil && err2 == nil
}

// sent compares the entry of a send with the message at its place.
func (c *messageCheck) sent(e agentbridge.Entry, s sentDetail) {
	if c.next == nil {
		c.begin(s.Seq - 1)
	}
	for c.more && c.at.Seq < s.Seq {
		c.fault(e.Seq, messageExtra, "message %d in %s was sent by nobody", c.at.Seq, c.at.Channel)
		c.at, c.more = c.next()
	}
	if !c.more || c.at.Seq > s.Seq {
		c.gone[e.Target] = append(c.gone[e.Target], absent{e.Seq, s.Seq})
		return
	}
	m := c.at
	c.at, c.more = c.next()
	if m.ID != s.ID || m.Sender != e.Actor || m.Channel != e.Target || !m.At.Equal(e.At) {
		c.fault(e.Seq, messageEdit, "message %d is not what was sent: its sender, channel, id or time is another one", s.Seq)
		return
	}
	c.text(e, s, m)
}

// text compares what a message says.
func (c *messageCheck) text(e agentbridge.Entry, s sentDetail, m stored) {
	switch {
	case errors.Is(m.sealed, store.ErrNoKey):
		c.skip(m.sealed.Error())
	case m.sealed != nil:
		c.fault(e.Seq, messageEdit, "message %d is not what was sent: it can't be decrypted", s.Seq)
	case len(m.Content) != s.Bytes:
		c.fault(e.Seq, messageEdit, "message %d is not what was sent: it has %d bytes and had %d", s.Seq, len(m.Content), s.Bytes)
	case s.Hash == "":
		c.skip("it was sent before its entry kept a hash")
	case c.texts == nil:
		c.skip("there is no key")
	default:
		c.texts.add(claim{e.Seq, s.Hash, m.Message})
	}
}

func (c *messageCheck) skip(why string) {
	c.notCompared++
	if c.why == "" {
		c.why = why
	}
}

func (c *messageCheck) fault(seq int64, kind audit.Kind, format string, args ...any) {
	if len(c.faults) < maxMessageFaults {
		c.faults = append(c.faults, audit.Fault{Seq: seq, Kind: kind, Detail: fmt.Sprintf(format, args...)})
	}
}

// finish looks at what is left when the log has been read.
func (c *messageCheck) finish() {
	if !c.read {
		return // the log is in such a state that it was not looked at
	}
	if c.texts.end(); c.texts != nil {
		c.compared = c.texts.compared
		for _, x := range c.texts.wrong {
			c.fault(x.entry, messageEdit, "message %d is not what was sent: its text is another one", x.message.Seq)
		}
	}
	for ; c.more; c.at, c.more = c.next() {
		c.fault(c.last+1, messageExtra, "message %d in %s was sent by nobody", c.at.Seq, c.at.Channel)
	}
	for channel, list := range c.gone {
		for _, a := range list {
			c.fault(a.entry, messageMissing, "message %d in %s is gone, and nothing says that it was removed", a.message, channel)
		}
	}
}
