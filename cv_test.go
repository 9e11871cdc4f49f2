package logreg_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	logreg "github.com/logreg-gpu/logreg-gpu"
	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/dataset"
	"github.com/logreg-gpu/logreg-gpu/solver"
)

// scaled is a built-in data set with columns of mean 0 and deviation 1.
func scaled(t *testing.T, name string) *dataset.Dataset {
	ds, err := dataset.Read(ctx, "builtin:"+name, dataset.ReadOptions{})
	require.NoError(t, err)
	st, err := ds.Stats(false)
	require.NoError(t, err)
	x := ds.X.Data().([]float64)
	for i := range x {
		j := i % len(st.Mean)
		x[i] = (x[i] - st.Mean[j]) / math.Sqrt(st.Var[j])
	}
	return ds
}

// without are the rows that are not in fold f.
func without(folds []int32, f int) (rows []int) {
	for i, g := range folds {
		if int(g) != f {
			rows = append(rows, i)
		}
	}
	return rows
}

// The promise to users is 1e-6 of the objective; in float64, with a tight tolerance,
// marching in company must leave no trace at all beyond rounding.
func TestFitCV_P15_EqualsSeparateFits(t *testing.T) {
	weigh := func(ds *dataset.Dataset) {
		for i := range ds.Labels {
			ds.Weights = append(ds.Weights, float64(i%4)/2)
		}
	}
	for _, c := range []struct {
		name, set string
		change    func(*dataset.Dataset, *logreg.CVOptions)
	}{
		{"binary", "breast_cancer", func(*dataset.Dataset, *logreg.CVOptions) {}},
		{"softmax", "iris", func(*dataset.Dataset, *logreg.CVOptions) {}},
		{"stratified", "iris", func(_ *dataset.Dataset, o *logreg.CVOptions) { o.FoldScheme = logreg.Stratified }},
		{"weights", "breast_cancer", func(ds *dataset.Dataset, _ *logreg.CVOptions) { weigh(ds) }},
		{"softmax with weights", "iris", func(ds *dataset.Dataset, _ *logreg.CVOptions) { weigh(ds) }},
		{"no intercept", "breast_cancer", func(_ *dataset.Dataset, o *logreg.CVOptions) { o.NoIntercept = true }},
		{"l1", "breast_cancer", func(_ *dataset.Dataset, o *logreg.CVOptions) { o.Penalty = "l1" }},
		{"l1 of softmax", "iris", func(_ *dataset.Dataset, o *logreg.CVOptions) { o.Penalty = "l1" }},
		{"lbfgs", "breast_cancer", func(_ *dataset.Dataset, o *logreg.CVOptions) { o.Solver = "lbfgs" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			ds := scaled(t, c.set)
			rows, _ := ds.Shape()
			opts := logreg.DefaultCVOptions()
			opts.Cs, opts.FoldScheme, opts.Tol, opts.Path = []float64{1e-3, 0.1, 10}, logreg.Modulo, 1e-9, true
			c.change(ds, &opts)
			folds, err := dataset.FoldsModulo(rows, 5)
			if opts.FoldScheme == logreg.Stratified {
				folds, err = dataset.FoldsStratified(ds.Labels, 5, opts.Seed)
			}
			require.NoError(t, err)
			cv, err := logreg.FitCV(ctx, ds, opts)
			require.NoError(t, err)
			require.Zero(t, cv.Unconverged, cv.Advice)
			alone := opts.Options
			alone.Solver = solver.AutoName
			for i, strength := range opts.Cs {
				alone.C = strength
				for f := range 5 {
					one, err := logreg.Fit(ctx, ds.Take(without(folds, f)), alone)
					require.NoError(t, err)
					require.InEpsilon(t, one.Objective, cv.Trials[i].Objectives[f], 1e-10, "C=%v without fold %d", strength, f)
				}
				one, err := logreg.Fit(ctx, ds, alone)
				require.NoError(t, err)
				require.InEpsilon(t, one.Objective, cv.Path[i].Objective, 1e-10)
				for k, row := range one.Model.Coef { // 1e-9 of gradient, divided by the least curvature, of C = 10
					require.InDeltaSlice(t, row, cv.Path[i].Model.Coef[k], 1e-4)
				}
			}
			require.Equal(t, cv.Path[cv.Best], cv.Refit)
		})
	}
}

