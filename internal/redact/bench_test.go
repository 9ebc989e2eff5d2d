package redact_test

import (
	"strings"
	"testing"

	"agentbridge/internal/redact"
)

// prose is 2 KB of a message without code.
var prose = strings.Repeat("I have looked at the parser again and the second half of it reads well now. "+
	"Two things remain before we merge: the names in the table, and a test for an empty file. ", 13)[:2048]

// code is 2 KB of a message about code that speaks of secrets and holds none.
var code = strings.Repeat(`func (s *Server) authorize(r *http.Request) (Token, error) {
	header := r.Header.Get("Authorization")
	token, ok := strings.CutPrefix(header, "Bearer ")
	if !ok || token == "" {
		return Token{}, fmt.Errorf("no bearer token in %q", r.URL.Path)
	}
	key, err := s.keys.Lookup(r.Context(), token[:8])
	if err != nil || key.Secret != s.hash(token) {
		return Token{}, errUnauthorized // the password is never logged
	}
	cfg.APIKey = os.Getenv("API_KEY")
	cfg.Password = secrets.Password(ctx, cfg.User)
	access := map[string]string{"key": key.ID, "auth": "none"}
	return s.issue(key.ID, access["scope"], 3*time.Hour)
}
`, 4)[:2048]

func benchmark(b *testing.B, text string) {
	r := redact.New(nil)
	r.Text(text) // expressions are compiled when they are met first
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		r.Text(text)
	}
}

func BenchmarkProse(b *testing.B) { benchmark(b, prose) }
func BenchmarkCode(b *testing.B)  { benchmark(b, code) }

func BenchmarkSecrets(b *testing.B) {
	three := "DB_PASSWORD=" + random(16, alnum) + "\nexport GH=" + "ghp_" + random(36, alnum) + "\nAuthorization: Bearer " + random(40, alnum) + "\n"
	benchmark(b, code[:2048-len(three)]+three)
}
