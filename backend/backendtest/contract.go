package backendtest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/cpu/reference"
)

// large is a case of several logical blocks in which a model leaves out a fold, with
// everything else present too.
func large(o Options, s backend.Storage) caseOf {
	c := caseOf{seed: o.Seed, rows: 3000, cols: 70, data: "normal", models: "several", weights: "random", folds: "one", offset: true, coef: "modest", storage: s, from: tensor.Float64}
	if o.MaxNumbers > 0 {
		c.cols = min(c.cols, o.MaxNumbers)
		c.rows = max(1, min(c.rows, o.MaxNumbers/c.cols))
	}
	return c
}

// results runs every operation once and returns all numbers it gave.
func results(t testing.TB, o Options, d backend.Data, models []backend.Model, coef []float64) (all []float64) {
	ctx := t.Context()
	cols := d.Cols()
	dir := make([]float64, len(coef))
	for i := range dir {
		dir[i] = 1 / float64(1+i%7)
	}
	var ev backend.Evaluation
	if err := d.Eval(ctx, models, coef, &ev); !o.beyond(t, Eval, cols, models, err) {
		all = append(append(append(all, ev.Loss...), ev.Grad...), ev.Held...)
	}
	p := make([]float64, d.Rows()*backend.Outputs(models))
	if err := d.Predict(ctx, models, coef, p); !o.beyond(t, Predict, cols, models, err) {
		all = append(all, p...)
	}
	if s, err := d.Stats(ctx, 0); !o.beyond(t, Stats, cols, models, err) {
		for _, v := range [][]float64{s.Mean, s.Var, s.Weighted.Mean, s.Weighted.Var, {s.Sum, s.Weighted.Sum}, s.Min, s.Max} {
			all = append(all, v...)
		}
	}
	if o.has(HessVec) {
		hv := make([]float64, len(coef))
		if err := d.(backend.HessVec).HessVec(ctx, models, coef, dir, hv); !o.beyond(t, HessVec, cols, models, err) {
			all = append(all, hv...)
		}
	}
	if o.has(Gram) {
		last := len(models) - 1
		blocks := []backend.GramBlock{{Model: 0}, {Model: last, Row: models[last].Outputs() - 1}}
		out := [][]float64{make([]float64, (cols+1)*(cols+1)), make([]float64, (cols+1)*(cols+1))}
		if err := d.(backend.Gram).Gram(ctx, models, coef, blocks, out, &ev); !o.beyond(t, Gram, cols, models, err) {
			all = append(append(append(append(all, out[0]...), out[1]...), ev.Loss...), ev.Grad...)
		}
	}
	if o.has(ColumnGram) {
		last := len(models) - 1
		blocks := []backend.GramBlock{{Model: 0}, {Model: last, Row: models[last].Outputs() - 1}}
		few := []int{0, cols - 1}[:min(2, cols)]
		side := len(few) + 1
		out := [][]float64{make([]float64, side*side), make([]float64, side*side)}
		diagonal := [][]float64{make([]float64, cols+1), make([]float64, cols+1)}
		if err := d.(backend.ColumnGram).ColumnGram(ctx, models, coef, blocks, few, out, diagonal); !o.beyond(t, ColumnGram, cols, models, err) {
			all = append(append(append(append(all, out[0]...), out[1]...), diagonal[0]...), diagonal[1]...)
		}
	}
	if o.has(Line) {
		line, err := d.(backend.LineSearcher).Direction(ctx, models, coef, dir)
		if !o.beyond(t, Line, cols, models, err) {
			var steps, loss, slope [][]float64
			for range models {
				steps, loss, slope = append(steps, []float64{0.5, 2}), append(loss, make([]float64, 2)), append(slope, make([]float64, 2))
			}
			require.NoError(t, line.At(ctx, steps, loss, slope))
			for k := range models {
				all = append(append(all, loss[k]...), slope[k]...)
			}
			close(t, line)
		}
	}
	return all
}

