package bridgetest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"agentbridge"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// RunContract checks what every implementation of agentbridge.Session promises.
// Each call of open returns a session on a bridge that holds nothing yet. The
// contract measures no time, so it also passes over a network.
func RunContract(t *testing.T, open func(t *testing.T) agentbridge.Session) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, alice, bob *Agent)
	}{
		{"Send", testSend},
		{"Send/any text", testSendAnyText},
		{"Send/secret", testSendSecret},
		{"Send/envelope", testSendEnvelope},
		{"Send/again", testSendAgain},
		{"Read", testRead},
		{"Read/walk", testReadWalk},
		{"Read/large", testReadLarge},
		{"Read/stale", testReadStale},
		{"Read/before", testReadBefore},
		{"Read/gap", testReadGap},
		{"Read/mark", testReadMark},
		{"Message", testMessage},
		{"Wait", testWait},
		{"Wait/wakes", testWaitWakes},
		{"Wait/ends", testWaitEnds},
		{"Ack", testAck},
		{"Ack/unknown", testAckUnknown},
		{"Clear", testClear},
		{"Channels", testChannels},
		{"Channels/senders", testChannelsSenders},
		{"Channels/walk", testChannelsWalk},
		{"Overview", testOverview},
		{"Overview/walk", testOverviewWalk},
		{"CreateConversation", testCreateConversation},
		{"Follow", testFollow},
		{"Follow/behind", testFollowBehind},
		{"Follow/burst", testFollowBurst},
		{"Follow/clear", testFollowClear},
		{"Follow/stale", testFollowStale},
		{"Follow/new", testFollowNew},
		{"Follow/ends", testFollowEnds},
		{"Follow/interrupted", testFollowInterrupted},
		{"Watch", testWatch},
		{"Watch/some", testWatchSome},
		{"Watch/resume", testWatchResume},
		{"Watch/reset", testWatchReset},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t)
			c.test(t, NewAgent(t, s, "alice"), NewAgent(t, s, "bob"))
		})
	}
}

func testSend(t *testing.T, alice, bob *Agent) {
	first := alice.MustSend("#build", "done")
	second := bob.MustSend("#build", "well done")
	if second.Seq <= first.Seq || first.ID == second.ID {
		t.Errorf("Send() twice = seq %d, %d, id %s, %s; want a rising seq and two ids", first.Seq, second.Seq, first.ID, second.ID)
	}
	if first.ID.Position() != first.Seq || first.Channel != "#build" || first.Sender != "alice" || first.Deduplicated {
		t.Errorf("Send() = %+v", first)
	}
	page := bob.MustRead(agentbridge.ReadRequest{Channel: "#build"})
	WantTexts(t, "Read()", page.Messages, "done", "well done")
	m := page.Messages[0]
	if m.Seq != first.Seq || m.ID != first.ID || m.Sender != "alice" || m.Channel != "#build" || m.Encoding != agentbridge.LegacyText ||
		agentbridge.FormatTime(m.At) != agentbridge.FormatTime(first.At) {
		t.Errorf("Read() = %+v, want what Send returned: %+v", m, first)
	}
}

func testSendEnvelope(t *testing.T, alice, _ *Agent) {
	d := alice.Envelope("#build", `{"type":"task","schema_version":1,"content":{"b":1.50,"a":"<&>"}}`)
	alice.MustSendDraft(d)
	m := alice.MustRead(agentbridge.ReadRequest{Channel: "#build"}).Messages[0]
	const canonical = `{"content":{"a":"<&>","b":1.50},"schema_version":1,"type":"task"}`
	if m.Content != canonical || m.Encoding != agentbridge.Structured {
		t.Errorf("Read() = %s as %s, want %s as structured", m.Content, m.Encoding, canonical)
	}
}

