package logreg

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/logreg-gpu/logreg-gpu/backend"
	_ "github.com/logreg-gpu/logreg-gpu/backend/all" // every backend of this build
	"github.com/logreg-gpu/logreg-gpu/checkpoint"
	"github.com/logreg-gpu/logreg-gpu/dataset"
	"github.com/logreg-gpu/logreg-gpu/model"
	"github.com/logreg-gpu/logreg-gpu/objective"
	"github.com/logreg-gpu/logreg-gpu/solver"
)

// Result is a fit: the model and how it was reached.
type Result struct {
	Model *model.Model

	Status solver.Status
	Advice string // one sentence where Status is not solver.Converged

	// Objective is C sum_i s_i loss_i + penalty, Loss the weighted mean of
	// the losses.
	Objective, Loss float64

	// MaxAbsGradient is that of the objective / (C sum s), in the units of the
	// columns that the penalty sees.
	MaxAbsGradient float64

	Iterations int
	Passes     float64 // full reads of X; reads of a part count as its share
	Trace      []solver.Step

	Backend    string          // the one that ran
	PassedOver []error         // backends that "auto" tried before it, and why not
	Storage    backend.Storage // number format X was held in
	Placement  string          // where X was that had no room there, in one line; or ""

	Load, Fit time.Duration // bringing X to the backend; everything after that
}

// Converged tells whether the fit reached the tolerance.
func (r *Result) Converged() bool { return r.Status == solver.Converged }

// Fit trains on a labelled dataset, which it does not modify. Two classes give a
// binary model, more a multinomial one (softmax, one symmetric row a class) or, with
// MultiClass "ovr", one binary model a class.
//
// A fit that ends before the tolerance is reached - by rounding, by the limit of
// iterations, by the end of ctx - is no error: Result.Status says so, and the model
// is the best point seen. Errors are for input that cannot be fitted and machines
// that fail.
func Fit(ctx context.Context, ds *dataset.Dataset, opts Options) (*Result, error) {
	if err := opts.Check(); err != nil {
		return nil, err
	}
	p, err := newProblem(ds, opts)
	if err != nil {
		return nil, err
	}
	if p.oneVsRest() {
		return fitOneVsRest(ctx, p)
	}
	machine, err := opts.machine(ds, p.source, p.model.Outputs())
	if err != nil {
		return nil, err
	}
	b, passed, err := backend.Open(opts.Backend, machine)
	if err != nil {
		return nil, err
	}
	defer b.Close()

	start := time.Now()
	data, err := b.Load(ctx, p.source, opts.Storage)
	if err != nil {
		return nil, err
	}
	defer data.Close()
	loaded := time.Now()

	kept, done, err := opts.journal(b, data, p.source, ds.FeatureNames, checkpoint.Of("fit", "of one model"), classesFact(ds.Classes))
	if err != nil {
		return nil, err
	}
	defer done()
	obj, err := objective.New(ctx, kept, p.model, p.objective)
	if err != nil {
		return nil, err
	}
	so := solver.Options{Tol: opts.Tol, MaxIter: p.maxIter, Seed: opts.Seed, Threads: opts.Threads, Progress: opts.Progress, Log: opts.Log, SGD: opts.SGD}
	if so.X0, err = p.start(obj); err != nil {
		return nil, err
	}
	run, err := solver.Solve(ctx, opts.Solver, obj, so)
	if err != nil {
		return nil, err
	}
	fit := obj.Fit(run.X, run.Value)
	r := &Result{
		Status: run.Status, Advice: run.Advice,
		Objective: fit.Objective, Loss: fit.Loss,
		MaxAbsGradient: run.MaxAbsGradient, Iterations: run.Iterations, Passes: obj.Passes(), Trace: run.Trace,
		Backend: b.Name(), PassedOver: passed, Storage: data.Storage(),
		Placement: backend.Placement(data), Load: loaded.Sub(start), Fit: time.Since(loaded),
	}
	r.Model = p.fitted(fit, r)
	r.Model.Training.Solver = run.Solver
	return r, nil
}

// problem is a dataset and options, checked and translated for the rooms below.
type problem struct {
	ds        *dataset.Dataset
	opts      Options
	source    *backend.Source
	model     backend.Model
	objective objective.Options
	factors   []float64 // of the classes
	maxIter   int
}