// sampleOf draws every second row, the last first.
func sampleOf(t testing.TB, d backend.Data) backend.Data {
	var rows []int
	var factor []float64
	for i := d.Rows() - 1; i >= 0; i -= 2 {
		rows, factor = append(rows, i), append(factor, 1+float64(i%3))
	}
	s, err := d.(backend.Sampler).Sample(t.Context(), rows, factor)
	require.NoError(t, err)
	return s
}

// run loads the source, runs all operations on it and on a sample, and closes.
func run(t testing.TB, b backend.Backend, o Options, src *backend.Source, s backend.Storage, models []backend.Model, coef []float64) []float64 {
	d := mustLoad(t, b, src, s)
	all := results(t, o, d, models, coef)
	if o.has(Sample) {
		sample := sampleOf(t, d)
		close(t, d) // a sample stands alone
		all = append(all, results(t, o, sample, models, coef)...)
		close(t, sample)
		return all
	}
	close(t, d)
	return all
}

func requireSameBits(t testing.TB, want, got []float64, why string) {
	t.Helper()
	require.Equal(t, len(want), len(got))
	for i := range want {
		if math.Float64bits(want[i]) != math.Float64bits(got[i]) {
			require.Fail(t, "not the same bits", "%s: number %d is %v, was %v", why, i, got[i], want[i])
		}
	}
}

func checkRepeats(t *testing.T, b backend.Backend, o Options) {
	for _, s := range o.storages() {
		for _, form := range o.formsIn(s) {
			c := large(o, s)
			c.form = form
			if form != "dense" {
				c.data = "zeros"
			}
			src, models, coef, _ := c.source()
			want := run(t, b, o, src, s, models, coef)
			requireSameBits(t, want, run(t, b, o, src, s, models, coef), "again")
			if o.Reopen == nil {
				continue
			}
			for _, threads := range []int{1, 2, 3, 7} {
				other := o.Reopen(threads)
				requireSameBits(t, want, run(t, other, o, src, s, models, coef), "other threads")
				close(t, other)
			}
		}
	}
}

// copyOf is a deep copy of src.
func copyOf(src *backend.Source) *backend.Source {
	c := &backend.Source{Sparse: copyCSR(src.Sparse), Folds: append([]int32(nil), src.Folds...)}
	if src.X != nil {
		c.X = src.X.Clone().(*tensor.Dense)
	}
	for _, col := range src.Labels {
		c.Labels = append(c.Labels, append([]int32(nil), col...))
	}
	for _, col := range src.Weights {
		c.Weights = append(c.Weights, append([]float64(nil), col...))
	}
	for _, col := range src.Offsets {
		c.Offsets = append(c.Offsets, append([]float64(nil), col...))
	}
	return c
}

// scribble overwrites all of src.
func scribble(src *backend.Source) {
	var narrow []float32
	var wide []float64
	if m := src.Sparse; m != nil {
		narrow, wide = m.Val32, m.Val64
		for i := range m.Col {
			m.Col[i] = math.MaxUint32
		}
		for i := range m.RowPtr {
			m.RowPtr[i] = math.MaxInt64
		}
	} else {
		narrow, _ = src.X.Data().([]float32)
		wide, _ = src.X.Data().([]float64)
	}
	for i := range narrow {
		narrow[i] = float32(math.NaN())
	}
	for i := range wide {
		wide[i] = math.NaN()
	}
	for _, col := range append(append([][]float64(nil), src.Weights...), src.Offsets...) {
		for i := range col {
			col[i] = math.NaN()
		}
	}
	for _, col := range append([][]int32{src.Folds}, src.Labels...) {
		for i := range col {
			col[i] = math.MaxInt32
		}
	}
}

