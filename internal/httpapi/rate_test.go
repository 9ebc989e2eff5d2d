package httpapi_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/httpapi"
	"agentbridge/internal/limit"
	"agentbridge/internal/relay"
)

// A program in a loop is told when to come back, in the header that clients
// know.
func TestSend_rateLimited(t *testing.T) {
	class, rule, err := limit.ParseSetting("channel=20/h")
	if err != nil {
		t.Fatal(err)
	}
	bridge := bridgetest.Open(t, t.TempDir(), relay.Options{Limits: limit.Table{class: rule}})
	h := newHallOn(t, bridge, httpapi.Options{})
	const again = `{"channel":"c","sender":"bob","content":"again","idempotency_key":"KEY"}`
	send := func(i int) answer { return h.post("/api/send", strings.Replace(again, "KEY", strconv.Itoa(i), 1)) }
	for i := range 20 {
		if a := send(i); a.status != http.StatusOK {
			t.Fatalf("%s = %d %s", a.call, a.status, a.body)
		}
	}
	a := send(20)
	var body struct {
		Code    agentbridge.Code
		Message string
	}
	if err := json.Unmarshal([]byte(a.body), &body); err != nil {
		t.Fatal(err)
	}
	after, _ := strconv.Atoi(a.header.Get("Retry-After"))
	if a.status != http.StatusTooManyRequests || after < 120 || after > 180 || body.Code != agentbridge.RateLimited ||
		!strings.HasSuffix(body.Message, "come back in "+(time.Duration(after)*time.Second).String()) {
		t.Errorf("%s = %d, Retry-After %q, %s; want %d and about 3 minutes", a.call, a.status, a.header.Get("Retry-After"), a.body, http.StatusTooManyRequests)
	}
	if a := send(0); a.status != http.StatusOK {
		t.Errorf("a retry of what was stored: %d %s", a.status, a.body)
	}
	if a := h.post("/api/send", strings.Replace(again, "bob", "carol", 1)); a.status != http.StatusOK {
		t.Errorf("another sender: %d %s", a.status, a.body)
	}
}
