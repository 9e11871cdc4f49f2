package logreg

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/checkpoint"
	"github.com/logreg-gpu/logreg-gpu/dataset"
	"github.com/logreg-gpu/logreg-gpu/model"
	"github.com/logreg-gpu/logreg-gpu/objective"
	"github.com/logreg-gpu/logreg-gpu/solver"
)

// LabelColumn is one of several things to be told from the same rows. dataset.Encode
// makes Labels and Classes.
type LabelColumn struct {
	Name    string
	Labels  []int32
	Classes dataset.Classes
}

// FitMany trains one model for each column of labels, all over the rows of ds, whose
// own labels play no part. X is loaded once and each read of it serves every model
// that is still on its way. The results are those of Fit, but for rounding and for
// what they say about the way: Passes are the joint ones of all models together, and
// Load and Fit likewise. Warm and Progress are not read.
func FitMany(ctx context.Context, ds *dataset.Dataset, columns []LabelColumn, opts Options) ([]*Result, error) {
	if err := opts.Check(); err != nil {
		return nil, err
	}
	if len(columns) == 0 {
		return nil, named(ds, fmt.Errorf("there are no label columns to train on"))
	}
	opts.Warm = nil
	g := &group{ds: ds, opts: opts}
	for _, c := range columns {
		one := *ds
		one.LabelName, one.Labels, one.Classes = c.Name, c.Labels, c.Classes
		p, err := newProblem(&one, opts)
		if err == nil {
			err = g.add(p)
		}
		if err != nil {
			return nil, fmt.Errorf("label column %q: %w", c.Name, err)
		}
	}
	return g.fit(ctx)
}

// fitOneVsRest is Fit for several classes, each against the others.
func fitOneVsRest(ctx context.Context, p *problem) (*Result, error) {
	g := &group{ds: p.ds, opts: p.opts}
	if err := g.add(p); err != nil {
		return nil, named(p.ds, err)
	}
	results, err := g.fit(ctx)
	if err != nil {
		return nil, err
	}
	return results[0], nil
}

// group is models over the rows of one dataset that are fitted together.
type group struct {
	ds      *dataset.Dataset
	opts    Options
	source  *backend.Source
	members []objective.Member
	tasks   []task
	sampled int // the weight column that is the sample weights alone
}

// task is a problem and the members of the group that solve it: one, or one a class.
type task struct {
	*problem
	first, n int
}

func (g *group) add(p *problem) error {
	if g.source == nil {
		g.source = p.ds.Source()
		g.source.Labels, g.source.Weights = nil, nil
		g.sampled = backend.None
	}
	g.source.Labels = append(g.source.Labels, p.ds.Labels)
	t := task{problem: p, first: len(g.members), n: 1}
	m := p.model
	m.Label = len(g.source.Labels) - 1
	if !p.oneVsRest() {
		g.member(p, m, p.objective.Weights, p.factors == nil)
	} else {
		t.n = len(p.ds.Classes.Names)
		m.Classes = 0
		for c, name := range p.ds.Classes.Names {
			m.Class = int32(c)
			weights, shared, err := p.against(m.Class)
			if err != nil {
				return fmt.Errorf("class %s against the others: %w", name, err)
			}
			g.member(p, m, weights, shared)
		}
	}
	g.tasks = append(g.tasks, t)
	return nil
}

// member adds a model with its weights; shared tells that they are no model's own.
func (g *group) member(p *problem, m backend.Model, weights []float64, shared bool) {
	switch {
	case weights == nil:
		m.Weight = backend.None
	case shared && g.sampled != backend.None:
		m.Weight = g.sampled
	default:
		m.Weight = slices.IndexFunc(g.source.Weights, func(w []float64) bool { return &w[0] == &weights[0] })
		if m.Weight < 0 {
			m.Weight = len(g.source.Weights)
			g.source.Weights = append(g.source.Weights, weights)
		}
		if shared {
			g.sampled = m.Weight
		}
	}
	o := p.objective
	o.Weights = weights
	g.members = append(g.members, objective.Member{Model: m, Options: o})
}

func (p *problem) oneVsRest() bool {
	return p.opts.MultiClass == model.OneVsRest && len(p.ds.Classes.Names) > 2
}

