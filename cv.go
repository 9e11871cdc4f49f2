package logreg

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/checkpoint"
	"github.com/logreg-gpu/logreg-gpu/dataset"
	"github.com/logreg-gpu/logreg-gpu/model"
	"github.com/logreg-gpu/logreg-gpu/objective"
	"github.com/logreg-gpu/logreg-gpu/solver"
)

// CVOptions say what to cross-validate and how. Start from DefaultCVOptions.
//
// C counts the training rows of each fold, as in scikit-learn: a fold's objective is
// C times the sum over the rows it keeps, plus the penalty. Balanced class weights and
// the statistics of Standardize are those of all rows.
type CVOptions struct {
	// Options hold for every fit. C, Warm and Progress are not read, nor is SGD;
	// Solver is "auto" or one that needs values and gradients alone.
	Options

	// Cs are tried each with each fold; nil is DefaultCs(10).
	Cs []float64

	// L1Ratios are tried each with each C where the penalty is elasticnet; nil is
	// Options.L1Ratio alone.
	L1Ratios []float64

	// Folds is the number of parts that the rows are dealt into, by FoldScheme.
	Folds      int
	FoldScheme FoldScheme

	// GroupOf, if not nil, gives each row's group, any numbers: rows of one group - of one
	// patient, one page - are all in one fold. Groups are dealt stratified as far as they
	// can be.
	GroupOf []int32

	// FoldOf, if not nil, gives each row's fold instead, numbers from 0 on.
	FoldOf []int32

	// Scoring is what the held-out rows are measured by.
	Scoring Scoring

	// Path asks for the model of every trial over all rows, not of the best alone.
	Path bool

	// Pace, if set, is told every joint read of X.
	Pace func(solver.Pace)
}

// FoldScheme is how rows are dealt into folds.
type FoldScheme string

const (
	Stratified FoldScheme = "stratified" // at random by Seed, every class evenly
	Modulo     FoldScheme = "modulo"     // row i into fold i mod Folds
)

// DefaultCVOptions are ten Cs, five stratified folds and the log loss.
func DefaultCVOptions() CVOptions {
	return CVOptions{Options: DefaultOptions(), Folds: 5, FoldScheme: Stratified, Scoring: LogLoss}
}

// Check reports what makes no sense whatever the data, as an *objective.OptionError.
// FitCV does so too.
func (o *CVOptions) Check() error {
	each := o.Options
	each.C = 1 // Cs stand for it
	if err := each.Check(); err != nil {
		return err
	}
	switch {
	case o.Cs != nil && len(o.Cs) == 0:
		return &objective.OptionError{Option: "Cs", Reason: "are none; give at least one"}
	case o.L1Ratios != nil && o.Penalty != string(objective.ElasticNet):
		return &objective.OptionError{Option: "l1-ratios", Reason: fmt.Sprintf("are for penalty elasticnet; the penalty is %s", o.Penalty)}
	case o.L1Ratios != nil && len(o.L1Ratios) == 0:
		return &objective.OptionError{Option: "l1-ratios", Reason: "are none; give at least one"}
	case o.MultiClass == model.OneVsRest:
		return &objective.OptionError{Option: "multi-class", Reason: "is ovr; cross-validation tells more than two classes apart by softmax"}
	case o.Penalty == "none":
		return &objective.OptionError{Option: "penalty", Reason: "is none, so that there is no C to choose"}
	case o.FoldScheme != Stratified && o.FoldScheme != Modulo:
		return &objective.OptionError{Option: "fold scheme", Reason: fmt.Sprintf("%q is unknown; use stratified or modulo", string(o.FoldScheme))}
	case o.GroupOf != nil && o.FoldScheme != Stratified:
		return &objective.OptionError{Option: "fold scheme", Reason: fmt.Sprintf("is %s, which splits groups; use stratified", string(o.FoldScheme))}
	case o.GroupOf != nil && o.FoldOf != nil:
		return &objective.OptionError{Option: "folds", Reason: "are given by row; groups can only be dealt into folds that are not"}
	case o.Scoring != LogLoss && o.Scoring != ROCAUC && o.Scoring != Accuracy:
		return &objective.OptionError{Option: "scoring", Reason: fmt.Sprintf("%q is unknown; use log_loss, roc_auc or accuracy", string(o.Scoring))}
	}
	for _, c := range o.Cs {
		if !(c > 0) || math.IsInf(c, 1) {
			return &objective.OptionError{Option: "Cs", Reason: fmt.Sprintf("hold %v; they must be positive", c)}
		}
	}
	for _, l := range o.L1Ratios {
		if !(l >= 0 && l <= 1) {
			return &objective.OptionError{Option: "l1-ratios", Reason: fmt.Sprintf("hold %v; they must be from 0 to 1", l)}
		}
	}
	return o.Options.Check()
}

