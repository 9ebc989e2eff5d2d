package relay

import (
	"context"
	"errors"

	"agentbridge"
	"agentbridge/internal/store"
	"agentbridge/internal/token"
)

// keySetting is where a database keeps the fingerprint of its key.
const keySetting = "key_fingerprint"

// openKey binds key and database: a new pair is made together, an old one has
// to match. Otherwise every token ever given out would silently stop working.
func openKey(ctx context.Context, st store.Store, path string) (token.Key, error) {
	key, known, err := matchingKey(ctx, st, path)
	if known || err != nil {
		return key, err
	}
	if key, err = token.LoadOrCreateKey(path); err != nil {
		return key, err
	}
	return key, st.Update(ctx, func(t store.Tx) error {
		fingerprint, known, err := t.Setting(keySetting)
		switch {
		case err != nil:
			return err
		case known && fingerprint != key.Fingerprint(): // another process was first, with another file
			return wrongKey(path)
		}
		return t.PutSetting(keySetting, key.Fingerprint())
	})
}

// matchingKey returns the key of a database that has one.
func matchingKey(ctx context.Context, st viewer, path string) (key token.Key, known bool, err error) {
	var fingerprint string
	err = st.View(ctx, func(v store.Reader) error {
		fingerprint, known, err = v.Setting(keySetting)
		return err
	})
	if err != nil || !known {
		return key, false, err
	}
	key, err = token.LoadKey(path)
	if _, ok := errors.AsType[*agentbridge.Error](err); ok {
		return key, true, err
	}
	if err != nil {
		return key, true, agentbridge.Refuse(agentbridge.Unusable, "", "%v; this database was made with a key, restore its file or name it with --key-file", err)
	}
	if key.Fingerprint() != fingerprint {
		return key, true, wrongKey(path)
	}
	return key, true, nil
}

func wrongKey(path string) error {
	return agentbridge.Refuse(agentbridge.Unusable, "", "key file %s: it is not the key this database was made with; restore that one or name it with --key-file", path)
}
