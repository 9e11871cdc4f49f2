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
	marchShare = 5

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
// leader's metric. Members whose gains fall too slowly get metrics of their own, of
// more rows.
type stagedMarch struct {
	*march
	cohort Cohort

	runs    []*descent
	newtons []*quasiNewton

	home  [][]float64 // the leaders' starts; nil where the members have their own
	guess []float64   // the leaders' values there, in the first sample
	of    []int       // the leader of each member
}

func (m *march) staged(ctx context.Context, c Cohort) (results []*Result, err error) {
	s := &stagedMarch{march: m, cohort: c}
	for k := range m.members {
		o, err := m.options(k).resolve(Solver{MaxIter: stagedMaxIter}, m.members[k].Dim())
		if err != nil {
			return nil, err
		}
		d := newDescent(m.walkers[k], o)
		d.res.Solver = "staged"
		s.runs, s.newtons = append(s.runs, d), append(s.newtons, newQuasiNewton(d))
	}
	last, err := s.lead(ctx)
	if last != nil {
		defer func() { err = errors.Join(err, last.Close()) }()
	}
	if err == nil {
		err = s.finish(ctx, last)
	}
	if err != nil {
		return nil, err
	}
	for _, d := range s.runs {
		results = append(results, d.result())
	}
	return results, nil
}

const stagedMaxIter = 1000

// sizes are those of the samples, growing; none where the rows are too few.
func (s *stagedMarch) sizes() (sizes []int) {
	dim := 0
	for _, o := range s.members {
		dim = max(dim, o.Dim())
	}
	least := max(sampleRows*dim, smallestStage)
	rows := s.cohort.Rows()
	for m := min(max(rows/marchShare, sampleRows*dim), rows/3, largestSample(s.cohort, rows)); m >= least/2; m /= growth {
		sizes = append([]int{m}, sizes...)
	}
	return sizes
}

// lead finds the leaders' minima over growing samples, and puts all members where
// their leaders end, in their metrics. It returns the last sample, if there is one.
func (s *stagedMarch) lead(ctx context.Context) (last *CohortSample, err error) {
	leaders, of, err := s.cohort.Leaders(ctx)
	if err != nil {
		return nil, err
	}
	s.of = of
	heads := make([]int, len(leaders.Members())) // the first member that each leads
	for k := len(of) - 1; k >= 0; k-- {
		heads[of[k]] = k
	}
	x := make([][]float64, len(heads))
	for l, k := range heads {
		x[l] = s.runs[k].x
	}
	sizes := s.sizes()
	var samples []*CohortSample
	defer func() {
		for _, p := range samples {
			if p != last {
				err = errors.Join(err, p.Close())
			}
		}
	}()
	for i := len(sizes) - 1; i >= 0; i-- { // the largest first, for the others to be part of it
		p, err := leaders.Sample(ctx, sizes[i], s.opts.Seed)
		if err != nil {
			return nil, err
		}
		samples = append(samples, p)
	}
	var ground Cohort = leaders
	if len(samples) > 0 {
		last = samples[0]
		ground = last
	}
	if s.opts.Starts == nil && len(samples) > 0 {
		s.home = leaders.Starts()
		x = slices.Clone(s.home)
		s.guess = make([]float64, len(x))
		g := make([][]float64, len(x))
		for l := range g {
			g[l] = make([]float64, len(x[l]))
		}
		if err := samples[len(samples)-1].EvalMembers(ctx, all(len(x)), x, g, s.guess); err != nil {
			return last, err
		}
		for i := len(samples) - 1; i >= 0; i-- {
			if err := s.stage(ctx, samples[i], x); err != nil {
				return last, err
			}
		}
	}
	metrics, err := metricsOf(ctx, ground, all(len(x)), x, s.affordable(ground.Rows(), len(x), len(of)), s.opts.threads())
	if err != nil {
		return last, err
	}
	for k, l := range of {
		if s.opts.Starts == nil {
			copy(s.runs[k].x, x[l])
		}
		s.newtons[k].past.again(metrics[l])
	}
	return last, nil
}

