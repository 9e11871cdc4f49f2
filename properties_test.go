package logreg_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"
	"pgregory.net/rapid"

	logreg "github.com/logreg-gpu/logreg-gpu"
	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/dataset"
	"github.com/logreg-gpu/logreg-gpu/model"
	"github.com/logreg-gpu/logreg-gpu/solver"
)

// The properties (docs/properties.md) of whole fits, over random problems.

// drawData is a table of normal columns with means and deviations of any size, labels
// that follow the columns under noise, weights (some of them 0) and offsets or none.
// The numbers come from a drawn seed, so that no two rows are equal by accident.
func drawData(t *rapid.T) *dataset.Dataset {
	random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	k := rapid.SampledFrom([]int{2, 2, 3}).Draw(t, "classes")
	d := rapid.IntRange(1, 5).Draw(t, "features")
	n := rapid.IntRange(30*d, 200).Draw(t, "rows")
	x, labels := make([]float64, n*d), make([]int, n)
	mean, scale, slope := make([]float64, d), make([]float64, d), make([]float64, k*d)
	for j := range d {
		scale[j] = math.Pow(10, 2*random.Float64()-1)
		mean[j] = 3 * scale[j] * random.NormFloat64()
	}
	for i := range slope {
		slope[i] = random.NormFloat64()
	}
	for i := range n {
		best := math.Inf(-1)
		for j := range d {
			x[i*d+j] = random.NormFloat64()
		}
		for c := range k {
			u := 1.5 * random.NormFloat64()
			for j := range d {
				u += slope[c*d+j] * x[i*d+j]
			}
			if u > best {
				best, labels[i] = u, c
			}
		}
		for j := range d {
			x[i*d+j] = mean[j] + scale[j]*x[i*d+j]
		}
	}
	for c := range k {
		labels[c] = c // every class is there
	}
	ds, err := dataset.New(x, n, d, labels)
	require.NoError(t, err)
	if rapid.Bool().Draw(t, "weights") {
		ds.Weights = make([]float64, n)
		for i := range ds.Weights {
			ds.Weights[i] = max(0, 1+random.NormFloat64())
		}
		for c := range k {
			ds.Weights[c] = 1
		}
	}
	if rapid.Bool().Draw(t, "offsets") {
		ds.Offsets = make([]float64, n)
		for i := range ds.Offsets {
			ds.Offsets[i] = random.NormFloat64()
		}
	}
	return ds
}

// drawOptions are options of a fit that converges by itself.
func drawOptions(t *rapid.T) logreg.Options {
	opts := logreg.DefaultOptions()
	opts.Solver = rapid.SampledFrom([]string{"auto", "newton", "lbfgs"}).Draw(t, "solver")
	opts.Backend = rapid.SampledFrom([]string{"cpu", "cpu-reference"}).Draw(t, "backend")
	opts.C = rapid.SampledFrom([]float64{0.01, 1, 100}).Draw(t, "C")
	opts.NoIntercept = rapid.Bool().Draw(t, "no intercept")
	opts.Standardize = rapid.Bool().Draw(t, "standardize")
	opts.Tol = 1e-10
	return opts
}

func fit(t require.TestingT, ds *dataset.Dataset, opts logreg.Options) *logreg.Result {
	res, err := logreg.Fit(ctx, ds, opts)
	require.NoError(t, err)
	require.Contains(t, []solver.Status{solver.Converged, solver.Precision}, res.Status, res.Advice)
	return res
}

// requireSameFit compares two ways to one optimum: by the objective, to which both
// came within the square of the gradient's tolerance, and by the logits of all rows.
func requireSameFit(t require.TestingT, a, b *logreg.Result, x, y *dataset.Dataset) {
	require.InEpsilon(t, a.Objective, b.Objective, 1e-9)
	z, err := a.Model.DecisionFunction(ctx, x)
	require.NoError(t, err)
	v, err := b.Model.DecisionFunction(ctx, y)
	require.NoError(t, err)
	require.InDeltaSlice(t, z, v, 1e-4)
}

