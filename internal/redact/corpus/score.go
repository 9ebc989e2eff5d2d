package corpus

import "strings"

// Leak says what of a text's secrets stands in out, which is the text after
// redaction: whole is true if a complete secret does, part if a run of at least
// 30 % of one's characters (and of at least eight) does.
func (t Text) Leak(out string) (whole, part bool) {
	for _, secret := range t.Secrets {
		whole = whole || strings.Contains(out, secret)
		part = part || runSurvives(out, []rune(secret))
	}
	return whole, part || whole
}

func runSurvives(out string, secret []rune) bool {
	n := max(8, (len(secret)*3+9)/10)
	for i := 0; i+n <= len(secret); i++ {
		if strings.Contains(out, string(secret[i:i+n])) {
			return true
		}
	}
	return false
}
