// Package bridgetest runs a bridge for tests. What a test says on it reads like
// use, and what it left in the store is checked when it ends. It also holds the
// contract that every Session passes, near or far.
package bridgetest

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"

	"agentbridge"
	"agentbridge/internal/limit"
	"agentbridge/internal/relay"
	"agentbridge/internal/store"
	"agentbridge/internal/store/sqlite"
)

// Names of a bridge's files in its directory.
const (
	Database     = "bridge.db"
	KeyFile      = "bridge.key"
	AuditKeyFile = "bridge.audit.key"
	Checkpoints  = "bridge.checkpoints"
)

// Bridge is a running bridge: the engine on a SQLite file.
type Bridge struct {
	*relay.Relay
	Store store.Store
	Dir   string         // where its files are
	Audit relay.AuditLog // as its owner sees it

	t    testing.TB
	once sync.Once
}

// New returns a bridge on a new directory. It ends with the test.
func New(t testing.TB) *Bridge {
	t.Helper()
	return Open(t, t.TempDir(), relay.Options{})
}

// Unlimited is New without limits, for tests that say more in a moment than
// agents may, and are about something else.
func Unlimited(t testing.TB) *Bridge {
	t.Helper()
	return Open(t, t.TempDir(), relay.Options{Limits: limit.Off()})
}

// Open returns a bridge on the files of a directory, which may be those of an
// earlier one or of one that still runs. Without a KeyFile it is the one in the
// directory. The bridge hangs no doorbell, so that it works in a synctest
// bubble; a second one on the same files hears nothing from the first, but
// reads everything.
func Open(t testing.TB, dir string, opts relay.Options) *Bridge {
	t.Helper()
	b, err := TryOpen(t, dir, opts)
	if err != nil {
		t.Fatalf("open a bridge: %v", err)
	}
	return b
}

// TryOpen is Open for tests of what can't be opened.
func TryOpen(t testing.TB, dir string, opts relay.Options) (*Bridge, error) {
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	if opts.KeyFile == "" {
		opts.KeyFile = filepath.Join(dir, KeyFile)
	}
	if opts.AuditKeyFile == "" {
		opts.AuditKeyFile = filepath.Join(dir, AuditKeyFile)
		opts.CheckpointFile = filepath.Join(dir, Checkpoints)
	}
	if opts.Logger == nil {
		opts.Logger = log
	}
	st, err := sqlite.Open(filepath.Join(dir, Database), sqlite.Options{Alone: true, Logger: log})
	if err != nil {
		return nil, err
	}
	r, err := relay.New(t.Context(), st, opts)
	if err != nil {
		_ = st.Close()
		return nil, err
	}
	b := &Bridge{Relay: r, Store: st, Dir: dir, t: t,
		Audit: relay.AuditLog{Store: st, KeyFile: opts.KeyFile, AuditKeyFile: opts.AuditKeyFile}}
	t.Cleanup(b.Close)
	return b, nil
}

// Close ends the bridge as a shutdown would, and checks what it leaves.
func (b *Bridge) Close() {
	b.t.Helper()
	b.once.Do(func() {
		b.Relay.Close()
		Check(b.t, b.Store)
		b.checkAudit()
		if err := b.Store.Close(); err != nil {
			b.t.Errorf("close the store: %v", err)
		}
	})
}

// checkAudit checks that the audit log holds, and every message with its entry.
func (b *Bridge) checkAudit() {
	b.t.Helper()
	ctx := context.Background() // the test's has ended
	report, err := b.Audit.Verify(ctx, relay.AuditCheck{})
	if err != nil {
		b.t.Errorf("verify the audit log: %v", err)
	}
	for _, f := range report.Faults {
		b.t.Errorf("audit log: %s at entry %d: %s", f.Kind, f.Seq, f.Detail)
	}
}

// Session returns a session, as Open of a bridge does.
func (b *Bridge) Session() agentbridge.Session {
	b.t.Helper()
	s, err := b.Open(b.t.Context(), agentbridge.Local())
	if err != nil {
		b.t.Fatalf("Open() = %v", err)
	}
	return s
}

// Agent returns a participant who speaks and reads under one name.
func (b *Bridge) Agent(name agentbridge.AgentName) *Agent {
	b.t.Helper()
	return NewAgent(b.t, b.Session(), name)
}

// Pair creates a conversation and returns its seats, its creator's first.
func (b *Bridge) Pair(mine, partners agentbridge.Role) (creator, partner *Seat) {
	b.t.Helper()
	c, err := b.Session().CreateConversation(b.t.Context(), mine, partners)
	if err != nil {
		b.t.Fatalf("CreateConversation(%s, %s) = %v", mine, partners, err)
	}
	return b.MustSit(agentbridge.SeatCredential{Conversation: c.ID, Seat: agentbridge.SeatA, Token: c.TokenA}),
		b.MustSit(agentbridge.SeatCredential{Conversation: c.ID, Seat: agentbridge.SeatB, Token: c.TokenB})
}

// MustSit returns the seat that a credential admits to.
func (b *Bridge) MustSit(c agentbridge.SeatCredential) *Seat {
	b.t.Helper()
	s, err := b.Sit(b.t.Context(), agentbridge.Local(), c)
	if err != nil {
		b.t.Fatalf("Sit(%s, seat %s) = %v", c.Conversation, c.Seat, err)
	}
	seat := NewSeat(b.t, s)
	seat.Credential = c
	return seat
}

// WantErr checks that a call was refused with a code.
func WantErr(t testing.TB, want agentbridge.Code, err error) {
	t.Helper()
	if got := agentbridge.CodeOf(err); got != want {
		t.Errorf("refused as %q (%v), want %q", got, err, want)
	}
}
