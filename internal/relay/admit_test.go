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

	"github.com/google/go-cmp/cmp"
)

// limits is a table with nothing but these.
func limits(t *testing.T, settings ...string) limit.Table {
	t.Helper()
	table := limit.Off()
	for _, s := range settings {
		class, rule, err := limit.ParseSetting(s)
		if err != nil {
			t.Fatal(err)
		}
		table[class] = rule
	}
	return table
}

// wantLimited checks that somebody is told to come back later, and returns when.
func wantLimited(t *testing.T, what string, err error) time.Duration {
	t.Helper()
	e, ok := err.(*agentbridge.Error)
	if !ok || e.Code != agentbridge.RateLimited || e.RetryAfter < time.Second || e.RetryAfter%time.Second != 0 || !strings.Contains(e.Message, "come back in "+e.RetryAfter.String()) {
		t.Fatalf("%s = %v, want it to be told when to come back, in whole seconds", what, err)
	}
	return e.RetryAfter
}

// seatSend sends a text of its own to the partner.
func seatSend(t *testing.T, s *bridgetest.Seat, text string) error {
	_, err := s.Send(t.Context(), agentbridge.SeatDraft{Text: text, ActionType: "info"})
	return err
}

// drain sends until it is refused, and returns how often it was not.
func drain(t *testing.T, send func() error) (n int, wait time.Duration) {
	t.Helper()
	for {
		err := send()
		if err != nil {
			return n, wantLimited(t, fmt.Sprintf("send %d", n+1), err)
		}
		if n++; n > 100_000 {
			t.Fatal("there is no limit")
		}
	}
}

func channelSend(t *testing.T, b *bridgetest.Bridge, name agentbridge.AgentName) func() error {
	a := b.Agent(name)
	return func() error {
		_, err := a.Send(t.Context(), a.Draft("#build", "hello"))
		return err
	}
}

// One session's use never touches another's: reference A counts all seats "a"
// of a process together.
func TestLimits_eachSessionHasItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bridgetest.New(t)
		a, partner := b.Pair("backend_developer", "frontend_developer")
		other, _ := b.Pair("backend_developer", "frontend_developer")
		for _, s := range []*bridgetest.Seat{a, partner, other} {
			n, wait := drain(t, func() error { return seatSend(t, s, "hello") })
			if n != 10 || wait != 6*time.Second {
				t.Errorf("%+v: %d sends and a wait of %v, want 10 and 6s", s.Credential, n, wait)
			}
		}
		partner.WantCheck(strings.Split(strings.Repeat("hello ", 10)[:59], " ")...) // a refused one left nothing
		if p := partner.MustPartner(); !p.Alive || p.Age != 0 {
			t.Errorf("Partner() = %+v, want it alive: it was refused just now", p)
		}
	})
}

func TestLimits_whoComesWhenToldIsAdmitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bridgetest.New(t)
		a, _ := b.Pair("backend_developer", "frontend_developer")
		sent := 0
		for range 150 { // the minute's limit, then the hour's
			n, wait := drain(t, func() error { return seatSend(t, a, "hello") })
			sent += n
			time.Sleep(wait - time.Second)
			wantLimited(t, "a send a second too early", seatSend(t, a, "hello"))
			time.Sleep(time.Second)
			if err := seatSend(t, a, "hello"); err != nil {
				t.Fatalf("after %d sends and a wait of %v: %v", sent, wait, err)
			}
			sent++
		}
		if sent <= 150 {
			t.Errorf("%d sends, want more than the hour's limit", sent)
		}
	})
}

// Processes share a bucket, and restarts don't empty it.
func TestLimits_areKeptInTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one := bridgetest.New(t)
		two := bridgetest.Open(t, one.Dir, relay.Options{})
		a, _ := one.Pair("backend_developer", "frontend_developer")
		there := two.MustSit(a.Credential)
		for range 5 {
			a.MustSend("here")
			there.MustSend("there")
		}
		wantLimited(t, "the 11th here", seatSend(t, a, "here"))
		wantLimited(t, "the 11th there", seatSend(t, there, "there"))
		one.Close()
		two.Close()
		b := bridgetest.Open(t, one.Dir, relay.Options{})
		again := b.MustSit(a.Credential)
		wantLimited(t, "the 11th after a restart", seatSend(t, again, "hello"))
		time.Sleep(6 * time.Second)
		again.MustSend("hello")
		wantLimited(t, "the 12th", seatSend(t, again, "hello"))
	})
}

