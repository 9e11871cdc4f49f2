package solver

import "gonum.org/v1/gonum/floats"

// escape watches runs whose minimum may lie at infinity (Unbounded) once the gradient
// is small: at a true minimum the Newton step -H g has shrunk with it, but on the way
// to infinity the Hessian shrinks as fast as the gradient, and the step keeps its
// length. It takes a few iterations more to tell, each of which costs a pass.
type escape struct {
	count int     // of long steps in a row
	first float64 // length of the first of them
}

const (
	// longStep is the share of the distance travelled that a step at convergence may
	// still have; escapeSteps such steps, none below half the first, are proof enough.
	longStep    = 0.01
	escapeSteps = 5

	// escapeGradient is the max|gradient| below which to look even where tol is
	// smaller.
	escapeGradient = 1e-8
)

// escaping tells whether the present point is one to look from.
func (d *descent) escaping() bool {
	return d.unbounded && d.maxAbs <= max(d.opts.Tol, escapeGradient)
}

// look takes the (quasi-)Newton step at the present point.
func (e *escape) look(d *descent, dir []float64) {
	norm := floats.Norm(dir, 2)
	switch {
	case norm <= longStep*(1+floats.Distance(d.x, d.opts.X0, 2)) || e.count > 0 && norm < e.first/2:
		*e = escape{}
	case e.count == 0:
		*e = escape{1, norm}
	default:
		e.count++
	}
}

func (e *escape) suspected() bool { return e.count > 0 }
func (e *escape) certain() bool   { return e.count > escapeSteps }
