package main

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/bench"
)

func (a *app) benchCommand() *cobra.Command {
	size := "small"
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure how fast this machine reads and fits",
		Long: `Times a plain read of memory, one evaluation of loss and gradient at several widths of
the data, and a few whole fits, in half a minute or less; --size full takes minutes. Other work
on the machine shows in the figures.`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, known := bench.Sizes[size]
			if !known {
				return usagef("--size is %q; use %s", size, strings.Join(sortedKeys(bench.Sizes), " or "))
			}
			o.Threads, o.Backends = a.threads, a.benchBackends()
			r, err := bench.Run(cmd.Context(), o)
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(r)
			}
			a.printBench(r)
			return nil
		},
	}
	cmd.Flags().StringVar(&size, "size", size, "small or full")
	return cmd
}

// benchBackends are those that auto would take, or the one asked for.
func (a *app) benchBackends() (names []string) {
	if a.backend != backend.AutoName {
		return []string{a.backend}
	}
	for _, d := range backend.Drivers() {
		if d.Rank > 0 {
			names = append(names, d.Name)
		}
	}
	slices.Sort(names)
	return names
}

func (a *app) printBench(r *bench.Report) {
	a.print("One read of X for loss and gradient: %.3g MB, %s. The share is that of a plain read of\nthe same memory, which reaches %.3g GB/s.\n\n",
		float64(r.Bytes)/1e6, count(r.Threads, "thread"), r.ReadGBs)
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "backend\tnumbers\trows\tcolumns\tms\tGB/s\tshare\t\n")
	for _, e := range r.Eval {
		share := ""
		if e.Share > 0 {
			share = fmt.Sprintf("%.0f %%", 100*e.Share)
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%.3g\t%.3g\t%s\t\n", e.Backend, e.Storage, e.Rows, e.Cols, 1e3*e.Seconds, e.GBs, share)
	}
	w.Flush()
	a.print("\nWhole fits, from X in memory to coefficients.\n\n")
	fmt.Fprintf(w, "backend\trows\tcolumns\tsolver\treads of X\tms\tdata\t\n")
	for _, f := range r.Fit {
		fmt.Fprintf(w, "%s\t%d\t%d\t%s\t%.3g\t%.3g\t%s\t\n", f.Backend, f.Rows, f.Cols, f.Solver, f.Passes, 1e3*f.Seconds, f.Data)
	}
	w.Flush()
	for _, reason := range r.PassedOver {
		a.print("\n%s\n", reason)
	}
}
