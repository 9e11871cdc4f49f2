//go:build !race

package cuda

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/cpu/reference"
	"github.com/logreg-gpu/logreg-gpu/kernels"
	"github.com/logreg-gpu/logreg-gpu/ptx"
)

// shapes that lead to every form, each over several logical blocks; wider than 6144
// columns nothing but the two-phase kernels is left to float64.
var formShapes = []struct{ rows, cols int }{
	{520, 7}, {520, 50}, {520, 28}, {300, 60}, {130, 100}, {130, 200}, {130, 400}, {130, 900},
	{34, 2000}, {34, 3001}, {33, 4200}, {17, 8200},
}

// source is random, with label columns of 2, 3, 20 and 10 classes and one column of all else.
func source(rows, cols int, double bool) *backend.Source {
	rng := rand.New(rand.NewPCG(uint64(rows), uint64(cols)))
	src := &backend.Source{
		Labels:  [][]int32{make([]int32, rows), make([]int32, rows), make([]int32, rows), make([]int32, rows)},
		Weights: [][]float64{make([]float64, rows)},
		Offsets: [][]float64{make([]float64, rows)},
		Folds:   make([]int32, rows),
	}
	for i := range rows {
		for c, classes := range []int32{2, 3, 20, 10} {
			src.Labels[c][i] = rng.Int32N(classes)
		}
		src.Weights[0][i], src.Offsets[0][i], src.Folds[i] = rng.Float64(), rng.NormFloat64(), rng.Int32N(3)
	}
	if double {
		x := make([]float64, rows*cols)
		for i := range x {
			x[i] = rng.NormFloat64()
		}
		src.X = tensor.New(tensor.WithShape(rows, cols), tensor.WithBacking(x))
	} else {
		x := make([]float32, rows*cols)
		for i := range x {
			x[i] = float32(rng.NormFloat64())
		}
		src.X = tensor.New(tensor.WithShape(rows, cols), tensor.WithBacking(x))
	}
	return src
}

// modelSets lead to every kind of group.
var modelSets = map[string][]backend.Model{
	"one":       {{Class: 1, Weight: 0, Offset: 0, Fold: 1}},
	"three":     ovr(3),
	"nine":      ovr(9), // enough for the tensor cores
	"softmax3":  {{Label: 1, Classes: 3, Weight: 0, Offset: 0, Fold: 2}},
	"softmax10": {{Label: 3, Classes: 10, Weight: 0, Offset: backend.None, Fold: backend.None}}, // likewise
	"softmax20": {{Label: 2, Classes: 20, Weight: backend.None, Offset: backend.None, Fold: 0}},
}

func ovr(n int) (models []backend.Model) {
	for k := range n {
		models = append(models, backend.Model{Label: 2, Class: int32(k), Weight: k%2 - 1, Offset: k%3/2 - 1, Fold: k%4 - 1})
	}
	return models
}

// requireNear holds got to want within 1e-4 of the largest of them, in float64 1e-12: the
// exact bounds are backendtest's; here a wrong index must show, and misses by far more.
func requireNear(t *testing.T, s backend.Storage, want, got []float64, format string, args ...any) {
	t.Helper()
	high, far, at := 0.0, 0.0, 0
	require.Equal(t, len(want), len(got))
	for i := range want {
		high = max(high, math.Abs(want[i]))
		if d := math.Abs(want[i] - got[i]); !(d <= far) {
			far, at = d, i
		}
	}
	tol := 1e-4
	if s == backend.Float64 {
		tol = 1e-12
	}
	if far > tol*high {
		require.Fail(t, "far from the reference", "%s: number %d is %v, want %v (largest %v)", fmt.Sprintf(format, args...), at, got[at], want[at], high)
	}
}

func coefficients(n, cols int) []float64 {
	rng := rand.New(rand.NewPCG(7, 7))
	v := make([]float64, n*(cols+1))
	for i := range v {
		v[i] = rng.NormFloat64() / math.Sqrt(float64(cols))
	}
	return v
}

// Every kernel of every target is launched, over several logical blocks, and agrees with
// the reference; Eval reads each byte of X once.
func TestForms_P5_EveryKernelOfEveryTarget(t *testing.T) {
	for _, target := range kernels.Targets {
		t.Run(target.Name, func(t *testing.T) {
			t.Parallel()
			// One source, several targets: the checks of memory and races take most of the time
			// and are made on one of them. They also count what is read.
			checked := target.Name == "sm_80"
			b, d := emulated(t, ptx.Config{Major: target.Major, Minor: target.Minor, Version: target.Driver, Unchecked: !checked})
			for _, s := range []backend.Storage{backend.Float32, backend.Float64, backend.BFloat16, backend.Float16} {
				for i, shape := range formShapes {
					checkForms(t, b, d, checked, s, shape.rows, shape.cols, i%2 == 0)
				}
			}
			for _, s := range []backend.Storage{backend.Float32, backend.Float64} {
				checkSparse(t, b, d, checked, false, s)
				checkSparse(t, b, d, checked, true, s)
			}
			checkDescent(t, b)
			require.NoError(t, b.Close())
			launched := d.Counters()
			for _, k := range kernels.Table {
				for _, s := range append(append([]string(nil), k.Storages...), "")[:max(len(k.Storages), 1)] {
					if k.Since <= target.Major {
						require.NotZero(t, launched[k.Entry(s)].Launches, "%s was never launched", k.Entry(s))
					}
				}
			}
			require.Empty(t, d.Live())
		})
	}
}