// A sender on channels pays in advance for what he will need soon. That makes
// the limit a little stricter, and never looser.
func TestLimits_leases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := relay.Options{Limits: limits(t, "channel=240/m")} // up to 4 at once
		one := bridgetest.Open(t, t.TempDir(), opts)
		two := bridgetest.Open(t, one.Dir, opts)
		n, _ := drain(t, channelSend(t, one, "alice"))
		if n != 240 {
			t.Errorf("alone: %d sends, want 240", n)
		}
		if n, _ := drain(t, channelSend(t, one, "bob")); n != 240 {
			t.Errorf("another sender: %d sends, want 240", n)
		}
		wantLimited(t, "alice through another process", channelSend(t, two, "alice")())

		here, there := channelSend(t, one, "carol"), channelSend(t, two, "carol")
		for n = 0; here() == nil; n++ {
			if there() == nil {
				n++
			}
		}
		more, _ := drain(t, there)
		if n += more; n != 240 {
			t.Errorf("in turn through two processes: %d sends, want 240", n)
		}

		time.Sleep(time.Hour)
		for n = 0; n < 100; n++ { // now and then, each time from another process
			b := one
			if n%2 == 0 {
				b = two
			}
			if err := channelSend(t, b, "alice")(); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		n, _ = drain(t, channelSend(t, two, "alice"))
		more, _ = drain(t, channelSend(t, one, "alice"))
		if n+more > 240 || n+more < 230 {
			t.Errorf("after a rest: %d sends, want 230 to 240", n+more)
		}
	})
}

// A minute's use may be taken in advance, but not given away: whoever sends
// once in a while loses no tokens.
func TestLimits_leasesOfWhoSendsSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := relay.Options{Limits: limits(t, "channel=600/d")} // refills in 144 s
		b := bridgetest.Open(t, t.TempDir(), opts)
		send := channelSend(t, b, "alice")
		for range 100 {
			if err := send(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Second)
		}
		if n, _ := drain(t, send); n < 500 {
			t.Errorf("%d sends after 100, want at least 500 of 600", n)
		}
	})
}

// Nothing an agent can do is without a limit, and each is told so.
func TestLimits_everyClass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var settings []string
		for _, class := range limit.Classes() {
			settings = append(settings, string(class)+"=3/d")
		}
		b := bridgetest.Open(t, t.TempDir(), relay.Options{Limits: limits(t, settings...)})
		ctx := t.Context()
		alice, s := b.Agent("alice"), b.Session()
		a, _ := b.Pair("backend_developer", "frontend_developer") // the first of three
		last := alice.MustSend("#build", "hello")                 // and so here
		for _, c := range []struct {
			class  limit.Class
			actor  agentbridge.AgentName
			target agentbridge.ChannelName
			left   int
			do     func() error
		}{
			{limit.Conversation, "a", a.Credential.Conversation.Channel(), 3, func() error { return seatSend(t, a, "hello") }},
			{limit.Channel, "alice", "#build", 2, channelSend(t, b, "alice")},
			{limit.CreateConversation, "local", "", 2, func() error {
				_, err := s.CreateConversation(ctx, "backend_developer", "frontend_developer")
				return err
			}},
			{limit.Ack, "bob", "#build", 3, func() error {
				_, err := s.Ack(ctx, agentbridge.Ack{Channel: "#build", Consumer: "bob", MessageID: last.ID})
				return err
			}},
			{limit.Check, "a", a.Credential.Conversation.Channel(), 3, func() error { _, err := a.Check(ctx, 1000); return err }},
			{limit.Check, "a", a.Credential.Conversation.Channel(), 0, func() error { _, err := a.Partner(ctx); return err }},
			{limit.Status, "a", a.Credential.Conversation.Channel(), 3, func() error { return a.SetStatus(ctx, agentbridge.Blocked) }},
			{limit.Clear, "local", "#empty", 3, func() error { _, err := s.Clear(ctx, "#empty"); return err }},
		} {
			before := lastEntry(t, b)
			n, wait := drain(t, c.do)
			if n != c.left || wait != 8*time.Hour {
				t.Errorf("%s: %d times and a wait of %v, want %d and 8h", c.class, n, wait, c.left)
			}
			want := fmt.Sprintf(`%s rate_limited %s {"class":"%s","not_written_before":0,"retry_after":28800}`, c.actor, c.target, c.class)
			if diff := cmp.Diff(want, lastLimited(t, b, before)); diff != "" && c.left > 0 {
				t.Errorf("%s: -want +got\n%s", c.class, diff)
			}
		}
	})
}

