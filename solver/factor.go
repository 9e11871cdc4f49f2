package solver

import (
	"math"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// factor solves H p = v for Hessians that may be singular or, by rounding or far
// from a minimum, indefinite.
type factor struct {
	scale    []float64 // 1 / sqrt(H_jj), 0 for coordinates without curvature
	diagonal []float64 // of scaled, undamped
	scaled   *mat.SymDense
	chol     mat.Cholesky
	singular bool // the last Hessian needed more damping than asked for
	broken   bool // not even a dominant diagonal helped: the Hessian is not finite
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
	return &factor{scale: make([]float64, n), diagonal: make([]float64, n), scaled: mat.NewSymDense(n, nil)}
}

// factorOf factorises h once, in h's own memory.
func factorOf(h *mat.SymDense, least float64) *factor {
	n := h.SymmetricDim()
	f := &factor{scale: make([]float64, n), diagonal: make([]float64, n), scaled: h}
	f.factorise(h, 0, least)
	f.scaled, f.diagonal = nil, nil
	return f
}

// factorise takes H + ridge with the smallest damping of H scaled to a unit diagonal,
// from least on, that makes it safely positive definite; least is mostly 0 and enough.
func (f *factor) factorise(h *mat.SymDense, ridge, least float64) {
	n := len(f.scale)
	for j := range n {
		f.scale[j] = 0
		if c := math.Abs(h.At(j, j)) + ridge; c > 0 && finite(1/math.Sqrt(c)) {
			f.scale[j] = 1 / math.Sqrt(c)
		}
	}
	for i := range n {
		for j := i; j < n; j++ {
			f.scaled.SetSym(i, j, h.At(i, j)*f.scale[i]*f.scale[j])
		}
		f.diagonal[i] = f.scaled.At(i, i) + ridge*f.scale[i]*f.scale[i]
		if f.scale[i] == 0 {
			f.diagonal[i] = 1
		}
	}
	f.broken = false
	for damping := least; ; damping = max(100*damping, minDamping) {
		f.singular = damping > least
		for j, v := range f.diagonal {
			f.scaled.SetSym(j, j, v+damping)
		}
		if f.chol.Factorize(f.scaled) && (damping > 0 || f.chol.Cond() <= maxCond) {
			return
		}
		if damping >= 1e10 {
			f.broken = true
			return
		}
	}
}

// solve sets out to the inverse of the factorised matrix times v; out may be v. A
// coordinate without any curvature gives 0.
func (f *factor) solve(v, out []float64) {
	if f.broken {
		copy(out, v)
		return
	}
	for j, s := range f.scale {
		out[j] = v[j] * s
	}
	substitute(f.chol.RawU().(mat.RawTriangular).RawTriangular(), out)
	for j, s := range f.scale {
		out[j] *= s
	}
}

// substitute solves U'U x = b in b's memory, along rows of U: mat.Cholesky.SolveVecTo
// goes down a column at a time and is twenty times slower.
func substitute(u blas64.Triangular, b []float64) {
	rest := func(i int) (row, after blas64.Vector) {
		n := u.N - i - 1
		return blas64.Vector{N: n, Inc: 1, Data: u.Data[i*u.Stride+i+1:]}, blas64.Vector{N: n, Inc: 1, Data: b[i+1:]}
	}
	for i := range u.N {
		b[i] /= u.Data[i*u.Stride+i]
		if row, after := rest(i); row.N > 0 {
			blas64.Axpy(-b[i], row, after)
		}
	}
	for i := u.N - 1; i >= 0; i-- {
		if row, after := rest(i); row.N > 0 {
			b[i] -= blas64.Dot(row, after)
		}
		b[i] /= u.Data[i*u.Stride+i]
	}
}

// direction sets dir to -(H + ridge + damping)^-1 g. g lies in the range of a singular
// H, so that damping leaves the null directions alone and the result tends to the
// minimum-norm solution. blocked tells that some coordinate has a gradient, but no
// curvature.
func (f *factor) direction(h *mat.SymDense, ridge float64, g, dir []float64) (blocked bool) {
	f.factorise(h, ridge, 0)
	f.solve(g, dir)
	for j := range dir {
		dir[j] = -dir[j]
		blocked = blocked || f.scale[j] == 0 && g[j] != 0
	}
	return blocked
}
