package redact

import "bytes"

// maxNesting is how deep lists and inline tables may nest in a file of
// patterns, which needs two levels.
const maxNesting = 16

// tooDeep returns the line in which a file nests too deep, 0 if none does. The
// parser calls itself for each level, and a megabyte of [ would be the end of
// the process.
func tooDeep(raw []byte) int {
	depth := 0
	for i := 0; i < len(raw); {
		switch c := raw[i]; c {
		case '#':
			i += lengthTo(raw[i:], "\n")
			continue
		case '"', '\'':
			i += quotedLength(raw[i:], c)
			continue
		case '[', '{':
			if depth++; depth > maxNesting {
				return 1 + bytes.Count(raw[:i], []byte("\n"))
			}
		case ']', '}':
			depth--
		}
		i++
	}
	return 0
}

// lengthTo is how much of raw stands before the end of something, or all of it.
func lengthTo(raw []byte, end string) int {
	if i := bytes.Index(raw, []byte(end)); i >= 0 {
		return i
	}
	return len(raw)
}

// quotedLength is the length of the string that raw begins with. One between
// single quotes knows no escapes, and one between three has several lines.
func quotedLength(raw []byte, quote byte) int {
	three := bytes.Repeat([]byte{quote}, 3)
	long := bytes.HasPrefix(raw, three)
	i := 1
	if long {
		i = 3
	}
	for ; i < len(raw); i++ {
		switch {
		case raw[i] == '\\' && quote == '"':
			i++
		case raw[i] == '\n' && !long:
			return i // an error that the parser will find
		case raw[i] == quote && !long:
			return i + 1
		case raw[i] == quote && bytes.HasPrefix(raw[i:], three):
			// Up to two quotes before the last three belong to the text.
			for i += 3; i < len(raw) && raw[i] == quote; i++ {
			}
			return i
		}
	}
	return len(raw)
}