func testSendAgain(t *testing.T, alice, bob *Agent) {
	keyed := func(a *Agent, channel agentbridge.ChannelName, text string) agentbridge.Draft {
		d := a.Draft(channel, text)
		d.Key = "k1"
		return d
	}
	first := alice.MustSendDraft(keyed(alice, "#build", "done"))
	again := alice.MustSendDraft(keyed(alice, "#build", "done"))
	if !again.Deduplicated || again.ID != first.ID || again.Seq != first.Seq || agentbridge.FormatTime(again.At) != agentbridge.FormatTime(first.At) {
		t.Errorf("Send() again = %+v, want the first answer, deduplicated: %+v", again, first)
	}
	_, err := alice.Send(t.Context(), keyed(alice, "#build", "something else"))
	WantErr(t, agentbridge.Conflict, err)

	// A key belongs to one sender in one channel.
	for _, other := range []agentbridge.Draft{keyed(bob, "#build", "mine"), keyed(alice, "#deploy", "there")} {
		if sent := alice.MustSendDraft(other); sent.Deduplicated {
			t.Errorf("Send(%s by %s) = %+v, want a new message", other.Channel, other.Sender, sent)
		}
	}

	// A cleared message is as if it had never been sent.
	alice.MustClear("#build")
	if sent := alice.MustSendDraft(keyed(alice, "#build", "something else")); sent.Deduplicated {
		t.Errorf("Send() after Clear = %+v, want a new message", sent)
	}

	// An envelope brings its key along; one that is given wins over it.
	task := alice.Envelope("#tasks", `{"schema_version":1,"type":"task","content":1,"dedupe_key":"t1"}`)
	one := alice.MustSendDraft(task)
	if two := alice.MustSendDraft(task); two.ID != one.ID || !two.Deduplicated {
		t.Errorf("Send(envelope with dedupe_key) again = %+v, want %s, deduplicated", two, one.ID)
	}
	task.Key = "t2"
	if three := alice.MustSendDraft(task); three.Deduplicated {
		t.Errorf("Send(envelope, Key: t2) = %+v, want a new message", three)
	}
}

func testRead(t *testing.T, alice, bob *Agent) {
	var sent []agentbridge.Sent
	for i := range 5 {
		sent = append(sent, alice.MustSend("#build", fmt.Sprint("m", i)))
	}
	alice.MustSend("#other", "elsewhere")
	bob.MustAck("#build", sent[2].ID)

	for _, c := range []struct {
		name  string
		r     agentbridge.ReadRequest
		texts []string
		next  agentbridge.MessageID
		more  bool
		older bool
	}{
		{"newest", agentbridge.ReadRequest{}, []string{"m0", "m1", "m2", "m3", "m4"}, sent[4].ID, false, false},
		{"newest two", agentbridge.ReadRequest{Limit: 2}, []string{"m3", "m4"}, sent[4].ID, false, true},
		{"after", agentbridge.ReadRequest{After: sent[1].ID, Limit: 2}, []string{"m2", "m3"}, sent[3].ID, true, false},
		{"after the last but one", agentbridge.ReadRequest{After: sent[3].ID}, []string{"m4"}, sent[4].ID, false, false},
		{"after the last", agentbridge.ReadRequest{After: sent[4].ID}, nil, sent[4].ID, false, false},
		{"consumer", agentbridge.ReadRequest{Consumer: "bob", Limit: 1}, []string{"m3"}, sent[3].ID, true, false},
		{"unknown consumer", agentbridge.ReadRequest{Consumer: "carol", Limit: 1}, []string{"m0"}, sent[0].ID, true, false},
		{"after wins over consumer", agentbridge.ReadRequest{After: sent[3].ID, Consumer: "carol"}, []string{"m4"}, sent[4].ID, false, false},
		{"the limit exactly", agentbridge.ReadRequest{Consumer: "bob", Limit: 2}, []string{"m3", "m4"}, sent[4].ID, false, false},
	} {
		c.r.Channel = "#build"
		page := bob.MustRead(c.r)
		WantTexts(t, c.name, page.Messages, c.texts...)
		page.Messages = nil
		want := agentbridge.Page{Channel: "#build", Consumer: c.r.Consumer, Next: c.next, More: c.more, Older: c.older}
		if diff := cmp.Diff(want, page, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: -want +got\n%s", c.name, diff)
		}
	}
	bob.WantRead("#build", "m3", "m4") // reading moved no cursor
	bob.WantRead("#nobody-wrote-here")
}

