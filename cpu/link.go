package cpu

import (
	"math"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// The link takes the logits of a tile to losses, residuals, probabilities and
// curvatures. z holds one run of n numbers an output, n the rows of the tile; all
// results are unweighted. Nothing subtracts nearly equal numbers where it can be
// avoided: residuals near zero keep their digits.

// lossResidual writes the loss of each row to l and replaces z by its residuals.
// e is scratch of the size of z.
func (k *kernels[T]) lossResidual(m backend.Model, label []int32, z, l, e []T) {
	n := len(label)
	l = l[:n]
	if m.Classes > 0 {
		k.softmaxLoss(m.Classes, label, z, l, e)
		return
	}
	k.Link(label, m.Class, z, l)
}

func (k *kernels[T]) softmaxLoss(classes int, label []int32, z, l, e []T) {
	n := len(label)
	for i := range n {
		top := largest(z, n, i)
		l[i] = z[top] - z[int(label[i])*n+i]
		exponents(z, e, n, i, z[top])
	}
	k.ExpNeg(e[:n*classes], e[:n*classes])
	for i, y := range label {
		top := largest(z, n, i)
		var others, rest T // than the largest, than the label's
		for at := i; at < n*classes; at += n {
			if at != top {
				others += e[at]
			}
			if at != int(y)*n+i {
				rest += e[at]
			}
		}
		l[i] += T(math.Log1p(float64(others)))
		scale := 1 / (1 + others)
		for at := i; at < n*classes; at += n {
			z[at] = e[at] * scale
		}
		z[int(y)*n+i] = -rest * scale
	}
}

// largest returns the place of row i's largest logit.
func largest[T number](z []T, n, i int) (top int) {
	top = i
	for at := i + n; at < len(z); at += n {
		if z[at] > z[top] {
			top = at
		}
	}
	return top
}

// exponents writes high - z of row i to e.
func exponents[T number](z, e []T, n, i int, high T) {
	for at := i; at < len(z); at += n {
		e[at] = high - z[at]
	}
}

// probabilities replaces the logits of n rows by probabilities.
func (k *kernels[T]) probabilities(m backend.Model, n int, z, e []T) {
	e = e[:len(z)]
	if m.Classes == 0 {
		for i, v := range z {
			e[i] = abs(v)
		}
		k.ExpNeg(e, e)
		for i, v := range z {
			p := 1 / (1 + e[i])
			if v < 0 {
				p *= e[i]
			}
			z[i] = p
		}
		return
	}
	for i := range n {
		exponents(z, e, n, i, z[largest(z, n, i)])
	}
	k.ExpNeg(e, e)
	for i := range n {
		var sum T
		for at := i; at < len(z); at += n {
			sum += e[at]
		}
		scale := 1 / sum
		for at := i; at < len(z); at += n {
			z[at] = e[at] * scale
		}
	}
}

// curvatures replaces the logits of a model of one output by p (1-p).
func (k *kernels[T]) curvatures(z, e []T) {
	e = e[:len(z)]
	for i, v := range z {
		e[i] = abs(v)
	}
	k.ExpNeg(e, e)
	for i, v := range e {
		q := 1 / (1 + v)
		z[i] = v * q * q
	}
}

func abs[T number](v T) T { return T(math.Abs(float64(v))) }
