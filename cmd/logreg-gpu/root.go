package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "logreg-gpu",
		Short: "Logistic regression on GPUs, and on CPUs when there is none",
		Long: `logreg-gpu trains, applies and measures logistic regression.

DATA is a path, a pattern in quotes such as 'part-*.csv' whose files are read as one
table in sorted order, - for standard input, or builtin:breast_cancer, builtin:iris or
builtin:tutorial. Results go to stdout, everything else to stderr. Exit status: 0 on
success, 1 on failure, 2 on wrong usage, 130 when interrupted.`,
		Example: `  logreg-gpu train builtin:breast_cancer --standardize --model model.json
  logreg-gpu evaluate model.json builtin:breast_cancer
  logreg-gpu predict model.json builtin:breast_cancer --proba`,
		SilenceErrors:      true, // report says them, in one line
		SilenceUsage:       true,
		DisableSuggestions: true, // they take several lines; knownCommand has its own
		PersistentPreRunE:  a.start,
		Args:               knownCommand,
		RunE:               func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetFlagErrorFunc(flagError)
	root.SetHelpCommand(helpCommand())
	flags := root.PersistentFlags()
	flags.StringVar(&a.backend, "backend", backend.AutoName, "where to compute: auto, or a `name` that the command devices lists")
	flags.IntVar(&a.threads, "threads", 0, "CPU threads, 0 for all; never changes a result")
	flags.BoolVar(&a.json, "json", false, "one JSON object on stdout instead of text")
	flags.BoolVar(&a.quiet, "quiet", false, "no progress and no warnings")
	flags.BoolVarP(&a.verbose, "verbose", "v", false, "say on stderr what is done, and every iteration")
	flags.SortFlags = false
	root.AddCommand(
		a.trainCommand(),
		a.cvCommand(),
		a.predictCommand(),
		a.evaluateCommand(),
		a.convertCommand(),
		a.inspectCommand(),
		a.tutorialCommand(),
		a.devicesCommand(),
		a.benchCommand(),
		a.versionCommand(),
	)
	return root
}

// knownCommand refuses what cobra found no command for.
func knownCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	root.SuggestionsMinimumDistance = 2
	if near := root.SuggestionsFor(args[0]); len(near) > 0 && len(args[0]) > 2 { // two letters are near to any two
		return usagef("unknown command %q; did you mean %s?", args[0], strings.Join(near, " or "))
	}
	return usagef("unknown command %q; see logreg-gpu --help", args[0])
}

// helpCommand is cobra's, but to ask about a command that does not exist is an error.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [command]",
		Short: "Help about any command",
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil {
				return &usageError{err}
			}
			if len(rest) > 0 {
				return knownCommand(cmd.Root(), rest)
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		},
	}
}

// exactly demands the named arguments, no more and no fewer.
func exactly(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return usagef("%s is missing: %s; see %s --help", names[len(args)], cmd.UseLine(), cmd.CommandPath())
		case len(args) > len(names):
			return usagef("%q is one argument too many; see %s --help", args[len(names)], cmd.CommandPath())
		}
		for i, arg := range args {
			if arg == "" { // a variable of a script that was never set
				return usagef("%s is empty; see %s --help", names[i], cmd.CommandPath())
			}
		}
		return nil
	}
}
