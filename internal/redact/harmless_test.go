package redact_test

import (
	"strings"
	"testing"
)

// harmless texts speak of secrets and hold none.
var harmless = []string{
	"The password field is required",
	"our secret sauce recipe",
	"password reset flow",
	"Bearer of bad news",
	"return password == stored",
	"value: {{ .Values.auth.password | b64enc | quote }}",
	"fly secrets set DATABASE_URL=$DATABASE_URL",
	"storage_key: users/avatars/2024/03/picture-final.png",
	"token=***REDACTED***",
	"TELEGRAM_BOT_TOKEN=123456:ABC-DEF...",
	"sid=AC" + strings.Repeat("0f1e2d3c", 4),
	"DSN: https://" + strings.Repeat("0f1e2d3c", 4) + "@o123.ingest.sentry.io/456",
	"Enter password:\nThen click OK",
	"task-" + strings.Repeat("a", 48),
	"token = secrets.token_urlsafe(32)",
	`api_key = os.environ["API_KEY"]`,
	"password: ${{ secrets.X }}",
	"password=$PASSWORD",
	"api_key: <your-api-key>",
	"password: ********",
	"token: xxxx",
	"password: {{ changeme }}",
	"interface User { password: string; token: string }",
	"func Login(user, password string) error {",
	"password := r.FormValue(\"password\")",
	"login(user=user, password=password)",
	"self.password = password",
	`<input type="password" name="password" placeholder="Enter password">`,
	`{"password": {"type": "string", "minLength": 8}}`,
	"The token bucket refills at 5 per second",
	"max_tokens: 4096, temperature: 0.7",
	"the secret is consistency",
	"The password is wrong",
	"Password: must be at least 8 characters",
	"we pass the token to the API",
	"secretKeyRef:\n  name: db-credentials\n  key: password",
	"POSTGRES_PASSWORD_FILE=/run/secrets/pg_password",
	"commit 3f786850e387550fdab836ed7e6dc881de23001b",
	"id: 123e4567-e89b-12d3-a456-426614174000",
	"go.sum: golang.org/x/text v0.22.0 h1:bofq7m3/HAFvbF51jz3Q9wLg3jkvSPuiZu/pD1XwgtM=",
	"curl -u $USER:$PASS https://a.example",
	"Authorization: Bearer $TOKEN",
	"Authorization: Bearer <token>",
	"postgres://$USER:$PASS@localhost/db",
	"https://pkg.go.dev/golang.org/x/text@v0.22.0/unicode/norm",
	"mysql -u root -p mydb",
	"| field | type | description |\n| password | string | the password of the user |",
	"  -p, --password string   password for the registry",
	`{token: "keyword", regex: "a"}`,
	"Look for -----BEGIN PRIVATE KEY----- in the file.",
	"Cookie: theme=dark; lang=en",
	"--- PASS: TestToken (0.00s)",
	"Unexpected token } in JSON at position 42",
	"sk-learn-pipeline-with-a-very-long-name-for-a-model",
	"Token: '#f8f8f2'",
}

func TestText_harmless(t *testing.T) {
	r := newRedactor(t)
	for _, in := range harmless {
		if out, found := r.Text(in); out != in || found != nil {
			t.Errorf("Text(%q) = %q, found %v", in, out, found)
		}
	}
}

func TestText_placeholdersStay(t *testing.T) {
	r := newRedactor(t)
	for _, p := range []string{"PASSWORD_REDACTED", "AWS_KEY_REDACTED", "PRIVATE_KEY_REDACTED", "GITHUB_TOKEN_REDACTED", "AGENTBRIDGE_TOKEN_REDACTED"} {
		for _, around := range []string{"password=%", `{"password":"%"}`, "Authorization: Bearer %", "postgres://u:%@h", "token is %", "--api-key %", "<password>%</password>"} {
			in := strings.ReplaceAll(around, "%", p)
			if out, found := r.Text(in); found != nil {
				t.Errorf("Text(%q) = %q", in, out)
			}
		}
	}
}

func TestText_cleanProseCostsNothing(t *testing.T) {
	r := newRedactor(t)
	r.Text(prose)
	if n := testing.AllocsPerRun(100, func() { r.Text(prose) }); n != 0 {
		t.Errorf("%v allocations for prose without a secret, want 0", n)
	}
}
