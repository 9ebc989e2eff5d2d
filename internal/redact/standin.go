package redact

import "strings"

// standIns are what people write where a secret would be.
var standIns = set("null nil none undefined true false yes no on off string str text bytes byte int integer number num bool boolean object any varchar char " +
	"required optional empty blank unset n/a na tbd todo fixme redacted hidden masked removed omitted value example sample placeholder dummy changeme change_me change-me changeit " +
	"replaceme replace_me replace-me default prompt stdin env environment password passwd pwd token apikey api_key api-key key type name field input label title void never unknown " +
	"self this that it he she they password: username user email basic bearer negotiate digest oauth oauth2 jwt apikeyauth bearerauth same inherit auto generated random uuid encrypted plaintext plain hash hashed stored provided given " +
	"invalid wrong incorrect correct missing expired valid ok error failed success func function async await lambda return new let const var not is was are has set get float double date file path url uri list dict map array optional[str] secretstr str|none " +
	"keychain keyring vault manual secret pass pw user disabled enabled credentials creds foo bar baz fixme xxx ... … - -- --- ? * ** enter submit login admin/password description identifier keyword operator punctuation compat files sss systemd nis ldap options option flag flags argument arguments parameter parameters and or instead via with to for in from if when")

// isStandIn tells whether a value says that there is none: a word such as
// "null", a mask, or a hint at what belongs there.
func isStandIn(s string) bool {
	if isMask(s) || isBracketed(s) || isStruck(s) {
		return true
	}
	var buf [48]byte
	if len(s) > len(buf) {
		return false
	}
	low := lowered(buf[:0], s)
	if standIns[string(low)] || len(s) <= 8 && (strings.HasSuffix(s, "...") || strings.HasSuffix(s, "…")) {
		return true
	}
	if k := measure(s); k.digit > 0 || k.other > 2 {
		return strings.HasSuffix(s, "EXAMPLEKEY") || k.digit < 5 && k.upper == 0 && k.other == 0 && (strings.HasPrefix(s, "your-") || strings.HasPrefix(s, "your_"))
	}
	return isHint(s)
}

// struck are the words that other programs put where a secret was.
var struck = set("redacted masked hidden removed filtered secret")

// isStruck tells a word of theirs between marks, as ***REDACTED***, and a value
// that was cut short, as 123456:ABC-DEF...
func isStruck(s string) bool {
	if len(s) > 24 {
		return false
	}
	if strings.HasSuffix(s, "..") {
		return !strings.HasPrefix(s, "eyJ") // of a JSON Web Token even the beginning says something
	}
	word := strings.Trim(s, "*_-#.")
	var buf [24]byte
	return len(word) < len(s) && struck[string(lowered(buf[:0], word))]
}

// isHint tells whether words say what belongs in their place.
func isHint(s string) bool {
	var buf [maxLook]byte
	low := lowered(buf[:0], s[:min(len(s), maxLook)])
	for _, hint := range []string{"your", "example", "placeholder", "changeme", "change-me", "change_me", "replace", "insert", "redacted", "goes-here", "goes_here", "-here", "_here", "my-secret", "my_secret", "my-token", "my-api", "my-password", "my_password", "dummy", "todo"} {
		if strings.Contains(string(low), hint) {
			return true
		}
	}
	return false
}

// isFiller tells a value of hardly any different bytes: T00000000/XXXXXXXX.
func isFiller(s string) bool {
	if len(s) < 12 {
		return false
	}
	var seen [256]bool
	n := 0
	for i := range len(s) {
		if isAlnum(s[i]) && !seen[s[i]] {
			seen[s[i]] = true
			n++
		}
	}
	return n <= 4
}
