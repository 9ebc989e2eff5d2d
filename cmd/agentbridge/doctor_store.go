package main

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"agentbridge"
	"agentbridge/internal/relay"
	"agentbridge/internal/store/sqlite"
)

// open looks at what the file is and opens it, if that is possible without
// changing it.
func (d *doctor) open() bool {
	version, latest, err := sqlite.VersionOf(d.path)
	switch {
	case err != nil:
		d.failed("database", err)
		return false
	case version == 0:
		d.note(worry, "database", "start the bridge on it", "%s is empty", d.path)
		return false
	case version < latest:
		d.note(worry, "database", "start the bridge on it once, which upgrades it; then run this again", "it has version %d and this program makes %d; it was not looked at further", version, latest)
		return false
	}
	library, err := sqlite.LibraryVersion()
	if err != nil {
		d.failed("database", err)
		return false
	}
	if d.look, err = sqlite.OpenLook(d.path, d.ring); err != nil {
		d.failed("database", err)
		return false
	}
	d.note(fine, "database", "", "version %d, SQLite %s", version, library)
	return true
}

// Longest times of what may take long.
const (
	integrityTime = 30 * time.Second
	auditTime     = 60 * time.Second
)

func (d *doctor) integrity(ctx context.Context) {
	short, cancel := context.WithTimeout(ctx, integrityTime)
	defer cancel()
	switch err := d.look.QuickCheck(short); {
	case ctx.Err() != nil:
	case short.Err() != nil:
		d.note(worry, "integrity", "", "it is too large to be looked through in %v", integrityTime)
	case err != nil:
		d.failed("integrity", err)
	default:
		d.note(fine, "integrity", "", "SQLite finds no damage")
	}
}

func (d *doctor) masterKey(ctx context.Context) {
	path := d.key(d.path)
	known, err := relay.CheckKey(ctx, d.look, path)
	switch {
	case err != nil:
		d.failed("master key", err)
	case !known:
		d.note(worry, "master key", "start the bridge on it once", "the database has none yet")
	default:
		d.note(fine, "master key", "", "%s is this database's", path)
	}
}

func (d *doctor) encryption(ctx context.Context) {
	if err := d.look.Locked(); err != nil {
		d.failed("encryption", err)
		return
	}
	e, err := d.look.Encryption(ctx)
	if err != nil {
		d.failed("encryption", err)
		return
	}
	if e.Key == "" {
		d.note(fine, "encryption", "", "messages are not encrypted; --encrypt does it")
		return
	}
	held := d.ring.Keys()
	for key, messages := range e.Messages {
		if key != "" && !slices.Contains(held, key) {
			d.note(bad, "encryption", "restore a key file that has it", "%s can't be read: the key %s is not in %s", counted(messages, "message"), key, d.ring.Path())
		}
	}
	switch n := e.Messages[""]; {
	case e.Unfinished:
		d.note(worry, "encryption", "leave a bridge running, or finish it with: agentbridge encryption rotate", "%s in clear; not all messages have the key %s yet", counted(n, "message"), e.Key)
	case n > 0:
		d.note(worry, "encryption", "agentbridge encryption rotate", "%s in clear although the database is encrypted", counted(n, "message"))
	default:
		d.note(fine, "encryption", "", "%s encrypted with key %s of %s", counted(e.Messages[e.Key], "message"), e.Key, d.ring.Path())
	}
}

func (d *doctor) auditKey(ctx context.Context) {
	path := d.storeFlags.auditKey(d.path)
	known, err := relay.CheckAuditKey(ctx, d.look, path)
	beside, _ := filepath.Abs(path)
	switch {
	case err != nil:
		d.failed("audit key", err)
	case !known:
		d.note(worry, "audit key", "start the bridge on it once", "the audit log was never signed")
	case filepath.Dir(realPath(beside)) == filepath.Dir(d.path):
		d.note(worry, "audit key", "keep checkpoints elsewhere (agentbridge audit head), or the key (--audit-key)", "%s lies beside the database: who can change the one can use the other", path)
	default:
		d.note(fine, "audit key", "", "%s is this database's", path)
	}
}

// unsignedTime is how long entries may stand in the log without a checkpoint; a
// bridge signs every minute.
const unsignedTime = 5 * time.Minute

