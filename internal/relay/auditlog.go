package relay

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"agentbridge"
	"agentbridge/internal/audit"
	"agentbridge/internal/store"
	"agentbridge/internal/token"
)

// viewer is a store that is only looked at.
type viewer interface {
	View(ctx context.Context, f func(store.Reader) error) error
}

// AuditLog is the audit log as the owner of the store's files sees it. It writes
// nothing. Each of its methods is one look, whatever goes on meanwhile.
type AuditLog struct {
	Store        viewer
	KeyFile      string // of the master key, with which messages are compared; read if it is there
	AuditKeyFile string // signs fresh checkpoints; read if it is there
}

// AuditCheck says what the log is held against.
type AuditCheck struct {
	Outside   []string // checkpoints that were kept outside of the database
	Verifiers []string // the log's keys; none means those that the database names
	Since     int64    // so many entries are taken for good, because an outside checkpoint covers them
}

// AuditReport is what a check found.
type AuditReport struct {
	audit.Report          // its Anchored is false without an outside checkpoint
	Origin       string   // what the log is called
	Verifiers    []string // that were used
	Pinned       bool     // the caller brought them, so that they are better than the database
	AnchoredTo   int64    // entries that the largest outside checkpoint covers
	Compared     int64    // messages that are what their entries say
	NotCompared  int64    // messages whose text can't be compared, or of which nobody knows whether they expired
	Why          string   // that is so
}

// Verify holds the log against itself, its checkpoints and those outside, and
// the stored messages against their entries. An error means that this could not
// be done.
func (a AuditLog) Verify(ctx context.Context, c AuditCheck) (report AuditReport, err error) {
	name, err := auditNameOf(ctx, a.Store)
	if err != nil {
		return report, err
	}
	report.Origin, report.Verifiers = name.origin, name.verifiers
	if len(c.Verifiers) > 0 {
		report.Verifiers, report.Pinned = c.Verifiers, true
	} else if name.verifier() == "" {
		return report, errNeverSigned
	}
	verifier := strings.Join(report.Verifiers, " ")
	key, why, err := a.masterKey(ctx)
	if err != nil {
		return report, err
	}
	err = a.Store.View(ctx, func(v store.Reader) error {
		m := newMessageCheck(v, key, c.Since == 0)
		defer m.stop()
		m.why = why
		report.Report, err = audit.Verify(ctx, m, audit.Options{
			Verifier: verifier, Outside: c.Outside, Since: c.Since})
		if err != nil {
			return err
		}
		m.finish()
		report.add(m)
		for _, note := range c.Outside {
			if s, err := audit.OpenCheckpoint(note, verifier); err == nil {
				report.AnchoredTo = max(report.AnchoredTo, s.Size)
			}
		}
		report.Anchored = report.Anchored && report.AnchoredTo > 0
		return m.err
	})
	return report, err
}

// add joins what was found of the messages.
func (r *AuditReport) add(m *messageCheck) {
	r.Compared, r.NotCompared, r.Why = m.compared, m.notCompared, m.why
	r.Faults = append(r.Faults, m.faults...)
	slices.SortStableFunc(r.Faults, func(a, b audit.Fault) int { return cmp.Compare(a.Seq, b.Seq) })
	r.Anchored = r.Anchored && len(r.Faults) == 0
}

// masterKey returns the key that messages are compared with, or why there is
// none: to check the log must be possible for somebody who may not have it.
func (a AuditLog) masterKey(ctx context.Context) (key *token.Key, why string, err error) {
	k, known, err := matchingKey(ctx, a.Store, a.KeyFile)
	switch _, refused := errors.AsType[*agentbridge.Error](err); {
	case refused:
		return nil, err.Error(), nil
	case err != nil || !known:
		return nil, "", err
	}
	return &k, "", nil
}

// AuditHead is a checkpoint of the log.
type AuditHead struct {
	agentbridge.Checkpoint
	Verifier string // of the log's key in use
	Stale    error  // why it was not made now but is the last one that was kept; nil if it is new
	Behind   int64  // entries that were written since
}

// Head returns a checkpoint of the log as it is, signed now. Without the key, or
// with one that does not fit, it is the last one that was kept.
func (a AuditLog) Head(ctx context.Context) (h AuditHead, err error) {
	err = a.Store.View(ctx, func(v store.Reader) error {
		h, err = a.head(v)
		return err
	})
	return h, err
}

func (a AuditLog) head(v store.Reader) (h AuditHead, err error) {
	name, err := readAuditName(v)
	if err != nil {
		return h, err
	}
	if h.Verifier = name.verifier(); h.Verifier == "" {
		return h, errNeverSigned
	}
	size, err := v.LastEntry()
	if err != nil {
		return h, err
	}
	if size == 0 {
		return h, agentbridge.Refuse(agentbridge.NotFound, "", "the audit log has no entries yet")
	}
	key, why := matchingAuditKey(name, a.AuditKeyFile)
	if why != nil {
		h.Stale = why
		if h.Checkpoint, err = lastCheckpoint(v); err == nil && h.Note == "" {
			err = why
		}
		h.Behind = size - h.Size
		return h, err
	}
	tree, err := audit.LoadTree(size, v.EntryHashes)
	if err != nil {
		return h, err
	}
	h.Checkpoint, err = key.Sign(key.Origin(), size, tree.Root())
	return h, err
}

// errNeverSigned is about a database on which no bridge that signs was started.
var errNeverSigned = agentbridge.Refuse(agentbridge.NotFound, "", "this database's audit log was never signed; start the bridge on it once")

// Verifiers returns what checks the signatures of the log's keys, the one in use
// last.
func (a AuditLog) Verifiers(ctx context.Context) ([]string, error) {
	name, err := auditNameOf(ctx, a.Store)
	if err == nil && len(name.verifiers) == 0 {
		err = errNeverSigned
	}
	return name.verifiers, err
}

// Prove returns a text that shows to anybody who has the verifier, without this
// database, that an entry stands in the log.
func (a AuditLog) Prove(ctx context.Context, seq int64) (proof string, err error) {
	err = a.Store.View(ctx, func(v store.Reader) error {
		h, err := a.head(v)
		if err == nil {
			proof, err = audit.Prove(v, seq, h.Checkpoint)
		}
		return err
	})
	return proof, err
}

// Exported is an entry with its hash in the tree.
type Exported struct {
	agentbridge.Entry
	Leaf audit.Hash // SHA-256 of a zero byte and Text
	Text []byte     // valid during the call only
}

// Export calls f with the entries behind one up to another, 0 for all, oldest
// first.
func (a AuditLog) Export(ctx context.Context, after, upTo int64, f func(Exported) error) error {
	return a.Store.View(ctx, func(v store.Reader) error {
		var text []byte
		return v.WalkEntries(after, func(e agentbridge.Entry, _ []byte) (bool, error) {
			if upTo > 0 && e.Seq > upTo {
				return false, nil
			}
			text = audit.AppendEntry(text[:0], e)
			err := f(Exported{Entry: e, Leaf: audit.LeafHash(text), Text: text})
			return err == nil, errors.Join(err, ctx.Err())
		})
	})
}
