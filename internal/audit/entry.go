package audit

import (
	"strconv"
	"unicode/utf8"

	"agentbridge"
)

// AppendEntry appends the text of an entry that the tree is made of: a JSON
// object with its fields in this order and nothing that a reader could choose.
// Two entries that differ in anything a store keeps have different texts. Times
// are in microseconds; Detail stands there as it is, and Go's nil is no detail.
func AppendEntry(dst []byte, e agentbridge.Entry) []byte {
	dst = append(dst, `{"v":1,"seq":`...)
	dst = strconv.AppendInt(dst, e.Seq, 10)
	dst = append(dst, `,"at":`...)
	dst = strconv.AppendInt(dst, e.At.UnixMicro(), 10)
	dst = append(dst, `,"actor":`...)
	dst = appendString(dst, string(e.Actor))
	dst = append(dst, `,"action":`...)
	dst = appendString(dst, string(e.Action))
	dst = append(dst, `,"target":`...)
	dst = appendString(dst, string(e.Target))
	if e.Detail != nil { // the last one: it needs no end of its own
		dst = append(dst, `,"detail":`...)
		dst = append(dst, e.Detail...)
	}
	return append(dst, '}')
}

// appendString appends s as a JSON string. A byte that is not part of valid
// UTF-8 becomes half of a surrogate pair, which no valid text has, so that two
// such bytes remain different.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0 // of what is copied as it is
	for i := 0; i < len(s); {
		if b := s[i]; b < utf8.RuneSelf {
			if b >= ' ' && b != '"' && b != '\\' {
				i++
				continue
			}
			dst = append(dst, s[start:i]...)
			dst = appendEscaped(dst, b)
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			dst = append(dst, s[start:i]...)
			dst = append(dst, `\udc`...)
			dst = append(dst, hex[s[i]>>4], hex[s[i]&15])
			start = i + 1
		}
		i += size
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

const hex = "0123456789abcdef"

func appendEscaped(dst []byte, b byte) []byte {
	if b == '"' || b == '\\' {
		return append(dst, '\\', b)
	}
	return append(dst, '\\', 'u', '0', '0', hex[b>>4], hex[b&15])
}
