package relay_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/limit"
	"agentbridge/internal/relay"
	"agentbridge/internal/store"
)

// An expiry of messages that stand before the place where a check begins excuses
// none that are missing behind it.
func TestAuditLog_sinceExcusesNothing(t *testing.T) {
	for _, c := range []struct {
		what    string
		earlier bool // the entry is of an earlier version, and says only how many
	}{{"an expiry", false}, {"an expiry of an earlier version", true}} {
		synctest.Test(t, func(t *testing.T) {
			dir := t.TempDir()
			options := relay.Options{Limits: limit.Off()}
			if !c.earlier {
				options.Retention = day
			}
			b := bridgetest.Open(t, dir, options)
			alice := b.Agent("alice")
			var sent []agentbridge.Seq
			send := func(texts int) {
				for range texts {
					sent = append(sent, alice.MustSend("#c", "x").Seq)
				}
			}
			send(3)
			time.Sleep(day / 2)
			send(2)
			head, err := b.Audit.Head(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			send(5)
			if c.earlier {
				expireAsBefore(t, b, "#c", sent[2])
			} else {
				time.Sleep(day/2 + 2*time.Hour)
			}
			b.Close()
			checks := []relay.AuditCheck{{Outside: []string{head.Note}}, {Outside: []string{head.Note}, Since: head.Size}}
			for _, check := range checks {
				if report, err := look(t, dir).Verify(t.Context(), check); err != nil || !report.Anchored || report.NotCompared > 0 {
					t.Errorf("%s, since %d: Verify() = %+v, %v; want no faults", c.what, check.Since, report, err)
				}
			}
			edit(t, dir, "DELETE FROM messages WHERE seq = ?", int64(sent[7]))
			for _, check := range checks {
				report, err := look(t, dir).Verify(t.Context(), check)
				if err != nil {
					t.Fatal(err)
				}
				if c.earlier && check.Since > 0 {
					if len(report.Faults) > 0 || report.NotCompared != 1 || !strings.Contains(report.Why, "--since") {
						t.Errorf("%s, since %d: Verify() = %+v; want one message not compared", c.what, check.Since, report)
					}
				} else if len(report.Faults) != 1 || report.Faults[0].Kind != "message-missing" || report.Anchored {
					t.Errorf("%s, since %d: Verify() = %+v; want a missing message", c.what, check.Since, report)
				}
			}
		})
	}
}

// expireAsBefore lets messages expire and logs it as earlier versions did.
func expireAsBefore(t *testing.T, b *bridgetest.Bridge, name agentbridge.ChannelName, upTo agentbridge.Seq) {
	t.Helper()
	err := b.Store.Update(t.Context(), func(tx store.Tx) error {
		c, _, err := tx.Channel(name)
		if err != nil {
			return err
		}
		n, err := tx.Expire(c, upTo)
		if err != nil {
			return err
		}
		return tx.Log(agentbridge.Entry{At: time.Now(), Actor: "unverified", Action: agentbridge.ActionExpire, Target: name,
			Detail: agentbridge.Metadata(fmt.Sprintf(`{"cleared":0,"expired":%d}`, n))})
	})
	if err != nil {
		t.Fatal(err)
	}
}