// The ends of the elastic net are l2 and l1, one march for all of them.
func TestFitCV_P14_ElasticNetLimits(t *testing.T) {
	opts := logreg.DefaultCVOptions()
	opts.Cs, opts.FoldScheme, opts.Tol = []float64{0.01, 1}, logreg.Modulo, 1e-9
	opts.Penalty, opts.L1Ratios = "elasticnet", []float64{0, 0.5, 1}
	net, err := logreg.FitCV(ctx, scaled(t, "breast_cancer"), opts)
	require.NoError(t, err)
	require.Len(t, net.Trials, 6)
	for from, penalty := range map[int]string{0: "l2", 4: "l1"} {
		opts.Penalty, opts.L1Ratios = penalty, nil
		end, err := logreg.FitCV(ctx, scaled(t, "breast_cancer"), opts)
		require.NoError(t, err)
		for i, trial := range end.Trials {
			require.Equal(t, trial.C, net.Trials[from+i].C)
			require.Equal(t, trial.L1Ratio, net.Trials[from+i].L1Ratio)
			require.InEpsilonSlice(t, trial.Objectives, net.Trials[from+i].Objectives, 1e-10)
			require.InEpsilonSlice(t, trial.Scores, net.Trials[from+i].Scores, 1e-6)
		}
	}
}

// Standardised columns and balanced classes take their statistics from all rows, also
// where a fold is left out: a fold is then the fit of its rows with the very columns and
// class weights of the whole.
func TestFitCV_P15_StatisticsOfAllRows(t *testing.T) {
	ds := scaled(t, "breast_cancer")
	raw, err := dataset.Read(ctx, "builtin:breast_cancer", dataset.ReadOptions{})
	require.NoError(t, err)
	opts := logreg.DefaultCVOptions()
	opts.Cs, opts.FoldScheme, opts.Tol = []float64{0.01, 1}, logreg.Modulo, 1e-9
	opts.Standardize, opts.ClassWeight.Balanced = true, true
	cv, err := logreg.FitCV(ctx, raw, opts)
	require.NoError(t, err)
	count := map[int32]float64{}
	for _, l := range raw.Labels {
		count[l]++
	}
	folds, err := dataset.FoldsModulo(len(raw.Labels), 5)
	require.NoError(t, err)
	alone := opts.Options
	alone.Standardize, alone.ClassWeight = false, logreg.ClassWeight{ByLabel: map[string]float64{}}
	for k, name := range raw.Classes.Names {
		alone.ClassWeight.ByLabel[name] = float64(len(raw.Labels)) / (2 * count[int32(k)])
	}
	for i, strength := range opts.Cs {
		alone.C = strength
		for f := range 5 {
			one, err := logreg.Fit(ctx, ds.Take(without(folds, f)), alone)
			require.NoError(t, err)
			require.InEpsilon(t, one.Objective, cv.Trials[i].Objectives[f], 1e-10)
		}
	}
}

// cvBits is a cross-validation as bit patterns.
func cvBits(r *logreg.CVResult) (b []uint64) {
	for _, t := range r.Trials {
		for f := range r.Folds {
			b = append(b, math.Float64bits(t.Scores[f]), math.Float64bits(t.Objectives[f]))
		}
	}
	return append(b, bits(r.Refit)...)
}

func TestFitCV_P9_SameBitsForAnyThreads(t *testing.T) {
	for _, set := range []string{"breast_cancer", "iris"} {
		for _, scoring := range []logreg.Scoring{logreg.LogLoss, logreg.ROCAUC} {
			for _, storage := range []backend.Storage{backend.Float64, backend.Float32} {
				var first []uint64
				for _, threads := range []int{1, 2, 3, 1} {
					opts := logreg.DefaultCVOptions()
					opts.Cs, opts.Threads, opts.Storage, opts.Scoring = logreg.DefaultCs(3), threads, storage, scoring
					cv, err := logreg.FitCV(ctx, scaled(t, set), opts)
					require.NoError(t, err)
					if first == nil {
						first = cvBits(cv)
					}
					require.Equal(t, first, cvBits(cv), "%s in %s with %d threads", set, storage, threads)
				}
			}
		}
	}
}

