package solver

import (
	"math"

	"gonum.org/v1/gonum/floats"

	"github.com/logreg-gpu/logreg-gpu/internal/pieces"
)

// memory is the number of pairs kept. 5 to 40 make no difference on logistic
// losses in scaled coordinates.
const memory = 10

// blockMemory is that in a metric of several blocks: it lacks what lies between them, which
// steps have to make up for, many of them. 40 are no better.
const blockMemory = 20

// pairs are the last steps s and changes of gradient y, oldest first. With a metric
// they correct its inverse, without one a multiple of the identity.
type pairs struct {
	metric  *metric
	list    []pair
	threads int // of the work on vectors; 0 is one. It changes no result.

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
	p.metric, p.solved = m, nil
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
	room := memory
	if p.metric.blocked() {
		room = blockMemory
	}
	if len(p.list) == room {
		next = p.list[0]
		copy(p.list, p.list[1:])
		p.list = p.list[:room-1]
	} else {
		next.s, next.y = make([]float64, len(x)), make([]float64, len(x))
	}
	pieces.Each(len(x), p.threads, func(lo, hi int) {
		floats.SubTo(next.s[lo:hi], xt[lo:hi], x[lo:hi])
		floats.SubTo(next.y[lo:hi], gt[lo:hi], g[lo:hi])
	})
	sy := dot(next.s, next.y, p.threads)
	if !(sy > 1e-12*norm(next.s, p.threads)*norm(next.y, p.threads)) {
		return
	}
	next.rho, next.solved = 1/sy, nil
	p.list = append(p.list, next)
}

// direction sets dir to -H g, H the approximate inverse Hessian (two-loop recursion). A
// product is summed in the sweep that makes its last factor.
func (p *pairs) direction(g, dir []float64) {
	n, last := len(g), p.len()-1
	p.solve(g)
	alpha := make([]float64, last+1)
	for i := last; i >= 0; i-- {
		q := &p.list[i]
		alpha[i] = q.rho * pieces.Sum(n, p.threads, func(lo, hi int) float64 {
			to := dir[lo:hi]
			if i == last {
				negate(to, g[lo:hi])
			} else {
				floats.AddScaled(to, -alpha[i+1], p.list[i+1].y[lo:hi])
			}
			return floats.Dot(q.s[lo:hi], to)
		})
	}
	by := 1.0
	if last >= 0 {
		newest := &p.list[last]
		inner := newest.y
		if p.metric != nil {
			inner = newest.solved
		}
		by = 1 / (newest.rho * dot(newest.y, inner, p.threads))
	}
	middle := func(lo, hi int) []float64 {
		to := dir[lo:hi]
		switch {
		case p.metric != nil:
			negate(to, p.solved[lo:hi])
			for i, a := range alpha {
				floats.AddScaled(to, -a, p.list[i].solved[lo:hi])
			}
		case last < 0:
			negate(to, g[lo:hi])
		default:
			floats.AddScaled(to, -alpha[0], p.list[0].y[lo:hi])
		}
		if last >= 0 {
			floats.Scale(by, to)
		}
		return to
	}
	if last < 0 {
		pieces.Each(n, p.threads, func(lo, hi int) { middle(lo, hi) })
		return
	}
	more := 0.0 // of the s before
	for i := range p.list {
		q := &p.list[i]
		beta := q.rho * pieces.Sum(n, p.threads, func(lo, hi int) float64 {
			to := dir[lo:hi]
			if i == 0 {
				middle(lo, hi)
			} else {
				floats.AddScaled(to, more, p.list[i-1].s[lo:hi])
			}
			return floats.Dot(q.y[lo:hi], to)
		})
		more = alpha[i] - beta
	}
	pieces.Each(n, p.threads, func(lo, hi int) { floats.AddScaled(dir[lo:hi], more, p.list[last].s[lo:hi]) })
}

// solve sets solved for g, and that of the pairs that lack it.
func (p *pairs) solve(g []float64) {
	if p.metric == nil {
		return
	}
	solved := make([]float64, len(g))
	p.metric.solve(g, solved)
	if last := p.len() - 1; last >= 0 && p.list[last].solved == nil && p.solved != nil {
		before := p.solved
		pieces.Each(len(g), p.threads, func(lo, hi int) { floats.SubTo(before[lo:hi], solved[lo:hi], before[lo:hi]) })
		p.list[last].solved = before
	}
	for i := range p.list {
		if q := &p.list[i]; q.solved == nil { // in another metric so far
			q.solved = make([]float64, len(g))
			p.metric.solve(q.y, q.solved)
		}
	}
	p.solved = solved
}

func negate(to, v []float64) {
	for i, x := range v {
		to[i] = -x
	}
}

func dot(u, v []float64, threads int) float64 {
	return pieces.Sum(len(u), threads, func(lo, hi int) float64 { return floats.Dot(u[lo:hi], v[lo:hi]) })
}

func norm(v []float64, threads int) float64 {
	if len(v) <= pieces.Size {
		return floats.Norm(v, 2)
	}
	return math.Sqrt(dot(v, v, threads))
}
