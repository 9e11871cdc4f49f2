package solver

import (
	"context"
	"math"

	"gonum.org/v1/gonum/floats"
)

// Trust region constants of Lin and Moré (1999), as in Lin, Weng and Keerthi.
const (
	trustAccept = 1e-4 // actual over predicted gain, below which a step is refused,
	trustPoor   = 0.25 // below which the region shrinks,
	trustGood   = 0.75 // and above which it grows
	trustShrink = 0.25
	trustGrow   = 4

	// forcing is the residual, relative to the gradient, to which a Newton step is
	// solved far from the minimum; near it, the root of the gradient's share of the
	// first takes over, for superlinear convergence.
	forcing = 0.1

	// takenOver is how much larger the first gradient is taken to have been than that
	// at which another solver ended: a thousandth is left of it.
	takenOver = 1e6

	maxProducts = 250 // with the Hessian for one step
	maxRefusals = 60  // in a row
)

// newtonCG is truncated Newton in a trust region: Newton steps by conjugate gradients
// (Steihaug 1983), each of whose iterations is a product with the Hessian and reads X
// once. Lin, Weng, Keerthi (JMLR 2008). Where samples and curvature are to be had, a
// sample's metric at the start preconditions; without, the objective's own scaling
// of the coordinates stands for the Hessian's diagonal.
//
// The metric is no Hessian: what is left to gain, only the next step can tell. So the
// last one is computed and not taken.
func newtonCG(ctx context.Context, d *descent) error {
	near := d.started()
	if near {
		d.takeOver()
	} else if err := d.evalStart(ctx); err != nil {
		return err
	}
	m, err := d.sampleMetric(ctx)
	if err != nil {
		return err
	}
	var (
		n      = d.obj.Dim()
		xt, gt = make([]float64, n), make([]float64, n)
		cg     = newTrustRegion(d.obj.(HessVec), m, n)
		away   escape
		flat   = flatness{d: d}
		first  = math.Sqrt(2 * m.gain(d.grad))
		radius = first
		home   = !d.given
	)
	if near {
		first *= takenOver
	}
	if near && !d.unbounded {
		radius = math.Inf(1)
	}
	for refusals := 0; ; {
		if d.exhausted() && !d.escaping() {
			d.end(d.limited())
			return nil
		}
		gain := m.gain(d.grad)
		norm := math.Sqrt(2 * gain)
		predicted, err := cg.step(ctx, d.x, d.grad, radius, norm*min(forcing, math.Sqrt(norm/first)))
		if err != nil {
			return err
		}
		if gone, err := away.look(ctx, d, cg.s, -floats.Dot(d.grad, cg.s)); gone || err != nil {
			return err
		}
		switch {
		case d.converged() && !away.suspected() && d.settled(predicted) && cg.cut && !d.unbounded && radius < math.Inf(1):
			radius = math.Inf(1) // more may lie beyond, if not without end
			continue
		case d.converged() && !away.suspected() && d.settled(predicted):
			d.end(Converged)
			return nil
		case d.exhausted():
			d.end(MaxIter)
			return nil
		}
		if refusals == 0 && flat.floor(predicted) || !(predicted > 0) || refusals == maxRefusals {
			d.end(d.stuck(predicted))
			return nil
		}
		floats.AddTo(xt, d.x, cg.s)
		f, err := d.obj.Eval(ctx, xt, gt)
		if err != nil {
			return err
		}
		actual := d.value - f
		ratio := actual / predicted
		if predicted <= 10*d.slack() && math.Abs(actual) <= 10*d.slack() && m.gain(gt) < gain {
			ratio = 1 // values no longer tell; the gradient does
		}
		if !finite(f) || !finite(floats.Sum(gt)) {
			ratio = math.Inf(-1)
		}
		switch {
		case !(ratio >= trustPoor):
			radius = trustShrink * min(radius, cg.length)
		case ratio > trustGood:
			radius = max(radius, trustGrow*cg.length)
		}
		if ratio > trustAccept && f <= d.value+d.slack() {
			refusals = 0
			d.accept(xt, gt, f, 1)
			continue
		}
		if refusals++; !home {
			home = true
			clear(xt)
			f, err := d.obj.Eval(ctx, xt, gt)
			if err != nil {
				return err
			}
			if f < d.value { // as newton's goHome
				d.accept(xt, gt, f, 1)
				first = math.Sqrt(2 * m.gain(d.grad))
				radius, refusals = first, 0
			}
		}
	}
}

