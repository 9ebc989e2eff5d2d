package redact_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

// one is a text with a secret, and what must stand there instead.
type one struct{ before, secret, after, placeholder string }

// check runs texts through Text and wants each secret replaced, and nothing
// else.
func check(t *testing.T, tests []one) {
	t.Helper()
	r := newRedactor(t)
	for _, tt := range tests {
		in := tt.before + tt.secret + tt.after
		want := tt.before + tt.placeholder + tt.after
		got, found := r.Text(in)
		if got != want {
			t.Errorf("Text(%q)\n got %q\nwant %q", in, got, want)
		}
		if found[tt.placeholder] != 1 || len(found) != 1 {
			t.Errorf("Text(%q) found %v, want one %s", in, found, tt.placeholder)
		}
		if again, found := r.Text(got); found != nil {
			t.Errorf("a second look at %q finds %v: %q", got, found, again)
		}
	}
}

func TestText_vendors(t *testing.T) {
	check(t, []one{
		{"key ", "AKIA" + random(16, digits+upper), " in use", "AWS_KEY_REDACTED"},
		{"", "ASIA" + random(16, digits+upper), "", "AWS_KEY_REDACTED"},
		{"push with ", "ghp_" + random(36, alnum), ".", "GITHUB_TOKEN_REDACTED"},
		{"", "ghp_" + random(40, alnum), " (longer)", "GITHUB_TOKEN_REDACTED"},
		{"x=", "gho_" + random(36, alnum), "", "GITHUB_TOKEN_REDACTED"},
		{"", "ghs_" + random(36, alnum), "", "GITHUB_TOKEN_REDACTED"},
		{"", "github_pat_" + random(22, alnum) + "_" + random(59, alnum), "", "GITHUB_TOKEN_REDACTED"},
		{"", "glpat-" + random(20, alnum), "\n", "GITLAB_TOKEN_REDACTED"},
		{"", "xoxb-" + random(12, digits) + "-" + random(12, digits) + "-" + random(24, alnum), "", "SLACK_TOKEN_REDACTED"},
		{"https://hooks.slack.com/", "services/T" + random(8, upper+digits) + "/B" + random(8, upper+digits) + "/" + random(24, alnum), "", "SLACK_TOKEN_REDACTED"},
		{"", "sk_live_" + random(24, alnum), "", "STRIPE_TOKEN_REDACTED"},
		{"", "sk-" + random(48, alnum), "", "OPENAI_KEY_REDACTED"},
		{"", "sk-" + random(51, alnum), "", "OPENAI_KEY_REDACTED"},
		{"", "sk-proj-" + random(80, alnum+"_"), "", "OPENAI_KEY_REDACTED"},
		{"", "sk-svcacct-" + random(60, alnum), "", "OPENAI_KEY_REDACTED"},
		{"", "sk-ant-api03-" + random(93, alnum) + "AA", "", "ANTHROPIC_TOKEN_REDACTED"},
		{"", "AIza" + random(35, alnum), "", "GOOGLE_TOKEN_REDACTED"},
		{"", "npm_" + random(36, alnum), "", "NPM_TOKEN_REDACTED"},
		{"", "hf_" + random(34, alnum), "", "HUGGINGFACE_TOKEN_REDACTED"},
		{"", "SG." + random(22, alnum) + "." + random(43, alnum), "", "SENDGRID_TOKEN_REDACTED"},
		{"", "dop_v1_" + random(64, hexSet), "", "DIGITALOCEAN_TOKEN_REDACTED"},
		{"", "dapi" + random(32, hexSet), "", "DATABRICKS_TOKEN_REDACTED"},
		{"", "lin_api_" + random(40, alnum), "", "LINEAR_TOKEN_REDACTED"},
		{"bot ", random(9, "123456789") + ":AA" + random(33, alnum), "", "TELEGRAM_TOKEN_REDACTED"},
		{"ours: ", "abr_join_" + random(49, alnum), "", "AGENTBRIDGE_TOKEN_REDACTED"},
		{"", "eyJ" + random(20, alnum) + ".eyJ" + random(40, alnum) + "." + random(43, alnum), "", "BEARER_TOKEN_REDACTED"},
		{"", "AGE-SECRET-KEY-1" + random(58, "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"), "", "PRIVATE_KEY_REDACTED"},
	})
}

