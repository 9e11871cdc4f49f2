package model

import (
	"context"
	"math"
	"math/big"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"
	"pgregory.net/rapid"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/dataset"
)

func TestPredict_P25_ProbabilitiesSumToOneAndAgreeWithPredict(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := anyModel.Draw(t, "model")
		k, d, n := len(m.Classes.Names), m.Cols(), rapid.IntRange(1, 30).Draw(t, "rows")
		scale := math.Pow(10, rapid.Float64Range(-3, 3).Draw(t, "scale"))
		number := rapid.Float64Range(-1, 1)
		for c := range m.Coef {
			m.Intercept[c] = scale * number.Draw(t, "b")
			for j := range m.Coef[c] {
				m.Coef[c][j] = scale * number.Draw(t, "w")
			}
		}
		x := make([]float64, n*d)
		for i := range x {
			x[i] = number.Draw(t, "x")
		}
		p, err := m.PredictProba(context.Background(), dense(d, x...))
		require.NoError(t, err)
		classes, err := m.Predict(context.Background(), dense(d, x...))
		require.NoError(t, err)
		for i, c := range classes {
			sum := 0.0
			for _, v := range p[i*k : (i+1)*k] {
				require.True(t, v >= 0 && v <= 1, "%v", v)
				require.LessOrEqual(t, v, p[i*k+int(c)])
				sum += v
			}
			require.InDelta(t, 1, sum, 1e-12)
		}
	})
}

// Both probabilities of two classes keep their digits: to 4 ulp of the exact value,
// down to where float64 ends.
func TestPredict_P19_BothTailsAreAccurate(t *testing.T) {
	m := binaryModel()
	for _, z := range []float64{-700, -40, -1, -1e-9, 0, 1e-9, 1, 40, 700} {
		p := m.Probabilities([]float64{z})
		for c, sign := range []float64{1, -1} {
			want := exactSigmoid(-sign * z)
			require.InEpsilon(t, want, p[c], 4*0x1p-52, "class %d at z=%v", c, z)
		}
	}
	for _, z := range []float64{-1e4, 1e4} {
		p := m.Probabilities([]float64{z})
		require.Equal(t, 1.0, p[0]+p[1])
	}
}

// exactSigmoid sums the series of exp in 300 bits, after halving z often enough.
func exactSigmoid(z float64) float64 {
	const prec, halvings = 300, 20
	r := new(big.Float).SetPrec(prec).SetFloat64(math.Ldexp(-z, -halvings))
	e, term := new(big.Float).SetPrec(prec).SetInt64(1), new(big.Float).SetPrec(prec).SetInt64(1)
	for i := int64(1); i < 60; i++ {
		term.Quo(term.Mul(term, r), new(big.Float).SetInt64(i))
		e.Add(e, term)
	}
	for range halvings {
		e.Mul(e, e)
	}
	e.Add(e, big.NewFloat(1))
	out, _ := new(big.Float).SetPrec(prec).Quo(new(big.Float).SetPrec(prec).SetInt64(1), e).Float64()
	return out
}

func TestPredict_TiesGoToTheFirstClass(t *testing.T) {
	m := binaryModel()
	require.Equal(t, []int32{0, 1, 0}, m.Decide([]float64{0, 1e-300, -1}))
	m.Classes.Names = []string{"a", "b", "c"}
	require.Equal(t, []int32{0, 1, 2}, m.Decide([]float64{1, 1, 1, 0, 2, 2, -3, -2, -1}))
}

func TestPredict_P9_AnyNumberOfThreads(t *testing.T) {
	m := binaryModel()
	x := make([]float32, 2*10000)
	for i := range x {
		x[i] = float32(math.Sin(float64(i)))
	}
	ds := &dataset.Dataset{X: tensor.New(tensor.WithShape(10000, 2), tensor.WithBacking(x))}
	many, err := m.PredictProba(context.Background(), ds)
	require.NoError(t, err)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	one, err := m.PredictProba(context.Background(), ds)
	require.NoError(t, err)
	require.Equal(t, one, many)
}

func TestPredict_OffsetsAreAdded(t *testing.T) {
	m := binaryModel()
	ds := dense(2, 1, 2, 3, 4)
	plain, err := m.DecisionFunction(context.Background(), ds)
	require.NoError(t, err)
	require.Equal(t, []float64{1 + 0.5 - 0.5, 1 + 1.5 - 1}, plain)
	ds.Offsets = []float64{10, -10}
	shifted, err := m.DecisionFunction(context.Background(), ds)
	require.NoError(t, err)
	require.Equal(t, []float64{plain[0] + 10, plain[1] - 10}, shifted)
}

func TestPredict_P20_NamesTheBadValue(t *testing.T) {
	ds := dense(2, make([]float64, 2*3000)...)
	x := ds.X.Data().([]float64)
	x[2*2500], x[2*1500+1] = math.NaN(), math.Inf(1)
	_, err := binaryModel().PredictProba(context.Background(), ds)
	var bad *backend.NotFiniteError
	require.ErrorAs(t, err, &bad)
	require.Equal(t, backend.NotFiniteError{Row: 1500, Col: 1, Value: math.Inf(1)}, *bad, "the first in row order")

	_, err = binaryModel().PredictProba(context.Background(), dense(2, math.MaxFloat64, -math.MaxFloat64, 0, 0))
	require.NoError(t, err, "huge but not beyond float64")
	m := binaryModel()
	m.Coef[0] = []float64{1e300, 1}
	_, err = m.PredictProba(context.Background(), dense(2, 1e300, 0))
	require.ErrorContains(t, err, "row 0 is so large that its logit overflows")
}

func TestPredict_RefusesOtherFeatures(t *testing.T) {
	m := binaryModel()
	ctx := context.Background()
	var wrong *FeatureError
	_, err := m.Predict(ctx, dense(3, 1, 2, 3))
	require.ErrorAs(t, err, &wrong)
	require.EqualError(t, err, "test: there are 3 features where the model has 2")

	ds := dense(2, 1, 2)
	ds.FeatureNames = []string{"weight<kg>", "age"}
	_, err = m.Predict(ctx, ds)
	require.ErrorAs(t, err, &wrong)
	ds.FeatureNames = []string{"x0", "x1"} // a table without a header: by position
	_, err = m.Predict(ctx, ds)
	require.NoError(t, err)
}

func TestPredict_StopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := binaryModel().Predict(ctx, dense(2, 1, 2))
	require.ErrorIs(t, err, context.Canceled)
}

func TestPredict_P24_InputsAreNotModified(t *testing.T) {
	m, ds := binaryModel(), dense(2, 1, 2, 3, 4)
	_, err := m.PredictProba(context.Background(), ds)
	require.NoError(t, err)
	require.Equal(t, binaryModel(), m)
	require.Equal(t, []float64{1, 2, 3, 4}, ds.X.Data())
}

func BenchmarkPredictProba(b *testing.B) {
	const n, d = 1 << 17, 28
	m := &Model{Classes: dataset.Classes{Names: []string{"0", "1"}}, FeatureNames: make([]string, d), Intercept: []float64{0.1}, Coef: [][]float64{make([]float64, d)}}
	x := make([]float32, n*d)
	for i := range x {
		x[i] = float32(i%7) - 3
	}
	ds := &dataset.Dataset{X: tensor.New(tensor.WithShape(n, d), tensor.WithBacking(x))}
	b.SetBytes(4 * n * d)
	for b.Loop() {
		if _, err := m.PredictProba(context.Background(), ds); err != nil {
			b.Fatal(err)
		}
	}
}