func testReadWalk(t *testing.T, alice, bob *Agent) { // in pages too small for the whole, nothing is lost
	var want []string
	for i := range 30 {
		want = append(want, fmt.Sprint(i, strings.Repeat("x", i*40)))
		alice.MustSend("#build", want[i])
	}
	for name, r := range map[string]agentbridge.ReadRequest{
		"by count": {Consumer: "bob", Limit: 7},
		"by bytes": {Consumer: "bob", Limit: agentbridge.MaxPage, MaxBytes: 3000},
	} {
		r.Channel = "#build"
		var got []string
		for more := true; more; {
			page := bob.MustRead(r)
			bytes := 0
			for _, m := range page.Messages {
				got = append(got, m.Content)
				bytes += m.WireSize()
			}
			if len(page.Messages) == 0 || r.MaxBytes > 0 && bytes > r.MaxBytes {
				t.Fatalf("%s: Read(%+v) = %d messages of %d bytes", name, r, len(page.Messages), bytes)
			}
			r.After, more = page.Next, page.More
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
}

func testReadLarge(t *testing.T, alice, bob *Agent) { // a message larger than the bound comes alone
	large := strings.Repeat("x", agentbridge.MaxContent)
	alice.MustSend("#build", large)
	alice.MustSend("#build", "small")
	r := agentbridge.ReadRequest{Channel: "#build", Consumer: "bob", MaxBytes: 1000}
	page := bob.MustRead(r)
	if len(page.Messages) != 1 || page.Messages[0].Content != large || !page.More {
		t.Fatalf("Read(%+v) = %d messages, more %v; want the large one and more", r, len(page.Messages), page.More)
	}
	r.After = page.Next
	WantTexts(t, "Read() behind it", bob.MustRead(r).Messages, "small")
}

func testReadStale(t *testing.T, alice, bob *Agent) {
	alice.MustSend("#build", "one")
	elsewhere := alice.MustSend("#deploy", "two")
	cleared := alice.MustSend("#cleared", "three")
	alice.MustClear("#cleared")
	alice.MustSend("#cleared", "four")
	for _, c := range []struct {
		name    string
		channel agentbridge.ChannelName
		after   agentbridge.MessageID
	}{
		{"of another channel", "#build", elsewhere.ID},
		{"cleared", "#cleared", cleared.ID},
		{"no id at all", "#build", "yesterday"},
		{"never sent", "#build", agentbridge.NewMessageID(1 << 40)},
		{"at a known place", "#build", agentbridge.NewMessageID(1)},
		{"unknown channel", "#nobody-wrote-here", elsewhere.ID},
	} {
		r := agentbridge.ReadRequest{Channel: c.channel, After: c.after}
		want := agentbridge.Page{Channel: c.channel, Next: c.after, Stale: true}
		if diff := cmp.Diff(want, bob.MustRead(r), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("Read() after a message %s: -want +got\n%s", c.name, diff)
		}
		page, err := bob.Wait(t.Context(), r, 5*time.Second)
		if diff := cmp.Diff(want, page, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Errorf("Wait() after a message %s: %v, -want +got\n%s", c.name, err, diff)
		}
	}
}

func testWait(t *testing.T, alice, bob *Agent) {
	_, err := bob.Wait(t.Context(), agentbridge.ReadRequest{Channel: "#build"}, agentbridge.MaxWait)
	WantErr(t, agentbridge.Required, err)

	sent := alice.MustSend("#build", "one")
	page, err := bob.Wait(t.Context(), agentbridge.ReadRequest{Channel: "#build", Consumer: "bob"}, agentbridge.MaxWait)
	if err != nil || page.TimedOut {
		t.Errorf("Wait() for what is there already = timed out %v, %v", page.TimedOut, err)
	}
	WantTexts(t, "Wait() for what is there already", page.Messages, "one")

	page, err = bob.Wait(t.Context(), agentbridge.ReadRequest{Channel: "#build", After: sent.ID}, time.Millisecond)
	want := agentbridge.Page{Channel: "#build", Next: sent.ID, TimedOut: true}
	if diff := cmp.Diff(want, page, cmpopts.EquateEmpty()); err != nil || diff != "" {
		t.Errorf("Wait() for nothing: %v, -want +got\n%s", err, diff)
	}
}

func testWaitWakes(t *testing.T, alice, bob *Agent) { // also if the channel does not exist yet
	pages := make(chan agentbridge.Page, 2)
	for _, consumer := range []agentbridge.AgentName{"bob", "carol"} {
		go func() {
			page, err := bob.Wait(t.Context(), agentbridge.ReadRequest{Channel: "#build", Consumer: consumer}, agentbridge.MaxWait)
			if err != nil {
				t.Errorf("Wait() of %s = %v", consumer, err)
			}
			pages <- page
		}()
	}
	alice.MustSend("#build", "done")
	for range 2 {
		page := <-pages
		WantTexts(t, "Wait() of "+string(page.Consumer), page.Messages, "done")
	}
}

func testWaitEnds(t *testing.T, _, bob *Agent) { // with its context
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, err := bob.Wait(ctx, agentbridge.ReadRequest{Channel: "#build", Consumer: "bob"}, agentbridge.MaxWait)
		ended <- err
	}()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Wait() = %v, want %v", err, context.Canceled)
	}
}

