package solver

import (
	"context"
	"errors"
	"slices"
)

// Cohort is a family that can be marched in stages.
type Cohort interface {
	Family
	Rows() int

	// Leaders are a family of fewer members whose minima lie near those of the
	// others: the member of[k] near that of member k, and in its coordinates. Folds
	// left out are led by a fit to all rows. Leaders lead themselves.
	Leaders(ctx context.Context) (leaders Cohort, of []int, err error)

	// Sample draws about m rows at random for all members (Sampler).
	Sample(ctx context.Context, m int, seed uint64) (*CohortSample, error)

	// Starts are near the members' minima when nothing is known but how often each
	// class occurs.
	Starts() [][]float64

	// CanCurve tells whether Curvatures can be had.
	CanCurve() bool

	// Curvatures approximates the Hessians of members, each at its own x, by c[of[i]]
	// for members[i]. Of the matrices that take reading X, there are most at most. It
	// reads X once.
	Curvatures(ctx context.Context, members []int, x [][]float64, most int) (c []Curvature, of []int, err error)

	// CurvaturePrice is what a row costs in one such matrix, in units of what it costs
	// in the evaluation of one member. It depends on the kind of machine, not on the
	// present one.
	CurvaturePrice() float64

	// Guides gives for each member another one that differs from it in the strength of
	// the penalty alone, or -1, without circles.
	Guides() []int

	// Apart writes by how much the gradient of member k, absolute values included, is
	// above that of its guide r, at x.
	Apart(k, r int, x, difference []float64)

	// Join sets x to where member r was evaluated last, in the coordinates of member k,
	// and returns k's value and gradient there. It takes what is known of r and reads
	// nothing. Guides lead from k to r. Members may join at the same time.
	Join(k, r int, x, grad []float64) (value float64)
}

// CohortSample is a cohort over some of the rows, as Sample is an objective.
type CohortSample struct {
	Cohort
	Effective float64 // rows of equal weight that would estimate as well
	Close     func() error
}

const (
	// marchShare is the share of the rows in the largest sample. A row of a sample
	// costs the leaders' evaluations alone; one of the whole, those of all members.
	marchShare = 4

	// marchBudget bounds the price of the metrics of one rebuilding, in evaluations of
	// the members that are left; marchPrice is what is expected of it.
	marchBudget = 4
	marchPrice  = 2

	// marchLeast is the number of members that fewer count for there: their reads are
	// bound by memory, and a matrix costs less than its flops say.
	marchLeast = 16

	// blockBuilds bounds the metrics of a member where they are but blocks of the Hessian:
	// what they lack, pairs of steps make up for, and a new metric forgets those.
	blockBuilds = 3

	// marchFactors bounds the bytes of the factors of all metrics.
	marchFactors = 512 << 20
)

// stagedMarch is staged for a family. The samples are for the leaders alone, who are
// few; then all members march on all rows, each from its leader's end and in its
// leader's metric. Members whose gains fall too slowly get metrics of their own, of more
// rows.
type stagedMarch struct {
	*company
	lead lead
	last *CohortSample // the largest of the leaders' samples, if there is one
	dear bool          // a metric of as many rows as stages need is too dear
}

// lead is where the leaders are.
type lead struct {
	of      []int // the leader of each member
	x       [][]float64
	metrics []*metric
	behind  []bool // they have never left their guides

	home  [][]float64 // their starts; nil where the members have their own
	guess []float64   // their values there, in the first sample
}

// The bounds on the iterations of a member; the second is that of steps without metrics.
const (
	stagedMaxIter  = 1000
	orthantMaxIter = 5000
)

