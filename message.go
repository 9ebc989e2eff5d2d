package agentbridge

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Seq is the position of a message in the whole store: strictly increasing,
// never reused. It is the only order there is; clocks do not order.
type Seq int64

// MessageID identifies a message everywhere. It is a UUID (version 8, RFC 9562
// §5.8), opaque to readers.
type MessageID string

// NewMessageID makes the id of the message at a position: 48 bits of position
// and 74 random bits. A message is found by the position in its id, so the
// store keeps no index of ids, which would cost every commit another page.
func NewMessageID(seq Seq) MessageID {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(seq)<<16)
	rand.Read(b[6:])
	b[6] = b[6]&0x0f | 0x80 // version
	b[8] = b[8]&0x3f | 0x80 // variant
	h := hex.EncodeToString(b[:])
	return MessageID(h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:])
}

// markTail is what stands behind the position in a mark: no id of a message
// has it, because there it is random.
const markTail = "-8000-8000-000000000000"

// Mark returns an id that names no message but a place to read on from: right
// behind the message at a position, in whatever channel. It is the cursor of
// somebody who has not seen a message yet.
func Mark(seq Seq) MessageID {
	h := fmt.Sprintf("%012x", int64(seq))
	return MessageID(h[:8] + "-" + h[8:] + markTail)
}

// IsMark tells whether the id is a mark.
func (id MessageID) IsMark() bool { return len(id) == 36 && strings.HasSuffix(string(id), markTail) }

// Position is where a message with this id stands if there is one, 0 if the id
// was never made by a bridge.
func (id MessageID) Position() Seq {
	if len(id) != 36 || id[8] != '-' {
		return 0
	}
	n, err := strconv.ParseUint(string(id[:8]+id[9:13]), 16, 48)
	if err != nil {
		return 0
	}
	return Seq(n)
}

// MaxIdentity is the longest reference, key or thread id, in code points.
const MaxIdentity = 256

// ParseMessageID checks an id that arrived as the given field. Whether a
// message has it is for the store to say: an id that is no UUID is accepted
// here and found stale there, as clients of reference B expect.
func ParseMessageID(field, s string) (MessageID, error) {
	return MessageID(s), checkIdentity(field, s, MaxIdentity)
}

// MaxContent is the largest content of a message, in UTF-8 bytes.
const MaxContent = 128 << 10

// Encoding says what a message's content is.
type Encoding string

const (
	LegacyText  Encoding = "legacy_text" // not JSON, or nested too deeply to read
	LegacyJSON  Encoding = "legacy_json" // JSON, but no envelope
	Structured  Encoding = "structured"  // a valid protocol-v1 envelope
	Unsupported Encoding = "unsupported" // an envelope of another version
	Invalid     Encoding = "invalid"     // looks like an envelope, but breaks its rules
)

// Body is content that may be sent: checked, and canonical if it is an
// envelope. Its zero value may not be sent; Text and ParseEnvelope make one.
type Body struct {
	content   string
	encoding  Encoding
	dedupeKey string
}

// Text makes a body of legacy content, which may be any text without NUL,
// JSON or not.
func Text(content string) (Body, error) {
	if content == "" {
		return Body{}, Refuse(Required, "content", "must not be empty")
	}
	if len(content) > MaxContent {
		return Body{}, Refuse(TooLarge, "content", "must be at most %d UTF-8 bytes", MaxContent)
	}
	if err := checkText("content", content); err != nil {
		return Body{}, err
	}
	encoding, _ := classify(content)
	return Body{content: content, encoding: encoding}, nil
}

// Content is the text as it will be stored, before redaction.
func (b Body) Content() string { return b.content }

// Encoding is what the content is.
func (b Body) Encoding() Encoding { return b.encoding }

// Draft is what a caller wants to say on a channel. It has not been admitted,
// redacted or numbered; that makes it a Message.
type Draft struct {
	Channel ChannelName
	Sender  AgentName
	Body    Body
	// Key makes a retry harmless: of all drafts with the same channel, sender
	// and key the first is stored, an equal one is answered with the first
	// result, a different one is refused as a Conflict. "" means the envelope's
	// dedupe_key, if it has one.
	Key string
}

