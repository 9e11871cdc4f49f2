package cpu

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// TestStats_SparseVarianceKeepsItsDigits: columns that are as far from 0 as none is that is
// mostly zeros, among rows that weigh nothing and lie far away.
func TestStats_SparseVarianceKeepsItsDigits(t *testing.T) {
	const rows, cols = 20000, 5
	for _, offset := range []float64{0, 1e6, -1e9} {
		m := &backend.CSR{Rows: rows, Cols: cols, RowPtr: []int64{0}}
		mass := make([]float64, rows)
		add := func(j uint32, v float64) { m.Col, m.Val64 = append(m.Col, j), append(m.Val64, v) }
		for i := range rows {
			sign := float64(i%2*2 - 1)
			mass[i] = 0x1p10
			add(0, offset+sign)  // full
			add(1, math.Pi+1e12) // constant
			if i < 1000 {        // of weight
				mass[i] = 0
				add(2, 1e30)
			} else {
				add(2, offset+sign)
			}
			if i%4 < 2 {
				add(3, offset+sign) // half full
			}
			m.RowPtr = append(m.RowPtr, int64(len(m.Col)))
		}
		var want *backend.Stats
		for threads := 1; threads < 4; threads++ {
			d, err := New(backend.Options{Threads: threads}).Load(t.Context(), &backend.Source{
				Sparse: m, Labels: [][]int32{make([]int32, rows)}, Weights: [][]float64{mass},
			}, backend.Float64)
			require.NoError(t, err)
			s, err := d.Stats(t.Context(), 0)
			require.NoError(t, err)
			require.NoError(t, d.Close())
			if want == nil {
				want = s
			}
			require.Equal(t, want, s)
			// The mean is known to an ulp or two; some 20000 sums of a variance have as many
			// roundings of half an ulp, most of which cancel.
			ulps, digits := max(1, math.Abs(offset))*0x1p-51, 1e-12
			for _, m := range []backend.Moments{s.Moments, s.Weighted} {
				require.InDelta(t, offset, m.Mean[0], ulps)
				require.InDelta(t, 1, m.Var[0], digits)
				require.Equal(t, math.Pi+1e12, m.Mean[1])
				require.Zero(t, m.Var[1])
				require.InDelta(t, offset/2, m.Mean[3], ulps)
				all := 0.5 + offset*offset/4
				require.InDelta(t, 1, m.Var[3]/all, digits)
				require.Zero(t, m.Mean[4])
			}
			require.InDelta(t, offset, s.Weighted.Mean[2], ulps)
			require.InDelta(t, 1, s.Weighted.Var[2], digits)
			require.Equal(t, []int64{rows, rows, rows, rows / 2, 0}, s.NonZero)
			require.Equal(t, 1e30, s.Max[2])
			require.Zero(t, s.Max[4])
		}
	}
}
