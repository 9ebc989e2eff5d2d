package redact_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"agentbridge/internal/redact"
)

func TestField(t *testing.T) {
	r := newRedactor(t)
	token := "ghp_" + random(36, alnum)
	session := random(64, hexSet)
	for _, tt := range []struct{ name, in, want string }{
		{"password", "x", "PASSWORD_REDACTED"},
		{"password", "correct horse battery", "PASSWORD_REDACTED"},
		{"password", "", ""},
		{"password", "null", "null"},
		{"password", "PASSWORD_REDACTED", "PASSWORD_REDACTED"},
		{"password", "${DB_PASSWORD}", "${DB_PASSWORD}"},
		{"password", "********", "********"},
		{"apiKey", "abc123", "API_KEY_REDACTED"},
		{"client_secret", "abc123", "SECRET_REDACTED"},
		{"session_a_token", session, "AGENTBRIDGE_TOKEN_REDACTED"},
		{"password", token, "GITHUB_TOKEN_REDACTED"},
		{"Authorization", "Bearer abcd1234efgh", "Bearer BEARER_TOKEN_REDACTED"},
		{"note", "hunter2", "hunter2"},
		{"sha256", session, session},
		{"max_tokens", "4096", "4096"},
	} {
		got, found := r.Field(tt.name, tt.in)
		if got != tt.want || (found == nil) != (got == tt.in) {
			t.Errorf("Field(%q, %q) = %q, %v, want %q", tt.name, tt.in, got, found, tt.want)
		}
	}
}

func TestJSON(t *testing.T) {
	r := newRedactor(t)
	token := "ghp_" + random(36, alnum)
	in := map[string]any{
		"user":     "bob",
		"password": "x",
		"n":        json.Number("1"),
		"pin":      map[string]any{"password": json.Number("12345678")},
		"secrets":  []any{"fine", "uses " + token},
		token:      true,
		"nothing":  nil,
	}
	got, found := r.JSON(in)
	want := map[string]any{
		"user":                  "bob",
		"password":              "PASSWORD_REDACTED",
		"n":                     json.Number("1"),
		"pin":                   map[string]any{"password": "PASSWORD_REDACTED"},
		"secrets":               []any{"fine", "uses GITHUB_TOKEN_REDACTED"},
		"GITHUB_TOKEN_REDACTED": true,
		"nothing":               nil,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("JSON = %v\nwant %v", got, want)
	}
	if wantFound := (redact.Found{"PASSWORD_REDACTED": 2, "GITHUB_TOKEN_REDACTED": 2}); !reflect.DeepEqual(found, wantFound) {
		t.Errorf("found %v, want %v", found, wantFound)
	}
	if in["password"] != "x" || in[token] != true {
		t.Error("JSON changed its argument")
	}
}

// Two names that are the same once they are redacted keep both their values.
func TestJSON_namesThatCollide(t *testing.T) {
	r := newRedactor(t)
	in := map[string]any{"ghp_" + random(36, alnum): 1, "ghp_" + random(36, alnum): 2, "ghp_" + random(36, alnum): 3}
	got, _ := r.JSON(in)
	m := got.(map[string]any)
	sum := 0
	for _, v := range m {
		sum += v.(int)
	}
	if len(m) != 3 || sum != 6 {
		t.Errorf("JSON = %v, want three names and all values", m)
	}
}

func TestJSON_cleanIsItself(t *testing.T) {
	r := newRedactor(t)
	in := map[string]any{"a": []any{"b", map[string]any{"c": "d"}}}
	got, found := r.JSON(in)
	if found != nil || reflect.ValueOf(got).Pointer() != reflect.ValueOf(in).Pointer() {
		t.Errorf("JSON = %v, found %v, want the argument itself", got, found)
	}
}

// What a value is may be said beside it.
func TestJSON_namesBeside(t *testing.T) {
	r := newRedactor(t)
	secret := random(24, alnum) + "7"
	key := random(43, alnum)
	for _, tt := range []struct{ in, want any }{
		{map[string]any{"name": "DB_PASSWORD", "value": secret}, map[string]any{"name": "DB_PASSWORD", "value": "PASSWORD_REDACTED"}},
		{map[string]any{"Key": "api_key", "Value": secret}, map[string]any{"Key": "api_key", "Value": "API_KEY_REDACTED"}},
		{map[string]any{"name": "region", "value": "eu-west-1"}, nil},
		{[]any{"login", "--password", secret, "--user", "bob"}, []any{"login", "--password", "PASSWORD_REDACTED", "--user", "bob"}},
		{[]any{"--verbose", "main.go"}, nil},
		{map[string]any{"kty": "EC", "crv": "P-256", "x": key, "d": key}, map[string]any{"kty": "EC", "crv": "P-256", "x": key, "d": "PRIVATE_KEY_REDACTED"}},
		{map[string]any{"d": "2026-11-21", "k": "v"}, nil},
	} {
		got, _ := r.JSON(tt.in)
		if tt.want == nil {
			tt.want = tt.in
		}
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("JSON(%v) = %v, want %v", tt.in, got, tt.want)
		}
	}
}
