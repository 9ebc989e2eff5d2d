package redact

import (
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/pelletier/go-toml/v2"
	"github.com/zricethezav/gitleaks/v8/config"
)

// The part of gitleaks' rule file that is used. Its rules are data here; its
// detector is not, since a sender can switch that off with a comment.
type ruleFile struct {
	Allowlist ruleAllow `toml:"allowlist"`
	Rules     []struct {
		ID          string
		Regex       string
		Path        string
		Entropy     float64
		SecretGroup int `toml:"secretGroup"`
		Keywords    []string
		Allowlists  []ruleAllow
	}
}

type ruleAllow struct {
	Condition   string
	RegexTarget string `toml:"regexTarget"`
	Regexes     []string
	StopWords   []string `toml:"stopwords"`
	Paths       []string
}

// rule is an expression that runs near its keywords. It is compiled when one of
// them is met first.
type rule struct {
	id          string
	source      string
	anchored    bool // the expression begins with the keyword
	entropy     float64
	group       int
	placeholder string
	rank        int
	allow       []ruleAllow
	global      *ruleAllow
	reach       int // bytes behind the keyword that are looked at

	compile func() *compiledRule
}

type compiledRule struct {
	re    *regexp.Regexp
	allow []compiledAllow
}

type compiledAllow struct {
	ruleAllow
	regexes []*regexp.Regexp
}

// ownRules are covered by scanners of this package, which replace less (the
// password and not the user) or look at rarer keywords.
var ownRules = map[string]bool{
	"twilio-api-key": true, "jwt": true, "private-key": true, "curl-auth-user": true, "curl-auth-header": true,
	"slack-webhook-url": true, "square-access-token": true, "octopus-deploy-api-key": true, "microsoft-teams-webhook": true, "sidekiq-sensitive-url": true,
}

// lead is how the rules for "name = value" begin, and middle what they have
// between name and value. Without the lead they can start at the keyword.
const (
	lead   = `[\w.-]{0,50}?`
	middle = `(?:=|>|:{1,3}=|\|\||:|=>|\?=|,)`
)

// addGitleaks adds the rules of gitleaks' default configuration.
func (v *vocabulary) addGitleaks() error {
	var file ruleFile
	if err := toml.Unmarshal([]byte(config.DefaultConfig), &file); err != nil {
		return fmt.Errorf("read the rules of gitleaks: %w", err)
	}
	for _, src := range file.Rules {
		if src.Regex == "" || src.Path != "" || ownRules[src.ID] {
			continue
		}
		r := &rule{
			id: src.ID, source: src.Regex, entropy: src.Entropy, group: src.SecretGroup,
			placeholder: rulePlaceholder(src.ID), rank: rankRule, allow: src.Allowlists, global: &file.Allowlist, reach: 300,
		}
		if src.ID == "generic-api-key" {
			r.rank = rankGeneric
		}
		r.compile = sync.OnceValue(r.compiled)
		for _, k := range src.Keywords {
			v.addRule(r, strings.ToLower(k))
		}
	}
	return nil
}

// addRule makes a rule run at a keyword. If the expression is of the form
// "name = value" and the keyword is in the name, it starts there.
func (v *vocabulary) addRule(r *rule, keyword string) {
	if len(keyword) < 3 {
		return
	}
	if i := strings.Index(r.source, middle); i > 0 && strings.Count(r.source, lead) > 0 && strings.Contains(strings.ToLower(r.source[:i]), keyword) {
		r.anchored = true
	}
	a := v.on(keyword)
	a.rules = append(a.rules, r)
}

func (r *rule) compiled() *compiledRule {
	source := strings.ReplaceAll(r.source, lead, "")
	if r.anchored {
		flags := ""
		if strings.HasPrefix(source, "(?i)") {
			flags, source = "(?i)", source[len("(?i)"):]
		}
		source = flags + `\A(?:` + source + `)`
	}
	c := &compiledRule{re: regexp.MustCompile(source)}
	for _, a := range append(r.allow[:len(r.allow):len(r.allow)], *r.global) {
		ca := compiledAllow{ruleAllow: a}
		for _, re := range a.Regexes {
			ca.regexes = append(ca.regexes, regexp.MustCompile(re))
		}
		c.allow = append(c.allow, ca)
	}
	return c
}

// rulePlaceholder names what a rule finds.
func rulePlaceholder(id string) string {
	switch {
	case strings.HasPrefix(id, "aws"):
		return awsKey
	case strings.HasPrefix(id, "github"):
		return githubToken
	case strings.HasPrefix(id, "openai"):
		return openaiKey
	case strings.HasPrefix(id, "age"):
		return privateKey
	case id == "generic-api-key":
		return apiKey
	case id == "curl-auth-header", strings.HasPrefix(id, "jwt"):
		return bearerToken
	case id == "curl-auth-user", id == "sidekiq-sensitive-url":
		return password
	case strings.HasPrefix(id, "new-relic"):
		return "NEWRELIC_TOKEN_REDACTED"
	case strings.HasPrefix(id, "1password"):
		return "ONEPASSWORD_TOKEN_REDACTED"
	}
	vendor, _, _ := strings.Cut(id, "-")
	return strings.ToUpper(vendor) + "_TOKEN_REDACTED"
}

