package relay_test

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/relay"
)

// wantRefused checks that a credential is refused, and returns the sentence.
func wantRefused(t *testing.T, b *bridgetest.Bridge, what string, want agentbridge.Code, c agentbridge.SeatCredential) string {
	t.Helper()
	_, err := b.Sit(t.Context(), agentbridge.Local(), c)
	if agentbridge.CodeOf(err) != want {
		t.Errorf("Sit(%s) = %v (%q), want %q", what, err, agentbridge.CodeOf(err), want)
		return ""
	}
	return err.Error()
}

// An attacker holds one seat's token, or none, and wants another seat. Nothing
// in the answers tells him whether he guessed a conversation that exists.
func TestSit_withoutTheToken(t *testing.T) {
	b := bridgetest.New(t)
	a, partner := b.Pair("backend_developer", "frontend_developer")
	other, _ := b.Pair("backend_developer", "frontend_developer")
	right := a.Credential
	if right.Token == partner.Credential.Token {
		t.Error("both seats have one token")
	}
	flip := func(s agentbridge.Token, i int) agentbridge.Token {
		digit := byte('0')
		if s[i] == digit {
			digit = '1'
		}
		return s[:i] + agentbridge.Token(digit) + s[i+1:]
	}
	const unknown = agentbridge.ConversationID("conv_0123456789abcdef")
	sentences := map[string]bool{}
	for what, c := range map[string]agentbridge.SeatCredential{
		"the partner's token":               {Conversation: right.Conversation, Seat: agentbridge.SeatA, Token: partner.Credential.Token},
		"my token for the partner's seat":   {Conversation: right.Conversation, Seat: agentbridge.SeatB, Token: right.Token},
		"another conversation's token":      {Conversation: right.Conversation, Seat: agentbridge.SeatA, Token: other.Credential.Token},
		"my token elsewhere":                {Conversation: other.Credential.Conversation, Seat: agentbridge.SeatA, Token: right.Token},
		"the first digit off":               {Conversation: right.Conversation, Seat: agentbridge.SeatA, Token: flip(right.Token, 0)},
		"the last digit off":                {Conversation: right.Conversation, Seat: agentbridge.SeatA, Token: flip(right.Token, 63)},
		"upper case":                        {Conversation: right.Conversation, Seat: agentbridge.SeatA, Token: agentbridge.Token(strings.ToUpper(string(right.Token)))},
		"a digit less":                      {Conversation: right.Conversation, Seat: agentbridge.SeatA, Token: right.Token[:63]},
		"no token":                          {Conversation: right.Conversation, Seat: agentbridge.SeatA},
		"no seat":                           {Conversation: right.Conversation, Token: right.Token},
		"a third seat":                      {Conversation: right.Conversation, Seat: "c", Token: right.Token},
		"an unknown conversation":           {Conversation: unknown, Seat: agentbridge.SeatA, Token: right.Token},
		"an unknown conversation, no token": {Conversation: unknown, Seat: agentbridge.SeatA},
		"nothing":                           {},
	} {
		sentences[wantRefused(t, b, what, agentbridge.Unauthenticated, c)] = true
	}
	if len(sentences) != 1 {
		t.Errorf("Sit() = %d different sentences, want one: %v", len(sentences), sentences)
	}
	b.MustSit(right)
}

