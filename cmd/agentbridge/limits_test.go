package main

import (
	"strings"
	"testing"

	"agentbridge/internal/limit"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

// The order of the flags does not matter, and of two limits for one class the
// last one holds.
func TestLimitFlags(t *testing.T) {
	with := func(table limit.Table, settings ...string) limit.Table {
		for _, s := range settings {
			class, rule, err := limit.ParseSetting(s)
			if err != nil {
				t.Fatal(err)
			}
			table[class] = rule
		}
		return table
	}
	for _, c := range []struct {
		args []string
		want limit.Table
	}{
		{nil, limit.Default()},
		{[]string{"--limits", "multi-agent"}, limit.MultiAgent()},
		{[]string{"--limits=off"}, limit.Off()},
		{[]string{"--limit", "ack=1/s"}, with(limit.Default(), "ack=1/s")},
		{[]string{"--limit", "ack=1/s;clear=2/m", "--limits", "off"}, with(limit.Off(), "ack=1/s", "clear=2/m")},
		{[]string{"--limits", "off", "--limit", "ack=1/s", "--limit", "ack=3/h,4/d"}, with(limit.Off(), "ack=3/h,4/d")},
		{[]string{"--limit", "channel=off"}, with(limit.Default(), "channel=off")},
	} {
		var f limitFlags
		cmd := &cobra.Command{}
		f.declare(cmd)
		if err := cmd.Flags().Parse(c.args); err != nil {
			t.Errorf("%v: %v", c.args, err)
		}
		if diff := cmp.Diff(c.want, f.limits()); diff != "" {
			t.Errorf("%v: -want +got\n%s", c.args, diff)
		}
	}
	if got := (&limitFlags{}).limits(); got != nil {
		t.Errorf("without the flags: %v, want nil, which is the default", got)
	}
}

// Each agent has a process of its own, and all of them share one bucket.
func TestProcess_sharesLimits(t *testing.T) {
	h := newHome(t)
	one := h.stdio(t, "--limit", "conversation=10/h").member()
	two := h.stdio(t, "--limit", "conversation=10/h").member()
	made := one.must("create_conversation", args{"my_role": "backend_developer", "partner_role": "frontend_developer"})
	a := args{"conversation_id": made["conversation_id"], "session_id": "a", "token": made["session_a_token"]}
	for range 5 {
		one.must("send_to_partner", with(a, args{"message": "through one"}))
		two.must("send_to_partner", with(a, args{"message": "through the other"}))
	}
	for _, m := range []*member{one, two} {
		_, err := m.call("send_to_partner", with(a, args{"message": "the eleventh"}))
		if err == nil || !strings.Contains(err.Error(), "too many messages from this session: the limit is 10 an hour") {
			t.Errorf("the eleventh message: %v, want it to be refused", err)
		}
	}
}
