package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"agentbridge"

	"github.com/spf13/pflag"
)

// ownToken is the agent's token that a process acts by on a database of this
// machine, "" for none: then it acts for whoever owns the files. A file that is
// named must hold one, or somebody would have all rights who meant to have few.
func ownToken(flags *pflag.FlagSet, auth *authFlags, warn io.Writer) (string, error) {
	if !flags.Changed("auth-token-file") {
		if text, set := os.LookupEnv(tokenVariable); set {
			return variableToken(strings.TrimSpace(text), warn)
		}
		return "", nil
	}
	name := calledBy(flags, "auth-token-file")
	token, err := auth.readFile(name, warn)
	if err == nil && !isAgentToken(token) {
		err = usageError{fmt.Errorf("%s (%s) holds no agent's token, which begins with %s; get one with 'agentbridge agent add', or leave the file out to act for the owner of the database", name, auth.file, agentbridge.APITokenPrefix)}
	}
	return token, err
}

// variableToken is the agent's token that the variable holds, "" for none. It may
// hold what a bridge at a URL shares with everybody, which means nothing here. But
// what was meant for an agent's token and is spoilt must not make an owner of
// whoever brings it.
func variableToken(text string, warn io.Writer) (string, error) {
	if isAPIToken(text) {
		return text, nil
	}
	if flaw := flawOf(text); flaw != "" {
		return "", usageError{fmt.Errorf("%s %s; put an agent's token there as 'agentbridge agent add' printed it, or unset the variable to act for the owner of the database", tokenVariable, flaw)}
	}
	warnf(warn, "%s holds no agent's token, which begins with %s, and means nothing on a local database: this process acts for the owner, who may do everything", tokenVariable, agentbridge.APITokenPrefix)
	return "", nil
}

// isAPIToken tells whether a text has the form of an agent's token. Whether it
// admits is the relay's to say.
func isAPIToken(text string) bool {
	digits, ok := strings.CutPrefix(text, agentbridge.APITokenPrefix)
	return ok && len(text) == agentbridge.APITokenLength && !strings.ContainsFunc(digits, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

// flawOf says why a text that is no agent's token was probably meant for one, ""
// if it was not. Invisible characters before it, as a byte order mark, hide nothing.
func flawOf(text string) string {
	begins := strings.TrimLeftFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
	folded := strings.ToLower(begins)
	switch {
	case begins == "":
		return "is empty"
	case begins[0] == '$':
		return "holds the name of a variable instead of a token: whatever started this process did not replace it"
	case strings.IndexAny(begins, quotes) == 0:
		return "begins with a quotation mark, which is no part of a token"
	case strings.HasPrefix(folded, "bearer"):
		return "begins with Bearer, which belongs into an HTTP header only"
	case strings.HasPrefix(begins, "eyJ"):
		return "holds a JSON Web Token, which admits to a bridge at --url only"
	case strings.Contains(folded, "abr_"):
		return "holds something like an agent's token that is none: it was cut, changed or put among other text"
	}
	return ""
}

const quotes = "\"'`“”„‘’‚«»"

// isAgentToken tells whether a text is meant to be a token of the bridge's own,
// of whatever kind.
func isAgentToken(text string) bool { return strings.HasPrefix(text, "abr_") }

// acting returns who each call acts for: the agent whose token it is, who is
// looked up for every call, or the owner of the files. It refuses a token that
// does not admit.
func (b *bridge) acting(ctx context.Context, token string) (func(context.Context) (agentbridge.Principal, error), error) {
	if token == "" {
		return local, nil
	}
	if _, err := b.Authenticate(ctx, token); err != nil {
		return nil, err
	}
	return func(ctx context.Context) (agentbridge.Principal, error) { return b.Authenticate(ctx, token) }, nil
}

// local is who a process acts for that no credential was given to.
func local(context.Context) (agentbridge.Principal, error) { return agentbridge.Local(), nil }
