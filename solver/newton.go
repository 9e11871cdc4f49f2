package solver

import (
	"context"
	"math"

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
// it is not good, the step is searched for along the line, without reads of X when
// the objective can (Liner). It begins at d's point, evaluated or not.
func newton(ctx context.Context, d *descent) error {
	obj := d.obj.(Hessian)
	n := d.obj.Dim()
	hess, ht := mat.NewSymDense(n, nil), mat.NewSymDense(n, nil)
	f, err := obj.EvalHessian(ctx, d.x, d.grad, hess)
	if err != nil {
		return err
	}
	if !d.started() {
		if err := d.start(f); err != nil {
			return err
		}
	}
	var (
		dir     = make([]float64, n)
		xt      = make([]float64, n)
		gt      = make([]float64, n)
		factor  = newFactor(n)
		away    escape
		useless int     // iterations at the floor that did not halve max|gradient|
		ridge   float64 // added to the diagonal after steps along which nothing was lower
		steep   float64 // largest curvature seen
		home    = floats.Norm(d.x, 1) == 0
	)
	for {
		if !d.escaping() && (d.converged() || d.exhausted()) {
			break
		}
		for j := range n {
			steep = max(steep, hess.At(j, j))
		}
		factor.direction(hess, ridge, d.grad, dir)
		slope := floats.Dot(d.grad, dir)
		if d.escaping() {
			away.look(d, dir)
			if away.certain() {
				d.end(Separable)
				return nil
			}
			if d.converged() && !away.suspected() || d.exhausted() {
				break
			}
		}
		if !(slope < 0) || !finite(slope) || factor.blocked {
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
			d.end(Precision) // no digits are left to search by
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
		if !ok {
			if p, ok, err = l.shorten(ctx, d, dir, p); err != nil {
				return err
			}
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
				d.end(Precision)
				return nil
			}
		} else {
			useless = 0
		}
	}
	switch {
	case !d.converged() || away.suspected():
		d.end(MaxIter)
	case d.unbounded && factor.singular:
		// Columns that depend on each other make every Hessian singular. If the one at
		// the origin is not, it is saturated probabilities that made this one so.
		clear(xt)
		if _, err := obj.EvalHessian(ctx, xt, gt, ht); err != nil {
			return err
		}
		if factor.direction(ht, 0, gt, dir); !factor.singular {
			d.end(Separable)
			return nil
		}
		d.end(Converged)
	default:
		d.end(Converged)
	}
	return nil
}

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

// shorten searches along dir after the unit step, unit, proved too long (or, rarely,
// bad), and leaves the evaluation of the point it returns as the last one made.
func (l *line) shorten(ctx context.Context, d *descent, dir []float64, unit point) (p point, ok bool, err error) {
	eval := l.eval
	again := false
	if Can(d.obj, CanLine) {
		along, err := d.obj.(Liner).Line(ctx, d.x, dir)
		if err != nil {
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

// factor solves H p = -g for Hessians that may be singular or, by rounding or far
// from a minimum, indefinite.
type factor struct {
	scale    []float64 // 1 / sqrt(H_jj), 0 for coordinates without curvature
	scaled   *mat.SymDense
	damped   *mat.SymDense
	chol     mat.Cholesky
	singular bool // the last Hessian needed damping
	blocked  bool // some coordinate has a gradient, but no curvature
}

const (
	// maxCond is the condition number of the scaled Hessian above which directions
	// along its smallest eigenvectors are rounding errors.
	maxCond = 1e13

	// minDamping is the first damping tried, relative to a diagonal of ones. Rounding
	// errors of g along a null direction, 1e-16 of its terms, then move a point by
	// about 1e-6 of those, while eigenvalues above it keep Newton's convergence.
	minDamping = 1e-10
)

func newFactor(n int) *factor {
	return &factor{scale: make([]float64, n), scaled: mat.NewSymDense(n, nil), damped: mat.NewSymDense(n, nil)}
}

// direction sets dir to -(H + ridge + damping)^-1 g, with the smallest damping of H
// scaled to a unit diagonal that makes it safely positive definite, mostly none. g lies in
// the range of a singular H, so that damping leaves the null directions alone and the
// result tends to the minimum-norm solution. A coordinate without any curvature
// stays where it is.
func (f *factor) direction(h *mat.SymDense, ridge float64, g, dir []float64) {
	n := len(g)
	f.blocked = false
	for j := range n {
		f.scale[j] = 0
		if c := math.Abs(h.At(j, j)) + ridge; c > 0 && finite(1/math.Sqrt(c)) {
			f.scale[j] = 1 / math.Sqrt(c)
		} else if g[j] != 0 {
			f.blocked = true
		}
	}
	for i := range n {
		for j := i; j < n; j++ {
			f.scaled.SetSym(i, j, h.At(i, j)*f.scale[i]*f.scale[j])
		}
		f.scaled.SetSym(i, i, f.scaled.At(i, i)+ridge*f.scale[i]*f.scale[i])
		if f.scale[i] == 0 {
			f.scaled.SetSym(i, i, 1)
		}
	}
	b := mat.NewVecDense(n, dir)
	for damping := 0.0; ; damping = max(100*damping, minDamping) {
		f.singular = damping > 0
		f.damped.CopySym(f.scaled)
		for j := range n {
			f.damped.SetSym(j, j, f.scaled.At(j, j)+damping)
		}
		if !f.chol.Factorize(f.damped) || damping == 0 && f.chol.Cond() > maxCond {
			if damping < 1e10 {
				continue
			}
			// Not even a dominant diagonal helps: the Hessian is not finite.
			for j := range n {
				dir[j] = -g[j]
			}
			return
		}
		for j := range n {
			dir[j] = -g[j] * f.scale[j]
		}
		// The error reports a condition number, which the damping bounds.
		_ = f.chol.SolveVecTo(b, b)
		for j := range n {
			dir[j] *= f.scale[j]
		}
		return
	}
}
