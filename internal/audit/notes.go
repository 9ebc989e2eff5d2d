package audit

import "strings"

// SplitNotes takes apart a text of several checkpoints, one after the other, as
// they stand in a file to which they were appended. Empty lines between them and
// the line ends of Windows don't matter. rest is what is left over at the end,
// which is part of a checkpoint at best.
func SplitNotes(text string) (notes []string, rest string) {
	var note []string // its lines so far, each with its end
	signed := false   // the last of them is a signature
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n") + "\n"
		last := ""
		if len(note) > 0 {
			last = note[len(note)-1]
		}
		signature := strings.HasPrefix(line, "— ") && (signed || last == "\n")
		if signed && !signature {
			notes, note = append(notes, strings.Join(note, "")), nil
		}
		if signed = signature; len(note) > 0 || line != "\n" {
			note = append(note, line)
		}
	}
	if signed {
		return append(notes, strings.Join(note, "")), ""
	}
	return notes, strings.Join(note, "")
}
