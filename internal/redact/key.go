package redact

import "bytes"

// kind is what the value under a name is, judging by the name.
type kind uint8

const (
	noSecret kind = iota
	kindPassword
	kindSecret
	kindAPIKey
	kindToken
	kindPrivateKey
	kindAWS
	kindWeak // names that mean other things as well, such as "auth"
	kindPass // the same, where the value is a password if anything
)

// weak tells that the name alone proves little.
func (k kind) weak() bool { return k == kindWeak || k == kindPass }

func (k kind) placeholder() string {
	switch k {
	case kindSecret, kindWeak:
		return secret
	case kindAPIKey:
		return apiKey
	case kindToken:
		return bearerToken
	case kindPrivateKey:
		return privateKey
	case kindAWS:
		return awsKey
	default:
		return password
	}
}

// rank is how sure the name is of what it names.
func (k kind) rank() int {
	if k == kindAWS {
		return rankNamed
	}
	return rankKeyed
}

// keyWords are the parts of names at which the keyed scanner looks.
var keyWords = []string{
	"pass", "pwd", "pw", "secret", "token", "key", "auth", "cred", "jwt", "psk",
	"mnemonic", "phrase", "parole", "kennwort", "senha", "contrase", "pass phrase", "motdepasse", "bearer",
	"salt", "otp", "pin", "pepper", "dsn", "sid", "session", "signature", "webhook",
	"appcert", "unlock code", "access code", "door code", "gate code", "alarm code", "entry code", "security code", "pin code", "mdp",
	"пароль", "Пароль", "ПАРОЛЬ", "密码", "密碼", "口令", "パスワード", "비밀번호", "hasło", "haslo", "heslo", "wachtwoord", "mot de passe", "pa55", "connectionstring",
}

// nameEnd pairs the end of a squashed name with what it means.
type nameEnd struct {
	end  string
	kind kind
}

