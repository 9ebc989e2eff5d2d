package faults

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
)

// usage is what a program takes of its machine. All are 0 where /proc is not.
type usage struct {
	files   int // descriptors
	threads int
	rss     int // MiB of memory in use
}

func usageOf(p *program) (u usage) {
	dir := fmt.Sprintf("/proc/%d", p.pid())
	files, _ := os.ReadDir(dir + "/fd") // what can't be read is not known
	u.files = len(files)
	status, _ := os.ReadFile(dir + "/status")
	for line := range strings.Lines(string(status)) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		switch n, _ := strconv.Atoi(f[1]); f[0] {
		case "Threads:":
			u.threads = n
		case "VmRSS:":
			u.rss = n >> 10
		}
	}
	return u
}

// streams is how many event streams a server says it has open.
func (s *server) streams() int {
	s.t.Helper()
	resp, err := http.Get(s.url + "/api/state")
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	var state struct {
		Streams int `json:"sse_subscribers"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&state); err != nil || resp.StatusCode != http.StatusOK {
		s.t.Fatalf("GET /api/state: %s, %v", resp.Status, err)
	}
	return state.Streams
}

// eventually waits for what nobody announces.
func eventually(t testing.TB, what string, is func() (now any, ok bool)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), hang)
	defer cancel()
	for {
		now, ok := is()
		if ok {
			return
		}
		if !pause(ctx) {
			t.Errorf("%s: after %v it is %v", what, hang, now)
			return
		}
	}
}
