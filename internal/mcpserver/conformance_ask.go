//go:build conformance

package mcpserver

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// A form asks its client for something, in one round or several, before it answers. Clients since 2026-07-28 get
// the questions as a result and call again with the answers; older ones get requests on the stream of their call.
type form struct {
	name   string
	rounds func(args map[string]string) []mcp.InputRequestMap
	// key signs the round that a client of several calls is in, which it carries for us. Without a key the
	// answers themselves say how far it is.
	key []byte
	// partly leaves out what the client cannot do, as long as something is left to ask.
	partly bool
	done   func(mcp.InputResponseMap) string
}

// inquiry is one call of a form.
type inquiry struct {
	args     map[string]string
	can      *mcp.ClientCapabilities
	answers  mcp.InputResponseMap
	state    string
	lacking  []string            // capabilities that the client has not declared
	ask      mcp.InputRequestMap // what it is to be asked next, nil when all is known
	newState string
}

// advance finds what is to be asked next.
func (f *form) advance(q *inquiry) error {
	rounds := f.rounds(q.args)
	round, begun, err := f.open(q.state)
	if err != nil {
		return err
	}
	if (begun || f.key == nil) && answered(rounds[round], q.answers) {
		round++
	}
	if round == len(rounds) {
		return nil
	}
	q.ask = mcp.InputRequestMap{}
	for id, request := range rounds[round] {
		if need := capabilityFor(request, q.can); need != "" {
			q.lacking = append(q.lacking, need)
			continue
		}
		q.ask[id] = request
	}
	if len(q.lacking) > 0 && !(f.partly && len(q.ask) > 0) {
		return lacks(q.lacking)
	}
	q.newState = f.seal(round)
	return nil
}

// answered reports whether every question has an answer of its kind. Answers to other questions do no harm.
func answered(questions mcp.InputRequestMap, answers mcp.InputResponseMap) bool {
	for id, question := range questions {
		ok := false
		switch question.(type) {
		case *mcp.ElicitParams:
			_, ok = answers[id].(*mcp.ElicitResult)
		case *mcp.CreateMessageParams:
			_, ok = answers[id].(*mcp.CreateMessageWithToolsResult)
		case *mcp.ListRootsParams:
			_, ok = answers[id].(*mcp.ListRootsResult)
		}
		if !ok {
			return false
		}
	}
	return true
}

// capabilityFor names what a client must be able to do for a request and has not declared.
func capabilityFor(request mcp.InputRequest, can *mcp.ClientCapabilities) string {
	if can == nil {
		can = &mcp.ClientCapabilities{}
	}
	switch request.(type) {
	case *mcp.ElicitParams:
		if can.Elicitation == nil {
			return "elicitation"
		}
	case *mcp.CreateMessageParams:
		if can.Sampling == nil {
			return "sampling"
		}
	case *mcp.ListRootsParams:
		if can.RootsV2 == nil {
			return "roots"
		}
	}
	return ""
}

func lacks(capabilities []string) error {
	required := map[string]any{}
	for _, name := range capabilities {
		required[name] = struct{}{}
	}
	data, _ := json.Marshal(map[string]any{"requiredCapabilities": required}) // never fails
	return &jsonrpc.Error{
		Code:    mcp.CodeMissingRequiredClientCapabilities,
		Message: "the client has not declared what this needs: " + strings.Join(capabilities, ", "),
		Data:    data,
	}
}

// seal returns the state to give to a client that is asked the questions of a round.
func (f *form) seal(round int) string {
	if f.key == nil {
		return ""
	}
	mac := hmac.New(sha256.New, f.key)
	fmt.Fprintf(mac, "%s\x00%d", f.name, round)
	return fmt.Sprintf("%d.%x", round, mac.Sum(nil))
}

// open returns the round of a state that seal has made, and whether there was any.
func (f *form) open(state string) (round int, begun bool, err error) {
	if state == "" || f.key == nil {
		return 0, false, nil
	}
	number, _, _ := strings.Cut(state, ".")
	round, err = strconv.Atoi(number)
	if err != nil || !hmac.Equal([]byte(f.seal(round)), []byte(state)) {
		return 0, false, invalid("requestState is not one that %s has given out", f.name)
	}
	return round, true, nil
}

func newFormKey() []byte {
	var key [sha256.Size]byte
	rand.Read(key[:]) // never fails
	return []byte(hex.EncodeToString(key[:]))
}

func (f *form) tool(_ context.Context, r *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	q := inquiry{can: r.ClientCapabilities(), answers: r.Params.InputResponses, state: r.Params.RequestState}
	if len(r.Params.Arguments) > 0 {
		if err := json.Unmarshal(r.Params.Arguments, &q.args); err != nil {
			return nil, invalid("arguments: %v", err)
		}
	}
	if err := f.advance(&q); err != nil {
		return nil, err
	}
	if q.ask != nil {
		return &mcp.CallToolResult{InputRequests: q.ask, RequestState: q.newState}, nil
	}
	return textResult("%s", f.done(q.answers)), nil
}

// streamed is tool, with the answer on an event stream that has begun before it.
func (f *form) streamed(ctx context.Context, r *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	result, err := f.tool(ctx, r)
	if err == nil {
		ctx, c := callOf(ctx, r)
		c.beginStream()
		err = pause(ctx, 1)
	}
	return result, err
}

func (f *form) prompt(ctx context.Context, r *mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
	q := inquiry{args: r.Params.Arguments, can: r.ClientCapabilities(), answers: r.Params.InputResponses, state: r.Params.RequestState}
	if err := f.advance(&q); err != nil {
		return nil, err
	}
	if q.ask != nil {
		return &mcp.GetPromptResult{InputRequests: q.ask, RequestState: q.newState}, nil
	}
	return promptOf(&mcp.TextContent{Text: f.done(q.answers)})(ctx, r)
}
