package reference

import (
	"math"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// lossResidual returns the loss of one row with the given label and writes its
// derivative by each z to r. Nothing here subtracts nearly equal numbers: a residual
// near zero keeps all its digits.
func lossResidual(m backend.Model, label int32, z, r []float64) float64 {
	if m.Classes == 0 {
		// With t = -z for the class itself, z for the others: l = log(1 + e^t), and
		// the residual is sigmoid(t) with the sign of dt/dz.
		if label == m.Class {
			r[0] = -sigmoid(-z[0])
			return softplus(-z[0])
		}
		r[0] = sigmoid(z[0])
		return softplus(z[0])
	}
	top := probabilities(m, z, r)
	rest := 0.0 // 1 - p_y
	for c, p := range r {
		if c != int(label) {
			rest += p
		}
	}
	r[label] = -rest
	// logsumexp(z) = z_top + log1p(sum of the others' e^(z_c - z_top))
	others := 0.0
	for c := range z {
		if c != top {
			others += math.Exp(z[c] - z[top])
		}
	}
	return (z[top] - z[label]) + math.Log1p(others)
}

// probabilities writes the probability of each output to p and returns the output
// of the largest z.
func probabilities(m backend.Model, z, p []float64) (top int) {
	if m.Classes == 0 {
		p[0] = sigmoid(z[0])
		return 0
	}
	for c := range z {
		if z[c] > z[top] {
			top = c
		}
	}
	sum := 0.0
	for c := range z {
		p[c] = math.Exp(z[c] - z[top])
		sum += p[c]
	}
	for c := range p {
		p[c] /= sum
	}
	return top
}

// curvature returns d2 l / dz_r dz_c = p_r (delta_rc - p_c). It does not depend on
// the label. p holds the probabilities at z.
func curvature(m backend.Model, z, p []float64, r, c int) float64 {
	switch {
	case m.Classes == 0:
		return sigmoid(z[0]) * sigmoid(-z[0])
	case r != c:
		return -p[r] * p[c]
	}
	rest := 0.0
	for other := range p {
		if other != c {
			rest += p[other]
		}
	}
	return p[c] * rest
}

// sigmoid is 1 / (1 + e^-z), with the exponent kept negative.
func sigmoid(z float64) float64 {
	e := math.Exp(-math.Abs(z))
	if z >= 0 {
		return 1 / (1 + e)
	}
	return e / (1 + e)
}

// softplus is log(1 + e^z) in its stable form.
func softplus(z float64) float64 {
	return math.Max(z, 0) + math.Log1p(math.Exp(-math.Abs(z)))
}
