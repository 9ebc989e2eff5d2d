package client_test

import (
	"errors"
	"strings"
	"testing"

	"agentbridge"
	"agentbridge/client"
)

func asError(t *testing.T, call string, err error) *agentbridge.Error {
	t.Helper()
	e, ok := errors.AsType[*agentbridge.Error](err)
	if !ok {
		t.Fatalf("%s = %v, want a refusal", call, err)
	}
	return e
}

func TestNew_url(t *testing.T) {
	for _, s := range []string{"http://127.0.0.1:8765", "https://bridge.example", "http://[::1]:8765/prefix/", "HTTP://localhost"} {
		if c, err := client.New(client.Options{URL: s}); err != nil || c == nil {
			t.Errorf("New(%s) = %v", s, err)
		}
	}
	const password = "hunter2"
	for s, want := range map[string]string{
		"":                                  "empty",
		"localhost:8765":                    "http://",
		"ftp://host":                        "http://",
		"http://":                           "no host",
		"http:///path":                      "no host",
		"http://host:port":                  "not a URL",
		"http://host:0":                     "port",
		"http://host:70000":                 "port",
		"http://host:":                      "port",
		"http://me:" + password + "@host":   "password",
		"http://host?token=" + password:     "query",
		"http://host#" + password:           "query",
		"http://host\n" + password + ":999": "not a URL",
	} {
		_, err := client.New(client.Options{URL: s})
		e := asError(t, s, err)
		if e.Field != "url" || !strings.Contains(e.Message, want) || strings.Contains(e.Message, password) {
			t.Errorf("New(%q) = %v, want one that speaks of %q", s, err, want)
		}
	}
}

// An attacker on the network reads what is not encrypted.
func TestNew_token(t *testing.T) {
	const token = "s3cret-token"
	for _, c := range []struct {
		url   string
		token string
		allow bool
		ok    bool
	}{
		{"http://127.0.0.1:8765", token, false, true},
		{"http://127.9.9.9", token, false, true},
		{"http://[::1]:8765", token, false, true},
		{"http://LOCALHOST", token, false, true},
		{"https://bridge.example", token, false, true},
		{"http://bridge.example", "", false, true},
		{"http://bridge.example", token, true, true},
		{"http://bridge.example", token, false, false},
		{"http://10.0.0.7:8765", token, false, false},
		{"http://localhost.evil.example", token, false, false},
		{"http://127.0.0.1.evil.example", token, false, false},
		{"http://0.0.0.0:8765", token, false, false},
		{"https://bridge.example", " ", false, false},
		{"https://bridge.example", token + "\n", false, false},
		{"https://bridge.example", token + "\r\nX-Evil: 1", false, false},
		{"https://bridge.example", token + "é", false, false},
	} {
		_, err := client.New(client.Options{URL: c.url, Token: c.token, AllowPlaintext: c.allow})
		if (err == nil) != c.ok {
			t.Errorf("New(%s, token %q, allow %v) = %v", c.url, c.token, c.allow, err)
		}
		if err != nil && strings.Contains(err.Error(), token) {
			t.Errorf("New(%s) shows the token: %v", c.url, err)
		}
	}
}