// DefaultCs are n numbers from 1e-4 to 1e4, evenly spaced by their logarithms.
func DefaultCs(n int) []float64 {
	cs := make([]float64, n)
	for i := range cs {
		cs[i] = math.Pow(10, -4+8*float64(i)/float64(max(n-1, 1)))
	}
	return cs
}

// Trial is one choice of the penalty, with every fold left out in turn.
type Trial struct {
	C, L1Ratio float64

	Scores     []float64 // of the rows of each fold
	Objectives []float64 // C sum_i s_i loss_i + penalty over the rows kept, at its minimum

	Mean float64 // of Scores
	Std  float64 // their standard deviation, divided by the number of folds
}

// CVResult is a cross-validation.
type CVResult struct {
	Cs       []float64
	L1Ratios []float64 // 0 for l2, 1 for l1
	Folds    int
	Scoring  Scoring

	// Trials has one of each C for the first of L1Ratios, then for the next.
	Trials []Trial

	// Best is the trial of the best mean, of equals the one of the smallest C. OneSE
	// is that of the smallest C with the same L1Ratio whose mean is within one standard
	// error, Std / sqrt(folds - 1), of the best.
	Best, OneSE int

	// Unconverged counts the fits of folds that ended before their tolerance, and
	// Advice is what to do about the first of them.
	Unconverged int
	Advice      string

	Refit *Result   // over all rows with the best trial's penalty
	Path  []*Result // of every trial, where asked for

	Passes float64 // reads of X, joint over all models
	Reads  int     // of them, those of all rows in which folds were evaluated: without samples, statistics and the refit

	Backend    string
	PassedOver []error
	Storage    backend.Storage
	Placement  string // as Result.Placement
	Load, Fit  time.Duration
}

// FitCV fits every C with every fold left out, all models in one march that shares
// each read of X, scores each by the rows it left out, and fits the best C to all
// rows. As in Fit, models that do not converge are no error.
func FitCV(ctx context.Context, ds *dataset.Dataset, opts CVOptions) (*CVResult, error) {
	v, err := newValidation(ds, opts)
	if err != nil {
		return nil, err
	}
	machine, err := opts.machine(ds, v.source, v.model.Outputs()*len(v.cs)*len(v.l1Ratios))
	if err != nil {
		return nil, err
	}
	b, passed, err := backend.Open(opts.Backend, machine)
	if err != nil {
		return nil, err
	}
	defer b.Close()

	start := time.Now()
	data, err := b.Load(ctx, v.source, opts.Storage)
	if err != nil {
		return nil, err
	}
	defer data.Close()
	loaded := time.Now()

	var done func()
	v.data, done, err = opts.journal(b, data, v.source, ds.FeatureNames, checkpoint.Of("fit", "cross-validation"), classesFact(ds.Classes),
		checkpoint.Of("Cs", v.cs), checkpoint.Of("l1-ratios", v.l1Ratios), checkpoint.Of("scoring", v.cv.Scoring), checkpoint.Of("path", v.cv.Path))
	if err != nil {
		return nil, err
	}
	defer done()
	r := &CVResult{
		Cs: v.cs, L1Ratios: v.l1Ratios, Folds: v.folds, Scoring: v.cv.Scoring,
		Backend: b.Name(), PassedOver: passed, Storage: data.Storage(), Load: loaded.Sub(start),
	}
	if err := v.run(ctx, r); err != nil {
		return nil, named(ds, err)
	}
	r.Fit, r.Placement = time.Since(loaded), backend.Placement(data)
	return r, nil
}

// validation is a cross-validation being made.
type validation struct {
	*problem
	cv           CVOptions
	cs, l1Ratios []float64
	folds        int
	kept         []float64 // weight of the rows that each fold leaves to train on
	held         []float64 // sample weight of the rows that it leaves out

	data backend.Data
}

