package redact

import (
	"math"
	"slices"
	"strings"
)

// gitleaks' format, as far as it is about text: [[rules]] with their allow
// lists, and the allow lists of all. Its other half is about files and commits,
// which a message has not.

// A generalAllowance is one that stands outside of rules.
type generalAllowance struct {
	allowance
	line  int
	rules []setting // the rules it is for; none means all
}

func (l *loader) gitleaksRule(t table) error {
	err := t.refuse(map[string]string{
		"path":       "messages have no path; remove the rule, or its path",
		"required":   "each rule stands for itself here; remove the rule, or what it requires",
		"skipreport": "each rule counts here; remove the rule, or the key",
		"allowlist":  "write it as a table, [rules.allowlist]",
		"allowlists": "write each as a table, [[rules.allowlists]]",
	})
	if err != nil {
		return err
	}
	d := draft{table: t, name: "id", regexp: "regex", keywords: "keywords",
		group: "secretgroup", placeholder: "placeholder", entropy: "entropy"}
	if err := t.only(d.name, "description", d.regexp, d.group, d.entropy, d.keywords, "tags", "skipreport"); err != nil {
		return err
	}
	if err := d.read(); err != nil {
		return err
	}
	p := &d.pattern
	if p.Group == 0 && p.Regexp.NumSubexp() > 0 {
		p.Group = FirstGroup // what gitleaks takes unless it is told
	}
	if p.MinEntropy > 0 {
		p.MinEntropy = math.Nextafter(p.MinEntropy, math.Inf(1)) // gitleaks wants more, not as much
	}
	l.rules = append(l.rules, len(l.patterns))
	return l.add(d.lineOf(d.name), *p)
}

// ruleAllowance reads an allow list of the rule before it.
func (l *loader) ruleAllowance(t table) error {
	if len(l.rules) == 0 {
		return faultf(t.line, "%s must stand behind the [[rules]] it belongs to", t.name)
	}
	a, err := readAllowance(t)
	if err != nil {
		return err
	}
	p := &l.patterns[l.rules[len(l.rules)-1]]
	p.allow = append(p.allow, a)
	return nil
}

func (l *loader) generalAllowance(t table) error {
	a, err := readAllowance(t, "targetrules")
	if err != nil {
		return err
	}
	rules, err := t.texts("targetrules")
	l.general = append(l.general, generalAllowance{a, t.line, rules})
	return err
}

// allowGenerally applies what stands outside of rules, when all are known.
func (l *loader) allowGenerally() error {
	for _, g := range l.general {
		targets, err := l.targets(g)
		if err != nil {
			return err
		}
		for _, i := range targets {
			l.patterns[i].allow = append(l.patterns[i].allow, g.allowance)
		}
	}
	return nil
}

// targets are the patterns that an allow list is for.
func (l *loader) targets(g generalAllowance) ([]int, error) {
	if len(g.rules) == 0 {
		if l.builtIn {
			return nil, faultf(g.line, "an allow list for all rules can't be honoured beside useDefault, as it would not reach the built-in rules; name its targetRules")
		}
		return l.rules, nil
	}
	var targets []int
	for _, r := range g.rules {
		i := slices.IndexFunc(l.rules, func(i int) bool { return l.patterns[i].Name == r.v })
		if i < 0 {
			return nil, faultf(r.line, "there is no rule %q in this file; an allow list is for rules of its own file", r.v)
		}
		targets = append(targets, l.rules[i])
	}
	return targets, nil
}

// extend reads [extend]. gitleaks' own rules are always on.
func (l *loader) extend(t table) error {
	err := t.refuse(map[string]string{
		"path":          "a file stands for itself; copy the rules into it",
		"url":           "a file stands for itself; copy the rules into it",
		"disabledrules": "the built-in kinds can't be turned off",
	})
	if err != nil {
		return err
	}
	if v, set := t.fields["usedefault"]; set {
		on, ok := v.v.(bool)
		if !ok {
			return faultf(v.line, "useDefault must be true or false")
		}
		l.builtIn = on
	}
	return t.only("usedefault")
}

// readAllowance reads an allow list. further are keys that only some have.
func readAllowance(t table, further ...string) (a allowance, err error) {
	err = t.refuse(map[string]string{
		"paths":   "messages have no path; remove it",
		"commits": "messages are no commits; remove it",
	})
	if err != nil {
		return a, err
	}
	if err = t.only(append([]string{"description", "condition", "regextarget", "regexes", "stopwords"}, further...)...); err != nil {
		return a, err
	}
	if err = a.readCondition(t); err != nil {
		return a, err
	}
	if err = a.readRegexps(t); err != nil {
		return a, err
	}
	if err = a.readWords(t); err != nil {
		return a, err
	}
	if len(a.regexps)+len(a.words) == 0 {
		return a, faultf(t.line, "%s allows nothing; add regexes or stopwords, or remove it", t.name)
	}
	a.both = a.both && len(a.regexps) > 0 && len(a.words) > 0
	return a, nil
}

func (a *allowance) readCondition(t table) error {
	condition, err := t.text("condition")
	if err != nil {
		return err
	}
	target, err := t.text("regextarget")
	if err != nil {
		return err
	}
	switch strings.ToUpper(condition) {
	case "AND", "&&":
		a.both = true
	case "", "OR", "||":
	default:
		return faultf(t.lineOf("condition"), "condition must be AND or OR")
	}
	switch target {
	case "", "secret":
	case "match":
		a.match = true
	case "line":
		return faultf(t.lineOf("regextarget"), "regexTarget = \"line\" can't be honoured: a sender chooses what else is in the line; use \"match\" or \"secret\"")
	default:
		return faultf(t.lineOf("regextarget"), "regexTarget must be \"match\" or \"secret\"")
	}
	return nil
}

func (a *allowance) readRegexps(t table) error {
	list, err := t.texts("regexes")
	for _, item := range list {
		if len(item.v.(string)) > maxExpression {
			return faultf(item.line, "an expression in regexes is longer than %d bytes; split it", maxExpression)
		}
		re, _, err := compileExpression(item.v.(string))
		if err != nil {
			return faultf(item.line, "an expression in regexes %s", err)
		}
		a.regexps = append(a.regexps, re)
	}
	return err
}

func (a *allowance) readWords(t table) error {
	list, err := t.texts("stopwords")
	for _, item := range list {
		if item.v == "" {
			return faultf(item.line, "a stop word is empty and would allow every secret; remove it")
		}
		a.words = append(a.words, strings.ToLower(item.v.(string)))
	}
	return err
}
