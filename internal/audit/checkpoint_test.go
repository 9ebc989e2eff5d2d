package audit_test

import (
	"strings"
	"testing"

	"agentbridge/internal/audit"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func TestCheckpoint_saysWhatWasSigned(t *testing.T) {
	key := newKey(t)
	log := newLog(t, key, 5)
	c := log.sign(t, key, 5)
	got, err := audit.OpenCheckpoint(c.Note, key.Verifier())
	want := audit.Statement{Origin: origin, Size: 5, Root: got.Root}
	if diff := cmp.Diff(want, got); err != nil || diff != "" || got.Root == (audit.Hash{}) {
		t.Errorf("OpenCheckpoint: got %v, -want +got\n%s", err, diff)
	}
	// C2SP tlog-checkpoint, which tlog reads as far as it is the same
	lines := strings.Split(c.Note, "\n")
	if len(lines) != 6 || lines[0] != origin || lines[1] != "5" || lines[2] != got.Root.String() || lines[3] != "" || !strings.HasPrefix(lines[4], "— "+origin+" ") {
		t.Errorf("note: got %q, want name, size, root, nothing and a signature", lines)
	}
	if _, err := key.Sign("agentbridge/ffffffffffffffff", 1, tlog.Hash{}); err == nil {
		t.Error("Sign for another log: got no error, want one")
	}
	if _, err := (audit.Key{}).Sign("", 1, tlog.Hash{}); err == nil {
		t.Error("Sign without a key: got no error, want one")
	}
}

// Several keys may have signed a log in turn; an outsider may have signed
// beside them.
func TestOpenCheckpoint_otherSignatures(t *testing.T) {
	key, older := newKey(t), newKey(t)
	c := newLog(t, key, 3).sign(t, key, 3)
	for _, verifiers := range []string{key.Verifier(), older.Verifier() + "\n" + key.Verifier()} {
		if _, err := audit.OpenCheckpoint(c.Note, verifiers); err != nil {
			t.Errorf("OpenCheckpoint with %q: got %v, want no error", verifiers, err)
		}
	}
	skey, vkey, err := note.GenerateKey(nil, "witness.example")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(key.Verifier())
	if err != nil {
		t.Fatal(err)
	}
	opened, err := note.Open([]byte(c.Note), note.VerifierList(verifier))
	if err != nil {
		t.Fatal(err)
	}
	witnessed, err := note.Sign(opened, signer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := audit.OpenCheckpoint(string(witnessed), key.Verifier()); err != nil {
		t.Errorf("OpenCheckpoint of a witnessed one: got %v, want no error", err)
	}
	if _, err := audit.OpenCheckpoint(string(witnessed), vkey); err == nil {
		t.Error("OpenCheckpoint by the witness alone: got no error, want one: the log is another's")
	}
}

func TestOpenCheckpoint_refuses(t *testing.T) {
	key := newKey(t)
	log := newLog(t, key, 3)
	c := log.sign(t, key, 3)
	for bit := range 8 * len(c.Note) {
		b := []byte(c.Note)
		b[bit/8] ^= 1 << (bit % 8)
		if s, err := audit.OpenCheckpoint(string(b), key.Verifier()); err == nil {
			t.Errorf("note with bit %d flipped: got %+v, want an error\n%s", bit, s, b)
		}
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	end := strings.LastIndex(c.Note, "=") // before it is a digit whose last bits mean nothing
	spare := []byte(c.Note)
	spare[end-1] = alphabet[strings.IndexByte(alphabet, spare[end-1])+1]
	for name, text := range map[string]string{
		"nothing":       "",
		"as good":       string(spare),
		"no signature":  strings.Join(strings.SplitAfter(c.Note, "\n")[:4], ""),
		"cut":           c.Note[:len(c.Note)-1],
		"more behind":   c.Note + "\n",
		"by a stranger": log.sign(t, newKey(t), 3).Note,
	} {
		if s, err := audit.OpenCheckpoint(text, key.Verifier()); err == nil {
			t.Errorf("note that is %s: got %+v, want an error", name, s)
		}
	}
	for name, text := range map[string]string{
		"another size's zeros": origin + "\n03\n" + audit.Hash{}.String() + "\n",
		"a negative size":      origin + "\n-3\n" + audit.Hash{}.String() + "\n",
		"an endless size":      origin + "\n4611686018427387905\n" + audit.Hash{}.String() + "\n",
		"a short hash":         origin + "\n3\nAAAA\n",
		"spare bits":           origin + "\n3\n" + strings.Replace(audit.Hash{}.String(), "A=", "B=", 1) + "\n",
		"an extension":         origin + "\n3\n" + audit.Hash{}.String() + "\nmore\n",
		"another name":         "agentbridge/ffffffffffffffff\n3\n" + audit.Hash{}.String() + "\n",
		"no lines":             "hello\n",
	} {
		signed, verifier := signText(t, origin, text)
		if s, err := audit.OpenCheckpoint(signed, verifier); err == nil {
			t.Errorf("signed text with %s: got %+v, want an error", name, s)
		}
	}
	for _, verifier := range []string{"", " ", "x", origin + "+00000000+AAAA", key.Verifier()[1:], key.Verifier() + " x"} {
		if s, err := audit.OpenCheckpoint(c.Note, verifier); err == nil {
			t.Errorf("verifier %q: got %+v, want an error", verifier, s)
		}
	}
}

// signText has any text signed by a key of this name.
func signText(t *testing.T, name, text string) (signed, verifier string) {
	t.Helper()
	skey, verifier, err := note.GenerateKey(nil, name)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw), verifier
}
