package sqlite

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"log/slog"
	"strings"
	"sync"

	"agentbridge"
	"agentbridge/internal/store"
)

// vault is how the bodies of messages lie in the file: in clear or, once the
// database is marked as encrypted, sealed. The mark in the file decides, for all
// processes; each has to have its key.
type vault struct {
	path   string       // of the database
	sealer store.Sealer // nil if there is none
	log    *slog.Logger // nil: slog.Default()

	key string // seals what is written, "" if nothing does; belongs to who holds the pen

	mu   sync.Mutex               // guards told:
	told map[agentbridge.Seq]bool // messages of which the log knows that they don't open
}

// maxTold bounds what is remembered of messages that don't open.
const maxTold = 1000

// mark says that a database is encrypted, and with which key from now on.
// Messages from before may have other keys, or none until they are resealed.
type mark struct {
	key   string
	check []byte // nothing, sealed with the key: tells whether somebody has it
}

const (
	markSetting = "encryption"
	markContext = "agentbridge encryption mark"
)

func (m mark) String() string { return m.key + " " + base64.StdEncoding.EncodeToString(m.check) }

// mark reads the mark; its key is "" if there is none.
func (s *session) mark() (m mark, err error) {
	text, ok, err := (&reader{session: s}).Setting(markSetting)
	if err != nil || !ok {
		return m, err
	}
	key, check, _ := strings.Cut(text, " ")
	m = mark{key: key}
	if m.check, err = base64.StdEncoding.DecodeString(check); err != nil || key == "" {
		return mark{}, unusable(s.vault.path, "what it says of its encryption is damaged; restore a backup")
	}
	return m, nil
}

// unlock tells whether this process may read and write a database as it is
// marked, and has it write so. It is asked at the start, and inside a write
// transaction whenever another process wrote before it.
func (v *vault) unlock(s *session) error {
	m, err := s.mark()
	switch {
	case err != nil:
		return err
	case m.key == "" && v.key != "":
		return unusable(v.path, "it was encrypted and now does not say so any more; nothing was stored, restore a backup")
	case m.key == v.key:
		return nil
	}
	if err := v.has(m); err != nil {
		return err
	}
	v.key = m.key
	return nil
}

// look refuses a database of which this process lacks the key. It changes
// nothing; an empty file has no settings yet.
func (v *vault) look(s *session) error {
	s.vault = v
	_, ok, err := s.one("SELECT 1 FROM sqlite_schema WHERE name = 'settings'")
	if err != nil || !ok {
		return err
	}
	return s.locked()
}

// has tells whether the mark's key is at hand: nil if it is.
func (v *vault) has(m mark) error {
	if m.key == "" {
		return nil
	}
	if v.sealer == nil {
		return unusable(v.path, "its messages are encrypted with the key %q and this process has no key; restart it with --encrypt and the key file (--encryption-key)", agentbridge.InertLine(m.key))
	}
	_, err := v.sealer.Open(m.key, m.check, []byte(markContext))
	if err == nil {
		return nil
	}
	if said, ok := errors.AsType[*agentbridge.Error](err); ok {
		return unusable(v.path, "its messages are encrypted with the key %q: %v", agentbridge.InertLine(m.key), said)
	}
	return unusable(v.path, "what it says of its encryption does not fit the key %q (%v); restore a backup", agentbridge.InertLine(m.key), err)
}

// contextOf is what a sealed body belongs to: beside anything else it does not
// open.
func contextOf(m agentbridge.Message) []byte {
	b := []byte("agentbridge message\x00")
	b = binary.BigEndian.AppendUint64(b, uint64(m.Seq))
	b = binary.BigEndian.AppendUint64(b, uint64(m.At.UnixMicro()))
	verified := byte(0)
	if m.Verified {
		verified = 1
	}
	b = append(b, verified)
	for _, part := range []string{string(m.Channel), string(m.Sender), string(m.Encoding)} {
		b = binary.AppendUvarint(b, uint64(len(part)))
		b = append(b, part...)
	}
	return b
}

// seal encrypts the content and metadata of a message that has its other fields.
// Metadata's length stands before them, and one more, so that 0 is none.
func (v *vault) seal(key string, m agentbridge.Message) ([]byte, error) {
	if v.sealer == nil {
		return nil, errors.New("seal a message: no sealer")
	}
	plain := make([]byte, 0, binary.MaxVarintLen64+len(m.Metadata)+len(m.Content))
	if m.Metadata == nil {
		plain = binary.AppendUvarint(plain, 0)
	} else {
		plain = binary.AppendUvarint(plain, uint64(len(m.Metadata))+1)
	}
	plain = append(append(plain, m.Metadata...), m.Content...)
	return v.sealer.Seal(key, plain, contextOf(m))
}

// open sets the content and metadata of a message that has its other fields,
// whatever stood there.
func (v *vault) open(key string, sealed []byte, m *agentbridge.Message) error {
	if v.sealer == nil {
		return errors.New("this process has no key")
	}
	plain, err := v.sealer.Open(key, sealed, contextOf(*m))
	if err != nil {
		return err
	}
	length, n := binary.Uvarint(plain)
	if n <= 0 || length > uint64(len(plain)-n)+1 {
		return errors.New("what it holds has no form that we know")
	}
	plain, m.Metadata = plain[n:], nil
	if length > 0 {
		m.Metadata, plain = plain[:length-1:length-1], plain[length-1:]
	}
	m.Content = string(plain)
	return nil
}

// unreadable is what stands in the place of a message that does not open. The
// rest of its channel goes on: one flipped bit must not hide all that follows.
const unreadable = "[this message can't be decrypted: it was changed where it is stored, or its key is gone; ask its sender to send it again]"

// message reads messageColumns. A body that does not open becomes a placeholder,
// in the log with the reason. But somebody without any key is refused: else all
// would pass by unread.
func (s *session) message(r row, channel agentbridge.ChannelName) (agentbridge.Message, error) {
	m, broken := s.unseal(r, channel)
	if broken == nil {
		return m, nil
	}
	if err := s.locked(); err != nil {
		return m, err
	}
	s.vault.report(m, broken)
	m.Content, m.Metadata, m.Encoding, m.Verified = unreadable, nil, agentbridge.LegacyText, false
	return m, nil
}

// locked returns why this process can't read what is encrypted now, nil if it
// can.
func (s *session) locked() error {
	m, err := s.mark()
	if err != nil {
		return err
	}
	return s.vault.has(m)
}

// unseal reads messageColumns and opens what is sealed.
func (s *session) unseal(r row, channel agentbridge.ChannelName) (agentbridge.Message, error) {
	m := r.message(channel)
	if r.null(sealedColumn) {
		return m, nil
	}
	return m, s.vault.open(r.text(sealedColumn), r.blob(sealedColumn+1), &m)
}

// report says once in the log that a message does not open.
func (v *vault) report(m agentbridge.Message, reason error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.told[m.Seq] || len(v.told) >= maxTold {
		return
	}
	if v.told == nil {
		v.told = map[agentbridge.Seq]bool{}
	}
	v.told[m.Seq] = true
	log := v.log
	if log == nil {
		log = slog.Default()
	}
	log.Error("a message can't be decrypted", "message", m.ID, "channel", m.Channel, "reason", reason)
}
