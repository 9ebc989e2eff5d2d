package redact_test

import (
	"regexp"
	"testing"

	"agentbridge/internal/redact"
)

func TestNew_patterns(t *testing.T) {
	r := redact.New([]redact.Pattern{
		{Name: "badge", Regexp: regexp.MustCompile(`BADGE-(\d{4})`), Keywords: []string{"badge-"}, Group: 1, Placeholder: "BADGE_REDACTED"},
		{Name: "mixed", Regexp: regexp.MustCompile(`mixed:[a-z0-9]+`), Keywords: []string{"mixed:"}, Placeholder: "MIXED_REDACTED", MinEntropy: 3},
	})
	for _, tt := range []struct{ in, want string }{
		{"see BADGE-1234 and BADGE-5678", "see BADGE-BADGE_REDACTED and BADGE-BADGE_REDACTED"},
		{"see badge-1234", "see badge-1234"},
		{"mixed:aaaaaaaa", "mixed:aaaaaaaa"},
		{"mixed:a1b2c3d4e5", "MIXED_REDACTED"},
		{"password=BADGE-1234", "password=BADGE_REDACTED"},
	} {
		if got, _ := r.Text(tt.in); got != tt.want {
			t.Errorf("Text(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}
