package logreg_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	logreg "github.com/logreg-gpu/logreg-gpu"
	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/dataset"
	"github.com/logreg-gpu/logreg-gpu/solver"
)

// large has rows enough for samples: correlated columns, one of mean 3, a one-hot
// group with a rare level, and rows sorted by label, of which a share is 1.
func large(t *testing.T, rows int, share float64) *dataset.Dataset {
	const cols = 10
	random := rand.New(rand.NewPCG(7, 8))
	type row struct {
		x [cols]float32
		y int
	}
	all := make([]row, rows)
	for i := range all {
		r := &all[i]
		common, z := random.NormFloat64(), math.Log(share/(1-share))
		for j := range 6 {
			v := common + random.NormFloat64()
			z += v * float64(j-2) / 4
			r.x[j] = float32(v)
		}
		r.x[5] += 3
		level := 6 + min(3, random.IntN(40)/13) // 6, 7, 8 and, one row in 40, 9
		r.x[level] = 1
		if random.Float64() < 1/(1+math.Exp(-z-float64(level-7)/2)) {
			r.y = 1
		}
	}
	slices.SortStableFunc(all, func(a, b row) int { return a.y - b.y })
	var x []float32
	var y []int
	for _, r := range all {
		x, y = append(x, r.x[:]...), append(y, r.y)
	}
	ds, err := dataset.New(x, rows, cols, y)
	require.NoError(t, err)
	return ds
}

// Where there are samples, few joint reads of all rows do, and still every model is the
// one of a fit by itself. Ten Cs from 1e-4 to 1e4, as by default.
func TestFitCV_P15_FewReadsOfLargeData(t *testing.T) {
	for _, c := range []struct {
		name   string
		share  float64
		change func(*dataset.Dataset, *logreg.CVOptions)
	}{
		{"even classes", 0.5, func(*dataset.Dataset, *logreg.CVOptions) {}},
		{"a rare class", 0.005, func(*dataset.Dataset, *logreg.CVOptions) {}},
		{"weights", 0.3, func(ds *dataset.Dataset, _ *logreg.CVOptions) {
			for i := range ds.Labels {
				ds.Weights = append(ds.Weights, math.Exp(float64(i%9)))
			}
		}},
		{"float32", 0.5, func(_ *dataset.Dataset, o *logreg.CVOptions) { o.Storage = backend.Float32 }},
		{"standardized, no intercept", 0.5, func(_ *dataset.Dataset, o *logreg.CVOptions) { o.Standardize, o.NoIntercept = true, true }},
	} {
		t.Run(c.name, func(t *testing.T) {
			ds := large(t, 40000, c.share)
			opts := logreg.DefaultCVOptions()
			opts.Storage = backend.Float64
			c.change(ds, &opts)
			reads := 0 // in which half of the models or more take part
			opts.Pace = func(p solver.Pace) {
				if p.Of == 50 && p.Members >= 25 {
					reads++
				}
			}
			cv, err := logreg.FitCV(ctx, ds, opts)
			require.NoError(t, err)
			require.Zero(t, cv.Unconverged, cv.Advice)
			require.LessOrEqual(t, reads, 8)
			folds, err := dataset.FoldsStratified(ds.Labels, 5, opts.Seed)
			require.NoError(t, err)
			alone := opts.Options
			alone.Solver, alone.Tol = "newton", 1e-8
			for _, trial := range []int{0, 5, 9} {
				alone.C = cv.Cs[trial]
				part := ds.Take(without(folds, trial/2))
				if opts.Standardize {
					continue // the statistics are those of all rows: TestFitCV_P15_StatisticsOfAllRows
				}
				one, err := logreg.Fit(ctx, part, alone)
				require.NoError(t, err)
				// The promise; at the default tolerance it is kept with room to spare.
				require.InEpsilon(t, one.Objective, cv.Trials[trial].Objectives[trial/2], 1e-6)
			}
			alone.C = cv.Trials[cv.Best].C
			one, err := logreg.Fit(ctx, ds, alone)
			require.NoError(t, err)
			require.InEpsilon(t, one.Objective, cv.Refit.Objective, 1e-6)
		})
	}
}