// lastLimited is the last entry behind one that is about a limit.
func lastLimited(t *testing.T, b *bridgetest.Bridge, after int64) (last string) {
	t.Helper()
	for _, e := range entries(t, b, after) {
		if e.Action == agentbridge.ActionRateLimited {
			last = fmt.Sprintf("%s %s %s %s", e.Actor, e.Action, e.Target, e.Detail)
		}
	}
	return last
}

// An agent in a loop is refused a thousand times: the first is in the log, the
// others are counted.
func TestLimits_refusalsAreWrittenOnceInAWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bridgetest.Open(t, t.TempDir(), relay.Options{Limits: limits(t, "conversation=2/h")})
		a, partner := b.Pair("backend_developer", "frontend_developer")
		count := func(s *bridgetest.Seat, refused int) (lines []string) {
			before := lastEntry(t, b)
			for range refused {
				wantLimited(t, "a send", seatSend(t, s, "hello"))
			}
			for _, e := range entries(t, b, before) {
				lines = append(lines, fmt.Sprintf("%s %s %s", e.Actor, e.Action, e.Detail))
			}
			return lines
		}
		a.MustSend("1")
		a.MustSend("2")
		partner.MustSend("1")
		partner.MustSend("2")
		for _, step := range []struct {
			seat    *bridgetest.Seat
			sleep   time.Duration
			refused int
			want    []string
		}{
			{a, 0, 1000, []string{`a rate_limited {"class":"conversation","not_written_before":0,"retry_after":1800}`}},
			{partner, 0, 10, []string{`b rate_limited {"class":"conversation","not_written_before":0,"retry_after":1800}`}},
			{a, 59 * time.Second, 1, nil},
			{a, time.Second, 5, []string{`a rate_limited {"class":"conversation","not_written_before":1000,"retry_after":1740}`}},
		} {
			time.Sleep(step.sleep)
			if diff := cmp.Diff(step.want, count(step.seat, step.refused)); diff != "" {
				t.Errorf("%d refusals: -want +got\n%s", step.refused, diff)
			}
		}
	})
}

// A reply got lost, and the agent sends again with the same key: it must learn
// that the message was stored, however empty its bucket is.
func TestLimits_retriesAreFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bridgetest.Open(t, t.TempDir(), relay.Options{Limits: limits(t, "conversation=2/h", "channel=2/h")})
		a, _ := b.Pair("backend_developer", "frontend_developer")
		alice := b.Agent("alice")
		first := alice.Draft("#build", "first")
		first.Key = "k1"
		for _, c := range []struct {
			who  string
			send func(key, text string) (agentbridge.Sent, error)
		}{
			{"a seat", func(key, text string) (agentbridge.Sent, error) {
				return a.Send(t.Context(), agentbridge.SeatDraft{Text: text, ActionType: "info", Key: key})
			}},
			{"a sender", func(key, text string) (agentbridge.Sent, error) {
				d := alice.Draft("#build", text)
				d.Key = key
				return alice.Send(t.Context(), d)
			}},
		} {
			stored, err := c.send("k1", "first")
			if err != nil {
				t.Fatal(err)
			}
			for range 10 { // these don't take the second token
				if again, err := c.send("k1", "first"); err != nil || !again.Deduplicated || again.ID != stored.ID {
					t.Errorf("%s: a retry = %+v, %v; want %s", c.who, again, err, stored.ID)
				}
			}
			if _, err := c.send("k2", "second"); err != nil {
				t.Errorf("%s: the second message: %v", c.who, err)
			}
			for range 10 {
				_, err := c.send("k3", "third")
				wantLimited(t, c.who+": a third message", err)
			}
			if again, err := c.send("k1", "first"); err != nil || again.ID != stored.ID {
				t.Errorf("%s: a retry at an empty bucket = %+v, %v; want %s", c.who, again, err, stored.ID)
			}
			_, err = c.send("k1", "other")
			bridgetest.WantErr(t, agentbridge.Conflict, err)
		}
	})
}

