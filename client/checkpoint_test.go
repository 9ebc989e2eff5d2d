package client_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/client"
	"agentbridge/internal/wire"
)

// checkpoint is the note of a log of an origin with so many entries, of which
// the root is one of several that its entries could have.
func checkpoint(origin string, size int, root byte) string {
	hash := base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string(rune(root)), 32)))
	return fmt.Sprintf("%s\n%d\n%s\n\n— %[1]s c2lnbmF0dXJl\n", origin, size, hash)
}

// ledgers is a server that hands out whatever checkpoint it is told to.
type ledgers struct{ note atomic.Value }

func (l *ledgers) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	note := l.note.Load().(string)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(wire.Health{Service: agentbridge.Service, ServerTime: agentbridge.FormatTime(time.Now()), Checkpoint: wire.OrNull(note)})
}

func listen(h http.Handler) (url string, closeServer func()) {
	server := httptest.NewServer(h)
	return server.URL, server.Close
}

// Whoever runs the bridge takes history back: puts an older copy of the
// database in its place, or another, or rewrites the one that is there. A client
// that was told of more says so, and goes on saying so.
func TestPing_noticesARollback(t *testing.T) {
	const here, there = "agentbridge/0011223344556677", "agentbridge/8899aabbccddeeff"
	for name, c := range map[string]struct {
		then, now string
		want      string // of the refusal, "" for none
	}{
		"grown":                {checkpoint(here, 300, 'a'), checkpoint(here, 301, 'b'), ""},
		"the same":             {checkpoint(here, 300, 'a'), checkpoint(here, 300, 'a'), ""},
		"signed again":         {checkpoint(here, 300, 'a'), checkpoint(here, 300, 'a') + "— other c2ln\n", ""},
		"the first":            {"", checkpoint(here, 300, 'a'), ""},
		"an older copy":        {checkpoint(here, 300, 'a'), checkpoint(here, 299, 'b'), "has become shorter than it was (300 entries, now 299): it was rolled back or replaced; ask its operator for `agentbridge audit verify --checkpoint`"},
		"no checkpoint":        {checkpoint(here, 300, 'a'), "", "shorter than it was (300 entries, now 0)"},
		"another database":     {checkpoint(here, 300, 'a'), checkpoint(there, 5, 'b'), "shorter than it was (300 entries, now 5)"},
		"another, longer one":  {checkpoint(here, 300, 'a'), checkpoint(there, 900, 'b'), "is not the one that it was"},
		"rewritten":            {checkpoint(here, 300, 'a'), checkpoint(here, 300, 'b'), "is not the one that it was (its first 300 entries are others)"},
		"empty, then begun":    {checkpoint(here, 0, 'a'), checkpoint(here, 1, 'b'), ""},
		"nothing known before": {"", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var bridge ledgers
			url, closeServer := listen(&bridge)
			defer closeServer()
			c2 := dial(t, client.Options{URL: url})
			bridge.note.Store(c.then)
			if h, err := c2.Ping(t.Context()); err != nil || h.Checkpoint.Note != c.then {
				t.Fatalf("Ping = %+v, %v", h, err)
			}
			bridge.note.Store(c.now)
			for range 2 { // the smaller one does not become what is known
				h, err := c2.Ping(t.Context())
				if c.want == "" {
					if err != nil || h.Checkpoint.Note != c.now {
						t.Errorf("Ping = %+v, %v", h, err)
					}
					continue
				}
				if e := asError(t, "Ping", err); e.Code != agentbridge.Unusable || !strings.Contains(e.Message, c.want) {
					t.Errorf("Ping = %s: %v, want %q", e.Code, err, c.want)
				}
			}
			if bridge.note.Store(c.then); c.then != "" && c.want != "" {
				if _, err := c2.Ping(t.Context()); err != nil {
					t.Errorf("Ping after the log came back = %v", err)
				}
			}
		})
	}
}

// An answer that took long is older than what is known by then, and no rollback.
func TestPing_outOfOrder(t *testing.T) {
	const origin = "agentbridge/0011223344556677"
	var asked atomic.Int64
	first, release := make(chan struct{}), make(chan struct{})
	url, closeServer := listen(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l := &ledgers{}
		if asked.Add(1) == 1 {
			l.note.Store(checkpoint(origin, 10, 'a'))
			close(first)
			<-release
		} else {
			l.note.Store(checkpoint(origin, 20, 'b'))
		}
		l.ServeHTTP(w, r)
	}))
	defer closeServer()
	c := dial(t, client.Options{URL: url})
	slow := make(chan error)
	go func() { _, err := c.Ping(t.Context()); slow <- err }()
	<-first
	if _, err := c.Ping(t.Context()); err != nil {
		t.Errorf("Ping = %v", err)
	}
	close(release)
	if err := <-slow; err != nil {
		t.Errorf("a Ping whose answer took long = %v", err)
	}
}

func TestPing_nonsense(t *testing.T) {
	for _, note := range []string{"x", "a\n1\n", "a\n-1\n" + strings.Repeat("A", 43) + "=\n\n", "a\n01\n" + strings.Repeat("A", 43) + "=\n\n",
		"a\n1\nAAAA\n\n", "\n1\n" + strings.Repeat("A", 43) + "=\n\n", "a\n99999999999999999999\n" + strings.Repeat("A", 43) + "=\n\n"} {
		l := &ledgers{}
		l.note.Store(note)
		url, closeServer := listen(l)
		_, err := dial(t, client.Options{URL: url}).Ping(t.Context())
		bridgetest.WantErr(t, agentbridge.Unreachable, err)
		closeServer()
	}
}
