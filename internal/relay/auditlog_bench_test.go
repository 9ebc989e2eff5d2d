package relay_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/audit"
	"agentbridge/internal/relay"
	"agentbridge/internal/store"
	"agentbridge/internal/store/sqlite"
	"agentbridge/internal/token"
)

// BenchmarkAuditLog_verify checks logs of AGENTBRIDGE_ENTRIES entries (default
// 10,000; a million take a minute to write): of sends whose messages are all
// there, of sends whose messages were cleared, and of other things.
func BenchmarkAuditLog_verify(b *testing.B) {
	n, err := strconv.Atoi(os.Getenv("AGENTBRIDGE_ENTRIES"))
	if err != nil {
		n = 10_000
	}
	for _, c := range []struct {
		what  string
		sends bool
		clear bool
	}{{"messages", true, false}, {"cleared", true, true}, {"entries", false, false}} {
		b.Run(fmt.Sprintf("%s/%d", c.what, n), func(b *testing.B) {
			dir := b.TempDir()
			fillLog(b, dir, n, c.sends, c.clear)
			db, err := sqlite.OpenLook(filepath.Join(dir, bridgetest.Database), nil)
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close()
			log := relay.AuditLog{Store: db, KeyFile: filepath.Join(dir, bridgetest.KeyFile)}
			for b.Loop() {
				report, err := log.Verify(b.Context(), relay.AuditCheck{})
				if err != nil || len(report.Faults) > 0 || report.Size < int64(n) {
					b.Fatalf("Verify() = %+v, %v", report, err)
				}
			}
		})
	}
}

// fillLog writes a database of so many entries, in batches.
func fillLog(b *testing.B, dir string, n int, sends, clear bool) {
	b.Helper()
	first := bridgetest.Open(b, dir, relay.Options{}) // makes the keys
	key, err := token.LoadKey(filepath.Join(dir, bridgetest.KeyFile))
	if err != nil {
		b.Fatal(err)
	}
	for done := 0; done < n; {
		err := first.Store.Update(b.Context(), func(t store.Tx) error {
			for range min(10_000, n-done) {
				if err := fillEntry(t, key, sends); err != nil {
					return err
				}
				done++
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	if clear {
		first.Agent("alice").MustClear("#build")
	}
	first.Close() // waits until what was cleared is removed
}

func fillEntry(t store.Tx, key token.Key, send bool) error {
	e := agentbridge.Entry{At: time.Now().UTC().Truncate(time.Microsecond), Actor: "alice", Action: agentbridge.ActionAck, Target: "#build",
		Detail: agentbridge.Metadata(`{"seq":1234567}`)}
	if send {
		c, err := t.OpenChannel("#build", false)
		if err != nil {
			return err
		}
		m, err := t.Append(c, agentbridge.Message{Sender: e.Actor, Encoding: agentbridge.LegacyText, At: e.At,
			Content: "the build is green again, 214 tests pass; I go on with the linters"})
		if err != nil {
			return err
		}
		e.Action = agentbridge.ActionSend
		e.Detail = agentbridge.Metadata(fmt.Sprintf(`{"id":"%s","seq":%d,"bytes":%d,"hash":"%s"}`, m.ID, m.Seq, len(m.Content), relay.ContentHash(key, m)))
	}
	return t.Log(e)
}

// BenchmarkCheckpoint signs a log of a million entries, and opens the result.
func BenchmarkCheckpoint(b *testing.B) {
	key, err := audit.LoadOrCreateKey(filepath.Join(b.TempDir(), "key"), "agentbridge/0123456789abcdef")
	if err != nil {
		b.Fatal(err)
	}
	var c agentbridge.Checkpoint
	b.Run("sign", func(b *testing.B) {
		for b.Loop() {
			if c, err = key.Sign(key.Origin(), 1_000_000, audit.Hash{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			if _, err := audit.OpenCheckpoint(c.Note, key.Verifier()); err != nil {
				b.Fatal(err)
			}
		}
	})
}
