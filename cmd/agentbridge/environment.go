package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Annotations of flags, for the environment.
const (
	setBy       = "set by"       // the variable that its value came from
	alsoReads   = "also reads"   // further variables, by names people know
	emptyCounts = "empty counts" // a variable that is set to nothing is not one that is unset
	noVariable  = "no variable"  // the environment is not asked: the name means something else there
)

// variable is the name of a flag in the environment.
func variable(flag string) string {
	return "AGENTBRIDGE_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// annotate notes something about a flag that was just declared.
func annotate(flags *pflag.FlagSet, flag, key string, values ...string) {
	if err := flags.SetAnnotation(flag, key, values); err != nil {
		panic(err) // there is no such flag
	}
}

// fromEnvironment sets the flags that were not given on the command line. An
// empty variable is as good as none. Nothing else reads the environment's
// AGENTBRIDGE_ variables but remote.go, for a token that has no flag there.
func fromEnvironment(flags *pflag.FlagSet) (err error) {
	flags.VisitAll(func(f *pflag.Flag) {
		if err == nil && !f.Changed && f.Name != "help" {
			err = fromVariables(flags, f)
		}
	})
	return err
}

func fromVariables(flags *pflag.FlagSet, f *pflag.Flag) error {
	if _, none := f.Annotations[noVariable]; none {
		return nil
	}
	name, value := "", ""
	_, empty := f.Annotations[emptyCounts]
	for _, v := range append([]string{variable(f.Name)}, f.Annotations[alsoReads]...) {
		text, set := os.LookupEnv(v)
		if !set || !empty && strings.TrimSpace(text) == "" {
			continue
		}
		if name != "" {
			return usageError{fmt.Errorf("%s and %s are both set and mean the same; unset one of them", name, v)}
		}
		name, value = v, text
	}
	if name == "" {
		return nil
	}
	if err := flags.Set(f.Name, value); err != nil {
		return settingError(name, err)
	}
	annotate(flags, f.Name, setBy, name)
	return nil
}

// calledBy is what the user called a setting: its variable if that set it,
// otherwise its flag.
func calledBy(flags *pflag.FlagSet, flag string) string {
	if f := flags.Lookup(flag); f != nil && len(f.Annotations[setBy]) > 0 {
		return f.Annotations[setBy][0]
	}
	return "--" + flag
}

// onCommandLine tells whether a flag was given there.
func onCommandLine(flags *pflag.FlagSet, flag string) bool {
	return flags.Changed(flag) && calledBy(flags, flag) == "--"+flag
}

// flagError says what is wrong with a command line.
func flagError(_ *cobra.Command, err error) error {
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return settingError("--"+invalid.GetFlag().Name, err)
	}
	return usageError{err}
}

// settingError says in the user's words which setting is wrong, and how.
func settingError(name string, err error) error {
	if f, ok := errors.AsType[fault](err); ok {
		return usageError{fmt.Errorf("%s %w", name, f)}
	}
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return usageError{fmt.Errorf("%s: %q is not a valid value (%s)", name, invalid.GetValue(), invalid.GetFlag().Usage)}
	}
	return usageError{fmt.Errorf("%s: %w", name, err)}
}
