package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"agentbridge/internal/audit"
	"agentbridge/internal/relay"

	"github.com/spf13/cobra"
)

// The exit codes of audit verify and audit check-proof.
const (
	exitVerified   = 0
	exitTampered   = 1
	exitUnchecked  = 2
	exitUnanchored = 3
)

// verifying is audit verify.
type verifying struct {
	reading
	checkpoints []string // files
	keys        []string
	since       int
}

func newAuditVerify() *cobra.Command {
	v := &verifying{}
	cmd := v.declare(&cobra.Command{
		Use:   "verify",
		Short: "Check that nobody edited, cut or rewrote the audit log, or a message",
		Long: `Check the audit log, and the stored messages against it: each entry against its
hash, the hashes against the signed checkpoints, and all of it against checkpoints
that were kept elsewhere (--checkpoint, which may be repeated). FILE holds what
'agentbridge audit head' printed, several of them one after the other, a copy of
the database's .checkpoints file, or an answer of bridge_ping or /api/state. It
works beside a running bridge and changes nothing.

Exit codes:
  0  verified against an outside checkpoint
  1  tampered with; says where and how: edit, gap, fork, truncated, bad-signature,
     inconsistent, message-edit, message-missing, message-extra
  2  could not be checked: a key or file is missing or can't be read
  3  consistent, but held against nothing from outside the database

--key is what 'agentbridge audit key' printed when the log was still to be trusted.
Without it the key is the one that the database names, and only as good as that.
--since SIZE reads the entries behind SIZE only; it needs a checkpoint of just that
size, which vouches for those before.`,
		Args: usageArgs(noArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return v.run(cmd) },
	})
	flags := cmd.Flags()
	flags.StringArrayVar(&v.checkpoints, "checkpoint", nil, "`FILE` with checkpoints that were kept outside of the database, - for standard input; may be repeated")
	declareVerifiers(cmd, &v.keys)
	declareNumber(flags, &v.since, "since", 0, 0, math.MaxInt, "check the entries behind this many only")
	for _, name := range []string{"checkpoint", "since"} {
		annotate(flags, name, noVariable)
	}
	return cmd
}

// declareVerifiers declares --key.
func declareVerifiers(cmd *cobra.Command, keys *[]string) {
	cmd.Flags().StringArrayVar(keys, "key", nil, "`VERIFIER` key of the log (default: the one that the database names); may be repeated if it was replaced")
	annotate(cmd.Flags(), "key", noVariable)
}

func (v *verifying) run(cmd *cobra.Command) error {
	check := relay.AuditCheck{Verifiers: v.keys, Since: int64(v.since)}
	for _, path := range v.checkpoints {
		notes, err := readCheckpoints(cmd, path)
		if err != nil {
			return exitError{exitUnchecked, err}
		}
		check.Outside = append(check.Outside, notes...)
	}
	tuneMemory() // every entry and message passes through it once
	var report relay.AuditReport
	err := v.lookAtLog(cmd, func(ctx context.Context, log relay.AuditLog) (err error) {
		report, err = log.Verify(ctx, check)
		return err
	})
	if err != nil && errors.Is(err, context.Canceled) {
		return err
	}
	if err != nil {
		return exitError{exitUnchecked, err}
	}
	if v.json {
		err = printJSONInert(cmd.OutOrStdout(), newReportJSON(report))
	} else {
		err = printReport(cmd.OutOrStdout(), cmd.ErrOrStderr(), report)
	}
	if code := verdict(report); err == nil && code != exitVerified {
		err = exitError{code: code}
	}
	return err
}

func verdict(r relay.AuditReport) int {
	switch {
	case len(r.Faults) > 0:
		return exitTampered
	case r.Anchored:
		return exitVerified
	}
	return exitUnanchored
}

