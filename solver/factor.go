package solver

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/lapack"
	"gonum.org/v1/gonum/lapack/lapack64"
	"gonum.org/v1/gonum/mat"

	"github.com/logreg-gpu/logreg-gpu/internal/cholesky"
)

// factor solves H p = v for Hessians that may be singular or, by rounding or far
// from a minimum, indefinite.
type factor struct {
	scale    []float64        // 1 / sqrt(H_jj), 0 for coordinates without curvature
	diagonal []float64        // of the scaled H, undamped
	u        blas64.Symmetric // above, the factor of the scaled H; below the diagonal, the scaled H
	threads  int
	singular bool    // the last Hessian needed more damping than asked for
	damping  float64 // of the last Hessian, relative to a diagonal of ones
	first    float64 // damping to try first of singular ones
	noise    float64 // relative error of Hessians: damping below it makes no sense
	broken   bool    // not even a dominant diagonal helped: the Hessian is not finite
}

const (
	// maxCond is the condition number of the scaled Hessian above which directions
	// along its smallest eigenvectors are rounding errors.
	maxCond = 1e13

	// minDamping is the first damping tried, if nothing else is known, relative to a diagonal of ones. Rounding
	// errors of g along a null direction, 1e-16 of its terms, then move a point by
	// about 1e-6 of those, while eigenvalues above it keep Newton's convergence.
	minDamping = 1e-10
)

func newFactor(n, threads int) *factor { return factorIn(mat.NewSymDense(n, nil), threads) }

// factorIn makes a factor that lives in the memory of a matrix, which may be the one that
// it is to be the factor of.
func factorIn(h *mat.SymDense, threads int) *factor {
	n := h.SymmetricDim()
	return &factor{scale: make([]float64, n), diagonal: make([]float64, n), u: h.RawSymmetric(), threads: threads, first: minDamping, noise: float64Noise / 4}
}

// factorise takes H + ridge with the smallest damping of H scaled to a unit diagonal,
// from least on, that makes it safely positive definite; least is mostly 0 and enough.
func (f *factor) factorise(h *mat.SymDense, ridge, least float64) {
	for j := range f.scale {
		f.scale[j] = 0
		if c := math.Abs(h.At(j, j)) + ridge; c > 0 && finite(1/math.Sqrt(c)) {
			f.scale[j] = 1 / math.Sqrt(c)
		}
	}
	raw := h.RawSymmetric()
	for i, s := range f.scale {
		from, to := raw.Data[i*raw.Stride:], f.u.Data[i*f.u.Stride:]
		for j := i; j < f.u.N; j++ {
			to[j] = from[j] * s * f.scale[j]
		}
		f.diagonal[i] = to[i] + ridge*s*s
		if s == 0 {
			f.diagonal[i] = 1
		}
	}
	mirror(f.u, true)
	f.broken = false
	for damping := least; ; damping = max(100*damping, f.first) {
		f.damping = damping
		if f.singular = damping > least; f.singular {
			mirror(f.u, false)
		}
		for j, v := range f.diagonal {
			f.u.Data[j*f.u.Stride+j] = v + damping
		}
		if f.definite(damping == 0) {
			return
		}
		if damping >= 1e10 {
			f.broken = true
			return
		}
	}
}

// definite replaces the upper triangle by its factor and tells whether it is positive
// definite, and safely so if asked.
func (f *factor) definite(safely bool) bool {
	u, norm := f.u, 0.0
	if safely {
		norm = lapack64.Lansy(lapack.MaxColumnSum, u, make([]float64, u.N))
	}
	return cholesky.Factor(u.Data, u.N, u.Stride, f.threads) &&
		(!safely || norm*cholesky.InverseNorm(u.Data, u.N, u.Stride, f.threads) <= maxCond)
}

// mirror copies what is above the diagonal to below it, or back.
func mirror(a blas64.Symmetric, down bool) {
	const side = 32 // of the squares, for both of whose sides there is room in the cache
	for first := 0; first < a.N; first += side {
		for second := first; second < a.N; second += side {
			for i := first; i < min(first+side, a.N); i++ {
				for j := max(second, i+1); j < min(second+side, a.N); j++ {
					if down {
						a.Data[j*a.Stride+i] = a.Data[i*a.Stride+j]
					} else {
						a.Data[i*a.Stride+j] = a.Data[j*a.Stride+i]
					}
				}
			}
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
	cholesky.Solve(f.u.Data, f.u.N, f.u.Stride, out, f.threads)
	for j, s := range f.scale {
		out[j] *= s
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

// flattest is a direction of about the least curvature, found by inverse iteration.
func (f *factor) flattest() []float64 {
	v := make([]float64, len(f.scale))
	random := rand.New(rand.NewPCG(0, 0))
	for j := range v {
		v[j] = random.NormFloat64()
	}
	for range 3 {
		floats.Scale(1/floats.Norm(v, 2), v)
		cholesky.Solve(f.u.Data, f.u.N, f.u.Stride, v, f.threads)
	}
	floats.Scale(1/floats.Norm(v, 2), v)
	floats.Mul(v, f.scale)
	return v
}

// hidden is how many times the gain that a step of the last Hessian expects there may be
// to gain, at most: curvature that damping outweighs shortens no step.
func (f *factor) hidden() float64 {
	if f.singular {
		return max(1, f.damping/f.noise)
	}
	return 1
}

// relax divides the damping of the next singular Hessian, after a step of this one proved
// too short by that factor: curvature there is as many times below the damping.
func (f *factor) relax(by float64) { f.first = max(f.damping/by, f.noise) }

// tighten takes relax back.
func (f *factor) tighten() { f.first = min(100*f.first, minDamping) }
