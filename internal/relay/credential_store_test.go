package relay_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/relay"
	"agentbridge/internal/store"
	"agentbridge/internal/store/sqlite"
	"agentbridge/internal/token"
)

// The store is gone or broken: then nobody is let in, not even whoever was a
// moment ago, and it is not called a wrong token.
func TestAuthenticate_brokenStore(t *testing.T) {
	dir := t.TempDir()
	st, err := sqlite.Open(filepath.Join(dir, bridgetest.Database), sqlite.Options{Alone: true})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	broken := &breakable{Store: st}
	r, err := relay.New(t.Context(), broken, relay.Options{KeyFile: filepath.Join(dir, bridgetest.KeyFile), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	issued, err := r.Operator().AddAgent(t.Context(), agentbridge.NewAgent{Name: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Authenticate(t.Context(), string(issued.Token)); err != nil {
		t.Fatal(err)
	}
	broken.fail(errors.New("disk on fire"))
	st.Update(t.Context(), func(tx store.Tx) error { // something about no channel: perhaps agents
		return tx.Log(agentbridge.Entry{At: time.Now(), Actor: "x", Action: agentbridge.ActionAuthFailure})
	})
	for what, credential := range map[string]string{"a good token": string(issued.Token), "a made-up token": string(token.MintAPI())} {
		p, err := r.Authenticate(t.Context(), credential)
		if err == nil || p.Verified() || agentbridge.CodeOf(err) != agentbridge.Internal {
			t.Errorf("Authenticate(%s) while the store is broken = %q, %v; want a fault", what, p.Name, err)
		}
	}
	if _, err := r.Admit(t.Context(), "s", "carol", nil, nil, time.Now().Add(time.Hour)); agentbridge.CodeOf(err) != agentbridge.Internal {
		t.Errorf("Admit() while the store is broken = %v; want a fault", err)
	}
	broken.fail(nil)
	if _, err := r.Authenticate(t.Context(), string(issued.Token)); err != nil {
		t.Errorf("Authenticate() when the store is whole again = %v", err)
	}
}

// A bridge that can't find out whether it knows any agent is not open.
func TestAuthRequired_brokenStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bridgetest.New(t)
		broken := &breakable{Store: b.Store}
		r, err := relay.New(t.Context(), broken, relay.Options{KeyFile: filepath.Join(b.Dir, bridgetest.KeyFile)})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if r.AuthRequired() {
			t.Error("AuthRequired() of a bridge without agents")
		}
		broken.fail(errors.New("disk on fire"))
		time.Sleep(2 * time.Second)
		if !r.AuthRequired() {
			t.Error("AuthRequired() is false while the store can't be read")
		}
	})
}

// breakable is a store whose reading fails on demand.
type breakable struct {
	store.Store
	mu  sync.Mutex // guards err
	err error
}

func (b *breakable) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = err
}

func (b *breakable) broken() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

func (b *breakable) View(ctx context.Context, f func(store.Reader) error) error {
	if err := b.broken(); err != nil {
		return err
	}
	return b.Store.View(ctx, f)
}

func (b *breakable) Glance(ctx context.Context, f func(store.Reader) error) error {
	if err := b.broken(); err != nil {
		return err
	}
	return b.Store.Glance(ctx, f)
}