func testAck(t *testing.T, alice, bob *Agent) {
	one, two := alice.MustSend("#build", "one"), alice.MustSend("#build", "two")
	for _, c := range []struct {
		name     string
		id       agentbridge.MessageID
		want     agentbridge.Sent
		advanced bool
	}{
		{"forward", one.ID, one, true},
		{"again", one.ID, one, false},
		{"further", two.ID, two, true},
		{"back", one.ID, two, false},
	} {
		cur := bob.MustAck("#build", c.id)
		if cur.UpdatedAt.IsZero() {
			t.Errorf("Ack() %s: no time", c.name)
		}
		cur.UpdatedAt = time.Time{}
		want := agentbridge.Cursor{Consumer: "bob", Channel: "#build", Seq: c.want.Seq, MessageID: c.want.ID, Advanced: c.advanced}
		if diff := cmp.Diff(want, cur); diff != "" {
			t.Errorf("Ack() %s: -want +got\n%s", c.name, diff)
		}
	}
	bob.WantRead("#build")
	alice.WantRead("#build", "one", "two") // a cursor is its consumer's own
}

func testAckUnknown(t *testing.T, alice, bob *Agent) {
	alice.MustSend("#build", "one")
	elsewhere := alice.MustSend("#deploy", "two")
	cleared := alice.MustSend("#cleared", "three")
	alice.MustClear("#cleared")
	for _, c := range []struct {
		channel agentbridge.ChannelName
		id      agentbridge.MessageID
	}{
		{"#build", elsewhere.ID},
		{"#build", "yesterday"},
		{"#build", agentbridge.NewMessageID(1)},
		{"#cleared", cleared.ID},
		{"#nobody-wrote-here", elsewhere.ID},
	} {
		_, err := bob.Ack(t.Context(), agentbridge.Ack{Channel: c.channel, Consumer: "bob", MessageID: c.id})
		WantErr(t, agentbridge.NotFound, err)
	}
	bob.WantRead("#build", "one")
}

func testClear(t *testing.T, alice, bob *Agent) {
	alice.MustSend("#build", "one")
	old := alice.MustSend("#build", "two")
	kept := alice.MustSend("#deploy", "three")
	bob.MustAck("#build", old.ID)
	for i, want := range []int64{2, 0} {
		if n := alice.MustClear("#build"); n != want {
			t.Errorf("Clear() no. %d = %d, want %d", i+1, n, want)
		}
	}
	if n := alice.MustClear("#nobody-wrote-here"); n != 0 {
		t.Errorf("Clear(unknown) = %d, want 0", n)
	}
	WantTexts(t, "Read() after Clear", bob.MustRead(agentbridge.ReadRequest{Channel: "#build"}).Messages)
	if sent := alice.MustSend("#build", "four"); sent.Seq <= kept.Seq {
		t.Errorf("Send() after Clear = seq %d, want one behind %d", sent.Seq, kept.Seq)
	}
	bob.WantRead("#build", "four")
	bob.WantRead("#deploy", "three")
}

func testChannels(t *testing.T, alice, bob *Agent) {
	if list, err := alice.Channels(t.Context(), agentbridge.ChannelQuery{}); err != nil || len(list.Channels) != 0 || list.TotalChannels != 0 {
		t.Errorf("Channels() of nothing = %+v, %v", list, err)
	}
	alice.MustSend("b", "1")
	last := bob.MustSend("b", "2")
	alice.MustSend("a", "3")
	alice.MustSend("cleared", "4")
	alice.MustClear("cleared")

	list, err := alice.Channels(t.Context(), agentbridge.ChannelQuery{})
	if err != nil {
		t.Fatalf("Channels() = %v", err)
	}
	if list.TotalChannels != 2 || list.TotalMessages != 3 || list.Next != "" || len(list.Channels) != 2 {
		t.Fatalf("Channels() = %+v, want a and b with 3 messages", list)
	}
	if a, b := list.Channels[0], list.Channels[1]; a.Name != "a" || a.Count != 1 || b.Name != "b" || b.Count != 2 ||
		agentbridge.FormatTime(b.LastAt) != agentbridge.FormatTime(last.At) {
		t.Errorf("Channels() = %+v", list.Channels)
	}
	list, err = alice.Channels(t.Context(), agentbridge.ChannelQuery{After: "a"})
	if err != nil || len(list.Channels) != 1 || list.Channels[0].Name != "b" || list.TotalChannels != 2 {
		t.Errorf("Channels(after a) = %+v, %v; want b, and the totals of all", list, err)
	}
	h, err := alice.Ping(t.Context())
	if err != nil || h.Channels != 2 || h.Messages != 3 || h.Time.IsZero() {
		t.Errorf("Ping() = %+v, %v; want 2 channels with 3 messages", h, err)
	}
}

