package pieces

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSum_P9_SameBitsForAnyThreads: and each coordinate is met once.
func TestSum_P9_SameBitsForAnyThreads(t *testing.T) {
	for _, n := range []int{0, 1, Size, Size + 1, 7*Size - 1, 50*Size + 3} {
		v := make([]float64, n)
		for i := range v {
			v[i] = math.Sin(float64(i)) / 3
		}
		sum := func(lo, hi int) (s float64) {
			for _, x := range v[lo:hi] {
				s += x
			}
			return s
		}
		want := Sum(n, 1, sum)
		for threads := 2; threads < 9; threads++ {
			require.Equal(t, want, Sum(n, threads, sum))
			met := make([]int, n)
			Each(n, threads, func(lo, hi int) {
				for i := lo; i < hi; i++ {
					met[i]++
				}
			})
			for i := range met {
				require.Equal(t, 1, met[i])
			}
			most := Max(n, threads, func(lo, hi int) float64 { return float64(hi) })
			require.Equal(t, float64(n), most)
		}
	}
}
