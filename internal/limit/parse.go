package limit

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"agentbridge"
)

// units are the times that a rate can be written for, shortest first.
var units = []struct {
	letter string
	per    time.Duration
	words  string
}{
	{"s", time.Second, "a second"},
	{"m", time.Minute, "a minute"},
	{"h", time.Hour, "an hour"},
	{"d", 24 * time.Hour, "a day"},
}

// ParseSetting reads the limit of one class: conversation=100/m,500/h,2000/d, or
// conversation=off for none.
func ParseSetting(text string) (Class, Rule, error) {
	name, rates, ok := strings.Cut(text, "=")
	class := Class(strings.TrimSpace(name))
	if !ok {
		return "", nil, fmt.Errorf("%q is not CLASS=RATES, for example conversation=100/m,500/h,2000/d", short(text))
	}
	if !slices.Contains(Classes(), class) {
		return "", nil, fmt.Errorf("class %q does not exist; the classes are %s", short(string(class)), ClassNames())
	}
	rule, err := ParseRule(rates)
	if err != nil {
		return "", nil, fmt.Errorf("%s: %w", class, err)
	}
	return class, rule, nil
}

// ParseRule reads rates separated by commas, or "off" for none.
func ParseRule(text string) (Rule, error) {
	if strings.TrimSpace(text) == "off" {
		return nil, nil
	}
	var rule Rule
	for item := range strings.SplitSeq(text, ",") {
		rate, err := parseRate(strings.TrimSpace(item))
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(rule, func(r Rate) bool { return r.Per == rate.Per }) {
			return nil, fmt.Errorf("%q has two rates for one unit of time; leave one of them out", short(text))
		}
		rule = append(rule, rate)
	}
	return rule, nil
}

var errNoNumber = errors.New("no number")

func parseRate(text string) (Rate, error) {
	number, unit, _ := strings.Cut(text, "/")
	n, err := strconv.Atoi(number)
	if strings.HasPrefix(number, "+") {
		err = errNoNumber
	}
	for _, u := range units {
		if u.letter == unit && err == nil && n >= 1 && n <= MaxN {
			return Rate{n, u.per}, nil
		}
	}
	return Rate{}, fmt.Errorf("%q is not a rate; give a number of 1 to %d, / and one of s, m, h, d, for example 100/m, or off for no limit", short(text), MaxN)
}

func short(text string) string { return agentbridge.Preview(text, 40) }

// ClassNames are all classes, as people read them.
func ClassNames() string {
	var names []string
	for _, c := range Classes() {
		names = append(names, string(c))
	}
	return strings.Join(names, ", ")
}

// String is the rule as ParseRule reads it.
func (r Rule) String() string {
	if len(r) == 0 {
		return "off"
	}
	return r.each(",", func(n int, letter, _ string) string { return fmt.Sprintf("%d/%s", n, letter) })
}

// Words is the rule for people: 10 a minute, 100 an hour.
func (r Rule) Words() string {
	return r.each(", ", func(n int, _, words string) string { return fmt.Sprintf("%d %s", n, words) })
}

func (r Rule) each(between string, f func(n int, letter, words string) string) string {
	var parts []string
	for _, rate := range r {
		letter, words := rate.Per.String(), "in "+rate.Per.String()
		for _, u := range units {
			if u.per == rate.Per {
				letter, words = u.letter, u.words
			}
		}
		parts = append(parts, f(rate.N, letter, words))
	}
	return strings.Join(parts, between)
}
