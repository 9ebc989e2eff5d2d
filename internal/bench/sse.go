package bench

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

var errEndless = errors.New("a line or an event of it is larger than 32 MiB")

// eventReader reads an event stream (HTML standard, §9.2.6) whose lines end in
// LF or CR LF. It allocates nothing for an event of ordinary size.
type eventReader struct {
	lines lineReader
	name  []byte
	data  []byte
}

func newEventReader(r io.Reader) *eventReader {
	return &eventReader{lines: lineReader{r: bufio.NewReader(r)}}
}

// next waits for the next event that has data. Both are valid until the call
// after this one; a name that was left out is "message".
func (e *eventReader) next() (name, data []byte, err error) {
	e.name, e.data = append(e.name[:0], "message"...), e.data[:0]
	any := false
	for {
		line, err := e.lines.next()
		switch {
		case err != nil:
			return nil, nil, err
		case len(line) == 0 && any:
			return e.name, e.data, nil
		case len(line) == 0: // a comment, or an event without data, which is none
			e.name = append(e.name[:0], "message"...)
			continue
		}
		field, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(field) {
		case "event":
			e.name = append(e.name[:0], value...)
		case "data":
			if any {
				e.data = append(e.data, '\n')
			}
			if any = true; len(e.data)+len(value) > maxAnswer {
				return nil, nil, errEndless
			}
			e.data = append(e.data, value...)
		}
	}
}

// lineReader reads lines of at most maxAnswer bytes.
type lineReader struct {
	r    *bufio.Reader
	long []byte // the beginning of one that is longer than the reader's buffer
}

// next returns the next line without its end, valid until the next call. A line
// that the end of the input cuts off is none.
func (l *lineReader) next() ([]byte, error) {
	l.long = l.long[:0]
	for {
		part, err := l.r.ReadSlice('\n')
		switch {
		case err == nil && len(l.long) == 0:
			return trimEnd(part), nil
		case len(l.long)+len(part) > maxAnswer:
			return nil, errEndless
		}
		l.long = append(l.long, part...)
		switch err {
		case nil:
			return trimEnd(l.long), nil
		case bufio.ErrBufferFull:
		default:
			return nil, err
		}
	}
}

func trimEnd(line []byte) []byte {
	line = bytes.TrimSuffix(line, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r"))
}
