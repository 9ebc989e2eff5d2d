package client

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func readFrames(r io.Reader) (frames []string, err error) {
	for s := newSSEReader(r); ; {
		f, err := s.next()
		if err != nil {
			return frames, err
		}
		frames = append(frames, fmt.Sprintf("%s|%s|%s|%v", f.id, f.event, f.data, f.empty))
	}
}

func TestSSE(t *testing.T) {
	for _, c := range []struct {
		name, stream string
		want         []string
	}{
		{"nothing", "", nil},
		{"data", "data: x\n\n", []string{"|message|x|false"}},
		{"all fields", "id: 7\nevent: clear\ndata: x\nretry: 10\nother: y\n\n", []string{"7|clear|x|false"}},
		{"CR LF", "id: 7\r\ndata: x\r\n\r\ndata: y\r\n\r\n", []string{"7|message|x|false", "7|message|y|false"}},
		{"CR", "data: x\r\rdata: y\r\r", []string{"|message|x|false", "|message|y|false"}},
		{"mixed", "data: x\r\n\rdata: y\n\r\n", []string{"|message|x|false", "|message|y|false"}},
		{"lines", "data: x\ndata\ndata:y\n\n", []string{"|message|x\n\ny|false"}},
		{"one space", "data:  x \n\n", []string{"|message| x |false"}},
		{"a colon in it", "data: x: y\n\n", []string{"|message|x: y|false"}},
		{"comments", ": ping\n\n:\ndata: x\n: y\n\n", []string{"|message|x|false"}},
		{"id alone", "id: 7\n\n", []string{"7|message||true"}},
		{"id alone, with a name", "id: 7\nevent: position\n\ndata: x\n\n", []string{"7|position||true", "7|message|x|false"}},
		{"name alone", "event: clear\n\ndata: x\n\n", []string{"|message|x|false"}},
		{"empty data", "data\n\n", []string{"|message||false"}},
		{"empty id", "id: 7\n\nid\ndata: x\n\n", []string{"7|message||true", "|message|x|false"}},
		{"NUL in an id", "id: 7\n\nid: a\x00b\ndata: x\n\n", []string{"7|message||true", "7|message|x|false"}},
		{"byte order mark", "\ufeffdata: x\n\n\ufeffdata: y\n\n", []string{"|message|x|false"}},
		{"broken UTF-8", "data: a\xffb\n\n", []string{"|message|a\ufffdb|false"}},
		{"cut in a frame", "data: x\n\ndata: y\n", []string{"|message|x|false"}},
		{"cut in a line", "data: x\n\nid: 8\ndat", []string{"|message|x|false"}},
		{"field names are exact", "Data: x\n data: y\ndata : z\n\n", nil},
	} {
		for how, r := range map[string]io.Reader{"at once": strings.NewReader(c.stream), "by bytes": iotest.OneByteReader(strings.NewReader(c.stream))} {
			got, err := readFrames(r)
			if diff := cmp.Diff(c.want, got); err != io.EOF || diff != "" {
				t.Errorf("%s, %s: %v, -want +got\n%s", c.name, how, err, diff)
			}
		}
	}
}

// A frame is there with its last byte, not with the one behind it: a CR may be
// all that comes for hours.
func TestSSE_doesNotReadOn(t *testing.T) {
	for _, stream := range []string{"data: x\n\n", "data: x\r\n\r", "data: x\r\r"} {
		s := newSSEReader(io.MultiReader(strings.NewReader(stream), iotest.ErrReader(errors.New("read on"))))
		if f, err := s.next(); err != nil || f.data != "x" {
			t.Errorf("%q = %+v, %v", stream, f, err)
		}
	}
}

// endless repeats a text for ever.
type endless struct {
	text string
	at   int
}

func (e *endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = e.text[e.at%len(e.text)]
		e.at++
	}
	return len(b), nil
}

func TestSSE_endless(t *testing.T) {
	for _, c := range []struct {
		text string
		want error
	}{
		{"x", errLine},
		{"\x00\xff", errLine},
		{"data: x\n", errEvent},
		{": comment\n\n", errEvent},
		{"junk\n", errEvent},
		{"\n", errEvent},
		{"\r\n", errEvent},
	} {
		if frames, err := readFrames(&endless{text: c.text}); err != c.want || len(frames) > 0 {
			t.Errorf("%q for ever = %d frames, %v; want %v", c.text, len(frames), err, c.want)
		}
	}
}

func TestSSE_largest(t *testing.T) { // and a line of that length passes
	want := strings.Repeat("x", maxLine-len("data: "))
	got, err := readFrames(strings.NewReader("data: " + want + "\n\n"))
	if err != io.EOF || len(got) != 1 || !strings.Contains(got[0], want) {
		t.Errorf("a line of %d bytes = %d frames, %v", maxLine, len(got), err)
	}
	if _, err := readFrames(strings.NewReader("data: " + want + "x\n\n")); err != errLine {
		t.Errorf("a line of %d bytes = %v, want %v", maxLine+1, err, errLine)
	}
}

// plainFrames reads a whole stream in the most obvious way.
func plainFrames(stream []byte) (frames []string) {
	text := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(stream))
	lines := strings.Split(text, "\n")
	lines = lines[:len(lines)-1] // a line without an end is none
	var id, event string
	var data []string
	withID := false
	for i, line := range lines {
		if i == 0 {
			line = strings.TrimPrefix(line, "\ufeff")
		}
		if line != "" {
			name, value, _ := strings.Cut(strings.ToValidUTF8(line, "\ufffd"), ":")
			value = strings.TrimPrefix(value, " ")
			switch {
			case name == "data":
				data = append(data, value)
			case name == "event":
				event = value
			case name == "id" && !strings.Contains(value, "\x00"):
				id, withID = value, true
			}
			continue
		}
		if withID || data != nil {
			if event == "" {
				event = "message"
			}
			frames = append(frames, fmt.Sprintf("%s|%s|%s|%v", id, event, strings.Join(data, "\n"), data == nil))
		}
		event, data, withID = "", nil, false
	}
	return frames
}

func FuzzSSE(f *testing.F) {
	for _, seed := range []string{"id: 1\r\nevent: message\r\ndata: {}\r\n\r\n", "data: a\rdata: b\r\r", ": x\n\n\ufeff", "id\n\n\ndata\n\n", "\ufeff\n\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		want := plainFrames(stream)
		got, err := readFrames(bytes.NewReader(stream))
		if diff := cmp.Diff(want, got); err != io.EOF && err != errLine && err != errEvent || err == io.EOF && diff != "" {
			t.Errorf("%q: %v, -want +got\n%s", stream, err, diff)
		}
		slow, _ := readFrames(iotest.OneByteReader(bytes.NewReader(stream)))
		if diff := cmp.Diff(got, slow); diff != "" {
			t.Errorf("%q by bytes: -at once +by bytes\n%s", stream, diff)
		}
	})
}
