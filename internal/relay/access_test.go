package relay_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/relay"

	"github.com/google/go-cmp/cmp"
)

// expected is who may do what, written out a second time: for each method what
// becomes of a call by each role, by nobody (the zero Principal), by Local and by
// an admin whose life ended after the session was opened. Before the slash stands
// what a principal gets whose scopes cover the channel, behind it another one.
//
//	A  it is done
//	H  it is done, and the channel stays hidden
//	F  forbidden
//	N  not found
//	U  unauthenticated
//
// Whatever is refused changes nothing and leaves one entry in the audit log.
const expected = `
	method                      viewer member operator approver auditor admin nobody local ended
	Session.Send                F/F    A/F    A/F      F/F      F/F     A/F   F      A     U
	Session.Read                A/F    A/F    A/F      A/F      F/F     A/F   F      A     U
	Session.Wait                A/F    A/F    A/F      A/F      F/F     A/F   F      A     U
	Session.Ack                 F/F    A/F    A/F      F/F      F/F     A/F   F      A     U
	Session.Message             A/N    A/N    A/N      A/N      F/F     A/N   F      A     U
	Session.Follow              A/F    A/F    A/F      A/F      F/F     A/F   F      A     U
	Session.Watch               A/F    A/F    A/F      A/F      F/F     A/F   F      A     U
	Session.Watch(all)          A/H    A/H    A/H      A/H      F/F     A/H   F      A     U
	Session.Channels            A/H    A/H    A/H      A/H      F/F     A/H   F      A     U
	Session.Overview            A/H    A/H    A/H      A/H      F/F     A/H   F      A     U
	Session.Clear               F/F    F/F    A/F      F/F      F/F     A/F   F      A     U
	Session.Ping                A/H    A/H    A/H      A/H      H/H     A/H   F      A     U
	Session.Entries             F/F    F/F    F/F      F/F      A/A     A/A   F      A     U
	Session.CreateConversation  F/F    A/A    A/A      F/F      F/F     A/A   F      A     U
	Session.JoinConversation    F/F    A/A    A/A      F/F      F/F     A/A   F      A     U
	SeatSession.Send            F/F    A/A    A/A      F/F      F/F     A/A   F      A     U
	SeatSession.Check           F/F    A/A    A/A      F/F      F/F     A/A   F      A     U
	SeatSession.SetStatus       F/F    A/A    A/A      F/F      F/F     A/A   F      A     U
	SeatSession.Partner         F/F    A/A    A/A      F/F      F/F     A/A   F      A     U
`

// expectations reads the table.
func expectations(t *testing.T) (roles []string, want map[string][]string) {
	t.Helper()
	want = map[string][]string{}
	for line := range strings.Lines(strings.TrimSpace(expected)) {
		fields := strings.Fields(line)
		if roles == nil {
			roles = fields[1:]
			continue
		}
		if len(fields) != 1+len(roles) {
			t.Fatalf("line %q has %d fields", line, len(fields))
		}
		want[fields[0]] = fields[1:]
	}
	return roles, want
}

// Every method of a session has its row, every row a call and a rule, and every
// rule and role is in the table: whoever adds one of these adds the others.
func TestAccess_isComplete(t *testing.T) {
	roles, want := expectations(t)
	for _, r := range agentbridge.AccessRoles() {
		if !slices.Contains(roles, string(r)) {
			t.Errorf("the role %s has no column", r)
		}
	}
	methods := map[string]bool{}
	for _, of := range []reflect.Type{reflect.TypeFor[agentbridge.Session](), reflect.TypeFor[agentbridge.SeatSession]()} {
		for m := range of.NumMethod() {
			methods[of.Name()+"."+of.Method(m).Name] = false
		}
	}
	asked := map[string]bool{}
	for name := range want {
		method, _, _ := strings.Cut(name, "(")
		if _, known := methods[method]; !known {
			t.Errorf("the row %s is of no method", name)
		}
		methods[method] = true
		d, ok := deeds[name]
		if !ok {
			t.Errorf("the row %s has no call", name)
		}
		asked[d.rule] = true
	}
	for method, has := range methods {
		if !has {
			t.Errorf("%s has no row: say who may call it", method)
		}
	}
	for name := range deeds {
		if want[name] == nil {
			t.Errorf("the call %s has no row", name)
		}
	}
	got, rules := slices.Sorted(maps.Keys(asked)), slices.Sorted(slices.Values(relay.Operations()))
	if diff := cmp.Diff(rules, got); diff != "" {
		t.Errorf("rules and rows differ: -rules +rows\n%s", diff)
	}
}

func TestAccess(t *testing.T) {
	roles, want := expectations(t)
	for method, fields := range want {
		t.Run(method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := bridgetest.Unlimited(t)
				for i, role := range roles {
					for j, outcome := range strings.Split(fields[i], "/") {
						channel := agentbridge.ChannelName(fmt.Sprint(role, ":", j))
						who, end := columns(role, j == 0, channel)
						c := &cell{T: t, bridge: b, who: who, label: who.Name, end: end, channel: channel}
						if !who.Verified() {
							c.label = "label"
						}
						c.check(method, outcome)
						if t.Failed() {
							t.Fatalf("%s as %s, covered %v", method, role, j == 0)
						}
					}
				}
			})
		})
	}
}
