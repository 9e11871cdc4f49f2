package solver

import "gonum.org/v1/gonum/floats"

// memory is the number of pairs kept. 5 to 40 make no difference on logistic
// losses in scaled coordinates.
const memory = 10

// pairs are the last steps s and changes of gradient y, oldest first. With a metric
// they correct its inverse, without one a multiple of the identity.
type pairs struct {
	metric metric
	s, y   [][]float64
	rho    []float64 // 1 / s'y
}

// again starts over in another metric.
func (p *pairs) again(m metric) {
	p.reset()
	p.metric = m
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
		p.metric.solve(dir, dir)
		return
	}
	alpha := make([]float64, m)
	for i := m - 1; i >= 0; i-- {
		alpha[i] = p.rho[i] * floats.Dot(p.s[i], dir)
		floats.AddScaled(dir, -alpha[i], p.y[i])
	}
	y := p.y[m-1]
	inner := y
	if p.metric != nil {
		inner = make([]float64, len(y))
		p.metric.solve(y, inner)
		p.metric.solve(dir, dir)
	}
	floats.Scale(1/(p.rho[m-1]*floats.Dot(y, inner)), dir)
	for i := range m {
		beta := p.rho[i] * floats.Dot(p.y[i], dir)
		floats.AddScaled(dir, alpha[i]-beta, p.s[i])
	}
}