// stage moves x near the leaders' minima over a sample.
func (s *stagedMarch) stage(ctx context.Context, p *CohortSample, x [][]float64) error {
	m := newMarch(p, MarchOptions{Options: Options{Tol: s.opts.Tol}})
	left := all(len(x))
	runs, newtons := make([]*descent, len(x)), make([]*quasiNewton, len(x))
	for k := range x {
		o, err := Options{Tol: s.opts.Tol, X0: x[k]}.resolve(Solver{MaxIter: stageSteps}, len(x[k]))
		if err != nil {
			return err
		}
		runs[k] = newDescent(m.walkers[k], o)
		newtons[k] = newQuasiNewton(runs[k])
	}
	for builds := 1; len(left) > 0; builds++ {
		at := make([][]float64, len(left))
		for i, k := range left {
			at[i] = runs[k].x
		}
		metrics, err := metricsOf(ctx, p, left, at, s.affordable(p.Rows(), len(left), len(s.members)), s.opts.threads())
		if err != nil {
			return err
		}
		arrived := make([]bool, len(x))
		for i, k := range left {
			k, q := k, newtons[k]
			q.past.again(metrics[i])
			target := stageAccuracy * float64(len(x[k])) / (2 * p.Effective)
			var pace pace
			q.pause = func(gain float64) bool {
				pace.step(gain)
				arrived[k] = gain <= target
				return arrived[k] || metrics[i] != nil && pace.slow(target, marchPrice)
			}
		}
		err = m.abreast(ctx, left, func(k int, _ Objective) error { return newtons[k].run(ctx) })
		if err != nil {
			return err
		}
		var slowed []int
		for _, k := range left {
			if !arrived[k] && runs[k].res.Status == "" {
				slowed = append(slowed, k)
			}
		}
		left = slowed
	}
	for k, d := range runs {
		x[k] = d.res.X
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
	made := make([]*metric, len(curvatures))
	for i := range made {
		made[i] = newMetric(curvatures[i], threads)
		curvatures[i] = nil
	}
	for i, j := range of {
		metrics[i] = made[j]
	}
	return metrics, nil
}

// finish marches all members on all rows.
func (s *stagedMarch) finish(ctx context.Context, last *CohortSample) error {
	left := all(len(s.runs))
	rows := 0 // that the metrics are made of
	if last != nil {
		rows = last.Rows()
	}
	for builds := 1; len(left) > 0; builds++ {
		// More rows make a better metric as long as they can be paid for.
		next := min(growth*max(rows, 1), s.cohort.Rows())
		if last == nil {
			next = s.cohort.Rows()
		}
		most := s.affordable(next, len(left), len(left))
		rebuild := most > 0 && (builds < blockBuilds || len(s.newtons[left[0]].past.metric.blocks) == 1)
		for _, k := range left {
			d := s.runs[k]
			var pace pace
			s.newtons[k].pause = func(gain float64) bool {
				pace.step(gain)
				return rebuild && pace.slow(d.enough(), marchPrice)
			}
		}
		err := s.abreast(ctx, left, func(k int, _ Objective) error {
			d := s.runs[k]
			err := s.arrive(ctx, k)
			if err == nil {
				err = s.newtons[k].run(ctx)
			}
			if err != nil && ctx.Err() != nil && d.started() {
				d.end(Interrupted)
				return nil
			}
			return err
		})
		if err != nil {
			return err
		}
		var slowed []int
		for _, k := range left {
			if s.runs[k].res.Status == "" {
				slowed = append(slowed, k)
			}
		}
		if left = slowed; len(left) == 0 {
			return nil
		}
		if err := s.rebuild(ctx, left, next, most); err != nil {
			return err
		}
		rows = next
	}
	return nil
}

// arrive evaluates member k where the stages ended. Where that is no lower than where
// they began, as after samples that are separable, it goes back.
func (s *stagedMarch) arrive(ctx context.Context, k int) error {
	d := s.runs[k]
	if d.started() {
		return nil
	}
	f, err := d.obj.Eval(ctx, d.x, d.grad)
	if err != nil {
		return err
	}
	if s.home == nil || f <= s.guess[s.of[k]] {
		return d.start(f)
	}
	there, g := slices.Clone(d.x), slices.Clone(d.grad)
	copy(d.x, s.home[s.of[k]])
	h, err := d.obj.Eval(ctx, d.x, d.grad)
	if err != nil {
		return err
	}
	if f <= h {
		copy(d.x, there)
		copy(d.grad, g)
		h = f
	}
	return d.start(h)
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
	x := make([][]float64, len(members))
	for i, k := range members {
		x[i] = s.runs[k].x
	}
	metrics, err := metricsOf(ctx, ground, members, x, most, s.opts.threads())
	if err != nil {
		return err
	}
	for i, k := range members {
		s.newtons[k].past.again(metrics[i])
	}
	return nil
}
