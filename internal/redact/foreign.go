package redact

import "strings"

// foreignWords are "password" in languages that write it in letters beyond
// ASCII, or that the names of programs don't have.
var foreignWords = []string{
	"пароль", "Пароль", "ПАРОЛЬ", "密码", "密碼", "口令", "パスワード", "暗証番号", "비밀번호", "암호", "hasło", "haslo", "heslo", "jelszó", "lösenord", "şifre", "Şifre", "mật khẩu", "κωδικός", "Κωδικός", "סיסמה", "كلمة المرور", "पासवर्ड", "contraseña", "palavra-passe",
	"adgangskode", "passord", "salasana", "wachtwoord", "kata sandi", "passwort", "kennwort", "senha", "clave", "mot de passe", "parola", "mdp", "zugangscode", "пасс", "密钥", "wi-fi pass",
}

// particles may stand between such a word and the value.
var particles = newPrefixSet("は", "が", "を", "是", "为", "為", "：", "＝", "→", "는", "은", "이", "가", ":", "=", "ist ", "lautet ", "es ", "est ", "é ", "è ", "is ", "to ", "jest ", "je ", "är ", "er ", "on ", "это ", "- ", "– ", "— ", "\"", "'", "「", "『", "`", "“", "„", "«", "*", "->")

// foreign replaces what stands behind "password" in another language, if it
// looks like one: sentences about passwords are in every language.
func (s *scan) foreign(h hit) {
	t := s.text
	if isAlnum(at(t, h.start-1)) || h.start > 0 && t[h.start] < 0x80 && (t[h.start-1] == '_' || t[h.start-1] >= 0x80) {
		return
	}
	p := skipBlank(t, h.end)
	spaced, read := p > h.end, 0
	for n := 0; n < 5; n++ {
		sign := particles.of(t[p:])
		if sign == "" {
			break
		}
		read++
		p = skipBlank(t, p+len(sign))
	}
	if read == 0 && spaced {
		p, read = pastWords(t, p)
	}
	if read == 0 && !(spaced && t[h.start] >= 0x80) {
		return
	}
	end := p
	for end < len(t) && end-p < 80 && sets[t[end]]&setPrint != 0 && !isQuote(t[end]) && t[end] != '<' {
		end++
	}
	text := strings.TrimRight(t[p:end], ".,;:)*?")
	if looksChosen(text) && !(text[0] == '(' || text[0] == '{' || text[0] == '$' || text[0] == '<') {
		s.accept(p, p+len(text), password)
	}
}

// pastWords skips what the password is for, up to three words with a colon
// behind them, and tells whether there were any.
func pastWords(t string, p int) (next, words int) {
	for i := p; i < len(t) && i-p < 40; i++ {
		switch c := t[i]; {
		case c == ' ':
			words++
		case c == ':' && words < 3 && i > p:
			return skipBlank(t, i+1), words + 1
		case !isLetter(c) && c < 0x80:
			return p, 0
		}
	}
	return p, 0
}

// isForeignName tells names that programs and forms in other languages have.
func isForeignName(name string) bool {
	for _, w := range []string{"passwort", "kennwort", "senha", "contrase", "passe", "wachtwoord", "haslo", "heslo", "parola"} {
		if containsFold(name, w) {
			return true
		}
	}
	for i := range len(name) {
		if name[i] >= 0x80 {
			return true
		}
	}
	return false
}

// wireless replaces the key of a network behind its name: "SSID Acme, key x1y2".
func (s *scan) wireless(h hit) {
	t := s.text
	line := t[h.end:lineEnd(t, h.end, 80)]
	for _, w := range []string{"key", "pw", "pass", "code", "psk"} {
		i := strings.Index(line, w)
		if i < 1 || isAlnum(line[i-1]) {
			continue
		}
		p := h.end + i + len(w)
		q := p + len(leading(t[p:min(len(t), p+8)], " :=\"'`"))
		if hasPrefixFold(t[q:], "is ") {
			q += 3
		}
		end := q
		for end < len(t) && end-q < 70 && !isSpace(t[end]) && !isQuote(t[end]) {
			end++
		}
		text := strings.TrimRight(t[q:end], ".,;:)!")
		if q > p && (looksChosen(text) || strings.HasSuffix(t[q:end], "!") && looksChosen(t[q:end])) {
			s.accept(q, q+len(strings.TrimRight(t[q:end], ".,;:)")), password)
			return
		}
	}
}

// before replaces the old password of "changed the password from x to y".
func (s *scan) before(sl slot, v value) {
	between := s.text[sl.end:max(sl.end, v.start)]
	i := strings.Index(between, "from ")
	if i < 0 {
		return
	}
	word := strings.Trim(strings.TrimPrefix(between[i:], "from "), " ")
	word, _, _ = strings.Cut(word, " ")
	word = strings.Trim(word, "\"'`,")
	if word != "" && looksChosen(word) {
		start := sl.end + i + strings.Index(between[i:], word)
		s.add(start, start+len(word), sl.kind.placeholder(), sl.kind.rank())
	}
}
