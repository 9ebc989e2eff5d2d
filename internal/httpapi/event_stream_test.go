package httpapi_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"agentbridge"
	"agentbridge/internal/httpapi"
	"agentbridge/internal/wire"

	"github.com/google/go-cmp/cmp"
)

func (r *reader) wantBatch() (b wire.Batch) {
	r.t.Helper()
	f := r.event()
	if err := json.Unmarshal([]byte(f.data), &b); f.event != "batch" || err != nil || len(b.Events) == 0 || len(b.Events) > agentbridge.MaxBatch {
		r.t.Fatalf("%s %.200s: %v, want a batch", f.event, f.data, err)
	}
	if f.id != string(b.Seq) {
		r.t.Errorf("id: %q, want the batch's seq, %q", f.id, b.Seq)
	}
	return b
}

// wantHappenings reads batches until it has so many events as are wanted, and
// returns how many frames they took.
func (r *reader) wantHappenings(want ...string) (frames int) {
	r.t.Helper()
	var got []string
	for ; len(got) < len(want); frames++ {
		for _, e := range r.wantBatch().Events {
			text := fmt.Sprintf("%s %s", e.Event, e.Channel)
			if e.Record != nil {
				text += " " + e.Content
			} else {
				text += fmt.Sprint(" ", e.Removed)
			}
			got = append(got, text)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		r.t.Fatalf("-want +got\n%s", diff)
	}
	return frames
}

func TestEvents_keys(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	s := h.stream("/api/events")
	s.wantPosition()
	h.MustSendDraft(h.Envelope("c", `{"schema_version":1,"type":"t","content":1}`))
	batch := decode(t, s.event().data).(map[string]any)
	wantKeys(t, "batch", batch, "seq", "events")
	wantKeys(t, "a message", batch["events"].([]any)[0].(map[string]any),
		"event", "channel", "seq", "id", "sender", "content", "timestamp", "encoding", "message")
	h.MustClear("c")
	batch = decode(t, s.event().data).(map[string]any)
	wantKeys(t, "a clear", batch["events"].([]any)[0].(map[string]any), "event", "channel", "removed")
}

func TestEvents_topics(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	all := []string{"message a 1", "message b 2", "message a,b 3", "clear a 1", "message new 4"}
	only := func(channels ...string) (list []string) {
		for _, e := range all {
			name := strings.Fields(e)[1]
			if slices.Contains(channels, name) {
				list = append(list, e)
			}
		}
		return list
	}
	streams := map[string]struct {
		query string
		want  []string
	}{
		"absent":                  {"", all},
		"empty":                   {"?topics=", all},
		"a star":                  {"?topics=*", all},
		"a star among others":     {"?topics=a,*&channel=b", all},
		"one":                     {"?topics=a", only("a")},
		"a list":                  {"?topics=a,b", only("a", "b")},
		"repeated":                {"?topics=a&topics=b,a", only("a", "b")},
		"a name with a comma":     {"?channel=a,b", only("a,b")},
		"both":                    {"?channel=a,b&topics=b", only("a,b", "b")},
		"one that is yet to come": {"?topics=new", only("new")},
	}
	readers := map[string]*reader{}
	for name, c := range streams {
		readers[name] = h.stream("/api/events" + c.query)
		readers[name].wantPosition()
	}
	h.MustSend("a", "1")
	h.MustSend("b", "2")
	h.MustSend("a,b", "3")
	h.MustClear("a")
	seat, _ := h.bridge.Pair("developer", "reviewer")
	seat.MustSend("secret") // of which nobody hears
	h.MustSend("new", "4")
	for name, c := range streams {
		t.Run(name, func(t *testing.T) {
			readers[name].t = t
			want := slices.Clone(c.want)
			if slices.Contains(want, "message a 1") { // it may be cleared before it was read
				readers[name].wantHappeningsBut("message a 1", want...)
				return
			}
			readers[name].wantHappenings(want...)
		})
	}
	for _, path := range []string{"?topics=a,%20b", "?channel=a%0Ab", "?topics=conv_0123456789abcdef"} {
		if a := h.get("/api/events" + path); a.status != 400 || a.object()["field"] != "channel" {
			t.Errorf("%s = %d %s, want a refusal", a.call, a.status, a.body)
		}
	}
}

// wantHappeningsBut is wantHappenings, in which one may be missing.
func (r *reader) wantHappeningsBut(may string, want ...string) {
	r.t.Helper()
	var got []string
	last := want[len(want)-1]
	for !slices.Contains(got, last) {
		for _, e := range r.wantBatch().Events {
			text := fmt.Sprintf("%s %s %d", e.Event, e.Channel, e.Removed)
			if e.Record != nil {
				text = fmt.Sprintf("%s %s %s", e.Event, e.Channel, e.Content)
			}
			got = append(got, text)
		}
	}
	drop := func(list []string) []string {
		return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == may })
	}
	if diff := cmp.Diff(drop(want), drop(got)); diff != "" {
		r.t.Errorf("-want +got\n%s", diff)
	}
}

