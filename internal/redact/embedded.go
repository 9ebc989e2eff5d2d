package redact

import "strings"

// mark is a sign that stands within a token, not at its beginning.
type mark struct {
	sign          string // as it is written
	set           charset
	before, after int // least and most bytes before it; least behind it
	most          int
	placeholder   string
}

// marks are the tokens that bear their vendor's sign in the middle or the end.
var marks = []mark{
	{"Q~", setDotted | setTilde, 4, 31, 40, "AZURE_TOKEN_REDACTED"},
	{"AZDO", setAlnum, 70, 2, 84, "AZURE_TOKEN_REDACTED"},
	{"AzFu", setBase64 | setURLSafe, 30, 4, 80, "AZURE_TOKEN_REDACTED"},
	{"AzSe", setBase64 | setURLSafe, 30, 4, 80, "AZURE_TOKEN_REDACTED"},
	{"AzCa", setBase64 | setURLSafe, 30, 4, 80, "AZURE_TOKEN_REDACTED"},
	{"AZEG", setBase64 | setURLSafe, 30, 4, 90, "AZURE_TOKEN_REDACTED"},
	{"ACDb", setBase64 | setURLSafe, 30, 4, 100, "AZURE_TOKEN_REDACTED"},
	{"+ASt", setBase64, 30, 4, 100, "AZURE_TOKEN_REDACTED"},
	{"+ACR", setBase64, 30, 4, 80, "AZURE_TOKEN_REDACTED"},
	{"JQQJ99", setAlnum, 30, 20, 100, "AZURE_TOKEN_REDACTED"},
	{"AACAAAAE", setAlnum, 20, 10, 100, "AZURE_TOKEN_REDACTED"},
	{"NRAL", setAlnum, 30, 0, 44, "NEWRELIC_TOKEN_REDACTED"},
	{"-us", setURLSafe, 32, 1, 38, "MAILCHIMP_TOKEN_REDACTED"},
	{"jsn", setLowerNum, 30, 10, 52, "RAPIDAPI_TOKEN_REDACTED"},
	{"T3BlbkFJ", setURLSafe, 16, 16, 200, openaiKey},
	{"_mmk", setWord, 32, 0, 44, "MAXMIND_TOKEN_REDACTED"},
	{".atlasv1.", setDotted | setBase64, 14, 50, 100, "TERRAFORM_TOKEN_REDACTED"},
}

// addMarks adds the table of marks.
func (v *vocabulary) addMarks() {
	for i := range marks {
		m := &marks[i]
		v.scan(func(s *scan, h hit) { s.embedded(m, h) }, strings.ToLower(m.sign))
	}
	v.scan((*scan).salesforce, "00d")
}

// embedded accepts the token round a mark.
func (s *scan) embedded(m *mark, h hit) {
	t := s.text
	if t[h.start:h.end] != m.sign {
		return
	}
	start := h.start
	for start > 0 && h.start-start <= m.most && sets[t[start-1]]&m.set != 0 {
		start--
	}
	end := run(t, h.end, m.set, m.most+1)
	if m.before == 4 && h.start-start > 4 && at(t, start) == '=' {
		start = h.start - 4
	}
	start = min(start+len(leading(t[start:h.start], "=.-")), h.start)
	k := measure(t[start:end])
	if h.start-start < m.before || end-h.end < m.after || end-start > m.most || k.digit < 2 || k.letters() < 4 || m.before == 4 && h.start-start != 4 {
		return
	}
	if m.sign == "-us" && !is(t[start:h.start], setHexLow) || m.sign == "jsn" && !strings.Contains(t[start:h.start], "msh") {
		return
	}
	s.add(start, end, m.placeholder, rankPrefix)
}

// salesforce accepts a session of Salesforce: an organisation, "!", a token.
func (s *scan) salesforce(h hit) {
	bang := run(s.text, h.end, setAlnum, 20)
	end := run(s.text, min(bang+1, len(s.text)), setDotted, 200)
	if at(s.text, bang) == '!' && bang-h.end >= 12 && end-bang > 40 && boundary(s.text, h.start) {
		s.add(h.start, end, "SALESFORCE_TOKEN_REDACTED", rankPrefix)
	}
}

// dotted accepts tokens that have no sign but their form, of a run that starts
// with a letter or digit: those of Discord's bots and Mailgun's new keys.
func (s *scan) dotted(start, end int) {
	t := s.text
	if n := end - start; n == 50 && t[start+32] == '-' && t[start+41] == '-' && is(t[start:start+32], setHexLow) && is(t[start+42:end], setHexLow) {
		s.add(start, end, "MAILGUN_TOKEN_REDACTED", rankPrefix)
	}
	if n := end - start; n < 24 || n > 28 || t[start] < 'M' || t[start] > 'O' || at(t, end) != '.' {
		return
	}
	middle := run(t, end+1, setURLSafe, 8)
	last := run(t, middle+1, setURLSafe, 48)
	if middle-end-1 == 6 && at(t, middle) == '.' && last-middle-1 >= 27 && last-middle-1 <= 40 {
		s.add(start, last, "DISCORD_TOKEN_REDACTED", rankPrefix)
	}
}