// IdempotencyKey is the key this draft is stored under, "" for none.
func (d Draft) IdempotencyKey() string {
	if d.Key != "" {
		return d.Key
	}
	return d.Body.dedupeKey
}

// ParseKey checks an idempotency key given by a caller.
func ParseKey(s string) (string, error) {
	return s, checkIdentity("idempotency_key", s, MaxIdentity)
}

// Sent is the answer to a send: the message is on disk, as Redacted and
// Sanitized say.
type Sent struct {
	ID           MessageID
	Seq          Seq
	Channel      ChannelName
	Sender       AgentName
	At           time.Time
	Deduplicated bool           // an earlier send with the same key stored it
	Redacted     map[string]int // placeholders that took the place of secrets, and how often; nil for none
	Sanitized    int            // control and invisible characters that were taken out or replaced
}

// Message has been admitted, stored and numbered.
type Message struct {
	Seq      Seq
	ID       MessageID
	Channel  ChannelName
	Sender   AgentName
	Verified bool // the sender's own credential stood behind it; else the name is a label
	Content  string
	Encoding Encoding
	At       time.Time
	Metadata Metadata // of conversation messages: action_type, files_involved
}

// Envelope returns the message as an envelope object if it is one. If it only
// looks like one, the warning says why it could not be read.
func (m Message) Envelope() (envelope json.RawMessage, warning string) {
	switch m.Encoding {
	case Structured, Unsupported, Invalid:
		_, e := classify(m.Content)
		return e.canonical, e.warning
	}
	return nil, ""
}

// WireSize is how many bytes the message takes in a JSON listing at most. It
// counts what JSON escaping adds, so that a reply of a bounded sum of these is
// itself bounded.
func (m Message) WireSize() int {
	const fixed = 260                 // keys, seq, id, time, encoding
	const warning = 20 + 6*maxWarning // if all of it is escapes
	size := fixed + jsonSize(string(m.Channel)) + jsonSize(string(m.Sender)) + jsonSize(m.Content) + len(m.Metadata)
	switch m.Encoding {
	case Structured: // the envelope follows as an object
		size += jsonSize(m.Content)
	case Unsupported, Invalid:
		size += warning
	}
	return size
}

// jsonSize is the length of s as a JSON string.
func jsonSize(s string) int {
	n := len(s) + 2
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\' || c == '\n' || c == '\r' || c == '\t':
			n++
		case c < 0x20 || c == '<' || c == '>' || c == '&':
			n += 5
		case c == 0xe2 && (strings.HasPrefix(s[i:], "\u2028") || strings.HasPrefix(s[i:], "\u2029")):
			n += 3
		}
	}
	return n
}

// Metadata is a JSON object, or nil.
type Metadata json.RawMessage

// MaxMetadata is the largest metadata object, in bytes of canonical JSON. It
// nests no deeper than content, MaxContentDepth.
const MaxMetadata = 16 << 10

// ParseMetadata checks a decoded JSON object that arrived as the given field
// and returns it in canonical form.
func ParseMetadata(field string, object map[string]any) (Metadata, error) {
	if deeper(object, MaxContentDepth) {
		return nil, Refuse(TooDeep, field, "must not nest deeper than %d levels", MaxContentDepth)
	}
	canonical := CanonicalJSON(object)
	if len(canonical) > MaxMetadata {
		return nil, Refuse(TooLarge, field, "must be at most %d bytes", MaxMetadata)
	}
	return Metadata(canonical), nil
}

// Preview cuts text to at most n code points, marking a cut with an ellipsis.
func Preview(s string, n int) string {
	if len(s) <= n || utf8.RuneCountInString(s) <= n {
		return s
	}
	runes := 0
	for i := range s {
		if runes == n {
			return s[:i] + "…"
		}
		runes++
	}
	return s
}
