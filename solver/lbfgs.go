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
//
// Where the minimum may lie at infinity, a small gradient is no proof of having
// arrived, and the few pairs know too little of the Hessian to tell (escape): the end
// is then left to newton, if the objective allows it. At a true minimum that costs a
// pass or two.
func lbfgs(ctx context.Context, d *descent) error {
	confirm := d.unbounded && d.obj.Dim() <= newtonDim && Can(d.obj, CanHessian)
	if err := bfgs(ctx, d, confirm); err != nil {
		return err
	}
	if confirm && (d.res.Status == "" || d.res.Status == Precision) {
		return newton(ctx, d)
	}
	return nil
}

// bfgs is lbfgs without confirmation; with confirm it leaves the status open where
// the confirmation has to begin.
func bfgs(ctx context.Context, d *descent, confirm bool) error {
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
		slope := floats.Dot(d.grad, dir)
		if d.escaping() {
			if confirm {
				return nil
			}
			away.look(d, dir)
		}
		switch {
		case away.certain():
			d.end(Separable)
			return nil
		case d.converged() && !away.suspected():
			d.end(Converged)
			return nil
		case d.exhausted():
			d.end(MaxIter)
			return nil
		case flat.floor(-slope):
			d.end(Precision)
			return nil
		}
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
