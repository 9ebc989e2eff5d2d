package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"
	"unicode"
	"unicode/utf16"

	"agentbridge"
	"agentbridge/internal/wire"
)

// printer writes messages, a line each: for people, or as JSON for programs.
// Either way nothing in a line can move a terminal's cursor or begin another
// line.
type printer struct {
	out  io.Writer
	json bool
}

// printTime is how long a reader who still reads may take when we are told to
// end: what has been printed must be known to be, or it would come again.
const printTime = 500 * time.Millisecond

// print writes all messages at once and returns when they have been written,
// or soon after ctx has ended, if nobody takes them.
func (p printer) print(ctx context.Context, list []agentbridge.Message) error {
	if len(list) == 0 {
		return nil
	}
	var b bytes.Buffer
	for _, m := range list {
		if err := p.line(&b, m); err != nil {
			return err
		}
	}
	_, err := interruptibly(ctx, printTime, func() (int, error) { return p.out.Write(b.Bytes()) })
	return err
}

func (p printer) line(b *bytes.Buffer, m agentbridge.Message) error {
	if !p.json {
		fmt.Fprintf(b, "[%d%s] %s %s: %s\n", m.Seq, mark(m), agentbridge.FormatTime(m.At), inert(m.Sender), inert(m.Content))
		return nil
	}
	var raw bytes.Buffer
	enc := json.NewEncoder(&raw)
	enc.SetEscapeHTML(false)
	err := enc.Encode(wire.RecordOf(m))
	b.Write(inertJSON(raw.Bytes()))
	return err
}

// printJSONInert is printJSON for values that hold what agents wrote.
func printJSONInert(w io.Writer, v any) error {
	var raw bytes.Buffer
	if err := printJSON(&raw, v); err != nil {
		return err
	}
	_, err := w.Write(inertJSON(raw.Bytes()))
	return err
}

// inertJSON writes the characters out that encoding/json leaves in strings and
// that a terminal or an eye obeys: C1 controls, bidi, zero width. To a program
// the text is the same.
func inertJSON(raw []byte) []byte {
	active := func(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) && r != '\n' }
	if !bytes.ContainsFunc(raw, active) {
		return raw
	}
	var out []byte
	for _, r := range string(raw) {
		switch {
		case !active(r):
			out = append(out, string(r)...)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}

// mark tells that the sender's own token stood behind a message. It stands where
// no name and no text can imitate it.
func mark(m agentbridge.Message) string {
	if m.Verified {
		return " ✓"
	}
	return ""
}
