package cholesky

import (
	"math"

	"gonum.org/v1/gonum/blas/blas64"
)

// Solve replaces b, n numbers, by the solution x of U'U x = b, where U is what Factor
// left of a matrix. It goes along rows of U in both directions.
func Solve(u []float64, n, stride int, b []float64) {
	rest := func(i int) (row, after blas64.Vector) {
		m := n - i - 1
		return blas64.Vector{N: m, Inc: 1, Data: u[i*stride+i+1:]}, blas64.Vector{N: m, Inc: 1, Data: b[i+1:]}
	}
	for i := range n {
		b[i] /= u[i*stride+i]
		if row, after := rest(i); row.N > 0 {
			blas64.Axpy(-b[i], row, after)
		}
	}
	for i := n - 1; i >= 0; i-- {
		if row, after := rest(i); row.N > 0 {
			b[i] -= blas64.Dot(row, after)
		}
		b[i] /= u[i*stride+i]
	}
}

// InverseNorm estimates the largest column sum of |inverse of U'U| from below, mostly
// within a factor 3: Hager (1984), with the safeguard of Higham (1988).
func InverseNorm(u []float64, n, stride int) (norm float64) {
	x, y := make([]float64, n), make([]float64, n)
	for i := range x {
		x[i] = 1 / float64(n)
	}
	for range hagerSteps {
		copy(y, x)
		Solve(u, n, stride, y)
		before := norm
		if norm = blas64.Asum(vector(y)); !(norm > before) {
			norm = before
			break
		}
		for i, v := range y { // the gradient of the norm by x, times the inverse
			y[i] = math.Copysign(1, v)
		}
		Solve(u, n, stride, y)
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
	Solve(u, n, stride, y)
	return math.Max(norm, 2*blas64.Asum(vector(y))/float64(3*n))
}

const hagerSteps = 5

func vector(v []float64) blas64.Vector { return blas64.Vector{N: len(v), Inc: 1, Data: v} }
