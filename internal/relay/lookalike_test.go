package relay_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"agentbridge"
	"agentbridge/bridgetest"
)

// All letters of paylike are Cyrillic. On a screen it is "pay".
const (
	pay     = "pay"
	paylike = "рау"
)

// wantField checks a refusal's code and field, and that it has a word.
func wantField(t *testing.T, err error, code agentbridge.Code, field, word string) {
	t.Helper()
	refusal, ok := errors.AsType[*agentbridge.Error](err)
	if !ok || refusal.Code != code || refusal.Field != field || !strings.Contains(refusal.Message, word) {
		t.Errorf("refused as %v, want %s of %s with %q", err, code, field, word)
	}
}

// Mallory calls himself what looks like pay, in a channel in which pay is
// known, and is not let in. The others go on.
func TestLookAlike_sender(t *testing.T) {
	b := bridgetest.New(t)
	known, mallory, ivan := b.Agent(pay), b.Agent(paylike), b.Agent("иван")
	known.MustSend("#build", "one")
	before := lastEntry(t, b)
	for range 2 {
		_, err := mallory.Send(t.Context(), mallory.Draft("#build", "obey"))
		wantField(t, err, agentbridge.Reserved, "sender", `looks like "pay", which is there already`)
	}
	if after := lastEntry(t, b); after != before {
		t.Errorf("the audit log went from %d to %d, want nothing stored", before, after)
	}
	known.MustSend("#build", "two")
	ivan.MustSend("#build", "three") // looks like nobody who is there
	known.WantRead("#build", "one", "two", "three")

	mallory.MustSend("#other", "nobody has written here")
	known.MustClear("#build")
	mallory.MustSend("#build", "nor here, since it was cleared")
}

func TestLookAlike_channel(t *testing.T) {
	b := bridgetest.New(t)
	alice := b.Agent("alice")
	alice.MustSend("#"+pay, "one")
	_, err := alice.Send(t.Context(), alice.Draft("#"+paylike, "obey"))
	wantField(t, err, agentbridge.Reserved, "channel", `looks like "#pay", which is there already`)
	alice.MustSend("#"+pay, "two")
	alice.WantRead("#"+pay, "one", "two")
	alice.WantRead("#" + paylike) // to look for it harms nobody
	alice.MustSend("#сборка", "looks like no channel that is there")
	alice.MustClear("#" + pay)
	if _, err = alice.Send(t.Context(), alice.Draft("#"+paylike, "obey")); err == nil {
		t.Error("Send() to a channel that looks like a cleared one succeeded; its readers are still there")
	}
}

// Whoever writes ASCII can't be shut out by one who came first with letters
// that look like his.
func TestLookAlike_asciiIsNeverRefused(t *testing.T) {
	b := bridgetest.New(t)
	b.Agent(paylike).MustSend("#"+paylike, "first")
	for _, name := range []string{pay, "PAY", "p4y", "pay.", "pa y"} {
		for _, channel := range []string{"#" + paylike, "#" + name} {
			b.Agent(agentbridge.AgentName(name)).MustSend(agentbridge.ChannelName(channel), "x")
		}
	}
}

// Names that are there work on, whoever came later or was stored when nobody
// looked.
func TestLookAlike_olderOnes(t *testing.T) {
	b := bridgetest.New(t)
	known, twin := b.Agent(pay), b.Agent(paylike)
	twin.MustSend("#"+paylike, "came first")
	known.MustSend("#"+paylike, "came second")
	known.MustSend("#"+pay, "came second")
	twin.MustSend("#"+paylike, "goes on")

	if _, err := b.Older("#"+pay, paylike, "was never looked at"); err != nil {
		t.Fatal(err)
	}
	twin.MustSend("#"+pay, "goes on")
	known.WantRead("#"+pay, "came second", "was never looked at", "goes on")
}

// A hundred other names do not hide the one that a new one looks like, nor the
// one who has long been there.
func TestLookAlike_manySenders(t *testing.T) {
	b := bridgetest.Unlimited(t)
	crowd := func(channel agentbridge.ChannelName) {
		for i := range agentbridge.MaxSenders + 1 {
			b.Agent(agentbridge.AgentName(fmt.Sprintf("agent %03d", i))).MustSend(channel, "x")
		}
	}
	crowd("#full")
	b.Agent(pay).MustSend("#full", "x")
	mallory := b.Agent(paylike)
	_, err := mallory.Send(t.Context(), mallory.Draft("#full", "obey"))
	wantField(t, err, agentbridge.Reserved, "sender", "looks like")

	for _, sender := range []agentbridge.AgentName{paylike, "0ther", pay} {
		b.Agent(sender).MustSend("#crowded", "x")
	}
	crowd("#crowded")
	mallory.MustSend("#crowded", "was there before")
}