// Somebody guesses tokens as fast as he can. That must not keep the owner of a
// right one out; reference A counts before it looks at the token.
func TestLimits_guessingLocksNobodyOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bridgetest.Open(t, t.TempDir(), relay.Options{ConversationTTL: time.Hour})
		a, partner := b.Pair("backend_developer", "frontend_developer")
		wrong := agentbridge.SeatCredential{Conversation: a.Credential.Conversation, Seat: agentbridge.SeatA, Token: partner.Credential.Token}
		unknown := agentbridge.SeatCredential{Conversation: "conv_0123456789abcdef", Seat: agentbridge.SeatA, Token: a.Credential.Token}
		for i := range 500 {
			c := wrong
			if i%2 == 0 {
				c = unknown
			}
			_, err := b.Sit(t.Context(), agentbridge.Local(), c)
			if i < 60 {
				bridgetest.WantErr(t, agentbridge.Unauthenticated, err)
			} else {
				wantLimited(t, "a wrong token", err)
			}
		}
		b.MustSit(a.Credential).MustSend("I am still here")
		_, err := bridgetest.Open(t, b.Dir, relay.Options{}).Sit(t.Context(), agentbridge.Local(), wrong)
		wantLimited(t, "a wrong token in another process", err)
		time.Sleep(time.Second)
		_, err = b.Sit(t.Context(), agentbridge.Local(), wrong)
		bridgetest.WantErr(t, agentbridge.Unauthenticated, err)
		if got := lastLimited(t, b, 0); !strings.HasPrefix(got, `local rate_limited  {"class":"auth_failure","not_written_before":0`) {
			t.Errorf("the last entry of a limit = %q", got)
		}
		time.Sleep(time.Hour) // an outdated token is no guess
		for range 100 {
			_, err = b.Sit(t.Context(), agentbridge.Local(), a.Credential)
			bridgetest.WantErr(t, agentbridge.Expired, err)
		}
	})
}

// Whoever invents names gets a bucket for each, but not for long.
func TestLimits_inventedNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bridgetest.New(t)
		for i := range 600 {
			name := agentbridge.AgentName(fmt.Sprintf("%s%d", strings.Repeat("🦜", 128-len(fmt.Sprint(i))), i))
			if err := channelSend(t, b, name)(); err != nil {
				t.Fatal(err)
			}
		}
		if n := countBuckets(t, b.Store); n != 600 {
			t.Errorf("%d buckets, want 600", n)
		}
		time.Sleep(11 * time.Minute)
		synctest.Wait()
		if n := countBuckets(t, b.Store); n >= 200 {
			t.Errorf("%d buckets some minutes later, want them dropped", n)
		}
	})
}

// Without limits nothing is looked up, and nothing kept.
func TestLimits_off(t *testing.T) {
	b := bridgetest.Unlimited(t)
	a, partner := b.Pair("backend_developer", "frontend_developer")
	for range 30 {
		a.MustSend("hello")
		partner.MustCheck()
		partner.MustStatus(agentbridge.Waiting)
	}
	for range 100 {
		_, err := b.Sit(t.Context(), agentbridge.Local(), agentbridge.SeatCredential{Conversation: a.Credential.Conversation, Seat: agentbridge.SeatA})
		bridgetest.WantErr(t, agentbridge.Unauthenticated, err)
	}
	if n := countBuckets(t, b.Store); n != 0 {
		t.Errorf("%d buckets, want none", n)
	}
}

// countBuckets counts those that will be full some day: all.
func countBuckets(t *testing.T, st store.Store) (n int64) {
	t.Helper()
	err := st.View(t.Context(), func(v store.Reader) (err error) {
		n, err = v.FullBuckets(time.Now().Add(1000*time.Hour), 1<<20)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
