package solver

import (
	"context"
	"errors"
	"fmt"
	"math"
)

// staged lets the statistics of the problem do the work for which other solvers read
// all of X again and again.
//
//	sample of n0 rows -- in the metric of its Hessian --> as near as n0 rows can tell
//	          4 n0               "                                 4 n0
//	          ...
//	all rows          -- in the last sample's metric  --> tol
//
// A sample of m rows cannot tell the minimum better than to D/2m of value. So a stage
// stops soon after, and the next, on four times the rows, has not far to go. The run
// on all rows begins at D/2m of the largest sample, in a metric that is the Hessian
// there but for sampling, so that unit steps gain a factor of some m/D each. All of
// them are L-BFGS, which learns what the metric does not know.
//
// Where steps gain less than a factor 3 and another metric costs less than what it
// can save, it is made at the present point: of the largest sample, then of all
// rows. At worst that is Newton's method.
//
// Where a metric costs as much as several passes, as with thousands of columns, there is
// one of a small sample at the start, and no stages.
//
// Where a class is rare, the rows of the last sample are drawn by what they say at the end
// of the stage before. Blocks of a softmax that steps are slow in are made anew of rows that
// are drawn for each.
//
// Of wide data a metric has the products of some coordinates alone, and the diagonal: what
// it lacks, L-BFGS learns.
//
// Small data are left to newton, and so is the end where the minimum may lie at
// infinity (escape). Data without curvature still have their stages. Related:
// Mokhtari et al. (2016), adaptive sample size Newton; Berahas, Bollapragada and
// Nocedal (2017), subsampled Newton.
func staged(ctx context.Context, d *descent) (err error) {
	if d.exhausted() {
		if err := d.evalStart(ctx); err != nil {
			return err
		}
		d.end(MaxIter)
		return nil
	}
	s := &stages{d: d, plan: newPlan(d.obj)}
	if len(s.plan.sizes) == 0 {
		return s.direct(ctx)
	}
	defer func() { err = errors.Join(err, s.close()) }()
	return s.run(ctx)
}

// stages is a run of staged.
type stages struct {
	d       *descent
	plan    plan
	samples []*Sample // of plan.sizes
	metric  *metric   // the last one made

	guess float64 // the first sample's value where the stages begin
}

func (s *stages) log(format string, args ...any) {
	if s.d.opts.Log != nil {
		s.d.opts.Log(fmt.Sprintf("staged: "+format, args...))
	}
}

// direct solves without samples.
func (s *stages) direct(ctx context.Context) error {
	if s.newtonian() {
		s.log("no samples of so few rows; going on as newton")
		return newton(ctx, s.d)
	}
	s.log("no samples of so few rows; going on as lbfgs")
	return lbfgs(ctx, s.d)
}

// newtonian tells whether newton could take over.
func (s *stages) newtonian() bool {
	return s.d.obj.Dim() <= newtonDim && Can(s.d.obj, CanHessian)
}

func (s *stages) close() (err error) {
	for _, p := range s.samples {
		err = errors.Join(err, p.Close())
	}
	s.samples = nil
	return err
}

// draw makes the samples, the largest first, as nested samples want. The last is left to
// focus, where it is to be drawn at the point that the others come to.
func (s *stages) draw(ctx context.Context) error {
	if s.plan.partial() {
		s.log("a metric has all of the %d hottest of %d coordinates, and the diagonal of the others", s.plan.hot, s.plan.cols)
	}
	if s.plan.single {
		s.log("a row costs %.3g evaluations in a metric: one of %d of %d rows at the start, and no stages", s.plan.price, s.plan.sizes[0], s.plan.rows)
	} else {
		s.log("a row costs %.3g evaluations in a metric; stages of %v of %d rows", s.plan.price, s.plan.sizes, s.plan.rows)
	}
	if s.plan.short {
		s.log("larger samples do not fit into the memory that is allowed: it may take more steps, and last digits may differ")
	}
	sizes := s.plan.sizes
	if f, ok := s.d.obj.(Focused); ok && len(sizes) > 1 && f.Focuses(s.d.opts.Seed) {
		sizes = sizes[:len(sizes)-1]
	}
	s.samples = make([]*Sample, 0, len(s.plan.sizes))
	for i := range sizes {
		p, err := s.d.obj.(Sampler).Sample(ctx, sizes[len(sizes)-1-i], s.d.opts.Seed)
		if err != nil {
			return err
		}
		s.samples = append([]*Sample{p}, s.samples...)
	}
	return nil
}

