package solver

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"

	"github.com/logreg-gpu/logreg-gpu/internal/hugepages"
	"github.com/logreg-gpu/logreg-gpu/internal/pieces"
)

// descent is a run of a solver: where it stands, the best point it saw, and how it
// ended. Solvers move it by start and accept.
type descent struct {
	obj    Objective
	opts   Options
	before float64 // obj.Passes() at the beginning

	x, grad []float64
	value   float64
	maxAbs  float64 // MaxAbsGradient of grad, MaxAbsSubgradient of a Composite

	noise     float64 // relative error of values
	floor     float64 // of maxAbs, left by rounding
	unbounded bool
	given     bool      // the start is the user's
	lasso     absolutes // of a Composite

	lowest float64 // value seen
	res    Result
}

// float64Noise is the relative error assumed of values summed in float64: some
// hundreds of rounding errors, of which many cancel.
const float64Noise = 0x1p-48

func newDescent(obj Objective, opts Options) *descent {
	d := &descent{obj: obj, opts: opts, before: obj.Passes(), noise: float64Noise, lasso: lassoOf(obj), lowest: math.Inf(1)}
	if r, ok := obj.(Rounder); ok {
		d.noise, d.floor = r.Rounding()
	}
	if u, ok := obj.(Unbounded); ok {
		d.unbounded = u.Unbounded()
	}
	v := hugepages.Vectors(len(opts.X0), 3)
	d.x, d.grad, d.res.X = v[0], v[1], v[2]
	copy(d.x, opts.X0)
	d.given = floats.Norm(d.x, 1) != 0
	return d
}

// start takes the value and gradient (in d.grad) at the start.
func (d *descent) start(value float64) error {
	if !finite(value) || !finite(floats.Sum(d.grad)) {
		return ErrNotFinite
	}
	d.arrive(value, 0)
	return nil
}

func (d *descent) started() bool { return d.res.Trace != nil }

// evalStart evaluates the start.
func (d *descent) evalStart(ctx context.Context) error {
	f, err := d.obj.Eval(ctx, d.x, d.grad)
	if err != nil {
		return err
	}
	return d.start(d.total(d.x, f))
}

// total is the value of a Composite at x, where its smooth part is f.
func (d *descent) total(x []float64, f float64) float64 { return f + d.lasso.at(x) }

// keep is Keeper.Keep, where the objective has it.
func (d *descent) keep(ctx context.Context, what string, state [][]float64, work func() error) error {
	if k, ok := d.obj.(Keeper); ok {
		return k.Keep(ctx, what, state, work)
	}
	return work()
}

// measure is the max|gradient| at the present point.
func (d *descent) measure() float64 {
	if d.lasso != nil {
		return d.obj.(Composite).MaxAbsSubgradient(d.x, d.grad)
	}
	return d.obj.MaxAbsGradient(d.grad)
}

// accept moves to x, copying it and its gradient.
func (d *descent) accept(x, grad []float64, value, step float64) {
	pieces.Each(len(x), d.opts.threads(), func(lo, hi int) {
		copy(d.x[lo:hi], x[lo:hi])
		copy(d.grad[lo:hi], grad[lo:hi])
	})
	d.res.Iterations++
	d.arrive(value, step)
}

func (d *descent) arrive(value, step float64) {
	d.value, d.maxAbs = value, d.measure()
	slack := d.slack()
	if first := !d.started(); first || value < d.lowest-slack || value <= d.lowest+slack && d.maxAbs < d.res.MaxAbsGradient {
		pieces.Each(len(d.x), d.opts.threads(), func(lo, hi int) { copy(d.res.X[lo:hi], d.x[lo:hi]) })
		d.res.Value, d.res.MaxAbsGradient = value, d.maxAbs
	}
	d.lowest = min(d.lowest, value)
	s := Step{d.res.Iterations, value, d.maxAbs, d.obj.Passes() - d.before, step}
	d.res.Trace = append(d.res.Trace, s)
	if d.opts.Progress != nil {
		d.opts.Progress(s)
	}
}

// slack is the difference of values around the present one that rounding explains.
func (d *descent) slack() float64 { return d.noise * math.Abs(d.value) }

func (d *descent) converged() bool { return d.maxAbs <= d.opts.Tol }

// exhausted tells whether the iterations are used up.
func (d *descent) exhausted() bool { return d.res.Iterations >= d.opts.MaxIter }

// end sets the status.
func (d *descent) end(s Status) { d.res.Status = s }

func (d *descent) result() *Result {
	d.res.Passes = d.obj.Passes() - d.before
	if d.unbounded && d.res.Status != Interrupted && d.obj.(Unbounded).Separates(d.res.Value) {
		d.end(Separable)
	}
	d.res.Advice = d.advice()
	r := d.res
	return &r
}

func (d *descent) advice() string {
	hint := ""
	if h, ok := d.obj.(Hinter); ok {
		if hint = h.Hint(); hint != "" {
			hint = "; " + hint
		}
	}
	switch d.res.Status {
	case Precision:
		remedy := "rescale the columns, or use" // a wider type than float64 there is none
		if d.noise > float64Noise {
			remedy = "use a wider --dtype or"
		}
		return fmt.Sprintf("rounding leaves max|gradient| at %.2g, above tol %.2g: %s a larger --tol%s", d.res.MaxAbsGradient, d.opts.Tol, remedy, hint)
	case MaxIter:
		if d.converged() {
			return fmt.Sprintf("max|gradient| is within tol after %s, but the objective still falls: raise --max-iter%s", d.iterations(), hint)
		}
		return fmt.Sprintf("max|gradient| is %.2g after %s, tol is %.2g: raise --max-iter or --tol%s", d.res.MaxAbsGradient, d.iterations(), d.opts.Tol, hint)
	case Separable:
		return "some columns tell the classes apart without error, so the coefficients grow without bound: use --penalty l2, or drop the columns that give the label away"
	case Stalled:
		return fmt.Sprintf("no step lowers the objective although max|gradient| is %.2g: use --dtype float64%s", d.res.MaxAbsGradient, hint)
	case Diverged:
		return fmt.Sprintf("the steps grew without bound: lower the learning rate%s", hint)
	case Interrupted:
		return "stopped before the end: the coefficients are the best so far, not the optimum"
	}
	return ""
}

// iterations is "1 iteration" or "7 iterations".
func (d *descent) iterations() string {
	if d.res.Iterations == 1 {
		return "1 iteration"
	}
	return fmt.Sprintf("%d iterations", d.res.Iterations)
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