// rules runs the rules of a keyword, unless something better stands there.
func (s *scan) rules(h hit) {
	for _, r := range s.known.actions[h.keyword].rules {
		if r.anchored {
			if hasValue(s.text, h.end) && (r.rank != rankGeneric || s.named(h.start)) {
				s.runRule(r, h.start, h.start, min(len(s.text), h.start+r.reach))
			}
			continue
		}
		s.widen(r, h)
	}
}

// hasValue tells cheaply whether "name = value" can follow: an operator soon,
// and behind it a run that is long enough and has a digit.
func hasValue(t string, i int) bool {
	stop := min(len(t), i+24)
	for i < stop && (sets[t[i]]&setDotted != 0 || t[i] == ' ' || t[i] == '\t') {
		i++
	}
	for n := 0; n < 3 && i < len(t) && (isSpace(t[i]) || t[i] == '"' || t[i] == '\''); n++ {
		i++
	}
	op := i
	for i < len(t) && i-op < 4 && strings.IndexByte("=>:|?,", t[i]) >= 0 {
		i++
	}
	if i == op {
		return false
	}
	for n := 0; n < 5 && i < len(t) && (isSpace(t[i]) || isQuote(t[i]) || t[i] == '='); n++ {
		i++
	}
	start, digit := i, false
	for i < len(t) && i-start < 150 && (sets[t[i]]&(setPath|setBase64) != 0) {
		digit = digit || isDigit(t[i])
		i++
	}
	return i-start >= 8 && digit
}

// runRule runs a rule over text[from:to] and adds what it finds.
func (s *scan) runRule(r *rule, nameStart, from, to int) {
	c := r.compile()
	for from < to {
		m := c.re.FindStringSubmatchIndex(s.text[from:to])
		if m == nil {
			return
		}
		start, end := group(m, r.group)
		start, end = start+from, end+from
		found := s.text[start:end]
		if !s.replaced(start, end) && bitsPerByte(found) > r.entropy && !c.allows(s.text, found, nameStart, from+m[0], from+m[1]) && !s.digest(r, nameStart, start) && !isStandIn(found) && !isCode(found) && (r.rank != rankGeneric || s.generic(found, nameStart)) {
			s.add(start, end, r.placeholder, r.rank)
		}
		if r.anchored {
			return
		}
		from += max(m[1], 1)
	}
}

// digest tells whether a digest is spoken of between a keyword and a value.
func (s *scan) digest(r *rule, from, to int) bool {
	if !r.anchored || to-from > 200 || from > to {
		return false
	}
	for _, w := range []string{"sha", "digest", "checksum", "hash", "md5", "commit"} {
		if containsFold(s.text[from:to], w) {
			return true
		}
	}
	return false
}

// generic asks for more where only the word "key" or the like speaks for a
// value.
func (s *scan) generic(found string, keyword int) bool {
	if !s.named(keyword) {
		return false
	}
	if isIdentifier(found) && measure(found).digit <= 4 && (containsFold(found, "key") || containsFold(found, "token") || containsFold(found, "secret") || containsFold(found, "password")) || isName(found) {
		return false
	}
	return !isTechnical(found) && !isPath(found) && !isURL(found)
}

// named tells whether the name at a keyword is that of a secret.
func (s *scan) named(keyword int) bool {
	start := keyword
	for start > 0 && sets[s.text[start-1]]&setIdent != 0 && keyword-start < maxName {
		start--
	}
	return classify(s.text[start:run(s.text, keyword, setIdent, maxName)]) != noSecret
}

// group returns the group that holds the secret: the given one, or the first
// that took part, or all of the match.
func group(m []int, want int) (int, int) {
	if want > 0 && 2*want+1 < len(m) && m[2*want] >= 0 {
		return m[2*want], m[2*want+1]
	}
	for i := 2; i+1 < len(m); i += 2 {
		if m[i] >= 0 && m[i+1] > m[i] {
			return m[i], m[i+1]
		}
	}
	return m[0], m[1]
}

// allows tells whether an allow-list lets a find pass.
func (c *compiledRule) allows(text, found string, nameStart, start, end int) bool {
	for i := range c.allow {
		a := &c.allow[i]
		if a.Condition == "AND" || len(a.Paths) > 0 && len(a.Regexes) == 0 {
			continue
		}
		target := found
		switch a.RegexTarget {
		case "match":
			for start > 0 && nameStart-start < 50 && sets[text[start-1]]&setDotted != 0 {
				start--
			}
			target = text[start:end]
		case "line":
			target = text[lineStart(text, start, maxLine):lineEnd(text, end, maxLine)]
		}
		for _, re := range a.regexes {
			if re.MatchString(target) {
				return true
			}
		}
		low := strings.ToLower(found)
		for _, w := range a.StopWords {
			if strings.Contains(low, w) {
				return true
			}
		}
	}
	return false
}
