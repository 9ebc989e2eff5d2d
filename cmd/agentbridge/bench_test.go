package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"agentbridge/internal/bench"
)

// otherBridge is a server with reference B's JSON API, as much of it as the
// benchmark's agents use, which can be told to break its promises.
type otherBridge struct {
	drop, repeat, swap int // every so many messages; 0 is never
	token              string

	mu       sync.Mutex // guards the fields below
	sent     int
	messages map[string][]args // by channel
}

func (o *otherBridge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if r.URL.Path != "/status" && o.token != "" && r.Header.Get("Authorization") != "Bearer "+o.token {
		answer(w, http.StatusUnauthorized, args{"error": "unauthorized"})
		return
	}
	switch r.URL.Path {
	case "/status":
		answer(w, http.StatusOK, args{"service": "claude-bridge", "status": "online", "version": "1.2.0", "server_time": time.Now().UTC().Format(time.RFC3339)})
	case "/api/state":
		answer(w, http.StatusOK, args{"channels": []args{}})
	case "/api/send":
		var body struct{ Channel, Sender, Content string }
		_ = json.NewDecoder(r.Body).Decode(&body)
		answer(w, http.StatusOK, args{"id": o.store(body.Channel, body.Sender, body.Content)})
	case "/api/messages":
		answer(w, http.StatusOK, args{"messages": o.behind(r)})
	case "/api/clear":
		answer(w, http.StatusOK, args{"cleared": 0})
	default:
		answer(w, http.StatusNotFound, args{"error": "not found"})
	}
}

func answer(w http.ResponseWriter, status int, body args) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// store says that it has stored a message, which may be a lie.
func (o *otherBridge) store(channel, sender, content string) string {
	every := func(n int) bool { return n > 0 && o.sent%n == 0 }
	o.sent++
	m := args{"id": fmt.Sprintf("m%08d", o.sent), "sender": sender, "content": content}
	if o.messages == nil {
		o.messages = map[string][]args{}
	}
	list := o.messages[channel]
	switch {
	case every(o.drop):
	case every(o.repeat):
		list = append(list, m, args{"id": m["id"].(string) + "b", "sender": sender, "content": content})
	case every(o.swap) && len(list) > 0:
		list = append(list[:len(list)-1], m, list[len(list)-1])
	default:
		list = append(list, m)
	}
	o.messages[channel] = list
	return m["id"].(string)
}

func (o *otherBridge) behind(r *http.Request) []args {
	list := o.messages[r.FormValue("channel")]
	if since := r.FormValue("since_id"); since != "" {
		for i, m := range list {
			if m["id"] == since {
				list = list[i+1:]
				break
			}
		}
	}
	limit, _ := strconv.Atoi(r.FormValue("limit"))
	return append([]args{}, list[:min(limit, len(list))]...)
}

// benchOn runs 'agentbridge bench send' briefly on a server.
func benchOn(t *testing.T, server http.Handler, more ...string) (code int, report bench.Report, stderr string) {
	t.Helper()
	s := httptest.NewServer(server)
	defer s.Close()
	dir := t.TempDir()
	line := append([]string{"bench", "send", "--json", "--duration", "50ms", "--agents", "1", "--through", "http", "--url", s.URL, "--dir", dir}, more...)
	var out, prose bytes.Buffer
	code = run(t.Context(), line, stdio{io.NopCloser(strings.NewReader("")), nopCloser{&out}, &prose})
	if out.Len() > 0 {
		if err := json.Unmarshal(out.Bytes(), &report); err != nil {
			t.Fatalf("stdout is no JSON: %v\n%s", err, &out)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("it left %v", left)
	}
	return code, report, prose.String()
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

func TestBench_another(t *testing.T) {
	code, report, stderr := benchOn(t, &otherBridge{})
	if code != exitOK || len(report.Results) != 1 || report.Failed() {
		t.Fatalf("exit code %d, report %+v, stderr %s", code, report, stderr)
	}
	if r := report.Results[0]; r.Target != "claude-bridge 1.2.0" || r.Count == 0 || r.Lost != 0 {
		t.Errorf("result is %+v", r)
	}
	if len(report.Targets) != 1 || !report.Targets[0].Foreign {
		t.Errorf("targets are %+v", report.Targets)
	}
}

// A bridge that loses, repeats or mixes up messages fails whatever its speed.
func TestBench_brokenPromises(t *testing.T) {
	for name, test := range map[string]struct {
		bridge *otherBridge
		broken func(bench.Result) int64
	}{
		"loses every 10th":   {&otherBridge{drop: 10}, func(r bench.Result) int64 { return r.Lost }},
		"repeats every 10th": {&otherBridge{repeat: 10}, func(r bench.Result) int64 { return r.Duplicated }},
		"swaps every 10th":   {&otherBridge{swap: 10}, func(r bench.Result) int64 { return r.Disordered }},
	} {
		t.Run(name, func(t *testing.T) {
			code, report, stderr := benchOn(t, test.bridge)
			if code != exitFailed || !report.Failed() || len(report.Results) != 1 || test.broken(report.Results[0]) == 0 {
				t.Errorf("exit code %d, results %+v", code, report.Results)
			}
			if lines := strings.Split(strings.TrimSpace(stderr), "\n"); !strings.Contains(lines[len(lines)-1], "broke a promise") {
				t.Errorf("stderr ends with %q", lines[len(lines)-1])
			}
		})
	}
}

// Who is no bridge, and a token that is refused: one line, with its own code.
func TestBench_refused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("a-token-of-somebody-else"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		server http.Handler
		flags  []string
		code   int
		line   string
	}{
		"no bridge":   {http.NotFoundHandler(), nil, exitUnreachable, "is no bridge"},
		"a web page":  {http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }), nil, exitUnreachable, "is no bridge"},
		"no token":    {&otherBridge{token: "secret"}, nil, exitAuth, "--auth-token-file"},
		"wrong token": {&otherBridge{token: "secret"}, []string{"--auth-token-file", file}, exitAuth, "does not accept the token"},
	} {
		t.Run(name, func(t *testing.T) {
			code, report, stderr := benchOn(t, test.server, test.flags...)
			if code != test.code || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, test.line) || len(report.Results) > 0 {
				t.Errorf("exit code %d, stderr %q, report %+v; want %d and %q", code, stderr, report, test.code, test.line)
			}
			if strings.Contains(stderr, "a-token-of") {
				t.Errorf("the token is on stderr: %s", stderr)
			}
		})
	}
}

