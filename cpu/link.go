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
func (k *kernels[T]) lossResidual(m backend.Model, label []int32, z, l []T) {
	if m.Classes > 0 {
		k.Softmax(label, m.Classes, z, len(label), l)
	} else {
		k.Link(label, m.Class, z, l)
	}
}

// hessian replaces the logits z of n rows by the Hessian of their losses times v. e is
// scratch of the size of z.
func (k *kernels[T]) hessian(m backend.Model, n int, z, v, e []T) {
	if m.Classes > 0 {
		k.Shares(n, m.Classes, z, n)
		centred(n, z, v)
		return
	}
	k.curvatures(z, e)
	for i := range z {
		z[i] *= v[i]
	}
}

// centred replaces p by p_c (v_c - sum_o p_o v_o) in each of n rows.
func centred[T number](n int, p, v []T) {
	for i := range n {
		var mean T
		for at := i; at < len(p); at += n {
			mean += p[at] * v[at]
		}
		for at := i; at < len(p); at += n {
			p[at] *= v[at] - mean
		}
	}
}

// probabilities replaces the logits of n rows by probabilities. e is scratch of the size
// of z.
func (k *kernels[T]) probabilities(m backend.Model, n int, z, e []T) {
	if m.Classes == 0 {
		e = e[:len(z)]
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
	k.Shares(n, m.Classes, z, n)
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