// nameEnds is searched in order: the longer ends come first.
var nameEnds = []nameEnd{
	{"awssecretaccesskey", kindAWS}, {"secretaccesskey", kindAWS}, {"awssecretkey", kindAWS}, {"awssecret", kindAWS},
	{"awsaccesskeyid", kindAWS}, {"awssessiontoken", kindAWS}, {"awssecuritytoken", kindAWS}, {"awsaccesskey", kindAWS},
	{"awskey", kindAWS},

	{"privatekey", kindPrivateKey}, {"privkey", kindPrivateKey}, {"presharedkey", kindPrivateKey}, {"clientkeydata", kindPrivateKey},
	{"sshkey", kindPrivateKey}, {"privatekeydata", kindPrivateKey}, {"privatekeypem", kindPrivateKey},

	{"password", kindPassword}, {"passwd", kindPassword}, {"passphrase", kindPassword}, {"passcode", kindPassword},
	{"pwd", kindPassword}, {"passwort", kindPassword}, {"kennwort", kindPassword}, {"senha", kindPassword}, {"psk", kindPassword},
	{"motdepasse", kindPassword}, {"mnemonic", kindPassword}, {"seedphrase", kindPassword}, {"recoveryphrase", kindPassword},
	{"dbpass", kindPassword}, {"userpass", kindPassword}, {"rootpass", kindPassword}, {"adminpass", kindPassword},
	{"mypass", kindPassword}, {"sqlpass", kindPassword}, {"smtppass", kindPassword}, {"mailpass", kindPassword},
	{"ftppass", kindPassword}, {"redispass", kindPassword}, {"requirepass", kindPassword}, {"ldappass", kindPassword},
	{"loginpass", kindPassword}, {"authpass", kindPassword}, {"proxypass", kindWeak}, {"pgpass", kindPassword}, {"storepass", kindPassword}, {"keypass", kindPassword},
	{"bindpw", kindPassword}, {"rootpw", kindPassword}, {"userpw", kindPassword}, {"adminpw", kindPassword}, {"dbpw", kindPassword},
	{"contrasea", kindPassword}, {"contrasena", kindPassword}, {"wachtwoord", kindPassword}, {"haslo", kindPassword}, {"heslo", kindPassword}, {"masterauth", kindPassword}, {"pa55word", kindPassword},

	{"apikey", kindAPIKey}, {"apikeys", kindAPIKey}, {"appkey", kindAPIKey}, {"authkey", kindAPIKey}, {"subscriptionkey", kindAPIKey},
	{"accesskey", kindAPIKey}, {"licensekey", kindAPIKey}, {"licencekey", kindAPIKey}, {"applicationkey", kindAPIKey}, {"adminkey", kindAPIKey},
	{"servicekey", kindAPIKey}, {"servicerolekey", kindAPIKey}, {"functionskey", kindAPIKey}, {"functionkey", kindAPIKey}, {"hostkey", kindAPIKey}, {"integrationkey", kindAPIKey},
	{"writekey", kindAPIKey}, {"serverkey", kindAPIKey}, {"deploykey", kindAPIKey}, {"accesskeyid", kindAPIKey}, {"routingkey", kindWeak}, {"anonkey", kindAPIKey}, {"consumerkey", kindAPIKey},
	{"instrumentationkey", kindAPIKey}, {"ingestkey", kindAPIKey}, {"ingestionkey", kindAPIKey}, {"openaikey", kindAPIKey}, {"anthropickey", kindAPIKey},
	{"stripekey", kindAPIKey}, {"sendgridkey", kindAPIKey}, {"githubkey", kindAPIKey}, {"datadogkey", kindAPIKey}, {"ddkey", kindAPIKey}, {"googlekey", kindAPIKey}, {"mailgunkey", kindAPIKey}, {"twiliokey", kindAPIKey},

	{"secret", kindSecret}, {"secretkey", kindSecret}, {"signingkey", kindSecret}, {"encryptionkey", kindSecret}, {"masterkey", kindSecret},
	{"accountkey", kindSecret}, {"sharedkey", kindSecret}, {"sharedaccesskey", kindSecret}, {"storagekey", kindSecret}, {"sessionkey", kindSecret},
	{"cookiekey", kindSecret}, {"hmackey", kindSecret}, {"aeskey", kindSecret}, {"jwtkey", kindSecret}, {"cryptkey", kindSecret}, {"hashkey", kindSecret}, {"sigkey", kindSecret},
	{"signaturekey", kindSecret}, {"webhookkey", kindSecret}, {"railsmasterkey", kindSecret}, {"primarykey", kindWeak}, {"rootkey", kindSecret}, {"unsealkey", kindSecret}, {"datakey", kindSecret}, {"credential", kindSecret}, {"decryptionkey", kindSecret}, {"machinekey", kindSecret}, {"validationkey", kindSecret},
	{"credentials", kindPass}, {"creds", kindPass}, {"cred", kindPass}, {"pepper", kindWeak}, {"salt", kindWeak}, {"secretbase", kindSecret}, {"secrets", kindWeak},
	{"sessionsecret", kindSecret}, {"otpseed", kindSecret}, {"totpseed", kindSecret}, {"recoverycode", kindSecret}, {"backupcode", kindSecret},

	{"token", kindToken}, {"jwt", kindToken}, {"bearer", kindWeak}, {"authorization", kindToken}, {"accesstokens", kindToken},
	{"sessionid", kindWeak}, {"phpsessid", kindToken}, {"jsessionid", kindToken}, {"sessid", kindToken}, {"connectsid", kindToken}, {"sessioncookie", kindToken}, {"authcookie", kindToken},
	{"webhookurl", kindWeak}, {"tokens", kindWeak},

	{"pass", kindPass}, {"pw", kindPass}, {"auth", kindPass},
	{"pin", kindPass}, {"otp", kindPass},
	{"unlockcode", kindPassword}, {"accesscode", kindPass}, {"doorcode", kindPass}, {"gatecode", kindPass}, {"alarmcode", kindPass}, {"entrycode", kindPass}, {"securitycode", kindPass}, {"pincode", kindPass},
	{"authcode", kindWeak}, {"authorizationcode", kindWeak}, {"appcertificate", kindSecret}, {"mdp", kindPassword},
}

// nameEndsBy is nameEnds by last byte.
var nameEndsBy = func() (t [256][]*nameEnd) {
	for i := range nameEnds {
		e := &nameEnds[i]
		last := e.end[len(e.end)-1]
		t[last] = append(t[last], e)
	}
	return t
}()

// qualifiers may follow the part of a name that tells: API_KEY_PROD.
var qualifiers = []string{
	"prod", "production", "dev", "development", "staging", "stage", "test", "testing", "live", "local", "sandbox", "qa", "uat", "ci",
	"new", "old", "current", "previous", "prev", "default", "base", "value", "val", "raw", "plain", "plaintext", "b64", "base64", "encoded",
	"primary", "secondary", "backup", "main", "root", "admin", "a", "b", "c", "v1", "v2", "v3", "db", "again", "confirm", "confirmation", "string", "str",
	"us", "eu", "internal", "external",
}

