package redact

import "strings"

// The placeholders of kinds that have no vendor.
const (
	awsKey           = "AWS_KEY_REDACTED"
	privateKey       = "PRIVATE_KEY_REDACTED"
	bearerToken      = "BEARER_TOKEN_REDACTED"
	password         = "PASSWORD_REDACTED"
	apiKey           = "API_KEY_REDACTED"
	secret           = "SECRET_REDACTED"
	githubToken      = "GITHUB_TOKEN_REDACTED"
	openaiKey        = "OPENAI_KEY_REDACTED"
	agentbridgeToken = "AGENTBRIDGE_TOKEN_REDACTED"
)

// isPlaceholder tells whether s is nothing but placeholders and punctuation:
// there is no secret left in it.
func isPlaceholder(s string) bool {
	for {
		i := strings.Index(s, "_REDACTED")
		if i < 0 {
			break
		}
		head := s[:i]
		for head != "" && (sets[head[len(head)-1]]&setUpperNum != 0 || head[len(head)-1] == '_') {
			head = head[:len(head)-1]
		}
		if hasWordBytes(head) {
			return false
		}
		s = s[i+len("_REDACTED"):]
		if !hasWordBytes(s) {
			return true
		}
	}
	return false
}

func hasWordBytes(s string) bool {
	for i := range len(s) {
		if isAlnum(s[i]) || s[i] >= 0x80 {
			return true
		}
	}
	return false
}
