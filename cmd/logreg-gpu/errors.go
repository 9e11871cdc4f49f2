package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/logreg-gpu/logreg-gpu/objective"
	"github.com/logreg-gpu/logreg-gpu/solver"
)

// Exit statuses.
const (
	exitOK          = 0
	exitFailure     = 1
	exitUsage       = 2
	exitInterrupted = 130 // 128 + SIGINT, as shells say it
)

// usageError is a command line that makes no sense, whatever the data.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// outputError is a result that could not be written to stdout.
type outputError struct{ err error }

func (e *outputError) Error() string {
	err := e.err
	if pe, ok := err.(*fs.PathError); ok {
		err = pe.Err // which file stdout is, the user knows
	}
	return "cannot write the output: " + err.Error()
}
func (e *outputError) Unwrap() error { return e.err }

// flagError is what cobra finds wrong with the flags, in our words.
func flagError(cmd *cobra.Command, err error) error {
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return usagef("%w; see %s --help", err, cmd.CommandPath())
	}
	f := invalid.GetFlag()
	want := map[string]string{
		"bool": "true or false", "int": "a whole number", "uint64": "a whole number, not negative", "float64": "a number",
		"duration": "a time such as 30s or 5m, or 0",
	}[f.Value.Type()]
	if want == "" {
		return usagef("--%s: %w; see %s --help", f.Name, invalid.Unwrap(), cmd.CommandPath())
	}
	return usagef("--%s is %q; it must be %s; see %s --help", f.Name, invalid.GetValue(), want, cmd.CommandPath())
}

// interruptedError is work that Ctrl-C ended, and what became of it.
type interruptedError struct {
	saved, checkpoint string
	unsaved           error // why there is no file
}

func (e *interruptedError) Error() string {
	text := "interrupted"
	if e.unsaved != nil {
		text += "; " + oneLine(e.unsaved)
	} else if e.saved != "" {
		text += "; the best point so far is in " + e.saved
	}
	if e.checkpoint != "" {
		text += "; --resume goes on from " + e.checkpoint
	}
	return text
}

// report says in one line on stderr what went wrong and returns the exit status.
func (a *app) report(ctx context.Context, err error) int {
	var (
		usage       *usageError
		option      *objective.OptionError
		solverOpt   *solver.OptionError
		unknown     *solver.UnknownError
		lasso       *solver.LassoError
		interrupted *interruptedError
	)
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &interrupted):
		a.say("%v", err)
		return exitInterrupted
	case ctx.Err() != nil:
		a.say("interrupted")
		return exitInterrupted
	case errors.As(err, &usage):
		a.say("%s", oneLine(err))
		return exitUsage
	case errors.As(err, &option), errors.As(err, &solverOpt), errors.As(err, &unknown), errors.As(err, &lasso):
		a.say("%s", oneLine(err))
		return exitUsage
	default:
		a.say("%s", oneLine(err))
		return exitFailure
	}
}

// oneLine keeps every error to one line, whatever library it came from.
func oneLine(err error) string {
	return strings.Join(strings.Fields(plain(err)), " ")
}

// plain is the message; a bare error of the file system is turned round to name the
// file first, as all our errors do.
func plain(err error) string {
	if pe, ok := err.(*fs.PathError); ok {
		return fmt.Sprintf("%s: cannot %s: %v", pe.Path, pe.Op, pe.Err)
	}
	return err.Error()
}
