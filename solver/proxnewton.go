package solver

import (
	"context"

	"gonum.org/v1/gonum/floats"
)

// proxNewton is the proximal Newton method for composite objectives (Lee, Sun,
// Saunders 2014): each step minimises the quadratic model with the full Hessian plus
// the absolute values as they are (lassoModel), which makes coefficients exactly zero.
// As with newton the unit step is tried first, value, gradient and Hessian in one read
// of X. It begins at d's point, evaluated or not. On smooth objectives it is Newton's
// method.
func proxNewton(ctx context.Context, d *descent) error {
	obj := d.obj.(Hessian)
	model := newLassoModel(d)
	f, err := obj.EvalHessian(ctx, d.x, d.grad, model.target())
	if err != nil {
		return err
	}
	if d.started() {
		d.takeOver()
	} else if err := d.start(d.total(d.x, f)); err != nil {
		return err
	}
	var (
		s       = newProxStep(d)
		away    escape
		useless int     // iterations at the floor that did not halve max|gradient|
		steep   float64 // largest curvature seen
		home    = floats.Norm(d.x, 1) == 0
	)
	for {
		if d.exhausted() && !(d.converged() && !d.escaping()) {
			d.end(MaxIter)
			return nil
		}
		steep = max(steep, model.steepest())
		gain := model.minimise(d.x, d.grad)
		floats.SubTo(s.dir, model.v, d.x)
		if gone, err := away.look(ctx, d, s.dir, gain); gone || err != nil {
			return err
		}
		switch {
		case d.converged() && !away.suspected() && d.settled(gain/2):
			d.end(Converged)
			if f, free := model.free(); d.unbounded && f != nil {
				clear(s.xt)
				if _, err := obj.EvalHessian(ctx, s.xt, s.gt, model.target()); err != nil {
					return err
				}
				if f.vanished(free, model.part(model.active), d.noise) {
					d.end(Separable)
				}
			}
			return nil
		case d.exhausted():
			d.end(MaxIter)
			return nil
		case !(gain > 0) || !finite(gain) || model.blocked:
			if model.ridge < steep && d.maxAbs > 10*d.floor && finite(steep) {
				model.ridge = max(ridgeGrowth*model.ridge, minRidge*steep)
				continue
			}
			d.end(d.stuck(0))
			return nil
		}
		p, err := s.try(1, model.v, func() (float64, error) {
			return obj.EvalHessian(ctx, s.xt, s.gt, model.target())
		})
		if err != nil {
			return err
		}
		ok := s.accepts(p, gain)
		if !ok && gain <= 10*d.slack() {
			d.end(d.stuck(gain)) // no digits are left to search by
			return nil
		}
		if !ok && !home {
			home = true
			if lower, err := d.goHome(ctx, obj, s.xt, s.gt, model.target()); err != nil {
				return err
			} else if lower {
				continue
			}
		}
		if !ok {
			if p, ok, err = s.retreat(ctx, p, gain); err != nil {
				return err
			}
			at, grad := s.xt, s.gt
			if !ok {
				at, grad = d.x, d.grad // the model's Hessian has to come back
			}
			if _, err := obj.EvalHessian(ctx, at, grad, model.target()); err != nil {
				return err
			}
		}
		if !ok && model.ridge < steep {
			model.ridge = max(ridgeGrowth*model.ridge, minRidge*steep)
			continue
		}
		if !ok {
			d.end(d.stuck(gain))
			return nil
		}
		if model.ridge /= ridgeGrowth; model.ridge < minRidge*steep {
			model.ridge = 0
		}
		flat, before := gain <= d.slack(), d.maxAbs
		d.accept(s.xt, s.gt, p.value, p.t)
		if flat && d.maxAbs > before/2 {
			if useless++; useless == 2 {
				d.end(d.stuck(0))
				return nil
			}
		} else {
			useless = 0
		}
	}
}

// proxStep is a step of a composite objective along dir from d's point.
type proxStep struct {
	d           *descent
	dir, xt, gt []float64
}

func newProxStep(d *descent) *proxStep {
	n := d.obj.Dim()
	return &proxStep{d, make([]float64, n), make([]float64, n), make([]float64, n)}
}

// try evaluates at xt = x + t dir, by eval, which takes xt and fills gt. end, where
// not nil, is x + dir with its zeros exact.
func (s *proxStep) try(t float64, end []float64, eval func() (float64, error)) (point, error) {
	if end != nil {
		copy(s.xt, end)
	} else {
		floats.AddScaledTo(s.xt, s.d.x, t, s.dir)
	}
	f, err := eval()
	return point{t, s.d.total(s.xt, f), s.d.lasso.arrival(s.xt, s.gt, s.dir)}, err
}

// accepts tells whether p gains its share of what is expected of the whole step or,
// where values are too close to compare, its slope shows that it does.
func (s *proxStep) accepts(p point, gain float64) bool {
	if !finite(p.value) || !finite(p.slope) {
		return false
	}
	return p.value <= s.d.value-armijo*p.t*gain ||
		p.value <= s.d.value+s.d.slack() && p.slope <= (1-2*flatArmijo)*gain
}

// retreat shortens a step that went too far to p, by Armijo's rule, without reads of
// X where the objective can (Liner) and otherwise one for each trial. It leaves xt, but
// not always gt, at the point returned.
func (s *proxStep) retreat(ctx context.Context, p point, gain float64) (_ point, ok bool, err error) {
	d := s.d
	value := func(t float64) (float64, error) { return d.obj.Eval(ctx, s.xt, s.gt) }
	if Can(d.obj, CanLine) {
		along, err := d.obj.(Liner).Line(ctx, d.x, s.dir)
		if err != nil {
			return p, false, err
		}
		defer along.Close()
		value = func(t float64) (float64, error) {
			v, _, err := along.At(ctx, []float64{t})
			if err != nil {
				return 0, err
			}
			return v[0], nil
		}
	}
	for range maxTrials {
		t := p.t / 10
		if rise := p.value - d.value + float64(p.t*gain); finite(p.value) && rise > 0 {
			t = max(t, min(p.t/2, gain*p.t*p.t/(2*rise))) // the parabola's minimum
		}
		floats.AddScaledTo(s.xt, d.x, t, s.dir)
		f, err := value(t)
		if err != nil {
			return p, false, err
		}
		if p = (point{t: t, value: d.total(s.xt, f)}); finite(p.value) && p.value <= d.value-armijo*t*gain {
			return p, true, nil
		}
		if t*gain <= d.slack() {
			break
		}
	}
	return p, false, nil
}
