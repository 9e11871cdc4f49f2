package solver

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"
)

// TestFactor_SolvesTheSystem: the residual of a Cholesky solve is within a few n eps of
// |H| |x|, whatever the scale of the coordinates; 4 n eps is allowed.
func TestFactor_SolvesTheSystem(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 2, 3, 8, 50, 131} {
		a := mat.NewDense(2*n, n, nil)
		for i := range 2 * n {
			for j := range n {
				a.Set(i, j, r.NormFloat64()*math.Pow(10, float64(j%9-4)))
			}
		}
		h := mat.NewSymDense(n, nil)
		h.SymOuterK(1, a.T())
		v, x := make([]float64, n), make([]float64, n)
		for i := range v {
			v[i] = r.NormFloat64()
		}
		f := newFactor(n, 2)
		f.factorise(h, 0, 0)
		require.False(t, f.singular)
		f.solve(v, x)
		for i := range n {
			sum, size := -v[i], math.Abs(v[i])
			for j := range n {
				sum += h.At(i, j) * x[j]
				size += math.Abs(h.At(i, j)) * math.Abs(x[j])
			}
			// Rows of large coordinates are as exact as their own terms and the largest
			// coordinate they share with the others.
			require.InDelta(t, 0, sum, 4*float64(n)*0x1p-52*math.Sqrt(h.At(i, i))*norms(h, x)+4*float64(n)*0x1p-52*size)
		}
		again := append([]float64(nil), v...)
		f.solve(again, again)
		require.Equal(t, x, again)
	}
}

// norms is sum_j sqrt(H_jj) |x_j|.
func norms(h *mat.SymDense, x []float64) (sum float64) {
	for j, v := range x {
		sum += math.Sqrt(h.At(j, j)) * math.Abs(v)
	}
	return sum
}
