package redact_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

// cause is a way to write a secret, which stands for each § in the text.
type cause struct{ name, text, secret string }

// gone checks that nothing of a secret is left, and that what is left stays.
func gone(t *testing.T, list []cause) {
	t.Helper()
	r := newRedactor(t)
	for _, c := range list {
		in := strings.ReplaceAll(c.text, "§", c.secret)
		out, found := r.Text(in)
		for _, piece := range strings.Fields(c.secret) {
			if strings.Contains(out, piece) {
				t.Errorf("%s: %q became %q", c.name, in, out)
			}
		}
		if again, more := r.Text(out); more != nil {
			t.Errorf("%s: a second look changes %q to %q", c.name, out, again)
		}
		if found == nil {
			t.Errorf("%s: nothing found in %q", c.name, in)
		}
	}
}

// drawn and chosen are what vendors and people give out.
func drawn() string  { return "aK9" + random(29, alnum) + "x7Q2z" }
func chosen() string { return "Tr0ub" + random(3, digits) + "!dor" }

// prefixed writes a private key of four lines with what stands before each line.
func prefixed(prefix, end string, begin, close bool) (text, lines string) {
	var b strings.Builder
	if begin {
		b.WriteString(prefix + "-----BEGIN RSA " + "PRIVATE KEY-----" + end)
	}
	var all []string
	for n := range 4 {
		line := "MIx9" + random(60, alnum)
		if n == 3 {
			line = "zQ1" + random(29, alnum)
		}
		all = append(all, line)
		b.WriteString(prefix + line + end)
	}
	if close {
		b.WriteString(prefix + "-----END RSA " + "PRIVATE KEY-----" + end)
	}
	return b.String(), strings.Join(all, " ")
}

// A key in a log is a key: each line of it begins with something else.
func TestText_keyWithPrefixes(t *testing.T) {
	var list []cause
	for _, prefix := range []string{"", "> ", "+", "-", "\t", "    ", "# ", "// ", " * ", "web-1  | ", "2026-01-01T10:00:00Z app | ", "[2026-01-01 10:00:00] ERROR ", "12: ", "id_rsa:7:", "id_rsa-7-", "   12\t", "<13>Jan  1 host app[99]: "} {
		for _, end := range []string{"\n", "\r\n"} {
			text, lines := prefixed(prefix, end, true, true)
			list = append(list, cause{"whole, " + prefix, text, lines})
			text, lines = prefixed(prefix, end, true, false)
			list = append(list, cause{"no end, " + prefix, text, lines[:strings.LastIndexByte(lines, ' ')]})
		}
	}
	for _, end := range []string{"&#10;", "&#xA;", "%0A", "%0D%0A", `\n`, `\\n`, `\r\n`, "<br>", "\", \""} {
		text, lines := prefixed("", end, true, true)
		list = append(list, cause{"line ends, " + end, text, lines})
	}
	for _, prefix := range []string{"", "web-1  | ", "> "} {
		text, lines := prefixed(prefix, "\n", false, true)
		list = append(list, cause{"no begin, " + prefix, "the tail:\n" + text, lines})
	}
	gone(t, list)
}

func TestText_keyWithoutArmour(t *testing.T) {
	body := random(400, alnum)
	modulus, private := random(172, alnum)+"=", random(171, alnum)+"="
	gone(t, []cause{
		{"PKCS#8", "here: § thanks", "MIIEvQIBADANBgkqhkiG" + "9w0BAQEFAASC" + body},
		{"PKCS#1", `{"k":"§"}`, "MIIEowIBAA" + "KCAQEA" + body},
		{"SEC 1", "§", "MHcCA" + "QEEI" + body[:120]},
		{"Ed25519", "§", "MC4CAQAwBQYDK2Vw" + "BCIEI" + body[:43]},
		{"OpenSSH", "§", "b3BlbnNzaC1rZXktdjEA" + "AAAABG5v" + body},
		{"wrapped", "§\nbye", "MIIEvQIBADANBgkqhkiG" + "9w0BAQEFAASC" + body[:32] + "\n" + body[64:128] + "\n" + body[128:170]},
		{"armour in base64", "key: §", base64.StdEncoding.EncodeToString([]byte("-----BEGIN RSA " + "PRIVATE KEY-----\n" + body))},
		{"XML", "<RSAKeyValue><Modulus>" + modulus + "</Modulus><Exponent>AQAB</Exponent><D>§</D></RSAKeyValue>", private},
	})
}