func TestEvents_resume(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	s := h.stream("/api/events")
	start := s.wantPosition()
	h.MustSend("a", "1")
	s.wantHappenings("message a 1")
	seen := s.last
	s.close()
	h.MustSend("b", "2")
	h.MustSend("a", "3")
	for name, s := range map[string]*reader{
		"by query":              h.stream("/api/events?since_seq=" + seen),
		"by header":             h.stream("/api/events", seen),
		"by header, which wins": h.stream("/api/events?since_seq="+start, seen),
	} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			if at := s.wantPosition(); at != seen {
				t.Errorf("begins at %s, want %s", at, seen)
			}
			s.wantHappenings("message b 2", "message a 3")
		})
	}
	h.stream("/api/events?since_seq="+start).wantHappenings("message a 1", "message b 2", "message a 3")
	for _, seq := range []string{"x", "-1", "1.5", strings.Repeat("9", 40)} {
		h.get("/api/events?since_seq="+seq).wantRefused(400, "is not a position of this feed; leave it out to begin now", "since_seq", "invalid_format")
	}
}

// A position that this database never had: read the state anew, and go on.
func TestEvents_reset(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	h.MustSend("a", "1")
	s := h.stream("/api/events?since_seq=1000000")
	f, _ := s.next()
	var reset wire.Reset
	if err := json.Unmarshal([]byte(f.data), &reset); f.event != "reset" || err != nil || string(reset.Seq) != f.id || f.id == "" {
		t.Fatalf("frame %+v, want a reset with its seq as id, before anything else", f)
	}
	h.MustSend("a", "2")
	s.wantHappenings("message a 2")
	h.stream("/api/events", f.id).wantHappenings("message a 2")
}

// A lone event goes out at once; a burst comes in few frames, in order and
// without a gap.
func TestEvents_batches(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	s := h.stream("/api/events")
	var want []string
	const messages = 450
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range messages {
			if _, err := h.Send(t.Context(), h.Draft("c", fmt.Sprint(i))); err != nil {
				t.Error(err)
			}
		}
	}()
	for i := range messages {
		want = append(want, fmt.Sprint("message c ", i))
	}
	frames := s.wantHappenings(want...)
	<-done
	if frames > messages/4 {
		t.Errorf("%d messages took %d frames", messages, frames)
	}
	h.MustSend("c", "last")
	s.wantHappenings("message c last")
}

// A long backlog comes in full batches.
func TestEvents_backlog(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	var want []string
	for i := range 250 {
		h.MustSend("c", fmt.Sprint(i))
		want = append(want, fmt.Sprint("message c ", i))
	}
	if frames := h.stream("/api/events?since_seq=0").wantHappenings(want...); frames != 3 {
		t.Errorf("250 messages took %d frames, want 3", frames)
	}
}

func TestEvents_byeAtClose(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	s := h.stream("/api/events")
	s.wantPosition()
	h.server.Close()
	if f := s.event(); f.event != "bye" || str(decode(t, f.data).(map[string]any)["reason"]) == "" {
		t.Errorf("%+v, want bye with a reason", f)
	}
	s.wantEnd()
}

func TestEvents_byeWithTheBridge(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	s := h.stream("/api/events")
	s.wantPosition()
	h.bridge.Close()
	if f := s.event(); f.event != "bye" {
		t.Errorf("%+v, want bye", f)
	}
	s.wantEnd()
}

// A reader that watches a quiet channel moves on with the others: or its
// position would grow too old although it missed nothing.
func TestEvents_positionOfAQuietReader(t *testing.T) {
	h := newHall(t, httpapi.Options{})
	h.server.SetTimes(10*time.Millisecond, 5*time.Second)
	s := h.stream("/api/events?topics=quiet")
	first := s.wantPosition()
	h.MustSend("busy", "one")
	for {
		f, ok := s.next()
		if !ok || f.event != "" && f.event != "position" {
			t.Fatalf("frame %+v, want a position", f)
		}
		if f.event == "position" {
			if f.id == first {
				t.Errorf("position %s again", f.id)
			}
			return
		}
	}
}
