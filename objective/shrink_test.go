package objective

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"
)

// covariance is that of rows of cols numbers, each with variance flat of its own and
// the rest from three common factors, so that columns have variance 1.
func covariance(rows, cols int, flat float64) *mat.SymDense {
	rng := rand.New(rand.NewPCG(1, uint64(cols)))
	const factors = 3
	load := mat.NewDense(factors, cols, nil)
	for j := range cols {
		var sum float64
		for f := range factors {
			v := rng.NormFloat64()
			load.Set(f, j, v)
			sum += v * v
		}
		for f := range factors {
			load.Set(f, j, load.At(f, j)*math.Sqrt((1-flat)/sum))
		}
	}
	h, row, x := mat.NewSymDense(cols, nil), mat.NewVecDense(factors, nil), mat.NewVecDense(cols, nil)
	for range rows {
		for f := range factors {
			row.SetVec(f, rng.NormFloat64())
		}
		x.MulVec(load.T(), row)
		for j := range cols {
			x.SetVec(j, x.AtVec(j)+math.Sqrt(flat)*rng.NormFloat64())
		}
		h.SymRankOne(h, 1/float64(rows), x)
	}
	return h
}

// What is left of a column after the others have explained what they can is found
// from fewer rows than make the covariance regular, and whatever the number of columns.
func TestPartialVariance_OfFactorsAndNoise(t *testing.T) {
	for _, flat := range []float64{0.05, 0.3, 1} {
		for _, shape := range [][2]int{{150, 300}, {600, 300}, {600, 400}, {4000, 40}} {
			got := partialVariance(covariance(shape[0], shape[1], flat), float64(shape[0]))
			// A median of half of the columns probed, each with the noise of its rows.
			require.InEpsilon(t, flat, got, 0.35, "%v, flat %v", shape, flat)
		}
	}
}

// A sample's Hessian with few rows a column, shrunk, is a better metric: the eigenvalues
// of the true one in it spread less. With many rows a column it is left alone.
func TestShrink_MakesABetterMetric(t *testing.T) {
	const cols, flat = 120, 0.2
	truth := covariance(200*cols, cols, flat)
	spread := func(m *mat.SymDense) float64 {
		var chol mat.Cholesky
		if !chol.Factorize(m) {
			return 1e18
		}
		var l mat.TriDense
		chol.LTo(&l)
		var half, whole mat.Dense
		require.NoError(t, half.Solve(&l, truth))
		require.NoError(t, whole.Solve(&l, half.T()))
		var eigen mat.EigenSym
		sym := mat.NewSymDense(cols, nil)
		for i := range cols {
			for j := i; j < cols; j++ {
				sym.SetSym(i, j, whole.At(i, j))
			}
		}
		require.True(t, eigen.Factorize(sym, false))
		v := eigen.Values(nil)
		return v[cols-1] / v[0]
	}
	for _, rows := range []int{cols / 2, cols, 2 * cols, 4 * cols} {
		sample := covariance(rows, cols, flat)
		before := spread(sample)
		shrink(sample, float64(rows))
		after := spread(sample)
		t.Logf("%d rows: spread %.3g, shrunk %.3g", rows, before, after)
		require.Less(t, after, before/1.5, "%d rows", rows)
		require.Less(t, after, 30.0, "%d rows", rows) // five times what a flat spectrum would have with as many columns as rows
	}
	sample := covariance(wellKnown*cols, cols, flat)
	same := mat.NewSymDense(cols, nil)
	same.CopySym(sample)
	shrink(same, wellKnown*cols)
	require.True(t, mat.Equal(sample, same))
}
