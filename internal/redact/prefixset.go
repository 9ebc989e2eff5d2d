package redact

import "strings"

// prefixSet is a list of prefixes by their first byte: most text begins with
// none of them, and is told so by one look.
type prefixSet [256][]string

func newPrefixSet(list ...string) *prefixSet {
	var s prefixSet
	for _, p := range list {
		s[p[0]] = append(s[p[0]], p)
	}
	return &s
}

// of returns the first prefix of the set that text begins with, "" if none.
func (s *prefixSet) of(text string) string {
	if text == "" {
		return ""
	}
	for _, p := range s[text[0]] {
		if strings.HasPrefix(text, p) {
			return p
		}
	}
	return ""
}
