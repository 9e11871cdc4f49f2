package main

import (
	"cmp"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	logreg "github.com/logreg-gpu/logreg-gpu"
	"github.com/logreg-gpu/logreg-gpu/dataset"
	"github.com/logreg-gpu/logreg-gpu/internal/atomicfile"
	"github.com/logreg-gpu/logreg-gpu/solver"
)

// cv is the cv command: its flags.
type cv struct {
	fit  train // what a single fit takes as well
	opts logreg.CVOptions

	cs                    string
	l1Ratios              []float64
	foldColumn, group     string
	scheme, scoring       string
	scores, path          string // files
	foldsGiven, schemeSet bool
}

func (a *app) cvCommand() *cobra.Command {
	c := cv{fit: train{opts: logreg.DefaultOptions()}, opts: logreg.DefaultCVOptions()}
	cmd := &cobra.Command{
		Use:   "cv DATA",
		Short: "Choose C by cross-validation",
		Long: `Fits every C with every fold of DATA left out, measures each fit by the rows it has
not seen, and fits the best C to all rows. All fits share each read of DATA. C counts
the training rows of a fold, as in scikit-learn's LogisticRegressionCV; balanced class
weights and the statistics of --standardize come from all rows.

Beside the best C stands the strongest penalty whose mean score is within one standard
error of the best: the simpler model, if the difference does not matter.`,
		Example: `  logreg-gpu cv heart.csv --standardize --model heart.json
  logreg-gpu cv heart.csv --Cs 0.01,0.1,1 --folds 10 --scoring roc_auc
  logreg-gpu cv visits.csv --group patient --penalty l1 --path path.csv -o scores.csv
  logreg-gpu cv visits.csv --fold-column hospital`,
		Args: exactly("DATA"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c.foldsGiven = cmd.Flags().Changed("folds")
			c.schemeSet = cmd.Flags().Changed("fold-scheme")
			if err := c.fit.checkpoint.check(cmd.Flags()); err != nil {
				return err
			}
			return c.run(cmd.Context(), a, args[0])
		},
	}
	c.register(cmd.Flags())
	cmd.Flags().SortFlags = false
	return cmd
}

// notInCV are flags of train that mean nothing to many fits at once.
var notInCV = []string{"C", "l1-ratio", "warm-start", "multi-class", "lr", "batch", "momentum", "adam", "schedule", "decay"}

func (c *cv) register(flags *pflag.FlagSet) {
	flags.StringVar(&c.cs, "Cs", "10", "`N` for N values from 1e-4 to 1e4, or the values, comma-separated")
	flags.Float64SliceVar(&c.l1Ratios, "l1-ratios", nil, "shares of l1 in the penalty elasticnet, comma-separated")
	flags.IntVar(&c.opts.Folds, "folds", c.opts.Folds, "number of folds")
	flags.StringVar(&c.scheme, "fold-scheme", string(c.opts.FoldScheme), "stratified (at random, classes evenly) or modulo (row number mod folds)")
	flags.StringVar(&c.group, "group", "", "`column` of which each value is a group that no fold splits: the rows of one patient, one page")
	flags.StringVar(&c.foldColumn, "fold-column", "", "`column` of which each value is a fold of its own: the rows of one hospital, one year")
	flags.StringVar(&c.scoring, "scoring", string(c.opts.Scoring), "log_loss, roc_auc or accuracy")
	flags.StringVarP(&c.scores, "output", "o", "", "CSV `file` of the scores of each C and fold")
	flags.StringVar(&c.path, "path", "", "CSV `file` of the coefficients along C, fitted to all rows")
	shared := pflag.NewFlagSet("train", pflag.ContinueOnError)
	shared.SortFlags = false
	c.fit.register(shared)
	shared.VisitAll(func(f *pflag.Flag) {
		if !slices.Contains(notInCV, f.Name) {
			flags.AddFlag(f)
		}
	})
}

// prepare checks and completes the options before anything large is read.
func (c *cv) prepare(a *app, path string) error {
	if err := c.fit.prepare(a, path); err != nil {
		return err
	}
	c.opts.Options = c.fit.opts
	c.opts.FoldScheme, c.opts.Scoring, c.opts.Path = logreg.FoldScheme(c.scheme), logreg.Scoring(c.scoring), c.path != ""
	if c.l1Ratios != nil {
		c.opts.L1Ratios = c.l1Ratios
	}
	var err error
	if c.opts.Cs, err = parseCs(c.cs); err != nil {
		return err
	}
	switch {
	case c.opts.Folds < 2:
		return usagef("--folds is %d; at least 2 are needed", c.opts.Folds)
	case c.foldColumn != "" && (c.foldsGiven || c.schemeSet):
		return usagef("--fold-column makes a fold of each value; it goes with neither --folds nor --fold-scheme: --group deals groups into folds")
	case c.foldColumn != "" && c.group != "":
		return usagef("--fold-column makes a fold of each value, and --group deals groups into folds; give one of them")
	case c.group != "" && c.opts.FoldScheme == logreg.Modulo:
		return usagef("--fold-scheme modulo splits groups; with --group it has to be stratified")
	}
	if err := c.opts.Check(); err != nil {
		return err
	}
	for _, file := range []string{c.scores, c.path} {
		if err := checkOutput(file, path); err != nil {
			return err
		}
		if file != "" && samePath(file, c.fit.checkpoint.path) {
			return usagef("--checkpoint is %s, which the command needs for something else; give it a file of its own", file)
		}
	}
	outputs := []struct{ flag, file string }{{"--model", c.fit.model}, {"--output", c.scores}, {"--path", c.path}}
	for k, o := range outputs {
		for _, other := range outputs[:k] {
			if o.file != "" && samePath(o.file, other.file) {
				return usagef("%s and %s are both %s; give each a file of its own", other.flag, o.flag, o.file)
			}
		}
	}
	return nil
}