// sampleMetric is the metric of the smallest sample of staged at the present point;
// nil where there is none.
func (d *descent) sampleMetric(ctx context.Context) (m *metric, err error) {
	p := newPlan(d.obj)
	if len(p.sizes) == 0 || d.exhausted() {
		return nil, nil
	}
	s, err := d.obj.(Sampler).Sample(ctx, p.sizes[0], d.opts.Seed)
	if err != nil {
		return nil, err
	}
	if Can(s.Objective, CanCurve) {
		var c Curvature
		if c, err = s.Objective.(Curved).Curvature(ctx, d.x, p.hot); err == nil {
			m = newMetric(c, d.opts.threads())
		}
	}
	if cerr := s.Close(); err == nil {
		err = cerr
	}
	return m, err
}

// trustRegion solves for steps within a radius, both measured in the metric.
type trustRegion struct {
	obj    HessVec
	metric *metric
	s      []float64 // the step
	length float64   // its norm in the metric
	cut    bool      // by the radius

	r, z, p, hp []float64
}

func newTrustRegion(obj HessVec, m *metric, n int) *trustRegion {
	v := func() []float64 { return make([]float64, n) }
	return &trustRegion{obj: obj, metric: m, s: v(), r: v(), z: v(), p: v(), hp: v()}
}

// step sets s to about -H^-1 g within the radius, until the residual's norm is at most
// tol, and returns the gain that the quadratic model predicts.
func (t *trustRegion) step(ctx context.Context, x, g []float64, radius, tol float64) (predicted float64, err error) {
	clear(t.s)
	t.cut = false
	for i, v := range g {
		t.r[i] = -v
	}
	t.metric.solve(t.r, t.z)
	copy(t.p, t.z)
	rz := floats.Dot(t.r, t.z)
	ss, sp, pp := 0.0, 0.0, rz // inner products of s and p in the metric, by recurrence
	for range min(maxProducts, 2*len(g)+10) {
		if !(rz > tol*tol) {
			break
		}
		if err := t.obj.HessVec(ctx, x, t.p, t.hp); err != nil {
			return 0, err
		}
		curvature := floats.Dot(t.p, t.hp)
		alpha := rz / curvature
		if edge := (-sp + math.Sqrt(sp*sp+pp*(radius*radius-ss))) / pp; !(curvature > 0) || alpha >= edge {
			// Out of the region, or no curvature to stop: go to its edge.
			if math.IsInf(edge, 1) {
				break
			}
			t.cut = true
			floats.AddScaled(t.s, edge, t.p)
			floats.AddScaled(t.r, -edge, t.hp)
			ss = radius * radius
			break
		}
		floats.AddScaled(t.s, alpha, t.p)
		floats.AddScaled(t.r, -alpha, t.hp)
		ss += alpha * (2*sp + alpha*pp)
		t.metric.solve(t.r, t.z)
		next := floats.Dot(t.r, t.z)
		beta := next / rz
		rz = next
		floats.AddScaledTo(t.p, t.z, beta, t.p)
		sp = beta * (sp + alpha*pp)
		pp = rz + beta*beta*pp
	}
	t.length = math.Sqrt(max(ss, 0))
	// -g's - s'Hs/2 with r = -g - Hs.
	return (floats.Dot(t.s, t.r) - floats.Dot(t.s, g)) / 2, nil
}
