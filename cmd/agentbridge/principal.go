package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"agentbridge"

	"github.com/spf13/pflag"
)

// ownToken is the agent's token that a process acts by on a database of this
// machine, "" for none: then it acts for whoever owns the files. A file that is
// named must hold one, or somebody would have all rights who meant to have few.
// The variable may hold the token that a bridge at a URL shares with everybody;
// that one means nothing here.
func ownToken(flags *pflag.FlagSet, auth *authFlags, warn io.Writer) (string, error) {
	if !flags.Changed("auth-token-file") {
		if text := strings.TrimSpace(os.Getenv(tokenVariable)); isAgentToken(text) {
			return text, nil
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
