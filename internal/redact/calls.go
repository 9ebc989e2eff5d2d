package redact

import "strings"

// callee is a function one of whose arguments is a secret.
type callee struct {
	name string // lower case, with the bracket
	arg  int    // from 1
	test func(string) bool
}

// callees are the functions of well-known libraries that take a secret as a plain
// argument, so that no name stands beside it.
var callees = []callee{
	{"jwt.sign(", 2, isKeyArgument}, {"jwt.verify(", 2, isKeyArgument}, {"jwt.encode(", 2, isKeyArgument}, {"jwt.decode(", 2, isKeyArgument},
	{"createhmac(", 2, isKeyArgument}, {"hmac.new(", 1, isKeyArgument}, {"hmac.new(", 2, isKeyArgument}, {"hash_hmac(", 3, isKeyArgument}, {"hmac.hexdigest(", 2, isKeyArgument},
	{"hmacsha256(", 1, isKeyArgument}, {"hmacsha512(", 1, isKeyArgument}, {"hmacsha256(", 2, isKeyArgument}, {"secretkeyspec(", 1, isKeyArgument}, {"hmacshakeyfor(", 1, isKeyArgument},
	{"fernet(", 1, isKeyArgument}, {"aes.new(", 1, isKeyArgument}, {"aes.newcipher(", 1, isKeyArgument}, {"createcipheriv(", 2, isKeyArgument}, {"createdecipheriv(", 2, isKeyArgument},
	{"aes.encrypt(", 2, isKeyArgument}, {"aes.decrypt(", 2, isKeyArgument}, {"openssl_encrypt(", 3, isKeyArgument}, {"openssl_decrypt(", 3, isKeyArgument},
	{"serializer(", 1, isKeyArgument}, {"timestampsigner(", 1, isKeyArgument}, {"cookieparser(", 1, isKeyArgument}, {"newcookiestore(", 1, isKeyArgument}, {"signwith(", 2, isKeyArgument},
	{"signedstring(", 1, isKeyArgument}, {"symmetricsecuritykey(", 1, isKeyArgument}, {"algorithm.hmac256(", 1, isKeyArgument},
	{"httpbasicauth(", 2, isLoginArgument}, {"httpdigestauth(", 2, isLoginArgument}, {"ntlmauth(", 2, isLoginArgument}, {"credentials.basic(", 2, isLoginArgument}, {"setbasicauth(", 2, isLoginArgument}, {"withbasicauth(", 2, isLoginArgument},
	{"basiccredentials(", 2, isLoginArgument}, {"basicauthentication(", 2, isLoginArgument}, {"plainauthenticator(", 2, isLoginArgument}, {"plaintextauthprovider(", 2, isLoginArgument}, {"auth.basic(", 2, isLoginArgument}, {"neo4j.basicauth(", 2, isLoginArgument},
	{"set_password(", 3, isLoginArgument}, {"authenticate(", 2, isLoginArgument}, {"ftp_login(", 3, isLoginArgument}, {"ssh2_auth_password(", 3, isLoginArgument}, {"ldap_bind(", 3, isLoginArgument}, {"simple_bind_s(", 2, isLoginArgument},
	{"ftp(", 3, isLoginArgument}, {"psycopg2.connect(", 4, isLoginArgument}, {"mysql_connect(", 3, isLoginArgument}, {"pymysql.connect(", 3, isLoginArgument}, {"sequelize(", 3, isLoginArgument},
	{"oauthhandler(", 2, isRandom}, {"oauth1userhandler(", 2, isRandom}, {"oauth1session(", 2, isRandom}, {"oauth1(", 2, isRandom}, {"oauth1(", 4, isRandom}, {"set_access_token(", 1, isRandom}, {"set_access_token(", 2, isRandom},
	{"algoliasearch(", 2, isRandom}, {"twilio(", 2, isRandom}, {"twilio')(", 2, isRandom}, {`twilio")(`, 2, isRandom},
	{"client(", 1, isRandom}, {"client(", 2, isRandom}, {"client.new(", 1, isRandom}, {"client.new(", 2, isRandom}, {"client::new(", 1, isRandom}, {"newclient(", 1, isRandom}, {"newclient(", 2, isRandom}, {"client.create(", 1, isRandom},
	{".init(", 1, isRandom}, {"sdk(", 1, isRandom}, {"api(", 1, isRandom}, {"api(", 2, isRandom}, {"auth(", 1, isRandom}, {"auth(", 2, isRandom}, {"session(", 2, isRandom}, {"authenticator(", 1, isRandom}, {"authenticator(", 2, isRandom}, {"pusher(", 3, isRandom}, {"signer(", 1, isRandom},
}

