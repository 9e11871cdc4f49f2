package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/dataset"
)

// app is one run of the program: its streams and the flags of every command.
type app struct {
	stdin  io.Reader
	stdout *bufio.Writer // flushed at the end, where a closed pipe is noticed
	stderr io.Writer

	backend        string
	threads        int
	json           bool
	quiet, verbose bool
}

func newApp(stdin io.Reader, stdout, stderr io.Writer) *app {
	return &app{stdin: stdin, stdout: bufio.NewWriterSize(stdout, 1<<16), stderr: stderr}
}

// say writes one line to stderr.
func (a *app) say(format string, args ...any) {
	fmt.Fprintf(a.stderr, "logreg-gpu: "+format+"\n", args...)
}

// warn is say for what does not end the program; --quiet silences it.
func (a *app) warn(format string, args ...any) {
	if !a.quiet {
		a.say("warning: "+format, args...)
	}
}

// note is say for what is worth knowing; --quiet silences it.
func (a *app) note(line string) {
	if !a.quiet {
		a.say("%s", line)
	}
}

// detail is say for -v.
func (a *app) detail(format string, args ...any) {
	if a.verbose {
		a.say(format, args...)
	}
}

// print writes to stdout; the error comes at the end, from Flush.
func (a *app) print(format string, args ...any) {
	fmt.Fprintf(a.stdout, format, args...)
}

// printJSON writes v as the one object on stdout.
func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.stdout)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("cannot show the result as JSON: %w", err)
	}
	return nil
}

// onTerminal tells whether a person sees stderr as it is written.
func (a *app) onTerminal() bool {
	f, ok := a.stderr.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// start checks the flags of every command; cobra calls it before the command itself.
func (a *app) start(*cobra.Command, []string) error {
	if a.threads < 0 {
		return usagef("--threads is %d; it must be positive, or 0 for all", a.threads)
	}
	if a.threads > 0 {
		a.threads = min(a.threads, runtime.NumCPU()) // more gain nothing, and the system runs out of them
		runtime.GOMAXPROCS(a.threads)
	}
	names := []string{backend.AutoName}
	for _, d := range backend.Drivers() {
		names = append(names, d.Name)
	}
	for _, n := range names {
		if n == a.backend {
			return nil
		}
	}
	return usagef("unknown backend %q; use one of %s", a.backend, strings.Join(names, ", "))
}

// label is a class as JSON shows it: a number where all labels are numbers.
func label(c dataset.Classes, k int32) any {
	if c.Numeric {
		return json.Number(c.Names[k])
	}
	return c.Names[k]
}

// labels are all classes as JSON shows them.
func labels(c dataset.Classes) []any {
	out := make([]any, len(c.Names))
	for k := range out {
		out[k] = label(c, int32(k))
	}
	return out
}