// gradient is that of the objective / (C sum s) in the user's units, by plain loops
// that share nothing with the package: the largest component.
func gradient(ds *dataset.Dataset, opts logreg.Options, m *model.Model) float64 {
	n, d := ds.Shape()
	x := ds.X.Data().([]float64)
	k := m.Outputs()
	g := make([]float64, k*(d+1))
	sum := 0.0
	for i := range n {
		s := 1.0
		if ds.Weights != nil {
			s = ds.Weights[i]
		}
		sum += s
		z := make([]float64, k)
		for c := range z {
			z[c] = m.Intercept[c]
			if ds.Offsets != nil {
				z[c] += ds.Offsets[i]
			}
			for j := range d {
				z[c] += m.Coef[c][j] * x[i*d+j]
			}
		}
		for c := range z {
			r := 1 / (1 + math.Exp(-z[c]))
			if k > 1 {
				total := 0.0
				for _, v := range z {
					total += math.Exp(v - z[c])
				}
				r = 1 / total
			}
			if k == 1 && ds.Labels[i] == 1 || k > 1 && int(ds.Labels[i]) == c {
				r--
			}
			for j := range d {
				g[c*(d+1)+j] += s * r * x[i*d+j]
			}
			g[c*(d+1)+d] += s * r
		}
	}
	stats, err := ds.Stats(false)
	if err != nil {
		panic(err)
	}
	largest := 0.0
	for c := range k {
		for j := range d {
			ridge := 1.0
			if opts.Standardize {
				ridge = stats.Var[j]
			}
			v := (g[c*(d+1)+j] + ridge*m.Coef[c][j]/opts.C) / sum
			largest = max(largest, math.Abs(v)/math.Max(1, math.Sqrt(stats.Var[j]+stats.Mean[j]*stats.Mean[j])))
		}
		if !opts.NoIntercept {
			largest = max(largest, math.Abs(g[c*(d+1)+d])/sum)
		}
	}
	return largest
}

// At the optimum the gradient vanishes, by arithmetic that is not ours. Relative to a
// column's size it may be off by the roundings of a sum of a few hundred terms.
func TestFit_P1_P3_GradientVanishes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ds, opts := drawData(t), drawOptions(t)
		m := fit(t, ds, opts).Model
		require.LessOrEqual(t, gradient(ds, opts, m), 1e-8)
		if opts.NoIntercept {
			require.Equal(t, make([]float64, m.Outputs()), m.Intercept)
		}
	})
}

func TestFit_P8_RowAndColumnOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ds, opts := drawData(t), drawOptions(t)
		n, d := ds.Shape()
		rows := rapid.Permutation(upTo(n)).Draw(t, "rows")
		columns := rapid.Permutation(upTo(d)).Draw(t, "columns")
		moved := ds.Take(rows)
		from, to := moved.X.Data().([]float64), make([]float64, n*d)
		for i := range n {
			for j, c := range columns {
				to[i*d+j] = from[i*d+c]
			}
		}
		moved.X = tensor.New(tensor.WithShape(n, d), tensor.WithBacking(to))
		a, b := fit(t, ds, opts), fit(t, moved, opts)
		requireSameFit(t, a, b, ds.Take(rows), moved)
	})
}

func upTo(n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = i
	}
	return s
}

func TestFit_P9_SameBitsForAnyThreadsAndRun(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ds, opts := drawData(t), drawOptions(t)
		opts.Storage = rapid.SampledFrom([]backend.Storage{backend.Float64, backend.Float32, backend.BFloat16}).Draw(t, "storage")
		opts.Tol = 1e-3
		opts.Threads = rapid.IntRange(1, 9).Draw(t, "threads")
		a, err := logreg.Fit(ctx, ds, opts)
		require.NoError(t, err)
		opts.Threads = rapid.IntRange(1, 9).Draw(t, "other threads")
		b, err := logreg.Fit(ctx, ds, opts)
		require.NoError(t, err)
		require.Equal(t, bits(a), bits(b))
	})
}

