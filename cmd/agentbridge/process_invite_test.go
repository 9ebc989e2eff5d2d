package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"agentbridge"
	"agentbridge/bridgetest"
	"agentbridge/internal/relay"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// newRoles are the arguments of a new conversation.
var newRoles = args{"my_role": "backend_developer", "partner_role": "frontend_developer"}

// Mallory attacks an invitation with a process of her own, where creators do
// not see their partner's token: she guesses, replays, comes too late and races
// the partner. No code and no token is to be found afterwards.
func TestAttack_invite(t *testing.T) {
	h := newHome(t)
	running := []*program{h.stdio(t, "--partner-token", "invite-only"), h.stdio(t, "--partner-token", "invite-only"), h.stdio(t, "--partner-token", "invite-only")}
	alice, bob, mallory := running[0].member(), running[1].member(), running[2].member()
	var codes []string
	invite := func() (conversation, code string) {
		t.Helper()
		made := alice.must("create_conversation", newRoles)
		if made["session_a_token"] != nil || made["session_b_token"] != nil {
			t.Errorf("create_conversation shows tokens: %v", made)
		}
		codes = append(codes, made["invite"].(string))
		return made["conversation_id"].(string), made["invite"].(string)
	}
	var refusals []string
	noEntry := func(what string, m *member, code string) {
		t.Helper()
		_, err := m.call("join_conversation", args{"invite": code})
		if err == nil {
			t.Errorf("%s: let in", what)
			return
		}
		refusals = append(refusals, err.Error())
	}

	// She knows the digits that say which, and guesses the others.
	_, guessed := invite()
	for i := range agentbridge.InviteTries {
		noEntry("a guess", mallory, string(bridgetest.WrongInvite(agentbridge.Invite(guessed), i)))
	}
	noEntry("the partner, after five guesses", bob, guessed)

	// The partner was faster.
	id, used := invite()
	joined := bob.must("join_conversation", args{"invite": used})
	noEntry("a used code", mallory, used)
	a, b := args{"conversation_id": id, "session_id": "a"}, args{"conversation_id": id, "session_id": joined["session_id"]}
	alice.must("send_to_partner", with(a, args{"message": "the launch is on Monday"}))
	for _, m := range []*member{mallory, alice} { // the creator has no way into the partner's seat either
		for _, token := range []any{nil, strings.Repeat("0", agentbridge.TokenLength)} {
			if got, err := m.call("check_messages", with(b, args{"token": token})); err == nil {
				t.Errorf("check_messages of the partner's seat = %v", got)
			}
		}
	}
	wantColumn(t, "the partner's check_messages", bob.must("check_messages", b), "messages", "message", "the launch is on Monday")

	// She comes too late.
	_, late := invite()
	age(t, h, late)
	noEntry("a code that is too old", mallory, late)

	// She and the partner come at once.
	_, raced := invite()
	var wg sync.WaitGroup
	results := make(chan error, 8)
	for _, m := range slices.Repeat([]*member{bob, mallory}, 4) {
		wg.Go(func() {
			_, err := m.call("join_conversation", args{"invite": raced})
			results <- err
		})
	}
	wg.Wait()
	close(results)
	in := 0
	for err := range results {
		if err == nil {
			in++
		} else {
			refusals = append(refusals, err.Error())
		}
	}
	if in != 1 {
		t.Errorf("%d were let in with one code, want 1", in)
	}
	if slices.Sort(refusals); len(slices.Compact(refusals)) != 1 {
		t.Errorf("refusals differ: %q", refusals)
	}

	for _, p := range running {
		p.in.Close()
		p.wantExit(exitOK)
	}
	wantNowhere(t, h, running, append(codes, tokensOf(t, h, id)...))
}

// age lets the time of an invitation run out.
func age(t *testing.T, h home, code string) {
	t.Helper()
	b := bridgetest.Open(t, string(h), relay.Options{})
	defer b.Close()
	b.Outdate(agentbridge.Invite(code))
}

// tokensOf derives the tokens of a conversation, as its operator may.
func tokensOf(t *testing.T, h home, id string) []string {
	t.Helper()
	b := bridgetest.Open(t, string(h), relay.Options{})
	defer b.Close()
	one, other, err := b.Operator().Tokens(t.Context(), agentbridge.ConversationID(id))
	if err != nil {
		t.Fatal(err)
	}
	return []string{string(one), string(other)}
}

