// This file is the workshop of the tests: a server on a real bridge and a real
// listener, and what is said to it.

package httpapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/httpapi"
	"agentbridge/internal/relay"

	"github.com/google/go-cmp/cmp"
)

// hall is a server and the bridge behind it.
type hall struct {
	*bridgetest.Agent // who says things without HTTP

	t      testing.TB
	bridge *bridgetest.Bridge
	server *httpapi.Server
	url    string
	log    *logbook

	listener *httptest.Server
}

func newHall(t testing.TB, o httpapi.Options) *hall {
	t.Helper()
	return newHallOn(t, bridgetest.Unlimited(t), o)
}

func newHallOn(t testing.TB, bridge *bridgetest.Bridge, o httpapi.Options) *hall {
	t.Helper()
	h := serve(t, bridge.Relay, o)
	h.bridge, h.Agent = bridge, bridge.Agent("alice")
	return h
}

// serve puts a server in front of any bridge.
func serve(t testing.TB, bridge agentbridge.Bridge, o httpapi.Options) *hall {
	t.Helper()
	h := &hall{t: t, log: &logbook{}}
	o.Logger = slog.New(slog.NewTextHandler(h.log, nil))
	h.server = httpapi.New(bridge, o)
	h.listener = httptest.NewServer(asLocal(h.server.Handler()))
	h.url = h.listener.URL
	t.Cleanup(h.close)
	return h
}

// asLocal stands for the boundary of an open bridge.
func asLocal(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(agentbridge.WithPrincipal(r.Context(), agentbridge.Local())))
	})
}

// close ends the server and waits for the handlers that still run.
func (h *hall) close() {
	h.server.Close()
	h.listener.Close()
}

// logbook keeps what was logged.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// answer is what came back.
type answer struct {
	t      testing.TB
	call   string
	status int
	header http.Header
	body   string
}

func (h *hall) do(r *http.Request) answer {
	h.t.Helper()
	res, err := http.DefaultClient.Do(r)
	if err != nil { // not Fatal, for calls that wait run in goroutines of their own
		h.t.Errorf("%s %s: %v", r.Method, r.URL, err)
		return answer{t: h.t, call: r.URL.Path}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatalf("%s %s: read the body: %v", r.Method, r.URL, err)
	}
	a := answer{h.t, r.Method + " " + agentbridge.Preview(r.URL.RequestURI(), 120), res.StatusCode, res.Header, strings.TrimSuffix(string(body), "\n")}
	if a.body != "" && !json.Valid(body) {
		h.t.Errorf("%s: answered %q, which is not JSON", a.call, agentbridge.Preview(a.body, 200))
	}
	return a
}

func (h *hall) request(method, path string, body io.Reader) *http.Request {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), method, h.url+path, body)
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

func (h *hall) get(path string) answer {
	h.t.Helper()
	return h.do(h.request(http.MethodGet, path, nil))
}

func (h *hall) post(path, body string) answer {
	h.t.Helper()
	r := h.request(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	a := h.do(r)
	a.call += " " + agentbridge.Preview(body, 120)
	return a
}

// query is a path with parameters, given in pairs.
func query(path string, pairs ...string) string {
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		values.Add(pairs[i], pairs[i+1])
	}
	return path + "?" + values.Encode()
}

// want checks status and body; the body is compared as JSON, so that the order
// of keys does not matter.
func (a answer) want(status int, body string) {
	a.t.Helper()
	if a.status != status {
		a.t.Errorf("%s = %d %s, want %d", a.call, a.status, a.body, status)
		return
	}
	if diff := cmp.Diff(decode(a.t, body), decode(a.t, a.body)); diff != "" {
		a.t.Errorf("%s: -want +got\n%s", a.call, diff)
	}
}

// wantRefused checks a refusal's status, text, field and code.
func (a answer) wantRefused(status int, text, field string, code agentbridge.Code) {
	a.t.Helper()
	got := a.object()
	if a.status != status || got["error"] != text || str(got["field"]) != field || str(got["code"]) != string(code) {
		a.t.Errorf("%s = %d %s,\nwant %d with error %q, field %q, code %q", a.call, a.status, a.body, status, text, field, code)
	}
	if message := str(got["message"]); message == "" {
		a.t.Errorf("%s = %s, want a message beside the error", a.call, a.body)
	}
}

func str(v any) string {
	s, _ := v.(string)
	return s
}

// object is the body as an object, after a status of 200 or a refusal.
func (a answer) object() map[string]any {
	a.t.Helper()
	object, ok := decode(a.t, a.body).(map[string]any)
	if !ok {
		a.t.Fatalf("%s = %d %s, want an object", a.call, a.status, agentbridge.Preview(a.body, 200))
	}
	return object
}

// into decodes the body of a success.
func (a answer) into(v any) {
	a.t.Helper()
	if a.status != http.StatusOK {
		a.t.Fatalf("%s = %d %s", a.call, a.status, a.body)
	}
	if err := json.Unmarshal([]byte(a.body), v); err != nil {
		a.t.Fatalf("%s = %s: %v", a.call, a.body, err)
	}
}

// wantKeys checks that the body has exactly these keys.
func (a answer) wantKeys(keys ...string) map[string]any {
	a.t.Helper()
	object := a.object()
	wantKeys(a.t, a.call, object, keys...)
	return object
}

func wantKeys(t testing.TB, call string, object map[string]any, keys ...string) {
	t.Helper()
	want, got := map[string]bool{}, map[string]bool{}
	for _, k := range keys {
		want[k] = true
	}
	for k := range object {
		got[k] = true
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: keys -want +got\n%s", call, diff)
	}
}

func decode(t testing.TB, text string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("decode %q: %v", agentbridge.Preview(text, 200), err)
	}
	return v
}

// encode writes a value as JSON.
func encode(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// object is a JSON object to send.
type object = map[string]any

// mustSend sends text through the API.
func (h *hall) mustSend(channel, sender, content string) (sent struct {
	ID  agentbridge.MessageID
	Seq agentbridge.Seq
	TS  string
}) {
	h.t.Helper()
	h.post("/api/send", encode(h.t, object{"channel": channel, "sender": sender, "content": content})).into(&sent)
	return sent
}

// wantStored checks that a channel holds exactly these texts.
func (h *hall) wantStored(channel agentbridge.ChannelName, want ...string) {
	h.t.Helper()
	page := h.MustRead(agentbridge.ReadRequest{Channel: channel, Limit: agentbridge.MaxPage})
	bridgetest.WantTexts(h.t, fmt.Sprintf("Read(%q)", channel), page.Messages, want...)
}

// openIn returns a bridge on the files of a directory.
func openIn(t testing.TB, dir string) *bridgetest.Bridge {
	return bridgetest.Open(t, dir, relay.Options{})
}
