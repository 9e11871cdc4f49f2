package cholesky

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"
)

// positive is G'G of random numbers in an array whose rows are longer than the matrix;
// what is below the diagonal and beyond the rows is a pattern.
func positive(n, stride int, seed uint64) (a []float64, whole *mat.SymDense) {
	rng := rand.New(rand.NewPCG(seed, 1))
	g := mat.NewDense(n+2, n, nil)
	for i := range n + 2 {
		for j := range n {
			g.Set(i, j, rng.NormFloat64())
		}
	}
	whole = mat.NewSymDense(n, nil)
	whole.SymOuterK(1, g.T())
	a = make([]float64, n*stride)
	for i := range n {
		for j := range stride {
			a[i*stride+j] = pattern
			if j >= i && j < n {
				a[i*stride+j] = whole.At(i, j)
			}
		}
	}
	return a, whole
}

const pattern = 1e30

var sizes = []int{1, 2, 7, 15, 16, 17, 31, 100, 127, 128, 129, 130, 255, 256, 257, 300}

func eachSet(t *testing.T, f func(t *testing.T, s subtraction)) {
	for _, s := range sets() {
		t.Run(fmt.Sprintf("height %d", s.height), func(t *testing.T) { f(t, s) })
	}
}

func TestFactor(t *testing.T) {
	eachSet(t, func(t *testing.T, s subtraction) {
		for _, n := range sizes {
			stride := n + n%3
			a, whole := positive(n, stride, uint64(n))
			before := append([]float64(nil), a...)
			require.True(t, factor(s, a, n, stride, 2))
			norm := mat.Norm(whole, math.Inf(1))
			for i := range n {
				for j := range stride {
					if j < i || j >= n {
						require.Equal(t, before[i*stride+j], a[i*stride+j], "place %d, %d of %d", i, j, n)
						continue
					}
					sum := 0.0
					for k := range i + 1 {
						sum += a[k*stride+i] * a[k*stride+j]
					}
					// Backward stability: n roundings of the matrix's size at most.
					require.InDelta(t, whole.At(i, j), sum, float64(n+1)*0x1p-53*norm, "place %d, %d of %d", i, j, n)
				}
			}
		}
	})
}

// The number of threads changes no bit.
func TestFactor_P9_Threads(t *testing.T) {
	const n = 400
	one, _ := positive(n, n, 5)
	many := append([]float64(nil), one...)
	require.True(t, Factor(one, n, n, 1))
	require.True(t, Factor(many, n, n, 5))
	require.Equal(t, one, many)
}

func TestFactor_Indefinite(t *testing.T) {
	eachSet(t, func(t *testing.T, s subtraction) {
		for _, bad := range []float64{-1, 0, math.NaN(), math.Inf(1)} {
			for _, at := range []int{0, 20, 129, 199} {
				const n = 200
				a, _ := positive(n, n, 3)
				a[at*n+at] = bad
				require.False(t, factor(s, a, n, n, 2), "%v at %d", bad, at)
			}
		}
	})
}

func TestSolve(t *testing.T) {
	for _, n := range append(sizes, 700) { // the last in several strips
		a, whole := positive(n, n+1, uint64(n))
		require.True(t, Factor(a, n, n+1, 1))
		var chol mat.Cholesky
		require.True(t, chol.Factorize(whole))
		b, want := make([]float64, n), mat.NewVecDense(n, nil)
		for i := range b {
			b[i] = float64(i%7 - 3)
			want.SetVec(i, b[i])
		}
		require.NoError(t, chol.SolveVecTo(want, want))
		alone := slices.Clone(b)
		Solve(a, n, n+1, alone, 1)
		Solve(a, n, n+1, b, 3)
		require.Equal(t, alone, b)
		// Both are off by the condition number times some roundings.
		tolerance := 1e-14 * chol.Cond() * mat.Norm(want, math.Inf(1))
		for i, v := range b {
			require.InDelta(t, want.AtVec(i), v, tolerance, "number %d of %d", i, n)
		}
	}
}

func TestInverseNorm(t *testing.T) {
	for _, n := range sizes {
		a, whole := positive(n, n, uint64(2*n))
		require.True(t, Factor(a, n, n, 1))
		var inverse mat.Dense
		require.NoError(t, inverse.Inverse(whole))
		exact := mat.Norm(&inverse, 1)
		got := InverseNorm(a, n, n, 2)
		// Never above but for rounding; below by more than 3 only for made-up matrices.
		require.LessOrEqual(t, got, exact*(1+1e-6), "n = %d", n)
		require.GreaterOrEqual(t, got, exact/3, "n = %d", n)
	}
}

func BenchmarkFactor(b *testing.B) {
	for _, n := range []int{31, 128, 785, 2001} {
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("n=%d/threads=%d", n, threads), func(b *testing.B) {
				a, _ := positive(n, n, 1)
				work := make([]float64, len(a))
				for b.Loop() {
					copy(work, a)
					Factor(work, n, n, threads)
				}
				b.ReportMetric(float64(n)*float64(n)*float64(n)/6*float64(b.N)/1e9/b.Elapsed().Seconds(), "G-products/s")
			})
		}
	}
}
