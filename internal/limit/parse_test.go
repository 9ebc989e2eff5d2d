package limit_test

import (
	"strings"
	"testing"
	"time"

	"agentbridge/internal/limit"

	"github.com/google/go-cmp/cmp"
)

func TestParseSetting(t *testing.T) {
	for text, want := range map[string]limit.Rule{
		"conversation=100/m,500/h,2000/d": {{100, time.Minute}, {500, time.Hour}, {2000, 24 * time.Hour}},
		"channel=2/s":                     {{2, time.Second}},
		" ack = 1/d , 1000000/m ":         {{1, 24 * time.Hour}, {1_000_000, time.Minute}},
		"clear=off":                       nil,
	} {
		class, rule, err := limit.ParseSetting(text)
		if diff := cmp.Diff(want, rule); err != nil || diff != "" || !strings.Contains(text, string(class)) {
			t.Errorf("ParseSetting(%q) = %q, %v, %v; -want +got\n%s", text, class, rule, err, diff)
		}
		if again, err := limit.ParseRule(rule.String()); err != nil || !cmp.Equal(again, rule) {
			t.Errorf("ParseRule(%q) = %v, %v; want %v", rule.String(), again, err, rule)
		}
	}
}

// Each refusal names what is wrong and what would be right.
func TestParseSetting_refuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                                      "CLASS=RATES",
		"conversation":                          "CLASS=RATES",
		"conversations=1/m":                     "the classes are conversation, channel, ",
		"=1/m":                                  "the classes are ",
		"channel=":                              "channel: \"\" is not a rate",
		"channel=10":                            "channel: ",
		"channel=10/":                           "channel: ",
		"channel=/m":                            "channel: ",
		"channel=0/m":                           "number of 1 to 1000000",
		"channel=-1/m":                          "number of 1 to 1000000",
		"channel=+1/m":                          "number of 1 to 1000000",
		"channel=1.5/m":                         "number of 1 to 1000000",
		"channel=1000001/m":                     "number of 1 to 1000000",
		"channel=9999999999999999/m":            "number of 1 to 1000000",
		"channel=10/min":                        "one of s, m, h, d",
		"channel=10/M":                          "one of s, m, h, d",
		"channel=10/m/h":                        "one of s, m, h, d",
		"channel=10/m,":                         "channel: \"\" is not a rate",
		"channel=10/m,20/m":                     "two rates for one unit",
		"channel=10/m,off":                      "\"off\" is not a rate",
		"channel=" + strings.Repeat("9", 1<<20): "channel: ",
	} {
		class, rule, err := limit.ParseSetting(text)
		if err == nil {
			t.Errorf("ParseSetting(%.60q) = %q, %v; want an error", text, class, rule)
			continue
		}
		if got := err.Error(); !strings.Contains(got, want) || strings.Contains(got, "\n") || len(got) > 300 {
			t.Errorf("ParseSetting(%.60q) = %q, want one short line with %q", text, got, want)
		}
	}
}

func TestTables(t *testing.T) {
	for _, name := range limit.Names() {
		table, ok := limit.Named(name)
		if !ok || table == nil {
			t.Fatalf("Named(%q) = %v, %v; want a table", name, table, ok)
		}
		for class, rule := range table {
			if again, err := limit.ParseRule(rule.String()); err != nil || !cmp.Equal(again, rule) {
				t.Errorf("%s: %s = %s is no rule that could be asked for: %v", name, class, rule, err)
			}
		}
		if name == "off" {
			if len(table) != 0 {
				t.Errorf("off: %v, want no limits", table)
			}
			continue
		}
		for _, class := range limit.Classes() { // nothing is without a limit
			if len(table[class]) == 0 {
				t.Errorf("%s: %s has no limit", name, class)
			}
		}
	}
	if _, ok := limit.Named("Default"); ok {
		t.Error(`Named("Default") is a table`)
	}
	for got, want := range map[string]string{
		limit.Default()[limit.Conversation].String():    "10/m,100/h,500/d",
		limit.MultiAgent()[limit.Conversation].String(): "100/m,500/h,2000/d",
		limit.Default()[limit.Conversation].Words():     "10 a minute, 100 an hour, 500 a day",
		limit.Default()[limit.Channel].String():         "6000/m",
		limit.Rule{{3, 90 * time.Second}}.Words():       "3 in 1m30s",
		limit.Rule(nil).String():                        "off",
	} {
		if got != want {
			t.Errorf("a rule reads %q, want %q", got, want)
		}
	}
}
