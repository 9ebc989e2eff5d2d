package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const (
	shortToken   = 16       // characters; shorter ones can be guessed
	maxTokenFile = 16 << 10 // bytes
)

// authFlags name the token that clients must show. A token that is named but
// empty is an error and never means that everybody may come in.
type authFlags struct {
	token string // from the command line or the environment
	file  string // path of the file that holds it
}

func (f *authFlags) declare(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.file, "auth-token-file", "", "`file` that holds the token which clients must show as 'Authorization: Bearer TOKEN'")
	flags.StringVar(&f.token, "auth-token", "", "the `token` itself; other users see it in the list of processes, so prefer the file or the variable")
	annotate(flags, "auth-token-file", emptyCounts)
	annotate(flags, "auth-token", emptyCounts)
}

// read returns the token, or "" if there is none: --auth-token comes before a
// file, and a file before the variable with the token.
func (f *authFlags) read(flags *pflag.FlagSet, warn io.Writer) (string, error) {
	switch {
	case onCommandLine(flags, "auth-token"):
		return checkToken(f.token, "--auth-token", "")
	case flags.Changed("auth-token-file"):
		return f.readFile(calledBy(flags, "auth-token-file"), warn)
	case flags.Changed("auth-token"):
		return checkToken(f.token, calledBy(flags, "auth-token"), "")
	}
	return "", nil
}

// declareFile adds the flag for the file alone, for those who show a token.
func (f *authFlags) declareFile(flags *pflag.FlagSet, usage string) {
	flags.StringVar(&f.file, "auth-token-file", "", usage)
	annotate(flags, "auth-token-file", emptyCounts)
}

func (f *authFlags) readFile(name string, warn io.Writer) (string, error) {
	if strings.TrimSpace(f.file) == "" {
		return "", usageError{fmt.Errorf("%s is empty; name the file that holds the token", name)}
	}
	file, err := os.Open(f.file)
	if err != nil {
		return "", usageError{fmt.Errorf("could not read %s: %w", name, err)}
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxTokenFile+1))
	if err != nil {
		return "", usageError{fmt.Errorf("could not read %s: %w", name, err)}
	}
	if len(content) > maxTokenFile {
		return "", usageError{fmt.Errorf("%s: %s is larger than %d bytes, which is no token", name, f.file, maxTokenFile)}
	}
	if info, err := file.Stat(); err == nil && runtime.GOOS != "windows" && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
		warnf(warn, "other users can read or change the token in %s; chmod 600 it", f.file)
	}
	return checkToken(string(content), name, " ("+f.file+")")
}

// checkToken strips a token and says in which setting it is wrong. The token
// itself is in no message.
func checkToken(token, name, where string) (string, error) {
	token = strings.TrimSpace(token)
	if token == "" {
		return "", usageError{fmt.Errorf("%s is empty%s; put a token there, for example from: openssl rand -hex 32", name, where)}
	}
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", usageError{errors.New(name + where + " must be one line of printable ASCII without spaces, or no client can send it")}
	}
	return token, nil
}

// warnf writes a line that the operator should read.
func warnf(w io.Writer, format string, a ...any) {
	fmt.Fprintf(w, "agentbridge: warning: %s\n", inert(fmt.Sprintf(format, a...)))
}
