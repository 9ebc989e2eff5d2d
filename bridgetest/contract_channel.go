package bridgetest

import (
	"fmt"
	"slices"
	"testing"

	"agentbridge"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func testReadBefore(t *testing.T, alice, bob *Agent) { // backwards to the beginning of a channel, past those of others
	var want []string
	for i := range 12 {
		want = append(want, fmt.Sprint("m", i))
		alice.MustSend("#build", want[i])
		alice.MustSend("#other", "elsewhere")
	}
	var got []string
	r := agentbridge.ReadRequest{Channel: "#build", Limit: 5}
	for older := true; older; {
		page := bob.MustRead(r)
		if len(page.Messages) == 0 || page.More || page.Stale {
			t.Fatalf("Read(%+v) = %+v", r, page)
		}
		var texts []string
		for _, m := range page.Messages {
			texts = append(texts, m.Content)
		}
		got = append(texts, got...)
		r.Before, older = page.Messages[0].Seq, page.Older
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Read() backwards: -want +got\n%s", diff)
	}
	if page := bob.MustRead(r); len(page.Messages) > 0 || page.Older {
		t.Errorf("Read() before the first = %+v, want nothing", page)
	}
	r.Consumer = "bob"
	WantTexts(t, "Read() as bob, which wins over Before", bob.MustRead(r).Messages, want[:5]...)
}

func testReadGap(t *testing.T, alice, bob *Agent) { // who missed something is told, and only those
	first := alice.MustSend("#build", "one")
	bob.MustAck("#build", first.ID)
	alice.MustSend("#build", "two")
	last := alice.MustSend("#build", "three")
	if _, err := alice.Ack(t.Context(), agentbridge.Ack{Channel: "#build", Consumer: "dave", MessageID: last.ID}); err != nil {
		t.Fatalf("Ack() = %v", err)
	}
	alice.MustClear("#build")
	fourth := alice.MustSend("#build", "four")
	for _, c := range []struct {
		consumer agentbridge.AgentName
		gap      bool
	}{{"bob", true}, {"carol", false}, {"dave", false}} {
		r := agentbridge.ReadRequest{Channel: "#build", Consumer: c.consumer}
		page := alice.MustRead(r)
		WantTexts(t, "Read() of "+string(c.consumer), page.Messages, "four")
		if page.Gap != c.gap {
			t.Errorf("Read() of %s = gap %v, want %v", c.consumer, page.Gap, c.gap)
		}
		page, err := alice.Wait(t.Context(), r, agentbridge.MaxWait)
		if err != nil || page.Gap != c.gap {
			t.Errorf("Wait() of %s = gap %v, %v; want %v", c.consumer, page.Gap, err, c.gap)
		}
	}
	bob.MustAck("#build", fourth.ID)
	if page := bob.MustRead(agentbridge.ReadRequest{Channel: "#build", Consumer: "bob"}); page.Gap {
		t.Error("Read() behind the gap = gap again")
	}
}

func testReadMark(t *testing.T, alice, bob *Agent) { // a mark is a place in every channel
	one := alice.MustSend("#build", "one")
	elsewhere := alice.MustSend("#deploy", "two")
	alice.MustSend("#build", "three")
	for _, c := range []struct {
		channel agentbridge.ChannelName
		seq     agentbridge.Seq
		want    []string
	}{
		{"#build", 0, []string{"one", "three"}},
		{"#build", one.Seq, []string{"three"}},
		{"#build", elsewhere.Seq, []string{"three"}},
		{"#nobody-wrote-here", one.Seq, nil},
	} {
		r := agentbridge.ReadRequest{Channel: c.channel, After: agentbridge.Mark(c.seq)}
		page := bob.MustRead(r)
		WantTexts(t, fmt.Sprintf("Read(%s after the mark %d)", c.channel, c.seq), page.Messages, c.want...)
		if page.Stale || c.want == nil && page.Next != r.After {
			t.Errorf("Read(%s after the mark %d) = %+v", c.channel, c.seq, page)
		}
	}
	for _, channel := range []agentbridge.ChannelName{"#build", "#nobody-wrote-here"} { // of another database
		r := agentbridge.ReadRequest{Channel: channel, After: agentbridge.Mark(elsewhere.Seq + 1000)}
		if page := bob.MustRead(r); !page.Stale || len(page.Messages) > 0 {
			t.Errorf("Read(%s after a mark that nobody reached) = %+v, want stale", channel, page)
		}
	}
}

func testMessage(t *testing.T, alice, bob *Agent) {
	alice.MustSend("#build", "one")
	alice.MustSendDraft(alice.Envelope("#deploy", `{"schema_version":1,"type":"task","content":"<&>\u2028"}`))
	cleared := alice.MustSend("#cleared", "three")
	alice.MustClear("#cleared")
	var known agentbridge.Message
	for _, channel := range []agentbridge.ChannelName{"#build", "#deploy"} {
		known = bob.MustRead(agentbridge.ReadRequest{Channel: channel}).Messages[0]
		m, err := bob.Message(t.Context(), known.ID)
		if diff := cmp.Diff(known, m, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Errorf("Message(%s): %v, -want what Read returned +got\n%s", known.ID, err, diff)
		}
	}
	for _, id := range []agentbridge.MessageID{
		cleared.ID, "yesterday", "..", "", "a/b c?d\n", agentbridge.NewMessageID(known.Seq), agentbridge.NewMessageID(1 << 40), agentbridge.Mark(known.Seq),
	} {
		if m, err := bob.Message(t.Context(), id); agentbridge.CodeOf(err) != agentbridge.NotFound {
			t.Errorf("Message(%q) = %+v, %v; want it not found", id, m, err)
		}
	}
}

func testChannelsSenders(t *testing.T, alice, bob *Agent) {
	bob.MustSend("a", "1")
	alice.MustSend("a", "2")
	bob.MustSend("a", "3")
	alice.MustSend("b", "4")
	alice.MustClear("b")
	bob.MustSend("b", "5")
	for _, asked := range []bool{true, false} {
		list, err := alice.Channels(t.Context(), agentbridge.ChannelQuery{Senders: asked})
		if err != nil || len(list.Channels) != 2 {
			t.Fatalf("Channels() = %+v, %v; want a and b", list, err)
		}
		want := [][]agentbridge.AgentName{{"alice", "bob"}, {"bob"}}
		if !asked {
			want = [][]agentbridge.AgentName{nil, nil}
		}
		got := [][]agentbridge.AgentName{list.Channels[0].Senders, list.Channels[1].Senders}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("Channels(senders: %v): -want +got\n%s", asked, diff)
		}
	}
}

func testChannelsWalk(t *testing.T, alice, _ *Agent) { // in pages too small for the whole, nothing is lost
	var want []agentbridge.ChannelName
	for i := range 10 {
		want = append(want, agentbridge.ChannelName(fmt.Sprint("c", i, " & <more>")))
		alice.MustSend(want[i], "x")
	}
	for _, maxBytes := range []int{1, 700} {
		var got []agentbridge.ChannelName
		for q := (agentbridge.ChannelQuery{Senders: true, MaxBytes: maxBytes}); ; {
			list, err := alice.Channels(t.Context(), q)
			if err != nil || len(list.Channels) == 0 || list.TotalChannels != 10 || len(got) > len(want) {
				t.Fatalf("Channels(%+v) = %+v, %v", q, list, err)
			}
			bytes := 0
			for _, c := range list.Channels {
				got = append(got, c.Name)
				bytes += c.WireSize()
			}
			if bytes > maxBytes && len(list.Channels) > 1 {
				t.Errorf("Channels(%+v) = %d channels of %d bytes", q, len(list.Channels), bytes)
			}
			if q.After = list.Next; q.After == "" {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("Channels() in pages of %d bytes = %q, want %q", maxBytes, got, want)
		}
	}
}
