package logreg_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	logreg "github.com/logreg-gpu/logreg-gpu"
	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/dataset"
	"github.com/logreg-gpu/logreg-gpu/solver"
)

// sparseAndDense are the same rows twice: a third of the cells hold a number, or a 1 where
// ones are implicit; some rows and the last column hold none. Columns have a size of 2^-2 to
// 2^2, so that no solver takes long.
func sparseAndDense(rows, cols, classes int, ones bool, seed uint64) (sparse, dense *dataset.Dataset) {
	r := rand.New(rand.NewPCG(seed, 6))
	m := &backend.CSR{Rows: rows, Cols: cols, RowPtr: []int64{0}}
	x, y := make([]float64, rows*cols), make([]int32, rows)
	for i := range rows {
		score := make([]float64, classes)
		for j := range cols - 1 {
			if i%50 == 7 || r.IntN(3) > 0 {
				continue
			}
			v := 1.0
			if !ones {
				v = math.Ldexp(r.NormFloat64(), j%5-2)
				m.Val64 = append(m.Val64, v)
			}
			m.Col = append(m.Col, uint32(j))
			x[i*cols+j] = v
			score[j%classes] += v * float64(1+j%3)
		}
		m.RowPtr = append(m.RowPtr, int64(len(m.Col)))
		best := math.Inf(-1)
		for c, s := range score {
			if s += 2 * r.NormFloat64(); s > best {
				best, y[i] = s, int32(c)
			}
		}
	}
	var names []string
	for j := range cols {
		names = append(names, fmt.Sprint("x", j))
	}
	of := dataset.Classes{Names: []string{"0", "1", "2"}[:classes], Numeric: true}
	sparse = &dataset.Dataset{Sparse: m, FeatureNames: names, Labels: y, Classes: of}
	dense = &dataset.Dataset{X: tensor.New(tensor.WithShape(rows, cols), tensor.WithBacking(x)), FeatureNames: names, Labels: y, Classes: of}
	return sparse, dense
}

// requireSameOptimum demands objectives within 1e-9, which two fits to the same tolerance may
// differ by, and coefficients as near as that tells them at a curvature of 1e-3 or more.
func requireSameOptimum(t *testing.T, want, got *logreg.Result) {
	require.True(t, want.Converged(), want.Advice)
	require.True(t, got.Converged(), got.Advice)
	require.InEpsilon(t, want.Objective, got.Objective, 1e-9)
	for k := range want.Model.Coef {
		require.InDeltaSlice(t, want.Model.Coef[k], got.Model.Coef[k], 1e-3)
		require.InDelta(t, want.Model.Intercept[k], got.Model.Intercept[k], 1e-3)
	}
}

func TestFit_P6_EverySolverAndPenalty(t *testing.T) {
	for _, penalty := range []string{"l2", "none", "l1", "elasticnet"} {
		for _, s := range solver.Solvers() {
			lasso := penalty == "l1" || penalty == "elasticnet"
			if s.Name == "sgd" || lasso != s.Lasso && s.Name != "staged" { // sgd: TestFit_P6_SGD
				continue
			}
			for _, classes := range []int{2, 3} {
				t.Run(fmt.Sprintf("%s/%s/%d", penalty, s.Name, classes), func(t *testing.T) {
					sparse, dense := sparseAndDense(500, 12, classes, false, 1)
					opts := logreg.DefaultOptions()
					opts.Backend, opts.Solver, opts.Penalty, opts.Tol = "cpu", s.Name, penalty, 1e-7
					want, err := logreg.Fit(ctx, dense, opts)
					require.NoError(t, err)
					got, err := logreg.Fit(ctx, sparse, opts)
					require.NoError(t, err)
					requireSameOptimum(t, want, got)
					for k, row := range want.Model.Coef {
						for j, w := range row {
							require.Equal(t, lasso && w == 0, lasso && got.Model.Coef[k][j] == 0, "the support: %v and %v", w, got.Model.Coef[k][j])
						}
					}
				})
			}
		}
	}
}