// Groups make the folds that they make when given by row, and a seed other ones.
func TestFitCV_P15_GroupsAreFolds(t *testing.T) {
	ds := scaled(t, "breast_cancer")
	groups := make([]int32, len(ds.Labels))
	for i := range groups {
		groups[i] = int32(i * i % 41)
	}
	opts := logreg.DefaultCVOptions()
	opts.Cs, opts.GroupOf = []float64{0.1}, groups
	grouped, err := logreg.FitCV(ctx, ds, opts)
	require.NoError(t, err)
	byRow := opts
	byRow.GroupOf = nil
	byRow.FoldOf, err = dataset.FoldsGrouped(groups, ds.Labels, 5, opts.Seed)
	require.NoError(t, err)
	folds, err := logreg.FitCV(ctx, ds, byRow)
	require.NoError(t, err)
	require.Equal(t, cvBits(folds), cvBits(grouped))
	opts.Seed++
	other, err := logreg.FitCV(ctx, ds, opts)
	require.NoError(t, err)
	require.NotEqual(t, grouped.Trials[0].Scores, other.Trials[0].Scores)
}

// Of equal scores the stronger penalty wins; one standard error below the best, too.
func TestFitCV_Choice(t *testing.T) {
	ds := scaled(t, "breast_cancer")
	for _, scoring := range []logreg.Scoring{logreg.LogLoss, logreg.ROCAUC, logreg.Accuracy} {
		opts := logreg.DefaultCVOptions()
		opts.Scoring, opts.Cs = scoring, []float64{1e4, 1e-4, 1, 0.1, 1e-2, 10}
		cv, err := logreg.FitCV(ctx, ds, opts)
		require.NoError(t, err)
		sign := 1.0
		if scoring == logreg.LogLoss {
			sign = -1
		}
		best := cv.Trials[cv.Best]
		se := best.Std / math.Sqrt(4)
		for _, trial := range cv.Trials {
			require.GreaterOrEqual(t, sign*best.Mean, sign*trial.Mean)
			if trial.Mean == best.Mean {
				require.GreaterOrEqual(t, trial.C, best.C)
			}
			if sign*trial.Mean >= sign*best.Mean-se {
				require.GreaterOrEqual(t, trial.C, cv.Trials[cv.OneSE].C)
			}
		}
		require.GreaterOrEqual(t, sign*cv.Trials[cv.OneSE].Mean, sign*best.Mean-se)
		require.Equal(t, best.C, cv.Refit.Model.Training.C)
	}
}