func (s *stages) run(ctx context.Context) error {
	d := s.d
	if err := s.draw(ctx); err != nil {
		return err
	}
	if d.given {
		near, err := s.near(ctx)
		if err != nil {
			return err
		}
		if near {
			return s.finish(ctx)
		}
	}
	x, err := s.begin(ctx, d.obj.(Sampler).Start())
	if err != nil {
		return err
	}
	for _, p := range s.samples {
		if s.plan.single {
			s.guess = math.Inf(1) // there is nowhere to go back to
			err = s.build(ctx, p.Objective, x)
		} else {
			x, err = s.stage(ctx, p, x)
		}
		if err != nil {
			return err
		}
	}
	if len(s.samples) < len(s.plan.sizes) {
		x, err = s.focus(ctx, x)
	} else if s.stale() {
		err = s.build(ctx, s.samples[len(s.samples)-1].Objective, x)
	}
	if err != nil {
		return err
	}
	if err := s.arrive(ctx, x); err != nil {
		return err
	}
	return s.finish(ctx)
}

const (
	// staleAccuracy is that of a sample from whose minimum it is so far to the next one's
	// that the Hessian is another there, and stalePrice what a metric there may cost, in
	// passes: it saves one or two of those that tol takes.
	staleAccuracy = 1e-3
	stalePrice    = 0.5
)

// stale tells whether all rows are to have a metric of the end of the last stage instead of
// its start.
func (s *stages) stale() bool {
	n := len(s.samples)
	return n > 1 && s.accuracy(s.samples[n-2]) > staleAccuracy && s.plan.price*float64(s.plan.sizes[n-1]) < stalePrice*float64(s.plan.rows)
}

// focus is the stage of a sample that is drawn at x.
func (s *stages) focus(ctx context.Context, x []float64) ([]float64, error) {
	m := s.plan.sizes[len(s.samples)]
	p, err := s.d.obj.(Focused).SampleAt(ctx, x, m, s.d.opts.Seed)
	if err != nil {
		return nil, err
	}
	s.log("a class is rare: about %d rows drawn by what they say, which is as much as %.3g say", m, p.Rows)
	s.samples = append(s.samples, p)
	if x, err = s.stage(ctx, p, x); err != nil {
		return nil, err
	}
	return x, s.build(ctx, p.Objective, x)
}

// accuracy is how well a sample tells the minimum, in value.
func (s *stages) accuracy(p *Sample) float64 {
	freedom := float64(s.d.obj.Dim())
	if o, ok := s.d.obj.(Shrunk); ok {
		freedom = o.Freedom()
	}
	return freedom / (2 * p.Rows)
}

// near evaluates the given start and tells whether it is nearer to the minimum than
// the samples could bring us.
func (s *stages) near(ctx context.Context) (bool, error) {
	d := s.d
	if err := d.evalStart(ctx); err != nil {
		return false, err
	}
	largest := s.samples[len(s.samples)-1]
	if err := s.build(ctx, largest.Objective, d.x); err != nil {
		return false, err
	}
	gain := s.metric.gain(d.grad)
	s.log("the given start is about %.2g from the minimum, samples can tell to %.2g", gain, s.accuracy(largest))
	return gain <= s.accuracy(largest), nil
}

// begin chooses where the stages begin: at the given start or at guess, whichever is
// lower in the first sample.
func (s *stages) begin(ctx context.Context, guess []float64) ([]float64, error) {
	first := s.samples[0].Objective
	g := make([]float64, len(guess))
	f, err := first.Eval(ctx, guess, g)
	if s.guess = s.d.total(guess, f); err != nil || !s.d.given {
		return guess, err
	}
	f, err = first.Eval(ctx, s.d.x, g)
	if f = s.d.total(s.d.x, f); err == nil && f < s.guess {
		s.guess = f
		return s.d.x, nil
	}
	return guess, err
}

const (
	// stageAccuracy is the share of the accuracy of a sample to which it is solved.
	stageAccuracy = 0.04

	// stageSteps bounds the steps of a stage. Samples can be separable where the whole
	// is not.
	stageSteps = 15
)

// stage goes from x to near the minimum of a sample.
func (s *stages) stage(ctx context.Context, p *Sample, x []float64) ([]float64, error) {
	target := stageAccuracy * s.accuracy(p)
	small := newDescent(p.Objective, Options{Tol: s.d.opts.Tol, MaxIter: stageSteps, X0: x, Threads: s.d.opts.Threads})
	q := newQuasiNewton(small)
	for metrics := 1; ; metrics++ {
		if err := s.rebuild(ctx, p.Objective, q); err != nil {
			return nil, err
		}
		var pace pace
		done := false
		q.pause = func(gain float64) bool {
			pace.step(gain)
			done = gain <= target
			return done || s.improves(metrics) && pace.slow(target, s.plan.price)
		}
		if err := q.run(ctx); err != nil {
			return nil, err
		}
		if done || small.res.Status != "" {
			s.log("%.0f rows: objective %.8g after %d steps and %d metrics, at %.3g passes", p.Rows, small.value, small.res.Iterations, metrics, s.d.obj.Passes()-s.d.before)
			return small.result().X, nil
		}
	}
}