// Without a penalty an intercept is nothing but a column of ones.
func TestFit_P12_InterceptIsAColumnOfOnes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ds, opts := drawData(t), drawOptions(t)
		opts.Penalty, opts.NoIntercept, opts.Standardize, opts.C = "none", false, false, 1
		// Every row with another label as well: the classes overlap.
		n, d := ds.Shape()
		twice := slices.Concat(upTo(n), upTo(n))
		ds = ds.Take(twice)
		for i := range n {
			ds.Labels[n+i] = int32((int(ds.Labels[i]) + 1) % len(ds.Classes.Names))
		}
		n *= 2
		from, to := ds.X.Data().([]float64), make([]float64, 0, n*(d+1))
		for i := range n {
			to = append(append(to, from[i*d:(i+1)*d]...), 1)
		}
		ones := *ds
		ones.X = tensor.New(tensor.WithShape(n, d+1), tensor.WithBacking(to))
		ones.FeatureNames = append(slices.Clone(ds.FeatureNames), "one")
		a := fit(t, ds, opts)
		opts.NoIntercept = true
		b := fit(t, &ones, opts)
		requireSameFit(t, a, b, ds, &ones)
		for c := range b.Model.Coef {
			require.Zero(t, b.Model.Intercept[c])
		}
	})
}

// Standardize is the same as scaling the columns beforehand, also where they lie far
// from zero or are constant.
func TestFit_P13_StandardizeIsScaledColumns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ds, opts := drawData(t), drawOptions(t)
		n, d := ds.Shape()
		x := ds.X.Data().([]float64)
		far := rapid.SampledFrom([]float64{0, 1e3, 1e6}).Draw(t, "far")
		constant := rapid.Bool().Draw(t, "constant column")
		for i := range x {
			x[i] += far
			if constant && i%d == 0 {
				x[i] = 7
			}
		}
		opts.NoIntercept, opts.Standardize = false, true
		a := fit(t, ds, opts)
		stats, err := ds.Stats(false)
		require.NoError(t, err)
		scaled := *ds
		to := make([]float64, n*d)
		for i := range to {
			deviation := math.Sqrt(stats.Var[i%d])
			if deviation == 0 {
				deviation = 1
			}
			to[i] = (x[i] - stats.Mean[i%d]) / deviation
		}
		scaled.X = tensor.New(tensor.WithShape(n, d), tensor.WithBacking(to))
		opts.Standardize = false
		b := fit(t, &scaled, opts)
		require.InEpsilon(t, a.Objective, b.Objective, 1e-9)
		for c := range a.Model.Coef {
			require.InDeltaSlice(t, b.Model.Coef[c], a.Model.CoefStandardized[c], 1e-5)
		}
	})
}

func TestFit_P16_WarmStartGoesOnWhereItWas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ds, opts := drawData(t), drawOptions(t)
		opts.Tol = 1e-6
		cold := fit(t, ds, opts)
		opts.Warm = cold.Model
		opts.Tol = 2e-6 // to fold coefficients into the user's units and back costs digits
		warm := fit(t, ds, opts)
		require.Zero(t, warm.Iterations)
		require.InEpsilon(t, cold.Objective, warm.Objective, 1e-12)
	})
}

// Whatever the limit, it holds, what was reached is no worse than the start, and less
// than convergence says so.
func TestFit_P17_AnyLimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ds, opts := drawData(t), drawOptions(t)
		opts.MaxIter = 0
		start, err := logreg.Fit(ctx, ds, opts)
		require.NoError(t, err)
		opts.MaxIter = rapid.IntRange(1, 6).Draw(t, "limit")
		res, err := logreg.Fit(ctx, ds, opts)
		require.NoError(t, err)
		require.LessOrEqual(t, res.Iterations, opts.MaxIter)
		require.LessOrEqual(t, res.Objective, start.Objective)
		if !res.Converged() {
			require.NotEmpty(t, res.Advice)
			if res.Status == solver.MaxIter {
				require.Equal(t, opts.MaxIter, res.Iterations)
			}
		}
	})
}

