package audit

import (
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// verifier checks the signatures of a log's keys, of which there are several if
// one was lost and replaced. All have the log's name.
type verifier struct {
	note.Verifiers
	name string
}

// CheckVerifier tells what is wrong with the text of a verifier key, or of several
// with spaces between them.
func CheckVerifier(keys string) error {
	_, err := newVerifier(keys)
	return err
}

// newVerifier reads verifier keys with spaces between them.
func newVerifier(keys string) (*verifier, error) {
	fields := strings.Fields(keys)
	if len(fields) == 0 {
		fields = []string{""} // which is none either
	}
	v := &verifier{}
	var list []note.Verifier
	for _, key := range fields {
		one, err := note.NewVerifier(key)
		if err != nil {
			return nil, fmt.Errorf("verifier key %q: %w; want NAME+HASH+KEY as the log's owner gave it", key, err)
		}
		if v.name != "" && one.Name() != v.name {
			return nil, fmt.Errorf("verifier key %q is of another log than %s", key, v.name)
		}
		v.name = one.Name()
		list = append(list, one)
	}
	v.Verifiers = note.VerifierList(list...)
	return v, nil
}
