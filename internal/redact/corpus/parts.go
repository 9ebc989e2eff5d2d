package corpus

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
)

var words = map[string][]string{
	"user":  {"admin", "root", "deploy", "app_user", "svc-backup", "postgres", "ci", "alice", "bob", "reporting"},
	"first": {"alice", "bob", "carol", "dave", "erin", "mallory"},
	"db":    {"orders", "app", "users_prod", "analytics", "billing", "inventory"},
	"svc":   {"payments", "gateway", "worker", "auth-service", "ingest", "scheduler", "billing"},
	"env":   {"prod", "staging", "dev", "production", "qa"},
	"word":  {"harbor", "lantern", "orbit", "copper", "meadow", "ember", "falcon", "quartz", "tundra", "willow", "cobalt", "saddle"},
	"tld":   {"com", "io", "net", "dev", "internal", "org"},
	"month": {"Jan", "Mar", "Jun", "Sep", "Nov"},
	"secretname": {
		"DB_PASSWORD", "DATABASE_PASSWORD", "POSTGRES_PASSWORD", "MYSQL_ROOT_PASSWORD", "REDIS_PASSWORD", "SMTP_PASS",
		"ADMIN_PASSWORD", "LDAP_BIND_PASSWORD", "KEYSTORE_PASSWORD", "RABBITMQ_DEFAULT_PASS",
	},
	"keyname": {
		"API_KEY", "SERVICE_API_KEY", "SECRET_KEY", "JWT_SECRET", "CLIENT_SECRET", "ACCESS_TOKEN", "AUTH_TOKEN",
		"ENCRYPTION_KEY", "SESSION_SECRET", "WEBHOOK_SECRET", "SIGNING_KEY", "APP_SECRET", "REFRESH_TOKEN", "INTERNAL_TOKEN",
	},
	"camel": {
		"apiKey", "clientSecret", "accessToken", "authToken", "secretKey", "dbPassword", "jwtSecret", "privateToken",
		"refreshToken", "signingSecret", "encryptionKey", "webhookSecret",
	},
	"snake": {
		"api_key", "client_secret", "access_token", "auth_token", "secret_key", "db_password", "jwt_secret",
		"refresh_token", "signing_secret", "encryption_key", "webhook_secret", "app_secret",
	},
	"passname": {"password", "passwd", "pwd", "db_password", "admin_password", "smtp_password", "passphrase", "user_pass"},
}

// special makes the parts that are more than characters from a set, and ""
// for a name it does not know.
func (g *gen) special(name string) string {
	switch name {
	case "uuid":
		return g.text("«hex:8»-«hex:4»-4«hex:3»-a«hex:3»-«hex:12»")
	case "host":
		return g.text("«svc»-«dig:2».«word».«tld»")
	case "ip":
		return fmt.Sprintf("10.%d.%d.%d", g.r.IntN(256), g.r.IntN(256), 1+g.r.IntN(250))
	case "port":
		return fmt.Sprint(1024 + g.r.IntN(60000))
	case "int":
		return fmt.Sprint(2 + g.r.IntN(9000))
	case "ver":
		return fmt.Sprintf("%d.%d.%d", g.r.IntN(9), g.r.IntN(30), g.r.IntN(40))
	case "email":
		return g.text("«first».«word»@«word».«tld»")
	case "ts":
		return g.timestamp()
	case "b64pad":
		return base64.StdEncoding.EncodeToString(g.bytes(32))
	}
	return g.secret(name)
}

// secret makes the parts that are secrets wherever they stand.
func (g *gen) secret(name string) string {
	switch name {
	case "jwt":
		return g.jwt()
	case "pw":
		return g.password()
	case "pwsh":
		return g.shellPassword()
	case "pwurl":
		return g.urlPassword()
	case "phrase":
		return g.phrase()
	case "key":
		return g.key()
	case "creds":
		return g.basic()
	}
	return g.encoded(name)
}

// encoded makes the tokens that are base64 of something that can be read.
func (g *gen) encoded(name string) string {
	switch name {
	case "cloudflare-tunnel":
		return base64.StdEncoding.EncodeToString([]byte(g.text(`{"a":"«hex:32»","t":"«uuid»","s":"«b64pad»"}`)))
	case "grafana-key":
		return base64.StdEncoding.EncodeToString([]byte(g.text(`{"k":"«b62:32»","n":"«svc»","id":1}`)))
	case "discord-id":
		return base64.RawStdEncoding.EncodeToString([]byte(g.text("1«dig:18»")))
	case "intercom":
		return base64.StdEncoding.EncodeToString([]byte(g.text("tok:«hex:8»_«hex:4»_«hex:4»_«hex:4»_«hex:12»:1:0")))
	}
	return ""
}

func (g *gen) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(g.r.Uint32())
	}
	return b
}

func (g *gen) timestamp() string {
	return fmt.Sprintf("2026-%02d-%02dT%02d:%02d:%02dZ", 1+g.r.IntN(12), 1+g.r.IntN(28), g.r.IntN(24), g.r.IntN(60), g.r.IntN(60))
}

func (g *gen) jwt() string {
	enc := base64.RawURLEncoding.EncodeToString
	head := g.pick([]string{`{"alg":"HS256","typ":"JWT"}`, `{"alg":"RS256","kid":"2026-01","typ":"JWT"}`, `{"typ":"JWT","alg":"ES256"}`})
	claims := g.text(`{"sub":"«uuid»","iat":17«dig:8»,"aud":"«svc»"}`)
	return enc([]byte(head)) + "." + enc([]byte(claims)) + "." + enc(g.bytes(32))
}

// basic is what stands after "Basic" in HTTP.
func (g *gen) basic() string {
	return base64.StdEncoding.EncodeToString([]byte(g.text("«user»:«pwsh»")))
}

// key is a secret as services give them out.
func (g *gen) key() string {
	return g.text(g.pick([]string{"«hex:32»", "«b62:32»", "«b64u:43»", "«b62:24»", "«hex:64»", "«low:40»", "«b64:43»="}))
}

// password is what people choose or generators give, for places that take
// anything but quotes and spaces.
func (g *gen) password() string {
	return g.text(g.pick([]string{
		"«b62:6»!«b62:5»", "«b62:4»#«b62:4»@«b62:4»", "Summer20«dig:2»!", "«word»«dig:3»", "«word»-«word»-«dig:2»",
		"«b62:16»", "«b62:20»", "hunter«dig:1»", "Tr0ub4dor&«dig:1»", "«hex:16»", "P@ss«dig:4»", "«alpha:3»%«b62:6»^«b62:3»",
	}))
}

// shellPassword is safe without quotes on a command line.
func (g *gen) shellPassword() string {
	return g.text(g.pick([]string{
		"«b62:14»", "«word»«dig:4»", "«b62:5»@«b62:6»", "S3cr3t«dig:3»", "«b62:4»-«b62:4»-«b62:4»", "«b62:7»_«b62:8»", "«b62:9»%«b62:3»", "Winter20«dig:2»",
	}))
}

func (g *gen) urlPassword() string {
	raw := g.text(g.pick([]string{"«b62:16»", "«b62:8»@«b62:3»", "«word»«dig:3»", "«b62:6»#«b62:5»", "«b64u:22»", "p%«b62:9»", "S3cret«dig:2»"}))
	return url.QueryEscape(raw)
}

func (g *gen) phrase() string {
	list := make([]string, 3+g.r.IntN(2))
	for i := range list {
		list[i] = g.pick(words["word"])
	}
	return strings.Join(list, " ")
}