func newValidation(ds *dataset.Dataset, opts CVOptions) (*validation, error) {
	if err := opts.Check(); err != nil {
		return nil, err
	}
	p, err := newProblem(ds, opts.Options)
	if err != nil {
		return nil, err
	}
	v := &validation{problem: p, cv: opts, cs: opts.Cs, l1Ratios: opts.L1Ratios, folds: opts.Folds}
	if v.cs == nil {
		v.cs = DefaultCs(10)
	}
	if v.l1Ratios == nil {
		v.l1Ratios = []float64{opts.l1Ratio()}
	}
	if p.source.Folds, err = v.dealFolds(); err != nil {
		return nil, named(ds, err)
	}
	if err := v.weighFolds(); err != nil {
		return nil, named(ds, err)
	}
	return v, nil
}

// dealFolds gives each row's fold.
func (v *validation) dealFolds() ([]int32, error) {
	rows, _ := v.ds.Shape()
	if of := v.cv.FoldOf; of != nil {
		if len(of) != rows {
			return nil, fmt.Errorf("there are folds for %d of %d rows", len(of), rows)
		}
		v.folds = 0
		for i, f := range of {
			if f < 0 || f >= backend.MaxFolds {
				return nil, fmt.Errorf("row %d is in fold %d; folds are 0 to %d", i, f, backend.MaxFolds-1)
			}
			v.folds = max(v.folds, int(f)+1)
		}
		if v.folds < 2 {
			return nil, fmt.Errorf("all rows are in one fold; at least 2 folds are needed")
		}
		return of, nil
	}
	if of := v.cv.GroupOf; of != nil {
		if len(of) != rows {
			return nil, fmt.Errorf("there are groups for %d of %d rows", len(of), rows)
		}
		return dataset.FoldsGrouped(of, v.ds.Labels, v.folds, v.cv.Seed)
	}
	if v.cv.FoldScheme == Modulo {
		return dataset.FoldsModulo(rows, v.folds)
	}
	return dataset.FoldsStratified(v.ds.Labels, v.folds, v.cv.Seed)
}

// weighFolds sums the weights of each fold and checks that every fold leaves all
// classes to train on and something to be measured by.
func (v *validation) weighFolds() error {
	classes := len(v.ds.Classes.Names)
	count := make([]int, (v.folds+1)*classes) // rows of positive weight by fold and class, then in all
	v.kept, v.held = make([]float64, v.folds), make([]float64, v.folds)
	total, within := 0.0, make([]float64, v.folds)
	for i, f := range v.source.Folds {
		w, s := 1.0, 1.0
		if v.source.Weights != nil {
			w = v.source.Weights[0][i]
		}
		if v.ds.Weights != nil {
			s = v.ds.Weights[i]
		}
		total += w
		within[f] += w
		v.held[f] += s
		if w > 0 {
			count[int(f)*classes+int(v.ds.Labels[i])]++
			count[v.folds*classes+int(v.ds.Labels[i])]++
		}
	}
	for f := range v.folds {
		v.kept[f] = total - within[f]
		if !(v.held[f] > 0) {
			return fmt.Errorf("fold %d has no rows of positive weight to measure by; number the folds from 0 without gaps, or use fewer", f)
		}
	}
	for f := range v.folds {
		for k, name := range v.ds.Classes.Names {
			all, here := count[v.folds*classes+k], count[f*classes+k]
			if all > 0 && all == here {
				return fmt.Errorf("all rows of class %s are in fold %d, so that none is left to train on without it; use fewer or stratified folds, or drop the class", name, f)
			}
			if here == 0 && v.cv.Scoring == ROCAUC {
				return fmt.Errorf("fold %d has no row of class %s, which roc_auc needs; use fewer or stratified folds, or another scoring", f, name)
			}
		}
	}
	return nil
}

