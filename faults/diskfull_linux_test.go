package faults

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The disk is full, and then it is not. While it is, sends are refused with what
// to do, and reads go on; what was acknowledged is there; and when there is room
// again everything goes on by itself.
func TestDiskFull_andBack(t *testing.T) {
	t.Parallel()
	if withMounts(t, func(t *testing.T) {
		if dir := mountSmall(t, "size=192m"); dir != "" {
			d := &diskFault{home: newHomeIn(t, dir), kind: "tmpfs", n: rounds(t, 1)}
			d.fill, d.free = filler(t, dir)
			d.run(t)
		}
	}) {
		return
	}
	d := &diskFault{home: newHome(t), kind: "rlimit", n: rounds(t, 1)}
	d.fill, d.free = d.limits(t)
	d.run(t)
}

// diskFault is a bridge on a disk that can be filled.
type diskFault struct {
	home       *home
	kind       string // of what is full
	n          int    // rounds
	fill, free func()

	running []*program
}

const diskChannel = "#disk"

// filler fills a small disk with a file, to the last block.
func filler(t *testing.T, dir string) (fill, free func()) {
	path := filepath.Join(dir, "filler")
	fill = func() {
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		block := make([]byte, 1<<20)
		for n := len(block); n >= 512; {
			if _, err := f.Write(block[:n]); errors.Is(err, unix.ENOSPC) {
				n /= 2
			} else if err != nil {
				t.Fatal(err)
			}
		}
	}
	free = func() {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	return fill, free
}

// limits lets no file of the programs grow, which fails as a full disk does.
func (d *diskFault) limits(t *testing.T) (fill, free func()) {
	set := func(bytes uint64) {
		for _, p := range d.running {
			var now unix.Rlimit
			err := unix.Prlimit(p.pid(), unix.RLIMIT_FSIZE, nil, &now)
			if err == nil {
				err = unix.Prlimit(p.pid(), unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: min(bytes, now.Max), Max: now.Max}, nil)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	return func() { set(4096) }, func() { set(unix.RLIM_INFINITY) }
}

// diskWords are in what a sender hears who could not write.
var diskWords = []string{"disk is full", "could not write to its database"}

func (d *diskFault) run(t *testing.T) {
	l, r := newLedger(t), chance()
	server, near := d.home.serve(), d.home.stdio()
	d.running = []*program{server.program, near.current().program}
	senders := []*insistent{
		l.insistent(overMCP(t, server.url), diskChannel, "mcp", diskWords...),
		l.insistent(near, diskChannel, "stdio", diskWords...),
	}
	subscriber, listener := newReading(t, "a subscriber", diskChannel), newReading(t, "a listener over stdio", diskChannel)
	for _, s := range senders {
		s.restful = true // others fill the disk
	}
	c := begin(t)
	defer c.end()
	c.read(func(ctx context.Context) { subscriber.follow(ctx, overHTTP(t, server.url)) })
	c.read(func(ctx context.Context) { listener.listen(ctx, near) })
	c.send(senders...)
	for range d.n {
		moment(r, 20*time.Millisecond)
		d.fill()
		d.wantRefusal(t, l, server.url)
		for _, s := range senders {
			s.isRefused(1)
		}
		d.wantReads(t, server.url)
		d.free()
		for _, s := range senders {
			s.goesOn(5)
		}
	}
	c.finish(l, subscriber, listener)
	refusals := 0
	for _, s := range senders {
		met, _ := s.now()
		refusals += met.refused
	}
	report(t, "a full disk and then room again", d.n, verify(t, d.home, l, subscriber, listener), "kind", d.kind, "refused", refusals)
}

// wantRefusal checks what the JSON API says to a send. What is in the files
// already may be overwritten, so there may be room for some.
func (d *diskFault) wantRefusal(t *testing.T, l *ledger, url string) {
	t.Helper()
	const most = 1000 // of messages of 20 KB: several times what is in the files
	for range most {
		m := l.next(diskChannel, "post", 20_000)
		resp, answer := post(t, url+"/api/send", args{"channel": m.channel, "sender": m.sender, "content": m.text, "idempotency_key": m.key})
		var body struct{ ID, Code, Message string }
		if err := json.Unmarshal(answer, &body); err != nil {
			t.Fatalf("POST /api/send on a full disk: %s %s", resp.Status, answer)
		}
		if resp.StatusCode == http.StatusOK {
			l.acked(m, sent{id: body.ID})
			continue
		}
		wait, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		if resp.StatusCode != http.StatusServiceUnavailable || wait < 1 || body.Code != "unavailable" || !strings.Contains(body.Message, "retry") {
			t.Errorf("POST /api/send on a full disk: %s, Retry-After %q, %s; want 503 and when to come back", resp.Status, resp.Header.Get("Retry-After"), answer)
		}
		return
	}
	t.Errorf("%d messages of 20 KB fit on a full disk", most)
}

// post makes a request with JSON in it.
func post(t testing.TB, url string, body args) (*http.Response, []byte) {
	t.Helper()
	resp, err := http.Post(url, "application/json", strings.NewReader(encode(body)))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, answer
}

// wantReads checks that reading goes on.
func (d *diskFault) wantReads(t *testing.T, url string) {
	t.Helper()
	for _, path := range []string{"/status", "/api/state", "/api/messages?channel=%23disk&limit=5"} {
		resp, err := http.Get(url + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("GET %s on a full disk: %s", path, resp.Status)
		}
	}
}