func checkForms(t *testing.T, b backend.Backend, emulator *ptx.Driver, checked bool, s backend.Storage, rows, cols int, double bool) {
	src := source(rows, cols, double)
	got, err := b.Load(t.Context(), src, s)
	require.NoError(t, err)
	want, err := reference.New().Load(t.Context(), src, s)
	require.NoError(t, err)
	x := got.(*data).x
	for name, models := range modelSets {
		if cols > 1024 && (name == "nine" || name == "softmax10" || name == "softmax20") || cols > 900 && name == "softmax3" && cols != 4200 {
			continue // the wide groups of fewer outputs are the same kernels
		}
		where := fmt.Sprintf("%s, %dx%d, %v", name, rows, cols, s)
		coef := coefficients(backend.Outputs(models), cols)
		var gotEv, wantEv backend.Evaluation
		emulator.TraceReads(x)
		require.NoError(t, got.Eval(t.Context(), models, coef, &gotEv))
		reads := emulator.Reads(x)
		require.NoError(t, want.Eval(t.Context(), models, coef, &wantEv))
		requireNear(t, s, wantEv.Loss, gotEv.Loss, "loss, %s", where)
		requireNear(t, s, wantEv.Held, gotEv.Held, "held-out loss, %s", where)
		requireNear(t, s, wantEv.Grad, gotEv.Grad, "gradient, %s", where)
		passes := uint32(1)
		for _, g := range got.(*data).plan(models, evalForms[got.(*data).real], 1) {
			if g.kind == wide {
				passes = 0 // for each group of 16 outputs, once from memory and then from the cache
			}
		}
		for i, n := range reads {
			if passes == 1 && checked && n != 1 {
				require.Fail(t, "X is not read once", "byte %d is read %d times, %s", i, n, where)
			}
		}
		if name == "nine" || name == "softmax10" {
			continue // products with the Hessian have no form for tensor cores
		}
		dir := coefficients(backend.Outputs(models)+1, cols)[cols+1:]
		gotHv, wantHv := make([]float64, len(coef)), make([]float64, len(coef))
		require.NoError(t, got.(backend.HessVec).HessVec(t.Context(), models, coef, dir, gotHv))
		require.NoError(t, want.(backend.HessVec).HessVec(t.Context(), models, coef, dir, wantHv))
		requireNear(t, s, wantHv, gotHv, "hessian product, %s", where)
	}
	if cols == 50 || cols == 100 {
		checkOthers(t, emulator, checked, s, got, want)
	}
	if cols == 50 { // what a device without tensor cores takes
		policy := &b.(*gpu).policy
		kept := *policy
		policy.tensorGram = false
		checkOthers(t, emulator, checked, s, got, want)
		*policy = kept
	}
	if cols == 400 { // beyond eval_gram
		gotH, wantH := [][]float64{make([]float64, 401*401)}, [][]float64{make([]float64, 401*401)}
		blocks, coef := []backend.GramBlock{{}}, coefficients(1, cols)
		require.NoError(t, got.(backend.Gram).Gram(t.Context(), modelSets["one"], coef, blocks, gotH, nil))
		require.NoError(t, want.(backend.Gram).Gram(t.Context(), modelSets["one"], coef, blocks, wantH, nil))
		requireNear(t, s, wantH[0], gotH[0], "gram of %d columns", cols)
	}
	require.NoError(t, got.Close())
	require.NoError(t, want.Close())
}