// The same holds with absolute values, whose zeros are those of separate fits.
func TestFitCV_P15_FewReadsOfLargeDataL1(t *testing.T) {
	for _, c := range []struct {
		name   string
		ratios []float64
		change func(*dataset.Dataset, *logreg.CVOptions)
	}{
		{"l1", nil, func(_ *dataset.Dataset, o *logreg.CVOptions) { o.Penalty = "l1" }},
		{"elasticnet", []float64{0, 0.5}, func(_ *dataset.Dataset, o *logreg.CVOptions) {
			o.Penalty, o.L1Ratios, o.Cs = "elasticnet", []float64{0, 0.5}, logreg.DefaultCs(5)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ds := large(t, 40000, 0.3)
			opts := logreg.DefaultCVOptions()
			opts.Storage, opts.Path, opts.Tol = backend.Float64, true, 1e-8 // at the default, a zero more or less makes no difference
			c.change(ds, &opts)
			reads := 0
			opts.Pace = func(p solver.Pace) {
				if p.Of == 50 && p.Members >= 25 {
					reads++
				}
			}
			cv, err := logreg.FitCV(ctx, ds, opts)
			require.NoError(t, err)
			require.Zero(t, cv.Unconverged, cv.Advice)
			require.LessOrEqual(t, reads, 8)
			folds, err := dataset.FoldsStratified(ds.Labels, 5, opts.Seed)
			require.NoError(t, err)
			for _, trial := range []int{0, 2, 6, 9} {
				alone := opts.Options
				alone.Solver, alone.Tol = "prox-newton", 1e-9
				alone.C, alone.L1Ratio = cv.Trials[trial].C, cv.Trials[trial].L1Ratio
				one, err := logreg.Fit(ctx, ds.Take(without(folds, trial/2)), alone)
				require.NoError(t, err)
				require.InEpsilon(t, one.Objective, cv.Trials[trial].Objectives[trial/2], 1e-6) // the promise
				one, err = logreg.Fit(ctx, ds, alone)
				require.NoError(t, err)
				require.InEpsilon(t, one.Objective, cv.Path[trial].Objective, 1e-6)
				for j, b := range one.Model.Coef[0][:6] { // the levels of the group may share a shift, at no cost
					require.Equal(t, b == 0, cv.Path[trial].Model.Coef[0][j] == 0, "C=%v, column %d", alone.C, j)
				}
			}
		})
	}
}

func TestFitCV_P9_SameBitsForAnyThreadsOfLargeData(t *testing.T) {
	for _, penalty := range []string{"l2", "l1"} {
		var first []uint64
		for _, threads := range []int{1, 2, 3} {
			opts := logreg.DefaultCVOptions()
			opts.Cs, opts.Threads, opts.Storage, opts.Penalty = logreg.DefaultCs(5), threads, backend.Float32, penalty
			cv, err := logreg.FitCV(ctx, large(t, 20000, 0.2), opts)
			require.NoError(t, err)
			if first == nil {
				first = cvBits(cv)
			}
			require.Equal(t, first, cvBits(cv), "%s with %d threads", penalty, threads)
		}
	}
}

// Where a metric costs as much as many reads there is one of few rows: still far fewer
// reads than without, 289.
func TestFitCV_P15_FewReadsOfWideData(t *testing.T) {
	const rows, cols = 12000, 900
	random := rand.New(rand.NewPCG(9, 10))
	x, y := make([]float32, rows*cols), make([]int, rows)
	for i := range rows {
		a, z := random.NormFloat64(), 0.0
		row := x[i*cols : (i+1)*cols]
		for j := range row {
			a = 0.95*a + 0.3*random.NormFloat64() // neighbours are alike
			row[j] = float32(a)
			if j%30 == 0 {
				z += a
			}
		}
		if random.Float64() < 1/(1+math.Exp(-z/2)) {
			y[i] = 1
		}
	}
	ds, err := dataset.New(x, rows, cols, y)
	require.NoError(t, err)
	opts := logreg.DefaultCVOptions()
	opts.Cs, opts.Folds, opts.FoldScheme = []float64{0.01, 0.1}, 2, logreg.Modulo
	reads := 0
	opts.Pace = func(solver.Pace) { reads++ }
	cv, err := logreg.FitCV(ctx, ds, opts)
	require.NoError(t, err)
	require.Zero(t, cv.Unconverged, cv.Advice)
	require.LessOrEqual(t, reads, 60)
	folds, err := dataset.FoldsModulo(rows, 2)
	require.NoError(t, err)
	alone := opts.Options
	alone.C = 0.1
	one, err := logreg.Fit(ctx, ds.Take(without(folds, 1)), alone)
	require.NoError(t, err)
	require.InEpsilon(t, one.Objective, cv.Trials[1].Objectives[1], 1e-6)
}