func checkInputs(t *testing.T, b backend.Backend, o Options) {
	for _, s := range o.storages() {
		for _, from := range []tensor.Dtype{tensor.Float32, tensor.Float64} {
			for _, form := range o.formsIn(s) {
				c := large(o, s)
				c.from, c.form, c.rows = from, form, min(c.rows, 700)
				src, models, coef, _ := c.source()
				kept, keptModels, keptCoef := copyOf(src), append([]backend.Model(nil), models...), append([]float64(nil), coef...)
				want := run(t, b, o, src, s, models, coef)
				require.Equal(t, kept.Sparse, src.Sparse)
				require.Equal(t, numbers(kept), numbers(src))
				require.Equal(t, kept.Labels, src.Labels)
				require.Equal(t, kept.Weights, src.Weights)
				require.Equal(t, kept.Offsets, src.Offsets)
				require.Equal(t, kept.Folds, src.Folds)
				require.Equal(t, keptModels, models)
				require.Equal(t, keptCoef, coef)

				d := mustLoad(t, b, src, s)
				scribble(src)
				got := results(t, o, d, models, coef)
				requireSameBits(t, want[:len(got)], got, "the source changed after Load")
				close(t, d)
			}
		}
	}
	// out is overwritten, whatever it held.
	src, models, coef, _ := large(o, o.storages()[0]).source()
	d := mustLoad(t, b, src, o.storages()[0])
	var first backend.Evaluation
	err := d.Eval(t.Context(), models, coef, &first)
	if !o.beyond(t, Eval, d.Cols(), models, err) {
		grad := append([]float64(nil), first.Grad...)
		for i := range first.Grad {
			first.Grad[i] = math.NaN()
		}
		first.Loss[0], first.Held = math.Inf(1), nil
		require.NoError(t, d.Eval(t.Context(), models, coef, &first))
		requireSameBits(t, grad, first.Grad, "stale results")
	}
	close(t, d)
}

// checkZeroWeight puts values into rows of weight zero, and into the left-out fold,
// that take z beyond every bound.
func checkZeroWeight(t *testing.T, b backend.Backend, o Options) {
	for _, s := range o.storages() {
		for _, form := range o.formsIn(s) {
			if form != "ones" {
				checkZeroWeightIn(t, b, o, s, form)
			}
		}
	}
}

func checkZeroWeightIn(t *testing.T, b backend.Backend, o Options, s backend.Storage, form string) {
	huge := map[backend.Storage]float64{backend.Float64: 1e38, backend.Float32: 1e38, backend.BFloat16: 1e38, backend.Float16: 6e4}[s]
	c := caseOf{seed: o.Seed, rows: 40, cols: 6, data: "normal", models: "several", weights: "random", folds: "one", coef: "large", from: tensor.Float32}
	src, models, coef, _ := c.source()
	models[3].Weight = 1
	for i := range coef {
		coef[i] *= 1000
	}
	x := numbers(src)
	c.form = form
	zero := func(huge float64) {
		for i := 0; i < c.rows; i += 5 {
			src.Weights[0][i], src.Weights[1][i] = 0, 0
			for j := range c.cols {
				x[i*c.cols+j] = huge * float64(1-2*(j%2))
			}
		}
		src.X = nil
		c.setX(src, x)
	}
	zero(1)
	// The map of a float32 source depends on its values; here it is the identity
	// for both.
	plain := mustLoad(t, b, src, s)
	zero(huge)
	extreme := mustLoad(t, b, src, s)
	require.Equal(t, plain.Affine(), extreme.Affine())
	var want, got backend.Evaluation
	err := plain.Eval(t.Context(), models, coef, &want)
	if o.beyond(t, Eval, c.cols, models, err) {
		return
	}
	require.NoError(t, extreme.Eval(t.Context(), models, coef, &got))
	requireSameBits(t, want.Loss, got.Loss, "loss")
	requireSameBits(t, want.Held, got.Held, "held-out loss")
	for i := range want.Grad { // a zero may change its sign
		require.Equal(t, want.Grad[i], got.Grad[i], "gradient %d", i)
	}
	if o.has(HessVec) {
		hw, hg := make([]float64, len(coef)), make([]float64, len(coef))
		err := plain.(backend.HessVec).HessVec(t.Context(), models, coef, coef, hw)
		if !o.beyond(t, HessVec, c.cols, models, err) {
			require.NoError(t, extreme.(backend.HessVec).HessVec(t.Context(), models, coef, coef, hg))
			for i := range hw {
				require.Equal(t, hw[i], hg[i], "hessian product %d", i)
			}
		}
	}
	if o.has(ColumnGram) {
		blocks, cols := []backend.GramBlock{{Model: 0}, {Model: 2, Row: 1, Col: 3}}, []int{1, 4}
		var all [2][]float64
		for i, d := range []backend.Data{plain, extreme} {
			out, diagonal := [][]float64{make([]float64, 9), make([]float64, 9)}, [][]float64{make([]float64, 7), make([]float64, 7)}
			err := d.(backend.ColumnGram).ColumnGram(t.Context(), models, coef, blocks, cols, out, diagonal)
			if !o.beyond(t, ColumnGram, c.cols, models, err) {
				all[i] = slices.Concat(out[0], out[1], diagonal[0], diagonal[1])
			}
		}
		for i := range all[0] {
			require.Equal(t, all[0][i], all[1][i], "column gram %d", i)
		}
	}
	if o.has(Gram) {
		blocks := []backend.GramBlock{{Model: 0}, {Model: 2, Row: 1, Col: 3}}
		gw, gg := [][]float64{make([]float64, 49), make([]float64, 49)}, [][]float64{make([]float64, 49), make([]float64, 49)}
		err := plain.(backend.Gram).Gram(t.Context(), models, coef, blocks, gw, nil)
		if !o.beyond(t, Gram, c.cols, models, err) {
			require.NoError(t, extreme.(backend.Gram).Gram(t.Context(), models, coef, blocks, gg, nil))
			for k := range gw {
				for i := range gw[k] {
					require.Equal(t, gw[k][i], gg[k][i], "gram %d of %d", i, k)
				}
			}
		}
	}
	close(t, plain)
	close(t, extreme)
}

