package client_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/client"
)

// told is a message frame.
func told(seq int) string {
	id := agentbridge.NewMessageID(agentbridge.Seq(seq))
	return fmt.Sprintf("id: %s\nevent: message\ndata: {\"seq\":%d,\"id\":%q,\"sender\":\"alice\",\"content\":\"m%d\",\"timestamp\":\"2026-01-02T03:04:05.000006Z\",\"encoding\":\"legacy_text\"}\n\n", id, seq, id, seq)
}

// pauses keeps what OnReconnect was told.
type pauses struct {
	waits []time.Duration
	whys  []error
}

func (p *pauses) note(err error, wait time.Duration) {
	p.waits = append(p.waits, wait)
	p.whys = append(p.whys, err)
}

// A stream that only sleeps is kept, one that is dead is left.
func TestFeed_silence(t *testing.T) {
	var noted pauses
	var connections atomic.Int64
	h := func(w http.ResponseWriter, r *http.Request) {
		if connections.Add(1) == 1 {
			say(w, "id: 00000000-0001-8000-8000-000000000000\n\n")
			for range 20 { // five minutes of keep-alives
				pause(r.Context(), 15*time.Second)
				say(w, ": ping\r\n\r\n")
			}
		} else {
			say(w, "%s", told(5))
		}
		<-r.Context().Done()
	}
	inBubble(t, h, client.Options{OnReconnect: noted.note}, func(t *testing.T, c *client.Client) {
		f, err := c.Follow(t.Context(), "#a", "")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		start := time.Now()
		b, err := f.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		took := time.Since(start)
		if len(b.Events) != 1 || took < 345*time.Second || took > 346*time.Second || len(noted.whys) != 1 || !strings.Contains(noted.whys[0].Error(), "45 s") {
			t.Errorf("after %v: %+v, %v; want a new connection 45 s after the last ping", took, b, noted.whys)
		}
	})
}

// While a bridge is away its readers ask less and less often, and do what it
// asks of them.
func TestFeed_backoff(t *testing.T) {
	var noted pauses
	var tries atomic.Int64
	h := func(w http.ResponseWriter, r *http.Request) {
		switch n := tries.Add(1); {
		case n == 1:
			say(w, "%s", told(1))
		case n == 15:
			answer(503, header("Content-Type", "application/json", "Retry-After", "20"), `{"error":"full"}`)(w, r)
		case n == 16:
			answer(503, header("Content-Type", "application/json", "Retry-After", "999999"), `{"error":"full"}`)(w, r)
		case n < 20:
			answer(502, asHTML, "")(w, r)
		default:
			say(w, "%s", told(2))
			<-r.Context().Done()
		}
	}
	inBubble(t, h, client.Options{OnReconnect: noted.note}, func(t *testing.T, c *client.Client) {
		f, err := c.Follow(t.Context(), "#a", "")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if got := collect(t, f, 1); got[0] != "m1" {
			t.Errorf("%q, want m1", got)
		}
		b, err := f.Next(t.Context())
		if err != nil || bridgetest.Tell(b.Events[0]) != "#a: m2" {
			t.Fatalf("Next() = %+v, %v", b, err)
		}
		most := 100 * time.Millisecond
		for i, wait := range noted.waits {
			want := min(most, 5*time.Second)
			switch i { // the pause before the next try
			case 14:
				want = 20 * time.Second
			case 15:
				want = time.Minute
			}
			if wait > want || wait < want/2 {
				t.Errorf("pause %d = %v, want from %v to %v", i, wait, want/2, want)
			}
			most *= 2
		}
		if len(noted.waits) != 19 {
			t.Errorf("%d pauses, want 19", len(noted.waits))
		}
	})
}

// What ends a feed, and what does not.
func TestFeed_refusedOnReconnect(t *testing.T) {
	for status, code := range map[int]agentbridge.Code{400: agentbridge.InvalidValue, 401: agentbridge.Unauthenticated, 403: agentbridge.Unauthenticated, 404: agentbridge.NotFound} {
		var tries atomic.Int64
		h := func(w http.ResponseWriter, r *http.Request) {
			if tries.Add(1) == 1 {
				say(w, "%s", told(1))
				return
			}
			answer(status, asJSON, `{"error":"no"}`)(w, r)
		}
		inBubble(t, h, client.Options{}, func(t *testing.T, c *client.Client) {
			f, err := c.Follow(t.Context(), "#a", "")
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			collect(t, f, 1) // what came before comes first
			for range 2 {    // and the end stays the end
				_, err = f.Next(t.Context())
				bridgetest.WantErr(t, code, err)
			}
			if n := tries.Load(); n != 2 {
				t.Errorf("%d: asked %d times, want 2", status, n)
			}
		})
	}
}

