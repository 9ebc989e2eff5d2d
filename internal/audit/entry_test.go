package audit_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"agentbridge"
	"agentbridge/internal/audit"
)

// Texts are what all signatures rest upon: they must never change.
func TestAppendEntry(t *testing.T) {
	at := time.UnixMicro(1_790_000_000_123_456)
	for _, c := range []struct {
		entry agentbridge.Entry
		want  string
	}{
		{agentbridge.Entry{Seq: 7, At: at, Actor: "alice", Action: "send", Target: "#build", Detail: agentbridge.Metadata(`{"bytes":3}`)},
			`{"v":1,"seq":7,"at":1790000000123456,"actor":"alice","action":"send","target":"#build","detail":{"bytes":3}}`},
		{agentbridge.Entry{Seq: 1, At: at.Add(999)}, // below a microsecond
			`{"v":1,"seq":1,"at":1790000000123456,"actor":"","action":"","target":""}`},
		{agentbridge.Entry{Seq: -1, At: time.Time{}, Detail: agentbridge.Metadata{}},
			`{"v":1,"seq":-1,"at":-62135596800000000,"actor":"","action":"","target":"","detail":}`},
		{agentbridge.Entry{At: time.UnixMicro(0), Actor: "\"\\\x00\n\x1f\x7f/<é\u2028💡", Action: "\xff\xc3", Target: "\xed\xa0\x80\ufffd"},
			`{"v":1,"seq":0,"at":0,"actor":"\"\\\u0000\u000a\u001f` + "\x7f/<é\u2028💡" + `","action":"\udcff\udcc3","target":"\udced\udca0\udc80` + "\ufffd" + `"}`},
	} {
		if got := string(audit.AppendEntry([]byte("x"), c.entry)); got != "x"+c.want {
			t.Errorf("AppendEntry(%+v):\n got %s\nwant x%s", c.entry, got, c.want)
		}
	}
}

func TestAppendEntry_allocatesNothing(t *testing.T) {
	e := agentbridge.Entry{Seq: 1 << 40, At: time.Now(), Actor: "mac-\"reviewer\xff", Action: "send", Target: "é", Detail: agentbridge.Metadata(`{"bytes":3}`)}
	var tree audit.Tree
	text, hashes := make([]byte, 0, 1000), make([]byte, 0, 4000)
	if n := testing.AllocsPerRun(100, func() {
		text = audit.AppendEntry(text[:0], e)
		hashes = tree.Append(hashes[:0], text)
	}); n != 0 {
		t.Errorf("allocations of an entry: got %v, want none", n)
	}
}

// FuzzAppendEntry reads texts back: what can be read back is different for
// different entries.
func FuzzAppendEntry(f *testing.F) {
	f.Add(int64(1), int64(2), "alice", "send", "#build", `{"bytes":3}`, true)
	f.Add(int64(-1), int64(0), `",`, "\x00\xff", `\udcff`, `}`, true)
	f.Add(int64(0), int64(-9), `"}`, "\xed\xb3\xbf", "é", ``, false)
	f.Fuzz(func(t *testing.T, seq, at int64, actor, action, target, detail string, has bool) {
		e := agentbridge.Entry{Seq: seq, At: time.UnixMicro(at), Actor: agentbridge.AgentName(actor), Action: agentbridge.Action(action), Target: agentbridge.ChannelName(target)}
		if has {
			e.Detail = agentbridge.Metadata([]byte(detail))
		}
		text := audit.AppendEntry(nil, e)
		got, err := readEntry(string(text))
		if err != nil {
			t.Fatalf("%q can't be read back: %v", text, err)
		}
		if got.Seq != e.Seq || !got.At.Equal(e.At) || got.Actor != e.Actor || got.Action != e.Action || got.Target != e.Target ||
			(got.Detail == nil) != (e.Detail == nil) || !bytes.Equal(got.Detail, e.Detail) {
			t.Fatalf("%q reads back as\n%+v, want\n%+v", text, got, e)
		}
		if utf8.ValidString(detail) != utf8.Valid(text) && has {
			t.Fatalf("%q: got valid UTF-8 %v, want %v as its detail", text, utf8.Valid(text), utf8.ValidString(detail))
		}
		if (!has || json.Valid([]byte(detail))) && !json.Valid(text) {
			t.Fatalf("%q: got no JSON, want JSON", text)
		}
	})
}

// readEntry is the other way round, as simple as it can be.
func readEntry(s string) (e agentbridge.Entry, err error) {
	text := func(key string) string {
		value, rest, ok := cutString(strings.TrimPrefix(s, key))
		if !ok || !strings.HasPrefix(s, key) {
			err = errors.Join(err, fmt.Errorf("want %s and a string before %q", key, s))
		}
		s = rest
		return value
	}
	number := func(key, end string) (n int64) {
		digits, _, ok := strings.Cut(strings.TrimPrefix(s, key), end)
		n, e := strconv.ParseInt(digits, 10, 64)
		if !ok || e != nil {
			err = errors.Join(err, fmt.Errorf("want %s and a number before %q: %w", key, s, e))
		}
		s = strings.TrimPrefix(strings.TrimPrefix(s, key), digits)
		return n
	}
	e.Seq = number(`{"v":1,"seq":`, ",")
	e.At = time.UnixMicro(number(`,"at":`, ","))
	e.Actor = agentbridge.AgentName(text(`,"actor":`))
	e.Action = agentbridge.Action(text(`,"action":`))
	e.Target = agentbridge.ChannelName(text(`,"target":`))
	if s == "}" || err != nil {
		return e, err
	}
	detail, ok := strings.CutPrefix(s, `,"detail":`)
	if !ok || !strings.HasSuffix(detail, "}") {
		return e, fmt.Errorf("want a detail before %q", s)
	}
	e.Detail = agentbridge.Metadata([]byte(detail[:len(detail)-1]))
	return e, nil
}

// cutString reads a JSON string whose lone surrogates are bytes.
func cutString(s string) (value, rest string, ok bool) {
	s, ok = strings.CutPrefix(s, `"`)
	var b strings.Builder
	for i := 0; ok && i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:], true
		case s[i] < ' ':
			return "", "", false
		case s[i] != '\\':
			b.WriteByte(s[i])
		case s[i+1] != 'u':
			i++
			b.WriteByte(s[i])
		default:
			n, err := strconv.ParseUint(s[i+2:i+6], 16, 16)
			if err != nil || n > 0x1f && n>>7 != 0xdc80>>7 {
				return "", "", false
			}
			b.WriteByte(byte(n))
			i += 5
		}
	}
	return "", "", false
}
