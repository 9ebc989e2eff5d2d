package redact

import "strings"

// derSigns are what private keys hold in base64, wherever it begins: the object
// identifiers of PKCS#8 with the octet string behind them, the first numbers of
// PKCS#1 and SEC 1, and OpenSSH's own magic word.
var derSigns = []string{
	"ADANBgkqhkiG9w0BAQEFAASC",                                               // PKCS#8, RSA
	"ATBgcqhkjOPQIBBggqhkjOPQMBBw", "AMBMGByqGSM49AgEG", "AMBAGByqGSM49AgEG", // PKCS#8, elliptic curves
	"AQAwBQYDK2VwBCIEI", "AQAwBQYDK2VuBCIEI", // PKCS#8, Ed25519 and X25519
	"IBAAKCAQEA", "IBAAKCAgEA", "IBAAKCAYEA", "IBAAKBgQ", // PKCS#1
	"HcCAQEEI", "GkAgEBBD", "HcAgEBBE", // SEC 1
	"BgkqhkiG9w0BBQ0w",         // PKCS#8, encrypted
	"b3BlbnNzaC1rZXktdjEAAAAA", // OpenSSH
	"LS0tLS1CRUdJTi",           // a BEGIN line, encoded
}

// addKeys adds the scanners of private keys.
func (v *vocabulary) addKeys() {
	v.scan((*scan).pem, "-----begin", "---- begin")
	v.scan((*scan).pemTail, "-----end", "---- end")
	v.scan((*scan).putty, "private-lines:")
	v.scan((*scan).xmlKey, "rsakeyvalue>", "dsakeyvalue>")
	for _, sign := range derSigns {
		v.scan(func(s *scan, h hit) { s.der(h, sign) }, strings.ToLower(sign))
	}
}

// der replaces a private key that stands without armour, in one line or more.
func (s *scan) der(h hit, sign string) {
	t := s.text
	if t[h.start:h.end] != sign || h.start < s.privateUntil {
		return
	}
	start := h.start
	for start > 0 && h.start-start < 32 && sets[t[start-1]]&setAlnum != 0 {
		start--
	}
	opaque := sign[0] == 'b' || sign[0] == 'L'
	if !opaque && !strings.HasPrefix(t[start:], "MI") && !strings.HasPrefix(t[start:], "MC") && !strings.HasPrefix(t[start:], "MH") {
		return
	}
	if opaque && !boundary(t, h.start) {
		return
	}
	end := run(t, h.end, setBase64|setURLSafe, maxBlock)
	if sign[0] == 'L' && !s.encodedKey(start, end) {
		return
	}
	if end-start < 48 {
		return
	}
	end = s.wrappedLines(start, end)
	if s.add(start, end, privateKey, rankPrivateKey) {
		s.privateUntil = end
	}
}

// encodedKey tells whether armour that is encoded once more is that of a private
// key, of which the first line says enough.
func (s *scan) encodedKey(start, end int) bool {
	head := decoded(s.text[start : start+min(end-start, 64)/4*4])
	return head != nil && strings.Contains(string(head), "PRIVATE KEY")
}

// wrappedLines returns the end of base64 that goes on over lines of one length.
func (s *scan) wrappedLines(start, end int) int {
	t := s.text
	width := end - start
	for i := end; ; {
		next := skipFrame(t, i, min(len(t), i+16))
		if next == i || next >= len(t) {
			return end
		}
		word := run(t, next, setBase64, maxBlock)
		full := word-next >= fullLine && keyMix(t[next:word])
		last := word-next <= width && word-next >= 4 && (word == len(t) || t[word] == '\n' || t[word] == '\r' || isQuote(t[word])) && measure(t[next:word]).digit > 0
		if !full && !last {
			return end
		}
		i, end = word, word
		if !full {
			return end
		}
	}
}

// xmlKey replaces the private members of the XML form of a key.
func (s *scan) xmlKey(h hit) {
	t := s.text
	if at(t, h.start-1) != '<' {
		return
	}
	stop := min(len(t), h.end+maxValue)
	if i := strings.Index(t[h.end:stop], t[h.start:h.end]); i >= 0 {
		stop = h.end + i
	}
	for _, open := range []string{"<P>", "<Q>", "<DP>", "<DQ>", "<InverseQ>", "<D>", "<X>"} {
		i := strings.Index(t[h.end:stop], open)
		if i < 0 {
			continue
		}
		start := h.end + i + len(open)
		if end := run(t, start, setBase64|setSpace, stop-start); end-start >= 20 && at(t, end) == '<' {
			s.add(start, end, privateKey, rankPrivateKey)
		}
	}
}
