package mcpserver

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"testing"

	"agentbridge"
)

// maxReply is what a reply may take on the wire: the messages, and some lines
// around them.
const maxReply = agentbridge.MaxReplyBytes + 4<<10

// wantSmall checks the size of the last response.
func (c *client) wantSmall(call string) {
	c.t.Helper()
	if c.size > maxReply {
		c.t.Errorf("%s: the response takes %d bytes, want at most %d", call, c.size, maxReply)
	}
}

// bulky are contents whose replies are larger than they look.
var bulky = map[string]string{
	"letters":   repeat("x", 10_000),
	"emoji":     repeat("🦜", 2_500),
	"quotes":    repeat(`"`, 10_000),
	"backslash": repeat(`\`, 10_000),
	"less-than": repeat("<", 10_000),
	"newlines":  repeat("\n", 10_000),
	"envelope":  `{"content":"` + repeat(`\"`, 4_900) + `","schema_version":1,"type":"t"}`,
	"invalid":   `{"schema_version":1,"type":"t","content":1,"` + repeat("<", 1_000) + `":1}`,
	"short":     "x",
}

// bulkyOlder are contents that nobody can send any more, but which may have been
// stored: they take up to six bytes for one.
var bulkyOlder = map[string]string{
	"controls":      repeat("\x01", 10_000),
	"invisible":     repeat("\u200b", 3_000),
	"separator":     repeat("\u2028", 3_000),
	"older invalid": `{"schema_version":1,"type":"t","content":1,"` + repeat("\U000E0041", 60) + `":1,"` + repeat("<", 1_000) + `":1}`,
}

// fill sends messages to a channel, all at once, and returns their ids in order.
// What nobody can send any more is stored as it once was.
func (h *hall) fill(channel agentbridge.ChannelName, name agentbridge.AgentName, content string, n int) []string {
	h.t.Helper()
	sender := h.bridge.Agent(name)
	ids := make(map[agentbridge.Seq]string)
	var mu sync.Mutex
	h.atOnce(n, func(int) error {
		var sent agentbridge.Sent
		var err error
		if _, older := bulkyOlder[string(channel)]; older {
			sent, err = h.bridge.Older(channel, name, content)
		} else {
			sent, err = sender.Send(h.t.Context(), sender.Draft(channel, content))
		}
		mu.Lock()
		defer mu.Unlock()
		ids[sent.Seq] = string(sent.ID)
		return err
	})
	var ordered []string
	for _, seq := range slices.Sorted(keys(ids)) {
		ordered = append(ordered, ids[seq])
	}
	return ordered
}

func keys[K comparable, V any](m map[K]V) func(func(K) bool) {
	return func(yield func(K) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// atOnce runs f n times, a hundred at a time: they share their commits.
func (h *hall) atOnce(n int, f func(i int) error) {
	h.t.Helper()
	work := make(chan int)
	var running sync.WaitGroup
	for range min(n, 100) {
		running.Go(func() {
			for i := range work {
				if err := f(i); err != nil {
					h.t.Error(err)
				}
			}
		})
	}
	for i := range n {
		work <- i
	}
	close(work)
	running.Wait()
}

func bulkyOrOlder() map[string]string {
	all := maps.Clone(bulky)
	maps.Copy(all, bulkyOlder)
	return all
}

// A page is bounded, and the pages together are the channel.
func TestBounds_pages(t *testing.T) {
	h := newHall(t)
	c := h.wire()
	odd := repeat("\U000E0041", 128) // shown as \U000e0041
	for kind, content := range bulkyOrOlder() {
		n := 25
		if content == "x" {
			n = 300
		}
		channel := agentbridge.ChannelName(kind)
		ids := h.fill(channel, agentbridge.AgentName(odd), content, n)
		for tool, more := range map[string]args{"bridge_receive": {}, "bridge_wait": {"timeout_seconds": 0}} {
			if got := c.readAll(tool, with(args{"channel": channel, "consumer_id": "reader", "limit": 500}, more)); !slices.Equal(got, ids) {
				t.Errorf("%s of %s returned %d messages in all, want the %d that were sent, in order", tool, channel, len(got), len(ids))
			}
		}
		newest := c.must("bridge_receive", args{"channel": channel, "limit": 500}).column("messages", "id")
		c.wantSmall(fmt.Sprintf("bridge_receive of the newest of %s", channel))
		if len(newest) == 0 || !slices.Equal(newest, ids[len(ids)-len(newest):]) {
			t.Errorf("bridge_receive of the newest of %s: %d messages, want the last ones", channel, len(newest))
		}
	}
}

// readAll follows the cursor to the end and returns the ids it met.
func (c *client) readAll(tool string, next args) (ids []string) {
	c.t.Helper()
	for range 100 {
		page := c.must(tool, next)
		c.wantSmall(fmt.Sprintf("%s of %s", tool, next["channel"]))
		ids = append(ids, page.column("messages", "id")...)
		if !page.bool("more") {
			break
		}
		next["since_id"] = page.str("next_cursor")
	}
	return ids
}

func TestBounds_checks(t *testing.T) {
	h := newHall(t)
	c := h.wire()
	for kind, content := range bulkyOrOlder() {
		_, older := bulkyOlder[kind]
		h.wantChecked(c, kind, agentbridge.SeatDraft{Text: content, ActionType: "info"}, older)
	}
	for kind, file := range map[string]string{
		"a file":                      "internal/mcpserver/tools_bounds_test.go",
		"a file of quotes":            repeat(`"`, 250),
		"a file of invisible letters": repeat("\U000E0041", 100),
	} {
		d := agentbridge.SeatDraft{Text: "x", ActionType: "info", Files: slices.Repeat([]string{file}, 20)}
		h.wantChecked(c, kind, d, kind == "a file of invisible letters")
	}
}

