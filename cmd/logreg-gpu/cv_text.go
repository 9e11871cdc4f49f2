package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	logreg "github.com/logreg-gpu/logreg-gpu"
	"github.com/logreg-gpu/logreg-gpu/dataset"
)

// print tells a person how each C did, which one to take, and what that model is.
func (c *cv) print(a *app, ds *dataset.Dataset, r *logreg.CVResult, path string) {
	m := r.Refit.Model
	a.printTable(ds, m, path)
	better := "larger is better"
	if r.Scoring == logreg.LogLoss {
		better = "smaller is better"
	}
	folds := fmt.Sprintf("%d folds", r.Folds)
	switch {
	case c.group != "":
		folds += fmt.Sprintf(" of whole groups of %q", c.group)
	case c.foldColumn != "":
		folds += fmt.Sprintf(", the values of %q,", c.foldColumn)
	}
	a.print("%s by %s, %s; %s in %s\n\n", folds, r.Scoring, better, r.Backend, r.Storage)

	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	several := len(r.L1Ratios) > 1
	fmt.Fprint(w, "  C\t")
	if several {
		fmt.Fprint(w, "l1 ratio\t")
	}
	fmt.Fprint(w, "mean\tspread over the folds\t\n")
	for _, i := range rising(r.Trials) {
		t := r.Trials[i]
		mark := ""
		switch {
		case i == r.Best && i == r.OneSE:
			mark = "best, and none simpler is within one standard error"
		case i == r.Best:
			mark = "best"
		case i == r.OneSE:
			mark = "simplest within one standard error"
		}
		fmt.Fprintf(w, "  %.4g\t", t.C)
		if several {
			fmt.Fprintf(w, "%.4g\t", t.L1Ratio)
		}
		fmt.Fprintf(w, "%#.5g\t+- %.2g\t%s\n", t.Mean, t.Std, mark)
	}
	w.Flush()
	a.print("%s", trimLines(text.String()))
	a.print("\n%s in %.4g passes over the data, %.3g s\n\n", count(len(r.Trials)*r.Folds+1, "fit"), r.Passes, r.Fit.Seconds())
	a.print("With C = %.4g on all rows: %s, ", r.Trials[r.Best].C, r.Refit.Status)
	a.printCoefficients(r.Refit)
	if c.fit.model == "" {
		a.print("\nThe model was not saved; --model model.json keeps it.\n")
	} else {
		a.print("\nThe model is in %s.\n", c.fit.model)
	}
}