func marchStaged(ctx context.Context, c Cohort, opts MarchOptions) (results []*Result, err error) {
	s := &stagedMarch{}
	if s.company, err = newCompany(c, opts, stagedMaxIter); err != nil {
		return nil, err
	}
	for _, w := range s.walks {
		if w.d.lasso != nil && opts.MaxIter == 0 {
			w.d.opts.MaxIter = orthantMaxIter
		}
	}
	defer func() {
		if s.last != nil {
			err = errors.Join(err, s.last.Close())
		}
	}()
	if err := s.follow(ctx); err != nil {
		return nil, err
	}
	if err := s.finish(ctx); err != nil {
		return nil, err
	}
	for _, w := range s.walks {
		r := w.d.result()
		r.metric = w.metric
		results = append(results, r)
	}
	return results, nil
}

// sizes are those of the samples, growing; none where the rows are too few. Where a metric
// of so many rows is too dear there is one, for a metric at the start (newPlan).
func (s *stagedMarch) sizes() (sizes []int) {
	dim := 0
	for _, o := range s.members {
		dim = max(dim, o.Dim())
	}
	least := max(sampleRows*dim, smallestStage)
	rows := s.cohort.Rows()
	largest := min(max(rows/marchShare, sampleRows*dim), rows/3, largestSample(s.cohort, rows))
	if largest >= least/2 && s.canBeDear() && s.affordable(largest, 1, len(s.members)) < 1 {
		s.dear = true
		return []int{min(largest, max(fewRows*dim, smallestStage/2))}
	}
	for m := largest; m >= least/2; m /= growth {
		sizes = append([]int{m}, sizes...)
	}
	return sizes
}

// canBeDear tells whether a metric of few rows would serve. Blocks of a Hessian have too
// many passes before them to save on their making; and proximal steps in columns so many
// take longer than the reads that they save in a metric of few rows.
func (s *stagedMarch) canBeDear() bool {
	for _, o := range s.members {
		if lassoOf(o) != nil {
			return false
		}
	}
	return s.cohort.CanCurve() && s.members[0].(Curved).Blocks() == 1
}

// follow puts all members where their leaders come to, in their metrics; or where an
// earlier march has ended, in its metrics.
func (s *stagedMarch) follow(ctx context.Context) error {
	everyone, metrics := all(len(s.walks)), make([]*metric, len(s.walks))
	if s.opts.After != nil {
		for k, r := range s.opts.After {
			metrics[k] = r.metric
		}
		s.turn(everyone, metrics)
		return nil
	}
	leaders, of, err := s.cohort.Leaders(ctx)
	if err != nil {
		return err
	}
	if err := s.goAhead(ctx, leaders, of); err != nil {
		return err
	}
	for k, i := range of {
		if s.opts.Starts == nil {
			copy(s.walks[k].d.x, s.lead.x[i])
		}
		metrics[k] = s.lead.metrics[i]
	}
	s.guide(func(k int) bool { return s.lead.behind != nil && s.lead.behind[of[k]] })
	s.turn(everyone, metrics)
	return nil
}

// goAhead leads: over growing samples or, where the rows are too few for samples and
// leaders fewer than members, over all rows.
func (s *stagedMarch) goAhead(ctx context.Context, leaders Cohort, of []int) (err error) {
	l := &s.lead
	l.of, l.x = of, make([][]float64, len(leaders.Members()))
	for k := len(of) - 1; k >= 0; k-- {
		l.x[of[k]] = s.walks[k].d.x // of the first whom it leads
	}
	sizes := s.sizes()
	var samples []*CohortSample
	defer func() {
		for _, p := range samples {
			if p != s.last {
				err = errors.Join(err, p.Close())
			}
		}
	}()
	for i := len(sizes) - 1; i >= 0; i-- { // the largest first, for the others to be part of it
		p, err := leaders.Sample(ctx, sizes[i], s.opts.Seed)
		if err != nil {
			return err
		}
		samples = append(samples, p)
	}
	if len(samples) > 0 {
		s.last = samples[0]
	}
	if fewer := len(l.x) < len(of); s.opts.Starts != nil || len(samples) == 0 && !fewer {
		if s.last != nil {
			return s.measure(ctx, s.last)
		}
		return s.measure(ctx, leaders)
	}
	l.home = leaders.Starts()
	l.x, l.behind = slices.Clone(l.home), make([]bool, len(l.home))
	for i := range l.behind {
		l.behind[i] = true
	}
	if s.dear {
		l.home = nil // they have not gone anywhere
		return s.measure(ctx, s.last)
	}
	for i := len(samples) - 1; i >= 0; i-- {
		if err := s.stage(ctx, samples[i], samples[i].Effective); err != nil {
			return err
		}
		if err := s.measure(ctx, samples[i]); err != nil {
			return err
		}
	}
	if len(samples) == 0 {
		if err := s.stage(ctx, leaders, float64(leaders.Rows())); err != nil {
			return err
		}
		return s.measure(ctx, leaders)
	}
	return nil
}