// checkMargins takes |z| to 1e4: all results must be finite, and right.
func checkMargins(t *testing.T, b backend.Backend, o Options) {
	r := &report{slack: o.Slack, worst: map[string]finding{}}
	for _, s := range o.storages() {
		for _, margin := range []float64{20, 90, 104, 750, 1e4} {
			for _, models := range []string{"several", "softmax3"} {
				c := caseOf{seed: o.Seed, rows: 60, cols: 4, data: "normal", models: models, weights: "random", folds: "one", coef: "modest", storage: s, from: tensor.Float32}
				src, ms, coef, rng := c.source()
				got, want := mustLoad(t, b, src, s), mustLoad(t, reference.New(), src, s)
				v := &trial{o: o, r: r, got: got, want: want, budget: newBudget(src, s, want.Affine()), models: ms, coef: coef, dir: normals(rng, len(coef), 1), rng: rng}
				high := 0.0
				v.each(func(_ int, _ backend.Model, _, _ int, q point) {
					for _, z := range q.z {
						high = max(high, math.Abs(z))
					}
				})
				for i := range coef {
					coef[i] *= margin / high
				}
				v.where, v.points = fmt.Sprintf("|z| to %v, %v", margin, c), nil
				v.all(t)
				close(t, got)
				close(t, want)
			}
		}
	}
	r.log(t)
}

func checkNotFinite(t *testing.T, b backend.Backend, o Options) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, s := range o.storages() {
		for n := range 4 {
			from, form := []tensor.Dtype{tensor.Float32, tensor.Float64}[n%2], []string{"dense", "csr"}[n/2]
			if !slices.Contains(o.formsIn(s), form) {
				continue
			}
			c := caseOf{seed: o.Seed, rows: 1500, cols: 50, data: "normal", models: "binary", weights: "none", coef: "zero", from: from, form: form}
			if o.MaxNumbers > 0 {
				c.rows = max(3, min(c.rows, o.MaxNumbers/c.cols))
			}
			last := c.rows*c.cols - 1
			for _, bad := range []map[int]float64{
				{0: nan}, {last: inf}, {last - 3: -inf, last: nan}, {2*c.cols + 7: -inf, 2*c.cols + 6: nan, c.cols + 49: inf}, {c.cols: nan, last: nan},
			} {
				src, _, _, _ := c.source()
				first := last
				x := numbers(src)
				for at, v := range bad {
					first = min(first, at)
					x[at] = v
				}
				c.setX(src, x)
				_, err := b.Load(t.Context(), src, s)
				var notFinite *backend.NotFiniteError
				require.ErrorAs(t, err, &notFinite)
				require.ErrorIs(t, err, backend.ErrNotFinite)
				require.Equal(t, []int{first / c.cols, first % c.cols}, []int{notFinite.Row, notFinite.Col})
				require.True(t, bad[first] == notFinite.Value || math.IsNaN(bad[first]) && math.IsNaN(notFinite.Value), "%v", notFinite)
			}
		}
	}
}

