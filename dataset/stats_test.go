package dataset

import (
	"math"
	"math/big"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// exactStats computes weighted mean and variance of column j with 300-bit numbers.
func exactStats(x []float64, cols, j int, weights []float64) (mean, variance float64) {
	number := func(v float64) *big.Float { return new(big.Float).SetPrec(300).SetFloat64(v) }
	sum, total, squares := number(0), number(0), number(0)
	for i := range weights {
		sum.Add(sum, new(big.Float).Mul(number(weights[i]), number(x[i*cols+j])))
		total.Add(total, number(weights[i]))
	}
	mu := new(big.Float).Quo(sum, total)
	for i := range weights {
		d := new(big.Float).Sub(number(x[i*cols+j]), mu)
		squares.Add(squares, d.Mul(d, d).Mul(d, number(weights[i])))
	}
	mean, _ = mu.Float64()
	variance, _ = squares.Quo(squares, total).Float64()
	return mean, variance
}

func TestStats_P13_LargeMeansCostNoDigits(t *testing.T) {
	const rows, cols = 3*statsRows + 17, 4
	random := rand.New(rand.NewPCG(5, 6))
	x := make([]float64, rows*cols)
	ones, weights := make([]float64, rows), make([]float64, rows)
	for i := range rows {
		x[i*cols] = random.NormFloat64()
		x[i*cols+1] = 1e6 + 1e-3*random.NormFloat64()
		x[i*cols+2] = 7
		if random.IntN(10) == 0 {
			x[i*cols+3] = random.ExpFloat64()
		}
		ones[i], weights[i] = 1, float64(random.IntN(3))*0.3
	}
	d, err := New[float64, int](x, rows, cols, nil)
	require.NoError(t, err)
	d.Weights = weights
	for _, weighted := range []bool{false, true} {
		s, w := statsOf(t, d, weighted), ones
		if weighted {
			w = weights
		}
		require.Equal(t, rows, s.Rows)
		sum := 0.0
		for _, v := range w {
			sum += v
		}
		require.InEpsilon(t, sum, s.Weight, 1e-12)
		for j := range cols {
			mean, variance := exactStats(x, cols, j, w)
			// Welford's errors grow like sqrt(rows) eps in units of the mean; the variance's
			// like rows eps times the condition number mean/deviation: 1e4 * 2e-16 * 1e9.
			require.InDelta(t, mean, s.Mean[j], 1e-13*(1+math.Abs(mean)), "column %d", j)
			require.InDelta(t, variance, s.Var[j], 1e-6*variance, "column %d", j)
		}
		require.Zero(t, s.Var[2], "a constant column")
		var nonZero int64
		low, high := math.Inf(1), math.Inf(-1)
		for i := range rows {
			low, high = min(low, x[i*cols+3]), max(high, x[i*cols+3])
			if x[i*cols+3] != 0 {
				nonZero++
			}
		}
		require.Equal(t, []float64{low, high}, []float64{s.Min[3], s.Max[3]})
		require.Equal(t, nonZero, s.NonZero[3])
	}

	// P9: the same bits for any number of processors.
	want := statsOf(t, d, true)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for procs := 1; procs <= 5; procs++ {
		runtime.GOMAXPROCS(procs)
		require.Equal(t, want, statsOf(t, d, true))
	}
}

func TestStats_P7_WeightsCountRows(t *testing.T) {
	d, err := New[float32, int]([]float32{1, 2, 4, 8}, 4, 1, nil)
	require.NoError(t, err)
	d.Weights = []float64{2, 0, 1, 0}
	repeated, err := New[float32, int]([]float32{1, 1, 4}, 3, 1, nil)
	require.NoError(t, err)
	got, want := statsOf(t, d, true), statsOf(t, repeated, true)
	require.Equal(t, want.Weight, got.Weight)
	require.InDelta(t, want.Mean[0], got.Mean[0], 1e-15)
	require.InDelta(t, want.Var[0], got.Var[0], 1e-15)
	require.Equal(t, 8.0, got.Max[0], "extremes are over all rows")
	require.Equal(t, statsOf(t, d, false).Mean[0], 3.75)

	d.Weights = []float64{0, 0, 0, 0}
	zero := statsOf(t, d, true)
	require.Zero(t, zero.Weight)
	require.False(t, math.IsNaN(zero.Mean[0]) || math.IsNaN(zero.Var[0]))
}

func statsOf(t require.TestingT, d *Dataset, weighted bool) *Stats {
	s, err := d.Stats(weighted)
	require.NoError(t, err)
	return s
}
