package redact

import "encoding/hex"

// leastSpaced is how many letters must stand alone in a row to be read as one
// word, and how many pairs of hex digits to be read as text.
const leastSpaced = 8

// spacedOut looks at the text with the blanks taken out of "g h p _ A p 3 p",
// and at what pairs of hex digits such as "67 68 70 5f" stand for.
func (s *scan) spacedOut() {
	t := s.text
	var v *view
	var places []int
	plain, low := 0, 0 // what was copied, and looked at
	for i := leastSpaced; i+8 < len(t); i += leastSpaced {
		if (t[i+1] == ' ' && t[i+3] == ' ' || t[i+2] == ' ' && t[i+4] == ' ') && (lone(t, i) || lone(t, i+1)) {
			start, end := loneRun(t, i, low)
			if end-start >= 2*leastSpaced-1 {
				if v == nil {
					v = &view{}
				}
				v.copy(t, plain, start)
				for j := start; j < end; j += 2 {
					v.copy(t, j, j+1)
				}
				places = append(places, start+1)
				plain = end
			}
			low = end
			i = max(i, end)
			continue
		}
		if t[i+2] != t[i+5] && t[i+3] != t[i+6] && t[i+4] != t[i+7] {
			continue
		}
		if end := s.hexPairs(i); end > i {
			i = end
		}
	}
	if v == nil {
		return
	}
	v.copy(t, plain, len(t))
	s.look(v, func(start, end int) bool { return between(places, start-40, end) })
}

// lone tells whether a letter stands at i and every second byte from there on,
// with blanks between.
func lone(t string, i int) bool {
	return i+4 < len(t) && t[i+1] == ' ' && t[i+3] == ' ' && isLone(t[i]) && isLone(t[i+2]) && isLone(t[i+4])
}

func isLone(c byte) bool { return c > ' ' && c < 0x7f && c != '|' && c != '*' }

// loneRun is the extent of the lone letters round i, not before low.
func loneRun(t string, i, low int) (start, end int) {
	if !lone(t, i) {
		i++
	}
	start, end = i, i+1
	for start >= low+2 && t[start-1] == ' ' && isLone(t[start-2]) && (start < 3 || t[start-3] == ' ' || t[start-3] == '\n') {
		start -= 2
	}
	for end+1 < len(t) && t[end] == ' ' && isLone(t[end+1]) && (end+2 >= len(t) || isSpace(t[end+2])) && end-start < maxToken {
		end += 2
	}
	return start, end
}

// hexPairs decodes the pairs of hex digits round i, with one sign between each
// two. It returns where they end, or i.
func (s *scan) hexPairs(i int) int {
	t := s.text
	for k := 0; ; k++ {
		if k == 3 {
			return i
		}
		if pairAt(t, i+k) && pairAt(t, i+k+3) && isPairSign(t, i+k+2) {
			i += k
			break
		}
	}
	sign := t[i+2]
	start := i
	for start >= 3 && t[start-1] == sign && pairAt(t, start-3) && i-start < maxToken {
		start -= 3
	}
	end := i + 2
	digits := []byte{}
	for end < len(t)-2 && t[end] == sign && pairAt(t, end+1) && end-i < maxToken {
		end += 3
	}
	if (end-start)/3 < 2*leastSpaced || isAlnum(at(t, start-1)) || isAlnum(at(t, end)) {
		return end
	}
	for j := start; j < end; j += 3 {
		digits = append(digits, t[j], t[j+1])
	}
	plain := make([]byte, len(digits)/2)
	if _, err := hex.Decode(plain, digits); err != nil || !isText(plain) {
		return end
	}
	if best, ok := s.within(plain); ok {
		s.add(start, end, best.placeholder, best.rank)
	}
	return end
}

func pairAt(t string, i int) bool {
	return i >= 0 && i+1 < len(t) && sets[t[i]]&setHex != 0 && sets[t[i+1]]&setHex != 0
}

func isPairSign(t string, i int) bool {
	c := at(t, i)
	return c == ' ' || c == ':' || c == '-' || c == ','
}