func TestFitCV_BadInput(t *testing.T) {
	for _, c := range []struct {
		message string
		change  func(*dataset.Dataset, *logreg.CVOptions)
	}{
		{"Cs hold -1; they must be positive", func(_ *dataset.Dataset, o *logreg.CVOptions) { o.Cs = []float64{1, -1} }},
		{"there is no C to choose", func(_ *dataset.Dataset, o *logreg.CVOptions) { o.Penalty = "none" }},
		{"l1-ratios are for penalty elasticnet; the penalty is l2", func(_ *dataset.Dataset, o *logreg.CVOptions) { o.L1Ratios = []float64{1} }},
		{"l1-ratios hold 2", func(_ *dataset.Dataset, o *logreg.CVOptions) { o.Penalty, o.L1Ratios = "elasticnet", []float64{2} }},
		{"Cs are none", func(_ *dataset.Dataset, o *logreg.CVOptions) { o.Cs = []float64{} }},
		{"1 folds of 150 rows", func(_ *dataset.Dataset, o *logreg.CVOptions) { o.Folds = 1 }},
		{"151 folds of 150 rows", func(_ *dataset.Dataset, o *logreg.CVOptions) { o.Folds = 151 }},
		{`fold scheme "sorted" is unknown`, func(_ *dataset.Dataset, o *logreg.CVOptions) { o.FoldScheme = "sorted" }},
		{`scoring "f1" is unknown`, func(_ *dataset.Dataset, o *logreg.CVOptions) { o.Scoring = "f1" }},
		{"folds for 3 of 150 rows", func(_ *dataset.Dataset, o *logreg.CVOptions) { o.FoldOf = make([]int32, 3) }},
		{"all rows are in one fold", func(_ *dataset.Dataset, o *logreg.CVOptions) { o.FoldOf = make([]int32, 150) }},
		{"row 7 is in fold -1", func(_ *dataset.Dataset, o *logreg.CVOptions) { o.FoldOf = make([]int32, 150); o.FoldOf[7] = -1 }},
		{"fold 1 has no rows of positive weight", func(_ *dataset.Dataset, o *logreg.CVOptions) {
			o.FoldOf = make([]int32, 150)
			o.FoldOf[7] = 2
			o.FoldOf[60] = 2
			o.FoldOf[110] = 2
		}},
		{"all rows of class 0 are in fold 0, so that none is left", func(ds *dataset.Dataset, o *logreg.CVOptions) { o.FoldOf = ds.Labels }},
		{"fold 2 has no row of class 0, which roc_auc needs", func(_ *dataset.Dataset, o *logreg.CVOptions) {
			o.Scoring, o.FoldOf = logreg.ROCAUC, make([]int32, 150)
			for i := range o.FoldOf {
				o.FoldOf[i] = int32(i % 2)
			}
			o.FoldOf[149] = 2
		}},
		{"groups for 3 of 150 rows", func(_ *dataset.Dataset, o *logreg.CVOptions) { o.GroupOf = make([]int32, 3) }},
		{"5 folds of 1 groups, which are not to be split", func(_ *dataset.Dataset, o *logreg.CVOptions) { o.GroupOf = make([]int32, 150) }},
		{"fold scheme is modulo, which splits groups", func(_ *dataset.Dataset, o *logreg.CVOptions) {
			o.GroupOf, o.FoldScheme = make([]int32, 150), logreg.Modulo
		}},
		{"folds are given by row", func(_ *dataset.Dataset, o *logreg.CVOptions) {
			o.GroupOf, o.FoldOf = make([]int32, 150), make([]int32, 150)
		}},
		{"solver newton cannot fit several models at once", func(_ *dataset.Dataset, o *logreg.CVOptions) { o.Solver = "newton" }},
	} {
		t.Run(c.message, func(t *testing.T) {
			ds := scaled(t, "iris")
			opts := logreg.DefaultCVOptions()
			c.change(ds, &opts)
			_, err := logreg.FitCV(ctx, ds, opts)
			require.ErrorContains(t, err, c.message)
		})
	}
}

func ExampleFitCV() {
	ds, err := dataset.Read(ctx, "builtin:breast_cancer", dataset.ReadOptions{})
	if err != nil {
		panic(err)
	}
	opts := logreg.DefaultCVOptions()
	opts.Standardize = true
	cv, err := logreg.FitCV(ctx, ds, opts)
	if err != nil {
		panic(err)
	}
	fmt.Printf("log loss %.3f with C = %.2g; within one standard error: C = %.2g\n", cv.Trials[cv.Best].Mean, cv.Trials[cv.Best].C, cv.Trials[cv.OneSE].C)
	// Output: log loss 0.080 with C = 0.36; within one standard error: C = 0.36
}

// Class weights of one change nothing, and scores least of all: not where a row that was
// left out is a hundred deviations on the wrong side either.
func TestFitCV_P7_ClassWeightsOfOne(t *testing.T) {
	for _, classes := range []int{2, 3} {
		const n = 60
		x, labels, folds := make([]float64, n), make([]int, n), make([]int32, n)
		for i := range n {
			labels[i], folds[i] = i%classes, int32(i/classes%2)
			x[i] = float64(labels[i]) + float64(i*7%11)/8
		}
		x[0] = 100 // of class 0
		ds, err := dataset.New(x, n, 1, labels)
		require.NoError(t, err)
		opts := logreg.DefaultCVOptions()
		opts.Cs, opts.FoldOf = []float64{1, 10}, folds
		want, err := logreg.FitCV(ctx, ds, opts)
		require.NoError(t, err)
		opts.ClassWeight.ByLabel = map[string]float64{"0": 1, "1": 1}
		got, err := logreg.FitCV(ctx, ds, opts)
		require.NoError(t, err)
		for i, trial := range want.Trials {
			require.Greater(t, trial.Scores[0], 36.0/n, "the row counts")
			require.InEpsilonSlice(t, trial.Scores, got.Trials[i].Scores, 1e-9)
		}
	}
}