// checkOthers takes the operations whose kernels have one form.
func checkOthers(t *testing.T, emulator *ptx.Driver, checked bool, s backend.Storage, got, want backend.Data) {
	cols, rows := got.Cols(), got.Rows()
	models := append(ovr(2), modelSets["softmax3"]...)
	coef, dir := coefficients(5, cols), coefficients(6, cols)[cols+1:]
	gotP, wantP := make([]float64, rows*5), make([]float64, rows*5)
	require.NoError(t, got.Predict(t.Context(), models, coef, gotP))
	require.NoError(t, want.Predict(t.Context(), models, coef, wantP))
	requireNear(t, s, wantP, gotP, "predict")

	gotStats, err := got.Stats(t.Context(), 0)
	require.NoError(t, err)
	wantStats, err := want.Stats(t.Context(), 0)
	require.NoError(t, err)
	requireNear(t, s, wantStats.Var, gotStats.Var, "variance")
	requireNear(t, s, wantStats.Weighted.Var, gotStats.Weighted.Var, "weighted variance")

	gotLine, err := got.(backend.LineSearcher).Direction(t.Context(), models, coef, dir)
	require.NoError(t, err)
	wantLine, err := want.(backend.LineSearcher).Direction(t.Context(), models, coef, dir)
	require.NoError(t, err)
	steps := [][]float64{{0, 0.5, 1, 2, 3}, {1}, {}}
	loss := func() [][]float64 { return [][]float64{make([]float64, 5), make([]float64, 1), {}} }
	gotLoss, gotSlope, wantLoss, wantSlope := loss(), loss(), loss(), loss()
	x := got.(*data).x
	emulator.TraceReads(x)
	require.NoError(t, gotLine.At(t.Context(), steps, gotLoss, gotSlope))
	for _, n := range emulator.Reads(x) {
		require.Zero(t, n, "the line reads X")
	}
	require.NoError(t, wantLine.At(t.Context(), steps, wantLoss, wantSlope))
	for k := range models {
		requireNear(t, s, wantLoss[k], gotLoss[k], "line loss")
		requireNear(t, s, wantSlope[k], gotSlope[k], "line slope")
	}
	require.NoError(t, gotLine.Close())
	require.NoError(t, wantLine.Close())

	for _, blocks := range [][]backend.GramBlock{{{Model: 0}}, {{Model: 1}, {Model: 2, Row: 1}, {Model: 2, Row: 2, Col: 2}}, {{Model: 1}, {Model: 0}}} {
		used, from := models, coef
		if len(blocks) < 3 { // one read for each model with its evaluation
			used, from = models[:len(blocks)], coef[:len(blocks)*(cols+1)]
		}
		var gotH, wantH [][]float64
		for range blocks {
			gotH, wantH = append(gotH, make([]float64, (cols+1)*(cols+1))), append(wantH, make([]float64, (cols+1)*(cols+1)))
		}
		var gotEv, wantEv backend.Evaluation
		emulator.TraceReads(x)
		require.NoError(t, got.(backend.Gram).Gram(t.Context(), used, from, blocks, gotH, &gotEv))
		for i, n := range emulator.Reads(x) {
			if checked && len(blocks) == 1 && n != 1 && i/got.Storage().Bytes()%got.(*data).ld < cols {
				require.Fail(t, "X is not read once", "byte %d is read %d times by eval_gram", i, n)
			}
		}
		require.NoError(t, want.(backend.Gram).Gram(t.Context(), used, from, blocks, wantH, &wantEv))
		requireNear(t, s, wantEv.Grad, gotEv.Grad, "gradient beside gram")
		requireNear(t, s, wantEv.Loss, gotEv.Loss, "loss beside gram")
		for i := range blocks {
			requireNear(t, s, wantH[i], gotH[i], "gram %v", blocks[i])
		}
	}

	checkColumnGram(t, s, got, want)

	drawn := make([]int, rows/2)
	for i := range drawn {
		drawn[i] = (i * 7) % rows
	}
	gotS, err := got.(backend.Sampler).Sample(t.Context(), drawn, nil)
	require.NoError(t, err)
	wantS, err := want.(backend.Sampler).Sample(t.Context(), drawn, nil)
	require.NoError(t, err)
	var gotEv, wantEv backend.Evaluation
	require.NoError(t, gotS.Eval(t.Context(), models, coef, &gotEv))
	require.NoError(t, wantS.Eval(t.Context(), models, coef, &wantEv))
	requireNear(t, s, wantEv.Grad, gotEv.Grad, "gradient of a sample")
	require.NoError(t, gotS.Close())
	require.NoError(t, wantS.Close())
}

// checkDescent runs sgd_epochs of every storage against plain steps.
func checkDescent(t *testing.T, b backend.Backend) {
	m := modelSets["one"][0]
	m.Fold = backend.None
	for _, s := range []backend.Storage{backend.Float32, backend.Float64, backend.BFloat16, backend.Float16} {
		src := source(90, 40, false)
		got, err := b.Load(t.Context(), src, s)
		require.NoError(t, err)
		want, err := reference.New().Load(t.Context(), src, s)
		require.NoError(t, err)
		total := 0.0
		for _, w := range src.Weights[0] {
			total += w
		}
		coef := coefficients(1, 40)
		plain := append([]float64(nil), coef...)
		losses, err := got.(*data).Epochs(t.Context(), m, coef, 0.5, 4)
		require.NoError(t, err)
		var ev backend.Evaluation
		for e := range losses {
			require.NoError(t, want.Eval(t.Context(), []backend.Model{m}, plain, &ev))
			requireNear(t, s, []float64{ev.Loss[0] / total}, losses[e:e+1], "loss of epoch %d", e)
			for j := range plain {
				plain[j] -= 0.5 * ev.Grad[j] / total
			}
		}
		requireNear(t, s, plain, coef, "coefficients after the descent")
		require.NoError(t, got.Close())
	}
}
