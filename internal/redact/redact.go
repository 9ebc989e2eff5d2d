// Package redact finds secrets in text and puts placeholders in their place.
// It is pure: what it says depends on the text and the patterns only, and it
// neither keeps nor logs what it found.
//
// One pass of an automaton finds the places where a secret may stand: prefixes
// of tokens, names such as "password", marks such as "://". A scanner for each
// looks at the text there and says which bytes are the secret. What it can't
// see that way (encoded, split or disguised text) it looks at in a derived
// view whose bytes know where they came from.
package redact

import "sync"

// Found counts what was replaced: how often, by placeholder. It is nil if
// nothing was.
type Found map[string]int

// Redactor replaces secrets. It is safe for concurrent use.
type Redactor struct {
	know func() *knowledge // waits until it is made
}

// knowledge is what a Redactor looks for.
type knowledge struct {
	words    *automaton
	actions  []action // by keyword
	patterns []Pattern
}

// builtin is made once.
var builtin = sync.OnceValue(func() *Redactor { return learn(nil) })

// New returns a Redactor that knows the built-in kinds of secrets and the given
// patterns besides.
func New(patterns []Pattern) *Redactor {
	if len(patterns) == 0 {
		return builtin()
	}
	return learn(patterns)
}

// learn takes some milliseconds and megabytes, which nobody waits for who has no
// text yet.
func learn(patterns []Pattern) *Redactor {
	r := &Redactor{know: sync.OnceValue(func() *knowledge { return newKnowledge(patterns) })}
	go r.know()
	return r
}

func newKnowledge(patterns []Pattern) *knowledge {
	v := newVocabulary()
	v.addBuiltin()
	if err := v.addGitleaks(); err != nil {
		panic("redact: " + err.Error()) // the rules are part of the program
	}
	v.addPatterns(patterns)
	return &knowledge{words: newAutomaton(v.keywords), actions: v.actions, patterns: v.patterns}
}

// Text returns s with each secret replaced by a placeholder. Text without
// secrets is returned as it is, without an allocation.
func (r *Redactor) Text(s string) (string, Found) {
	return r.settle(s, "")
}

// Field is Text for a value that stands under a name, as in a JSON object:
// under a name such as "password" any value that could be one is a secret.
func (r *Redactor) Field(name, s string) (string, Found) {
	return r.settle(s, name)
}

// settle replaces until nothing is left to replace: a placeholder may join what
// a secret kept apart. Each pass leaves fewer bytes that are not placeholders,
// so this ends, nearly always at the second look.
func (r *Redactor) settle(s, name string) (string, Found) {
	var found Found
	for range maxPasses {
		next, again := r.pass(s, name, found)
		if again == nil {
			return s, found
		}
		s, found = next, again
	}
	return s, found
}

// pass replaces once. It returns nil if there was nothing to replace, else
// found (made if it was nil) with what there was.
func (r *Redactor) pass(s, name string, found Found) (string, Found) {
	sc := r.know().newScan(s)
	defer sc.free()
	sc.all()
	if name != "" {
		sc.field(name)
	}
	if len(sc.spans) == 0 {
		return s, nil
	}
	if found == nil {
		found = make(Found)
	}
	return write(s, merge(sc.spans), found), found
}
