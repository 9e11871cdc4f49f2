package main

import (
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/logreg-gpu/logreg-gpu/dataset"
	"github.com/logreg-gpu/logreg-gpu/inspect"
)

func (a *app) inspectCommand() *cobra.Command {
	var data dataFlags
	cmd := &cobra.Command{
		Use:   "inspect DATA",
		Short: "Look at a table before fitting: columns, classes, likely trouble",
		Long: `Shows what the columns of DATA hold - numbers with their range, text with its
categories, missing cells - and how the classes are balanced, and warns of what is
likely to go wrong: columns that give the class away, names and ids, constant and
duplicate columns, text among numbers, rare classes, uneven scales.`,
		Example: `  logreg-gpu inspect heart.csv
  logreg-gpu inspect heart.csv --label disease --json | jq .warnings`,
		Args: exactly("DATA"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.inspect(cmd.Context(), &data, args[0]) },
	}
	data.register(cmd.Flags(), "the last")
	cmd.Flags().SortFlags = false
	return cmd
}

func (a *app) inspect(ctx context.Context, data *dataFlags, path string) error {
	o, err := data.options(a)
	if err != nil {
		return err
	}
	t, label, err := dataset.ReadTable(ctx, path, o)
	if err != nil {
		return err
	}
	r, err := inspect.Describe(ctx, t, label)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(r)
	}
	a.printInspection(r, path)
	return nil
}

const (
	shownColumns = 60 // rows of the table of columns
	shownLabels  = 20
	shownText    = 24 // characters of a name or a level
)

// printInspection is the report for people: what trouble there is comes last, where it
// is seen.
func (a *app) printInspection(r *inspect.Report, path string) {
	a.print("%s: %s, %s", path, count(r.Rows, "row"), count(len(r.Columns), "feature column"))
	if l := r.Label; l != nil {
		a.print(", %s of %q\n\n", count(len(l.Classes), "class"), l.Name)
		w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
		for k, c := range l.Classes {
			if k == shownLabels {
				fmt.Fprintf(w, "  and %d more\t\t\t\n", len(l.Classes)-k)
				break
			}
			fmt.Fprintf(w, "  %s\t%s\t%.3g%%\t\n", short(c.Name), count(c.Rows, "row"), 100*float64(c.Rows)/float64(r.Rows))
		}
		w.Flush()
	} else {
		a.print(", no label\n")
	}
	a.print("\n")
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "  column\tholds\tmissing\tdistinct\tmin\tmean\tmax\tdeviation\n")
	for j, c := range r.Columns {
		if j == shownColumns {
			fmt.Fprintf(w, "  and %d more\n", len(r.Columns)-j)
			break
		}
		missing := ""
		if c.Missing > 0 {
			missing = fmt.Sprintf("%d", c.Missing)
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\t%d\t", short(c.Name), c.Kind, missing, c.Distinct)
		switch {
		case c.Range != nil:
			fmt.Fprintf(w, "%.4g\t%.4g\t%.4g\t%.4g\n", c.Min, c.Mean, c.Max, c.Deviation)
		default:
			fmt.Fprintf(w, "%s\n", levels(c))
		}
	}
	w.Flush()
	if len(r.Warnings) == 0 {
		a.print("\nNothing to warn of.\n")
		return
	}
	a.print("\nwarnings:\n")
	for _, warning := range r.Warnings {
		a.print("  %s\n", warning)
	}
}

// levels are the most frequent levels of a column with their rows.
func levels(c inspect.Column) (text string) {
	for k, l := range c.Top {
		if k == 3 {
			return text + ", ..."
		}
		if k > 0 {
			text += ", "
		}
		text += fmt.Sprintf("%s %d", short(l.Name), l.Rows)
	}
	return text
}

// short cuts a name to what a table has room for.
func short(name string) string {
	if r := []rune(name); len(r) > shownText {
		return string(r[:shownText-3]) + "..."
	}
	return name
}
