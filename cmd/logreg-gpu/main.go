package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole program between its arguments and its exit status.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	// A reader that went away is an error of Write to us, not the end of the process.
	signal.Ignore(syscall.SIGPIPE)

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the second Ctrl-C ends the process at once

	a := newApp(stdin, stdout, stderr)
	root := a.rootCommand()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if ferr := a.stdout.Flush(); err == nil && ferr != nil {
		err = &outputError{ferr}
	}
	return a.report(ctx, err)
}