// checkRange loads finite values that the storage cannot hold.
func checkRange(t *testing.T, b backend.Backend, o Options) {
	large := map[backend.Storage]float64{backend.Float32: 1e300, backend.BFloat16: 1e300, backend.Float16: 1e6}
	for _, s := range o.storages() {
		if large[s] == 0 {
			continue
		}
		// Mostly zeros: the map's scale then follows the large value least.
		x := make([]float64, 5000*2)
		for i := range x {
			x[i] = float64(i%3) - 1
		}
		x[4999*2+1] = large[s] // not among the rows that ChooseAffine looks at
		for _, form := range o.formsIn(s) {
			if form == "ones" {
				continue
			}
			src := &backend.Source{Labels: [][]int32{make([]int32, 5000)}}
			caseOf{rows: 5000, cols: 2, from: tensor.Float64, form: form}.setX(src, x)
			_, err := b.Load(t.Context(), src, s)
			var tooLarge *backend.RangeError
			require.ErrorAs(t, err, &tooLarge, "%v", s)
			require.Equal(t, backend.RangeError{Row: 4999, Col: 1, Value: large[s], Storage: s}, *tooLarge)
		}
	}
}

func checkMalformed(t *testing.T, b backend.Backend, o Options) {
	s := o.storages()[0]
	for name, spoil := range map[string]func(*backend.Source){
		"X":               func(src *backend.Source) { src.X = nil },
		"label column 1":  func(src *backend.Source) { src.Labels[1] = src.Labels[1][1:] },
		"label column 0":  func(src *backend.Source) { src.Labels[0][2] = -1 },
		"weight column 0": func(src *backend.Source) { src.Weights[0][3] = -1 },
		"weight column 1": func(src *backend.Source) { src.Weights[1][3] = math.NaN() },
		"offset column 0": func(src *backend.Source) { src.Offsets[0][0] = math.Inf(1) },
		"folds":           func(src *backend.Source) { src.Folds[5] = -1 },
	} {
		src := tiny()
		spoil(src)
		_, err := b.Load(t.Context(), src, s)
		var malformed *backend.SourceError
		require.ErrorAs(t, err, &malformed, name)
		require.Equal(t, name, malformed.Part)
	}
	if !o.NoSparse {
		checkMalformedSparse(t, b, s)
	}
	d := mustLoad(t, b, tiny(), s)
	defer close(t, d)
	good := backend.Binary()
	for name, models := range map[string][]backend.Model{
		"none":    {},
		"label":   {good, {Label: 3, Weight: -1, Offset: -1, Fold: -1}},
		"weight":  {{Weight: 2, Offset: -1, Fold: -1}},
		"offset":  {{Weight: -1, Offset: 1, Fold: -1}},
		"classes": {{Classes: 2, Weight: -1, Offset: -1, Fold: -1}},
	} {
		coef := make([]float64, backend.Outputs(models)*4)
		requireModelError(t, name, d.Eval(t.Context(), models, coef, new(backend.Evaluation)))
		if o.has(HessVec) {
			requireModelError(t, name, d.(backend.HessVec).HessVec(t.Context(), models, coef, coef, make([]float64, len(coef))))
		}
		if o.has(Gram) {
			requireModelError(t, name, d.(backend.Gram).Gram(t.Context(), models, coef, nil, nil, nil))
		}
		if o.has(ColumnGram) {
			requireModelError(t, name, d.(backend.ColumnGram).ColumnGram(t.Context(), models, coef, nil, nil, nil, nil))
		}
		if o.has(Line) {
			_, err := d.(backend.LineSearcher).Direction(t.Context(), models, coef, coef)
			requireModelError(t, name, err)
		}
	}
	requireModelError(t, "length of coef", d.Eval(t.Context(), []backend.Model{good}, make([]float64, 3), new(backend.Evaluation)))
	requireModelError(t, "length of out", d.Predict(t.Context(), []backend.Model{good}, make([]float64, 4), make([]float64, 5)))
	_, err := d.Stats(t.Context(), 2)
	require.Error(t, err)
	if o.has(Sample) {
		for _, rows := range [][]int{{}, {6}, {0, -1}} {
			_, err := d.(backend.Sampler).Sample(t.Context(), rows, nil)
			require.Error(t, err)
		}
		_, err := d.(backend.Sampler).Sample(t.Context(), []int{1, 2}, []float64{1})
		require.Error(t, err)
		_, err = d.(backend.Sampler).Sample(t.Context(), []int{1}, []float64{math.NaN()})
		require.Error(t, err)
	}
	if o.has(Gram) {
		gram := d.(backend.Gram)
		coef, h := make([]float64, 4), [][]float64{make([]float64, 16)}
		requireModelError(t, "no matrix", gram.Gram(t.Context(), []backend.Model{good}, coef, []backend.GramBlock{{}}, nil, nil))
		requireModelError(t, "small matrix", gram.Gram(t.Context(), []backend.Model{good}, coef, []backend.GramBlock{{}}, [][]float64{{0}}, nil))
		requireModelError(t, "output", gram.Gram(t.Context(), []backend.Model{good}, coef, []backend.GramBlock{{Col: 1}}, h, nil))
		requireModelError(t, "model", gram.Gram(t.Context(), []backend.Model{good}, coef, []backend.GramBlock{{Model: 1}}, h, nil))
	}
	if o.has(ColumnGram) {
		gram := d.(backend.ColumnGram)
		coef, one := make([]float64, 4), []backend.GramBlock{{}}
		square, diagonal := [][]float64{make([]float64, 4)}, [][]float64{make([]float64, 4)}
		for _, cols := range [][]int{{3}, {-1}} {
			requireModelError(t, "column", gram.ColumnGram(t.Context(), []backend.Model{good}, coef, one, cols, square, diagonal))
		}
		requireModelError(t, "twice", gram.ColumnGram(t.Context(), []backend.Model{good}, coef, one, []int{1, 1}, [][]float64{make([]float64, 9)}, diagonal))
		requireModelError(t, "small matrix", gram.ColumnGram(t.Context(), []backend.Model{good}, coef, one, []int{1}, [][]float64{{0}}, diagonal))
		requireModelError(t, "short diagonal", gram.ColumnGram(t.Context(), []backend.Model{good}, coef, one, []int{1}, square, [][]float64{{0}}))
		requireModelError(t, "no diagonal", gram.ColumnGram(t.Context(), []backend.Model{good}, coef, one, []int{1}, square, nil))
	}
	if o.has(Line) {
		line, err := d.(backend.LineSearcher).Direction(t.Context(), []backend.Model{good}, make([]float64, 4), make([]float64, 4))
		require.NoError(t, err)
		requireModelError(t, "steps", line.At(t.Context(), [][]float64{{1}}, [][]float64{{}}, [][]float64{{0}}))
		requireModelError(t, "models", line.At(t.Context(), nil, nil, nil))
		close(t, line)
	}
}