// measure gives the leaders metrics of ground at their present points.
func (s *stagedMarch) measure(ctx context.Context, ground Cohort) (err error) {
	l := &s.lead
	most := s.affordable(ground.Rows(), len(l.x), len(s.members))
	if s.dear {
		most = max(most, 1)
	}
	l.metrics, err = metricsOf(ctx, ground, all(len(l.x)), l.x, most, s.opts.threads())
	return err
}

// stage moves the leaders near their minima over a sample p, from where they are and in
// the metrics that they have.
func (s *stagedMarch) stage(ctx context.Context, p Cohort, effective float64) error {
	l := &s.lead
	if l.metrics == nil {
		if err := s.measure(ctx, p); err != nil {
			return err
		}
	}
	c, err := newCompany(p, MarchOptions{Options: Options{Tol: s.opts.Tol, Threads: s.opts.Threads}, Starts: l.x}, stageSteps)
	if err != nil {
		return err
	}
	c.guide(func(k int) bool { return l.behind[k] })
	for _, w := range c.walks {
		w.target = stageAccuracy * float64(len(w.d.x)) / (2 * effective)
	}
	left := all(len(l.x))
	for metrics := l.metrics; ; {
		c.turn(left, metrics)
		err := c.advance(ctx, left, nil, func(w *walk) bool {
			return w.metric != nil && w.pace.slow(w.target, marchPrice)
		})
		if err != nil {
			return err
		}
		if left = c.paused(left); len(left) == 0 {
			break
		}
		metrics, err = metricsOf(ctx, p, left, c.points(left), s.affordable(p.Rows(), len(left), len(s.members)), s.opts.threads())
		if err != nil {
			return err
		}
	}
	if l.guess == nil {
		for _, w := range c.walks {
			l.guess = append(l.guess, w.first)
		}
	}
	for k, w := range c.walks {
		l.x[k], l.behind[k] = w.d.res.X, w.behind()
	}
	return nil
}

// affordable is the number of matrices of the given rows that metrics for n members may
// take, when of members are to profit.
func (s *stagedMarch) affordable(rows, n, of int) int {
	if !s.cohort.CanCurve() {
		return 0
	}
	evals := float64(s.cohort.Rows()) / float64(rows) * marchBudget * float64(max(of, marchLeast))
	return int(min(evals/s.cohort.CurvaturePrice(), float64(n)))
}

// metricsOf are the metrics of members of c at x, nil ones where they would take too
// much to make or to keep.
func metricsOf(ctx context.Context, c Cohort, members []int, x [][]float64, most, threads int) ([]*metric, error) {
	metrics := make([]*metric, len(members))
	if most < 1 {
		return metrics, nil
	}
	curvatures, of, err := c.Curvatures(ctx, members, x, most)
	if err != nil {
		return nil, err
	}
	bytes := 0
	for _, blocks := range curvatures {
		n := blocks[0].SymmetricDim()
		bytes += 8 * n * n * len(blocks)
	}
	if bytes > marchFactors {
		return metrics, nil
	}
	objectives := c.Members()
	made := make([]*metric, len(curvatures))
	for i, j := range of {
		if made[j] == nil && lassoOf(objectives[members[i]]) != nil {
			made[j] = plainMetric(curvatures[j])
		} else if made[j] == nil {
			made[j] = newMetric(curvatures[j], threads)
		}
		curvatures[j] = nil
		metrics[i] = made[j]
	}
	return metrics, nil
}

