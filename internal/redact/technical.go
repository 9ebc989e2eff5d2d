package redact

import "strings"

func isURL(s string) bool {
	i := strings.Index(s, "://")
	return i > 0 && i < 16
}

// isPath tells whether a value names a file.
func isPath(s string) bool {
	if strings.HasPrefix(s, "./") || strings.HasPrefix(s, "../") || strings.HasPrefix(s, "~/") || strings.HasPrefix(s, `C:\`) {
		return true
	}
	if strings.HasPrefix(s, "/") && !strings.ContainsAny(s, "+=") {
		k := measure(s)
		return k.upper == 0 && k.digit < 4 && len(s) > 1
	}
	dot := strings.LastIndexByte(s, '.')
	if dot < 1 || dot+1 == len(s) || len(s)-dot > 12 {
		return false
	}
	var buf [12]byte
	return extensions[string(lowered(buf[:0], strings.TrimRight(s[dot+1:], "0123456789:")))] && measure(s).other < 3+strings.Count(s, "/")
}

var extensions = set("txt go py js ts tsx jsx rs java kt rb php c h cc cpp cs json yaml yml toml ini cfg conf env pem key crt cer p12 pfx jks md html htm xml webp jpeg ico woff woff2 ttf mp4 mp3 wav pdf docx xlsx pptx sh sql csv log lock svg 7z rar tar png jpg gif pdf zip gz tgz tf tfvars vue css scss proto")

// isTechnical tells names of algorithms, sizes, times and versions: words with
// digits that are no secrets.
func isTechnical(s string) bool {
	if len(s) > 40 || s == "" {
		return false
	}
	if s = strings.Trim(s, "()[],;:"); s == "" {
		return false
	}
	k := measure(s)
	if s[0] == '#' && len(s) >= 4 && len(s) <= 9 && is(s[1:], setHex) {
		return true // a colour
	}
	if k.digit == 0 || k.space > 0 {
		return k.other == 1 && k.digit == 0 && strings.Count(s, "/") == 1 && k.joint == 0 && len(s) < 24 && k.upper == 0
	}
	if n := strings.TrimPrefix(strings.TrimPrefix(s, "-"), "0x"); len(n) < len(s) && len(n) <= 16 && is(n, setHex) && strings.Contains(s, "0x") {
		return true
	}
	if isDate(s) || isVersion(s) || s[0] == '#' && k.digit == len(s)-1 {
		return true
	}
	var buf [40]byte
	low := string(lowered(buf[:0], s))
	letters := strings.TrimLeft(low, "0123456789.-_<>=~+x")
	if len(letters) < len(low) {
		letters = strings.TrimRight(strings.TrimLeft(letters, "- "), "s.")
		if len(letters) < 12 && units[letters] {
			return true
		}
	}
	head := strings.TrimRight(low, "0123456789.-_/+")
	return len(head) < len(low) && len(low)-len(head) < 8 && algorithms[strings.TrimRight(head, "-_")] || algorithms[low]
}

var (
	units      = set("bit byte char character minute min hour hr h m s ms d day week year month kb mb gb k px em rem time x xx word digit letter chars bits bytes th st nd rd token attempt second sec")
	algorithms = set("sha sha3 sha2 hmac-sha hmacsha md md5 hs rs es ps aes aes-gcm rsa utf utf- base oauth http https ipv v version h ed ed25519 x25519 curve25519 ecdsa p secp scrypt argon argon2 argon2i argon2d argon2id bcrypt pbkdf pbkdf2 pbkdf2-sha pbkdf2_sha win python ec k8s i18n l10n s3 ec2 tls tls1 ssl sha1 sha256 x509 x.509 chacha20 poly1305 aes256 aes128 blake2b blake2s blake3 oidc saml2 web3 log4j utf8 iso pkcs fips rfc cve issue pr task bug phase step level layer part item line page chapter section table figure field option case rule test group slot node worker agent user gpt claude llama gemini opus sonnet erc erc20 bip bip39 u2f fido2 2fa mfa2 v1beta v1alpha arg argv param str int uint float sha512/ tokenv")
)

// isDate tells dates, times and plain version numbers.
func isDate(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !isDigit(c) && c != '-' && c != ':' && c != '.' && c != 'T' && c != 'Z' && c != '/' {
			return false
		}
	}
	return strings.ContainsAny(s, "-:./") && len(s) < 32
}

// isVersion tells the version of a package, with the range it stands for:
// "^9.0.5", ">=1.2.0-beta.3".
func isVersion(s string) bool {
	rest := strings.TrimLeft(s, "^~<>=v ")
	numbers := run(rest, 0, setDigit|setDotted, len(rest))
	if rest == "" || !isDigit(rest[0]) || numbers != len(rest) && rest[numbers] != '+' {
		return false
	}
	core, tail, _ := strings.Cut(rest, "-")
	return strings.Count(core, ".") >= 1 && strings.Trim(core, "0123456789.x*") == "" && (len(rest) < len(s) || strings.Count(core, ".") == 2) && measure(tail).upper == 0 && len(tail) < 12 && measure(tail).digit < 4
}

// isPattern tells a piece of a regular expression, as in the commands of sed.
func isPattern(s string) bool { return patternSigns.of(s) != "" }

var patternSigns = newPrefixSet(".*", ".+", "[^", `\S`, `\w`, `\d`, `\s`, `\(`, "(?", "(.", "([", "[A-Z", "[a-z", "[0-9", `\1`, `\2`)

// isUUID tells 8-4-4-4-12 hex digits.
func isUUID(s string) bool {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return false
	}
	for i := range len(s) {
		if sets[s[i]]&setHex == 0 && s[i] != '-' {
			return false
		}
	}
	return true
}
