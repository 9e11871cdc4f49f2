package logreg_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"
	"pgregory.net/rapid"

	logreg "github.com/logreg-gpu/logreg-gpu"
	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/dataset"
	"github.com/logreg-gpu/logreg-gpu/solver"
)

var ctx = context.Background()

// reference is one optimum of testdata/reference.json.
type reference struct {
	ID, Data, Preparation, Weights string
	C, Objective                   float64
	Intercept                      []float64
	Coef                           [][]float64
}

func references(t *testing.T) []reference {
	text, err := os.ReadFile("testdata/reference.json")
	require.NoError(t, err)
	var file struct{ Cases []reference }
	require.NoError(t, json.Unmarshal(text, &file))
	require.Len(t, file.Cases, 7)
	return file.Cases
}

// prepare gives the dataset and options that reproduce a reference.
func (r *reference) prepare(t *testing.T) (*dataset.Dataset, logreg.Options) {
	ds, err := dataset.Read(ctx, "builtin:"+r.Data[:len(r.Data)-len(".csv")], dataset.ReadOptions{})
	require.NoError(t, err)
	opts := logreg.DefaultOptions()
	opts.C, opts.Tol = r.C, 1e-10
	opts.Standardize = r.Preparation == "standardised"
	opts.ClassWeight.Balanced = r.Weights == "balanced"
	if r.Weights == "1+(i%5)" {
		rows, _ := ds.Shape()
		for i := range rows {
			ds.Weights = append(ds.Weights, float64(1+i%5))
		}
	}
	return ds, opts
}

// The optima were computed in 80-bit floats. In float64 the objective must agree to
// 1e-8 and coefficients to 1e-5 of the largest; products in float32 leave 1e-5 and
// 1e-3. Those are the accuracies that we promise.
func TestFit_P4_ReferenceOptima(t *testing.T) {
	accuracy := map[backend.Storage]struct{ objective, coef float64 }{
		backend.Float64: {1e-8, 1e-5},
		backend.Float32: {1e-5, 1e-3},
	}
	for _, ref := range references(t) {
		for _, name := range []string{"newton", "lbfgs", "newton-cg", "staged", "auto"} {
			for _, be := range []string{"cpu", "cpu-reference"} {
				for storage, tol := range accuracy {
					t.Run(fmt.Sprintf("%s/%s/%s/%s", ref.ID, name, be, storage), func(t *testing.T) {
						ds, opts := ref.prepare(t)
						opts.Solver, opts.Backend, opts.Storage = name, be, storage
						res, err := logreg.Fit(ctx, ds, opts)
						require.NoError(t, err)
						require.Contains(t, []solver.Status{solver.Converged, solver.Precision}, res.Status, res.Advice)
						require.InEpsilon(t, ref.Objective, res.Objective, tol.objective)
						got := res.Model.Coef
						if opts.Standardize {
							got = res.Model.CoefStandardized
						}
						largest := 0.0
						for _, row := range ref.Coef {
							for _, v := range row {
								largest = max(largest, math.Abs(v))
							}
						}
						for k, row := range ref.Coef {
							require.InDeltaSlice(t, row, got[k], tol.coef*largest)
						}
					})
				}
			}
		}
	}
}

// bits is a fit as bit patterns.
func bits(r *logreg.Result) (b []uint64) {
	for k, row := range r.Model.Coef {
		for _, v := range append(slices.Clone(row), r.Model.Intercept[k]) {
			b = append(b, math.Float64bits(v))
		}
	}
	return append(b, math.Float64bits(r.Objective), math.Float64bits(r.MaxAbsGradient))
}

func TestFit_P9_SameBitsForAnyThreads(t *testing.T) {
	for _, set := range []string{"breast_cancer", "iris"} {
		for _, name := range []string{"newton", "lbfgs", "newton-cg", "staged", "sgd"} {
			for _, storage := range []backend.Storage{backend.Float64, backend.Float32} {
				var first []uint64
				for _, threads := range []int{1, 2, 3, 7, 1} {
					ds, err := dataset.Read(ctx, "builtin:"+set, dataset.ReadOptions{Threads: threads})
					require.NoError(t, err)
					opts := logreg.DefaultOptions()
					opts.Solver, opts.Storage, opts.Threads, opts.Backend = name, storage, threads, "cpu"
					opts.SGD = solver.SGD{Batch: 32, LearningRate: 1e-4}
					if name == "sgd" {
						opts.MaxIter = 5
					}
					res, err := logreg.Fit(ctx, ds, opts)
					require.NoError(t, err)
					if first == nil {
						first = bits(res)
					}
					require.Equal(t, first, bits(res), "%s by %s in %s with %d threads", set, name, storage, threads)
				}
			}
		}
	}
}