// parseCs reads --Cs.
func parseCs(text string) ([]float64, error) {
	if n, err := strconv.Atoi(text); err == nil {
		switch {
		case n < 1:
			return nil, usagef("--Cs is %d; use a count such as 10, or positive values such as 0.01,0.1,1", n)
		case n > 1000:
			return nil, usagef("--Cs is %d; a whole number asks for that many values, 1 to 1000 - write %d.0 for the value", n, n)
		}
		return logreg.DefaultCs(n), nil
	}
	var cs []float64
	for _, s := range strings.Split(text, ",") {
		v, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
		if err != nil || !(v > 0) || math.IsInf(v, 0) {
			return nil, usagef("--Cs holds %q; use a count such as 10, or positive values such as 0.01,0.1,1", s)
		}
		cs = append(cs, v)
	}
	return cs, nil
}

func (c *cv) run(ctx context.Context, a *app, path string) error {
	start := time.Now()
	if err := c.prepare(a, path); err != nil {
		return err
	}
	c.fit.data.group = cmp.Or(c.foldColumn, c.group)
	ds, err := c.fit.data.read(ctx, a, path)
	if err != nil {
		return err
	}
	defer ds.Close()
	defer a.sayPeak(&c.fit.data)
	if c.foldColumn != "" {
		if c.opts.FoldOf, err = foldsOf(ds, c.foldColumn); err != nil {
			return err
		}
	}
	if c.group != "" {
		c.opts.GroupOf = ds.Groups
	}
	read := time.Since(start)
	if a.verbose {
		c.opts.Pace = func(p solver.Pace) {
			a.say("%.4g passes, %d of %d fits on their way", p.Passes, p.Members, p.Of)
		}
	}
	if c.opts.Checkpoint != nil {
		c.opts.Checkpoint.Notice = a.note
	}
	r, err := logreg.FitCV(ctx, ds, c.opts)
	if err != nil && ctx.Err() != nil && c.opts.Checkpoint != nil {
		return &interruptedError{checkpoint: c.opts.Checkpoint.Path}
	}
	if err != nil {
		return err
	}
	for _, passed := range r.PassedOver {
		a.detail("passed over %s", oneLine(passed))
	}
	a.sayPlacement(&c.fit.data, r.Placement)
	saving := c.save(r)
	if r.Unconverged > 0 {
		a.warn("%d of %d fits ended before their tolerance: %s", r.Unconverged, len(r.Trials)*r.Folds, r.Advice)
	}
	if !r.Refit.Converged() {
		a.warn("the refit: %s", notConverged(r.Refit))
	}
	if !a.json {
		c.print(a, ds, r, path)
	} else if err := a.printJSON(c.result(ds, r, read, time.Since(start))); err != nil {
		return err
	}
	if saving != nil {
		return saving
	}
	return c.fit.checkpoint.finish(a, r.Unconverged == 0 && r.Refit.Converged())
}

// foldsOf makes a fold of each group.
func foldsOf(ds *dataset.Dataset, column string) ([]int32, error) {
	const most = 1000 // folds; beyond, the column is hardly one of folds
	if folds := int(slices.Max(ds.Groups)) + 1; folds > most {
		return nil, fmt.Errorf("%s: column %q has %d distinct values; at most %d folds are supported", ds.Name, column, folds, most)
	}
	return ds.Groups, nil
}

// save writes the files asked for: all that it can, where one cannot be written.
func (c *cv) save(r *logreg.CVResult) error {
	err := c.fit.save(r.Refit.Model)
	if c.scores != "" {
		err = cmp.Or(err, atomicfile.Write(c.scores, func(w io.Writer) error { return writeScores(w, r) }))
	}
	if c.path != "" {
		err = cmp.Or(err, atomicfile.Write(c.path, func(w io.Writer) error { return writePath(w, r) }))
	}
	return err
}

// writeScores writes a row a trial: its mean, its spread, and the score of each fold.
func writeScores(w io.Writer, r *logreg.CVResult) error {
	header := []string{"C", "l1_ratio", "mean", "std"}
	for f := range r.Folds {
		header = append(header, fmt.Sprintf("fold_%d", f))
	}
	out := csv.NewWriter(w)
	_ = out.Write(header) // errors are kept until Error
	for _, t := range r.Trials {
		_ = out.Write(numbers(append([]float64{t.C, t.L1Ratio, t.Mean, t.Std}, t.Scores...)))
	}
	out.Flush()
	return out.Error()
}

