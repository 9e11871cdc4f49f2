//go:build !race

package cuda

import (
	"math"
	"math/big"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/backend/backendtest"
	"github.com/logreg-gpu/logreg-gpu/ptx"
)

// byRows opens an emulated device that holds sparse X by rows alone; columns of more than hot
// entries are hot.
func byRows(t testing.TB, c ptx.Config, hot int) (backend.Backend, *ptx.Driver) {
	d := ptx.NewDriver(c)
	b, err := New(EmulatorName, d, 0, backend.Options{FixedPoint: true})
	require.NoError(t, err)
	b.(*gpu).chunks.hot = hot
	return b, d
}

// The suite's budgets hold for sums of integers, too.
func TestFixedPoint_P5(t *testing.T) {
	t.Parallel()
	b, d := byRows(t, ptx.Config{Unchecked: true}, 5)
	backendtest.RunAll(t, b, backendtest.Options{
		MaxNumbers: 100, MaxCases: 30, OnlySparse: true,
		Reopen: func(threads int) backend.Backend { // without hot columns, the same bits
			b, _ := byRows(t, ptx.Config{Multiprocessors: threads, Seed: uint64(threads), Unchecked: true}, 1<<14)
			return b
		},
	})
	require.NoError(t, b.Close())
	require.Empty(t, d.Live())
}

// The same bits whatever the grid, the order of blocks, warps and lanes, and the columns that
// are kept in shared memory: all, of which 16 outputs have no room for most, some, or none.
func TestFixedPoint_P9_AnyGridOrderAndHotColumns(t *testing.T) {
	t.Parallel()
	src := sparseSource(400, 200, 7, "float64")
	var first []float64
	for i, c := range []struct {
		ptx.Config
		hot int
	}{{ptx.Config{}, 0}, {ptx.Config{Multiprocessors: 1, Seed: 1, Late: true}, 40}, {ptx.Config{Multiprocessors: 144, Seed: 3, OneThread: true}, 1 << 14}} {
		b, _ := byRows(t, c.Config, c.hot)
		b.(*gpu).chunks.residuals = 64 * 16
		d, err := b.Load(t.Context(), src, backend.Float32)
		require.NoError(t, err)
		numbers, err := all(t.Context(), d, modelSets["three"])
		require.NoError(t, err)
		for _, name := range []string{"nine", "softmax3", "softmax20"} {
			var ev backend.Evaluation
			models := modelSets[name]
			coef := coefficients(backend.Outputs(models), 200)
			require.NoError(t, d.Eval(t.Context(), models, coef, &ev))
			hv := make([]float64, len(coef))
			require.NoError(t, d.(backend.HessVec).HessVec(t.Context(), models, coef, coef, hv))
			numbers = slices.Concat(numbers, ev.Loss, ev.Grad, ev.Held, hv)
		}
		if i == 0 {
			first = numbers
		}
		require.Equal(t, first, numbers, "%+v", c)
		require.NoError(t, d.Close())
		require.NoError(t, b.Close())
	}
}

// A column's sum is within n 2^(bits(n) - 62) of its largest term of the exact one, whatever
// the sizes of its terms; the result's own rounding is half of 2^-53 of it.
func TestFixedPoint_P5_ErrorBound(t *testing.T) {
	t.Parallel()
	const rows, cols = 700, 6
	rng := rand.New(rand.NewPCG(3, 3))
	src := &backend.Source{Labels: [][]int32{make([]int32, rows)}, Sparse: &backend.CSR{Rows: rows, Cols: cols, RowPtr: []int64{0}}}
	m := src.Sparse
	for i := range rows {
		src.Labels[0][i] = rng.Int32N(2)
		for j := range cols {
			if rng.IntN(j+1) == 0 {
				// Column 0 has all sizes of float64, the others spread less and less.
				m.Col, m.Val64 = append(m.Col, uint32(j)), append(m.Val64, math.Ldexp(rng.NormFloat64(), (rng.IntN(2000)-1000)>>(2*j)))
			}
		}
		m.RowPtr = append(m.RowPtr, int64(len(m.Col)))
	}
	b, _ := byRows(t, ptx.Config{Unchecked: true}, 500)
	d, err := b.Load(t.Context(), src, backend.Float64)
	require.NoError(t, err)
	require.Positive(t, d.(*data).sparse.fixed.hots)
	var ev backend.Evaluation
	require.NoError(t, d.Eval(t.Context(), []backend.Model{backend.Binary()}, make([]float64, cols+1), &ev))
	for j := range cols {
		exact, largest, n := new(big.Float).SetPrec(4000), 0.0, 0
		for i := range rows {
			for e := m.RowPtr[i]; e < m.RowPtr[i+1]; e++ {
				if m.Col[e] == uint32(j) {
					term := m.Val64[e] * (0.5 - float64(src.Labels[0][i])) // the residual at z = 0; exact
					exact.Add(exact, big.NewFloat(term))
					largest, n = max(largest, math.Abs(term)), n+1
				}
			}
		}
		off, _ := new(big.Float).Sub(exact, big.NewFloat(ev.Grad[j])).Float64()
		bound := float64(n)*math.Ldexp(largest, bits.Len(uint(n))-62) + 0x1p-53*math.Abs(ev.Grad[j])
		t.Logf("column %d of %d entries: %.3f of the bound", j, n, math.Abs(off)/bound)
		require.LessOrEqual(t, math.Abs(off), bound, "column %d", j)
	}
	require.NoError(t, d.Close())
	require.NoError(t, b.Close())
}

// What is not finite is told, and stays in its column.
func TestFixedPoint_NotFinite(t *testing.T) {
	b, _ := byRows(t, ptx.Config{Unchecked: true}, 1)
	src := &backend.Source{Labels: [][]int32{{0, 1, 0}}, Sparse: &backend.CSR{Rows: 3, Cols: 3, RowPtr: []int64{0, 2, 3, 4}, Col: []uint32{0, 1, 1, 2}, Val64: []float64{1, 1e300, 1e300, 2}}}
	d, err := b.Load(t.Context(), src, backend.Float64)
	require.NoError(t, err)
	hv := make([]float64, 4)
	require.NoError(t, d.(backend.HessVec).HessVec(t.Context(), []backend.Model{backend.Binary()}, make([]float64, 4), []float64{1, 1e200, 3, 0}, hv))
	require.True(t, math.IsNaN(hv[0]) && math.IsNaN(hv[1]), "%v", hv)
	require.InDelta(t, 0.25*3*2*2, hv[2], 1e-12)
	require.NoError(t, d.Close())
	require.NoError(t, b.Close())
}