func (d *doctor) auditLog(ctx context.Context) {
	short, cancel := context.WithTimeout(ctx, auditTime)
	defer cancel()
	log := relay.AuditLog{Store: d.look, KeyFile: d.key(d.path), AuditKeyFile: d.storeFlags.auditKey(d.path)}
	report, err := log.Verify(short, relay.AuditCheck{Outside: lastCheckpoints(d.path + ".checkpoints")})
	switch {
	case ctx.Err() != nil:
		return
	case short.Err() != nil:
		d.note(worry, "audit log", "agentbridge audit verify", "it is too large to be verified in %v", auditTime)
		return
	case agentbridge.CodeOf(err) == agentbridge.NotFound: // never signed, as the key's line says
		return
	case err != nil:
		d.failed("audit log", err)
		return
	case len(report.Faults) > 0:
		d.tampered = true
		f := report.Faults[0]
		d.note(bad, "audit log", "agentbridge audit verify tells all; keep the files as they are", "TAMPERED: %s at %d: %s", f.Kind, f.Seq, f.Detail)
		return
	}
	d.note(fine, "audit log", "", "%d entries, root %s, all as they were logged; messages compared: %d", report.Size, report.Root, report.Compared)
	if report.NotCompared > 0 {
		d.note(worry, "audit log", "", "the text of %s was not compared: %s", counted(report.NotCompared, "message"), report.Why)
	}
	d.signed(ctx, report.LastCheckpoint.Size, report.Uncovered)
}

// signed looks at what is behind the last checkpoint.
func (d *doctor) signed(ctx context.Context, size, uncovered int64) {
	if uncovered == 0 {
		d.note(fine, "checkpoint", "", "the last one is signed and covers all %d entries", size)
		return
	}
	first, ok, err := relay.EntryBehind(ctx, d.look, size)
	if err != nil || !ok {
		d.failed("checkpoint", errors.Join(err, fs.ErrNotExist))
		return
	}
	age := time.Since(first.At)
	if age > unsignedTime {
		d.note(worry, "checkpoint", "start the bridge on it, which signs them", "the last one covers %d entries; %d are not signed, since %v", size, uncovered, age.Round(time.Second))
		return
	}
	d.note(fine, "checkpoint", "", "the last one covers %d entries; %d newer ones are due", size, uncovered)
}

// soon is how early a token's end is announced.
const soon = 7 * 24 * time.Hour

func (d *doctor) agents(ctx context.Context) {
	admitted, names, err := relay.RunningOut(ctx, d.look, time.Now().Add(soon))
	switch {
	case err != nil:
		d.failed("agents", err)
	case len(names) > 0:
		d.note(worry, "agents", "agentbridge agent rotate NAME", "of %s these have no token that lasts another week: %s", counted(int64(admitted), "agent"), joined(names))
	default:
		d.note(fine, "agents", "", "%s", counted(int64(admitted), "agent"))
	}
}

func joined(names []agentbridge.AgentName) string {
	var list []string
	for _, name := range names {
		list = append(list, string(name))
	}
	return strings.Join(list, ", ")
}

// Bounds of a clock that is right: the year in which this program did not exist
// yet, how far others may be ahead, and how far entries may go back.
const (
	firstYear = 2025
	ahead     = time.Minute
	back      = 5 * time.Second
	seen      = 1000 // entries that are looked at
)

func (d *doctor) clock(ctx context.Context) {
	newest, err := d.look.NewestMessage()
	if err != nil {
		d.failed("clock", err)
		return
	}
	entries, err := relay.NewestEntries(ctx, d.look, seen)
	if err != nil {
		d.failed("clock", err)
		return
	}
	if len(entries) > 0 && entries[0].At.After(newest) {
		newest = entries[0].At
	}
	now := time.Now()
	switch gap, seq := setBack(entries); {
	case now.Year() < firstYear:
		d.note(bad, "clock", "set the clock: tokens and conversations expire by it", "it says %s", agentbridge.FormatTime(now))
	case newest.After(now.Add(ahead)):
		d.note(bad, "clock", "set the clock, or wait until then: what is sent now seems older", "it was set back: it says %s, and the newest entry or message is of %s", agentbridge.FormatTime(now), agentbridge.FormatTime(newest))
	case gap > back:
		d.note(worry, "clock", "see that the clock is kept right (NTP)", "it was set back by %v before entry %d", gap.Round(time.Millisecond), seq)
	default:
		d.note(fine, "clock", "", "it says %s, and nothing is newer", agentbridge.FormatTime(now))
	}
}

// setBack returns the largest step back in time, of entries newest first.
func setBack(entries []agentbridge.Entry) (largest time.Duration, seq int64) {
	for i := 1; i < len(entries); i++ {
		if gap := entries[i].At.Sub(entries[i-1].At); gap > largest {
			largest, seq = gap, entries[i-1].Seq
		}
	}
	return largest, seq
}