func TestFit_P24_InputsNotModified(t *testing.T) {
	ds, err := dataset.Read(ctx, "builtin:breast_cancer", dataset.ReadOptions{})
	require.NoError(t, err)
	rows, _ := ds.Shape()
	ds.Weights, ds.Offsets = make([]float64, rows), make([]float64, rows)
	for i := range rows {
		ds.Weights[i], ds.Offsets[i] = float64(1+i%3), float64(i%2)
	}
	x := slices.Clone(ds.X.Data().([]float64))
	labels, weights, offsets := slices.Clone(ds.Labels), slices.Clone(ds.Weights), slices.Clone(ds.Offsets)
	opts := logreg.DefaultOptions()
	opts.ClassWeight.Balanced, opts.Standardize = true, true
	_, err = logreg.Fit(ctx, ds, opts)
	require.NoError(t, err)
	require.Equal(t, x, ds.X.Data().([]float64))
	require.Equal(t, labels, ds.Labels)
	require.Equal(t, weights, ds.Weights)
	require.Equal(t, offsets, ds.Offsets)
}

// Class weights are sample weights of the classes' rows, and an integer weight is the
// row repeated: two ways to the same objective agree to rounding.
func TestFit_P7_ClassWeightsAreSampleWeights(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		classes := rapid.SampledFrom([]int{2, 3}).Draw(rt, "classes")
		n, d := rapid.IntRange(classes*4, 40).Draw(rt, "n"), rapid.IntRange(1, 4).Draw(rt, "d")
		x := rapid.SliceOfN(rapid.Float64Range(-3, 3), n*d, n*d).Draw(rt, "x")
		labels, weight := make([]int, n), make([]float64, classes)
		by := map[string]float64{}
		for k := range weight {
			weight[k] = float64(rapid.IntRange(1, 3).Draw(rt, "weight"))
			by[fmt.Sprint(k)] = weight[k]
		}
		var xr []float64
		var lr []int
		sample := make([]float64, n)
		for i := range labels {
			labels[i] = i % classes
			sample[i] = weight[labels[i]]
			for range int(sample[i]) {
				xr, lr = append(xr, x[i*d:(i+1)*d]...), append(lr, labels[i])
			}
		}
		fit := func(ds *dataset.Dataset, w logreg.ClassWeight) *logreg.Result {
			opts := logreg.DefaultOptions()
			opts.ClassWeight, opts.Tol = w, 1e-10
			res, err := logreg.Fit(ctx, ds, opts)
			require.NoError(rt, err)
			return res
		}
		plain, err := dataset.New(x, n, d, labels)
		require.NoError(rt, err)
		byClass := fit(plain, logreg.ClassWeight{ByLabel: by})
		weighted := *plain
		weighted.Weights = sample
		bySample := fit(&weighted, logreg.ClassWeight{})
		repeated, err := dataset.New(xr, len(lr), d, lr)
		require.NoError(rt, err)
		byRows := fit(repeated, logreg.ClassWeight{})
		require.InEpsilon(rt, byClass.Objective, bySample.Objective, 1e-12)
		require.InEpsilon(rt, byClass.Objective, byRows.Objective, 1e-9)
		for k := range byClass.Model.Coef {
			require.InDeltaSlice(rt, byClass.Model.Coef[k], bySample.Model.Coef[k], 1e-8)
			require.InDeltaSlice(rt, byClass.Model.Coef[k], byRows.Model.Coef[k], 1e-6)
		}
	})
}

func TestFit_P17_IterationLimits(t *testing.T) {
	ds, err := dataset.Read(ctx, "builtin:breast_cancer", dataset.ReadOptions{})
	require.NoError(t, err)
	rows, _ := ds.Shape()
	for _, s := range solver.Solvers() {
		opts := logreg.DefaultOptions()
		opts.Solver, opts.MaxIter = s.Name, 0
		res, err := logreg.Fit(ctx, ds, opts)
		require.NoError(t, err)
		require.Equal(t, solver.MaxIter, res.Status)
		require.Zero(t, res.Iterations)
		require.InEpsilon(t, float64(rows)*math.Ln2, res.Objective, 1e-12, "at zero every row loses ln 2")
		proba, err := res.Model.PredictProba(ctx, ds)
		require.NoError(t, err)
		require.Equal(t, 0.5, slices.Min(proba))

		opts.MaxIter = 1
		res, err = logreg.Fit(ctx, ds, opts)
		require.NoError(t, err)
		require.Equal(t, solver.MaxIter, res.Status)
		require.Equal(t, 1, res.Iterations)
		require.Contains(t, res.Advice, "--max-iter")
	}
}

