package solver

import (
	"context"

	"gonum.org/v1/gonum/floats"
)

const (
	// memory is the number of pairs kept. 5 to 40 make no difference on logistic
	// losses in scaled coordinates.
	memory = 10

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
func lbfgs(ctx context.Context, d *descent) error {
	if err := d.evalStart(ctx); err != nil {
		return err
	}
	n := d.obj.Dim()
	var (
		past = pairs{rho: make([]float64, 0, memory)}
		dir  = make([]float64, n)
		xt   = make([]float64, n)
		gt   = make([]float64, n)
		flat = flatness{d: d}
		away escape
	)
	for {
		past.direction(d.grad, dir)
		switch {
		case d.converged() && !(d.unbounded && away.suspect(d, dir)):
			d.end(Converged)
			return nil
		case away.certain():
			d.end(Separable)
			return nil
		case d.exhausted():
			d.end(MaxIter)
			return nil
		case flat.floor():
			d.end(Precision)
			return nil
		}
		slope := floats.Dot(d.grad, dir)
		if !(slope < 0) && past.len() > 0 { // rounding has spoiled the pairs
			past.reset()
			continue
		}
		if !(slope < 0) {
			d.end(Precision)
			return nil
		}
		l := line{
			origin: point{0, d.value, slope},
			slack:  d.slack(),
			eval: func(t float64) (point, error) {
				floats.AddScaledTo(xt, d.x, t, dir)
				f, err := d.obj.Eval(ctx, xt, gt)
				return point{t, f, floats.Dot(gt, dir)}, err
			},
		}
		step := 1.0
		if past.len() == 0 {
			step = min(1, 1/floats.Norm(d.grad, 2))
		}
		p, ok, again, err := l.search(step, nil)
		if err == nil && ok && again {
			p, err = l.eval(p.t)
		}
		if err != nil {
			return err
		}
		if !ok {
			if past.len() > 0 {
				past.reset()
				continue
			}
			d.end(d.stuck(-slope))
			return nil
		}
		past.add(d.x, xt, d.grad, gt)
		d.accept(xt, gt, p.value, p.t)
	}
}

// stuck is the status of a run in which no step improves: a first-order gain that
// rounding could hide makes it Precision.
func (d *descent) stuck(gain float64) Status {
	if gain <= 1e3*d.slack() || d.maxAbs <= 10*d.floor {
		return Precision
	}
	return Stalled
}

// pairs are the last steps s and changes of gradient y, oldest first.
type pairs struct {
	s, y [][]float64
	rho  []float64 // 1 / s'y
}

func (p *pairs) len() int { return len(p.rho) }

func (p *pairs) reset() { p.s, p.y, p.rho = p.s[:0], p.y[:0], p.rho[:0] }

// add takes the step from x to xt, unless its curvature is lost in rounding.
func (p *pairs) add(x, xt, g, gt []float64) {
	var s, y []float64
	if len(p.rho) == memory {
		s, y = p.s[0], p.y[0]
		copy(p.s, p.s[1:])
		copy(p.y, p.y[1:])
		copy(p.rho, p.rho[1:])
		p.s, p.y, p.rho = p.s[:memory-1], p.y[:memory-1], p.rho[:memory-1]
	} else {
		s, y = make([]float64, len(x)), make([]float64, len(x))
	}
	floats.SubTo(s, xt, x)
	floats.SubTo(y, gt, g)
	sy := floats.Dot(s, y)
	if !(sy > 1e-12*floats.Norm(s, 2)*floats.Norm(y, 2)) {
		return
	}
	p.s, p.y, p.rho = append(p.s, s), append(p.y, y), append(p.rho, 1/sy)
}

// direction sets dir to -H g, H the approximate inverse Hessian (two-loop recursion).
func (p *pairs) direction(g, dir []float64) {
	for i, v := range g {
		dir[i] = -v
	}
	m := p.len()
	if m == 0 {
		return
	}
	alpha := make([]float64, m)
	for i := m - 1; i >= 0; i-- {
		alpha[i] = p.rho[i] * floats.Dot(p.s[i], dir)
		floats.AddScaled(dir, -alpha[i], p.y[i])
	}
	y := p.y[m-1]
	floats.Scale(1/(p.rho[m-1]*floats.Dot(y, y)), dir)
	for i := range m {
		beta := p.rho[i] * floats.Dot(p.y[i], dir)
		floats.AddScaled(dir, alpha[i]-beta, p.s[i])
	}
}

// flatness watches for the floor of rounding: iterations that neither move the value
// nor shrink the gradient.
type flatness struct {
	d     *descent
	seen  bool
	since int     // iteration of the last progress
	value float64 // then
	least float64 // max|gradient| then
}

func (f *flatness) floor() bool {
	d := f.d
	if !f.seen || d.maxAbs <= f.least/2 || d.value < f.value-d.slack() {
		f.least = d.maxAbs
		if f.seen {
			f.least = min(f.least, d.res.MaxAbsGradient)
		}
		f.seen, f.since, f.value = true, d.res.Iterations, d.value
		return false
	}
	limit := patience
	if f.least <= d.floor {
		limit = floorPatience
	}
	return d.res.Iterations-f.since >= limit
}

// escape watches runs without a penalty whose gradient is small enough: at a true
// minimum the Newton step -H g has shrunk with it, but towards a minimum at infinity
// the Hessian shrinks as fast as the gradient and the step keeps its length.
type escape struct {
	count int
	first float64 // length of the step when first suspected
}

const (
	// longStep is the share of the distance travelled that a step at convergence may
	// still have; escapeSteps such steps, none below half the first, are proof enough.
	longStep    = 0.01
	escapeSteps = 5
)

// suspect tells whether dir, the Newton step at a converged point, is too long.
func (e *escape) suspect(d *descent, dir []float64) bool {
	norm := floats.Norm(dir, 2)
	if norm <= longStep*(1+floats.Distance(d.x, d.opts.X0, 2)) || e.count > 0 && norm < e.first/2 {
		e.count = 0
		return false
	}
	if e.count == 0 {
		e.first = norm
	}
	e.count++
	return true
}

func (e *escape) certain() bool { return e.count > escapeSteps }
