package main

import (
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"

	logreg "github.com/logreg-gpu/logreg-gpu"
	"github.com/logreg-gpu/logreg-gpu/checkpoint"
)

// checkpointFlags ask for a file to go on from.
type checkpointFlags struct {
	path   string
	every  time.Duration
	resume bool
}

func (c *checkpointFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&c.path, "checkpoint", "", "`file` from which to go on where the program is ended before it is done")
	flags.DurationVar(&c.every, "checkpoint-every", time.Minute, "how much work may then be lost, such as 30s; 0: what was under way alone")
	flags.BoolVar(&c.resume, "resume", false, "go on from the checkpoint; without one, start afresh")
}

// check refuses flags that mean nothing without the file.
func (c *checkpointFlags) check(flags *pflag.FlagSet) error {
	for _, name := range []string{"checkpoint-every", "resume"} {
		if c.path == "" && flags.Changed(name) {
			return usagef("--%s needs the file: --checkpoint fit.ckpt", name)
		}
	}
	return nil
}

// options finds out, before anything large is read, whether the file can be used; it
// must be none of the others. It gives nil where none is asked for.
func (c *checkpointFlags) options(others ...string) (*logreg.CheckpointOptions, error) {
	switch {
	case c.path == "":
		return nil, nil
	case c.every < 0:
		return nil, usagef("--checkpoint-every is %v; it must not be negative", c.every)
	}
	for _, other := range others {
		if samePath(c.path, other) {
			return nil, usagef("--checkpoint is %s, which the command needs for something else; give it a file of its own", c.path)
		}
	}
	if err := checkOutput(c.path, others...); err != nil {
		return nil, err
	}
	if err := checkpoint.Check(c.path, c.resume); err != nil {
		return nil, err
	}
	return &logreg.CheckpointOptions{Path: c.path, Every: c.every, Resume: c.resume}, nil
}

// samePath tells whether two paths name one file, which need not be there yet.
func samePath(a, b string) bool {
	a, aerr := filepath.Abs(a)
	b, berr := filepath.Abs(b)
	return aerr == nil && berr == nil && a == b
}

// finish removes the file once nothing is left to go on with and the results are out.
func (c *checkpointFlags) finish(a *app, converged bool) error {
	switch {
	case c.path == "":
		return nil
	case !converged:
		a.warn("%s is kept: --resume goes on from it with another --max-iter or --tol", c.path)
		return nil
	}
	if err := a.stdout.Flush(); err != nil {
		return &outputError{err}
	}
	return os.Remove(c.path)
}