func TestText_keyed(t *testing.T) {
	value := func() string { return "z" + random(11, alnum) + "7q" }
	check(t, []one{
		{"DB_PASS=", value(), "\nNEXT=1", "PASSWORD_REDACTED"},
		{"export SECRET_KEY=", value(), "", "SECRET_REDACTED"},
		{`{"user":"bob","password":"`, value(), `","n":1}`, "PASSWORD_REDACTED"},
		{`{"password":"`, `hun\"ter2`, `"}`, "PASSWORD_REDACTED"},
		{`{'api_key': '`, value(), `'}`, "API_KEY_REDACTED"},
		{`{\"token\":\"`, value(), `\"}`, "BEARER_TOKEN_REDACTED"},
		{"db:\n  password: ", value(), "\n  port: 1", "PASSWORD_REDACTED"},
		{"db:\n  password: |\n    ", value(), "\n", "PASSWORD_REDACTED"},
		{"password:\n  ", value(), "", "PASSWORD_REDACTED"},
		{`password = "`, "correct horse battery", `"`, "PASSWORD_REDACTED"},
		{`password := "`, value(), `"`, "PASSWORD_REDACTED"},
		{`var password string = "`, value(), `"`, "PASSWORD_REDACTED"},
		{`let password: &str = "`, value(), `";`, "PASSWORD_REDACTED"},
		{`cfg := Config{ClientSecret: "`, value(), `"}`, "SECRET_REDACTED"},
		{`os.environ["API_KEY"] = "`, value(), `"`, "API_KEY_REDACTED"},
		{`config.set("password", "`, value(), `")`, "PASSWORD_REDACTED"},
		{"aws_secret_access_key = ", random(40, alnum), "", "AWS_KEY_REDACTED"},
		{"aws_secret_access_key = ", "YC" + random(38, alnum), "", "AWS_KEY_REDACTED"}, // begins as a key of Yandex does
		{"tool --password ", value(), " run", "PASSWORD_REDACTED"},
		{"tool --api-key=", value(), " run", "API_KEY_REDACTED"},
		{"| password | ", value(), " |", "PASSWORD_REDACTED"},
		{"https://a.example/?api_key=", value(), "&x=1", "API_KEY_REDACTED"},
		{"X-Api-Key: ", value(), "", "API_KEY_REDACTED"},
		{"<password>", value(), "</password>", "PASSWORD_REDACTED"},
		{`<add key="ApiKey" value="`, value(), `"/>`, "API_KEY_REDACTED"},
		{"env:\n- name: DB_PASSWORD\n  value: ", value(), "\n", "PASSWORD_REDACTED"},
	})
}

func TestText_prose(t *testing.T) {
	value := func() string { return "z" + random(9, alnum) + "7q" }
	check(t, []one{
		{"Password is: ", "hunter2", "", "PASSWORD_REDACTED"},
		{"the password is ", "hunter2", ", ok?", "PASSWORD_REDACTED"},
		{"the password for the database is ", value(), ".", "PASSWORD_REDACTED"},
		{"password -> ", "hunter2", "", "PASSWORD_REDACTED"},
		{"API key: ", value(), "", "API_KEY_REDACTED"},
		{"**Password:** `", value(), "`", "PASSWORD_REDACTED"},
		{"pw is ", value(), "", "PASSWORD_REDACTED"},
		{"passphrase '", "a b c d", "'", "PASSWORD_REDACTED"},
		{"Use ", value(), " as the password.", "PASSWORD_REDACTED"},
	})
}

func TestText_structures(t *testing.T) {
	value := func() string { return "z" + random(11, alnum) + "7q" }
	check(t, []one{
		{"postgres://bob:", value(), "@db:5432/app", "PASSWORD_REDACTED"},
		{"bob:", value(), "@tcp(db:3306)/app", "PASSWORD_REDACTED"},
		{"Server=db;Uid=sa;Pwd=", value(), ";Timeout=5", "PASSWORD_REDACTED"},
		{"Authorization: Bearer ", "eyJhbGc...", "", "BEARER_TOKEN_REDACTED"},
		{"Authorization: Basic ", base64.StdEncoding.EncodeToString([]byte("bob:" + value())), "\r\n", "BEARER_TOKEN_REDACTED"},
		{"bearer  ", value(), "", "BEARER_TOKEN_REDACTED"},
		{"Cookie: sessionid=", random(32, alnum), "; theme=dark", "SECRET_REDACTED"},
		{"curl -u bob:", value(), " https://a.example", "PASSWORD_REDACTED"},
		{"mysql -u root -p", value(), " app", "PASSWORD_REDACTED"},
		{"sshpass -p ", value(), " ssh a@b", "PASSWORD_REDACTED"},
		{"PGPASSWORD=", value(), " psql", "PASSWORD_REDACTED"},
		{"machine a login b password ", value(), "\n", "PASSWORD_REDACTED"},
		{"db:5432:app:bob:", value(), "\n", "PASSWORD_REDACTED"},
		{"//registry.npmjs.org/:_authToken=", value(), "\n", "BEARER_TOKEN_REDACTED"},
		{"kind: Secret\ndata:\n  x: ", base64.StdEncoding.EncodeToString([]byte(value())), "\n", "SECRET_REDACTED"},
		{"ALTER USER bob WITH PASSWORD '", value(), "';", "PASSWORD_REDACTED"},
		{"https://a.blob.core.windows.net/c?sv=1&sig=", random(40, alnum) + "%3D", "&se=2", "SECRET_REDACTED"},
		{"PrivateKey = ", random(43, alnum) + "=", "\n", "PRIVATE_KEY_REDACTED"},
	})
}

