package audit

import (
	"encoding/base64"
	"strings"
)

// minSignature is the least that a signature line holds: the hash of a key, and a
// signature, of which none is shorter than Ed25519's.
const minSignature = 4 + 64

// SplitNotes takes apart a text of several checkpoints, one after the other, as
// they stand in a file to which they were appended. Empty lines between them and
// the line ends of Windows don't matter. rest is what belongs to none of them:
// mostly checkpoints of which only a part was written. It hides none that stand
// behind it, not even one that was appended to its last line.
func SplitNotes(text string) (notes []string, rest string) {
	var torn strings.Builder
	var body, signatures []string // since the last one, each line with its end
	finish := func() {
		if len(signatures) == 0 {
			return
		}
		before, note := lastNote(body, signatures)
		writeTorn(&torn, before)
		notes, body, signatures = append(notes, note), nil, nil
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n") + "\n"
		if _, ok := signer(line); ok && (len(signatures) > 0 || endsBody(body)) {
			signatures = append(signatures, line)
			continue
		}
		finish()
		body = append(body, line)
	}
	finish()
	writeTorn(&torn, body)
	return notes, torn.String()
}

// signer returns the name in a signature line that is whole. One to which the next
// checkpoint was appended ends with that one's origin, which can look like the
// rest of a signature.
func signer(line string) (name string, ok bool) {
	line, dash := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "— ")
	name, signature, space := strings.Cut(line, " ")
	raw, err := base64.StdEncoding.DecodeString(signature)
	return name, dash && space && err == nil && len(raw) >= minSignature && !strings.HasSuffix(signature, name)
}

// bodyLines are those of a checkpoint before its signatures: its origin, size and
// root, and an empty one.
const bodyLines = 4

// endsBody tells whether signatures may follow these lines.
func endsBody(lines []string) bool {
	if len(lines) < bodyLines {
		return false
	}
	for i, line := range lines[len(lines)-bodyLines:] {
		if empty := line == "\n"; empty != (i == bodyLines-1) {
			return false
		}
	}
	return true
}

// lastNote makes a checkpoint of its signatures and the end of what stands before
// them, and returns what else stands there. Who signed it tells where its first
// line begins, if that was appended to a part of another one.
func lastNote(body, signatures []string) (before []string, note string) {
	start := len(body) - bodyLines
	before, body = body[:start:start], body[start:]
	origin := body[0]
	for _, line := range signatures {
		name, _ := signer(line)
		if part, ok := strings.CutSuffix(body[0], name+"\n"); ok {
			if origin = name + "\n"; part != "" {
				before = append(before, part+"\n")
			}
			break
		}
	}
	return before, origin + strings.Join(body[1:], "") + strings.Join(signatures, "")
}

// writeTorn writes lines that belong to no checkpoint, without the empty ones
// before them.
func writeTorn(w *strings.Builder, lines []string) {
	for len(lines) > 0 && lines[0] == "\n" {
		lines = lines[1:]
	}
	for _, line := range lines {
		w.WriteString(line)
	}
}