// notTokens stand before "token" where the token is a word or a place in a list.
var notTokens = []string{
	"next", "page", "continuation", "pagination", "cancel", "cancellation", "stop", "start", "end", "eos", "bos", "pad", "unk", "mask", "sep", "cls", "special",
	"peek", "current", "lookahead", "prev", "previous", "last", "first", "comma", "eof", "newline", "string", "num", "max", "min", "total", "prompt", "completion", "sync", "nexttoken", "resume",
	"input", "output", "progress", "cached", "per", "public", "publishable", "design", "syntax", "word", "sub", "image", "delimiter", "marker", "fence", "file", "path", "the", "any", "each", "every", "one", "this", "that", "fencing", "lease", "erc", "nft", "number", "unexpected",
}

// classify tells what is kept under a name.
func classify(name string) kind {
	var buf [maxName]byte
	if len(name) > maxName {
		name = name[len(name)-maxName:]
	}
	for range 4 {
		if k := classifyWhole(squash(buf[:], name), name); k != noSecret {
			return k
		}
		cut := cutQualifier(name)
		if cut == name {
			return noSecret
		}
		name = cut
	}
	return noSecret
}

func classifyWhole(low []byte, name string) kind {
	if len(low) == 0 {
		return noSecret
	}
	for _, e := range nameEndsBy[low[len(low)-1]] {
		if len(low) < len(e.end) || string(low[len(low)-len(e.end):]) != e.end {
			continue
		}
		if e.kind.weak() || len(e.end) <= 3 {
			if !wordOf(name, len(e.end)) {
				continue
			}
		}
		if (e.end == "token" || e.end == "tokens") && !isAuthToken(low[:len(low)-len(e.end)]) {
			return noSecret
		}
		if len(low) > len(e.end) && isPublic(low[:len(low)-len(e.end)]) {
			return noSecret
		}
		if e.kind == kindPass && e.end == "pass" && len(name) > 5 && isConstant(name) {
			return kindPassword // DB_PASS
		}
		return e.kind
	}
	return noSecret
}

// isPublic tells names such as "no password" and "public API key".
func isPublic(before []byte) bool {
	for _, w := range []string{"public", "publishable", "has", "is", "no", "use", "require", "need", "show", "hide", "forgot", "reset", "with", "without", "enable", "disable", "allow", "invalid", "missing", "get", "check", "verify", "validate", "hash", "compare", "count", "num"} {
		if bytes.HasSuffix(before, []byte(w)) && (len(w) > 3 || len(before) == len(w)) && (w == "public" || w == "publishable" || len(before) == len(w)) {
			return true
		}
	}
	return false
}

func isAuthToken(before []byte) bool {
	for _, w := range notTokens {
		if bytes.HasSuffix(before, []byte(w)) {
			return false
		}
	}
	return true
}

// wordOf tells whether the last n letters of a name are a word of their own:
// DB_PASS and dbPass, but not compass.
func wordOf(name string, n int) bool {
	i := len(name)
	for n > 0 && i > 0 {
		i--
		if isAlnum(name[i]) {
			n--
		}
	}
	if i == 0 || !isAlnum(name[i-1]) {
		return true
	}
	return isUpper(name[i]) && !isUpper(name[i-1]) || isDigit(name[i-1])
}

// cutQualifier takes the last word off a name if it is digits or a qualifier.
func cutQualifier(name string) string {
	end := len(name)
	for end > 0 && !isAlnum(name[end-1]) {
		end--
	}
	i := end
	for i > 0 && isDigit(name[i-1]) {
		i--
	}
	if i < end && i > 0 {
		return name[:i]
	}
	for i > 0 && isAlnum(name[i-1]) && !(isLower(at(name, i)) && isUpper(name[i-1])) {
		if i < end && isUpper(name[i]) && isLower(name[i-1]) {
			break
		}
		i--
	}
	if i > 0 && isUpper(name[i-1]) && isLower(at(name, i)) {
		i--
	}
	var buf [16]byte
	if i == 0 || end-i > len(buf) {
		return name
	}
	word := squash(buf[:], name[i:end])
	for _, q := range qualifiers {
		if string(word) == q {
			return name[:i]
		}
	}
	return name
}