// reportJSON is a report in --json output.
type reportJSON struct {
	Result      string      `json:"result"` // verified, tampered or unanchored
	Faults      []faultJSON `json:"faults"` // the first one first
	Origin      string      `json:"origin"`
	Size        int64       `json:"size"`
	Root        string      `json:"root"`
	AnchoredTo  int64       `json:"anchored_to"` // entries that an outside checkpoint covers
	Checkpoints int         `json:"checkpoints"` // in the database, that hold
	Unsigned    int64       `json:"unsigned"`    // entries behind the last checkpoint
	Verifiers   []string    `json:"verifiers"`
	Pinned      bool        `json:"key_given"` // they came with --key
	Compared    int64       `json:"messages_compared"`
	NotCompared int64       `json:"messages_not_compared"`
}

type faultJSON struct {
	Seq    int64      `json:"seq"`
	Kind   audit.Kind `json:"kind"`
	Detail string     `json:"detail"`
}

func newReportJSON(r relay.AuditReport) reportJSON {
	out := reportJSON{Result: map[int]string{exitVerified: "verified", exitTampered: "tampered", exitUnanchored: "unanchored"}[verdict(r)],
		Faults: []faultJSON{}, Origin: r.Origin, Size: r.Size, Root: r.Root.String(), AnchoredTo: r.AnchoredTo, Checkpoints: r.Checkpoints,
		Unsigned: r.Uncovered, Verifiers: r.Verifiers, Pinned: r.Pinned, Compared: r.Compared, NotCompared: r.NotCompared}
	for _, f := range r.Faults {
		out.Faults = append(out.Faults, faultJSON{f.Seq, f.Kind, f.Detail})
	}
	return out
}

// shownFaults is how many faults are printed for people: what comes behind the
// first ones mostly follows from them.
const shownFaults = 10

func printReport(w, hints io.Writer, r relay.AuditReport) error {
	switch verdict(r) {
	case exitTampered:
		for i, f := range r.Faults {
			if i == shownFaults {
				fmt.Fprintf(w, "tampered: and %d more; --json has them\n", len(r.Faults)-i)
				break
			}
			fmt.Fprintf(w, "tampered: %s at %d: %s\n", f.Kind, f.Seq, inert(f.Detail))
		}
		if r.Faults[0].Seq == 0 && r.Faults[0].Kind == audit.BadSignature {
			fmt.Fprintln(hints, "hint: a checkpoint that another bridge signed says nothing of this one; make sure that the file is this one's")
		}
		fmt.Fprintln(hints, "hint: keep the database and the files beside it as they are, and compare them with a backup")
	case exitVerified:
		fmt.Fprintf(w, "verified: the log is what it was at entry %d, when the outside checkpoint was signed\n", r.AnchoredTo)
	default:
		fmt.Fprintln(w, "unanchored: the log agrees with itself and was held against nothing from outside")
		printUnexcluded(hints, r)
	}
	fmt.Fprintf(w, "log: %s, %d entries, root %s\n", orDash(r.Origin), r.Size, r.Root)
	fmt.Fprintf(w, "checkpoints in the database that hold: %d", r.Checkpoints)
	if r.Uncovered > 0 {
		fmt.Fprintf(w, "; entries that are not signed yet: %d", r.Uncovered)
	}
	fmt.Fprintf(w, "\nmessages that are what was sent: %d", r.Compared)
	if r.NotCompared > 0 {
		fmt.Fprintf(w, "; not compared: %d (%s)", r.NotCompared, inert(r.Why))
	}
	_, err := fmt.Fprintln(w)
	return err
}

// printUnexcluded says what an unanchored log may still have suffered.
func printUnexcluded(w io.Writer, r relay.AuditReport) {
	fmt.Fprintln(w, "not excluded: that the end was cut off together with its checkpoints, that all of the database is an older copy,")
	fmt.Fprintln(w, "  or that somebody who has the signing key wrote it anew")
	if !r.Pinned {
		fmt.Fprintln(w, "  (or anybody: the key is the one that the database names; keep what 'agentbridge audit key' prints and give it with --key)")
	}
	fmt.Fprintln(w, "hint: keep a checkpoint elsewhere with 'agentbridge audit head > FILE', and next time give it with --checkpoint FILE")
}
