package solver

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// factor solves H p = -g for Hessians that may be singular or, by rounding or far
// from a minimum, indefinite.
type factor struct {
	scale    []float64 // 1 / sqrt(H_jj), 0 for coordinates without curvature
	scaled   *mat.SymDense
	damped   *mat.SymDense
	chol     mat.Cholesky
	singular bool // the last Hessian needed damping
	blocked  bool // some coordinate has a gradient, but no curvature
}

const (
	// maxCond is the condition number of the scaled Hessian above which directions
	// along its smallest eigenvectors are rounding errors.
	maxCond = 1e13

	// minDamping is the first damping tried, relative to a diagonal of ones. Rounding
	// errors of g along a null direction, 1e-16 of its terms, then move a point by
	// about 1e-6 of those, while eigenvalues above it keep Newton's convergence.
	minDamping = 1e-10
)

func newFactor(n int) *factor {
	return &factor{scale: make([]float64, n), scaled: mat.NewSymDense(n, nil), damped: mat.NewSymDense(n, nil)}
}

// direction sets dir to -(H + ridge + damping)^-1 g, with the smallest damping of H
// scaled to a unit diagonal that makes it safely positive definite, mostly none. g lies in
// the range of a singular H, so that damping leaves the null directions alone and the
// result tends to the minimum-norm solution. A coordinate without any curvature
// stays where it is.
func (f *factor) direction(h *mat.SymDense, ridge float64, g, dir []float64) {
	n := len(g)
	f.blocked = false
	for j := range n {
		f.scale[j] = 0
		if c := math.Abs(h.At(j, j)) + ridge; c > 0 && finite(1/math.Sqrt(c)) {
			f.scale[j] = 1 / math.Sqrt(c)
		} else if g[j] != 0 {
			f.blocked = true
		}
	}
	for i := range n {
		for j := i; j < n; j++ {
			f.scaled.SetSym(i, j, h.At(i, j)*f.scale[i]*f.scale[j])
		}
		f.scaled.SetSym(i, i, f.scaled.At(i, i)+ridge*f.scale[i]*f.scale[i])
		if f.scale[i] == 0 {
			f.scaled.SetSym(i, i, 1)
		}
	}
	b := mat.NewVecDense(n, dir)
	for damping := 0.0; ; damping = max(100*damping, minDamping) {
		f.singular = damping > 0
		f.damped.CopySym(f.scaled)
		for j := range n {
			f.damped.SetSym(j, j, f.scaled.At(j, j)+damping)
		}
		if !f.chol.Factorize(f.damped) || damping == 0 && f.chol.Cond() > maxCond {
			if damping < 1e10 {
				continue
			}
			// Not even a dominant diagonal helps: the Hessian is not finite.
			for j := range n {
				dir[j] = -g[j]
			}
			return
		}
		for j := range n {
			dir[j] = -g[j] * f.scale[j]
		}
		// The error reports a condition number, which the damping bounds.
		_ = f.chol.SolveVecTo(b, b)
		for j := range n {
			dir[j] *= f.scale[j]
		}
		return
	}
}
