package solver

import "gonum.org/v1/gonum/floats"

// memory is the number of pairs kept. 5 to 40 make no difference on logistic
// losses in scaled coordinates.
const memory = 10

// pairs are the last steps s and changes of gradient y, oldest first. With a metric
// they correct its inverse, without one a multiple of the identity.
type pairs struct {
	metric *metric
	list   []pair

	// solved is the inverse metric times the gradient that direction was last asked for.
	// Systems in a metric of thousands of columns take as long as a good part of a pass:
	// one for each gradient is all that is needed.
	solved []float64
}

type pair struct {
	s, y   []float64
	solved []float64 // the inverse metric times y, once direction has been asked
	rho    float64   // 1 / s'y
}

// again starts over in another metric.
func (p *pairs) again(m *metric) {
	p.reset()
	p.metric = m
}

// move goes on in another metric. Pairs say what no metric of a part of the Hessian does.
func (p *pairs) move(m *metric) {
	p.metric, p.solved = m, nil
	for i := range p.list {
		p.list[i].solved = nil
	}
}

func (p *pairs) len() int { return len(p.list) }

func (p *pairs) reset() { p.list = p.list[:0] }

// add takes the step from x, where direction was asked last, to xt, unless its curvature
// is lost in rounding.
func (p *pairs) add(x, xt, g, gt []float64) {
	var next pair
	if len(p.list) == memory {
		next = p.list[0]
		copy(p.list, p.list[1:])
		p.list = p.list[:memory-1]
	} else {
		next.s, next.y = make([]float64, len(x)), make([]float64, len(x))
	}
	floats.SubTo(next.s, xt, x)
	floats.SubTo(next.y, gt, g)
	sy := floats.Dot(next.s, next.y)
	if !(sy > 1e-12*floats.Norm(next.s, 2)*floats.Norm(next.y, 2)) {
		return
	}
	next.rho, next.solved = 1/sy, nil
	p.list = append(p.list, next)
}

// direction sets dir to -H g, H the approximate inverse Hessian (two-loop recursion).
func (p *pairs) direction(g, dir []float64) {
	last := p.len() - 1
	if p.metric != nil {
		solved := make([]float64, len(g))
		p.metric.solve(g, solved)
		if last >= 0 && p.list[last].solved == nil && p.solved != nil {
			floats.Sub(p.solved, solved)
			floats.Scale(-1, p.solved)
			p.list[last].solved = p.solved
		}
		for i := range p.list {
			if q := &p.list[i]; q.solved == nil { // in another metric so far
				q.solved = make([]float64, len(g))
				p.metric.solve(q.y, q.solved)
			}
		}
		p.solved = solved
	}
	for i, v := range g {
		dir[i] = -v
	}
	if last < 0 {
		if p.metric != nil {
			floats.ScaleTo(dir, -1, p.solved)
		}
		return
	}
	alpha := make([]float64, last+1)
	for i := last; i >= 0; i-- {
		q := &p.list[i]
		alpha[i] = q.rho * floats.Dot(q.s, dir)
		floats.AddScaled(dir, -alpha[i], q.y)
	}
	newest := &p.list[last]
	inner := newest.y
	if p.metric != nil {
		inner = newest.solved
		floats.ScaleTo(dir, -1, p.solved)
		for i, a := range alpha {
			floats.AddScaled(dir, -a, p.list[i].solved)
		}
	}
	floats.Scale(1/(newest.rho*floats.Dot(newest.y, inner)), dir)
	for i, a := range alpha {
		q := &p.list[i]
		beta := q.rho * floats.Dot(q.y, dir)
		floats.AddScaled(dir, a-beta, q.s)
	}
}