// What is said of a server that is compared with must be about one.
func TestBench_against(t *testing.T) {
	here, there := httptest.NewServer(&otherBridge{}), httptest.NewServer(&otherBridge{})
	defer here.Close()
	defer there.Close()
	for name, test := range map[string]struct {
		flags []string
		code  int
		line  string
	}{
		"nobody": {[]string{"--against-pid", "1"}, exitUsage, "--against-pid is about the one server"},
		"two":    {[]string{"--against", here.URL, "--against", there.URL, "--against-db", "x"}, exitUsage, "--against-db is about the one server"},
		"no db":  {[]string{"--against", there.URL, "--against-db", filepath.Join(t.TempDir(), "x")}, exitUsage, "no file that can be looked at"},
	} {
		code, _, stderr := benchOn(t, &otherBridge{}, test.flags...)
		if code != test.code || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, test.line) {
			t.Errorf("%s: exit code %d, stderr %q; want %d and %q", name, code, stderr, test.code, test.line)
		}
	}
	code, report, stderr := benchOn(t, &otherBridge{}, "--against", there.URL, "--against-pid", strconv.Itoa(os.Getpid()))
	if code != exitOK || len(report.Results) != 2 {
		t.Fatalf("exit code %d, results %+v, stderr %s", code, report.Results, stderr)
	}
	if first, second := report.Results[0].ServerCPU, report.Results[1].ServerCPU; first != nil || runtime.GOOS == "linux" && second == nil {
		t.Errorf("server CPU is %v and %v; want only that of the one whose process was named", first, second)
	}
}

// A token that looks right is one that only the comparison can tell: as long,
// of the same characters, and never the right one.
func TestWrongTokens(t *testing.T) {
	const right = "0123456789abcdef0123456789abcdef"
	make := wrongTokens(right)
	seen := map[string]bool{}
	for n := range 300 {
		wrong := make(n)
		if wrong == right || len(wrong) != len(right) || strings.Trim(wrong, "0123456789abcdef") != "" || seen[wrong] {
			t.Errorf("wrong token %d is %q", n, wrong)
		}
		seen[wrong] = true
	}
}

// An older picture stays whole until the new one is, and nothing else is left.
func TestReserve(t *testing.T) {
	dir := t.TempDir()
	old, fresh := filepath.Join(dir, "old"), filepath.Join(dir, "fresh")
	if err := os.WriteFile(old, []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	o, err := reserveAll(old, fresh, "")
	if err != nil {
		t.Fatal(err)
	}
	if raw, _ := os.ReadFile(old); string(raw) != "before" {
		t.Errorf("before anything was measured the old file holds %q", raw)
	}
	if err := o.finish(old, func(w io.Writer) error { _, err := io.WriteString(w, "after"); return err }); err != nil {
		t.Fatal(err)
	}
	o.discard()
	raw, _ := os.ReadFile(old)
	if left, _ := os.ReadDir(dir); string(raw) != "after" || len(left) != 1 {
		t.Errorf("at the end the file holds %q, and there are %v", raw, left)
	}
}
