package relay_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/relay"
)

// A database that was signed with a key does not start with another one, nor
// without: one line says what to do, and nothing is made.
func TestAuditKey_mustFit(t *testing.T) {
	others := t.TempDir() // another bridge, with a key of its own
	other := bridgetest.Open(t, others, relay.Options{})
	other.Agent("bob").MustSend("#c", "x")
	for _, c := range []struct {
		what string
		do   func(key string) error
		want string
	}{
		{"missing", os.Remove, "restore its file, name it with --audit-key, or if it is lost go on with another by agentbridge audit new-key"},
		{"another bridge's", func(key string) error {
			raw, err := os.ReadFile(filepath.Join(others, bridgetest.AuditKeyFile))
			if err == nil {
				err = os.WriteFile(key, raw, 0o600)
			}
			return err
		}, "not the key that signs this database's audit log"},
		{"damaged", func(key string) error { return os.WriteFile(key, []byte("PRIVATE+KEY+x"), 0o600) }, "damaged"},
		{"empty", func(key string) error { return os.WriteFile(key, nil, 0o600) }, "damaged"},
		{"a directory", func(key string) error {
			if err := os.Remove(key); err != nil {
				return err
			}
			return os.Mkdir(key, 0o700)
		}, "not a regular file"},
	} {
		dir := t.TempDir()
		b := bridgetest.Open(t, dir, relay.Options{})
		b.Agent("alice").MustSend("#c", "x")
		b.Close()
		key := filepath.Join(dir, bridgetest.AuditKeyFile)
		if err := c.do(key); err != nil {
			t.Fatal(err)
		}
		before, _ := os.ReadFile(key)
		_, err := bridgetest.TryOpen(t, dir, relay.Options{})
		if agentbridge.CodeOf(err) != agentbridge.Unusable || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("start with a key that is %s = %v, want one line with %q", c.what, err, c.want)
		}
		if after, _ := os.ReadFile(key); string(after) != string(before) {
			t.Errorf("start with a key that is %s made a file", c.what)
		}
	}
}

// Of several processes that start on a new database, one makes the key.
func TestAuditKey_madeByOne(t *testing.T) {
	dir := t.TempDir()
	bridges := make([]*bridgetest.Bridge, 4)
	var starts sync.WaitGroup
	for i := range bridges {
		starts.Go(func() {
			var err error
			if bridges[i], err = bridgetest.TryOpen(t, dir, relay.Options{}); err != nil {
				t.Errorf("start: %v", err)
			}
		})
	}
	starts.Wait()
	if t.Failed() {
		return
	}
	first, err := bridges[0].Audit.Verifiers(t.Context())
	if err != nil || len(first) != 1 {
		t.Fatalf("Verifiers() = %q, %v; want one", first, err)
	}
	for _, b := range bridges {
		if keys, err := b.Audit.Verifiers(t.Context()); err != nil || !slices.Equal(keys, first) {
			t.Errorf("Verifiers() = %q, %v; want %q", keys, err, first)
		}
	}
}

// A process was killed between the steps in which a database gets its key.
func TestAuditKey_madeInSteps(t *testing.T) {
	for _, undone := range []string{
		"DELETE FROM settings WHERE name = 'audit_verifier'",
		"DELETE FROM settings WHERE name = 'audit_verifier' OR name = 'database_id'",
	} {
		dir := t.TempDir()
		b := bridgetest.Open(t, dir, relay.Options{})
		b.Close()
		edit(t, dir, undone)
		_, err := bridgetest.TryOpen(t, dir, relay.Options{})
		if strings.Contains(undone, "database_id") { // the key's file comes after the name, so this was no crash
			bridgetest.WantErr(t, agentbridge.Unusable, err)
		} else if err != nil {
			t.Errorf("start after %s: %v", undone, err)
		}
	}
}

func TestNewAuditKey(t *testing.T) {
	dir := t.TempDir()
	b := bridgetest.Open(t, dir, relay.Options{})
	b.Agent("alice").MustSend("#c", "before")
	b.Relay.Close()
	old, err := b.Audit.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(dir, bridgetest.AuditKeyFile)
	_, err = relay.NewAuditKey(t.Context(), b.Store, key)
	bridgetest.WantErr(t, agentbridge.Conflict, err) // it is there, and fits
	if err := os.Rename(key, key+".old"); err != nil {
		t.Fatal(err)
	}
	if head, err := b.Audit.Head(t.Context()); err != nil || head.Stale == nil || head.Note != old.Note || head.Behind != 0 {
		t.Errorf("Head() without the key = %+v, %v; want the last that was kept", head, err)
	}
	verifier, err := relay.NewAuditKey(t.Context(), b.Store, key)
	if err != nil || verifier == old.Verifier {
		t.Fatalf("NewAuditKey() = %q, %v; want another than %q", verifier, err, old.Verifier)
	}
	b.Close()

	b = bridgetest.Open(t, dir, relay.Options{})
	b.Agent("alice").MustSend("#c", "after")
	b.Relay.Close()
	keys, err := b.Audit.Verifiers(t.Context())
	if err != nil || !slices.Equal(keys, []string{old.Verifier, verifier}) {
		t.Errorf("Verifiers() = %q, %v; want both, the one in use last", keys, err)
	}
	head, err := b.Audit.Head(t.Context())
	if err != nil || head.Verifier != verifier || head.Stale != nil {
		t.Fatalf("Head() = %+v, %v", head, err)
	}
	report, err := b.Audit.Verify(t.Context(), relay.AuditCheck{Outside: []string{old.Note, head.Note}})
	if err != nil || !report.Anchored || report.AnchoredTo != head.Size || report.Uncovered != 0 {
		t.Errorf("Verify() against checkpoints of both keys = %+v, %v", report, err)
	}
	report, err = b.Audit.Verify(t.Context(), relay.AuditCheck{Verifiers: []string{verifier}})
	if err != nil || len(report.Faults) == 0 || report.Faults[0].Kind != "bad-signature" {
		t.Errorf("Verify() with the new key only = %+v, %v; want bad-signature for what the old one signed", report, err)
	}
	if report, err = b.Audit.Verify(t.Context(), relay.AuditCheck{Verifiers: keys}); err != nil || len(report.Faults) > 0 || !report.Pinned {
		t.Errorf("Verify() with both keys = %+v, %v", report, err)
	}
}