func TestFit_P16_WarmStart(t *testing.T) {
	for _, set := range []string{"breast_cancer", "iris"} {
		ds, err := dataset.Read(ctx, "builtin:"+set, dataset.ReadOptions{})
		require.NoError(t, err)
		opts := logreg.DefaultOptions()
		opts.Solver = "lbfgs"
		cold, err := logreg.Fit(ctx, ds, opts)
		require.NoError(t, err)
		opts.Warm = cold.Model
		warm, err := logreg.Fit(ctx, ds, opts)
		require.NoError(t, err)
		require.Equal(t, solver.Converged, warm.Status)
		require.Zero(t, warm.Iterations, "it stood at the optimum")
		require.InEpsilon(t, cold.Objective, warm.Objective, 1e-12)
	}
}

// Labels of any kind name the same classes; sorted order decides which is second.
func TestFit_P18_LabelsOfAnyKind(t *testing.T) {
	x := []float64{-2, -1, 1, 2, -0.5, 0.5}
	first := []bool{true, true, false, false, false, true}
	var want *logreg.Result
	for _, names := range [][2]any{{0, 1}, {-7, 42}, {"no", "yes"}, {-1.5, 2.25}, {"a b", "Ω"}} {
		var ds *dataset.Dataset
		var err error
		switch names[0].(type) {
		case int:
			ds, err = dataset.New(x, 6, 1, pick[int](first, names))
		case float64:
			ds, err = dataset.New(x, 6, 1, pick[float64](first, names))
		case string:
			ds, err = dataset.New(x, 6, 1, pick[string](first, names))
		}
		require.NoError(t, err)
		require.Equal(t, []string{fmt.Sprint(names[0]), fmt.Sprint(names[1])}, ds.Classes.Names)
		res, err := logreg.Fit(ctx, ds, logreg.DefaultOptions())
		require.NoError(t, err)
		if want == nil {
			want = res
		}
		require.Equal(t, bits(want), bits(res))
	}
}

func pick[L any](first []bool, names [2]any) (labels []L) {
	for _, f := range first {
		if f {
			labels = append(labels, names[0].(L))
		} else {
			labels = append(labels, names[1].(L))
		}
	}
	return labels
}

func TestFit_P18_AwkwardShapes(t *testing.T) {
	for _, c := range []struct {
		name   string
		x      []float64
		cols   int
		labels []int
	}{
		{"one row a class", []float64{1, 2}, 1, []int{0, 1}},
		{"equal rows", []float64{1, 2, 1, 2}, 2, []int{0, 1}},
		{"fewer rows than columns", []float64{1, 0, 2, 5, 1, 1, 0, 3}, 4, []int{0, 1}},
		{"zero columns", []float64{0, 1, 0, 2, 0, 3}, 2, []int{0, 1, 0}},
		{"all zero", make([]float64, 6), 2, []int{0, 1, 0}},
		{"zero rows", []float64{0, 0, 1, 1, 0, 0, 2, 3}, 2, []int{0, 1, 1, 0}},
		{"three rows, three classes", []float64{1, 2, 3}, 1, []int{0, 1, 2}},
	} {
		for _, s := range []string{"newton", "lbfgs", "newton-cg", "staged"} {
			for _, storage := range []backend.Storage{backend.Float64, backend.Float32} {
				ds, err := dataset.New(slices.Clone(c.x), len(c.labels), c.cols, c.labels)
				require.NoError(t, err, c.name)
				opts := logreg.DefaultOptions()
				opts.Solver, opts.Storage = s, storage
				res, err := logreg.Fit(ctx, ds, opts)
				require.NoError(t, err, c.name)
				require.Contains(t, []solver.Status{solver.Converged, solver.Precision}, res.Status, "%s by %s: %s", c.name, s, res.Advice)
				require.LessOrEqual(t, res.MaxAbsGradient, 1e-5, c.name)
			}
		}
	}
}

// Separable data: with a penalty there is an optimum; without, the fit says that the
// coefficients grow without bound.
func TestFit_P22_SeparableDataIsReported(t *testing.T) {
	for _, s := range []string{"newton", "lbfgs", "newton-cg", "staged"} {
		ds, err := dataset.New([]float64{-2, -1, 1, 2}, 4, 1, []int{0, 0, 1, 1})
		require.NoError(t, err)
		opts := logreg.DefaultOptions()
		opts.Solver = s
		res, err := logreg.Fit(ctx, ds, opts)
		require.NoError(t, err)
		require.Equal(t, solver.Converged, res.Status)
		opts.Penalty = "none"
		res, err = logreg.Fit(ctx, ds, opts)
		require.NoError(t, err)
		require.Equal(t, solver.Separable, res.Status, s)
		require.NotEmpty(t, res.Advice)
		require.NoError(t, res.Model.Check())
	}
}

