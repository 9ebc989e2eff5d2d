package httpapi

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"agentbridge"
	"agentbridge/internal/wire"
)

// frames is text in the form of an event stream (HTML standard, §9.2) with the
// line ends of reference B, on its way to one write.
type frames struct {
	bytes.Buffer
	json *json.Encoder
	err  error // the first value that could not be written as JSON
}

// framePool keeps the buffers of streams that are writing; one that waits
// holds none.
var framePool = sync.Pool{New: func() any {
	f := &frames{}
	f.json = json.NewEncoder(&f.Buffer)
	f.json.SetEscapeHTML(false)
	return f
}}

// keptFrames is the largest buffer that goes back into the pool.
const keptFrames = 64 << 10

func newFrames() *frames { return framePool.Get().(*frames) }

func (f *frames) free() {
	if f.Cap() <= keptFrames {
		f.Reset()
		f.err = nil
		framePool.Put(f)
	}
}

// eol ends a line. No name, position or JSON text that goes into a line holds
// one, nor any other that Unicode knows: wire.OneLine sees to that.
const eol = "\r\n"

// event adds an event. An id of "" is none.
func (f *frames) event(name string, id agentbridge.Position, data any) {
	if id != "" {
		f.WriteString("id: " + string(id) + eol)
	}
	f.WriteString("event: " + name + eol + "data: ")
	start := f.Len()
	if err := f.json.Encode(data); err != nil {
		f.err = cmp.Or(f.err, fmt.Errorf("encode a %s event: %w", name, err))
		return
	}
	text := f.Bytes()[start : f.Len()-1] // without the line feed that Encode adds
	line := wire.OneLine(text)
	f.Truncate(start + len(text))
	if len(line) != len(text) {
		f.Truncate(start)
		f.Write(line)
	}
	f.WriteString(eol + eol)
}

// position adds a frame that moves the reader's cursor and is no event, because
// it has no data. Not every reader knows this rule.
func (f *frames) position(p agentbridge.Position) {
	f.WriteString("id: " + string(p) + eol + "event: position" + eol + eol)
}

// ping adds a comment, which shows proxies and readers that the stream lives.
func (f *frames) ping() {
	f.WriteString(": ping - " + time.Now().UTC().Format("2006-01-02 15:04:05.000000+00:00") + eol + eol)
}
