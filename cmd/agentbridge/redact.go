package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"agentbridge"
	"agentbridge/internal/redact"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// maxRedact is how many bytes the command redact reads. It holds them all, as
// a secret may stand anywhere.
const maxRedact = 8 << 20

// redactFlags say which secrets are known besides the built-in ones.
type redactFlags struct {
	patterns string         // path of a file of patterns; "" means none
	flags    *pflag.FlagSet // knows what the user called the setting
}

func (f *redactFlags) declare(cmd *cobra.Command) {
	flags := cmd.Flags()
	f.flags = flags
	flags.StringVar(&f.patterns, "redact-patterns", "", "`file` of patterns of secrets of your own, besides the built-in ones")
	annotate(flags, "redact-patterns", emptyCounts) // or a misspelt variable would let secrets pass
}

// redactor returns a Redactor with the operator's patterns. A file that was
// named must be there and right.
func (f *redactFlags) redactor() (*redact.Redactor, error) {
	if f.flags == nil || !f.flags.Changed("redact-patterns") {
		return redact.New(nil), nil
	}
	name := calledBy(f.flags, "redact-patterns")
	if strings.TrimSpace(f.patterns) == "" {
		return nil, usageError{fmt.Errorf("%s is empty; name the file that holds the patterns", name)}
	}
	patterns, err := redact.LoadPatterns(f.patterns)
	if err != nil {
		return nil, usageError{fmt.Errorf("%s: %w", name, err)}
	}
	return redact.New(patterns), nil
}

// redacting is the command redact.
type redacting struct {
	redactFlags
	json  bool
	check bool
}

func newRedact() *cobra.Command {
	f := &redacting{}
	cmd := &cobra.Command{
		Use:   "redact [FILE | -]",
		Short: "Show a text with its secrets taken out, as a message would be stored",
		Long: `Print the text of a file, or of stdin, as the bridge would store it: with a
placeholder for each secret. What was found, and how often, goes to stderr; the
secrets themselves go nowhere. Nothing is sent.

With --json the text is a JSON value whose strings are looked at one by one, each
under its name, as those of a message envelope are.

With --check nothing is printed but what was found: exit code 0 means that the
text is clean, 7 that something would be taken out.`,
		Example: `  git diff | agentbridge redact --check
  agentbridge redact notes.md
  agentbridge redact --json --redact-patterns acme.toml task.json`,
		Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := f.redactor()
			if err != nil {
				return err
			}
			text, err := redactInput(cmd, args)
			if err != nil {
				return err
			}
			return f.show(cmd, r, text)
		},
	}
	f.redactFlags.declare(cmd)
	cmd.Flags().BoolVar(&f.json, "json", false, "the text is a JSON value; print it as JSON")
	cmd.Flags().BoolVar(&f.check, "check", false, "print no text; exit with 7 if anything would be taken out")
	return cmd
}

// redactInput reads the file, or stdin if none is named. A message would have
// to be valid UTF-8, so this has to be.
func redactInput(cmd *cobra.Command, args []string) (string, error) {
	in := cmd.InOrStdin()
	if len(args) > 0 && args[0] != "-" {
		file, err := os.Open(args[0])
		if err != nil {
			return "", usageError{err}
		}
		defer file.Close()
		in = file
	}
	return interruptibly(cmd.Context(), 0, func() (string, error) {
		raw, err := io.ReadAll(io.LimitReader(in, maxRedact+1))
		switch {
		case err != nil:
			return "", fmt.Errorf("read the text: %w", err)
		case len(raw) > maxRedact:
			return "", agentbridge.Refuse(agentbridge.TooLarge, "", "the text is larger than %d bytes; give it in parts, cut where no secret can stand", maxRedact)
		case !utf8.Valid(raw):
			return "", agentbridge.Refuse(agentbridge.InvalidUTF8, "", "the text is not valid UTF-8, which no message may be; convert it first")
		}
		return string(raw), nil
	})
}

// show prints the text, and on stderr what was found.
func (f *redacting) show(cmd *cobra.Command, r *redact.Redactor, text string) error {
	write, found, err := f.look(cmd, r, text)
	switch {
	case err != nil:
		return err
	case f.check && len(found) > 0:
		return refusedError{errors.New("there is something to redact: " + kinds(found))}
	case !f.check:
		if err := write(); err != nil {
			return err
		}
	}
	said := "nothing to redact"
	if len(found) > 0 {
		said = "redacted: " + kinds(found)
	}
	_, err = fmt.Fprintln(cmd.ErrOrStderr(), said)
	return err
}

// look returns what was found, and what writes the rest.
func (f *redacting) look(cmd *cobra.Command, r *redact.Redactor, text string) (write func() error, found redact.Found, err error) {
	if !f.json {
		text, found = r.Text(text)
		return func() error { return printText(cmd.Context(), cmd.OutOrStdout(), text) }, found, nil
	}
	v, err := agentbridge.DecodeJSON("the text", []byte(text))
	if err != nil {
		return nil, nil, err
	}
	v, found = r.JSON(v)
	return func() error { return printJSONInert(cmd.OutOrStdout(), v) }, found, nil
}

// printText writes a text as it is, but for a terminal, which would obey what
// the text may hold.
func printText(ctx context.Context, out io.Writer, text string) error {
	if file, ok := out.(*os.File); ok && onTerminal(file) {
		text = agentbridge.Inert(text)
	}
	_, err := interruptibly(ctx, 0, func() (int, error) { return io.WriteString(out, text) })
	return err
}

// kinds lists what was found, "AWS_KEY_REDACTED 2, PASSWORD_REDACTED 1".
func kinds(found redact.Found) string {
	var list []string
	for _, kind := range slices.Sorted(maps.Keys(found)) {
		list = append(list, fmt.Sprintf("%s %d", kind, found[kind]))
	}
	return strings.Join(list, ", ")
}
