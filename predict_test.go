package logreg_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"
	"pgregory.net/rapid"

	logreg "github.com/logreg-gpu/logreg-gpu"
	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/dataset"
	"github.com/logreg-gpu/logreg-gpu/model"
)

// everywhere are the backends that open on every machine.
var everywhere = []string{"cpu", "cpu-reference", "cuda-emu"}

// drawModel is a model of 2 to 4 classes over d features.
func drawModel(t *rapid.T, d int) *model.Model {
	m := &model.Model{FeatureNames: make([]string, d)}
	for j := range d {
		m.FeatureNames[j] = fmt.Sprint("x", j)
	}
	for k := range rapid.IntRange(2, 4).Draw(t, "classes") {
		m.Classes.Names = append(m.Classes.Names, fmt.Sprint(k))
	}
	number := rapid.Float64Range(-2, 2)
	for range m.Outputs() {
		m.Coef = append(m.Coef, rapid.SliceOfN(number, d, d).Draw(t, "coef"))
		m.Intercept = append(m.Intercept, number.Draw(t, "intercept"))
	}
	return m
}

// Wherever predictions are computed, the rows sum to 1, the class is the most probable,
// and the numbers are those of model.Model. Columns lie up to 1000 from zero, where
// backends that centre them lose 1000 * 2^-52 of a logit, and a few of those in the sum.
func TestPredict_P5_P25_EveryBackend(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, d := rapid.IntRange(1, 40).Draw(t, "rows"), rapid.IntRange(1, 9).Draw(t, "features")
		m := drawModel(t, d)
		x := rapid.SliceOfN(rapid.Float64Range(-3, 3), n*d, n*d).Draw(t, "x")
		far := rapid.SampledFrom([]float64{0, 1, 1000}).Draw(t, "mean")
		ds := &dataset.Dataset{FeatureNames: m.FeatureNames}
		if rapid.Bool().Draw(t, "float32") {
			narrow := make([]float32, n*d)
			for i, v := range x {
				narrow[i] = float32(v + far)
			}
			ds.X = tensor.New(tensor.WithShape(n, d), tensor.WithBacking(narrow))
		} else {
			for i := range x {
				x[i] += far
			}
			ds.X = tensor.New(tensor.WithShape(n, d), tensor.WithBacking(x))
		}
		if rapid.Bool().Draw(t, "offsets") {
			ds.Offsets = rapid.SliceOfN(rapid.Float64Range(-5, 5), n, n).Draw(t, "offset")
		}
		want, err := logreg.Predict(ctx, m, ds, logreg.PredictOptions{})
		require.NoError(t, err)
		k := len(m.Classes.Names)
		for _, name := range everywhere {
			have, err := logreg.Predict(ctx, m, ds, logreg.PredictOptions{Backend: name})
			require.NoError(t, err)
			require.Len(t, have.Classes, n)
			require.InDeltaSlice(t, want.Proba, have.Proba, 1e-14+float64(20*d)*far*0x1p-52, name)
			for i, c := range have.Classes {
				sum := 0.0
				for _, p := range have.Proba[i*k : (i+1)*k] {
					require.LessOrEqual(t, p, have.Proba[i*k+int(c)], name)
					sum += p
				}
				require.InDelta(t, 1, sum, 1e-12, name)
			}
		}
	})
}

func TestPredict_P20_P24_EveryBackend(t *testing.T) {
	m := &model.Model{
		Classes: dataset.Classes{Names: []string{"0", "1"}}, FeatureNames: []string{"x0", "x1"},
		Coef: [][]float64{{1e300, 1}}, Intercept: []float64{0},
	}
	for _, name := range append([]string{"auto"}, everywhere...) {
		opts := logreg.PredictOptions{Backend: name}
		x := []float64{0, 1, 2, math.NaN()}
		bad := &dataset.Dataset{Name: "new.csv", FeatureNames: m.FeatureNames, X: tensor.New(tensor.WithShape(2, 2), tensor.WithBacking(x))}
		_, err := logreg.Predict(ctx, m, bad, opts)
		require.ErrorIs(t, err, backend.ErrNotFinite, name)
		require.ErrorContains(t, err, "row 1, column 1", name)

		x[3] = 3
		x[2] = 1e-300
		_, err = logreg.Predict(ctx, m, bad, opts)
		require.NoError(t, err, name)
		require.Equal(t, []float64{0, 1, 1e-300, 3}, bad.X.Data(), name)

		huge, err := dataset.New[float64, int]([]float64{1e300, 1e300}, 1, 2, nil)
		require.NoError(t, err)
		torn := *m
		torn.Coef = [][]float64{{1e300, -1e300}}
		_, err = logreg.Predict(ctx, &torn, huge, opts)
		require.ErrorContains(t, err, "row 0 is so large that its logit overflows", name)

		wide, err := dataset.New[float64, int]([]float64{1, 2, 3}, 1, 3, nil)
		require.NoError(t, err)
		_, err = logreg.Predict(ctx, m, wide, opts)
		require.ErrorContains(t, err, "there are 3 features where the model has 2", name)
	}
	_, err := logreg.Predict(ctx, m, &dataset.Dataset{X: tensor.New(tensor.WithShape(1, 2), tensor.WithBacking([]float64{1, 2}))}, logreg.PredictOptions{Backend: "tpu"})
	require.ErrorIs(t, err, backend.ErrUnavailable)
}
