package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"agentbridge"
)

// The exit codes, one table for all commands.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitNotFound    = 3
	exitAuth        = 4
	exitConflict    = 5
	exitTimedOut    = 6
	exitRefused     = 7
	exitAudit       = 8
	exitUnreachable = 9
	exitInterrupted = 130
)

// usageError is a command line that can't be understood.
type usageError struct{ error }

// timedOutError is a wait that ended without what was waited for.
type timedOutError struct{ error }

// refusedError is a no of the person who was asked.
type refusedError struct{ error }

// exitError ends a command whose exit codes are its own.
type exitError struct {
	code int
	err  error // nil: all has been said
}

func (e exitError) Error() string { return fmt.Sprintf("exit code %d: %v", e.code, e.err) }

// exitCode prints an error in one line and tells how the process ends.
func exitCode(ctx context.Context, err error, stderr io.Writer) int {
	if err == nil {
		return exitOK
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return exitInterrupted
	}
	own, isOwn := errors.AsType[exitError](err)
	if isOwn && own.err == nil {
		return own.code
	}
	if isOwn {
		err = own.err
	}
	fmt.Fprintln(stderr, "agentbridge: "+agentbridge.InertLine(err.Error()))
	if isOwn {
		return own.code
	}
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	if _, ok := errors.AsType[timedOutError](err); ok {
		return exitTimedOut
	}
	if _, ok := errors.AsType[refusedError](err); ok {
		return exitRefused
	}
	return exitOf(agentbridge.CodeOf(err))
}

func exitOf(code agentbridge.Code) int {
	switch code {
	case agentbridge.NotFound:
		return exitNotFound
	case agentbridge.Unauthenticated, agentbridge.Expired:
		return exitAuth
	case agentbridge.Forbidden:
		return exitRefused
	case agentbridge.Conflict:
		return exitConflict
	case agentbridge.Unreachable:
		return exitUnreachable
	case agentbridge.RateLimited:
		// Not exitRefused: nobody has decided against this, it came too soon.
		return exitFailed
	case agentbridge.Internal, agentbridge.Busy, agentbridge.Unavailable, agentbridge.Closed, agentbridge.Unusable:
		return exitFailed
	}
	return exitUsage // every other code says that an argument is wrong
}
