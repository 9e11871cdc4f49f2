package reference

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"
	"pgregory.net/rapid"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// rounded is what the order of a float64 sum of up to 100 terms may change, in parts
// of the sum of their magnitudes; the tests' terms are of order 10.
const rounded = 1e-11

// drawProblem draws a problem with coefficients.
func drawProblem(t *rapid.T) (src *backend.Source, models []backend.Model, coef []float64, rng *rand.Rand) {
	n, d := rapid.IntRange(1, 50).Draw(t, "n"), rapid.IntRange(1, 6).Draw(t, "d")
	seed := rapid.Uint64().Draw(t, "seed")
	src, models = problem(seed, n, d)
	rng = rand.New(rand.NewPCG(seed, 3))
	return src, models, normal(rng, backend.Outputs(models)*(d+1)), rng
}

// rowsOf is the source of the given rows of src.
func rowsOf(src *backend.Source, rows []int) *backend.Source {
	_, d := src.Shape()
	x := src.X.Data().([]float64)
	var drawn []float64
	out := &backend.Source{Labels: make([][]int32, len(src.Labels)), Weights: make([][]float64, len(src.Weights)), Offsets: make([][]float64, len(src.Offsets))}
	for _, r := range rows {
		drawn = append(drawn, x[r*d:(r+1)*d]...)
		for c := range src.Labels {
			out.Labels[c] = append(out.Labels[c], src.Labels[c][r])
		}
		for c := range src.Weights {
			out.Weights[c] = append(out.Weights[c], src.Weights[c][r])
		}
		for c := range src.Offsets {
			out.Offsets[c] = append(out.Offsets[c], src.Offsets[c][r])
		}
		out.Folds = append(out.Folds, src.Folds[r])
	}
	out.X = tensor.New(tensor.WithShape(len(rows), d), tensor.WithBacking(drawn))
	return out
}

// loadRaw loads src without a map, so that sources of different rows have the same
// stored columns.
func loadRaw(t require.TestingT, src *backend.Source) *data {
	d := load(t, src).(*data)
	for i, v := range src.X.Data().([]float64) {
		d.x[i] = v
	}
	d.affine = backend.Affine{}
	return d
}

func requireClose(t require.TestingT, want, got *backend.Evaluation, why string) {
	require.InDeltaSlice(t, want.Loss, got.Loss, rounded*100, why)
	require.InDeltaSlice(t, want.Held, got.Held, rounded*100, why)
	require.InDeltaSlice(t, want.Grad, got.Grad, rounded*100, why)
}

func TestEval_P7_IntegerWeightsAreRepeatedRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		src, models, coef, rng := drawProblem(t)
		for k := range models {
			models[k].Weight = 0
		}
		var rows []int
		for i := range src.Weights[0] {
			times := rng.IntN(4)
			src.Weights[0][i] = float64(times)
			for range times {
				rows = append(rows, i)
			}
		}
		if len(rows) == 0 {
			t.Skip("no row has weight")
		}
		weighted := eval(t, loadRaw(t, src), models, coef)
		repeated := rowsOf(src, rows)
		for k := range models {
			models[k].Weight = backend.None
		}
		requireClose(t, eval(t, loadRaw(t, repeated), models, coef), weighted, "repeated rows")
	})
}

func TestEval_P7_WeightsOfOneAreNoWeights(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		src, models, coef, _ := drawProblem(t)
		for i := range src.Weights[0] {
			src.Weights[0][i] = 1
		}
		d := loadRaw(t, src)
		weighted, plain := models, append([]backend.Model(nil), models...)
		for k := range models {
			weighted[k].Weight, plain[k].Weight = 0, backend.None
		}
		require.Equal(t, eval(t, d, plain, coef), eval(t, d, weighted, coef))
	})
}

// P29: loss, gradient and held-out loss all scale with the weights; by a power of two
// they do so exactly.
func TestEval_P7_P29_ScaledWeightsScaleLossAndGradientAlike(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		src, models, coef, _ := drawProblem(t)
		for k := range models {
			models[k].Weight = 0
		}
		scale := math.Ldexp(1, rapid.IntRange(-200, 200).Draw(t, "scale"))
		before := eval(t, loadRaw(t, src), models, coef)
		for i := range src.Weights[0] {
			src.Weights[0][i] *= scale
		}
		after := eval(t, loadRaw(t, src), models, coef)
		for _, pair := range [][2][]float64{{before.Loss, after.Loss}, {before.Held, after.Held}, {before.Grad, after.Grad}} {
			for i, v := range pair[0] {
				require.Equal(t, v*scale, pair[1][i])
			}
		}
	})
}

func TestEval_P8_RowOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		src, models, coef, rng := drawProblem(t)
		n, _ := src.Shape()
		requireClose(t, eval(t, loadRaw(t, src), models, coef), eval(t, loadRaw(t, rowsOf(src, rng.Perm(n))), models, coef), "permuted rows")
	})
}