func TestSit_expires(t *testing.T) {
	for _, c := range []struct {
		configured, want time.Duration
	}{
		{0, 3 * time.Hour},
		{time.Minute, time.Minute},
		{24 * time.Hour, 24 * time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := bridgetest.Open(t, t.TempDir(), relay.Options{ConversationTTL: c.configured})
			a, partner := b.Pair("backend_developer", "frontend_developer")
			time.Sleep(c.want - time.Microsecond)
			b.MustSit(a.Credential)
			b.MustSit(partner.Credential)
			time.Sleep(time.Microsecond)
			wantRefused(t, b, "an outdated token", agentbridge.Expired, a.Credential)
			wantRefused(t, b, "the partner's outdated token", agentbridge.Expired, partner.Credential)

			// Who does not hold the token learns nothing, not even this.
			c := a.Credential
			c.Token = partner.Credential.Token
			wrong := wantRefused(t, b, "a wrong token of an outdated conversation", agentbridge.Unauthenticated, c)
			c.Conversation = "conv_0123456789abcdef"
			if unknown := wantRefused(t, b, "an unknown conversation", agentbridge.Unauthenticated, c); unknown != wrong {
				t.Errorf("Sit(unknown) = %q, Sit(wrong) = %q; want no difference", unknown, wrong)
			}
		})
	}
}

func TestSit_survivesRestarts(t *testing.T) {
	b := bridgetest.New(t)
	a, partner := b.Pair("backend_developer", "frontend_developer")
	a.MustSend("before")
	b.Close()

	b = bridgetest.Open(t, b.Dir, relay.Options{})
	b.MustSit(a.Credential).MustSend("after")
	b.MustSit(partner.Credential).WantCheck("before", "after")
}

func TestSit_inAnotherProcess(t *testing.T) { // every stdio agent has a process of its own
	one := bridgetest.New(t)
	two := bridgetest.Open(t, one.Dir, relay.Options{})
	a, partner := one.Pair("backend_developer", "frontend_developer")
	there := two.MustSit(partner.Credential)
	a.MustSend("hello")
	there.WantCheck("hello")
	there.MustSend("hello back")
	a.WantCheck("hello back")
	there.MustStatus(agentbridge.Waiting)
	if p := a.MustPartner(); p.Status != agentbridge.Waiting || p.Unread != 0 || !p.Alive {
		t.Errorf("Partner() = %+v, want it waiting, alive, with nothing unread", p)
	}
}

// Tokens are derived from a key that is no part of the database. With another
// key every token ever given out would silently stop working, so the bridge
// does not start, and makes no new key that would hide what happened.
func TestNew_withoutItsKey(t *testing.T) {
	b := bridgetest.New(t)
	b.Close()
	dir := t.TempDir()
	other := filepath.Join(bridgetest.New(t).Dir, bridgetest.KeyFile)
	damaged := filepath.Join(dir, "damaged")
	if err := os.WriteFile(damaged, []byte("0123"), 0o600); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(dir, "missing")
	for what, path := range map[string]string{"another": other, "a damaged": damaged, "a missing": missing} {
		_, err := bridgetest.TryOpen(t, b.Dir, relay.Options{KeyFile: path})
		bridgetest.WantErr(t, agentbridge.Unusable, err)
		if err != nil && (strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), path)) {
			t.Errorf("New() with %s key = %q, want one line that names %s", what, err, path)
		}
	}
	if _, err := os.Stat(missing); !os.IsNotExist(err) {
		t.Errorf("New() with a missing key made one: %v", err)
	}
	bridgetest.Open(t, b.Dir, relay.Options{})
}

// A thief has every file of the bridge but its key file.
func TestDatabase_holdsNoSecret(t *testing.T) {
	b := bridgetest.New(t)
	a, partner := b.Pair("backend_developer", "frontend_developer")
	a.MustSend("a needle")
	partner.WantCheck("a needle")
	if _, _, err := b.Operator().Tokens(t.Context(), a.Credential.Conversation); err != nil {
		t.Fatal(err)
	}
	wantRefused(t, b, "a wrong token", agentbridge.Unauthenticated, agentbridge.SeatCredential{Conversation: a.Credential.Conversation, Seat: agentbridge.SeatB, Token: a.Credential.Token})

	keyFile, err := os.ReadFile(filepath.Join(b.Dir, bridgetest.KeyFile))
	if err != nil {
		t.Fatal(err)
	}
	var secrets [][]byte
	for _, secret := range []string{strings.TrimSpace(string(keyFile)), string(a.Credential.Token), string(partner.Credential.Token)} {
		binary, err := hex.DecodeString(secret)
		if err != nil {
			t.Fatal(err)
		}
		secrets = append(secrets, binary[:8], []byte(secret[:16]), []byte(strings.ToUpper(secret[:16]))) // a part would be bad enough
	}
	// Reading them under a running bridge would take its locks away, were it
	// not the only one and at its end.
	for when, files := range map[string][]byte{"running": readDatabase(t, b.Dir), "closed": readClosed(t, b)} {
		if !bytes.Contains(files, []byte("a needle")) {
			t.Errorf("%s: a message can't be found, so a secret would not be", when)
		}
		for i, secret := range secrets {
			if bytes.Contains(files, secret) {
				t.Errorf("%s: secret %d of the key, a's and b's token stands in the database", when, i/3)
			}
		}
	}
}

