package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"agentbridge"

	"github.com/spf13/pflag"
)

func declareTokenFile(flags *pflag.FlagSet, file *string) {
	flags.StringVar(file, "token-file", "", "write the token to this new `file`, which only you can read, and not to stdout")
	annotate(flags, "token-file", noVariable)
}

// tokenFile is a new file for a token. Its zero value is none.
type tokenFile struct{ file *os.File }

// reserve makes the file with as many blanks as a token takes: a disk that is
// full, a directory that is not there and a file that is are found out before
// anything else is changed. "" reserves nothing.
func reserve(path string) (tokenFile, error) {
	if path == "" {
		return tokenFile{}, nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return tokenFile{}, agentbridge.Refuse(agentbridge.Conflict, "", "--token-file %s is there already and is not overwritten; name a new one", path)
	}
	if err != nil {
		return tokenFile{}, usageError{fmt.Errorf("--token-file: %w", err)}
	}
	t := tokenFile{f}
	if err := t.write(strings.Repeat(" ", 100)); err != nil {
		return tokenFile{}, errors.Join(fmt.Errorf("--token-file: %w", err), t.giveUp())
	}
	return t, nil
}

func (t tokenFile) write(text string) error {
	_, err := t.file.WriteAt([]byte(text), 0)
	return errors.Join(err, t.file.Sync())
}

// keep puts the token into the file.
func (t tokenFile) keep(token string) error {
	if t.file == nil {
		return nil
	}
	line := token + "\n"
	if err := errors.Join(t.write(line), t.file.Truncate(int64(len(line)))); err != nil {
		return errors.Join(err, t.giveUp())
	}
	return t.file.Close()
}

// giveUp removes the file again.
func (t tokenFile) giveUp() error {
	if t.file == nil {
		return nil
	}
	return errors.Join(t.file.Close(), os.Remove(t.file.Name()))
}
