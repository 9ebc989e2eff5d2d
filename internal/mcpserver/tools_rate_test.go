package mcpserver

import (
	"testing"

	"agentbridge/bridgetest"
	"agentbridge/internal/limit"
	"agentbridge/internal/relay"
)

// An agent in a loop is told when to come back, on every transport, as a tool's
// error: the model can read that.
func TestTools_rateLimited(t *testing.T) {
	table := limit.Off()
	for _, setting := range []string{"conversation=10/h", "channel=20/h"} {
		class, rule, err := limit.ParseSetting(setting)
		if err != nil {
			t.Fatal(err)
		}
		table[class] = rule
	}
	for _, d := range doors {
		t.Run(d.name, func(t *testing.T) {
			h := newHallOn(t, bridgetest.Open(t, t.TempDir(), relay.Options{Limits: table}))
			h.serve()
			c := h.enter(d)
			a, b := c.converse()
			for range 10 {
				c.must("send_to_partner", with(a, args{"message": "again"}))
			}
			c.refused("send_to_partner", with(a, args{"message": "again"}),
				"too many messages from this session", "10 an hour", "come back in ", "retry after 3")
			c.must("send_to_partner", with(b, args{"message": "I am not he"}))

			loop := args{"channel": "c", "sender": "alice", "content": "again"}
			for range 20 {
				c.must("bridge_send", loop)
			}
			c.refused("bridge_send", loop, "too many messages from this sender", "20 an hour", "come back in ", "retry after 1")
			c.must("bridge_send", with(loop, args{"sender": "bob"}))
		})
	}
}