func readClosed(t *testing.T, b *bridgetest.Bridge) []byte {
	t.Helper()
	b.Close()
	return readDatabase(t, b.Dir)
}

// readDatabase returns the bytes of all files of a bridge but its key.
func readDatabase(t *testing.T, dir string) []byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, bridgetest.Database+"*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("files of the bridge: %v, %v", files, err)
	}
	slices.Sort(files)
	var all []byte
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	return all
}

// Whoever knows a conversation's id tries it as the name of a channel, in a
// face that forgot ParseChannelName.
func TestConversation_isNoChannel(t *testing.T) {
	b := bridgetest.New(t)
	a, partner := b.Pair("backend_developer", "frontend_developer")
	sent := a.MustSend("between us")
	eve := b.Agent("eve")
	id := a.Credential.Conversation.Channel()
	ctx := t.Context()

	for what, do := range map[string]func() error{
		"Read": func() error {
			_, err := eve.Read(ctx, agentbridge.ReadRequest{Channel: id, After: sent.ID, Consumer: "b"})
			return err
		},
		"Wait": func() error {
			_, err := eve.Wait(ctx, agentbridge.ReadRequest{Channel: id, Consumer: "b"}, time.Millisecond)
			return err
		},
		"Ack": func() error {
			_, err := eve.Ack(ctx, agentbridge.Ack{Channel: id, Consumer: "b", MessageID: sent.ID})
			return err
		},
		"Send":   func() error { _, err := eve.Send(ctx, eve.Draft(id, "I am your partner")); return err },
		"Clear":  func() error { _, err := eve.Clear(ctx, id); return err },
		"Follow": func() error { _, err := eve.Follow(ctx, id, ""); return err },
	} {
		if err := do(); agentbridge.CodeOf(err) != agentbridge.Forbidden {
			t.Errorf("%s() = %v, want it forbidden", what, err)
		}
	}
	list, err := eve.Channels(ctx, agentbridge.ChannelQuery{})
	if err != nil || len(list.Channels) != 0 || list.TotalChannels != 0 || list.TotalMessages != 0 {
		t.Errorf("Channels() = %+v, %v; want nothing", list, err)
	}
	overview, err := eve.Overview(ctx, "", 50, agentbridge.MaxReplyBytes)
	if err != nil || len(overview.Channels) != 0 {
		t.Errorf("Overview() = %+v, %v; want nothing", overview, err)
	}
	health, err := eve.Ping(ctx)
	if err != nil || health.Channels != 0 || health.Messages != 0 {
		t.Errorf("Ping() = %+v, %v; want nothing", health, err)
	}
	// In a channel of her own, eve names the conversation's message.
	eve.MustSend("#eve", "x")
	_, err = eve.Ack(ctx, agentbridge.Ack{Channel: "#eve", Consumer: "b", MessageID: sent.ID})
	bridgetest.WantErr(t, agentbridge.NotFound, err)
	if page := eve.MustRead(agentbridge.ReadRequest{Channel: "#eve", After: sent.ID}); !page.Stale {
		t.Errorf("Read(#eve after a conversation's message) = %+v, want it stale", page)
	}
	partner.WantCheck("between us")
}
