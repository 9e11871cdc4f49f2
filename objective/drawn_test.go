package objective_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/objective"
	"github.com/logreg-gpu/logreg-gpu/solver"
)

// sharp is a point at which most rows are surely of one class.
func sharp(o *objective.Objective) []float64 {
	theta := make([]float64, o.Dim())
	for i := range theta {
		theta[i] = 4 * math.Sin(float64(7*i+1))
	}
	return theta
}

// Where every row is drawn, the blocks are those of all rows, weights included.
func TestDrawnCurvature_OfAllRows(t *testing.T) {
	p := large(3000, 5, 4, 41)
	weights := make([]float64, len(p.x))
	for i := range weights {
		weights[i] = float64(i % 4)
	}
	for _, p.weights = range [][]float64{nil, weights} {
		o := p.fast(t, backend.Float64, 2, objective.Options{})
		require.True(t, solver.Can(o, solver.CanDraw))
		for _, theta := range [][]float64{make([]float64, o.Dim()), sharp(o)} {
			want, err := o.Curvature(ctx, theta, o.Hot())
			require.NoError(t, err)
			got, err := o.DrawnCurvature(ctx, theta, math.MaxInt32, 1)
			require.NoError(t, err)
			require.Len(t, got, len(want))
			for k := range want {
				for i := range want[k].SymmetricDim() {
					for j := range i + 1 {
						// Of sums over rows in another order; rows whose chance is below 2^-32
						// are left out.
						size := math.Sqrt(want[k].At(i, i) * want[k].At(j, j))
						require.InDelta(t, want[k].At(i, j), got[k].At(i, j), 1e-8*size)
					}
				}
			}
		}
	}
}

// The eigenvalues of a block in what rows drawn for it make of it spread less than in what
// a sample for all classes does, though that has twice the rows.
func TestDrawnCurvature_MakesABetterMetric(t *testing.T) {
	p := large(40000, 30, 6, 43)
	o := p.fast(t, backend.Float64, 2, objective.Options{C: 100})
	r, _ := solve(t, "lbfgs", o, solver.Options{Tol: 1e-5})
	truth, err := o.Curvature(ctx, r.X, o.Hot())
	require.NoError(t, err)
	const rows = 300
	drawn, err := o.DrawnCurvature(ctx, r.X, rows, 1)
	require.NoError(t, err)
	s, err := o.Sample(ctx, 2*rows, 1)
	require.NoError(t, err)
	sampled, err := s.Objective.(solver.Curved).Curvature(ctx, r.X, o.Hot())
	require.NoError(t, err)
	require.NoError(t, s.Close())
	for k := range truth {
		by, all := spread(t, truth[k].SymDense, drawn[k].SymDense), spread(t, truth[k].SymDense, sampled[k].SymDense)
		t.Logf("class %d: %.3g by rows drawn for it, %.3g by rows for all", k, by, all)
		require.Less(t, by, all/2)
	}
}

// spread is the ratio of the largest to the smallest eigenvalue of truth in the metric m.
func spread(t *testing.T, truth, m *mat.SymDense) float64 {
	var c mat.Cholesky
	require.True(t, c.Factorize(m))
	var l mat.TriDense
	c.LTo(&l)
	var half, whole mat.Dense
	require.NoError(t, half.Solve(&l, truth))
	require.NoError(t, whole.Solve(&l, half.T()))
	n := truth.SymmetricDim()
	sym := mat.NewSymDense(n, nil)
	for i := range n {
		for j := i; j < n; j++ {
			sym.SetSym(i, j, whole.At(i, j))
		}
	}
	var eigen mat.EigenSym
	require.True(t, eigen.Factorize(sym, false))
	values := eigen.Values(nil)
	return slices.Max(values) / slices.Min(values)
}

// A column that no row drawn has still has curvature: of average rows, a tenth.
func TestDrawnCurvature_RareColumns(t *testing.T) {
	p := large(20000, 3, 3, 47).with(func(i int, x []float64) []float64 {
		x[2] = 0
		if i == 77 {
			x[2] = 1
		}
		return x
	})
	o := p.fast(t, backend.Float64, 2, objective.Options{C: 1e6})
	c, err := o.DrawnCurvature(ctx, make([]float64, o.Dim()), 200, 1)
	require.NoError(t, err)
	for _, block := range c {
		// Coordinates have a curvature of 1 where p (1 - p) is 1/4: here it is 2/9.
		require.Greater(t, block.At(2, 2), 0.08)
	}
}

// staged draws where that is cheaper than another metric of the largest sample, to the
// same end, and with the same bits for any number of threads.
func TestStaged_P9_DrawnRows(t *testing.T) {
	p := large(16500, 400, 4, 53)
	_, want := solve(t, "lbfgs", p.fast(t, backend.Float32, 2, objective.Options{C: 0.1}), solver.Options{})
	var first *solver.Result
	for _, threads := range []int{1, 3} {
		drawn := false
		o := p.fast(t, backend.Float32, threads, objective.Options{C: 0.1})
		r, got := solve(t, "staged", o, solver.Options{Threads: threads, Log: func(s string) { drawn = drawn || strings.Contains(s, "rows a block") }})
		require.True(t, drawn)
		require.Equal(t, solver.Converged, r.Status)
		require.InEpsilon(t, want.Objective, got.Objective, 4*0x1p-23) // sums of float32
		if first == nil {
			first = r
		}
		require.Equal(t, first.X, r.X)
	}
}
