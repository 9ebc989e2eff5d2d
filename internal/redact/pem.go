package redact

import "strings"

// pem replaces a private key in armour, of PEM or PGP, from its BEGIN line to
// its END line. If the END is missing it goes as far as the lines look like a
// key. The lines may be indented, quoted ("> "), commented or joined by the two
// characters "\n".
func (s *scan) pem(h hit) {
	t := s.text
	if h.start < s.covered && s.privateUntil > h.start {
		return
	}
	head := t[h.end:min(len(t), h.end+100)]
	dashes := strings.Index(head, "----")
	if dashes < 0 || !isKeyLabel(head[:dashes]) || strings.ContainsAny(head[:dashes], "\n\\") {
		return
	}
	from := h.end + dashes
	from += len(leading(t[from:min(len(t), from+8)], "-"))
	end, closed := s.armour(from)
	if !closed {
		if far, shut := s.keyLines(from); shut || far > end {
			end, closed = far, shut
		}
	}
	if !keyLike(t[from:end]) && !closed {
		return
	}
	if s.add(h.start, end, privateKey, rankPrivateKey) {
		s.privateUntil = end
	}
}

// isKeyLabel tells the label of a private key, whose blanks may be encoded.
func isKeyLabel(label string) bool {
	for _, name := range []string{"private key", "static key", "private%20key", "private+key"} {
		if containsFold(label, name) {
			return true
		}
	}
	return false
}

// keyLike tells whether there is anything of a key in the text: eight letters
// or digits in a row.
func keyLike(s string) bool {
	n := 0
	for i := range len(s) {
		if n++; sets[s[i]]&setBase64 == 0 {
			n = 0
		}
		if n >= 8 {
			return true
		}
	}
	return false
}

// armour returns the end of the key that begins at i, and whether its END line
// was there.
func (s *scan) armour(i int) (end int, closed bool) {
	t := s.text
	stop := min(len(t), i+maxBlock)
	last := i
	for i < stop {
		i = skipFrame(t, i, stop)
		if i >= stop {
			break
		}
		if t[i] == '-' && strings.HasPrefix(t[i:], "---") {
			if line := t[i:lineEnd(t, i, 120)]; containsFold(line[:min(len(line), 12)], "end") {
				j := strings.Index(line, "KEY")
				if j < 0 {
					j = strings.Index(strings.ToUpper(line), "KEY")
				}
				if j < 0 {
					return last, false
				}
				j += len("KEY")
				if strings.HasPrefix(line[j:], " BLOCK") {
					j += len(" BLOCK")
				}
				for j < len(line) && line[j] == '-' {
					j++
				}
				return i + j, true
			}
			return last, false
		}
		if header := s.armourHeader(i); header > i {
			i, last = header, header
			continue
		}
		word := armourRun(t, i, stop)
		if word == i || !armourWord(t, i, word) {
			return last, false
		}
		i, last = word, word
	}
	return last, false
}

// armourRun is the end of the base64 at i, whose signs may be encoded for an
// address.
func armourRun(t string, i, stop int) int {
	for {
		i = run(t, i, setBase64, stop-i)
		if !hasPrefixFold(t[i:], "%2b") && !hasPrefixFold(t[i:], "%2f") && !hasPrefixFold(t[i:], "%3d") {
			return i
		}
		i += 3
	}
}

// frames are line ends and blanks as other formats write them.
var frames = newPrefixSet("&#10;", "&#13;", "&#xa;", "&#xA;", "&#xd;", "&#xD;", "&nbsp;", "&quot;", "%0A", "%0a", "%0D", "%0d", "%20", "<br>", "<br/>", "<br />", "^M")

// armourWord tells whether t[i:end] can be a line of a key: long, or the last.
func armourWord(t string, i, end int) bool {
	if end-i >= 20 || t[i] == '=' {
		return true
	}
	k := measure(t[i:end])
	if k.digit == 0 && k.other == 0 && k.upper <= 1 {
		// A word of prose, unless it is all of its line.
		return end-i >= 8 && (end == len(t) || t[end] == '\n' || t[end] == '\\') && k.upper > 0
	}
	return true
}

// armourHeader returns the end of a header line such as "Proc-Type: 4,ENCRYPTED"
// at i, or i.
func (s *scan) armourHeader(i int) int {
	t := s.text
	for _, name := range []string{"Proc-Type:", "DEK-Info:", "Version:", "Comment:", "Hash:", "Charset:", "X-", "Subject:", "MessageID:"} {
		if strings.HasPrefix(t[i:], name) {
			end := lineEnd(t, i, 200)
			if j := strings.Index(t[i:end], `\n`); j >= 0 {
				return i + j
			}
			return end
		}
	}
	return i
}

// skipFrame skips what frames the lines of a key: blanks, line ends, escaped
// line ends, quotes of mail, comments, ends of string literals.
func skipFrame(t string, i, stop int) int {
	for i < stop {
		switch c := t[i]; {
		case isSpace(c) || c == '>' || c == '|' || c == '#' || c == '*' || c == '"' || c == '\'' || c == ',' || c == '.' && at(t, i+1) == '.':
			i++
		case c == '+' && (isSpace(at(t, i+1)) || at(t, i-1) == '\n'):
			i++
		case c == '\\' && (at(t, i+1) == 'n' || at(t, i+1) == 'r' || at(t, i+1) == 't'):
			i += 2
		case c == '\\' && (at(t, i+1) == '\\' || at(t, i+1) == '\n'):
			i++
		case c == '/' && at(t, i+1) == '/':
			i += 2
		case frames.of(t[i:]) != "":
			i += len(frames.of(t[i:]))
		default:
			return i
		}
	}
	return i
}

// putty replaces the lines of a PuTTY private key behind "Private-Lines: n".
func (s *scan) putty(h hit) {
	t := s.text
	i := lineEnd(t, h.end, 16)
	start, end := 0, 0
	for n := 0; n < 200; n++ {
		i = skipSpace(t, i, 16)
		next := run(t, i, setBase64, 128)
		if next-i < 4 || next < len(t) && !isSpace(t[next]) {
			break
		}
		if start == 0 {
			start = i
		}
		i, end = next, next
	}
	s.add(start, end, privateKey, rankPrivateKey)
	if j := strings.Index(t[end:min(len(t), end+64)], "Private-MAC:"); j >= 0 && end > 0 {
		mac := skipBlank(t, end+j+len("Private-MAC:"))
		s.add(mac, run(t, mac, setHex, 80), privateKey, rankPrivateKey)
	}
}