// build makes the metric of obj at x, if there is one.
func (s *stages) build(ctx context.Context, obj Objective, x []float64) error {
	if !Can(obj, CanCurve) {
		return nil
	}
	s.metric = nil // its memory first
	c, err := obj.(Curved).Curvature(ctx, x, s.plan.hot)
	if err != nil {
		return err
	}
	s.metric = newMetric(c, s.d.opts.threads())
	return nil
}

// rebuild puts q into the metric of obj at its point. Pairs are kept where they say more
// than the metric does.
func (s *stages) rebuild(ctx context.Context, obj Objective, q *quasiNewton) error {
	change := q.past.again
	if s.plan.partial() {
		change = q.past.move
	}
	change(nil) // its memory first
	err := s.build(ctx, obj, q.d.x)
	change(s.metric)
	return err
}

// redraw puts q into a metric of rows drawn for its point. The samples have served.
func (s *stages) redraw(ctx context.Context, q *quasiNewton) error {
	s.metric = nil
	q.past.again(nil)
	if err := s.close(); err != nil { // their memory too
		return err
	}
	c, err := s.d.obj.(Drawn).DrawnCurvature(ctx, q.d.x, s.plan.drawn(), s.d.opts.Seed)
	if err != nil {
		return err
	}
	s.metric = newMetric(c, s.d.opts.threads())
	q.past.again(s.metric)
	return nil
}

// improves tells whether another metric may be better than the last of so many. Of wide
// data it is little better: what it lacks, it always lacks.
func (s *stages) improves(made int) bool {
	return s.metric != nil && (!s.plan.partial() || made < partialMetrics)
}

// partialMetrics bounds the metrics of wide data in one run.
const partialMetrics = 2

// arrive evaluates all rows where the stages ended. Where that is no lower than where
// they began, as after samples that are separable, it goes back.
func (s *stages) arrive(ctx context.Context, x []float64) error {
	d := s.d
	if d.started() { // at the given start
		g := make([]float64, len(x))
		f, err := d.obj.Eval(ctx, x, g)
		if f = d.total(x, f); err == nil && f < d.value {
			d.accept(x, g, f, 1)
		}
		return err
	}
	copy(d.x, x)
	f, err := d.obj.Eval(ctx, d.x, d.grad)
	if err != nil {
		return err
	}
	f = d.total(x, f)
	if !(f <= s.guess) {
		home := d.obj.(Sampler).Start()
		g := make([]float64, len(x))
		h, err := d.obj.Eval(ctx, home, g)
		if err != nil {
			return err
		}
		h = d.total(home, h)
		if !(f <= h) {
			f = h
			copy(d.x, home)
			copy(d.grad, g)
		}
	}
	return d.start(f)
}

// wholeMetrics is the number of metrics of all rows after which newton takes over from
// slow steps: columns may depend on each other more closely than metricDamping lets
// a metric see.
const wholeMetrics = 2

// finish is the run on all rows from d's point, which has been evaluated.
func (s *stages) finish(ctx context.Context) error {
	d := s.d
	q := newQuasiNewton(d)
	q.leave = d.unbounded && s.newtonian()
	q.past.metric = s.metric
	largest := s.samples[len(s.samples)-1].Objective
	source, share, whole := largest, float64(s.plan.sizes[len(s.samples)-1])/float64(s.plan.rows), 0
	price := share * s.plan.price // of the next metric
	if s.plan.draws {
		price = s.plan.drawnPrice()
	}
	for metrics := 1; ; metrics++ {
		var pace pace
		slow := false
		q.pause = func(gain float64) bool {
			pace.step(gain)
			slow = s.improves(metrics) && pace.slow(d.enough(), price)
			return slow
		}
		if err := q.run(ctx); err != nil {
			return err
		}
		switch {
		case slow && whole == wholeMetrics && s.newtonian():
			s.log("steps are slow in the metric of all rows too: going on as newton")
			return newton(ctx, d)
		case slow && s.plan.draws:
			s.log("steps are slow: a new metric of %d rows a block", s.plan.drawn())
			s.plan.draws = false // another must be better than this one
			if err := s.redraw(ctx, q); err != nil {
				return err
			}
			source, share, price = d.obj, 1, s.plan.price
		case slow:
			s.log("steps are slow: a new metric of %.3g of the rows", share)
			if err := s.rebuild(ctx, source, q); err != nil {
				return err
			}
			if share == 1 {
				whole++
			}
			source, share, price = d.obj, 1, s.plan.price
		case s.newtonian() && (d.res.Status == "" || d.res.Status == Stalled):
			s.log("newton is to confirm the end")
			return newton(ctx, d)
		default:
			return nil
		}
	}
}
