package model

import (
	"context"
	"errors"
	"math"
	"math/big"
	"runtime"
	"slices"
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

// reader is a stream of what is in memory.
type reader struct {
	*tensor.Dense
	err error
}

func (r reader) Shape() (rows, cols int) { return r.Dense.Shape()[0], r.Dense.Shape()[1] }

func (r reader) ReadRows32(first int, dst []float32) error {
	copy(dst, r.Data().([]float32)[first*r.Dense.Shape()[1]:][:len(dst)])
	return r.err
}

func (r reader) ReadRows64(first int, dst []float64) error {
	copy(dst, r.Data().([]float64)[first*r.Dense.Shape()[1]:][:len(dst)])
	return r.err
}

// Rows read from disk have the bits of those in memory; sparse ones differ by rounding.
func TestPredict_P6_P10_SparseAndStreamed(t *testing.T) {
	const rows, cols = 3000, 5
	ctx := context.Background()
	x := make([]float64, rows*cols)
	m := &backend.CSR{Rows: rows, Cols: cols, RowPtr: []int64{0}}
	for i := range x {
		if i%3 != 0 {
			x[i] = math.Sin(float64(i))
			m.Col, m.Val64 = append(m.Col, uint32(i%cols)), append(m.Val64, x[i])
		}
		if i%cols == cols-1 {
			m.RowPtr = append(m.RowPtr, int64(len(m.Col)))
		}
	}
	offsets := make([]float64, rows)
	for i := range offsets {
		offsets[i] = float64(i % 3)
	}
	for _, classes := range [][]string{{"0", "1"}, {"a", "b", "c"}} {
		mod := &Model{Classes: dataset.Classes{Names: classes}, FeatureNames: []string{"a", "b", "c", "d", "e"}}
		for k := range mod.Outputs() {
			mod.Coef = append(mod.Coef, []float64{1, -2, float64(k), 0.5, 1e-3})
			mod.Intercept = append(mod.Intercept, float64(k))
		}
		ds := dense(cols, x...)
		ds.Offsets = offsets
		want, err := mod.DecisionFunction(ctx, ds)
		require.NoError(t, err)
		got, err := mod.DecisionFunction(ctx, &dataset.Dataset{Stream: reader{Dense: ds.X}, Offsets: offsets})
		require.NoError(t, err)
		require.Equal(t, want, got)
		got, err = mod.DecisionFunction(ctx, &dataset.Dataset{Sparse: m, Offsets: offsets})
		require.NoError(t, err)
		require.InDeltaSlice(t, want, got, 1e-14) // five products of about 1, in another order

		ones := *m
		ones.Val64 = nil
		single := ones
		single.Val32 = slices.Repeat([]float32{1}, len(m.Col))
		want, err = mod.DecisionFunction(ctx, &dataset.Dataset{Sparse: &single})
		require.NoError(t, err)
		got, err = mod.DecisionFunction(ctx, &dataset.Dataset{Sparse: &ones})
		require.NoError(t, err)
		require.Equal(t, want, got, "an implicit 1 is a 1")
	}

	gone := errors.New("the file is gone")
	_, err := binaryModel().Predict(ctx, &dataset.Dataset{Stream: reader{dense(2, 1, 2).X, gone}})
	require.ErrorIs(t, err, gone)
	m.Val64[len(m.Val64)-1] = math.NaN()
	mod := &Model{Classes: dataset.Classes{Names: []string{"0", "1"}}, FeatureNames: make([]string, cols), Coef: [][]float64{make([]float64, cols)}, Intercept: []float64{0}}
	_, err = mod.Predict(ctx, &dataset.Dataset{Sparse: m})
	var bad *backend.NotFiniteError
	require.ErrorAs(t, err, &bad)
	require.Equal(t, [2]int{rows - 1, int(m.Col[len(m.Col)-1])}, [2]int{bad.Row, bad.Col})
}
