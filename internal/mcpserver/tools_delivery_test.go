package mcpserver

import (
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"agentbridge"

	"github.com/google/go-cmp/cmp"
)

// deafDoors take an agent's check_messages up to the moment when its answer is
// being written, and then let the agent vanish.
var deafDoors = map[string]func(h *hall, check string){
	"stdio": func(h *hall, check string) {
		serverIn, in, _ := os.Pipe()
		out, serverOut, _ := os.Pipe()
		done := make(chan error, 1)
		go func() { done <- h.serveStdio(h.t.Context(), serverIn, serverOut) }()
		io.WriteString(in, legacyInit+"\n"+legacyTool(1, check)+"\n")
		readUntil(h.t, out, `"content"`)
		out.Close() // the answer is larger than the pipe: it stands in the middle
		if err := within(h.t, "serveStdio", done); err == nil {
			h.t.Error("serveStdio returned nil although nobody read its answer")
		}
		in.Close()
	},
	"mcp": func(h *hall, check string) {
		conn := h.deaf("POST", "/mcp", legacyTool(1, check), h.initialize())
		readUntil(h.t, conn, `"content"`)
		vanish(conn)
	},
	"mcp 2026-07-28": func(h *hall, check string) {
		conn := h.deaf("POST", "/mcp", modernTool(1, check), modernHeaders("check_messages"))
		readUntil(h.t, conn, `"content"`)
		vanish(conn)
	},
	"sse": func(h *hall, check string) {
		conn := h.deaf("GET", "/sse", "", nil)
		endpoint := readUntil(h.t, conn, "session_id=") + readUntil(h.t, conn, "\n")
		_, path, _ := strings.Cut(endpoint, "data: ")
		l := &listening{path: strings.TrimSpace(path)}
		h.post(l, legacyInit)
		readUntil(h.t, conn, `"protocolVersion"`)
		h.post(l, legacyTool(1, check))
		readUntil(h.t, conn, `"content"`)
		vanish(conn)
	},
}

// legacyTool and modernTool call check_messages with real arguments.
func legacyTool(id int, arguments string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"check_messages","arguments":%s}}`, id, arguments)
}

func modernTool(id int, arguments string) string {
	return strings.Replace(legacyTool(id, arguments), `"arguments"`,
		`"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}},"arguments"`, 1)
}

// readUntil reads byte by byte up to a text and no further.
func readUntil(t *testing.T, r io.Reader, text string) (got string) {
	t.Helper()
	if conn, ok := r.(interface{ SetReadDeadline(time.Time) error }); ok {
		conn.SetReadDeadline(time.Now().Add(hangTime))
	}
	for buf := make([]byte, 1); !strings.HasSuffix(got, text); got += string(buf) {
		if _, err := io.ReadFull(r, buf); err != nil {
			t.Fatalf("read up to %q: %v after %.300q", text, err, got)
		}
	}
	return got
}

// vanish ends a connection as a killed process does that had not read it.
func vanish(conn net.Conn) {
	conn.(*net.TCPConn).SetLinger(0)
	conn.Close()
}

// An agent dies while its answer is on the way. What the answer carried comes
// again, at once and not after the offer has run out, under the same ids; and
// once it has arrived it does not come a third time.
func TestDelivery_lostReply(t *testing.T) {
	for name, vanishing := range deafDoors {
		t.Run(name, func(t *testing.T) {
			h := newHall(t)
			h.serve()
			a, b := h.bridge.Pair("backend_developer", "frontend_developer")
			seat := args{"conversation_id": b.Credential.Conversation, "session_id": "b", "token": string(b.Credential.Token)}
			var want []string
			for i := range 6 { // 165 KB as text and data: more than a pipe or a socket holds
				sent := a.MustSend(fmt.Sprintf("%d %s", i, repeat("x", 13_500)))
				want = append(want, string(sent.ID))
			}
			vanishing(h, encode(seat))

			c := h.wire()
			var checked answer
			eventually(t, "messages that come again", func() (any, bool) {
				checked = c.must("check_messages", seat)
				return checked.num("count"), checked.num("count") > 0
			})
			if diff := cmp.Diff(want, checked.column("messages", "id")); diff != "" {
				t.Errorf("messages that come again (-want +got):\n%s", diff)
			}
			for _, m := range checked.list("messages") {
				if !m.bool("redelivered") {
					t.Errorf("message %v is not marked as redelivered", m.data["seq"])
				}
			}
			if n := strings.Count(checked.text, ", redelivered\n"); n != len(want) {
				t.Errorf("the text marks %d messages as redelivered, want %d:\n%.500s", n, len(want), checked.text)
			}
			eventually(t, "unread messages", func() (any, bool) {
				n := a.MustPartner().Unread
				return n, n == 0
			})
			wantData(t, "check_messages", c.must("check_messages", seat), args{"count": 0.0, "remaining": 0.0, "messages": []any{}})
		})
	}
}

// An agent that stops reading its answer keeps it for as long as a write may
// take; then it counts as gone, and the messages come again.
func TestDelivery_stoppedReading(t *testing.T) {
	h := newHall(t)
	h.opts.WriteTimeout = 300 * time.Millisecond
	h.serve()
	a, b := h.bridge.Pair("backend_developer", "frontend_developer")
	seat := args{"conversation_id": b.Credential.Conversation, "session_id": "b", "token": string(b.Credential.Token)}
	sent := a.MustSend(repeat("🦜", agentbridge.MaxText)) // 400 KB as text and data
	readUntil(t, h.deaf("POST", "/mcp", legacyTool(1, encode(seat)), h.initialize()), `"content"`)
	c := h.wire()
	wantData(t, "check_messages meanwhile", c.must("check_messages", seat), args{"count": 0.0, "remaining": 0.0, "messages": []any{}})
	eventually(t, "messages that come again", func() (any, bool) {
		got := c.must("check_messages", seat).column("messages", "id")
		return got, slices.Equal(got, []string{string(sent.ID)})
	})
}

// Eight readers of one inbox, at all doors: each message goes to one of them.
func TestDelivery_concurrentReaders(t *testing.T) {
	h := newHall(t)
	h.serve()
	a, b := h.bridge.Pair("backend_developer", "frontend_developer")
	seat := args{"conversation_id": b.Credential.Conversation, "session_id": "b", "token": string(b.Credential.Token)}
	const n = 500
	h.atOnce(n, func(i int) error {
		_, err := a.Send(t.Context(), agentbridge.SeatDraft{Text: repeat("x", 2_000), ActionType: "info"})
		return err
	})
	var mu sync.Mutex
	var got []int
	var readers sync.WaitGroup
	for i := range 8 {
		c := h.enter(doors[i%len(doors)])
		readers.Go(func() {
			for {
				checked, err := c.try("check_messages", seat)
				if err != nil {
					t.Errorf("check_messages: %v", err)
					return
				}
				mu.Lock()
				for _, m := range checked.list("messages") {
					got = append(got, m.num("seq"))
					if m.bool("redelivered") {
						t.Errorf("message %d is marked as redelivered", m.num("seq"))
					}
				}
				mu.Unlock()
				if checked.num("remaining") == 0 {
					return
				}
			}
		})
	}
	readers.Wait()
	slices.Sort(got)
	if len(got) != n || len(slices.Compact(got)) != n {
		t.Errorf("%d messages were handed out, want each of %d once", len(got), n)
	}
	eventually(t, "unread messages", func() (any, bool) {
		n := a.MustPartner().Unread
		return n, n == 0
	})
}