func requireModelError(t testing.TB, what string, err error) {
	t.Helper()
	var wrong *backend.ModelError
	require.ErrorAs(t, err, &wrong, what)
}

// checkBarePredict predicts rows that have no labels, weights or folds with models
// that name them.
func checkBarePredict(t *testing.T, b backend.Backend, o Options) {
	for _, form := range o.formsIn(o.storages()[0]) {
		checkBarePredictOf(t, b, o, form)
	}
}

func checkBarePredictOf(t *testing.T, b backend.Backend, o Options, form string) {
	c := caseOf{seed: o.Seed, rows: 9, cols: 5, data: "normal", models: "several", weights: "random", folds: "one", coef: "modest", storage: o.storages()[0], from: tensor.Float32, form: form}
	src, models, coef, _ := c.source()
	full, none := mustLoad(t, b, src, c.storage), mustLoad(t, b, &backend.Source{X: src.X, Sparse: src.Sparse}, c.storage)
	want := make([]float64, c.rows*backend.Outputs(models))
	got := make([]float64, len(want))
	err := full.Predict(t.Context(), models, coef, want)
	if !o.beyond(t, Predict, c.cols, models, err) {
		require.NoError(t, none.Predict(t.Context(), models, coef, got))
		requireSameBits(t, want, got, "without labels")
	}
	close(t, full)
	close(t, none)
}