// wantNowhere searches the files of a bridge and what its programs logged.
func wantNowhere(t *testing.T, h home, programs []*program, secrets []string) {
	t.Helper()
	places := map[string][]byte{}
	for i, p := range programs {
		places[fmt.Sprint("the log of program ", i)] = p.stderr.Bytes()
		places[fmt.Sprint("the command line of program ", i)] = []byte(strings.Join(p.cmd.Args, " "))
	}
	files, err := filepath.Glob(filepath.Join(string(h), "*"))
	if err != nil || len(files) < 2 {
		t.Fatalf("files of the bridge: %v, %v", files, err)
	}
	for _, file := range files {
		if places[filepath.Base(file)], err = os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
	}
	for where, what := range places {
		for _, secret := range secrets {
			if bytes.Contains(what, []byte(secret)) || bytes.Contains(what, []byte(strings.ReplaceAll(secret, "-", ""))) {
				t.Errorf("%s holds a secret of %d characters", where, len(secret))
			}
		}
	}
}

// Mallory is an agent like any other, or nobody, and has found the tokens of
// both seats of a conversation that two agents took under their names.
func TestAttack_stolenSeatToken(t *testing.T) {
	h := newHome(t)
	tokens := map[agentbridge.AgentName]string{}
	b := bridgetest.Open(t, string(h), relay.Options{})
	for _, name := range []agentbridge.AgentName{"alice", "bob", "mallory"} {
		issued, err := b.Operator().AddAgent(t.Context(), agentbridge.NewAgent{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		tokens[name] = string(issued.Token)
	}
	b.Close()
	server, url := h.serve(t)
	near := h.stdio(t)
	alice, bob, mallory, nobody := visitAs(t, url, tokens["alice"]), visitAs(t, url, tokens["bob"]), visitAs(t, url, tokens["mallory"]), near.member()
	made := alice.must("create_conversation", newRoles)
	joined := bob.must("join_conversation", args{"invite": made["invite"]})
	seat := func(s string) args { return args{"conversation_id": made["conversation_id"], "session_id": s} }
	stolenA, stolenB := with(seat("a"), args{"token": made["session_a_token"]}), with(seat("b"), args{"token": joined["session_b_token"]})
	alice.must("send_to_partner", with(seat("a"), args{"message": "to bob only"}))
	denied := map[string]bool{}
	for who, m := range map[string]*member{"mallory": mallory, "nobody": nobody} {
		for what, cred := range map[string]args{"a's token": stolenA, "b's token": stolenB, "an unknown conversation": with(stolenB, args{"conversation_id": "conv_0000000000000000"})} {
			got, err := m.call("check_messages", cred)
			if err == nil {
				t.Errorf("%s with %s read %v", who, what, got)
				continue
			}
			denied[err.Error()] = true
		}
	}
	if len(denied) != 1 {
		t.Errorf("%d different refusals, want one: %v", len(denied), denied)
	}
	for what, call := range map[string]struct {
		m    *member
		cred args
	}{"bob in alice's seat": {bob, stolenA}, "alice in bob's": {alice, stolenB}} {
		if got, err := call.m.call("check_messages", call.cred); err == nil {
			t.Errorf("%s read %v", what, got)
		}
	}
	wantColumn(t, "bob's check_messages, without a token", bob.must("check_messages", seat("b")), "messages", "message", "to bob only")
	server.terminate()
	<-server.exited
	near.in.Close()
	near.wantExit(exitOK)
	wantNowhere(t, h, []*program{server, near}, []string{made["invite"].(string), made["session_a_token"].(string), joined["session_b_token"].(string), tokens["alice"]})
}

// visitAs is visit with an agent's token.
func visitAs(t testing.TB, url, token string) *member {
	t.Helper()
	session, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).
		Connect(context.Background(), &mcp.StreamableClientTransport{Endpoint: url + "/mcp", HTTPClient: &http.Client{Transport: bearer(token)}}, nil)
	if err != nil {
		t.Fatalf("connect to %s: %v", url, err)
	}
	t.Cleanup(func() { session.Close() })
	return &member{t, func(tool string, arguments args) (data, error) {
		result, err := session.CallTool(context.Background(), &mcp.CallToolParams{Name: tool, Arguments: arguments})
		if err != nil {
			return nil, err
		}
		return dataOf(result)
	}}
}

// bearer puts a token on every request.
type bearer string

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(b))
	return http.DefaultTransport.RoundTrip(r)
}
