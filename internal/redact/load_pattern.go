package redact

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode/utf8"
)

const (
	maxPatternName = 64 // bytes, of names and placeholders
	minKeyword     = 2  // bytes
	minPrefix      = 3  // bytes that each match begins with, where there are no keywords
	maxKeywords    = 100
)

var (
	nameForm        = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._-]*$`)
	placeholderForm = regexp.MustCompile(`^[A-Z][A-Z0-9_]*_REDACTED$`)
)

// A draft names the keys of a table that say what a pattern is, and holds the
// pattern that comes of it.
type draft struct {
	table
	name, regexp, keywords, group, placeholder, entropy string
	tree                                                *syntax.Regexp
	pattern                                             Pattern
}

// ownPattern reads [[pattern]].
func (l *loader) ownPattern(t table) error {
	d := draft{table: t, name: "name", regexp: "regexp", keywords: "keywords",
		group: "group", placeholder: "placeholder", entropy: "min_entropy"}
	if err := t.only(d.name, d.regexp, d.keywords, d.group, d.placeholder, d.entropy); err != nil {
		return err
	}
	if err := d.read(); err != nil {
		return err
	}
	return l.add(d.lineOf(d.name), d.pattern)
}

// read checks everything about one pattern. Later checks need what earlier ones
// have read.
func (d *draft) read() error {
	for _, step := range []func() error{d.readName, d.readRegexp, d.readKeywords, d.readGroup, d.readPlaceholder, d.readEntropy} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// wrong is a fault of this pattern, in the line of a key.
func (d *draft) wrong(key, format string, args ...any) error {
	return faultf(d.lineOf(key), "pattern %q: "+format, append([]any{d.pattern.Name}, args...)...)
}

func (d *draft) readName() error {
	name, err := d.text(d.name)
	switch {
	case err != nil:
		return err
	case name == "":
		return faultf(d.lineOf(d.name), "%s has no %s; add one", d.table.name, d.name)
	case len(name) > maxPatternName || !nameForm.MatchString(name):
		return faultf(d.lineOf(d.name), "%s must be at most %d letters, digits, spaces and . _ -, and begin with a letter or digit", d.name, maxPatternName)
	}
	d.pattern.Name = name
	return nil
}

func (d *draft) readRegexp() error {
	expr, err := d.text(d.regexp)
	switch {
	case err != nil:
		return err
	case expr == "":
		return d.wrong(d.regexp, "%s is missing; add one, between ''' so that backslashes stay", d.regexp)
	case len(expr) > maxExpression:
		return d.wrong(d.regexp, "%s is longer than %d bytes; split the pattern into several", d.regexp, maxExpression)
	}
	d.pattern.Regexp, d.tree, err = compileExpression(expr)
	if err != nil {
		return d.wrong(d.regexp, "%s %s", d.regexp, err)
	}
	return nil
}

// compileExpression refuses what can't be searched for, with the sentence's second half.
func compileExpression(expr string) (*regexp.Regexp, *syntax.Regexp, error) {
	re, err := regexp.Compile(expr)
	if e, ok := errors.AsType[*syntax.Error](err); ok {
		return nil, nil, errors.New("is not valid RE2 (" + e.Code.String() + ": " + e.Expr + "); see https://golang.org/s/re2syntax")
	}
	if err != nil {
		return nil, nil, err
	}
	tree, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil, nil, err
	}
	if canBeEmpty(tree) {
		return nil, nil, errors.New("matches the empty string, which is everywhere; make it ask for at least one character")
	}
	return re, tree, nil
}

// canBeEmpty tells whether an expression can match without taking a character,
// be it only at certain places.
func canBeEmpty(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpNoMatch, syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return false
	case syntax.OpLiteral:
		return len(re.Rune) == 0
	case syntax.OpCapture, syntax.OpPlus:
		return canBeEmpty(re.Sub[0])
	case syntax.OpRepeat:
		return re.Min == 0 || canBeEmpty(re.Sub[0])
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			if !canBeEmpty(sub) {
				return false
			}
		}
		return true
	case syntax.OpAlternate:
		for _, sub := range re.Sub {
			if canBeEmpty(sub) {
				return true
			}
		}
		return false
	}
	return true // *, ?, and what only looks: ^ $ \b
}

// fixedPrefix is the text that every match begins with, and whether it is all
// of every match. Unlike the library's it looks behind \b and into (?i): the
// text is compared in lower case.
func fixedPrefix(re *syntax.Regexp) (prefix string, all bool) {
	switch re.Op {
	case syntax.OpLiteral:
		return strings.ToLower(string(re.Rune)), true
	case syntax.OpCapture:
		return fixedPrefix(re.Sub[0])
	case syntax.OpPlus:
		prefix, _ = fixedPrefix(re.Sub[0])
		return prefix, false
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			more, all := fixedPrefix(sub)
			if prefix += more; !all {
				return prefix, false
			}
		}
		return prefix, true
	case syntax.OpBeginLine, syntax.OpBeginText, syntax.OpWordBoundary, syntax.OpNoWordBoundary, syntax.OpEmptyMatch:
		return "", true
	}
	return "", false
}

// readKeywords takes the keywords, or in their place what each match begins
// with: an expression that had neither would be tried on every text in full.
func (d *draft) readKeywords() error {
	list, err := d.texts(d.keywords)
	if err != nil {
		return err
	}
	if len(list) > maxKeywords {
		return d.wrong(d.keywords, "%s are more than %d; split the pattern into several", d.keywords, maxKeywords)
	}
	for _, item := range list {
		word := item.v.(string)
		if len(word) < minKeyword || utf8.RuneCountInString(word) != len(word) {
			return faultf(item.line, "pattern %q: keyword %q must be at least %d characters, ASCII only", d.pattern.Name, word, minKeyword)
		}
		d.pattern.Keywords = append(d.pattern.Keywords, strings.ToLower(word))
	}
	if len(list) > 0 {
		return nil
	}
	prefix, _ := fixedPrefix(d.tree)
	if len(prefix) < minPrefix || utf8.RuneCountInString(prefix) != len(prefix) {
		return d.wrong(d.regexp, "it needs %s, because %s does not begin with at least %d fixed ASCII characters; add words one of which stands in each text that holds a match",
			d.keywords, d.regexp, minPrefix)
	}
	d.pattern.Keywords = []string{prefix}
	return nil
}

func (d *draft) readGroup() error {
	n, err := d.integer(d.group)
	if err != nil {
		return err
	}
	groups := d.pattern.Regexp.NumSubexp()
	if n < 0 || n > int64(groups) {
		return d.wrong(d.group, "there is no group %d in %s, which has %d; 0 means all of the match", n, d.regexp, groups)
	}
	d.pattern.Group = int(n)
	return nil
}

func (d *draft) readPlaceholder() error {
	placeholder, err := d.text(d.placeholder)
	if err != nil {
		return err
	}
	if _, set := d.fields[d.placeholder]; !set {
		placeholder = placeholderOf(d.pattern.Name)
	}
	if len(placeholder) > maxPatternName+len("_REDACTED") || !placeholderForm.MatchString(placeholder) {
		return d.wrong(d.placeholder, "placeholder %q must be capital letters, digits and _, begin with a letter and end in _REDACTED", placeholder)
	}
	if d.pattern.Regexp.MatchString(placeholder) {
		return d.wrong(d.placeholder, "%s matches the placeholder %s, which would be replaced again; make it narrower, or choose another placeholder", d.regexp, placeholder)
	}
	d.pattern.Placeholder = placeholder
	return nil
}

// placeholderOf makes ACME_KEY_REDACTED of acme-key.
func placeholderOf(name string) string {
	upper := strings.Map(func(r rune) rune {
		if r == ' ' || r == '.' || r == '-' {
			return '_'
		}
		return r
	}, strings.ToUpper(name))
	return strings.TrimLeft(upper, "0123456789_") + "_REDACTED"
}

func (d *draft) readEntropy() (err error) {
	d.pattern.MinEntropy, err = d.number(d.entropy)
	if err == nil && !(d.pattern.MinEntropy >= 0 && d.pattern.MinEntropy <= 8) { // NaN is neither
		return d.wrong(d.entropy, "%s must be from 0 to 8, in bits per character", d.entropy)
	}
	return err
}
