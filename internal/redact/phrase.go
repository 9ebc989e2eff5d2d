package redact

import "strings"

// phrase accepts a passphrase of words without quotes: "passphrase: correct
// horse battery". Words are a secret only if they are many, have no grammar and
// end the line.
func (s *scan) phrase(sl slot, p int) bool {
	if sl.kind != kindPassword || sl.op != opColon && sl.op != opAssign && sl.op != opVerb {
		return false
	}
	end := p
	words := 0
	for words < 25 {
		next := end
		for next < len(s.text) && isLower(s.text[next]) && next-end < 16 {
			next++
		}
		if next-end < 3 {
			break
		}
		words++
		end = next
		if at(s.text, end) != ' ' || !isLower(at(s.text, end+1)) {
			break
		}
		end++
	}
	if c := at(s.text, end); c != 0 && c != '\n' && c != '\r' && c != '.' && c != '"' {
		return false
	}
	least := 4
	if name := s.text[sl.start:sl.end]; containsFold(name, "phrase") || containsFold(name, "mnemonic") {
		least = 3
	}
	if words < least || hasGrammar(s.text[p:end], " ") || isSentence(s.text[p:end]) || strings.Contains(s.text[p:end], "words") {
		return false
	}
	return s.add(p, end, password, rankKeyed)
}