// armour makes a private key of PEM. It is put together here so that this file
// holds none.
func armour(kind, eol string, lines int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "-----BEGIN %s-----%s", kind, eol)
	for range lines {
		b.WriteString(random(64, alnum) + eol)
	}
	fmt.Fprintf(&b, "%s==%s-----END %s-----", random(20, alnum), eol, kind)
	return b.String()
}

func TestText_privateKeys(t *testing.T) {
	whole := armour("RSA PRIVATE KEY", "\n", 4)
	truncated, _, _ := strings.Cut(whole, "==")
	check(t, []one{
		{"key:\n", whole, "\nend", "PRIVATE_KEY_REDACTED"},
		{"", armour("OPENSSH PRIVATE KEY", "\r\n", 4), "\r\nend", "PRIVATE_KEY_REDACTED"},
		{"", truncated, "", "PRIVATE_KEY_REDACTED"},
		{`{"private_key": "`, armour("PRIVATE KEY", `\n`, 3), `"}`, "PRIVATE_KEY_REDACTED"},
		{"> ", armour("EC PRIVATE KEY", "\n> ", 2), "\n> end", "PRIVATE_KEY_REDACTED"},
		{"  ", armour("PGP PRIVATE KEY BLOCK", "\n  ", 2), "\n", "PRIVATE_KEY_REDACTED"},
	})
}

func TestText_disguised(t *testing.T) {
	token := "ghp_" + random(36, alnum)
	check(t, []one{
		{"b64: ", base64.StdEncoding.EncodeToString([]byte("use " + token)), " end", "GITHUB_TOKEN_REDACTED"},
		{"hex: ", hex.EncodeToString([]byte(token)), " end", "GITHUB_TOKEN_REDACTED"},
		{"zero: ", token[:9] + "\u200b" + token[9:], " end", "GITHUB_TOKEN_REDACTED"},
		{`joined: "`, token[:12] + `" + "` + token[12:], `";`, "GITHUB_TOKEN_REDACTED"},
		{`joined: "`, token[:12] + "\"\n    \"" + token[12:], `";`, "GITHUB_TOKEN_REDACTED"},
		{"wide: password\uff1a ", "hunter2", "", "PASSWORD_REDACTED"},
		{"percent: ", "%67%68%70_" + token[4:], "&", "GITHUB_TOKEN_REDACTED"},
		{"spaced: ", "AKIA" + " ABCD2EFG" + "HIJK3LMN", " end", "AWS_KEY_REDACTED"},
	})
}

// Our own session tokens are 64 hex digits, and so is half of what developers
// paste. Only what stands as a token is one.
func TestText_ownTokens(t *testing.T) {
	token := random(64, hexSet)
	for _, around := range []string{`"session_a_token": "%s"`, `{"token":"%s"}`, "token=%s", "token is %s", "your session token: %s", "session_token=%s&x=1"} {
		check(t, []one{{before: around[:strings.Index(around, "%s")], secret: token, after: around[strings.Index(around, "%s")+2:], placeholder: "AGENTBRIDGE_TOKEN_REDACTED"}})
	}
	r := newRedactor(t)
	for _, around := range []string{"sha256:%s", "%s  file.tar.gz", `"sha256": "%s"`, "checksum %s", "digest: %s", "image@sha256:%s", "commit %s", "token file sha256: %s"} {
		in := fmt.Sprintf(around, token)
		if out, found := r.Text(in); found != nil {
			t.Errorf("Text(%q) = %q: a digest is no secret", in, out)
		}
	}
}

func TestText_secretsInSecrets(t *testing.T) { // the special names the kind
	token := "ghp_" + random(36, alnum)
	check(t, []one{
		{"password=", token, "", "GITHUB_TOKEN_REDACTED"},
		{"Authorization: Bearer ", token, "", "GITHUB_TOKEN_REDACTED"},
		{"https://bob:", token, "@github.example", "GITHUB_TOKEN_REDACTED"},
	})
}