// addCalls adds the table of functions.
func (v *vocabulary) addCalls() {
	for i := range callees {
		c := &callees[i]
		v.scan(func(s *scan, h hit) { s.callee(c, h) }, c.name)
	}
	v.scan((*scan).typed, ".fill(", ".type(", ".send_keys(", ".sendkeys(", ".setvalue(", ".settext(", ".typetext(")
	v.scan((*scan).wordpress, "define(")
}

// isKeyArgument tells what can be the key of a function that needs one.
func isKeyArgument(s string) bool {
	k := measure(s)
	return len(s) >= 8 && k.space == 0 && (k.digit > 0 && k.letters() > 2 || jumbled(s, k)) && !isTechnical(s) && !isPath(s) && !isURL(s) && !isName(s) && !isUUID(s) && !strings.HasPrefix(s, "-----") && !strings.HasPrefix(s, "eyJ")
}

// isLoginArgument tells what can be the password behind a user's name.
func isLoginArgument(s string) bool {
	k := measure(s)
	return len(s) >= 4 && k.space == 0 && (k.digit > 0 || k.other > 0 || jumbled(s, k)) && !isURL(s) && !isLabel(s) && !isReference(s)
}

// callee replaces the argument of a function if it is a literal that passes its
// test.
func (s *scan) callee(c *callee, h hit) {
	p := s.argumentAt(h.end, c.arg)
	if p < 0 {
		return
	}
	start, end := s.literal(skipWrappers(s.text, p))
	if start < end && c.test(s.text[start:end]) {
		s.accept(start, end, callPlaceholder(c))
	}
}

func callPlaceholder(c *callee) string {
	switch {
	case c.test(`aB3$`): // only the logins take as little
		return password
	case strings.HasPrefix(c.name, "client") || strings.HasSuffix(c.name, "init("):
		return apiKey
	}
	return secret
}

// argumentAt returns where the n-th argument begins of a call whose first begins
// at p, -1 if the call ends before or is too long to tell.
func (s *scan) argumentAt(p, n int) int {
	t := s.text
	stop, depth := min(len(t), p+400), 0
	p = skipSpace(t, p, 64)
	for n > 1 {
		if p >= stop {
			return -1
		}
		if _, end := s.literal(p); end > 0 {
			p = end
		}
		switch t[p] {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			if depth--; depth < 0 {
				return -1
			}
		case ',':
			if depth == 0 {
				n--
			}
		}
		p++
	}
	return skipSpace(t, p, 64)
}

// typed replaces what a test of a page types into a field for a password.
func (s *scan) typed(h hit) {
	t := s.text
	head := t[lineStart(t, h.start, 120):h.start]
	if i := strings.LastIndexByte(head, ';'); i >= 0 {
		head = head[i:]
	}
	if !containsFold(head, "password") && !containsFold(head, "passwd") && !containsFold(head, "passwort") {
		return
	}
	start, end := s.literal(skipSpace(t, h.end, 16))
	if start < end && isLoginArgument(t[start:end]) {
		s.accept(start, end, password)
	}
}

// wordpress replaces the keys and salts of define('AUTH_SALT', '…'), which may
// hold blanks and any sign.
func (s *scan) wordpress(h hit) {
	t := s.text
	start, end := s.literal(skipBlank(t, h.end))
	if start >= end || !strings.HasSuffix(t[start:end], "_SALT") && !strings.HasSuffix(t[start:end], "_KEY") {
		return
	}
	p := skipBlank(t, end+1)
	if at(t, p) != ',' {
		return
	}
	start, end = s.literal(skipBlank(t, p+1))
	if start < end && end-start >= 32 && measure(t[start:end]).digit > 0 && !isSentence(t[start:end]) {
		s.add(start, end, secret, rankStructural)
	}
}
