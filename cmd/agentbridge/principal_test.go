package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"agentbridge"

	"github.com/spf13/pflag"
)

// Somebody gives a process the token of an agent that may do little. However it
// is spoilt on its way through shells, env files and secret stores, the process
// must not take that for no token and act for the owner.
func TestOwnToken_spoilt(t *testing.T) {
	good := agentbridge.APITokenPrefix + strings.Repeat("aB3", 17)[:49]
	for name, c := range map[string]struct{ text, says string }{
		"nothing":              {"", "is empty"},
		"white space":          {" \t\r\n\u00a0", "is empty"},
		"a byte order mark":    {"\ufeff", "is empty"},
		"quoted":               {`"` + good + `"`, "quotation mark"},
		"quoted once more":     {"'" + good + "'", "quotation mark"},
		"by a word processor":  {"“" + good + "”", "quotation mark"},
		"with its scheme":      {"Bearer " + good, "Bearer"},
		"a scheme in capitals": {"BEARER x", "Bearer"},
		"its scheme only":      {"bearer", "Bearer"},
		"not replaced":         {"${AGENTBRIDGE_AUTH_TOKEN}", "name of a variable"},
		"not run":              {"$(cat token)", "name of a variable"},
		"after a BOM":          {"\ufeff" + good, "cut, changed"},
		"BOM and variable":     {"\ufeff$TOKEN", "name of a variable"},
		"upper case":           {strings.ToUpper(good), "cut, changed"},
		"cut":                  {good[:len(good)-1], "cut, changed"},
		"longer":               {good + "a", "cut, changed"},
		"twice":                {good + "\n" + good, "cut, changed"},
		"another letter":       {good[:20] + "é" + good[22:], "cut, changed"},
		"among other text":     {`{"token":"` + good + `"}`, "cut, changed"},
		"another of ours":      {"abr_v1_x", "cut, changed"},
		"a JSON Web Token":     {"eyJhbGciOiJSUzI1NiJ9.e30.AAAA", "JSON Web Token"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(tokenVariable, c.text)
			token, err := actsBy()
			_, usage := errors.AsType[usageError](err)
			if token != "" || !usage || !strings.HasPrefix(err.Error(), tokenVariable+" ") || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("it acts by %q, %v; want a refusal that says %q", token, err, c.says)
			}
			if strings.Contains(err.Error(), "\n") || strings.Contains(strings.ToLower(err.Error()), "abr_") || strings.Contains(err.Error(), "${") {
				t.Errorf("%v holds what is in the variable", err)
			}
		})
	}
}

func actsBy() (string, error) {
	var auth authFlags
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	auth.declareFile(flags, "")
	var warned bytes.Buffer
	token, err := ownToken(flags, &auth, &warned)
	if err == nil && warned.Len() > 0 {
		err = errors.New(warned.String())
	}
	return token, err
}

func TestOwnToken(t *testing.T) {
	good := agentbridge.APITokenPrefix + strings.Repeat("aB3", 17)[:49]
	for _, text := range []string{good, " " + good + "\r\n", "\u00a0" + good} {
		t.Setenv(tokenVariable, text)
		if token, err := actsBy(); token != good || err != nil {
			t.Errorf("%q: it acts by %q, %v", text, token, err)
		}
	}
	const shared = "0123456789abcdef-shared"
	t.Setenv(tokenVariable, shared)
	token, err := actsBy()
	if token != "" || err == nil || strings.Count(err.Error(), "\n") != 1 || !strings.Contains(err.Error(), "acts for the owner") || strings.Contains(err.Error(), shared) {
		t.Errorf("with a shared token it acts by %q, %v; want nobody's, and one line that warns of it", token, err)
	}
}