// A column 1e6 + noise fits like the noise alone.
func TestFit_P13_LargeMeans(t *testing.T) {
	ds, err := dataset.Read(ctx, "builtin:breast_cancer", dataset.ReadOptions{})
	require.NoError(t, err)
	rows, cols := ds.Shape()
	x := ds.X.Data().([]float64)
	const shift = 1e6
	far := make([]float64, len(x))
	for i := range x {
		far[i] = x[i]*1024 + shift*1024 // powers of two: the sums lose few digits
		far[i] /= 1024
	}
	shifted := *ds
	shifted.X = tensor.New(tensor.WithShape(rows, cols), tensor.WithBacking(far))
	for _, storage := range []backend.Storage{backend.Float64, backend.Float32} {
		opts := logreg.DefaultOptions()
		opts.Standardize, opts.Storage = true, storage
		near, err := logreg.Fit(ctx, ds, opts)
		require.NoError(t, err)
		away, err := logreg.Fit(ctx, &shifted, opts)
		require.NoError(t, err)
		// 1e6 + x keeps x to about 1e-10; columns of deviation 0.003 thus to 1e-7.
		require.InEpsilon(t, near.Objective, away.Objective, 1e-5)
		require.InDeltaSlice(t, near.Model.CoefStandardized[0], away.Model.CoefStandardized[0], 1e-3)
	}
}

func TestFit_BadOptions(t *testing.T) {
	ds, err := dataset.Read(ctx, "builtin:iris", dataset.ReadOptions{})
	require.NoError(t, err)
	for want, change := range map[string]func(*logreg.Options){
		"C is 0":                    func(o *logreg.Options) { o.C = 0 },
		"C is NaN":                  func(o *logreg.Options) { o.C = math.NaN() },
		"unknown solver \"magic\"":  func(o *logreg.Options) { o.Solver = "magic" },
		"penalty \"l3\" is unknown": func(o *logreg.Options) { o.Penalty = "l3" },
		"unknown backend \"tpu\"":   func(o *logreg.Options) { o.Backend = "tpu" },
		"tol is -1":                 func(o *logreg.Options) { o.Tol = -1 },
		"name class \"9\"":          func(o *logreg.Options) { o.ClassWeight.ByLabel = map[string]float64{"9": 1} },
		"name class 1 twice":        func(o *logreg.Options) { o.ClassWeight.ByLabel = map[string]float64{"1": 1, "1.0": 2} },
		"not both": func(o *logreg.Options) {
			o.ClassWeight = logreg.ClassWeight{Balanced: true, ByLabel: map[string]float64{"1": 1}}
		},
		"max-iter is -2":        func(o *logreg.Options) { o.MaxIter = -2 },
		"class weights hold -1": func(o *logreg.Options) { o.ClassWeight.ByLabel = map[string]float64{"1": -1} },
	} {
		opts := logreg.DefaultOptions()
		change(&opts)
		_, err := logreg.Fit(ctx, ds, opts)
		require.ErrorContains(t, err, want)
	}
}

func TestFit_InterruptedBeforeTheStart(t *testing.T) {
	ds, err := dataset.Read(ctx, "builtin:iris", dataset.ReadOptions{})
	require.NoError(t, err)
	done, cancel := context.WithCancel(ctx)
	cancel()
	_, err = logreg.Fit(done, ds, logreg.DefaultOptions())
	require.ErrorIs(t, err, context.Canceled)
}

func TestFit_InterruptedKeepsTheBestPoint(t *testing.T) {
	ds, err := dataset.Read(ctx, "builtin:breast_cancer", dataset.ReadOptions{})
	require.NoError(t, err)
	stoppable, cancel := context.WithCancel(ctx)
	opts := logreg.DefaultOptions()
	opts.Progress = func(s solver.Step) {
		if s.Iteration == 2 {
			cancel()
		}
	}
	res, err := logreg.Fit(stoppable, ds, opts)
	require.NoError(t, err)
	require.Equal(t, solver.Interrupted, res.Status)
	require.Equal(t, 2, res.Iterations)
	require.Less(t, res.Objective, 569*math.Ln2)
	require.NoError(t, res.Model.Check())
}