// Hostile streams fill no memory, turn in no circles, and in the end are given
// up.
func TestFeed_hostile(t *testing.T) {
	endlessly := func(text string) http.HandlerFunc {
		text = strings.Repeat(text, 1+4096/len(text))
		return func(w http.ResponseWriter, _ *http.Request) {
			say(w, "id: 7\n\n")
			for {
				if _, err := io.WriteString(w, text); err != nil {
					return
				}
			}
		}
	}
	for name, h := range map[string]http.HandlerFunc{
		"an endless line":          endlessly("x"),
		"binary":                   endlessly("\x00\xff\xfe"),
		"an endless event":         endlessly("data: x\n"),
		"endless comments":         endlessly(":\n\n"),
		"an event that is no JSON": answer(200, asStream, "id: 7\n\nevent: message\ndata: hello\n\n"),
		"a message without a time": answer(200, asStream, "id: 7\n\nevent: message\ndata: {}\n\n"),
		"a batch that is none":     answer(200, asStream, "id: 7\n\nevent: batch\ndata: []\n\n"),
		"an id with a tab":         answer(200, asStream, "id: 7\n\nid: a\tb\n\n"),
		"a huge id":                answer(200, asStream, "id: 7\n\nid: "+strings.Repeat("x", 100_000)+"\n\n"),
	} {
		t.Run(name, func(t *testing.T) {
			var noted pauses
			inBubble(t, h, client.Options{Retry: time.Second, OnReconnect: noted.note}, func(t *testing.T, c *client.Client) {
				open := c.Watch
				if !strings.Contains(name, "batch") {
					open = func(ctx context.Context, _ []agentbridge.ChannelName, after agentbridge.Position) (agentbridge.Feed, error) {
						return c.Follow(ctx, "#a", after)
					}
				}
				f, err := open(t.Context(), nil, "")
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				b, err := f.Next(t.Context())
				bridgetest.WantErr(t, agentbridge.Unreachable, err)
				if len(b.Events) > 0 || len(noted.waits) < 2 || len(noted.waits) > 6 {
					t.Errorf("Next() = %+v after %d pauses", b, len(noted.waits))
				}
			})
		})
	}
}

// A stream that is cut off at once, however it says so, is not asked for again
// at once for ever.
func TestFeed_noHurry(t *testing.T) {
	for name, end := range map[string]string{
		"truncated": "event: replay_truncated\ndata: {\"limit\":1}\n\n",
		"bye":       "event: bye\ndata: {}\n\n",
		"nothing":   "",
	} {
		t.Run(name, func(t *testing.T) {
			var tries atomic.Int64
			h := func(w http.ResponseWriter, _ *http.Request) {
				tries.Add(1)
				say(w, "id: 7\n\n%s", end)
			}
			inBubble(t, h, client.Options{}, func(t *testing.T, c *client.Client) {
				open := func() (agentbridge.Feed, error) { return c.Watch(t.Context(), nil, "") }
				if name == "truncated" { // which is an event of channels only
					open = func() (agentbridge.Feed, error) { return c.Follow(t.Context(), "#a", "") }
				}
				f, err := open()
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				if _, err := f.Next(ctx); err != context.DeadlineExceeded {
					t.Errorf("Next() = %v", err)
				}
				if n := tries.Load(); n < 10 || n > 40 {
					t.Errorf("asked %d times in a minute", n)
				}
			})
		})
	}
}

// What a server tells again is not told again.
func TestFeed_repeats(t *testing.T) {
	var tries atomic.Int64
	h := func(w http.ResponseWriter, r *http.Request) {
		switch tries.Add(1) {
		case 1:
			say(w, "%s%s", told(1), told(2))
		case 2:
			say(w, "%s%s%s", told(1), told(2), told(3))
		default: // another database: it counts from the beginning
			say(w, "event: cursor_stale\ndata: {}\n\n%s", told(1))
			<-r.Context().Done()
		}
	}
	inBubble(t, h, client.Options{}, func(t *testing.T, c *client.Client) {
		f, err := c.Follow(t.Context(), "#a", "")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		var got []string
		for len(got) < 5 {
			b, err := f.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range b.Events {
				got = append(got, bridgetest.Tell(e))
			}
		}
		if want := "#a: m1 #a: m2 #a: m3 #a: cursor_stale #a: m1"; strings.Join(got, " ") != want {
			t.Errorf("%q, want %s", got, want)
		}
	})
}

// A bridge tells of a clear without an id, and of the place behind it right
// after. Together they are one step; alone the clear does not wait.
func TestFeed_place(t *testing.T) {
	const cleared = "event: clear\r\ndata: {\"channel\":\"#a\",\"cleared\":3}\r\n\r\n"
	for _, c := range []struct {
		name, then string
		want       agentbridge.Position
	}{
		{"with its place", "id: 00000000-0009-8000-8000-000000000000\r\nevent: position\r\n\r\n", "00000000-0009-8000-8000-000000000000"},
		{"alone", "", "7"},
		{"before a ping", ": ping\r\n\r\n", "7"},
		{"before half of its place", "id: 00000000-0009\r\n", "7"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := func(w http.ResponseWriter, r *http.Request) {
				say(w, "id: 7\r\n\r\n%s%s", cleared, c.then)
				<-r.Context().Done()
			}
			inBubble(t, h, client.Options{}, func(t *testing.T, client *client.Client) {
				f, err := client.Follow(t.Context(), "#a", "")
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				start := time.Now()
				b, err := f.Next(t.Context())
				if err != nil || len(b.Events) != 1 || bridgetest.Tell(b.Events[0]) != "#a: clear 3" || b.Next != c.want || time.Since(start) > 0 {
					t.Errorf("Next() after %v = %+v, %v; want the clear at %s", time.Since(start), b, err, c.want)
				}
			})
		})
	}
}
