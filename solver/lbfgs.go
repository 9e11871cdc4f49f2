package solver

import (
	"context"
	"math"

	"gonum.org/v1/gonum/floats"

	"github.com/logreg-gpu/logreg-gpu/internal/hugepages"
	"github.com/logreg-gpu/logreg-gpu/internal/pieces"
)

const (
	// patience is the number of iterations without halving max|gradient|, at values
	// that no longer move beyond rounding, after which rounding is to blame;
	// floorPatience where max|gradient| is as small as rounding is expected to leave
	// it. L-BFGS gradients are not monotone: runs of some tens above their best occur.
	patience      = 60
	floorPatience = 4
)

// lbfgs is the limited-memory BFGS method (Nocedal 1980; Nocedal and Wright 2006,
// algorithm 7.5) with a Wolfe search that goes over to slopes near the floor of
// rounding. Nearly every iteration accepts its first step and costs one pass.
//
// A few pairs know nothing of directions in which the objective hardly bends, as columns
// that nearly depend on each other have them: neither a small gradient nor the gain that
// they expect is then a proof of having arrived, nor is it where the minimum may lie at
// infinity (escape). So the end is confirmed by newton, if the objective allows it, which
// costs one evaluation at a true minimum; for many coefficients by newton-cg.
func lbfgs(ctx context.Context, d *descent) error {
	exact := d.obj.Dim() <= newtonDim && Can(d.obj, CanHessian)
	q := newQuasiNewton(d)
	q.leave = exact && d.unbounded
	q.confirm = exact || Can(d.obj, CanHessVec)
	if err := q.run(ctx); err != nil {
		return err
	}
	switch {
	case !q.confirm || d.res.Status != "" && d.res.Status != Precision && d.res.Status != Stalled:
		return nil
	case exact:
		return newton(ctx, d)
	case d.res.Status == "":
		return newtonCG(ctx, d)
	}
	return nil
}

// quasiNewton is a run of L-BFGS, perhaps in a metric.
type quasiNewton struct {
	d    *descent
	past pairs
	flat flatness
	away escape

	leave   bool // return, with the status open, where the gradient no longer tells (escape),
	confirm bool // and where all would say that the run has converged

	// pause, if not nil, is told before every step the gain that the quadratic model
	// expects; where it returns true, run returns with the status open.
	pause func(gain float64) bool
}

func newQuasiNewton(d *descent) *quasiNewton {
	return &quasiNewton{d: d, flat: flatness{d: d}, past: pairs{threads: d.opts.threads()}}
}

// run goes on from d's point, evaluated or not.
func (q *quasiNewton) run(ctx context.Context) error {
	d := q.d
	if !d.started() {
		if err := d.evalStart(ctx); err != nil {
			return err
		}
	}
	n, threads := d.obj.Dim(), d.opts.threads()
	v := hugepages.Vectors(n, 3)
	dir, xt, gt := v[0], v[1], v[2]
	for {
		q.past.direction(d.grad, dir)
		slope := dot(d.grad, dir, threads)
		if d.escaping() && q.leave {
			return nil
		}
		if gone, err := q.away.look(ctx, d, dir, -slope); gone || err != nil {
			return err
		}
		switch {
		case d.converged() && d.settled(-slope/2) && !q.away.suspected():
			if !q.confirm {
				d.end(Converged)
			}
			return nil
		case d.exhausted():
			d.end(MaxIter)
			return nil
		case q.flat.floor(-slope):
			d.end(d.floored())
			return nil
		}
		if !(slope < 0) && q.past.len() > 0 { // rounding has spoiled the pairs
			q.past.reset()
			continue
		}
		if !(slope < 0) {
			d.end(d.floored())
			return nil
		}
		if q.pause != nil && q.pause(-slope/2) {
			return nil
		}
		l := line{
			origin: point{0, d.value, slope},
			slack:  d.slack(),
			eval: func(t float64) (point, error) {
				pieces.Each(n, threads, func(lo, hi int) { floats.AddScaledTo(xt[lo:hi], d.x[lo:hi], t, dir[lo:hi]) })
				f, err := d.obj.Eval(ctx, xt, gt)
				return point{t, f, dot(gt, dir, threads)}, err
			},
		}
		step := 1.0
		if q.past.len() == 0 && q.past.metric == nil {
			step = min(1, 1/norm(d.grad, threads))
		}
		p, ok, again, err := l.search(step, nil)
		if err == nil && ok && again {
			p, err = l.eval(p.t)
		}
		if err != nil {
			return err
		}
		if !ok {
			if q.past.len() > 0 {
				q.past.reset()
				continue
			}
			d.end(d.stuck(-slope))
			return nil
		}
		q.past.add(d.x, xt, d.grad, gt)
		d.accept(xt, gt, p.value, p.t)
	}
}

// enough is what the steps to come may still gain at convergence: max|gradient| alone
// does not bound it. As a share of the value it is 1e-9 at the default tol, and grows
// with larger ones.
func (d *descent) enough() float64 {
	return max(1e-9, 1e-3*d.opts.Tol) * math.Abs(d.value)
}

// settled tells whether the expected gain is small enough, or, where the minimum is
// 0, lost in the rounding of the first value.
func (d *descent) settled(gain float64) bool {
	return gain <= d.enough()+float64Noise*math.Abs(d.res.Trace[0].Value)
}

// floored is the status of a run that rounding has ended.
func (d *descent) floored() Status {
	if d.converged() {
		return Converged
	}
	return Precision
}

// limited is the status of a run that the limit of iterations has ended where nothing
// is known of the gain to come.
func (d *descent) limited() Status {
	if d.converged() {
		return Converged
	}
	return MaxIter
}

// stuck is the status of a run in which no step improves: a first-order gain that
// rounding could hide makes it Precision.
func (d *descent) stuck(gain float64) Status {
	switch {
	case d.converged():
		return Converged
	case gain <= 1e3*d.slack() || d.maxAbs <= 10*d.floor:
		return Precision
	}
	return Stalled
}

// flatness watches for the floor of rounding: iterations that neither move the value
// nor shrink max|gradient| nor the gain that the quadratic model expects.
type flatness struct {
	d           *descent
	seen        bool
	since       int     // iteration of the last progress
	value       float64 // then
	least, gain float64 // the smallest max|gradient| and expected gain until then
}

// floor tells whether to give up, at the present point and its expected gain.
func (f *flatness) floor(gain float64) bool {
	d := f.d
	if !f.seen || d.maxAbs <= f.least/2 || gain <= f.gain/2 || d.value < f.value-d.slack() {
		f.since, f.value = d.res.Iterations, d.value
		if !f.seen {
			f.least, f.gain = d.maxAbs, gain
		}
		f.seen = true
		f.least, f.gain = min(f.least, d.maxAbs), min(f.gain, gain)
		return false
	}
	limit := patience
	if f.least <= d.floor {
		limit = floorPatience
	}
	return d.res.Iterations-f.since >= limit
}
