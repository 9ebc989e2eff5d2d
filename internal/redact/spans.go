package redact

import (
	"slices"
	"strings"
)

// span is a secret that was found: where it stands and what to write instead.
type span struct {
	start, end  int
	placeholder string
	rank        int // of two that overlap, the higher names the kind
}

// The ranks. A prefix token adds the length of its prefix, so that "sk-ant-"
// goes before "sk-".
const (
	rankGeneric    = 10 // a rule that knows nothing but "key = random"
	rankKeyed      = 20
	rankRule       = 30
	rankStructural = 40
	rankPrefix     = 50
	rankNamed      = rankPrefix + 3 // under a name that says whose key it is: chance alone makes beginnings of two letters
	rankCustom     = 100
	rankPrivateKey = 120
)

// merge sorts spans and joins those that overlap: the result covers all of
// them and bears the name of the highest rank. It works in place.
func merge(spans []span) []span {
	if len(spans) < 2 {
		return spans
	}
	slices.SortFunc(spans, func(a, b span) int {
		if a.start != b.start {
			return a.start - b.start
		}
		if a.rank != b.rank {
			return b.rank - a.rank
		}
		return strings.Compare(a.placeholder, b.placeholder)
	})
	out := spans[:1]
	for _, next := range spans[1:] {
		last := &out[len(out)-1]
		if next.start >= last.end {
			out = append(out, next)
			continue
		}
		last.end = max(last.end, next.end)
		if next.rank > last.rank {
			last.rank, last.placeholder = next.rank, next.placeholder
		}
	}
	return out
}

// write returns s with each span replaced. The spans are merged.
func write(s string, spans []span, found Found) string {
	var b strings.Builder
	b.Grow(len(s))
	at := 0
	for _, sp := range spans {
		b.WriteString(s[at:sp.start])
		b.WriteString(sp.placeholder)
		found[sp.placeholder]++
		at = sp.end
	}
	b.WriteString(s[at:])
	return b.String()
}
