package bench

import (
	"fmt"
	"strconv"
	"strings"
)

// lorem is what letters are filled with, again and again.
const lorem = "lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore "

// Letter is the text of a sender's n-th message on a channel, of size bytes (or
// somewhat more if that is too few for its name). It tells its own size, so that
// whoever reads it sees whether it is whole. It neither begins nor ends with a
// space, which some servers take away.
func (l *Ledger) Letter(sender, n, size int) string {
	var b strings.Builder
	b.Grow(max(size, 64))
	fmt.Fprintf(&b, "%s/%d/%d %d ", l.run, sender, n, size)
	for rest := size - b.Len() - 1; rest > 0; rest -= len(lorem) {
		b.WriteString(lorem[:min(rest, len(lorem))])
	}
	b.WriteByte('.')
	return b.String()
}

// whole tells whether a letter's text is the one that was written.
func whole(content string) bool {
	_, behind, _ := strings.Cut(content, " ")
	size, rest, _ := strings.Cut(behind, " ")
	n, err := strconv.Atoi(size)
	name := len(content) - len(rest)
	if err != nil || len(rest) != max(1, n-name) || rest[len(rest)-1] != '.' {
		return false
	}
	for rest = rest[:len(rest)-1]; rest != ""; rest = rest[min(len(rest), len(lorem)):] {
		if !strings.HasPrefix(lorem, rest[:min(len(rest), len(lorem))]) {
			return false
		}
	}
	return true
}

// letterName is the part of a letter that names it, its text id: run/sender/n.
func (l *Ledger) letterName(sender, n int) string {
	return l.run + "/" + strconv.Itoa(sender) + "/" + strconv.Itoa(n)
}

// textID is that part of a text. It is a copy, so that who keeps the name does
// not keep the letter in memory.
func textID(content string) string {
	id, _, _ := strings.Cut(content, " ")
	return strings.Clone(id)
}

func parseText(content string) (run string, sender, n int, ok bool) {
	id, _, _ := strings.Cut(content, " ")
	parts := strings.Split(id, "/")
	if len(parts) != 3 {
		return "", 0, 0, false
	}
	sender, err1 := strconv.Atoi(parts[1])
	n, err2 := strconv.Atoi(parts[2])
	return parts[0], sender, n, err1 == nil && err2 == nil
}

// Marks are messages that are nobody's letters: one to begin or to end with.
const (
	beginMark = "begin"
	endMark   = "bench: the last message" // of a channel: whoever listens has all of it then
	clearMark = "to be cleared"
)

func isMark(content string) bool {
	return content == beginMark || content == endMark || content == clearMark
}
