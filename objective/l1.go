package objective

import (
	"math"
	"slices"

	"github.com/logreg-gpu/logreg-gpu/solver"
)

var _ solver.Composite = (*Objective)(nil)

// lasso is the part of the penalty that is not smooth,
//
//	sum_kj lambda_j |beta_kj|  =  sum_i weight_i |theta_i|
//
// over outputs k and columns j. Units of theta are multiples of the user's and
// centring leaves coefficients alone, so absolute values stay absolute values.
type lasso struct {
	lambda []float64 // of each column, on the scale of the objective
	weight []float64 // of each coordinate of all outputs; nil where lambda is zero
}

// newLasso puts lambda into the solver's coordinates.
func (o *Objective) newLasso(lambda []float64) lasso {
	l := lasso{lambda: lambda}
	if !slices.ContainsFunc(lambda, func(v float64) bool { return v > 0 }) {
		return l
	}
	p := o.coords.dim()
	l.weight = make([]float64, o.Dim())
	for k := range o.outputs() {
		for j, v := range lambda {
			l.weight[k*p+j] = v * o.coords.unit[j]
		}
	}
	return l
}

// at is the value at theta.
func (l *lasso) at(theta []float64) (sum float64) {
	for i, w := range l.weight {
		sum += float64(w * math.Abs(theta[i]))
	}
	return sum
}

// Lasso gives the weights of |theta_i|, nil where the penalty is smooth. It must not
// be modified.
func (o *Objective) Lasso() []float64 { return o.lasso.weight }

// MaxAbsSubgradient is MaxAbsGradient for penalties with absolute values. By each
// coefficient of the user's columns, with the intercept held, it takes the element of
// the subdifferential that is nearest to zero: the derivative where the coefficient is
// not zero, else by how much the derivative of the smooth part exceeds lambda_j.
func (o *Objective) MaxAbsSubgradient(theta, grad []float64) (largest float64) {
	p, c := o.coords.dim(), o.coords
	for k := range o.outputs() {
		t, g := theta[k*p:(k+1)*p], grad[k*p:(k+1)*p]
		b := 0.0
		if c.intercept {
			b = g[c.cols]
			largest = max(largest, math.Abs(b))
		}
		for j := range c.cols {
			u := solver.Subgradient(t[j], c.userGradient(j, g[j], b), o.lasso.lambda[j])
			largest = max(largest, math.Abs(u/c.judgeUnit[j]))
		}
	}
	return largest
}
