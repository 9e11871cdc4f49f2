package solver

import (
	"context"
	"math"

	"gonum.org/v1/gonum/floats"
)

// owlqn is the orthant-wise limited-memory quasi-Newton method for composite
// objectives (Andrew and Gao 2007), for any size: L-BFGS on the smooth part, with the
// subgradient nearest to zero for the gradient. A step stays in the orthant that it
// begins in; what would leave it becomes exactly zero. As in Gong and Ye (2015), only
// coefficients at zero must leave it downhill. On smooth objectives it is L-BFGS.
//
// As with lbfgs neither a small subgradient nor the gain that pairs expect is a proof of
// having arrived: the end is confirmed by proxNewton, if the objective allows it.
func owlqn(ctx context.Context, d *descent) error {
	confirm := d.obj.Dim() <= proxNewtonDim && Can(d.obj, CanHessian)
	if err := orthants(ctx, d, confirm); err != nil {
		return err
	}
	if confirm && (d.res.Status == "" || d.res.Status == Precision || d.res.Status == Stalled) {
		return proxNewton(ctx, d)
	}
	return nil
}

// orthants is owlqn without confirmation; with confirm it leaves the status open
// where the confirmation has to begin.
func orthants(ctx context.Context, d *descent, confirm bool) error {
	if !d.started() {
		if err := d.evalStart(ctx); err != nil {
			return err
		}
	}
	var (
		past = pairs{threads: d.opts.threads()}
		s    = newProxStep(d)
		sub  = make([]float64, d.obj.Dim())
		flat = flatness{d: d}
		away escape
	)
	for {
		d.lasso.subgradient(d.x, d.grad, sub)
		past.direction(sub, s.dir)
		for j, v := range d.x {
			if v == 0 && d.lasso.of(j) > 0 && !(s.dir[j]*sub[j] < 0) {
				s.dir[j] = 0
			}
		}
		gain := -floats.Dot(sub, s.dir)
		if d.escaping() && confirm {
			return nil
		}
		if gone, err := away.look(ctx, d, s.dir, gain); gone || err != nil {
			return err
		}
		switch {
		case d.converged() && d.settled(gain/2) && !away.suspected():
			if !confirm {
				d.end(Converged)
			}
			return nil
		case d.exhausted():
			d.end(MaxIter)
			return nil
		case flat.floor(gain):
			d.end(d.floored())
			return nil
		}
		if !(gain > 0) && past.len() > 0 { // rounding has spoiled the pairs
			past.reset()
			continue
		}
		if !(gain > 0) {
			d.end(d.floored())
			return nil
		}
		t := 1.0
		if past.len() == 0 {
			t = min(1, 1/floats.Norm(sub, 2))
		}
		p, ok, err := s.orthantSearch(ctx, t, sub)
		if err != nil {
			return err
		}
		if !ok {
			if past.len() > 0 {
				past.reset()
				continue
			}
			d.end(d.stuck(gain))
			return nil
		}
		past.add(d.x, s.xt, d.grad, s.gt)
		d.accept(s.xt, s.gt, p.value, p.t)
	}
}

// orthantSearch looks along dir, bent to stay in the orthant of the present point and
// -sub, for a step that gains its share, from t down. Each trial reads X once.
//
// Bent, a direction of descent may lead up: where columns are correlated, what one
// coefficient gains relies on the others. Up to where the first coefficient reaches zero
// it is straight, so that place is not passed over; from there the next step leaves
// that coefficient alone.
func (s *proxStep) orthantSearch(ctx context.Context, t float64, sub []float64) (p point, ok bool, err error) {
	d := s.d
	way := make([]float64, len(sub))
	corner, first := math.Inf(1), -1
	for j, v := range d.x {
		if zero := -v / s.dir[j]; d.lasso.of(j) > 0 && zero > 0 && zero < corner {
			corner, first = zero, j
		}
	}
	for range maxTrials {
		gain := 0.0 // expected of the way
		for j, v := range d.x {
			s.xt[j] = v + float64(t*s.dir[j])
			if d.lasso.of(j) > 0 && v != 0 && (v*s.xt[j] <= 0 || j == first && t == corner) {
				s.xt[j] = 0
			}
			way[j] = s.xt[j] - v
			gain -= float64(sub[j] * way[j])
		}
		f, err := d.obj.Eval(ctx, s.xt, s.gt)
		if err != nil {
			return p, false, err
		}
		p = point{t, d.total(s.xt, f), d.lasso.arrival(s.xt, s.gt, way)}
		if finite(p.value) && finite(p.slope) && gain > 0 &&
			(p.value <= d.value-armijo*gain || p.value <= d.value+d.slack() && p.slope <= (1-2*flatArmijo)*gain) {
			return p, true, nil
		}
		shorter := t / 10
		if rise := p.value - d.value + gain; finite(p.value) && rise > 0 && gain > 0 {
			shorter = max(shorter, min(t/2, gain*t/(2*rise)))
		}
		if shorter < corner && corner < t {
			shorter = corner
		}
		t = shorter
	}
	return p, false, nil
}
