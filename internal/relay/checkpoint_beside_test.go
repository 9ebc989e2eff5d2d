package relay_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge/bridgetest"
	"agentbridge/internal/relay"
)

// A part of a checkpoint stands beside the database, as a full disk leaves it.
// Those behind it are found, by people and by a bridge that was rolled back.
func TestCheckpoint_behindTorn(t *testing.T) {
	for _, of := range []int{3, 60, 150} {
		synctest.Test(t, func(t *testing.T) {
			p := &patient{T: t, dir: t.TempDir()}
			run := func(text string) {
				p.start()
				synctest.Wait()
				p.send(text)
				p.stop()
			}
			run("one")
			database, side := filepath.Join(p.dir, bridgetest.Database), filepath.Join(p.dir, bridgetest.Checkpoints)
			older, err := os.ReadFile(database)
			if err != nil {
				t.Fatal(err)
			}
			notes, err := os.ReadFile(side)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(side, append(notes, notes[:of]...), 0o600); err != nil {
				t.Fatal(err)
			}
			run("two")
			signed := p.signed()
			if len(signed) != 2 {
				t.Errorf("behind %d bytes of one: %d checkpoints are found, want 2", of, len(signed))
			}
			report, err := look(t, p.dir).Verify(t.Context(), relay.AuditCheck{Outside: signed})
			if err != nil || !report.Anchored || report.AnchoredTo != 2 {
				t.Errorf("Verify() = %+v, %v", report, err)
			}
			if err := os.WriteFile(database, older, 0o600); err != nil {
				t.Fatal(err)
			}
			run("another two")
			if n := strings.Count(p.log.String(), "not the one that was signed before"); n != 1 || len(p.signed()) != 2 {
				t.Errorf("after a rollback the log says so %d times and %d checkpoints are signed; want once, and 2:\n%s", n, len(p.signed()), p.log.String())
			}
		})
	}
}

// What could not be written beside the database is written later: by the same
// process, or at the next start.
func TestCheckpoint_sidecarMended(t *testing.T) {
	for _, restart := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			p := &patient{T: t, dir: t.TempDir()}
			side := filepath.Join(p.dir, bridgetest.Checkpoints)
			p.start()
			p.send("one")
			time.Sleep(2 * time.Minute)
			move := func(from, to string) {
				if err := os.Rename(from, to); err != nil {
					t.Fatal(err)
				}
			}
			move(side, side+".away")
			if err := os.Mkdir(side, 0o700); err != nil { // nothing can be written to it
				t.Fatal(err)
			}
			for _, text := range []string{"two", "three"} {
				p.send(text)
				time.Sleep(2 * time.Minute)
			}
			synctest.Wait()
			const said = "could not be written to the file beside it"
			if n := strings.Count(p.log.String(), said); n != 2 {
				t.Errorf("the log says %d times that it could not be written, want twice:\n%s", n, p.log.String())
			}
			if restart {
				p.stop()
			}
			if err := os.Remove(side); err != nil {
				t.Fatal(err)
			}
			move(side+".away", side)
			if restart {
				p.start()
				synctest.Wait()
			} else {
				p.send("four")
				time.Sleep(2 * time.Minute)
				synctest.Wait()
			}
			want := map[bool]int{false: 4, true: 3}[restart]
			if n := len(p.signed()); n != want {
				t.Errorf("restart %v: %d checkpoints are beside the database, want %d", restart, n, want)
			}
			p.stop()
			if n := len(p.signed()); n != want {
				t.Errorf("restart %v: %d checkpoints are beside the database at the end, want %d", restart, n, want)
			}
		})
	}
}

// A contradiction that has ended is forgotten: the next one is told again.
func TestCheckpoint_tellsOfEachContradiction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &patient{T: t, dir: t.TempDir()}
		p.start()
		p.send("one")
		time.Sleep(2 * time.Minute)
		const damage = "UPDATE audit SET hashes = CAST(substr(hashes, 2) || substr(hashes, 1, 1) AS BLOB) WHERE seq = (SELECT max(size) FROM checkpoints)"
		for i := range 2 {
			edit(t, p.dir, "CREATE TABLE kept AS SELECT seq AS at, hashes FROM audit WHERE seq = (SELECT max(size) FROM checkpoints)")
			edit(t, p.dir, damage)
			p.send("two")
			time.Sleep(2 * time.Minute)
			p.send("three")
			time.Sleep(2 * time.Minute)
			synctest.Wait()
			if n := strings.Count(p.log.String(), "not the one that was signed before"); n != i+1 {
				t.Errorf("contradiction %d: the log has %d of them, want one for each:\n%s", i+1, n, p.log.String())
			}
			edit(t, p.dir, "UPDATE audit SET hashes = (SELECT hashes FROM kept) WHERE seq = (SELECT at FROM kept)")
			edit(t, p.dir, "DROP TABLE kept")
			p.send("four")
			time.Sleep(2 * time.Minute)
			synctest.Wait()
		}
		if n := len(p.signed()); n != 3 {
			t.Errorf("%d checkpoints were signed, want 3: one before, and one after each", n)
		}
		p.stop()
	})
}
