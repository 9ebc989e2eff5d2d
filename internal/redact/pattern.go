package redact

import (
	"math"
	"regexp"
	"strings"
	"unicode/utf8"
)

// FirstGroup, as a Pattern's Group, is the first group of a match that is not
// empty, and all of the match if each is.
const FirstGroup = -1

// Pattern is a kind of secret that an operator added. LoadPatterns makes them.
type Pattern struct {
	Name        string
	Regexp      *regexp.Regexp
	Keywords    []string // lower case, at least one; the expression is tried on texts that hold one of them
	Group       int      // the group that holds the secret; 0 means all of the match
	Placeholder string
	MinEntropy  float64 // in bits per character; 0 means any

	allow []allowance // what looks like a secret and is none
}

// An allowance tells matches of a pattern that are no secrets.
type allowance struct {
	regexps []*regexp.Regexp
	words   []string // lower case; one within the secret is enough
	match   bool     // regexps look at all of the match, not only at the secret
	both    bool     // an expression and a word are needed, not just either
}

// block is how many bytes of a text one search may take as the beginnings of
// matches; a match may be as long as that for certain. Each search is linear,
// but not each sequence of them: an expression such as "acme(.*end)?" looks at
// all that follows for each "acme". Blocks keep that from growing with the
// square of a text.
const block = 4 << 10

// secrets hands each secret of this kind in text to add: text[from:to]. It does
// not look for the keywords, and takes time in proportion to the text.
func (p *Pattern) secrets(text string, add func(from, to int)) {
	done := 0 // the end of the last match
	for at := 0; at < len(text); at += block {
		begin := runeStart(text, max(0, at-utf8.UTFMax)) // what stands before decides \b and ^
		end := runeStart(text, min(len(text), at+2*block))
		for _, match := range p.Regexp.FindAllStringSubmatchIndex(text[begin:end], -1) {
			start := begin + match[0]
			if start < max(at, done) || start >= at+block {
				continue // it was in the last block, or comes in the next
			}
			done = begin + match[1]
			if from, to, ok := p.secret(text[begin:end], match); ok {
				add(begin+from, begin+to)
			}
		}
	}
}

// runeStart is the beginning of the character that stands at i.
func runeStart(text string, i int) int {
	for i > 0 && i < len(text) && !utf8.RuneStart(text[i]) {
		i--
	}
	return i
}

// secret returns what is to be replaced of a match: text[from:to]. match is
// from p.Regexp's FindStringSubmatchIndex of text. ok is false if there is
// nothing to replace: the group is not in the match or is empty, it has been
// replaced before, the entropy is too low, or it is allowed.
func (p *Pattern) secret(text string, match []int) (from, to int, ok bool) {
	from, to = p.span(match)
	if from < 0 || from == to || withinPlaceholder(p.Placeholder, text, from, to) {
		return 0, 0, false
	}
	s := text[from:to]
	if p.MinEntropy > 0 && bitsPerByte(s) < p.MinEntropy {
		return 0, 0, false
	}
	for i := range p.allow {
		if p.allow[i].allows(s, text[match[0]:match[1]]) {
			return 0, 0, false
		}
	}
	return from, to, true
}

// span is where the secret stands, from < 0 if the match does not have it.
func (p *Pattern) span(match []int) (from, to int) {
	if p.Group >= 0 {
		return match[2*p.Group], match[2*p.Group+1]
	}
	for i := 2; i < len(match); i += 2 {
		if match[i] < match[i+1] {
			return match[i], match[i+1]
		}
	}
	return match[0], match[1]
}

// withinPlaceholder tells whether text[from:to] is a piece of a placeholder that stands
// there. A sender who writes one himself only hides what is a placeholder.
func withinPlaceholder(placeholder, text string, from, to int) bool {
	if to-from > len(placeholder) {
		return false
	}
	around := text[max(0, to-len(placeholder)):min(len(text), from+len(placeholder))]
	return strings.Contains(around, placeholder)
}

func (a *allowance) allows(secret, match string) bool {
	target := secret
	if a.match {
		target = match
	}
	expression, word := false, false
	for _, re := range a.regexps {
		expression = expression || re.MatchString(target)
	}
	secret = strings.ToLower(secret)
	for _, w := range a.words {
		word = word || strings.Contains(secret, w)
	}
	if a.both {
		return expression && word
	}
	return expression || word
}

// bitsPerByte is the Shannon entropy of s: 0 for one byte repeated, 4 at most
// for hexadecimal digits, 6 at most for base64.
func bitsPerByte(s string) float64 {
	var count [256]int
	for i := range len(s) {
		count[s[i]]++
	}
	bits := 0.0
	for _, n := range count {
		if n > 0 {
			p := float64(n) / float64(len(s))
			bits -= p * math.Log2(p)
		}
	}
	return bits
}
