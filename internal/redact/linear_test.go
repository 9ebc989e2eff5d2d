package redact_test

import (
	"strings"
	"sync"
	"testing"
)

// hostile is what a sender repeats to keep the bridge busy: each piece starts
// something that does not end. A scanner that looked at the rest of the text at
// each of them would need hours for these, and the test would time out.
var hostile = []string{
	"key=key=", "-----BEGIN PRIVATE KEY-----", `"""""`, "password password ", "password=", `password="`, "password: |\n",
	"://a:b@", "://a:b", "eyJ", "eyJhbGciOi.eyJhb.", "Authorization: Digest ", "Cookie: a=", "curl -u ", "data:\n", "sk-",
	"%41", `"a"+"b"+`, "AKIA ", "4141414141", "a\u200b", "name: TOKEN value: ", "a:b:5432:", `\"password\":\"`, "<password>", `"kty"`,
	"-----END PRIVATE KEY-----\n", "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo1Njc4OTAxMjM0\n", "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC", "g h p _ ", "67 68 ", "jwt.sign(", "|a|password|\n|---|---|\n", "<RSAKeyValue><D>",
	"wandb login ", "密码 ", `"Jwt":{"Key":`, "key for x", `"a","b".join(`, "web | -----BEGIN PRIVATE KEY-----\n", "ssid key ", "password from ",
}

func TestText_megabytes(t *testing.T) {
	r := newRedactor(t)
	for _, piece := range hostile {
		once, _ := r.Text(strings.Repeat(piece, 1<<20/len(piece)))
		if again, found := r.Text(once[:min(len(once), 1<<14)]); found != nil && len(once) <= 1<<14 {
			t.Errorf("%q: a second look changes it to %.80q", piece, again)
		}
	}
}

func TestText_concurrently(t *testing.T) {
	r := newRedactor(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				in := "password=z" + random(12, alnum) + "1 and more"
				if out, found := r.Text(in); out != "password=PASSWORD_REDACTED and more" || len(found) != 1 {
					t.Errorf("Text(%q) = %q, %v", in, out, found)
				}
			}
		})
	}
	wg.Wait()
}