func TestEval_P8_ColumnOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		src, models, coef, rng := drawProblem(t)
		n, cols := src.Shape()
		before := eval(t, loadRaw(t, src), models, coef)
		perm := rng.Perm(cols)
		x := src.X.Data().([]float64)
		permuted := make([]float64, len(x))
		for i := range n {
			for j, from := range perm {
				permuted[i*cols+j] = x[i*cols+from]
			}
		}
		src.X = tensor.New(tensor.WithShape(n, cols), tensor.WithBacking(permuted))
		move := func(v []float64) []float64 {
			out := append([]float64(nil), v...)
			for o := 0; o < len(v); o += cols + 1 {
				for j, from := range perm {
					out[o+j] = v[o+from]
				}
			}
			return out
		}
		after := eval(t, loadRaw(t, src), models, move(coef))
		requireClose(t, &backend.Evaluation{Loss: before.Loss, Held: before.Held, Grad: move(before.Grad)}, after, "permuted columns")
	})
}

// The folds' held-out losses add up to the loss of all rows, and so do the rows kept.
func TestEval_FoldsPartitionTheRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		src, models, coef, _ := drawProblem(t)
		d := loadRaw(t, src)
		all, parts := append([]backend.Model(nil), models...), append([]backend.Model(nil), models...)
		for k := range all {
			all[k].Fold = backend.None
		}
		whole := eval(t, d, all, coef)
		require.Equal(t, make([]float64, len(models)), whole.Held)
		for k := range models {
			held := 0.0
			for fold := range 3 {
				parts[k].Fold = fold
				ev := eval(t, d, parts, coef)
				require.InDelta(t, whole.Loss[k], ev.Loss[k]+ev.Held[k], rounded*100)
				held += ev.Held[k]
			}
			require.InDelta(t, whole.Loss[k], held, rounded*100)
		}
	})
}

func TestSample_IsTheSourceOfThoseRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		src, models, coef, rng := drawProblem(t)
		n, _ := src.Shape()
		d := loadRaw(t, src)
		rows, factor := make([]int, rng.IntN(2*n)+1), []float64(nil)
		for i := range rows {
			rows[i] = rng.IntN(n)
			factor = append(factor, float64(rng.IntN(3)))
		}
		got, err := d.Sample(context.Background(), rows, factor)
		require.NoError(t, err)
		drawn := rowsOf(src, rows)
		for i := range drawn.Weights[0] {
			drawn.Weights[0][i] *= factor[i]
		}
		drawn.Weights = append(drawn.Weights, factor) // what weight 1 became
		explicit := append([]backend.Model(nil), models...)
		for k := range explicit {
			if explicit[k].Weight == backend.None {
				explicit[k].Weight = 1
			}
		}
		require.Equal(t, eval(t, loadRaw(t, drawn), explicit, coef), eval(t, got, models, coef))
	})
}

// At zero coefficients everything is known: p = 1/2 or 1/K.
func TestEval_AtZeroIsTheClosedForm(t *testing.T) {
	src := &backend.Source{
		X:      tensor.New(tensor.WithShape(3, 2), tensor.WithBacking([]float32{1, 0, 0, 2, 3, 4})),
		Labels: [][]int32{{1, 0, 1}, {0, 1, 2}},
	}
	d := load(t, src)
	soft := backend.Softmax(3)
	soft.Label = 1
	ev := eval(t, d, []backend.Model{backend.Binary(), soft}, make([]float64, 12))
	require.InDelta(t, 3*math.Ln2, ev.Loss[0], 1e-15)
	require.InDelta(t, 3*math.Log(3), ev.Loss[1], 1e-15)
	require.InDeltaSlice(t, []float64{
		-0.5 - 1.5, 1 - 2, -0.5,
		4./3 - 1, 2, 0, 4. / 3, 0, 0, 4./3 - 3, 2 - 4, 0,
	}, ev.Grad, 1e-15)
	h := [][]float64{make([]float64, 9)}
	require.NoError(t, d.(backend.Gram).Gram(t.Context(), []backend.Model{backend.Binary()}, make([]float64, 3), []backend.GramBlock{{}}, h, nil))
	require.Equal(t, []float64{2.5, 3, 1, 3, 5, 1.5, 1, 1.5, 0.75}, h[0])
	s, err := d.Stats(t.Context(), backend.None)
	require.NoError(t, err)
	require.InDeltaSlice(t, []float64{4. / 3, 2}, s.Mean, 1e-15)
	require.InDeltaSlice(t, []float64{10./3 - 16./9, 20./3 - 4}, s.Var, 1e-15)
	require.Equal(t, []int64{2, 2}, s.NonZero)
}
