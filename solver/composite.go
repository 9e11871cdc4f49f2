package solver

import "math"

// Composite is an objective to which weighted absolute values belong. What is
// minimised, and what results and traces call the value, is then
//
//	F(x) = f(x) + sum_j lambda_j |x_j|
//
// where f is what Eval, EvalHessian and a Line compute, with its gradient.
type Composite interface {
	Objective

	// Lasso returns the lambda_j >= 0, nil when all are zero. The caller must not
	// modify it.
	Lasso() []float64

	// MaxAbsSubgradient is to F what MaxAbsGradient is to f: the largest component,
	// in the units in which convergence is judged, of the subgradient at x that is
	// nearest to zero. It is zero exactly at the minimum. grad is the gradient of f.
	MaxAbsSubgradient(x, grad []float64) float64
}

// Subgradient is the number nearest to zero among the derivatives at x of a function
// plus lambda |x|, where g is the function's own derivative: all numbers from
// g - lambda to g + lambda at x = 0, else one.
func Subgradient(x, g, lambda float64) float64 {
	switch {
	case x > 0:
		return g + lambda
	case x < 0:
		return g - lambda
	}
	return softThreshold(g, lambda)
}

// softThreshold moves v towards zero by lambda, no further than to zero. It never
// returns a negative zero.
func softThreshold(v, lambda float64) float64 {
	switch {
	case v > lambda:
		return v - lambda
	case v < -lambda:
		return v + lambda
	}
	return 0
}

// absolutes are the weights of a Composite; nil stands for zeros.
type absolutes []float64

// lassoOf gives the absolute values that belong to obj.
func lassoOf(obj Objective) absolutes {
	if c, ok := obj.(Composite); ok {
		return c.Lasso()
	}
	return nil
}

// of is the weight of |x_j|.
func (a absolutes) of(j int) float64 {
	if a == nil {
		return 0
	}
	return a[j]
}

// at is sum_j lambda_j |x_j|.
func (a absolutes) at(x []float64) (sum float64) {
	for j, l := range a {
		sum += float64(l * math.Abs(x[j]))
	}
	return sum
}

// subgradient writes the subgradient nearest to zero to out.
func (a absolutes) subgradient(x, grad, out []float64) {
	for j, g := range grad {
		out[j] = Subgradient(x[j], g, a.of(j))
	}
}

// arrival is the derivative of F by t at xt = x + t dir, coming from smaller t. F is
// convex, so that F(x) - F(xt) >= -t arrival: where values are too close to compare,
// it alone can tell that F fell.
func (a absolutes) arrival(xt, grad, dir []float64) (slope float64) {
	for j, g := range grad {
		slope += float64(g * dir[j])
		switch l := a.of(j); {
		case l == 0:
		case xt[j] > 0:
			slope += float64(l * dir[j])
		case xt[j] < 0:
			slope -= float64(l * dir[j])
		default:
			slope -= float64(l * math.Abs(dir[j]))
		}
	}
	return slope
}
