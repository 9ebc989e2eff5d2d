package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"agentbridge"
	"agentbridge/client"

	"golang.org/x/sys/unix"
)

// sendTo stores a message through the JSON API.
func sendTo(t *testing.T, url, text string) (*http.Response, string) {
	t.Helper()
	body, err := json.Marshal(map[string]string{"channel": "#build", "sender": "alice", "content": text})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(url+"/api/send", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(answer)
}

// A disk that is full refuses with what to do, keeps what it said it had, and
// goes on when there is room again.
func TestServe_fullDisk(t *testing.T) {
	p, url := newHome(t).serve(t)
	var wide unix.Rlimit
	if err := unix.Prlimit(p.cmd.Process.Pid, unix.RLIMIT_FSIZE, nil, &wide); err != nil {
		t.Fatal(err)
	}
	limit := func(bytes uint64) {
		t.Helper()
		if err := unix.Prlimit(p.cmd.Process.Pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: min(bytes, wide.Max), Max: wide.Max}, nil); err != nil {
			t.Fatal(err)
		}
	}
	limit(1<<20 + 1234)

	const most = 200 // of messages of 50 KB: ten times what fits
	stored, refused := 0, 0
	for refused < 5 {
		resp, answer := sendTo(t, url, fmt.Sprint(stored, " ", strings.Repeat("x", 50_000)))
		switch resp.StatusCode {
		case http.StatusOK:
			stored++
		case http.StatusServiceUnavailable:
			refused++
			wait, err := strconv.Atoi(resp.Header.Get("Retry-After"))
			if err != nil || wait < 1 || !strings.Contains(answer, `"code":"unavailable"`) || !strings.Contains(answer, "retry later") {
				t.Errorf("POST /api/send on a full disk: Retry-After %q, %s", resp.Header.Get("Retry-After"), answer)
			}
		default:
			t.Fatalf("POST /api/send: %s %s", resp.Status, answer)
		}
		if stored > most {
			t.Fatalf("%d messages fit in 1 MiB", stored)
		}
	}
	if stored == 0 {
		t.Fatal("nothing was stored before the limit")
	}
	if resp, err := http.Get(url + "/status"); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("GET /status on a full disk: %v, %v", resp, err)
	}

	limit(wide.Cur)
	if resp, answer := sendTo(t, url, fmt.Sprint(stored, " again")); resp.StatusCode != http.StatusOK {
		t.Fatalf("POST /api/send when there is room again: %s %s", resp.Status, answer)
	}
	stored++
	wantNumbered(t, url, stored)
	p.terminate()
	<-p.exited // what it wrote to stderr is the disk's trouble
}

// wantNumbered checks that #build holds messages 0 to n-1, and no other.
func wantNumbered(t *testing.T, url string, n int) {
	t.Helper()
	c, err := client.New(client.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	next, i := agentbridge.Mark(0), 0
	for {
		page, err := c.Read(t.Context(), agentbridge.ReadRequest{Channel: "#build", After: next, Limit: agentbridge.MaxPage})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range page.Messages {
			if number, _, _ := strings.Cut(m.Content, " "); number != strconv.Itoa(i) {
				t.Fatalf("message %d is %q", i, agentbridge.Preview(m.Content, 20))
			}
			i++
		}
		if next = page.Next; !page.More {
			break
		}
	}
	if i != n {
		t.Errorf("%d messages, want %d", i, n)
	}
}

// More connections than there are descriptors, none of which says a word, keep
// nobody out.
func TestServe_idleConnections(t *testing.T) {
	h := newHome(t)
	cmd := command(t, h.flags("serve", "--port", "0", "--max-sse", "500")...)
	script := `ulimit -n 256 && exec "$0" "$@"`
	cmd.Args = append([]string{"sh", "-c", script, cmd.Path}, cmd.Args[1:]...)
	cmd.Path = "/bin/sh"
	p := launchCommand(t, cmd)
	url := p.address()

	idle := make([]net.Conn, 0, 1000)
	defer func() {
		for _, c := range idle {
			c.Close()
		}
	}()
	for range cap(idle) {
		c, err := net.DialTimeout("tcp", strings.TrimPrefix(url, "http://"), 10*time.Second)
		if err != nil {
			t.Fatalf("after %d idle connections: %v", len(idle), err)
		}
		idle = append(idle, c)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for range 20 {
		r, err := http.NewRequestWithContext(ctx, "GET", url+"/api/state", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Close = true // each on a connection of its own
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatalf("GET /api/state beside %d idle connections: %v", len(idle), err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("GET /api/state beside %d idle connections: %s", len(idle), resp.Status)
		}
	}
	p.terminate()
	<-p.exited
	if !strings.Contains(p.stderr.String(), "may take all 192 connections") {
		t.Errorf("stderr %q, want a warning that there may be more streams than connections", &p.stderr)
	}
}
