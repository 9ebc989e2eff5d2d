package audit_test

import (
	"slices"
	"strings"
	"testing"

	"agentbridge"
	"agentbridge/internal/audit"
)

func TestProve_everyEntryUnderEveryCheckpoint(t *testing.T) {
	key := newKey(t)
	log := newLog(t, key, 40)
	for size := 1; size <= 40; size += 3 {
		c := log.sign(t, key, size)
		for seq := int64(1); seq <= int64(size); seq++ {
			text, err := audit.Prove(log, seq, c)
			if err != nil {
				t.Fatalf("Prove(%d of %d): got %v, want a proof", seq, size, err)
			}
			got, err := audit.CheckProof(text, key.Verifier())
			want := string(audit.AppendEntry(nil, log.rows[seq-1].Entry))
			if err != nil || got.Seq != seq || got.Statement.Size != int64(size) || string(got.Entry) != want {
				t.Fatalf("CheckProof(%d of %d): got %+v, %v, want %s", seq, size, got, err, want)
			}
		}
	}
}

func TestProve_refuses(t *testing.T) {
	key := newKey(t)
	log := newLog(t, key, 20, 16)
	edited := log.clone()
	edited.rows[4].Actor = "mallory"
	flipped := log.clone()
	flipped.rows[5].hashes[3] ^= 1
	cut := log.clone()
	cut.rows[5].hashes = nil
	gone := log.clone()
	gone.rows = slices.Delete(gone.rows, 4, 5)
	for name, c := range map[string]struct {
		log  *memory
		seq  int64
		code agentbridge.Code
	}{
		"entry 0":              {log, 0, agentbridge.OutOfRange},
		"one behind":           {log, 17, agentbridge.NotFound},
		"one that is gone":     {gone, 5, agentbridge.NotFound},
		"one that was edited":  {edited, 5, ""},
		"one beside a flip":    {flipped, 5, ""},
		"one beside a missing": {cut, 5, ""},
	} {
		text, err := audit.Prove(c.log, c.seq, log.points[0])
		if err == nil || c.code != "" && agentbridge.CodeOf(err) != c.code {
			t.Errorf("Prove of %s: got %q, %v, want an error with code %q", name, text, err, c.code)
		}
	}
	if text, err := audit.Prove(log, 1, agentbridge.Checkpoint{Note: "hello"}); err == nil {
		t.Errorf("Prove by no checkpoint: got %q, want an error", text)
	}
}

// What was proven can't be made to mean anything else.
func TestCheckProof_refuses(t *testing.T) {
	key := newKey(t)
	log := newLog(t, key, 7, 7)
	text, err := audit.Prove(log, 3, log.points[0])
	if err != nil {
		t.Fatal(err)
	}
	want, err := audit.CheckProof(text, key.Verifier())
	if err != nil {
		t.Fatal(err)
	}
	for i := range text {
		b := []byte(text)
		b[i] ^= 1 << (i % 8)
		got, err := audit.CheckProof(string(b), key.Verifier())
		if err == nil && (got.Seq != want.Seq || got.Statement != want.Statement || string(got.Entry) != string(want.Entry)) {
			t.Errorf("proof with a bit of byte %d flipped: got %+v, want an error or the same\n%s", i, got, b)
		}
	}
	lines := strings.SplitAfter(text, "\n")
	for name, wrong := range map[string]string{
		"nothing":            "",
		"no checkpoint":      strings.Join(lines[:6], ""),
		"a line less":        strings.Join(slices.Delete(slices.Clone(lines), 3, 4), ""),
		"a line more":        strings.Join(slices.Insert(slices.Clone(lines), 3, lines[3]), ""),
		"lines swapped":      strings.Join([]string{lines[0], lines[1], lines[2], lines[4], lines[3], strings.Join(lines[5:], "")}, ""),
		"hashes without end": strings.Join([]string{lines[0], lines[1], lines[2], strings.Repeat(lines[3], 1000), strings.Join(lines[5:], "")}, ""),
		"a zero in front":    strings.Replace(text, "index 2", "index 02", 1),
		"another index":      strings.Replace(text, "index 2", "index 3", 1),
		"no entry":           strings.Replace(text, lines[1], "", 1),
	} {
		if got, err := audit.CheckProof(wrong, key.Verifier()); err == nil {
			t.Errorf("proof with %s: got %+v, want an error", name, got)
		}
	}
	if got, err := audit.CheckProof(text, newKey(t).Verifier()); err == nil {
		t.Errorf("proof by another key: got %+v, want an error", got)
	}
}
