package relay

import (
	"context"
	"time"

	"agentbridge"
	"agentbridge/internal/store"
)

// CheckKey tells what is wrong with the master key of a database, as far as that
// can be told by looking. Without an error, known is false for a database that
// has none yet.
func CheckKey(ctx context.Context, st viewer, path string) (known bool, err error) {
	_, known, err = matchingKey(ctx, st, path)
	return known, err
}

// CheckAuditKey is CheckKey for the key that signs the audit log.
func CheckAuditKey(ctx context.Context, st viewer, path string) (known bool, err error) {
	name, err := auditNameOf(ctx, st)
	if err != nil || name.verifier() == "" {
		return false, err
	}
	_, err = matchingAuditKey(name, path)
	return true, err
}

// RunningOut counts the agents that are admitted and names those whose last
// token does not admit until a time. An agent without tokens is admitted by
// other means.
func RunningOut(ctx context.Context, st viewer, until time.Time) (admitted int, names []agentbridge.AgentName, err error) {
	err = st.View(ctx, func(v store.Reader) error {
		agents, err := v.Agents()
		if err != nil {
			return err
		}
		for _, a := range agents {
			if !a.RevokedAt.IsZero() {
				continue
			}
			admitted++
			tokens, err := v.Credentials(a.Name)
			if err != nil {
				return err
			}
			if len(tokens) > 0 && lastExpiry(tokens).Before(until) {
				names = append(names, a.Name)
			}
		}
		return nil
	})
	return admitted, names, err
}

func lastExpiry(tokens []store.Credential) (last time.Time) {
	for _, c := range tokens {
		if c.ExpiresAt.After(last) {
			last = c.ExpiresAt
		}
	}
	return last
}

// NewestEntries returns so many entries of the audit log, the newest first.
func NewestEntries(ctx context.Context, st viewer, limit int) (list []agentbridge.Entry, err error) {
	err = st.View(ctx, func(v store.Reader) error {
		list, err = v.Entries(agentbridge.EntryQuery{Limit: limit})
		return err
	})
	return list, err
}

// EntryBehind returns the entry that follows one in the audit log; ok is false
// if there is none.
func EntryBehind(ctx context.Context, st viewer, seq int64) (e agentbridge.Entry, ok bool, err error) {
	err = st.View(ctx, func(v store.Reader) error {
		list, err := v.EntriesAfter(seq, 1)
		if len(list) > 0 {
			e, ok = list[0], true
		}
		return err
	})
	return e, ok, err
}