// finish marches all members on all rows.
func (s *stagedMarch) finish(ctx context.Context) error {
	left := all(len(s.walks))
	rows := 0 // that the metrics are made of
	if s.last != nil {
		rows = s.last.Rows()
	}
	for builds := 1; ; builds++ {
		// More rows make a better metric as long as they can be paid for.
		next := min(growth*max(rows, 1), s.cohort.Rows())
		if s.last == nil {
			next = s.cohort.Rows()
		}
		most := s.affordable(next, len(left), len(left))
		rebuild := most > 0 && (builds < blockBuilds || s.walks[left[0]].metric.whole())
		err := s.advance(ctx, left, func(k int) error { return s.arrive(ctx, k) }, func(w *walk) bool {
			return rebuild && w.pace.slow(w.d.enough(), marchPrice) || w.d.lasso == nil && w.d.escaping() && w.metric.blind()
		})
		if err != nil {
			return err
		}
		slow := builds > wholeMetrics && rows == s.cohort.Rows()
		for _, k := range left {
			if err := s.confirm(ctx, k, slow); err != nil {
				return err
			}
		}
		if left = s.paused(left); len(left) == 0 {
			return nil
		}
		if err := s.rebuild(ctx, left, next, most); err != nil {
			return err
		}
		rows = next
	}
}

// arrive evaluates member k where the stages ended. Where that is no lower than where
// they began, as after samples that are separable, it goes back.
func (s *stagedMarch) arrive(ctx context.Context, k int) error {
	d, l := s.walks[k].d, &s.lead
	f, err := d.obj.Eval(ctx, d.x, d.grad)
	if err != nil {
		return err
	}
	f = d.total(d.x, f)
	if l.home == nil || f <= l.guess[l.of[k]] {
		return d.start(f)
	}
	there, g := slices.Clone(d.x), slices.Clone(d.grad)
	copy(d.x, l.home[l.of[k]])
	h, err := d.obj.Eval(ctx, d.x, d.grad)
	if err != nil {
		return err
	}
	h = d.total(d.x, h)
	if f <= h {
		copy(d.x, there)
		copy(d.grad, g)
		h = f
	}
	return d.start(h)
}

// confirm leaves the end to newton, or prox-newton: where steps are slow in metrics of all
// rows, and where the minimum may lie at infinity. That of smooth objectives it does only
// where columns depend on each other more closely than their metric sees.
func (s *stagedMarch) confirm(ctx context.Context, k int, slow bool) error {
	w := s.walks[k]
	d := w.d
	if w.metric == nil || !Can(s.members[k], CanHessian) {
		return nil
	}
	name, open := "prox-newton", d.res.Status == "" && !w.arrived
	doubt := d.res.Status == Stalled || open && (slow || d.escaping())
	if d.lasso == nil {
		name = "newton"
		doubt = d.unbounded && (open || d.res.Status == Converged) && w.metric.blind()
	}
	if !doubt {
		return nil
	}
	o := s.options(k)
	o.X0 = d.x
	r, err := Solve(ctx, name, s.members[k], o)
	if err != nil {
		return err
	}
	s.walkers[k].passes += r.Passes
	d.res.X, d.res.Value, d.res.MaxAbsGradient = r.X, r.Value, r.MaxAbsGradient
	d.res.Iterations += r.Iterations
	d.end(r.Status)
	return nil
}

// rebuild gives members new metrics at their present points, of m rows.
func (s *stagedMarch) rebuild(ctx context.Context, members []int, m, most int) (err error) {
	ground := s.cohort
	if m < s.cohort.Rows() {
		p, err := s.cohort.Sample(ctx, m, s.opts.Seed)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, p.Close()) }()
		ground = p
	}
	metrics, err := metricsOf(ctx, ground, members, s.points(members), most, s.opts.threads())
	if err != nil {
		return err
	}
	s.turn(members, metrics)
	return nil
}