// Small whole numbers, so that rows, columns and labels coincide in every way.
func TestFit_P18_AnySmallTable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, d := rapid.IntRange(2, 7).Draw(t, "rows"), rapid.IntRange(1, 8).Draw(t, "features")
		x := make([]float64, n*d)
		for i := range x {
			x[i] = float64(rapid.IntRange(-1, 1).Draw(t, "x"))
		}
		labels := make([]int, n)
		for i := range labels {
			labels[i] = rapid.IntRange(0, 2).Draw(t, "label")
		}
		ds, err := dataset.New(x, n, d, labels)
		require.NoError(t, err)
		opts := drawOptions(t)
		opts.Tol = 1e-6
		if len(ds.Classes.Names) < 2 {
			_, err := logreg.Fit(ctx, ds, opts)
			require.ErrorContains(t, err, "at least two classes")
			return
		}
		require.NoError(t, fit(t, ds, opts).Model.Check())
	})
}

func TestFit_P19_ExtremeMarginsStayFinite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ds, opts := drawData(t), drawOptions(t)
		ds.Offsets = make([]float64, len(ds.Labels))
		for i := range ds.Offsets {
			ds.Offsets[i] = rapid.SampledFrom([]float64{-1e4, -40, 0, 40, 1e4}).Draw(t, "offset")
		}
		res, err := logreg.Fit(ctx, ds, opts)
		require.NoError(t, err)
		require.NoError(t, res.Model.Check(), "numbers are finite")
		proba, err := res.Model.PredictProba(ctx, ds)
		require.NoError(t, err)
		for _, p := range proba {
			require.True(t, p >= 0 && p <= 1)
		}
	})
}

func TestFit_P20_NamesTheCell(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ds, opts := drawData(t), drawOptions(t)
		n, d := ds.Shape()
		row, col := rapid.IntRange(0, n-1).Draw(t, "row"), rapid.IntRange(0, d-1).Draw(t, "column")
		value := rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), math.Inf(-1)}).Draw(t, "value")
		ds.X.Data().([]float64)[row*d+col] = value
		_, err := logreg.Fit(ctx, ds, opts)
		var bad *backend.NotFiniteError
		require.ErrorAs(t, err, &bad)
		require.Equal(t, []int{row, col}, []int{bad.Row, bad.Col})
	})
}

// Labels that a plane tells apart with a gap are separable, and said to be; the same
// rows with the other label as well make them overlap.
func TestFit_P22_SeparableOrNot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ds, opts := drawData(t), drawOptions(t)
		opts.Penalty, opts.Standardize, opts.NoIntercept, opts.C = "none", false, false, 1
		ds.Weights, ds.Offsets = nil, nil
		n, d := ds.Shape()
		x := ds.X.Data().([]float64)
		stats, err := ds.Stats(false)
		require.NoError(t, err)
		labels := make([]int, n)
		for i := range n {
			if x[i*d] > stats.Mean[0] {
				labels[i] = 1
			}
			x[i*d] += math.Sqrt(stats.Var[0]) * float64(2*labels[i]-1)
		}
		apart, err := dataset.New(x, n, d, labels)
		require.NoError(t, err)
		res, err := logreg.Fit(ctx, apart, opts)
		require.NoError(t, err)
		require.Equal(t, solver.Separable, res.Status)
		require.NotEmpty(t, res.Advice)
		overlap, err := dataset.New(slices.Concat(x, x), 2*n, d, slices.Concat(labels, flipped(labels)))
		require.NoError(t, err)
		fit(t, overlap, opts)
	})
}

func flipped(labels []int) []int {
	out := make([]int, len(labels))
	for i, l := range labels {
		out[i] = 1 - l
	}
	return out
}

