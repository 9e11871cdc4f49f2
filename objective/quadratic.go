package objective

import "github.com/logreg-gpu/logreg-gpu/internal/pieces"

// quadratic is the part of the objective that is no data: the penalty and the gauge,
//
//	1/2 sum_kd ridge_d theta_kd^2  +  1/2 sum_d gauge_d (sum_k theta_kd)^2 / K
//
// over outputs k and coordinates d.
//
// The gauge is for softmax, whose loss does not change when one vector is added to
// the coefficients of all classes. The penalty settles that for what it covers; for
// the rest (the intercepts, and without a penalty everything) the Hessian would be
// singular. The gauge term is positive exactly along those directions and zero at the
// solution in which the coefficients sum to zero over the classes, the one we want:
// it adds nothing to the minimum's value and makes it unique. gauge_d is the
// coordinate's own curvature, so that conditioning does not suffer.
type quadratic struct {
	outputs      int
	threads      int       // of the work on vectors; 0 is one
	ridge, gauge []float64 // of each coordinate of one output; gauge is nil without one
}

// at returns the value at theta; where grad is not nil, the gradient is added to it.
func (q *quadratic) at(theta, grad []float64) float64 {
	if q.outputs > 1 {
		if grad != nil {
			q.times(theta, grad)
		}
		return q.along(theta, theta) / 2
	}
	return pieces.Sum(len(theta), q.threads, func(lo, hi int) (sum float64) {
		ridge := q.ridge[lo:hi]
		for j, v := range theta[lo:hi] {
			if r := ridge[j]; r != 0 {
				by := float64(r * v)
				sum += float64(by * v)
				if grad != nil {
					grad[lo+j] += by
				}
			}
		}
		return sum
	}) / 2
}

// along is the bilinear form u'Qv.
func (q *quadratic) along(u, v []float64) (sum float64) {
	dim := len(q.ridge)
	for d, r := range q.ridge {
		if r != 0 {
			for i := d; i < len(u); i += dim {
				sum += float64(r * u[i] * v[i])
			}
		}
	}
	for d, g := range q.gauge {
		if g != 0 {
			sum += float64(g * total(u, d, dim) * total(v, d, dim) / float64(q.outputs))
		}
	}
	return sum
}

// times adds Qv to out.
func (q *quadratic) times(v, out []float64) {
	dim := len(q.ridge)
	for d, r := range q.ridge {
		if r != 0 {
			for i := d; i < len(v); i += dim {
				out[i] += float64(r * v[i])
			}
		}
	}
	for d, g := range q.gauge {
		if g != 0 {
			t := g * total(v, d, dim) / float64(q.outputs)
			for i := d; i < len(v); i += dim {
				out[i] += t
			}
		}
	}
}

// total sums coordinate d over the outputs.
func total(v []float64, d, dim int) (sum float64) {
	for i := d; i < len(v); i += dim {
		sum += v[i]
	}
	return sum
}