// wantChecked checks that messages of a kind are handed out once each. Older
// ones are stored as they once were.
func (h *hall) wantChecked(c *client, kind string, d agentbridge.SeatDraft, older bool) {
	h.t.Helper()
	a, b := h.bridge.Pair("backend_developer", "frontend_developer")
	seat := args{"conversation_id": b.Credential.Conversation, "session_id": "b", "token": string(b.Credential.Token)}
	const n = 25
	h.atOnce(n, func(int) (err error) {
		if older {
			_, err = h.bridge.OlderSaid(a.Credential, d)
		} else {
			_, err = a.Send(h.t.Context(), d)
		}
		return err
	})
	var got []string
	for range n {
		checked := c.must("check_messages", seat)
		c.wantSmall("check_messages of " + kind)
		got = append(got, checked.column("messages", "seq")...)
		if count := len(checked.list("messages")); checked.num("count") != count || checked.num("remaining") != n-len(got) {
			h.t.Errorf("check_messages of %s: count %v, remaining %v for %d messages, %d in all", kind, checked.data["count"], checked.data["remaining"], count, len(got))
		}
		if checked.num("remaining") == 0 {
			break
		}
	}
	if distinct := slices.Compact(slices.Sorted(slices.Values(got))); len(got) != n || len(distinct) != n {
		h.t.Errorf("check_messages of %s: %d messages, %d of them distinct, want %d", kind, len(got), len(distinct), n)
	}
}

// A message alone may be as large as it was when it was sent.
func TestBounds_oneLargeMessage(t *testing.T) {
	h := newHall(t)
	c := h.wire()
	a, b := c.converse()
	for range 2 {
		c.must("bridge_send", args{"channel": "c", "sender": "s", "content": repeat(`"`, agentbridge.MaxContent)})
		c.must("send_to_partner", with(a, args{"message": repeat("🦜", agentbridge.MaxText)}))
	}
	c.wantOneEach(b)
}