func testOverview(t *testing.T, alice, _ *Agent) {
	for i := range agentbridge.MaxPerChannel + 1 {
		alice.MustSend("a", fmt.Sprint("a", i))
	}
	alice.MustSend("b", "b0")
	for _, c := range []struct{ perChannel, want int }{
		{math.MinInt, 1}, {0, 1}, {1, 1}, {2, 2}, {agentbridge.MaxPerChannel, agentbridge.MaxPerChannel}, {math.MaxInt, agentbridge.MaxPerChannel},
	} {
		o, err := alice.Overview(t.Context(), "", c.perChannel, agentbridge.MaxReplyBytes)
		if err != nil || len(o.Channels) != 2 || o.Next != "" {
			t.Fatalf("Overview(per channel %d) = %+v, %v; want a and b", c.perChannel, o, err)
		}
		a := o.Channels[0]
		if a.Name != "a" || a.Total != agentbridge.MaxPerChannel+1 || len(a.Messages) != c.want || a.Messages[c.want-1].Content != fmt.Sprint("a", agentbridge.MaxPerChannel) {
			t.Errorf("Overview(per channel %d) = %s with %d of %d, want the newest %d", c.perChannel, a.Name, len(a.Messages), a.Total, c.want)
		}
		WantTexts(t, "Overview() of b", o.Channels[1].Messages, "b0")
	}
}

func testOverviewWalk(t *testing.T, alice, _ *Agent) { // what does not fit is shown in the next one
	const maxBytes = 2000
	want := map[agentbridge.ChannelName]int{}
	for i := range 10 {
		channel := agentbridge.ChannelName(fmt.Sprint("c", i))
		want[channel] = 1 + i%3
		for range want[channel] {
			alice.MustSend(channel, strings.Repeat("x", 200))
		}
	}
	got := map[agentbridge.ChannelName]int{}
	for after, pages := agentbridge.ChannelName(""), 0; ; pages++ {
		o, err := alice.Overview(t.Context(), after, agentbridge.MaxPerChannel, maxBytes)
		if err != nil || len(o.Channels) == 0 || pages > len(want) {
			t.Fatalf("Overview(after %q) = %+v, %v", after, o, err)
		}
		bytes := 0
		for _, c := range o.Channels {
			got[c.Name] = len(c.Messages)
			for _, m := range c.Messages {
				bytes += m.WireSize()
			}
		}
		if bytes > maxBytes {
			t.Errorf("Overview(after %q) = %d bytes, want at most %d", after, bytes, maxBytes)
		}
		if after = o.Next; after == "" {
			break
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("messages shown of each channel: -want +got\n%s", diff)
	}
}

func testCreateConversation(t *testing.T, alice, bob *Agent) {
	c, err := alice.CreateConversation(t.Context(), "backend_developer", "frontend_developer")
	if err != nil {
		t.Fatalf("CreateConversation() = %v", err)
	}
	if _, err := agentbridge.ParseConversationID(string(c.ID)); err != nil {
		t.Errorf("CreateConversation() = id %q: %v", c.ID, err)
	}
	for _, token := range []agentbridge.Token{c.TokenA, c.TokenB} {
		if _, err := agentbridge.ParseToken(string(token)); err != nil {
			t.Errorf("CreateConversation() = a token that ParseToken refuses: %v", err)
		}
	}
	if c.TokenA == c.TokenB || c.Seat != agentbridge.SeatA || !c.ExpiresAt.After(time.Now()) {
		t.Errorf("CreateConversation() = %+v", c)
	}
	list, err := bob.Channels(t.Context(), agentbridge.ChannelQuery{})
	if err != nil || len(list.Channels) != 0 || list.TotalChannels != 0 {
		t.Errorf("Channels() = %+v, %v; want nothing of the conversation", list, err)
	}
}
