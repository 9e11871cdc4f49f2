package main

import (
	"fmt"
	"slices"
	"text/tabwriter"

	logreg "github.com/logreg-gpu/logreg-gpu"
	"github.com/logreg-gpu/logreg-gpu/dataset"
	"github.com/logreg-gpu/logreg-gpu/model"
)

const (
	shownFeatures = 12 // rows of the table of coefficients
	shownClasses  = 6  // and columns
)

// printFit tells a person what was fitted, how well it went, what matters most in
// it, and what to do next.
func (a *app) printFit(ds *dataset.Dataset, fit *logreg.Result, path, saved string) {
	m, tr := fit.Model, fit.Model.Training
	a.printTable(ds, m, path)
	penalty := "no penalty"
	if tr.Penalty != "none" {
		penalty = fmt.Sprintf("%s penalty, C = %v", tr.Penalty, tr.C)
		if tr.Penalty == "elasticnet" {
			penalty += fmt.Sprintf(", l1 ratio %v", tr.L1Ratio)
		}
		if m.CoefStandardized != nil {
			penalty += ", on standardized features"
		}
	}
	if m.MultiClass == model.OneVsRest {
		penalty += ", each class against the others"
	}
	a.print("%s; solver %s on %s in %s\n\n", penalty, tr.Solver, fit.Backend, fit.Storage)

	a.print("status          %s, %s, %.6g passes over the data\n", fit.Status, count(fit.Iterations, "iteration"), fit.Passes)
	a.print("objective       %.10g\n", fit.Objective)
	a.print("mean loss       %.10g\n", fit.Loss)
	a.print("max |gradient|  %.2g\n", fit.MaxAbsGradient)
	if tr.L1Ratio > 0 {
		a.print("coefficients    %d of %d are not 0\n", nonZero(m.Coef), len(m.Coef)*m.Cols())
	}
	a.print("time            %.3g s to fit\n\n", fit.Fit.Seconds())

	a.printCoefficients(fit)

	if saved == "" {
		a.print("\nThe model was not saved; --model model.json keeps it.\n")
		return
	}
	if path == "-" {
		path = "DATA" // standard input cannot be read twice
	}
	a.print("\nThe model is in %s. Try:\n  logreg-gpu evaluate %s %s\n  logreg-gpu predict %s %s --proba\n", saved, saved, path, saved, path)
}

// printTable says what a model was fitted to.
func (a *app) printTable(ds *dataset.Dataset, m *model.Model, path string) {
	features := count(m.Cols(), "feature")
	if e := m.Preprocessing.Encoding; e != nil {
		features += " from " + count(len(e.Columns), "column")
	}
	a.print("%s: %s, %s, %d classes of %q\n", path, count(m.Training.Rows, "row"), features, len(m.Classes.Names), m.LabelName)
	if ds.Dropped > 0 {
		a.print("%s with missing cells left out\n", count(ds.Dropped, "more row"))
	}
}

// inUse counts the features, strongest first, that take part.
func inUse(coef [][]float64, order []int) int {
	for n, j := range order {
		if !slices.ContainsFunc(coef, func(row []float64) bool { return row[j] != 0 }) {
			return n
		}
	}
	return len(order)
}

// nonZero counts the coefficients that take part.
func nonZero(coef [][]float64) (n int) {
	for _, row := range coef {
		for _, v := range row {
			if v != 0 {
				n++
			}
		}
	}
	return n
}

// printCoefficients shows the strongest features: the standardized coefficients
// where there are some, since those compare.
func (a *app) printCoefficients(fit *logreg.Result) {
	m := fit.Model
	coef, unit := m.Coef, "per unit of the feature"
	if m.CoefStandardized != nil {
		coef, unit = m.CoefStandardized, "per standard deviation of the feature"
	}
	order, title := strongest(coef), "coefficients"
	if len(order) > shownFeatures {
		used := order[:inUse(coef, order)]
		order = used[:min(len(used), shownFeatures)]
		switch {
		case len(order) == len(used):
			title = fmt.Sprintf("the %d of %d coefficients that are not 0", len(used), m.Cols())
		default:
			title = fmt.Sprintf("the %d largest of %d coefficients", len(order), m.Cols())
		}
	}
	outputs := m.Classes.Names
	if m.Outputs() == 1 {
		outputs = outputs[1:]
	}
	switch {
	case len(order) == 0:
		a.print("all %d coefficients are 0:\n", m.Cols())
	case m.Outputs() == 1:
		a.print("%s for class %s against %s, %s:\n", title, m.Classes.Names[1], m.Classes.Names[0], unit)
	default:
		a.print("%s, %s:\n", title, unit)
	}
	shown := min(len(outputs), shownClasses)

	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	cell := func(v float64) { fmt.Fprintf(w, "%#.5g\t", v) }
	if m.Outputs() > 1 {
		fmt.Fprint(w, "\t")
		for _, name := range outputs[:shown] {
			fmt.Fprintf(w, "%s\t", name)
		}
		fmt.Fprintln(w)
	}
	for _, j := range order {
		fmt.Fprintf(w, "  %s\t", m.FeatureNames[j])
		for c := range shown {
			cell(coef[c][j])
		}
		fmt.Fprintln(w)
	}
	if !m.Training.NoIntercept {
		fmt.Fprint(w, "  intercept, at x = 0\t")
		for c := range shown {
			cell(m.Intercept[c])
		}
		fmt.Fprintln(w)
	}
	w.Flush()
	if shown < len(outputs) {
		a.print("  ... and %s\n", count(len(outputs)-shown, "more class"))
	}
}