// The same for what was stored when control characters were not taken out yet.
func TestBounds_oneLargeOlderMessage(t *testing.T) {
	h := newHall(t)
	a, b := h.bridge.Pair("backend_developer", "frontend_developer")
	for range 2 {
		_, err := h.bridge.Older("c", "s", repeat("\x01", agentbridge.MaxContent))
		if err == nil {
			_, err = h.bridge.OlderSaid(a.Credential, agentbridge.SeatDraft{Text: repeat("\x01", agentbridge.MaxText), ActionType: "info"})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	h.wire().wantOneEach(args{"conversation_id": b.Credential.Conversation, "session_id": "b", "token": string(b.Credential.Token)})
}

// wantOneEach checks that each call brings one of two large messages.
func (c *client) wantOneEach(b args) {
	c.t.Helper()
	for _, call := range []struct {
		tool string
		args args
	}{
		{"bridge_receive", args{"channel": "c"}},
		{"bridge_wait", args{"channel": "c", "consumer_id": "x"}},
		{"check_messages", b}, {"check_messages", b},
		{"bridge_status", args{}},
	} {
		got := c.must(call.tool, call.args)
		messages := got.list("messages")
		if call.tool == "bridge_status" {
			messages = got.list("channels")[0].list("messages")
		}
		if len(messages) != 1 {
			c.t.Errorf("%s: %d messages, want one", call.tool, len(messages))
		}
	}
}

// A thousand channels, ten thousand with AGENTBRIDGE_LONG=1, and names that
// take more room than it seems: no answer grows, and the pages together are all
// of them.
func TestBounds_channels(t *testing.T) {
	h := newHall(t)
	c := h.wire()
	n := 1_000
	if os.Getenv("AGENTBRIDGE_LONG") == "1" {
		n = 10_000
	}
	kinds := []string{"x", "<", `"`, "🦜", "\u00ad", "\U000E0041", "/"}
	sender := h.bridge.Agent("alice")
	want := make([]string, n)
	h.atOnce(n, func(i int) error {
		want[i] = repeat(kinds[i%len(kinds)], 251) + fmt.Sprintf("%05d", i)
		_, err := sender.Send(t.Context(), sender.Draft(agentbridge.ChannelName(want[i]), "x"))
		return err
	})
	slices.Sort(want)
	for _, tool := range []string{"bridge_channels", "bridge_status"} {
		next := args{}
		var got []string
		calls := 0
		for {
			calls++
			page := c.must(tool, next)
			c.wantSmall(tool)
			got = append(got, page.column("channels", "channel")...)
			if tool == "bridge_channels" && page.num("total_channels") != n {
				t.Errorf("bridge_channels: total_channels %v, want %d", page.data["total_channels"], n)
			}
			if page.str("next_channel") == "" || calls > n {
				break
			}
			next = args{"after_channel": page.str("next_channel")}
		}
		t.Logf("%s of %d channels: %d calls", tool, n, calls)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %d channels in all, want %d, each once", tool, len(got), n)
		}
	}
}

func TestBounds_status(t *testing.T) {
	h := newHall(t)
	c := h.wire()
	for i := range 30 {
		h.fill(agentbridge.ChannelName(fmt.Sprintf("channel %02d", i)), "s", repeat("<", 500), 10)
	}
	for _, perChannel := range []int{1, 5, 50} {
		next := args{"per_channel": perChannel}
		var got []string
		for {
			page := c.must("bridge_status", next)
			c.wantSmall(fmt.Sprintf("bridge_status of %d each", perChannel))
			for _, channel := range page.list("channels") {
				got = append(got, channel.str("channel"))
				if n := len(channel.list("messages")); n != min(perChannel, 10) || channel.num("total") != 10 {
					t.Errorf("bridge_status of %d each: %s has %d messages of %v", perChannel, channel.str("channel"), n, channel.data["total"])
				}
			}
			if page.str("next_channel") == "" {
				break
			}
			next = with(next, args{"after_channel": page.str("next_channel")})
		}
		if len(got) != 30 || !slices.IsSorted(got) {
			t.Errorf("bridge_status of %d each: %d channels, want 30: %q", perChannel, len(got), got)
		}
	}
}
