package bench

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

func TestRun_MeasuresEveryShapeAndSaysWhatItPassedOver(t *testing.T) {
	backend.Register(backend.Driver{Name: "nowhere", Open: func(backend.Options) (backend.Backend, error) {
		return nil, backend.ErrUnavailable
	}})
	o := Options{Bytes: 1 << 20, Rounds: 1, Threads: 2, Backends: []string{"nowhere", "cpu"}}
	r, err := Run(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, []string{"nowhere: backend not available"}, r.PassedOver)
	require.Len(t, r.Eval, 8)
	for _, e := range r.Eval {
		require.Equal(t, "cpu", e.Backend)
		require.InDelta(t, o.Bytes, e.GBs*1e9*e.Seconds, 20000) // whole rows
		require.Positive(t, e.Share)
	}
	require.Positive(t, r.ReadGBs)
	require.Len(t, r.Fit, 3)
	for _, f := range r.Fit {
		require.Equal(t, "converged", f.Status)
		require.Positive(t, f.Seconds)
		require.GreaterOrEqual(t, f.Seconds, f.Load)
	}
	require.Equal(t, []int{569, 30}, []int{r.Fit[0].Rows, r.Fit[0].Cols})
}

// TestNumbers_AreSpreadLikeTheNormalDistribution: standard errors at n = 2^20 are
// 0.001 for the mean and 0.0012 for the variance; seven of them are allowed.
func TestNumbers_AreSpreadLikeTheNormalDistribution(t *testing.T) {
	x := numbers[float64](1<<20, 5)
	sum, square, lagged := 0.0, 0.0, 0.0
	for i, v := range x {
		sum += v
		square += v * v
		lagged += v * x[max(i-1, 0)]
	}
	n := float64(len(x))
	require.InDelta(t, 0, sum/n, 0.007)
	require.InDelta(t, 1, square/n, 0.008)
	require.InDelta(t, 0, lagged/n, 0.007)
}
