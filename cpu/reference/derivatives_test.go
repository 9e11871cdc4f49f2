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

// problem is a small random source with everything in it, and the kinds of models
// that can be asked of it.
func problem(seed uint64, n, d int) (*backend.Source, []backend.Model) {
	rng := rand.New(rand.NewPCG(seed, 1))
	src := &backend.Source{
		X:       tensor.New(tensor.WithShape(n, d), tensor.WithBacking(normal(rng, n*d))),
		Labels:  [][]int32{make([]int32, n), make([]int32, n)},
		Weights: [][]float64{make([]float64, n)},
		Offsets: [][]float64{normal(rng, n)},
		Folds:   make([]int32, n),
	}
	for i := range n {
		src.Labels[0][i] = rng.Int32N(2)
		src.Labels[1][i] = rng.Int32N(4)
		src.Weights[0][i] = 3 * rng.Float64()
		src.Folds[i] = rng.Int32N(3)
	}
	return src, []backend.Model{
		backend.Binary(),
		{Class: 1, Weight: 0, Offset: 0, Fold: 1},
		{Label: 1, Class: 3, Weight: 0, Offset: backend.None, Fold: backend.None},
		{Label: 1, Classes: 4, Weight: backend.None, Offset: backend.None, Fold: backend.None},
		{Label: 1, Classes: 5, Weight: 0, Offset: 0, Fold: 2},
	}
}

func normal(rng *rand.Rand, n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = rng.NormFloat64()
	}
	return v
}

func load(t require.TestingT, src *backend.Source) backend.Data {
	d, err := New().Load(context.Background(), src, backend.Float64)
	require.NoError(t, err)
	return d
}

func eval(t require.TestingT, d backend.Data, models []backend.Model, coef []float64) *backend.Evaluation {
	ev := new(backend.Evaluation)
	require.NoError(t, d.Eval(context.Background(), models, coef, ev))
	return ev
}

// A central difference of step h has an error of h^2 f”'/6 + u f/h: with h = 1e-5
// and sums of about 50 terms of order one, below 1e-8.
const (
	step       = 1e-5
	difference = 1e-7
)

func TestEval_P1_GradientIsTheCentralDifference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, cols := rapid.IntRange(1, 40).Draw(t, "n"), rapid.IntRange(1, 6).Draw(t, "d")
		seed := rapid.Uint64().Draw(t, "seed")
		src, models := problem(seed, n, cols)
		d := load(t, src)
		coef := normal(rand.New(rand.NewPCG(seed, 2)), backend.Outputs(models)*(cols+1))
		start := backend.Layout(models, cols)
		grad := eval(t, d, models, coef).Grad
		for k := range models {
			for a := start[k]; a < start[k+1]; a++ {
				at := coef[a]
				coef[a] = at + step
				up := eval(t, d, models, coef).Loss[k]
				coef[a] = at - step
				down := eval(t, d, models, coef).Loss[k]
				coef[a] = at
				require.InDelta(t, (up-down)/(2*step), grad[a], difference*float64(n), "model %d, coefficient %d", k, a-start[k])
			}
		}
	})
}

func TestHessVec_P2_IsTheDifferenceOfGradients(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, cols := rapid.IntRange(1, 40).Draw(t, "n"), rapid.IntRange(1, 6).Draw(t, "d")
		seed := rapid.Uint64().Draw(t, "seed")
		src, models := problem(seed, n, cols)
		d := load(t, src).(*data)
		rng := rand.New(rand.NewPCG(seed, 2))
		coef := normal(rng, backend.Outputs(models)*(cols+1))
		v := normal(rng, len(coef))
		hv := make([]float64, len(coef))
		require.NoError(t, d.HessVec(context.Background(), models, coef, v, hv))
		up, down := make([]float64, len(coef)), make([]float64, len(coef))
		for a := range coef {
			up[a], down[a] = coef[a]+step*v[a], coef[a]-step*v[a]
		}
		gUp, gDown := eval(t, d, models, up).Grad, eval(t, d, models, down).Grad
		for a := range coef {
			require.InDelta(t, (gUp[a]-gDown[a])/(2*step), hv[a], 100*difference*float64(n))
		}
	})
}

func TestGram_P2_BlocksMakeTheHessian(t *testing.T) {
	ctx := context.Background()
	src, models := problem(3, 50, 5)
	d := load(t, src).(*data)
	rng := rand.New(rand.NewPCG(3, 2))
	const side = 6
	coef := normal(rng, backend.Outputs(models)*side)
	v := normal(rng, len(coef))
	var blocks []backend.GramBlock
	var out [][]float64
	for k, m := range models {
		for r := range m.Outputs() {
			for c := range m.Outputs() {
				blocks = append(blocks, backend.GramBlock{Model: k, Row: r, Col: c})
				out = append(out, make([]float64, side*side))
			}
		}
	}
	ev := new(backend.Evaluation)
	require.NoError(t, d.Gram(ctx, models, coef, blocks, out, ev))
	require.Equal(t, eval(t, d, models, coef), ev)

	want := make([]float64, len(coef))
	require.NoError(t, d.HessVec(ctx, models, coef, v, want))
	got := make([]float64, len(coef))
	start := backend.Layout(models, 5)
	for b, block := range blocks {
		row, col := start[block.Model]+block.Row*side, start[block.Model]+block.Col*side
		for i := range side {
			for j := range side {
				require.Equal(t, out[b][i*side+j], out[b][j*side+i])
				got[row+i] += out[b][i*side+j] * v[col+j]
			}
		}
	}
	require.InDeltaSlice(t, want, got, 1e-10) // sums of 50 x 24 terms of order one
}

