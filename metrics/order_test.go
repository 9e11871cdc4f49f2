package metrics

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Rows come in falling order of their scores, equals in that of rows, and those of no
// weight not at all; by digits as by comparisons.
func TestByScore_IsSorted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		some := rapid.SliceOfN(rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{0, math.Copysign(0, -1), 1, -1, 0.5})), 1, 40).Draw(t, "scores")
		n := rapid.SampledFrom([]int{1, 7, 300, fewForRadix, 3000}).Draw(t, "rows")
		score, w := make([]float64, n), make([]float64, n)
		var want []int
		for i := range score {
			score[i], w[i] = some[i*i%len(some)]*float64(1+i%3), float64(i%4)
			if i%4 > 0 {
				want = append(want, i)
			}
		}
		slices.SortStableFunc(want, func(a, b int) int {
			switch {
			case score[a] > score[b]:
				return -1
			case score[a] < score[b]:
				return 1
			}
			return 0
		})
		var got []int
		rows := byScore(score, w)
		for i, r := range rows {
			got = append(got, r.row)
			if i > 0 {
				require.Equal(t, score[r.row] == score[rows[i-1].row], r.key == rows[i-1].key)
			}
		}
		require.Equal(t, want, got)
	})
}
