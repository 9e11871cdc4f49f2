package solver

import (
	"context"
	"errors"
	"fmt"
)

// staged lets the statistics of the problem do the work for which other solvers read
// all of X again and again.
//
//	sample n0  -- L-BFGS in the metric of its Hessian --> statistical accuracy of n0
//	sample 4 n0 --      "                                                 of 4 n0
//	...
//	all rows   -- L-BFGS in the metric of a sample's Hessian at that very point --> tol
//
// A sample of m rows cannot know the minimum better than to D/(2m) of value, so each
// stage stops there, and the next, four times as large, begins close to its own end. The
// run on all rows begins at D/m of the largest sample, with a metric that is the
// Hessian but for sampling: unit steps gain a factor of about m/D each.
//
// A step on all rows that gains less than a factor 3 asks for a better metric: of
// the largest sample, then of all rows, at the present point.
//
// Small data are left to newton, wide ones for which no curvature is to be had to
// lbfgs after the stages. Related: Mokhtari et al. (2016), adaptive sample size
// Newton; Berahas, Bollapragada and Nocedal (2017), subsampled Newton.
func staged(ctx context.Context, d *descent) (err error) {
	if d.exhausted() {
		if err := d.evalStart(ctx); err == nil {
			d.end(MaxIter)
		}
		return err
	}
	p := newPlan(d.obj)
	if len(p.sizes) == 0 {
		d.log("staged: %d rows are too few for samples", p.rows)
		if d.obj.Dim() <= newtonDim && Can(d.obj, CanHessian) {
			return newton(ctx, d)
		}
		return lbfgs(ctx, d)
	}
	s := &stages{d: d, plan: p}
	defer func() { err = errors.Join(err, s.close()) }()
	return s.run(ctx)
}

// stages is a run of staged.
type stages struct {
	d    *descent
	plan plan

	samples []*Sample // of plan.sizes, as far as drawn
}

func (s *stages) close() (err error) {
	for _, p := range s.samples {
		err = errors.Join(err, p.Close())
	}
	return err
}

func (s *stages) run(ctx context.Context) error {
	d := s.d
	for _, m := range s.plan.sizes {
		p, err := d.obj.(Sampler).Sample(ctx, m, d.opts.Seed)
		if err != nil {
			return err
		}
		s.samples = append(s.samples, p)
	}
	if d.given {
		if done, err := s.nearby(ctx); done || err != nil {
			return err
		}
	} else {
		copy(d.x, d.obj.(Sampler).Start())
	}
	for _, p := range s.samples {
		if err := s.stage(ctx, p); err != nil {
			return err
		}
	}
	return s.finish(ctx)
}

// stageAccuracy is the share of the sampling error, D/2m, to which a stage is solved.
const stageAccuracy = 0.04

// stageSteps bounds the steps of a stage.
const stageSteps = 15

// stage moves d.x near the minimum of a sample.
func (s *stages) stage(ctx context.Context, p *Sample) error {
	accuracy := stageAccuracy * float64(s.d.obj.Dim()) / (2 * p.Rows)
	small := newDescent(p, Options{Tol: s.d.opts.Tol, MaxIter: stageSteps, X0: s.d.x})
	q := newQuasiNewton(small)
	var slow slowness
	for builds := 0; ; {
		if Can(p, CanCurve) {
			c, err := p.Objective.(Curved).Curvature(ctx, small.x)
			if err != nil {
				return err
			}
			q.past.again(newMetric(c))
			builds++
		}
		slow = slowness{}
		arrived := false
		q.pause = func(gain float64) bool {
			arrived = gain <= accuracy
			return arrived || builds > 0 && builds < 4 && slow.look(gain)
		}
		if err := q.run(ctx); err != nil {
			return err
		}
		if arrived || small.res.Status != "" {
			break
		}
	}
	s.d.log("staged: %.0f rows (%.0f by weight): objective %.8g after %d steps, %.3g passes in all", 0.0, p.Rows, small.value, small.res.Iterations, s.d.obj.Passes())
	copy(s.d.x, small.res.X)
	return nil
}

// nearby asks whether the given start is better than what samples could find; if so,
// the run goes on from there.
func (s *stages) nearby(ctx context.Context) (bool, error) {
	return false, nil
}

// finish is the run on all rows.
func (s *stages) finish(ctx context.Context) error {
	d := s.d
	q := newQuasiNewton(d)
	for rung := 0; ; rung++ {
		var from Objective
		switch {
		case rung >= len(s.plan.metrics):
			from = nil
		case s.plan.metrics[rung] < len(s.samples):
			from = s.samples[s.plan.metrics[rung]].Objective
		default:
			from = d.obj
		}
		if from != nil && Can(from, CanCurve) {
			c, err := from.(Curved).Curvature(ctx, d.x)
			if err != nil {
				return err
			}
			q.past.again(newMetric(c))
			d.log("staged: metric at %.4g passes", d.obj.Passes())
		}
		var slow slowness
		q.pause = func(gain float64) bool { return rung+1 < len(s.plan.metrics) && slow.look(gain) }
		if err := q.run(ctx); err != nil {
			return err
		}
		if d.res.Status != "" {
			return nil
		}
	}
}

// slowness watches the expected gain: the metric is a bad one where it does not fall
// by a factor 3 a step.
type slowness struct {
	steps int
	gain  float64
}

func (s *slowness) look(gain float64) bool {
	bad := s.steps > 1 && gain > s.gain/3
	s.steps++
	s.gain = gain
	return bad
}

func (d *descent) log(format string, args ...any) {
	if d.opts.Log != nil {
		d.opts.Log(fmt.Sprintf(format, args...))
	}
}
