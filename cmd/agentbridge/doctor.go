package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"agentbridge"
	"agentbridge/internal/seal"
	"agentbridge/internal/store/sqlite"

	"github.com/spf13/cobra"
)

// health is how bad a finding is.
type health string

const (
	fine  health = "ok"
	worry health = "warn"
	bad   health = "fail"
)

// finding is one thing that doctor looked at.
type finding struct {
	Health health `json:"health"`
	What   string `json:"what"`
	Text   string `json:"text"`
	Hint   string `json:"hint,omitempty"` // what to do
}

// doctor looks and changes nothing.
type doctor struct {
	storeFlags
	json bool

	path     string // of the database, without symbolic links
	ring     *seal.Ring
	look     *sqlite.Look
	findings []finding
	tampered bool // the audit log is broken
}

func newDoctor() *cobra.Command {
	d := &doctor{}
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Look whether the database, its keys and its audit log are in order",
		Long: `Look at the database and all that belongs to it: who can get at the files, whether
the keys are there and fit, damage, the audit log, agents whose tokens expire, the
clock, room on the disk, who has it open. Nothing is changed or made, and the
bridge may run meanwhile. On a large database it takes a minute at most.

Exit codes: 0 nothing is wrong, or there are warnings only; 1 something FAILs;
8 somebody tampered with the audit log.`,
		Args: usageArgs(noArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return d.run(cmd) },
	}
	d.storeFlags.declare(cmd)
	cmd.Flags().BoolVar(&d.json, "json", false, "print JSON")
	return cmd
}

func (d *doctor) run(cmd *cobra.Command) error {
	if err := d.check(); err != nil {
		return err
	}
	if _, err := os.Stat(d.db); errors.Is(err, fs.ErrNotExist) {
		return noDatabase(d.db)
	}
	d.path, d.ring = realPath(d.db), d.storeFlags.ring(d.db)
	if err := d.examine(cmd.Context()); err != nil {
		return err
	}
	if err := d.print(cmd.OutOrStdout()); err != nil {
		return err
	}
	switch {
	case d.tampered:
		return exitError{code: exitAudit}
	case d.worst() == bad:
		return exitError{code: exitFailed}
	}
	return nil
}

// examine looks at one thing after the other. Its error is an interruption.
func (d *doctor) examine(ctx context.Context) error {
	d.files()
	d.room()
	d.users()
	if !d.open() {
		return ctx.Err()
	}
	defer d.look.Close()
	for _, step := range []func(context.Context){d.integrity, d.masterKey, d.encryption, d.auditKey, d.auditLog, d.agents, d.clock} {
		step(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

func (d *doctor) note(h health, what, hint, format string, args ...any) {
	d.findings = append(d.findings, finding{h, what, fmt.Sprintf(format, args...), hint})
}

// failed notes what could not be looked at. A refusal says itself what to do.
func (d *doctor) failed(what string, err error) { d.note(bad, what, "", "%v", err) }

func (d *doctor) worst() health {
	worst := fine
	for _, f := range d.findings {
		if f.Health == bad || f.Health == worry && worst == fine {
			worst = f.Health
		}
	}
	return worst
}

func (d *doctor) print(w io.Writer) error {
	if d.json {
		return printJSONInert(w, struct {
			Result   health    `json:"result"`
			Version  string    `json:"version"`
			Database string    `json:"db"`
			Tampered bool      `json:"tampered"`
			Findings []finding `json:"findings"`
		}{d.worst(), agentbridge.Version, d.path, d.tampered, d.findings})
	}
	for _, f := range d.findings {
		word := string(f.Health)
		if f.Health == bad {
			word = "FAIL"
		}
		line := fmt.Sprintf("%-4s  %-11s  %s", word, f.What, f.Text)
		if f.Hint != "" {
			line += " — " + f.Hint
		}
		if _, err := fmt.Fprintln(w, inert(line)); err != nil {
			return err
		}
	}
	return nil
}
