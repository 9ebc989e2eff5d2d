//go:build conformance

package mcpserver

import (
	"encoding/json"
	"fmt"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// Schemas of what a user is asked for.
const (
	askName    = `{"type":"object","properties":{"name":{"type":"string"}},"required":["name"]}`
	askColor   = `{"type":"object","properties":{"color":{"type":"string"}},"required":["color"]}`
	askContext = `{"type":"object","properties":{"context":{"type":"string"}},"required":["context"]}`
	askConsent = `{"type":"object","properties":{"ok":{"type":"boolean"}},"required":["ok"]}`
	askContact = `{"type":"object","properties":{
		"username":{"type":"string","description":"User's response"},
		"email":{"type":"string","description":"User's email address"}
	},"required":["username","email"]}`
	askWithDefaults = `{"type":"object","properties":{
		"name":{"type":"string","default":"John Doe"},
		"age":{"type":"integer","default":30},
		"score":{"type":"number","default":95.5},
		"status":{"type":"string","enum":["active","inactive","pending"],"default":"active"},
		"verified":{"type":"boolean","default":true}
	}}`
	askChoices = `{"type":"object","properties":{
		"untitledSingle":{"type":"string","enum":["option1","option2","option3"]},
		"titledSingle":{"type":"string","oneOf":[{"const":"value1","title":"First"},{"const":"value2","title":"Second"},{"const":"value3","title":"Third"}]},
		"legacyEnum":{"type":"string","enum":["opt1","opt2","opt3"],"enumNames":["One","Two","Three"]},
		"untitledMulti":{"type":"array","items":{"type":"string","enum":["option1","option2","option3"]}},
		"titledMulti":{"type":"array","items":{"anyOf":[{"const":"value1","title":"First"},{"const":"value2","title":"Second"},{"const":"value3","title":"Third"}]}}
	}}`
)

func elicit(message, schema string) mcp.InputRequest {
	return &mcp.ElicitParams{Mode: "form", Message: message, RequestedSchema: json.RawMessage(schema)}
}

func sample(text string) mcp.InputRequest {
	return &mcp.CreateMessageParams{MaxTokens: 100, Messages: []*mcp.SamplingMessage{{Role: "user", Content: &mcp.TextContent{Text: text}}}}
}

func listRoots() mcp.InputRequest { return &mcp.ListRootsParams{} }

// once asks everything in one round, whatever the arguments.
func once(questions mcp.InputRequestMap) func(map[string]string) []mcp.InputRequestMap {
	return func(map[string]string) []mcp.InputRequestMap { return []mcp.InputRequestMap{questions} }
}

// said repeats the answers, after a word.
func said(word string) func(mcp.InputResponseMap) string {
	return func(answers mcp.InputResponseMap) string {
		b, err := json.Marshal(answers)
		if err != nil {
			return fmt.Sprintf("%s: %v", word, err)
		}
		return fmt.Sprintf("%s: %s", word, b)
	}
}

func addAskingTools(s *mcp.Server) {
	key := newFormKey()
	withState := func(f form) form { f.key = key; return f }
	const asksUser = "Asks the user."
	for _, t := range []struct {
		form
		description string
		input       json.RawMessage
		streamed    bool
	}{
		{form{name: "test_sampling", rounds: samplePrompt, done: said("LLM response")}, "Asks the client's model.", input(need("prompt", anyText)), false},
		{form{name: "test_missing_capability", rounds: samplePrompt, done: said("LLM response")}, "Needs a client with a model.", nil, false},
		{form{name: "test_elicitation", rounds: elicitMessage, done: said("User response")}, asksUser, input(need("message", anyText)), false},
		{form{name: "test_elicitation_sep1034_defaults", rounds: once(mcp.InputRequestMap{"form": elicit("Is this right?", askWithDefaults)}), done: said("Elicitation completed")}, asksUser, nil, false},
		{form{name: "test_elicitation_sep1330_enums", rounds: once(mcp.InputRequestMap{"form": elicit("Which of these?", askChoices)}), done: said("Elicitation completed")}, asksUser, nil, false},
		{form{name: "test_streaming_elicitation", rounds: userName, done: said("Hello")}, asksUser, nil, true},
		{form{name: "test_input_required_result_elicitation", rounds: userName, done: said("Hello")}, asksUser, nil, false},
		{form{name: "test_input_required_result_sampling", rounds: capital, done: said("LLM response")}, "Asks the client's model.", nil, false},
		{form{name: "test_input_required_result_list_roots", rounds: once(mcp.InputRequestMap{"client_roots": listRoots()}), done: said("Roots")}, "Asks for the client's roots.", nil, false},
		{withState(form{name: "test_input_required_result_request_state", rounds: consent, done: said("state-ok")}), asksUser, nil, false},
		{withState(form{name: "test_input_required_result_tampered_state", rounds: consent, done: said("state-ok")}), asksUser, nil, false},
		{withState(form{name: "test_input_required_result_multiple_inputs", rounds: everything, done: said("All of it")}), "Asks for everything at once.", nil, false},
		{withState(form{name: "test_input_required_result_multi_round", rounds: nameThenColor, done: said("Both")}), "Asks the user twice.", nil, false},
		{form{name: "test_input_required_result_capabilities", rounds: everything, partly: true, done: said("What you can")}, "Asks only for what the client can do.", nil, false},
	} {
		call := t.tool
		if t.streamed {
			call = t.form.streamed
		}
		offer(s, fixture{t.name, t.description, t.input, call})
	}
	question := form{name: "test_input_required_result_prompt", rounds: once(mcp.InputRequestMap{"user_context": elicit("What context should the prompt use?", askContext)}), done: said("Context")}
	s.AddPrompt(&mcp.Prompt{Name: question.name, Description: "Asks the user what it is about."}, question.prompt)
}

func samplePrompt(args map[string]string) []mcp.InputRequestMap {
	return []mcp.InputRequestMap{{"sample": sample(args["prompt"])}}
}

func elicitMessage(args map[string]string) []mcp.InputRequestMap {
	return []mcp.InputRequestMap{{"form": elicit(args["message"], askContact)}}
}

func userName(map[string]string) []mcp.InputRequestMap {
	return []mcp.InputRequestMap{{"user_name": elicit("What is your name?", askName)}}
}

func capital(map[string]string) []mcp.InputRequestMap {
	return []mcp.InputRequestMap{{"capital_question": sample("What is the capital of France?")}}
}

func consent(map[string]string) []mcp.InputRequestMap {
	return []mcp.InputRequestMap{{"confirm": elicit("Please confirm", askConsent)}}
}

func everything(map[string]string) []mcp.InputRequestMap {
	return []mcp.InputRequestMap{{
		"user_name":    elicit("What is your name?", askName),
		"greeting":     sample("Generate a greeting"),
		"client_roots": listRoots(),
	}}
}

func nameThenColor(map[string]string) []mcp.InputRequestMap {
	return []mcp.InputRequestMap{
		{"step1": elicit("Step 1: What is your name?", askName)},
		{"step2": elicit("Step 2: What is your favorite color?", askColor)},
	}
}
