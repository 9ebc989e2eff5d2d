package relay

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"agentbridge"
	"agentbridge/internal/audit"
	"agentbridge/internal/store"
)

// Where a database keeps what its audit log is called, and which keys sign it.
const (
	databaseSetting = "database_id"    // 16 hex digits, made once
	verifierSetting = "audit_verifier" // of every key it has had, a line each, the one in use last
)

// auditName is how an audit log is known: to whoever checks it, and to its key.
type auditName struct {
	origin    string   // "" for a database that has none yet
	verifiers []string // the one in use last
}

// verifier is the one in use, "" if there was none.
func (n auditName) verifier() string {
	if len(n.verifiers) == 0 {
		return ""
	}
	return n.verifiers[len(n.verifiers)-1]
}

func readAuditName(v store.Reader) (name auditName, err error) {
	id, known, err := v.Setting(databaseSetting)
	if err != nil || !known {
		return name, err
	}
	name.origin = "agentbridge/" + id
	keys, _, err := v.Setting(verifierSetting)
	name.verifiers = strings.Fields(keys)
	return name, err
}

// nameLog gives a database the name that its log goes by, if it has none.
func nameLog(ctx context.Context, st store.Store) error {
	return st.Update(ctx, func(t store.Tx) error {
		if _, known, err := t.Setting(databaseSetting); err != nil || known {
			return err
		}
		var id [8]byte
		rand.Read(id[:])
		return t.PutSetting(databaseSetting, hex.EncodeToString(id[:]))
	})
}

// openAuditKey binds audit key and database, as openKey does for tokens: a log
// that was signed with one key must not quietly go on with another.
func openAuditKey(ctx context.Context, st store.Store, path string) (key audit.Key, err error) {
	name, err := auditNameOf(ctx, st)
	if err != nil {
		return key, err
	}
	if name.verifier() != "" {
		return matchingAuditKey(name, path)
	}
	// A crash between these steps leaves a name without a key, or a key that its
	// database does not know yet: the next start goes on from there.
	if name.origin == "" {
		if err := nameLog(ctx, st); err != nil {
			return key, err
		}
		if name, err = auditNameOf(ctx, st); err != nil {
			return key, err
		}
	}
	if key, err = audit.LoadOrCreateKey(path, name.origin); err != nil {
		return key, err
	}
	return key, st.Update(ctx, func(t store.Tx) error {
		now, err := readAuditName(t)
		switch {
		case err != nil:
			return err
		case now.verifier() == key.Verifier():
			return nil
		case now.verifier() != "": // another process was first, with another file
			return wrongAuditKey(path)
		}
		return t.PutSetting(verifierSetting, key.Verifier())
	})
}

func auditNameOf(ctx context.Context, st viewer) (name auditName, err error) {
	err = st.View(ctx, func(v store.Reader) error {
		name, err = readAuditName(v)
		return err
	})
	return name, err
}

// matchingAuditKey returns the key of a log that has one.
func matchingAuditKey(name auditName, path string) (audit.Key, error) {
	key, err := audit.LoadKey(path)
	if _, ok := errors.AsType[*agentbridge.Error](err); ok {
		return key, err
	}
	if err != nil {
		return key, agentbridge.Refuse(agentbridge.Unusable, "", "%v; this database's audit log is signed with a key: restore its file, name it with --audit-key, or if it is lost go on with another by agentbridge audit new-key", err)
	}
	if key.Verifier() != name.verifier() {
		return key, wrongAuditKey(path)
	}
	return key, nil
}

func wrongAuditKey(path string) error {
	return agentbridge.Refuse(agentbridge.Unusable, "", "audit key file %s: it is not the key that signs this database's audit log; restore that one, name it with --audit-key, or if it is lost go on with this one by agentbridge audit new-key", path)
}

// NewAuditKey has the audit log signed with another key from now on: with the
// one in the file, which is made if it is not there. The log keeps that it was
// done, and the database what checks the signatures of the earlier keys.
func NewAuditKey(ctx context.Context, st store.Store, path string) (verifier string, err error) {
	if err := nameLog(ctx, st); err != nil {
		return "", err
	}
	name, err := auditNameOf(ctx, st)
	if err != nil {
		return "", err
	}
	key, err := audit.LoadOrCreateKey(path, name.origin)
	if err != nil {
		return "", err
	}
	verifier = key.Verifier()
	return verifier, st.Update(ctx, func(t store.Tx) error {
		now, err := readAuditName(t)
		if err != nil {
			return err
		}
		if now.verifier() == verifier {
			return agentbridge.Refuse(agentbridge.Conflict, "", "audit key file %s is the key that signs this log already; move it away first to have another one made", path)
		}
		if err := t.PutSetting(verifierSetting, strings.Join(append(now.verifiers, verifier), "\n")); err != nil {
			return err
		}
		return t.Log(agentbridge.Entry{At: time.Now(), Actor: operatorName, Action: agentbridge.ActionAuditKey,
			Detail: detail(map[string]any{"old": now.verifier(), "new": verifier})})
	})
}