func newProblem(ds *dataset.Dataset, opts Options) (*problem, error) {
	if err := ds.Check(); err != nil {
		return nil, named(ds, err)
	}
	k := len(ds.Classes.Names)
	switch {
	case ds.Labels == nil:
		return nil, named(ds, fmt.Errorf("there are no labels to train on"))
	case k < 2:
		return nil, named(ds, fmt.Errorf("all labels are %s; at least two classes are needed", shortList(ds.Classes.Names)))
	case k > MaxClasses:
		return nil, named(ds, fmt.Errorf("column %q has %d distinct labels; at most %d classes are supported - is it a number rather than a class?", ds.LabelName, k, MaxClasses))
	}
	penalty, err := objective.ParsePenalty(opts.Penalty)
	if err != nil {
		return nil, err
	}
	p := &problem{ds: ds, opts: opts, source: ds.Source(), maxIter: opts.MaxIter}
	p.model = backend.Model{Class: 1, Weight: backend.None, Offset: backend.None, Fold: backend.None}
	if k > 2 {
		p.model.Class, p.model.Classes = 0, k
	}
	if ds.Offsets != nil {
		p.model.Offset = 0
	}
	by, err := opts.ClassWeight.classWeights(&ds.Classes)
	if err != nil {
		return nil, err
	}
	if p.factors, err = by.Factors(ds.Labels, ds.Weights, k); err != nil {
		return nil, err
	}
	weights, err := objective.RowWeights(ds.Labels, ds.Weights, p.factors)
	if one := (*objective.OneClassError)(nil); errors.As(err, &one) {
		one.Name = ds.Classes.Names[one.Class]
		if ds.Dropped > 0 {
			err = fmt.Errorf("%w: those of others have missing cells or no weight", err)
		}
	}
	if err != nil {
		return nil, named(ds, err)
	}
	p.source.Lend = true // the dataset is not to be changed while it is fitted
	p.source.Weights = nil
	if weights != nil {
		p.source.Weights, p.model.Weight = [][]float64{weights}, 0
	}
	switch {
	case opts.MaxIter < 0:
		p.maxIter = 0 // the solver's own
	case opts.MaxIter == 0:
		p.maxIter = solver.NoIterations
	}
	p.objective = objective.Options{
		C: opts.C, Penalty: penalty, L1Ratio: opts.L1Ratio, NoIntercept: opts.NoIntercept, Standardize: opts.Standardize, Names: ds.FeatureNames,
		Labels: ds.Labels, Weights: weights, Entries: max(0, p.source.Entries()),
	}
	if p.objective.Factors, err = opts.penaltyFactors(ds.FeatureNames); err != nil {
		return nil, err
	}
	if opts.Solver == "sgd" {
		p.objective.Coordinates = objective.User // the learning rate is in these
	}
	return p, nil
}

// start is the warm start, or nil.
func (p *problem) start(obj *objective.Objective) ([]float64, error) {
	if p.opts.Warm == nil {
		return nil, nil
	}
	if err := p.checkWarm(); err != nil {
		return nil, err
	}
	return obj.Theta(p.opts.Warm.Coef, p.opts.Warm.Intercept)
}

// checkWarm demands the classes and features of the data from the model to start from.
func (p *problem) checkWarm() error {
	w := p.opts.Warm
	if !slices.Equal(w.Classes.Names, p.ds.Classes.Names) {
		return fmt.Errorf("the model to start from has classes %s; the data has %s", shortList(w.Classes.Names), shortList(p.ds.Classes.Names))
	}
	if !slices.Equal(w.FeatureNames, p.ds.FeatureNames) {
		return fmt.Errorf("the model to start from has other features than the data")
	}
	return nil
}

// fitted is the model of a fit.
func (p *problem) fitted(fit objective.Fit, r *Result) *model.Model {
	rows, _ := p.ds.Shape()
	m := &model.Model{
		Classes: p.ds.Classes, FeatureNames: p.ds.FeatureNames, LabelName: p.ds.LabelName,
		Coef: fit.Coef, Intercept: fit.Intercept,
		Training: model.Training{
			Program: "logreg-gpu", Backend: r.Backend, Storage: r.Storage.String(), Rows: rows,
			Penalty: p.opts.Penalty, C: p.opts.C, L1Ratio: p.opts.l1Ratio(), PenaltyFactors: p.opts.PenaltyFactors, NoIntercept: p.opts.NoIntercept, ClassWeights: p.factors,
			Tol: p.opts.Tol, MaxIter: p.opts.MaxIter, Seed: p.opts.Seed,
			Status: string(r.Status), Objective: r.Objective, Loss: r.Loss, MaxAbsGradient: r.MaxAbsGradient,
			Iterations: r.Iterations, Passes: r.Passes,
		},
	}
	m.Preprocessing.Encoding = p.ds.Encoding
	if p.opts.Standardize {
		m.CoefStandardized = fit.CoefStandardized
		m.Preprocessing.Standardize = &model.Standardize{Mean: fit.Mean, Deviation: fit.Deviation}
	}
	return m
}

// named puts the name of the dataset before an error.
func named(ds *dataset.Dataset, err error) error {
	if ds.Name == "" {
		return err
	}
	if bad, ok := err.(*backend.NotFiniteError); ok {
		file, row := ds.Place(bad.Row)
		return fmt.Errorf("%s: %w", file, &backend.NotFiniteError{Row: row, Col: bad.Col, Value: bad.Value})
	}
	return fmt.Errorf("%s: %w", ds.Name, err)
}
