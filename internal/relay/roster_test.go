package relay

import (
	"strconv"
	"testing"
	"time"

	"agentbridge"
)

// Somebody has more tokens that are all good than the bridge keeps at hand. Its
// memory stays bounded, the newest is never the one that goes, and one that was
// forgotten is told to come again, not that it is wrong.
func TestRoster_bounded(t *testing.T) {
	ro := newRoster()
	until := time.Now().Add(time.Hour)
	var all []*admission
	for n := range maxAdmitted + 50 {
		a := ro.keep(newAdmission(admission{key: strconv.Itoa(n), subject: "s", until: until}))
		if err := a.principal.Ended(); err != nil {
			t.Fatalf("token %d was forgotten when it was admitted: %v", n, err)
		}
		all = append(all, a)
	}
	forgotten := 0
	for _, a := range all {
		if err := a.principal.Ended(); err != nil {
			if forgotten++; agentbridge.CodeOf(err) != agentbridge.Busy {
				t.Fatalf("a token was forgotten as %v; want %q", err, agentbridge.Busy)
			}
		}
	}
	if forgotten != 50 || len(ro.admitted) != maxAdmitted {
		t.Errorf("%d were forgotten and %d are kept; want 50 and %d", forgotten, len(ro.admitted), maxAdmitted)
	}
}