func TestLine_P1_IsEvalAlongTheDirection(t *testing.T) {
	ctx := context.Background()
	src, models := problem(4, 60, 3)
	d := load(t, src).(*data)
	rng := rand.New(rand.NewPCG(4, 2))
	coef := normal(rng, backend.Outputs(models)*4)
	dir := normal(rng, len(coef))
	line, err := d.Direction(ctx, models, coef, dir)
	require.NoError(t, err)
	start := backend.Layout(models, 3)
	var at, loss, slope [][]float64
	for k := range models {
		at = append(at, []float64{0, 0.5, -2, float64(k)})
		loss, slope = append(loss, make([]float64, 4)), append(slope, make([]float64, 4))
	}
	require.NoError(t, line.At(ctx, at, loss, slope))
	for k := range models {
		for j, step := range at[k] {
			moved := append([]float64(nil), coef...)
			for a := range moved {
				moved[a] += step * dir[a]
			}
			ev := eval(t, d, models, moved)
			dot := 0.0
			for a := start[k]; a < start[k+1]; a++ {
				dot += ev.Grad[a] * dir[a]
			}
			require.InEpsilon(t, ev.Loss[k], loss[k][j], 1e-12)
			require.InDelta(t, dot, slope[k][j], 1e-10)
		}
	}
	require.NoError(t, line.Close())
	require.ErrorIs(t, line.At(ctx, at, loss, slope), backend.ErrClosed)
}

func TestEval_P19_ExtremeMarginsKeepTheirDigits(t *testing.T) {
	// One row, one column, x = 1: the loss of z is known in closed form at both ends.
	src := &backend.Source{
		X:      tensor.New(tensor.WithShape(1, 1), tensor.WithBacking([]float32{1})),
		Labels: [][]int32{{1}},
	}
	d := load(t, src)
	for _, z := range []float64{-1e4, -745, -100, -1, 0, 1e-9, 1, 40, 100, 700} {
		ev := eval(t, d, []backend.Model{backend.Binary()}, []float64{z, 0})
		want := math.Log1p(math.Exp(-z))
		residual := -math.Exp(-z) / (1 + math.Exp(-z))
		if z < -700 {
			want, residual = -z, -1
		}
		require.InEpsilon(t, want, ev.Loss[0], 1e-14, "z = %v", z)
		require.InEpsilon(t, residual, ev.Grad[0], 1e-14, "z = %v", z)

		// Softmax over (z, 0, 0) with label 0 is the loss log(1 + 2 e^-z).
		src0 := *src
		src0.Labels = [][]int32{{0}}
		ev = eval(t, load(t, &src0), []backend.Model{backend.Softmax(3)}, []float64{z, 0, 0, 0, 0, 0})
		want = math.Log1p(2 * math.Exp(-z))
		if z < -700 {
			want = -z + math.Ln2
		}
		require.InEpsilon(t, want, ev.Loss[0], 1e-14, "softmax, z = %v", z)
		require.InDelta(t, 0, ev.Grad[0]+ev.Grad[2]+ev.Grad[4], 1e-16)
	}
	ev := eval(t, d, []backend.Model{backend.Binary()}, []float64{1e4, 0})
	require.Zero(t, ev.Loss[0])
	require.Zero(t, ev.Grad[0])
}

func TestSoftmax_OfTwoClassesWithAnEmptyThirdIsBinary(t *testing.T) {
	src, _ := problem(5, 30, 2)
	d := load(t, src)
	ctx := context.Background()
	w := []float64{0.3, -1, 0.2}
	three := []float64{0, 0, 0, 0.3, -1, 0.2, 0, 0, -800} // the third class never happens
	bin := eval(t, d, []backend.Model{backend.Binary()}, w)
	soft := eval(t, d, []backend.Model{backend.Softmax(3)}, three)
	require.InEpsilon(t, bin.Loss[0], soft.Loss[0], 1e-14)
	require.InDeltaSlice(t, bin.Grad, soft.Grad[3:6], 1e-13)
	p, q := make([]float64, 30), make([]float64, 90)
	require.NoError(t, d.Predict(ctx, []backend.Model{backend.Binary()}, w, p))
	require.NoError(t, d.Predict(ctx, []backend.Model{backend.Softmax(3)}, three, q))
	for i := range p {
		require.InEpsilon(t, p[i], q[3*i+1], 1e-14)
	}
}