func TestFit_P24_InputsStayAsTheyWere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ds, opts := drawData(t), drawOptions(t)
		opts.ClassWeight.ByLabel = map[string]float64{"1": 2}
		before := ds.Take(upTo(len(ds.Labels)))
		fit(t, ds, opts)
		require.Equal(t, before.X.Data(), ds.X.Data())
		require.Equal(t, before.Labels, ds.Labels)
		require.Equal(t, before.Weights, ds.Weights)
		require.Equal(t, before.Offsets, ds.Offsets)
		require.Equal(t, map[string]float64{"1": 2}, opts.ClassWeight.ByLabel)
	})
}

// What a fit leaves behind survives its file to the last bit, and says of its own data
// what it should.
func TestFit_P25_P28_TheFileOfAFit(t *testing.T) {
	for _, set := range dataset.Builtins() {
		ds, err := dataset.Read(ctx, "builtin:"+set, dataset.ReadOptions{})
		require.NoError(t, err)
		m := fit(t, ds, logreg.DefaultOptions()).Model
		var text bytes.Buffer
		require.NoError(t, m.Encode(&text))
		back, err := model.Decode(&text, "m.json")
		require.NoError(t, err)
		want, err := logreg.Predict(ctx, m, ds, logreg.PredictOptions{})
		require.NoError(t, err)
		have, err := logreg.Predict(ctx, back, ds, logreg.PredictOptions{})
		require.NoError(t, err)
		require.Equal(t, want, have)
		k := len(m.Classes.Names)
		for i, c := range have.Classes {
			sum := 0.0
			for _, p := range have.Proba[i*k : (i+1)*k] {
				require.LessOrEqual(t, p, have.Proba[i*k+int(c)])
				sum += p
			}
			require.InDelta(t, 1, sum, 1e-12)
		}
	}
}

// C and the weights trade exactly: both scale loss and gradient alike.
func TestFit_P7_P29_WeightsAndCTrade(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ds, opts := drawData(t), drawOptions(t)
		a := fit(t, ds, opts)
		by := rapid.SampledFrom([]float64{0.25, 3, 1000}).Draw(t, "by")
		scaled := *ds
		scaled.Weights = make([]float64, len(ds.Labels))
		for i := range scaled.Weights {
			scaled.Weights[i] = by
			if ds.Weights != nil {
				scaled.Weights[i] *= ds.Weights[i]
			}
		}
		opts.C /= by
		b := fit(t, &scaled, opts)
		requireSameFit(t, a, b, ds, &scaled)
		require.InDelta(t, a.Loss, b.Loss, 1e-9, "a mean, whatever the weights' scale")
	})
}

// Columns, centred and scaled before they are rounded, move coefficients by little more than
// the relative rounding of their storage, half of the largest on average, times the sensitivity of the fit (a strong
// penalty keeps that near 1); float32 products add a few roundings of their own. On each
// backend the answer is then that of the reference's float64.
func TestFit_P30_Storage(t *testing.T) {
	for _, set := range []string{"breast_cancer", "iris"} {
		ds, err := dataset.Read(ctx, "builtin:"+set, dataset.ReadOptions{})
		require.NoError(t, err)
		opts := logreg.DefaultOptions()
		opts.Standardize, opts.C, opts.Storage, opts.Backend = true, 0.1, backend.Float64, "cpu-reference"
		want := fit(t, ds, opts)
		for storage, bound := range map[backend.Storage]float64{
			backend.Float64: 1e-6, // what the tolerance of the fits leaves open
			backend.Float32: 1e-5, backend.Float16: 2 * 0x1p-12, backend.BFloat16: 2 * 0x1p-9,
		} {
			for _, name := range []string{"cpu", "cuda-emu"} {
				t.Run(fmt.Sprint(set, "/", storage, "/", name), func(t *testing.T) {
					opts := opts
					opts.Storage, opts.Backend = storage, name
					have := fit(t, ds, opts)
					require.Equal(t, storage, have.Storage)
					for c, row := range want.Model.CoefStandardized {
						require.InDeltaSlice(t, row, have.Model.CoefStandardized[c], bound)
					}
					require.InEpsilon(t, want.Objective, have.Objective, bound)
				})
			}
		}
	}
}
