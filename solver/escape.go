package solver

import (
	"context"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// escape watches runs whose minimum may lie at infinity (Unbounded) once the gradient
// is small: at a true minimum the Newton step -H g has shrunk with it, but on the way
// to infinity the Hessian shrinks as fast as the gradient, and the step keeps its
// length. It takes a few iterations more to tell, each of which costs a pass, and two
// more to prove it: columns that nearly depend on each other make for long steps, too.
type escape struct {
	count int     // of long steps in a row
	first float64 // length of the first of them
}

const (
	// longStep is the share of the distance travelled that a step at convergence may
	// still have; escapeSteps such steps, none below half the first, ask for a proof.
	longStep    = 0.01
	escapeSteps = 5

	// escapeGradient is the max|gradient| below which to look even where tol is
	// smaller.
	escapeGradient = 1e-8

	// vanishing is how many times as large as now a curvature must have been for it to
	// have vanished.
	vanishing = 1000

	// farAway is how many steps further the value must not have changed.
	farAway = 1000
)

// escaping tells whether the present point is one to look from.
func (d *descent) escaping() bool {
	return d.unbounded && d.maxAbs <= max(d.opts.Tol, escapeGradient)
}

// look takes the (quasi-)Newton step at the present point and the gain that its linear
// part expects, and ends the run where the steps lead to infinity.
func (e *escape) look(ctx context.Context, d *descent, dir []float64, gain float64) (gone bool, err error) {
	if !d.escaping() {
		return false, nil
	}
	norm := floats.Norm(dir, 2)
	switch {
	case norm <= longStep*(1+floats.Distance(d.x, d.opts.X0, 2)) || e.count > 0 && norm < e.first/2:
		*e = escape{}
	case e.count == 0:
		*e = escape{count: 1, first: norm}
	default:
		e.count++
	}
	if e.count <= escapeSteps || !(gain > 0) {
		return false, nil
	}
	if gone, err = d.endless(ctx, dir, gain); gone {
		d.end(Separable)
	} else {
		*e = escape{} // columns that nearly depend on each other take more such steps
	}
	return gone, err
}

// endless tells whether a Newton step leads to infinity, for two reads of X. The step's
// quadratic model has its minimum at the end of the step and rises with the square of
// the way from there. A way to infinity has no minimum, so the value never rises on it,
// and each further step gains a constant factor less: it all but stays, while on the
// way back it rises, at least as a straight line does. A step that damping has shortened
// goes on gaining, and one that rounding made leads along columns that depend on each
// other, where the value stays both ways. What the step is off the way to infinity costs
// less than gain in proportion to the way.
func (d *descent) endless(ctx context.Context, dir []float64, gain float64) (bool, error) {
	far := max(farAway, math.Sqrt(2*farAway*d.slack()/gain)) // where the model's rise is visible
	at, grad := make([]float64, len(d.x)), make([]float64, len(d.x))
	rise := func(t float64) (float64, error) {
		floats.AddScaledTo(at, d.x, t, dir)
		f, err := d.obj.Eval(ctx, at, grad)
		return d.total(at, f) - d.value, err
	}
	limit := far*gain/2 + d.slack()
	if on, err := rise(far); err != nil || !(math.Abs(on) <= limit) {
		return false, err
	}
	back, err := rise(-far)
	return err == nil && !(back <= limit), err
}

func (e *escape) suspected() bool { return e.count > 0 }

// vanished tells of a Hessian that its factor f has found to be singular whether it has
// lost curvature since the origin, where it is home: then saturated probabilities have
// made it singular, and not columns that depend on each other. noise is the relative
// error of curvatures.
func (f *factor) vanished(hess, home *mat.SymDense, noise float64) bool {
	for j, s := range f.scale {
		if s == 0 && home.At(j, j) > 0 {
			return true
		}
	}
	if !f.singular || f.broken {
		return false
	}
	v := mat.NewVecDense(len(f.scale), f.flattest())
	whole := 0.0
	for j, x := range v.RawVector().Data {
		whole += float64(home.At(j, j) * x * x)
	}
	return mat.Inner(v, home, v) > vanishing*max(math.Abs(mat.Inner(v, hess, v)), noise*whole)
}