// run makes the march and everything after it.
func (v *validation) run(ctx context.Context, r *CVResult) error {
	st, err := v.data.Stats(ctx, v.model.Weight)
	if err != nil {
		return err
	}
	r.Passes = 1
	v.objective.Stats = st

	var members []objective.Member
	for _, ratio := range v.l1Ratios {
		for _, c := range v.cs {
			r.Trials = append(r.Trials, Trial{C: c, L1Ratio: ratio})
		}
	}
	for _, t := range r.Trials {
		for f := range v.folds {
			m := v.member(t)
			m.Model.Fold, m.Options.TotalWeight = f, v.kept[f]
			members = append(members, m)
		}
	}
	family, err := objective.NewFamily(ctx, v.data, members)
	if err != nil {
		return err
	}
	told := v.cv.Pace
	v.cv.Pace = func(p solver.Pace) {
		r.Reads++
		if told != nil {
			told(p)
		}
	}
	runs, err := v.march(ctx, family, nil, nil)
	v.cv.Pace = told
	if err != nil {
		return err
	}
	theta := make([][]float64, len(runs))
	fits := make([]objective.Fit, len(runs))
	for k, run := range runs {
		theta[k] = run.X
		fits[k] = family.Member(k).Fit(run.X, run.Value)
		if run.Status != solver.Converged {
			if r.Unconverged++; r.Advice == "" {
				r.Advice = run.Advice
			}
		}
	}
	scores, err := v.scores(ctx, family, theta, fits)
	if err != nil {
		return err
	}
	for i := range r.Trials {
		t := &r.Trials[i]
		t.Scores = scores[i*v.folds : (i+1)*v.folds]
		for _, fit := range fits[i*v.folds : (i+1)*v.folds] {
			t.Objectives = append(t.Objectives, fit.Objective)
		}
	}
	r.choose()
	if err := v.refit(ctx, r, family, runs); err != nil {
		return err
	}
	r.Passes += family.Passes() // those of the refit among them
	return nil
}

// member is the model of one trial over all rows.
func (v *validation) member(t Trial) objective.Member {
	m := objective.Member{Model: v.model, Options: v.objective}
	m.Options.C, m.Options.L1Ratio = t.C, t.L1Ratio
	return m
}

func (v *validation) march(ctx context.Context, family *objective.Family, starts [][]float64, after []*solver.Result) ([]*solver.Result, error) {
	return solver.March(ctx, v.cv.Solver, family, solver.MarchOptions{
		Options: solver.Options{Tol: v.cv.Tol, MaxIter: v.maxIter, Seed: v.cv.Seed, Threads: v.cv.Threads},
		Starts:  starts, After: after, Pace: v.cv.Pace,
	})
}

// refit fits the best trial, or all of them for a path, to all rows. The mean of the
// models that leave out one fold each is a start good to second order, and their metrics
// serve again.
func (v *validation) refit(ctx context.Context, r *CVResult, family *objective.Family, runs []*solver.Result) error {
	wanted := []int{r.Best}
	if v.cv.Path {
		wanted = wanted[:0]
		for i := range r.Trials {
			wanted = append(wanted, i)
		}
	}
	whole, of, err := family.Whole(ctx)
	if err != nil {
		return err
	}
	var members []int
	var starts [][]float64
	var after []*solver.Result
	for _, t := range wanted {
		first := t * v.folds
		members, after = append(members, of[first]), append(after, runs[first])
		starts = append(starts, meanOf(runs[first:first+v.folds]))
	}
	all := whole.Some(members)
	began := time.Now()
	ends, err := v.march(ctx, all, starts, after)
	if err != nil {
		return err
	}
	for i, run := range ends {
		fit := all.Member(i).Fit(run.X, run.Value)
		p := *v.problem
		p.opts.C, p.opts.L1Ratio = r.Trials[wanted[i]].C, r.Trials[wanted[i]].L1Ratio
		one := &Result{
			Status: run.Status, Advice: run.Advice, Objective: fit.Objective, Loss: fit.Loss,
			MaxAbsGradient: run.MaxAbsGradient, Iterations: run.Iterations, Passes: run.Passes, Trace: run.Trace,
			Backend: r.Backend, PassedOver: r.PassedOver, Storage: r.Storage, Load: r.Load, Fit: time.Since(began),
		}
		one.Model = p.fitted(fit, one)
		one.Model.Training.Solver = run.Solver
		if v.cv.Path {
			r.Path = append(r.Path, one)
		}
		if wanted[i] == r.Best {
			r.Refit = one
		}
	}
	return nil
}

// meanOf is the mean of the ends of runs in the same coordinates.
func meanOf(runs []*solver.Result) []float64 {
	mean := make([]float64, len(runs[0].X))
	for _, r := range runs {
		for i, t := range r.X {
			mean[i] += t / float64(len(runs))
		}
	}
	return mean
}

// modelOf is what Fit would have returned, for predictions.
func (v *validation) modelOf(fit objective.Fit) *model.Model {
	return &model.Model{
		Classes: v.ds.Classes, FeatureNames: v.ds.FeatureNames, LabelName: v.ds.LabelName,
		Coef: fit.Coef, Intercept: fit.Intercept,
	}
}
