package cholesky

import (
	"math"

	"gonum.org/v1/gonum/blas/blas64"
)

// solveBlock is the side of the triangles that are solved one after the other. What they
// leave to do is shared out: solveStrip columns of the rows below at a time, or so many
// rows above.
const (
	solveBlock = 128
	solveStrip = 256
)

// Solve replaces b, n numbers, by the solution x of U'U x = b, where U is what Factor
// left of a matrix. It goes along rows of U in both directions. threads bounds the
// goroutines at work and changes no bit.
func Solve(u []float64, n, stride int, b []float64, threads int) {
	row := func(i, from, to int) blas64.Vector {
		return blas64.Vector{N: to - from, Inc: 1, Data: u[i*stride+from:]}
	}
	part := func(from, to int) blas64.Vector { return blas64.Vector{N: to - from, Inc: 1, Data: b[from:]} }
	strips := func(first, last int, do func(lo, hi int)) {
		each((last-first+solveStrip-1)/solveStrip, threads, func(k int) {
			lo := first + k*solveStrip
			do(lo, min(lo+solveStrip, last))
		})
	}
	for first := 0; first < n; first += solveBlock {
		last := min(first+solveBlock, n)
		for i := first; i < last; i++ {
			b[i] /= u[i*stride+i]
			if i+1 < last {
				blas64.Axpy(-b[i], row(i, i+1, last), part(i+1, last))
			}
		}
		strips(last, n, func(lo, hi int) {
			for i := first; i < last; i++ {
				blas64.Axpy(-b[i], row(i, lo, hi), part(lo, hi))
			}
		})
	}
	for first := (n - 1) / solveBlock * solveBlock; first >= 0; first -= solveBlock {
		last := min(first+solveBlock, n)
		for i := last - 1; i >= first; i-- {
			if i+1 < last {
				b[i] -= blas64.Dot(row(i, i+1, last), part(i+1, last))
			}
			b[i] /= u[i*stride+i]
		}
		strips(0, first, func(lo, hi int) {
			for i := lo; i < hi; i++ {
				b[i] -= blas64.Dot(row(i, first, last), part(first, last))
			}
		})
	}
}

// InverseNorm estimates the largest column sum of |inverse of U'U| from below, mostly
// within a factor 3: Hager (1984), with the safeguard of Higham (1988).
func InverseNorm(u []float64, n, stride, threads int) (norm float64) {
	x, y := make([]float64, n), make([]float64, n)
	for i := range x {
		x[i] = 1 / float64(n)
	}
	for range hagerSteps {
		copy(y, x)
		Solve(u, n, stride, y, threads)
		before := norm
		if norm = blas64.Asum(vector(y)); !(norm > before) {
			norm = before
			break
		}
		for i, v := range y { // the gradient of the norm by x, times the inverse
			y[i] = math.Copysign(1, v)
		}
		Solve(u, n, stride, y, threads)
		top := blas64.Iamax(vector(y))
		if !(math.Abs(y[top]) > blas64.Dot(vector(y), vector(x))) {
			break
		}
		clear(x)
		x[top] = 1
	}
	for i := range y {
		y[i] = 1 + float64(i)/math.Max(1, float64(n-1))
		if i%2 == 1 {
			y[i] = -y[i]
		}
	}
	Solve(u, n, stride, y, threads)
	return math.Max(norm, 2*blas64.Asum(vector(y))/float64(3*n))
}

const hagerSteps = 5

func vector(v []float64) blas64.Vector { return blas64.Vector{N: len(v), Inc: 1, Data: v} }