// writePath writes a row for each trial, in rising C, and class that has coefficients.
func writePath(w io.Writer, r *logreg.CVResult) error {
	out := csv.NewWriter(w)
	m := r.Refit.Model
	_ = out.Write(append([]string{"C", "l1_ratio", "class", "intercept"}, m.FeatureNames...)) // errors are kept until Error
	classes := m.Classes.Names[len(m.Classes.Names)-m.Outputs():]
	for _, i := range rising(r.Trials) {
		t, p := r.Trials[i], r.Path[i].Model
		for k, row := range p.Coef {
			line := numbers(append([]float64{t.C, t.L1Ratio, p.Intercept[k]}, row...))
			_ = out.Write(slices.Insert(line, 2, classes[k]))
		}
	}
	out.Flush()
	return out.Error()
}

// numbers are the shortest texts that read back to the same bits.
func numbers(v []float64) []string {
	text := make([]string, len(v))
	for i, x := range v {
		text[i] = strconv.FormatFloat(x, 'g', -1, 64)
	}
	return text
}

// rising orders trials by their C within each l1 ratio.
func rising(trials []logreg.Trial) []int {
	order := make([]int, len(trials))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		a, b := trials[i], trials[j]
		return cmp.Or(cmp.Compare(a.L1Ratio, b.L1Ratio), cmp.Compare(a.C, b.C))
	})
	return order
}

// cvResult is the JSON of cv; scores, objectives, mean and std are in the order of Cs,
// for each of l1_ratios where there are several.
type cvResult struct {
	Backend      string      `json:"backend"`
	Dtype        string      `json:"dtype"`
	Rows         int         `json:"rows"`
	Cols         int         `json:"cols"`
	Dropped      int         `json:"dropped_rows,omitempty"`
	Classes      []any       `json:"classes"`
	Cs           []float64   `json:"Cs"`
	L1Ratios     []float64   `json:"l1_ratios"`
	Folds        int         `json:"folds"`
	Scoring      string      `json:"scoring"`
	Scores       any         `json:"scores"`
	Mean         any         `json:"mean"`
	Std          any         `json:"std"`
	BestC        float64     `json:"best_C"`
	BestL1Ratio  float64     `json:"best_l1_ratio"`
	OneSE        float64     `json:"C_1se"`
	Objectives   any         `json:"objectives"`
	Unconverged  int         `json:"unconverged"`
	Advice       string      `json:"advice,omitempty"`
	Objective    float64     `json:"objective"`
	Status       string      `json:"status"`
	Intercept    []float64   `json:"intercept"`
	Coef         [][]float64 `json:"coef"`
	FeatureNames []string    `json:"feature_names"`
	Passes       float64     `json:"passes"`
	JointReads   int         `json:"joint_reads"` // of all rows, for the fits of folds
	Seconds      seconds     `json:"seconds"`
	Model        string      `json:"model,omitempty"`
}

func (c *cv) result(ds *dataset.Dataset, r *logreg.CVResult, read, total time.Duration) cvResult {
	m, best := r.Refit.Model, r.Trials[r.Best]
	return cvResult{
		Backend: r.Backend, Dtype: r.Storage.String(), Rows: m.Training.Rows, Cols: m.Cols(), Dropped: ds.Dropped, Classes: labels(m.Classes),
		Cs: r.Cs, L1Ratios: r.L1Ratios, Folds: r.Folds, Scoring: string(r.Scoring),
		Scores:     table(r, func(t logreg.Trial) []float64 { return t.Scores }),
		Mean:       table(r, func(t logreg.Trial) float64 { return t.Mean }),
		Std:        table(r, func(t logreg.Trial) float64 { return t.Std }),
		Objectives: table(r, func(t logreg.Trial) []float64 { return t.Objectives }),
		BestC:      best.C, BestL1Ratio: best.L1Ratio, OneSE: r.Trials[r.OneSE].C,
		Unconverged: r.Unconverged, Advice: r.Advice,
		Objective: r.Refit.Objective, Status: string(r.Refit.Status),
		Intercept: m.Intercept, Coef: m.Coef, FeatureNames: m.FeatureNames, Passes: r.Passes, JointReads: r.Reads,
		Seconds: seconds{Read: read.Seconds(), Load: (read + r.Load).Seconds(), Fit: r.Fit.Seconds(), Total: total.Seconds()},
		Model:   c.fit.model,
	}
}

// table is a fact of every trial: a list along Cs, or a list of those along l1_ratios.
func table[T any](r *logreg.CVResult, fact func(logreg.Trial) T) any {
	var rows [][]T
	for part := range slices.Chunk(r.Trials, len(r.Cs)) {
		var row []T
		for _, t := range part {
			row = append(row, fact(t))
		}
		rows = append(rows, row)
	}
	if len(rows) == 1 {
		return rows[0]
	}
	return rows
}