// operations are all calls of d that can fail, by name.
func operations(o Options, d backend.Data) map[Operation]func(context.Context) error {
	models, coef := []backend.Model{backend.Binary()}, make([]float64, d.Cols()+1)
	all := map[Operation]func(context.Context) error{
		Eval:    func(ctx context.Context) error { return d.Eval(ctx, models, coef, new(backend.Evaluation)) },
		Predict: func(ctx context.Context) error { return d.Predict(ctx, models, coef, make([]float64, d.Rows())) },
		Stats:   func(ctx context.Context) error { _, err := d.Stats(ctx, backend.None); return err },
	}
	if o.has(HessVec) {
		all[HessVec] = func(ctx context.Context) error {
			return d.(backend.HessVec).HessVec(ctx, models, coef, coef, make([]float64, len(coef)))
		}
	}
	if o.has(Gram) {
		all[Gram] = func(ctx context.Context) error {
			h := [][]float64{make([]float64, len(coef)*len(coef))}
			return d.(backend.Gram).Gram(ctx, models, coef, []backend.GramBlock{{}}, h, nil)
		}
	}
	if o.has(ColumnGram) {
		all[ColumnGram] = func(ctx context.Context) error {
			h, diagonal := [][]float64{make([]float64, 4)}, [][]float64{make([]float64, len(coef))}
			return d.(backend.ColumnGram).ColumnGram(ctx, models, coef, []backend.GramBlock{{}}, []int{1}, h, diagonal)
		}
	}
	if o.has(Sample) {
		all[Sample] = func(ctx context.Context) error {
			_, err := d.(backend.Sampler).Sample(ctx, []int{0}, nil)
			return err
		}
	}
	if o.has(Line) {
		all[Line] = func(ctx context.Context) error {
			_, err := d.(backend.LineSearcher).Direction(ctx, models, coef, coef)
			return err
		}
	}
	return all
}

func checkContext(t *testing.T, b backend.Backend, o Options) {
	cause := errors.New("the user left")
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	for _, form := range o.formsIn(o.storages()[0]) {
		_, err := b.Load(ended, tinyOf(form), o.storages()[0])
		require.ErrorIs(t, err, cause)
		d := mustLoad(t, b, tinyOf(form), o.storages()[0])
		for op, call := range operations(o, d) {
			require.ErrorIs(t, call(ended), cause, op)
			require.NoError(t, call(t.Context()), "%s after a stopped one", op)
		}
		close(t, d)
	}
}

func checkClose(t *testing.T, b backend.Backend, o Options) {
	for _, form := range o.formsIn(o.storages()[0]) {
		checkCloseOf(t, b, o, tinyOf(form))
	}
	if o.Reopen != nil {
		other := o.Reopen(1)
		close(t, other)
		_, err := other.Load(t.Context(), tiny(), o.storages()[0])
		require.ErrorIs(t, err, backend.ErrClosed)
	}
}

func checkCloseOf(t *testing.T, b backend.Backend, o Options, src *backend.Source) {
	d := mustLoad(t, b, src, o.storages()[0])
	calls := operations(o, d)
	if o.has(Line) {
		line, err := d.(backend.LineSearcher).Direction(t.Context(), []backend.Model{backend.Binary()}, make([]float64, 4), make([]float64, 4))
		require.NoError(t, err)
		close(t, line)
		require.ErrorIs(t, line.At(t.Context(), [][]float64{{0}}, [][]float64{{0}}, [][]float64{{0}}), backend.ErrClosed)
	}
	close(t, d)
	for op, call := range calls {
		require.ErrorIs(t, call(t.Context()), backend.ErrClosed, op)
	}
	require.ErrorIs(t, d.Close(), backend.ErrClosed)
}
