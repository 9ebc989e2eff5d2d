package client

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
)

const (
	// maxLine is the longest line of an event stream, in bytes. The largest
	// message takes less, written as JSON in the most wasteful way.
	maxLine = 1 << 20
	// maxEvent is the most bytes between two events, comments included.
	maxEvent = 2 << 20
)

var (
	errLine  = errors.New("a line of the event stream is longer than 1 MiB")
	errEvent = errors.New("an event of the event stream is larger than 2 MiB")
)

// frame is what stands between two empty lines of an event stream: an event,
// or, without data, only a new id.
type frame struct {
	id    string // the last event id, which may be from an earlier frame
	event string // "message" unless named
	data  string
	empty bool // there is no data: this is no event
}

// sseReader reads an event stream by the HTML standard (§9.2.6). Fields that it
// does not know are ignored, among them retry: pauses are the client's.
type sseReader struct {
	r       *bufio.Reader
	begun   bool // the byte order mark, if any, is behind us
	afterCR bool // a line feed that comes now ends no further line
	lastID  string
	line    []byte
	size    int // bytes since the last frame
}

func newSSEReader(r io.Reader) *sseReader { return &sseReader{r: bufio.NewReader(r)} }

// next returns the next frame that has data or an id. A frame that the end of
// the stream cuts off is none.
func (s *sseReader) next() (frame, error) {
	var data strings.Builder
	f := frame{empty: true}
	withID := false
	for s.size = 0; ; {
		line, err := s.readLine()
		if err != nil {
			return frame{}, err
		}
		if len(line) == 0 {
			if f.empty && !withID {
				f.event = "" // a name without data names nothing
				continue
			}
			f.id, f.data = s.lastID, data.String()
			if f.event == "" {
				f.event = "message"
			}
			return f, nil
		}
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "data":
			if !f.empty {
				data.WriteByte('\n')
			}
			data.WriteString(value)
			f.empty = false
		case "event":
			f.event = value
		case "id":
			if strings.IndexByte(value, 0) < 0 {
				s.lastID, withID = value, true
			}
		}
	}
}

// readLine returns the next line without its end: CR LF, LF or CR. It never
// reads on to see whether a CR is followed by an LF, which may not come for
// hours.
func (s *sseReader) readLine() (string, error) {
	s.line = s.line[:0]
	for {
		if _, err := s.r.Peek(1); err != nil {
			return "", err
		}
		chunk := s.arrived()
		if len(chunk) == 0 { // only the LF of a CR LF
			s.skip(1)
			continue
		}
		end := lineEnd(chunk)
		part := chunk
		if end >= 0 {
			part = chunk[:end]
		}
		if len(s.line)+len(part) > maxLine {
			return "", errLine
		}
		s.line = append(s.line, part...)
		s.skip(s.r.Buffered() - len(chunk) + len(part)) // part is of no use from here on
		if s.size > maxEvent {
			return "", errEvent
		}
		if end >= 0 {
			b, _ := s.r.ReadByte() // it is in the buffer
			s.size++
			s.afterCR = b == '\r'
			return s.text(), nil
		}
	}
}

// arrived is what can be read without waiting, less the LF of a CR LF.
func (s *sseReader) arrived() []byte {
	chunk, _ := s.r.Peek(s.r.Buffered())
	if s.afterCR {
		chunk = bytes.TrimPrefix(chunk, []byte("\n"))
	}
	return chunk
}

// skip goes on by so many bytes that have arrived.
func (s *sseReader) skip(n int) {
	_, _ = s.r.Discard(n)
	s.size += n
	s.afterCR = s.afterCR && n == 0
}

// lineEnd is where the first line end stands, -1 if there is none.
func lineEnd(b []byte) int {
	lf := bytes.IndexByte(b, '\n')
	if lf >= 0 {
		b = b[:lf]
	}
	if cr := bytes.IndexByte(b, '\r'); cr >= 0 {
		return cr
	}
	return lf
}

// text is the line that was read, as UTF-8.
func (s *sseReader) text() string {
	line := string(s.line)
	if cap(s.line) > maxLine/16 {
		s.line = nil // one large message should not cost a quiet stream its memory for ever
	}
	if !s.begun {
		s.begun = true
		line = strings.TrimPrefix(line, "\ufeff")
	}
	return strings.ToValidUTF8(line, "\ufffd")
}

// idArrived tells whether the next frame begins with an id and is here as a
// whole, so that next will not wait for it.
func (s *sseReader) idArrived() bool {
	chunk := s.arrived()
	whole := bytes.Contains(chunk, []byte("\n\n")) || bytes.Contains(chunk, []byte("\r\n\r\n")) || bytes.Contains(chunk, []byte("\r\r"))
	return whole && bytes.HasPrefix(chunk, []byte("id:"))
}