// against gives the weights of one class against the others. Balanced, the two weigh
// alike; weights given by label stay those of the rows' own classes.
func (p *problem) against(class int32) (weights []float64, shared bool, err error) {
	binary := make([]int32, len(p.ds.Labels))
	for i, l := range p.ds.Labels {
		if l == class {
			binary[i] = 1
		}
	}
	if !p.opts.ClassWeight.Balanced {
		weights = p.objective.Weights
		_, err = objective.RowWeights(binary, weights, nil) // for its checks
		return weights, p.factors == nil, err
	}
	factors, err := objective.ClassWeights{Balanced: true}.Factors(binary, p.ds.Weights, 2)
	if err != nil {
		return nil, false, err
	}
	weights, err = objective.RowWeights(binary, p.ds.Weights, factors)
	return weights, false, err
}

// fit fits all members in one march.
func (g *group) fit(ctx context.Context) ([]*Result, error) {
	outputs := 0
	for _, m := range g.members {
		outputs += m.Model.Outputs()
	}
	machine, err := g.opts.machine(g.ds, g.source, outputs)
	if err != nil {
		return nil, err
	}
	b, passed, err := backend.Open(g.opts.Backend, machine)
	if err != nil {
		return nil, err
	}
	defer b.Close()

	start := time.Now()
	data, err := b.Load(ctx, g.source, g.opts.Storage)
	if err != nil {
		return nil, err
	}
	defer data.Close()
	loaded := time.Now()

	var classes []dataset.Classes
	for _, t := range g.tasks {
		classes = append(classes, t.ds.Classes)
	}
	kept, done, err := g.opts.journal(b, data, g.source, g.ds.FeatureNames, checkpoint.Of("fit", "of several models"), classesFact(classes...))
	if err != nil {
		return nil, err
	}
	defer done()
	family, err := objective.NewFamily(ctx, kept, g.members)
	if err != nil {
		return nil, err
	}
	starts, err := g.starts(family)
	if err != nil {
		return nil, err
	}
	runs, err := solver.March(ctx, g.opts.Solver, family, solver.MarchOptions{
		Options: solver.Options{Tol: g.opts.Tol, MaxIter: g.tasks[0].maxIter, Seed: g.opts.Seed, Threads: g.opts.Threads, SGD: g.opts.SGD},
		Starts:  starts,
	})
	if err != nil {
		return nil, err
	}
	var results []*Result
	for _, t := range g.tasks {
		r := &Result{
			Passes: family.Passes(), Backend: b.Name(), PassedOver: passed, Storage: data.Storage(), Placement: backend.Placement(data),
			Load: loaded.Sub(start), Fit: time.Since(loaded),
		}
		t.summarise(r, family, runs)
		results = append(results, r)
	}
	return results, nil
}

// starts are those of a warm start, which only a group of one task has.
func (g *group) starts(family *objective.Family) ([][]float64, error) {
	t := g.tasks[0]
	if t.opts.Warm == nil {
		return nil, nil
	}
	if err := t.checkWarm(); err != nil {
		return nil, err
	}
	starts := make([][]float64, t.n)
	for k := range starts {
		var err error
		starts[k], err = family.Member(k).Theta(t.opts.Warm.Coef[k:k+1], t.opts.Warm.Intercept[k:k+1])
		if err != nil {
			return nil, err
		}
	}
	return starts, nil
}

// summarise puts the members of a task together: values are sums over them, the
// gradient is the largest, and the status that of the first that did not converge.
func (t task) summarise(r *Result, family *objective.Family, runs []*solver.Result) {
	var all objective.Fit
	r.Status = solver.Converged
	name := ""
	for k := t.first; k < t.first+t.n; k++ {
		run := runs[k]
		fit := family.Member(k).Fit(run.X, run.Value)
		all.Coef = append(all.Coef, fit.Coef...)
		all.Intercept = append(all.Intercept, fit.Intercept...)
		all.CoefStandardized = append(all.CoefStandardized, fit.CoefStandardized...)
		all.Mean, all.Deviation = fit.Mean, fit.Deviation
		r.Objective += fit.Objective
		r.Loss += fit.Loss
		r.MaxAbsGradient = math.Max(r.MaxAbsGradient, run.MaxAbsGradient)
		r.Iterations = max(r.Iterations, run.Iterations)
		if r.Status == solver.Converged && run.Status != solver.Converged {
			r.Status, r.Advice = run.Status, run.Advice
		}
		name = run.Solver
	}
	if t.n == 1 {
		r.Trace = runs[t.first].Trace
	}
	r.Model = t.fitted(all, r)
	r.Model.Training.Solver = name
	if t.oneVsRest() {
		r.Model.MultiClass = model.OneVsRest
	}
}
