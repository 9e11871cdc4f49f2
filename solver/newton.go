package solver

import (
	"context"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// A ridge, where one is needed, begins at minRidge of the largest curvature.
const (
	minRidge    = 1e-8
	ridgeGrowth = 100
)

// newton is Newton's method with a Cholesky factor of the full Hessian. The unit
// step is tried first, value, gradient and Hessian in one read of X, so that the
// evaluation which shows the step to be good is already the next iteration's. Where
// it is not good, or much too short, the step is searched for along the line, without
// reads of X when the objective can (Liner). It begins at d's point, evaluated or not.
func newton(ctx context.Context, d *descent) error {
	obj := d.obj.(Hessian)
	n := d.obj.Dim()
	hess, ht := mat.NewSymDense(n, nil), mat.NewSymDense(n, nil)
	f, err := obj.EvalHessian(ctx, d.x, d.grad, hess)
	if err != nil {
		return err
	}
	if d.started() {
		d.takeOver()
	} else if err := d.start(f); err != nil {
		return err
	}
	var (
		dir     = make([]float64, n)
		xt      = make([]float64, n)
		gt      = make([]float64, n)
		factor  = newFactor(n, d.opts.threads())
		away    escape
		useless int     // iterations at the floor that did not halve max|gradient|
		ridge   float64 // added to the diagonal after steps along which nothing was lower
		steep   float64 // largest curvature seen
		home    = floats.Norm(d.x, 1) == 0
	)
	factor.noise = d.noise / 4 // that of values is of their sums, too
	for {
		for j := range n {
			steep = max(steep, hess.At(j, j))
		}
		blocked := factor.direction(hess, ridge, d.grad, dir)
		slope := floats.Dot(d.grad, dir)
		if gone, err := away.look(ctx, d, dir, -slope); gone || err != nil {
			return err
		}
		if d.converged() && (d.settled(-slope/2*factor.hidden()) || d.settled(-slope/2) && -slope <= d.slack()) && !away.suspected() {
			break
		}
		if d.exhausted() {
			d.end(MaxIter)
			return nil
		}
		if !(slope < 0) || !finite(slope) || blocked {
			if ridge < steep && d.maxAbs > 10*d.floor {
				ridge = max(ridgeGrowth*ridge, minRidge*steep)
				continue
			}
			d.end(d.stuck(0))
			return nil
		}
		eval := func(t float64) (point, error) {
			floats.AddScaledTo(xt, d.x, t, dir)
			f, err := obj.EvalHessian(ctx, xt, gt, ht)
			return point{t, f, floats.Dot(gt, dir)}, err
		}
		l := line{origin: point{0, d.value, slope}, slack: d.slack(), eval: eval}
		p, err := eval(1)
		if err != nil {
			return err
		}
		ok := l.accepts(p) || finite(p.value) && p.value <= d.value+armijo*slope
		if !ok && -slope <= 10*d.slack() {
			d.end(d.floored()) // no digits are left to search by
			return nil
		}
		if !ok && !home {
			home = true
			if lower, err := d.goHome(ctx, obj, xt, gt, ht); err != nil {
				return err
			} else if lower {
				hess, ht = ht, hess
				continue
			}
		}
		short := ok && factor.singular && factor.noise < minDamping && p.slope <= curvature*slope && -slope > d.slack()
		if !ok || short {
			if p, ok, err = l.adjust(ctx, d, dir, p); err != nil {
				return err
			}
		}
		if short && ok {
			factor.relax(p.t)
		} else if !ok {
			factor.tighten()
		}
		if !ok && ridge < steep {
			// Where all probabilities are saturated, curvatures of coordinates range from
			// 1 to 1e-300, and a Newton step is no step at all.
			ridge = max(ridgeGrowth*ridge, minRidge*steep)
			continue
		}
		if !ok {
			d.end(d.stuck(-slope))
			return nil
		}
		if ridge /= ridgeGrowth; ridge < minRidge*steep {
			ridge = 0
		}
		flat, before := -slope <= d.slack(), d.maxAbs
		d.accept(xt, gt, p.value, p.t)
		hess, ht = ht, hess
		if flat && d.maxAbs > before/2 {
			if useless++; useless == 2 {
				d.end(d.floored())
				return nil
			}
		} else {
			useless = 0
		}
	}
	d.end(Converged)
	if d.unbounded && factor.singular {
		clear(xt)
		if _, err := obj.EvalHessian(ctx, xt, gt, ht); err != nil {
			return err
		}
		if factor.vanished(hess, ht, d.noise) {
			d.end(Separable)
		}
	}
	return nil
}

// takeOver prepares for going on where another solver stopped.
func (d *descent) takeOver() {
	d.end("")
	d.opts.MaxIter = min(d.opts.MaxIter, d.res.Iterations+confirmSteps)
}

// confirmSteps bounds the steps of a solver that takes over: near the minimum a few are
// enough, if any can be.
const confirmSteps = 100

// goHome moves to the origin if that is lower than the present point. Starts from
// which a Newton step fails may be so far out that every probability is saturated and
// the Hessian knows nothing; the origin, where a run without a start begins, is better.
func (d *descent) goHome(ctx context.Context, obj Hessian, xt, gt []float64, ht *mat.SymDense) (lower bool, err error) {
	clear(xt)
	f, err := obj.EvalHessian(ctx, xt, gt, ht)
	if err != nil || !(f < d.value) {
		return false, err
	}
	d.accept(xt, gt, f, 1)
	return true, nil
}

// adjust searches along dir after the unit step, unit, proved too long, too short or,
// rarely, bad, and leaves the evaluation of the point it returns as the last one made.
func (l *line) adjust(ctx context.Context, d *descent, dir []float64, unit point) (p point, ok bool, err error) {
	eval := l.eval
	again := false
	if Can(d.obj, CanLine) {
		var along Line
		if along, err = d.obj.(Liner).Line(ctx, d.x, dir); err != nil {
			return p, false, err
		}
		l.eval = func(t float64) (point, error) {
			v, s, err := along.At(ctx, []float64{t})
			if err != nil {
				return point{}, err
			}
			return point{t, v[0], s[0]}, nil
		}
		p, ok, _, err = l.search(1, &unit)
		if cerr := along.Close(); err == nil {
			err = cerr
		}
		again = true
	} else {
		p, ok, again, err = l.search(1, &unit)
	}
	if err != nil || !ok {
		return p, false, err
	}
	if again {
		p, err = eval(p.t)
	}
	return p, err == nil && p.value <= l.origin.value+l.slack, err
}
