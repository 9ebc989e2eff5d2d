package agentbridge

import "strings"

// What Suspicious finds.
const (
	ChatTemplate = "chat_template"        // tokens that separate speakers in a model's input
	ToolCall     = "tool_call"            // what looks like a call of a tool, or its result
	Override     = "instruction_override" // a request to forget what the reader was told
	SystemVoice  = "system_voice"         // a line that begins as if the system or an operator spoke
)

// Suspicious tells what in a text tries to be more than text, for a reader who
// wants to be careful: nil for nothing, else words of the list above, in its
// order. It is a hint and no filter: what it does not know it does not find,
// and whoever quotes an attack is found too. Give it text that is clean. It
// takes time in proportion to the text, and no memory if it finds nothing.
func Suspicious(s string) []string {
	var template, call, override, voice bool
	line, word := true, true // whether a line or a word begins here
	for i := 0; i < len(s); i++ {
		c := s[i]
		if isLetter(c) {
			if word {
				override = override || overrides(s[i:])
				voice = voice || line && speaks(s[i:])
				word, line = false, false
			}
			continue
		}
		word = true
		switch c {
		case '\n':
			line = true
		case ' ', '\t', '#', '*', '_', '>', '=', '-': // what decorates a line's beginning
		case '<', '[', '{':
			line = line && c == '['
			if i+1 < len(s) {
				t, c := tokens(s[i:])
				template, call = template || t, call || c
			}
		default:
			line = false
		}
	}
	if !template && !call && !override && !voice {
		return nil
	}
	var found []string
	for _, f := range []struct {
		is   bool
		word string
	}{{template, ChatTemplate}, {call, ToolCall}, {override, Override}, {voice, SystemVoice}} {
		if f.is {
			found = append(found, f.word)
		}
	}
	return found
}

// templateTokens come from the chat templates of models that are in use.
var templateTokens = []string{
	"<|im_start|>", "<|im_end|>", "<|system|>", "<|user|>", "<|assistant|>", "<|endoftext|>", "<|end|>", "<|eot_id|>",
	"<|start_header_id|>", "<|end_header_id|>", "<|begin_of_text|>", "<|start|>", "<|channel|>", "<|message|>", "<|return|>",
	"<start_of_turn>", "<end_of_turn>", "<|start_of_role|>", "<|turn>", "<｜", "[inst]", "[/inst]", "<<sys>>", "<</sys>>",
	"[system_prompt]", "[available_tools]", "<system>", "</system>", "<system-reminder>", "<system_prompt>",
}

// callTokens are how models write that a tool is to be called, or was.
var callTokens = []string{
	"<tool_call>", "</tool_call>", "<function_call>", "<function_calls>", "<function=", "<invoke ", "<tool_use>", "<tool_result>",
	"<tool_response>", "<function_results>", "[tool_calls]", "[tool_results]", "<|tool", "<|python_tag|>", "<|call|>",
	`{"tool_call`, `{"function_call`, `{"type":"tool_use"`, `{"type": "tool_use"`, `{"jsonrpc":`,
}

// tokens tells what s, of two bytes at least, begins with.
func tokens(s string) (template, call bool) {
	of := tokensBy[lower(s[1])]
	return startsWithAny(s, of[0]), startsWithAny(s, of[1])
}

// tokensBy has the tokens of both kinds by their second byte, so that a text
// of angle brackets costs no more than another.
var tokensBy = func() (table [256][2][]string) {
	for kind, list := range [2][]string{templateTokens, callTokens} {
		for _, token := range list {
			table[token[1]][kind] = append(table[token[1]][kind], token)
		}
	}
	return table
}()

// startsWithAny compares without regard to case; the words are in lower case.
func startsWithAny(s string, words []string) bool {
	for _, token := range words {
		if startsWith(s, token) {
			return true
		}
	}
	return false
}

func startsWith(s, word string) bool {
	if len(s) < len(word) {
		return false
	}
	for i := range len(word) {
		if lower(s[i]) != word[i] {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// overrides tells whether s begins with a request such as "ignore all previous
// instructions": a word of the first list, and of each of the others soon
// after it.
func overrides(s string) bool {
	const near = 64 // bytes
	verb := 0
	if strings.IndexByte("idfobIDFOB", s[0]) < 0 {
		return false
	}
	for _, v := range []string{"ignore ", "disregard ", "forget ", "override ", "bypass "} {
		if startsWith(s, v) {
			verb = len(v)
		}
	}
	if verb == 0 {
		return false
	}
	rest := s[verb:min(len(s), verb+near)]
	return holdsAny(rest, []string{"previous", "prior", "above", "earlier", "your ", "all ", "system", "preceding", "everything"}) &&
		holdsAny(rest, []string{"instruction", "prompt", "rules", "guideline", "directive", "you were told", "you have been told", "safety", "constraints"})
}

// holdsAny tells whether a word of the list stands in a short text.
func holdsAny(s string, words []string) bool {
	for i := range len(s) {
		if (i == 0 || !isLetter(s[i-1])) && startsWithAny(s[i:], words) {
			return true
		}
	}
	return false
}

// speaks tells whether a line begins as a header of a transcript would.
func speaks(s string) bool {
	if strings.IndexByte("sdofanSDOFAN", s[0]) < 0 {
		return false
	}
	for _, who := range []string{"system", "system prompt", "system message", "system notice", "system override", "developer message", "operator", "administrator", "from: session system", "new instructions"} {
		if startsWith(s, who) {
			rest := strings.TrimLeft(s[len(who):min(len(s), len(who)+8)], " *_]")
			if strings.HasPrefix(rest, ":") || strings.HasPrefix(who, "from") {
				return true
			}
		}
	}
	return false
}