func TestFit_P6_EveryOption(t *testing.T) {
	for name, set := range map[string]func(*logreg.Options){
		"plain":        func(*logreg.Options) {},
		"standardize":  func(o *logreg.Options) { o.Standardize = true },
		"no intercept": func(o *logreg.Options) { o.NoIntercept = true },
		"both":         func(o *logreg.Options) { o.Standardize, o.NoIntercept = true, true },
		"balanced":     func(o *logreg.Options) { o.ClassWeight.Balanced = true },
		"one-vs-rest":  func(o *logreg.Options) { o.MultiClass = "ovr" },
		"reference":    func(o *logreg.Options) { o.Backend = "cpu-reference" },
	} {
		for _, ones := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/ones=%v", name, ones), func(t *testing.T) {
				sparse, dense := sparseAndDense(400, 10, 3, ones, 2)
				opts := logreg.DefaultOptions()
				opts.Backend, opts.Tol = "cpu", 1e-8
				set(&opts)
				want, err := logreg.Fit(ctx, dense, opts)
				require.NoError(t, err)
				got, err := logreg.Fit(ctx, sparse, opts)
				require.NoError(t, err)
				requireSameOptimum(t, want, got)
			})
		}
	}
}

// Held once on a device, with sums of integers, sparse X has the same optimum; a backend that
// is no GPU says so.
func TestFit_P6_FixedPoint(t *testing.T) {
	for _, ones := range []bool{false, true} {
		sparse, dense := sparseAndDense(150, 8, 3, ones, 4)
		opts := logreg.DefaultOptions()
		opts.Backend, opts.Tol, opts.Storage = "cpu", 1e-8, backend.Float64
		want, err := logreg.Fit(ctx, dense, opts)
		require.NoError(t, err)
		opts.FixedPoint = true
		_, err = logreg.Fit(ctx, sparse, opts)
		require.ErrorIs(t, err, backend.ErrUnsupported)
		opts.Backend = "cuda-emu"
		got, err := logreg.Fit(ctx, sparse, opts)
		require.NoError(t, err)
		requireSameOptimum(t, want, got)
	}
}

// Samples of rows are drawn, and their metrics made, from 16,000 rows on.
func TestFit_P6_Staged(t *testing.T) {
	for _, penalty := range []string{"l2", "l1"} {
		sparse, dense := sparseAndDense(20000, 15, 2, false, 3)
		opts := logreg.DefaultOptions()
		opts.Backend, opts.Solver, opts.Penalty, opts.Tol = "cpu", "staged", penalty, 1e-8
		want, err := logreg.Fit(ctx, dense, opts)
		require.NoError(t, err)
		got, err := logreg.Fit(ctx, sparse, opts)
		require.NoError(t, err)
		requireSameOptimum(t, want, got)
		require.InDelta(t, want.Passes, got.Passes, 2)
	}
}

// TestFit_P6_SGD: the steps are the same, so that they need not arrive to be compared.
func TestFit_P6_SGD(t *testing.T) {
	sparse, dense := sparseAndDense(300, 8, 2, false, 4)
	opts := logreg.DefaultOptions()
	opts.Backend, opts.Solver, opts.MaxIter = "cpu", "sgd", 20
	want, err := logreg.Fit(ctx, dense, opts)
	require.NoError(t, err)
	got, err := logreg.Fit(ctx, sparse, opts)
	require.NoError(t, err)
	// Rounding of float64, which 20 epochs do not make much of.
	require.InEpsilon(t, want.Objective, got.Objective, 1e-10)
	require.InDeltaSlice(t, want.Model.Coef[0], got.Model.Coef[0], 1e-10)
}

func TestFit_P6_P9_SameBitsForAnyThreads(t *testing.T) {
	sparse, _ := sparseAndDense(20000, 40, 2, false, 5)
	opts := logreg.DefaultOptions()
	opts.Backend, opts.Threads = "cpu", 1
	want, err := logreg.Fit(ctx, sparse, opts)
	require.NoError(t, err)
	for _, threads := range []int{2, 5} {
		opts.Threads = threads
		got, err := logreg.Fit(ctx, sparse, opts)
		require.NoError(t, err)
		require.Equal(t, want.Model.Coef, got.Model.Coef)
		require.Equal(t, want.Trace, got.Trace)
	}
}

func TestFit_P6_P20_NamesTheCell(t *testing.T) {
	sparse, _ := sparseAndDense(100, 10, 2, false, 6)
	sparse.Sparse.Val64[77] = math.Inf(-1)
	row := 0
	for sparse.Sparse.RowPtr[row+1] <= 77 {
		row++
	}
	_, err := logreg.Fit(ctx, sparse, logreg.DefaultOptions())
	require.ErrorIs(t, err, backend.ErrNotFinite)
	require.ErrorContains(t, err, fmt.Sprintf("row %d, column %d", row, sparse.Sparse.Col[77]))
}
