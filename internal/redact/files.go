package redact

import "strings"

// kubernetesData replaces the values below "data:" and "stringData:" of a
// Kubernetes Secret.
func (s *scan) kubernetesData(h hit) {
	t := s.text
	end := lineEnd(t, h.end, 8)
	if strings.TrimSpace(t[h.end:end]) != "" || end >= len(t) {
		return
	}
	if !s.kindSecret(h.start) {
		return
	}
	start := lineStart(t, h.start, maxName)
	indent := skipBlank(t, start) - start
	for n, i := 0, end; n < 64 && i < len(t); n++ {
		i = skipSpace(t, i, 4)
		from := lineStart(t, i, maxName)
		i = skipBlank(t, from)
		stop := lineEnd(t, i, maxValue)
		colon := strings.IndexByte(t[i:stop], ':')
		if i-from <= indent || colon < 0 {
			return
		}
		v := skipBlank(t, i+colon+1)
		text := strings.Trim(t[v:max(v, stop)], " \"'")
		v += strings.Index(t[v:max(v, stop)], text)
		if len(text) >= 3 && !isBracketed(text) && !isReference(text) && !isMask(text) && !strings.HasPrefix(text, "|") {
			s.add(v, v+len(text), secret, rankStructural)
		}
		i = stop
	}
}

// kindSecret tells whether "kind: Secret" stands near: in the same document.
func (s *scan) kindSecret(i int) bool {
	lo, hi := max(0, i-600), min(len(s.text), i+1200)
	if j := strings.LastIndex(s.text[lo:i], "\n---"); j >= 0 {
		lo += j
	}
	if j := strings.Index(s.text[i:hi], "\n---"); j >= 0 {
		hi = i + j
	}
	near := s.text[lo:hi]
	return strings.Contains(near, "kind: Secret") && !strings.Contains(near, "kind: SecretP") || strings.Contains(near, `"kind": "Secret"`)
}

// password5 replaces the fifth field of a line of .pgpass.
func (s *scan) password5(h hit) {
	t := s.text
	start := lineStart(t, h.start, 200)
	if start < s.covered {
		return
	}
	end := lineEnd(t, h.end, 200)
	line := t[start:end]
	if strings.ContainsAny(line, " \t/=\"'{") {
		return
	}
	rest := line
	for range 4 {
		i := strings.IndexByte(rest, ':')
		if i <= 0 {
			return
		}
		rest = rest[i+1:]
	}
	if rest != "" && !isBracketed(rest) && !isStandIn(rest) {
		s.add(end-len(rest), end, password, rankStructural)
	}
}

// sql replaces the literal behind IDENTIFIED BY and PASSWORD.
func (s *scan) sql(h hit) {
	t := s.text
	if before := t[lineStart(t, h.start, 200):h.start]; !containsFold(before, "user") && !containsFold(before, "role") && !containsFold(before, "grant") && !containsFold(before, "login") {
		return
	}
	p := skipBlank(t, h.end)
	for _, w := range []string{"with ", "mysql_native_password ", "caching_sha2_password ", "'mysql_native_password' ", "by ", "values ", "password "} {
		if hasPrefixFold(t[p:], w) {
			p = skipBlank(t, p+len(w))
		}
	}
	if q := at(t, p); q == '\'' || q == '"' {
		if end := strings.IndexByte(t[p+1:min(len(t), p+200)], q); end > 0 {
			if text := t[p+1 : p+1+end]; !isStandIn(text) && !isBracketed(text) && !isReference(text) {
				s.add(p+1, p+1+end, password, rankStructural)
			}
		}
	}
}

// sessionToken finds 64 hex digits that stand near "token" or "session" and
// are no digest: the tokens of this bridge's own conversations.
func (s *scan) sessionToken(h hit) {
	t := s.text
	stop := min(len(t), h.end+96)
	for i := h.end; i < stop; i++ {
		c := t[i]
		if c == '\n' && i > h.end+1 || digestWords.of(t[i:]) != "" {
			return
		}
		if sets[c]&setHexLow == 0 || isAlnum(at(t, i-1)) {
			continue
		}
		end := run(t, i, setHexLow, 65)
		if end-i == 64 && !isAlnum(at(t, end)) {
			before := t[max(0, lineStart(t, h.start, 60)):i]
			for _, w := range []string{"sha256", "sha-256", "digest", "checksum", "hash", "hmac"} {
				if containsFold(before, w) {
					return
				}
			}
			s.add(i, end, agentbridgeToken, rankKeyed)
			stop = min(len(t), end+96)
		}
		i = max(i, end-1)
	}
}

// digestWords stand before digests.
var digestWords = newPrefixSet("sha", "SHA", "Sha", "digest", "Digest", "hash", "Hash", "checksum", "Checksum", "commit", "Commit")

// pair looks for the value of a name that is a value itself: "name: DB_PASSWORD"
// and then "value: x".
func (s *scan) pair(sl slot) {
	t := s.text
	before := t[max(0, sl.start-24):sl.start]
	i := strings.LastIndexAny(before, ":=>")
	if i < 0 {
		return
	}
	label := strings.TrimRight(before[:i], " \t\"'\\")
	if !strings.HasSuffix(label, "name") && !strings.HasSuffix(label, "key") && !strings.HasSuffix(label, "Name") && !strings.HasSuffix(label, "Key") && !strings.HasSuffix(label, "field") && !strings.HasSuffix(label, "id") {
		return
	}
	rest := t[sl.end:min(len(t), sl.end+120)]
	if strings.ContainsAny(rest[:min(len(rest), 2)], "}") {
		return
	}
	for _, w := range []string{"value", "Value", "content", "default"} {
		j := strings.Index(rest, w)
		if j < 0 || strings.ContainsAny(rest[:j], "{}") || strings.Count(rest[:j], "\n") > 2 {
			continue
		}
		v := slot{kind: sl.kind, start: sl.start, end: sl.end, op: opPair}
		if strings.HasPrefix(rest[j:], "valueFrom") || strings.HasPrefix(rest[j:], "value_from") {
			return
		}
		s.pairValue(v, sl.end+j+len(w))
		return
	}
}

func (s *scan) pairValue(sl slot, p int) {
	closing := slot{start: sl.start, end: p}
	at, ok := s.operator(&closing)
	if !ok || closing.op != opAssign && closing.op != opColon && closing.op != opElement {
		return
	}
	sl.op = closing.op
	v, ok := s.read(&sl, at)
	if !ok {
		return
	}
	text := s.text[v.start:v.end]
	if isStandIn(text) || isReference(text) || isPlaceholder(text) || sameWords(text, s.text[sl.start:sl.end]) || isCode(text) {
		return
	}
	if plainValue(text, measure(text), sl.kind) {
		s.add(v.start, v.end, sl.kind.placeholder(), sl.kind.rank())
	}
}