func TestText_arguments(t *testing.T) {
	gone(t, []cause{
		{"jwt", `jwt.sign({ sub: 1, f: g(a, b) }, "§", { expiresIn: "1h" })`, drawn()},
		{"hmac in Node", `crypto.createHmac('sha256', '§')`, drawn()},
		{"hmac in Python", `hmac.new(b"§", msg, hashlib.sha256)`, drawn()},
		{"hmac in Go", `hmac.New(sha256.New, []byte("§"))`, drawn()},
		{"basic", `requests.get(u, auth=HTTPBasicAuth("bob", "§"))`, chosen()},
		{"client", `co = cohere.Client('§')`, drawn()},
		{"two keys", `tweepy.OAuthHandler("abc", "§")`, drawn()},
		{"field", `page.getByLabel("Password").fill("§")`, chosen()},
		{"WordPress", `define('AUTH_SALT', '§');`, "x1:" + random(20, alnum) + "~&!" + random(20, alnum)},
	})
}

func TestText_apart(t *testing.T) {
	gone(t, []cause{
		{"CSV", "user,password\nbob,§\n", chosen()},
		{"CSV of keys", "Access key ID,Secret access key\nx,§\n", drawn()},
		{"Markdown", "| user | password |\n|---|---|\n| bob | § |\n", chosen()},
		{"columns", "user   password\nbob    §\n", chosen()},
		{"tabs", "host\tlogin\tpassword\ndb\troot\t§\n", chosen()},
		{"plist", "<key>APISecret</key>\n<string>§</string>", drawn()},
		{"setting", `<setting name="SmtpPassword" serializeAs="String"><value>§</value></setting>`, chosen()},
		{"object", `{"db_password":{"value":"§"}}`, chosen()},
		{"parent", `{"Jwt": {"Issuer": "acme", "Key": "§"}}`, drawn()},
		{"parent in YAML", "jwt:\n  issuer: acme\n  key: §\n", drawn()},
		{"form", "Content-Disposition: form-data; name=\"password\"\r\n\r\n§\r\n--x--", chosen()},
		{"SQL", "UPDATE settings SET value = '§' WHERE name = 'api_secret';", drawn()},
		{"remark", "AWS Secret Access Key [None]: §", random(40, alnum)},
		{"remark", "root password (prod): §", chosen()},
		{"vendor", "deepgram key: §", drawn()},
		{"vendor", "key for brave search = §", drawn()},
		{"vendor", "FERNET_KEY=§", drawn()},
		{"login", "wandb login §", random(40, hexSet)},
		{"login", `gh secret set DEPLOY_KEY --body "§"`, drawn()},
		{"impacket", "impacket-psexec ACME/admin:§@10.0.0.5", "x" + chosen()},
		{"domain user", `http://corp\jdoe:§@proxy:3128`, chosen()},
	})
}

func TestText_languages(t *testing.T) {
	pw := "Sommer" + random(4, digits)
	gone(t, []cause{
		{"German", "Das Passwort ist §", pw}, {"German", "Zugangsdaten: max / §", pw}, {"French", "mdp : §", pw}, {"French", "Le mot de passe est §", pw},
		{"Spanish", "La contraseña es §", pw}, {"Portuguese", "senha: §", pw}, {"Polish", "hasło: §", pw}, {"Japanese", "パスワードは§です", pw}, {"Chinese", "密码是§", pw}, {"Russian", "Пароль: §", pw},
		{"old and new", "I changed the password from § to Winter" + random(4, digits), pw}, {"network", "Wifi: SSID Acme, key §", pw}, {"zip", "zip is encrypted, pw §", chosen()},
	})
}

