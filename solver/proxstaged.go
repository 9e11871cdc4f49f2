package solver

import (
	"context"
	"errors"
	"math"

	"gonum.org/v1/gonum/floats"
)

// proxStaged is staged for composite objectives. Steps are those of proxNewton in a
// metric that is kept: each minimises the quadratic model with a sample's Hessian plus
// the absolute values as they are, and costs one evaluation. Zeros are exact in every
// one of them, and mostly the right ones by the time all rows are read.
//
// Where the Hessian of all rows costs less than the steps that it can save, proxNewton
// goes on.
func proxStaged(ctx context.Context, d *descent) (err error) {
	if d.exhausted() {
		if err := d.evalStart(ctx); err != nil {
			return err
		}
		d.end(MaxIter)
		return nil
	}
	s := &proxStages{stages: stages{d: d, plan: newPlan(d.obj)}}
	switch {
	case d.obj.Dim() > proxNewtonDim || !Can(d.obj, CanHessian):
		s.log("no Hessian of %d coefficients; going on as owlqn", d.obj.Dim())
		return owlqn(ctx, d)
	case len(s.plan.sizes) == 0:
		s.log("no samples of so few rows; going on as prox-newton")
		return proxNewton(ctx, d)
	}
	if k := float64(d.obj.Dim() / s.plan.cols); k > 1 {
		s.plan.price *= (k + 1) / 2 // all blocks of the Hessian, not those on the diagonal
	}
	s.model = newLassoModel(d)
	defer func() { err = errors.Join(err, s.close()) }()
	return s.run(ctx)
}

// proxStages is a run of proxStaged.
type proxStages struct {
	stages
	model *lassoModel // in the metric of the last build
}

func (s *proxStages) run(ctx context.Context) error {
	d := s.d
	if err := s.draw(ctx); err != nil {
		return err
	}
	if d.given {
		if err := d.evalStart(ctx); err != nil {
			return err
		}
		largest := s.samples[len(s.samples)-1]
		if err := s.build(ctx, largest.Objective, d.x); err != nil {
			return err
		}
		if s.model.minimise(d.x, d.grad)/2 <= s.accuracy(largest) {
			s.log("the given start is nearer to the minimum than samples could bring us")
			return s.finish(ctx)
		}
	}
	x, err := s.begin(ctx, d.obj.(Sampler).Start())
	if err != nil {
		return err
	}
	for _, p := range s.samples {
		if x, err = s.stage(ctx, p, x); err != nil {
			return err
		}
	}
	if err := s.arrive(ctx, x); err != nil {
		return err
	}
	return s.finish(ctx)
}

// build puts the Hessian of obj at x, or what it has instead, into the model.
func (s *proxStages) build(ctx context.Context, obj Objective, x []float64) error {
	s.model.ridge = 0
	if s.plan.cols == obj.Dim() && Can(obj, CanCurve) { // a single block, corrected
		c, err := obj.(Curved).Curvature(ctx, x, s.plan.hot)
		if err == nil {
			s.model.target().CopySym(c[0])
		}
		return err
	}
	_, err := obj.(Hessian).EvalHessian(ctx, x, make([]float64, len(x)), s.model.target())
	return err
}

// stage goes from x to near the minimum of a sample.
func (s *proxStages) stage(ctx context.Context, p *Sample, x []float64) ([]float64, error) {
	target := stageAccuracy * s.accuracy(p)
	small := newDescent(p.Objective, Options{Tol: s.d.opts.Tol, MaxIter: stageSteps, X0: x})
	if err := small.evalStart(ctx); err != nil {
		return nil, err
	}
	for metrics := 1; ; metrics++ {
		if err := s.build(ctx, p.Objective, small.x); err != nil {
			return nil, err
		}
		var steps stride
		done := false
		err := proxWalk(ctx, small, s.model, func(gain float64) bool {
			done = gain <= target
			return done || steps.slow(gain, target, s.plan.price)
		})
		if err != nil {
			return nil, err
		}
		if done || small.res.Status != "" {
			s.log("%.0f rows: objective %.8g after %d steps and %d metrics, at %.3g passes", p.Rows, small.value, small.res.Iterations, metrics, s.d.obj.Passes()-s.d.before)
			return small.result().X, nil
		}
	}
}

// finish is the run on all rows from d's point, which has been evaluated, in the
// metric at hand.
func (s *proxStages) finish(ctx context.Context) error {
	d := s.d
	var steps stride
	err := proxWalk(ctx, d, s.model, func(gain float64) bool {
		short := d.opts.Tol / d.maxAbs // gains are as the squares of gradients
		return d.escaping() || steps.slow(gain, min(d.enough(), gain*short*short), s.plan.price)
	})
	if err != nil || d.res.Status != "" && d.res.Status != Stalled {
		return err
	}
	s.log("going on as prox-newton at %.3g passes", d.obj.Passes()-d.before)
	d.end("")
	return proxNewton(ctx, d)
}

// stride watches the expected gain from step to step. In a metric that is kept it
// falls at a pace which the coefficients that the metric knows worst come to dominate.
type stride struct{ last float64 }

// slow tells whether a new metric, which costs as much as price steps, would pay: at
// the pace of the last step, more steps than that and the two or three that it takes
// in a new one are to come until the expected gain is target.
func (s *stride) slow(gain, target, price float64) bool {
	rate := gain / s.last
	first := s.last == 0
	s.last = gain
	return !first && (rate >= 1 || math.Log(gain/target)/-math.Log(rate) > price+2.5)
}

// proxWalk takes steps in the model's metric from d's point, which has been evaluated,
// until the run ends or pause, told before every new step half of the gain expected of
// it, returns true; the status is then open.
//
// A step that is too long is not cut short but made anew with a ridge on the metric
// (Levenberg, Marquardt): some coefficients alone may be to blame, those of rare levels
// that a sample takes for decided, and the others need not wait for them.
func proxWalk(ctx context.Context, d *descent, model *lassoModel, pause func(gain float64) bool) error {
	s := newProxStep(d)
	flat := flatness{d: d}
	least := walkRidge * model.steepest()
	for again := false; ; {
		gain := model.minimise(d.x, d.grad)
		floats.SubTo(s.dir, model.v, d.x)
		switch {
		case d.converged() && d.settled(gain/2) && !d.escaping():
			d.end(Converged)
			return nil
		case d.exhausted():
			d.end(MaxIter)
			return nil
		case !(gain > 0) || model.blocked || model.ridge > least/walkRidge:
			d.end(Stalled)
			return nil
		case !again && flat.floor(gain):
			d.end(d.floored())
			return nil
		case !again && pause(gain/2):
			return nil
		}
		p, err := s.try(1, model.v, func() (float64, error) { return d.obj.Eval(ctx, s.xt, s.gt) })
		if err != nil {
			return err
		}
		again = !s.accepts(p, gain)
		if again && gain <= 10*d.slack() {
			d.end(Stalled) // no digits are left to search by
			return nil
		}
		if again {
			model.ridge = max(model.ridge*walkGrowth, least)
			continue
		}
		if model.ridge /= walkGrowth; model.ridge < least {
			model.ridge = 0
		}
		d.accept(s.xt, s.gt, p.value, p.t)
	}
}

// The ridge of a walk begins at walkRidge of the largest curvature and grows and falls
// by walkGrowth.
const (
	walkRidge  = 1e-3
	walkGrowth = 10
)
