package cpu

import "github.com/logreg-gpu/logreg-gpu/backend"

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

// hessian replaces the logits z of n rows by the Hessian of their losses times v.
func (k *kernels[T]) hessian(m backend.Model, n int, z, v []T) {
	k.derivatives(m, n, z)
	if m.Classes > 0 {
		centred(n, z, v)
		return
	}
	for i := range z {
		z[i] *= v[i]
	}
}

// centred replaces p by p_c (v_c - sum_o p_o v_o) in each of n rows.
func centred[T number](n int, p, v []T) {
	var means [64]T
	for first := 0; first < n; first += len(means) {
		end := min(first+len(means), n)
		mean := means[:end-first]
		clear(mean)
		for at := 0; at < len(p); at += n {
			vs := v[at+first : at+end]
			for i, q := range p[at+first : at+end] {
				mean[i] += T(q * vs[i])
			}
		}
		for at := 0; at < len(p); at += n {
			ps, vs := p[at+first:at+end], v[at+first:at+end]
			for i, q := range ps {
				ps[i] = q * (vs[i] - mean[i])
			}
		}
	}
}

// probabilities replaces the logits of n rows by probabilities.
func (k *kernels[T]) probabilities(m backend.Model, n int, z []T) {
	if m.Classes == 0 {
		k.Sigmoid(z, z)
	} else {
		k.Shares(n, m.Classes, z, n)
	}
}

// derivatives replaces the logits of n rows by what second derivatives are made of: p
// (1-p) for a model of one output, else probabilities.
func (k *kernels[T]) derivatives(m backend.Model, n int, z []T) {
	if m.Classes == 0 {
		k.Curvature(z, z)
	} else {
		k.Shares(n, m.Classes, z, n)
	}
}