// Who writes a token so that no pattern matches it means us.
func TestText_evasions(t *testing.T) {
	full := "gh" + "p_" // in each of three lines letters of all kinds, or it would be like a word now and then
	for _, mixed := range []string{"aK9", "bQ7", "x2Z"} {
		full += mixed + random(9, alnum)
	}
	spaced := strings.Join(strings.Split(full, ""), " ")
	gone(t, []cause{
		{"brackets", "§", strings.Join(each(full, `\u{%x}`), "")},
		{"octal", "§", strings.Join(each(full, `\%03o`), "")},
		{"Markdown", "§", strings.Replace(full, "_", `\_`, 1)},
	})
	r := newRedactor(t)
	for name, in := range map[string]string{
		"letters": spaced, "hex": fmt.Sprintf("% x", full), "list": `["` + full[:12] + `", "` + full[12:25] + `", "` + full[25:] + `"].join("")`,
		"template": `f"{'` + full[:12] + `'}{'` + full[12:] + `'}"`, "hyphens": full[:14] + "-\n" + full[14:28] + "-\n" + full[28:], "bold": "**" + full[:3] + "**" + full[3:],
		"wrapped": "key:\n  " + full[:20] + "\n  " + full[20:],
	} {
		out, found := r.Text(in)
		if found == nil || strings.Contains(out, in[len(in)-9:]) && name != "list" && name != "template" || strings.Contains(out, full[26:34]) {
			t.Errorf("%s: %q became %q", name, in, out)
		}
	}
}

func each(s, format string) (out []string) {
	for _, c := range s {
		out = append(out, fmt.Sprintf(format, c))
	}
	return out
}

// What the causes above must not touch.
func TestText_noCause(t *testing.T) {
	r := newRedactor(t)
	for _, in := range []string{
		"a.apiKey=b.key||c.token,d.password=e.value,f(g,h)", "s/password=.*/password=REDACTED/", "sed 's/api_key=.*/api_key=<hidden>/'", `"@types/jsonwebtoken": "^9.0.5"`,
		"xox" + "b-your-token-here", "Authorization: Bearer eyJ...", "Authorization: Basic <base64(user:pass)>", `JWT_SECRET: "your-256-bit-secret"`, "SECRET_KEY=secret", `auth=("user", "pass")`,
		"Das Passwort ist falsch.", "Kennwort: erforderlich", "Mot de passe : requis", "contraseña: obligatoria", "senha: obrigatória", "密码: 请输入6-16位字符", "パスワード: 8文字以上で入力してください", "Введите пароль: минимум 8 символов",
		`"session_id":"dda91088-bc3f-4207-a425-93f86e58b40e"`, "gpg: Signature made using RSA key BFFFBD9AF308788A2868E228053974DC85E034F5", "cache key: 3f786850e387550fdab836ed7e6dc881de23001b",
		"| name | type |\n|---|---|\n| password | string |\n| token | v2 token |", "token (JWT): contains the user id", "password (optional, default: none) - the password",
		"jwt.verify(token, publicKey, cb)", "hmac.new(key, msg, hashlib.sha256)", "a b c d e f g h i j k l m n o p", "aws ssm put-parameter --name x --value us-east-1",
		"-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAu1SU1LfVLPHCozMxH2Mo\n-----END PUBLIC KEY-----", "-----BEGIN RSA PRIVATE KEY-----\n...\n-----END RSA PRIVATE KEY-----",
	} {
		if out, found := r.Text(in); found != nil {
			t.Errorf("Text(%q) = %q", in, out)
		}
	}
}
