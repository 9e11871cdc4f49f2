//go:build !race

package cuda

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/backend/backendtest"
	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
	"github.com/logreg-gpu/logreg-gpu/ptx"
)

// inPieces opens an emulated device that cuts X into pieces of that many bytes.
func inPieces(t testing.TB, c ptx.Config, piece int) (backend.Backend, *ptx.Driver) {
	b, d := emulated(t, c)
	b.(*gpu).chunks.piece, b.(*gpu).chunks.source = piece, 4<<10
	return b, d
}

// The parity suite over X in several pieces, some of which the device has no room for.
func TestPieces_P5(t *testing.T) {
	t.Parallel()
	b, d := inPieces(t, ptx.Config{Unchecked: true}, 400)
	backendtest.RunAll(t, b, backendtest.Options{MaxNumbers: 200, MaxCases: 25})
	require.NoError(t, b.Close())
	require.Empty(t, d.Live())
}

// all runs every operation, also on samples, and returns all numbers.
func all(ctx context.Context, d backend.Data, models []backend.Model) (numbers []float64, err error) {
	cols := d.Cols()
	coef := coefficients(backend.Outputs(models), cols)
	var ev backend.Evaluation
	if err := d.Eval(ctx, models, coef, &ev); err != nil {
		return nil, err
	}
	numbers = append(append(append(numbers, ev.Loss...), ev.Grad...), ev.Held...)
	hv := make([]float64, len(coef))
	if err := d.(backend.HessVec).HessVec(ctx, models, coef, ev.Grad, hv); err != nil {
		return nil, err
	}
	numbers = append(numbers, hv...)
	for _, weight := range []int{backend.None, 0} {
		st, err := d.Stats(ctx, weight)
		if err != nil {
			return nil, err
		}
		for _, v := range [][]float64{st.Mean, st.Var, st.Weighted.Mean, st.Weighted.Var, st.Min, st.Max} {
			numbers = append(numbers, v...)
		}
	}
	p := make([]float64, d.Rows()*backend.Outputs(models))
	if err := d.Predict(ctx, models, coef, p); err != nil {
		return nil, err
	}
	numbers = append(numbers, p...)
	h, square, diagonal := make([]float64, (cols+1)*(cols+1)), make([]float64, 9), make([]float64, cols+1)
	if err := d.(backend.Gram).Gram(ctx, models, coef, []backend.GramBlock{{}}, [][]float64{h}, &ev); err != nil {
		return nil, err
	}
	if err := d.(backend.ColumnGram).ColumnGram(ctx, models, coef, []backend.GramBlock{{}}, []int{1, 3}, [][]float64{square}, [][]float64{diagonal}); err != nil {
		return nil, err
	}
	numbers = append(append(append(append(numbers, h...), ev.Grad...), square...), diagonal...)
	line, err := d.(backend.LineSearcher).Direction(ctx, models, coef, hv)
	if err != nil {
		return nil, err
	}
	var steps, loss, slope [][]float64
	for range models {
		steps, loss, slope = append(steps, []float64{1}), append(loss, []float64{0}), append(slope, []float64{0})
	}
	if err := line.At(ctx, steps, loss, slope); err != nil {
		return nil, errors.Join(err, line.Close())
	}
	for k := range models {
		numbers = append(append(numbers, loss[k]...), slope[k]...)
	}
	return numbers, line.Close()
}

// fitAll is all of a source and of two samples of it, one of rows in no order.
func fitAll(ctx context.Context, b backend.Backend, src *backend.Source, s backend.Storage, models []backend.Model) (numbers []float64, placement string, err error) {
	d, err := b.Load(ctx, src, s)
	if err != nil {
		return nil, "", err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if numbers, err = all(ctx, d, models); err != nil {
		return nil, "", err
	}
	for _, step := range []int{3, d.Rows() - 7} {
		var rows []int
		var factor []float64
		for k := range d.Rows() / 3 {
			rows, factor = append(rows, k*step%d.Rows()), append(factor, float64(1+k%3))
		}
		sample, err := d.(backend.Sampler).Sample(ctx, rows, factor)
		if err != nil {
			return nil, "", err
		}
		drawn, err := all(ctx, sample, models)
		if err = errors.Join(err, sample.Close()); err != nil {
			return nil, "", err
		}
		numbers = append(numbers, drawn...)
	}
	if p, ok := d.(backend.Placed); ok {
		placement = p.Placement()
	}
	return numbers, placement, nil
}

// Whatever part of X has room on the device, and wherever the rest is sent from, the bits
// are the same; with too little memory for one piece the error says so.
func TestPieces_P10_AnyMemoryTheSameBits(t *testing.T) {
	for _, c := range []struct {
		storage backend.Storage
		double  bool
		models  string
	}{{backend.Float32, false, "one"}, {backend.Float64, true, "one"}, {backend.BFloat16, true, "softmax3"}, {backend.Float32, true, "three"}} {
		t.Run(fmt.Sprintf("%v_%s", c.storage, c.models), func(t *testing.T) {
			t.Parallel()
			models := modelSets[c.models]
			src := source(3000, 12, c.double)
			src.Lend = true
			bytes := 3000 * 12 * c.storage.Bytes()
			b, d := inPieces(t, ptx.Config{Unchecked: true}, bytes/5)
			want, placement, err := fitAll(t.Context(), b, src, c.storage, models)
			require.NoError(t, err)
			require.Empty(t, placement)
			require.NoError(t, b.Close())
			require.Empty(t, d.Live())

			disk := *src
			disk.X, disk.Rows = nil, &backendtest.Rows{X: src.X}
			sent, refused := 0, 0
			for _, k := range []int{0, 9, 10, 11, 12, 13, 14, 15, 16, 17, 19} { // from next to nothing to more than everything
				memory := int64(bytes/2 + k*40<<10)
				for _, from := range []*backend.Source{src, &disk}[k%2:][:1] {
					b, d := inPieces(t, ptx.Config{Unchecked: true, Late: true, Memory: memory}, bytes/5)
					got, placement, err := fitAll(t.Context(), b, from, c.storage, models)
					if err != nil {
						require.ErrorAs(t, err, new(*backend.OutOfMemoryError))
						refused++
					} else {
						if placement != "" {
							require.Contains(t, placement, "the rest is sent in every pass")
							sent++
						}
						require.Equal(t, len(want), len(got))
						for i := range want {
							require.Equal(t, math.Float64bits(want[i]), math.Float64bits(got[i]), "number %d with %d bytes", i, memory)
						}
					}
					require.NoError(t, b.Close())
					require.Empty(t, d.Live())
				}
			}
			t.Logf("%d fits sent pieces, %d were refused", sent, refused)
			require.Positive(t, sent)
			require.Positive(t, refused)
		})
	}
}

func TestPieces_P20_RowAndColumnOfTheWhole(t *testing.T) {
	t.Parallel()
	src := source(900, 12, false)
	x := src.X.Data().([]float32)
	x[700*12+5], x[701*12] = float32(math.Inf(1)), float32(math.NaN())
	disk := *src
	disk.X, disk.Rows = nil, &backendtest.Rows{X: src.X}
	for _, from := range []*backend.Source{src, &disk} {
		b, d := inPieces(t, ptx.Config{Unchecked: true}, 8000)
		_, err := b.Load(t.Context(), from, backend.Float32)
		var bad *backend.NotFiniteError
		require.ErrorAs(t, err, &bad)
		require.Equal(t, backend.NotFiniteError{Row: 700, Col: 5, Value: math.Inf(1)}, *bad)
		require.NoError(t, b.Close())
		require.Empty(t, d.Live())
	}
}

// X that was not lent may be changed after Load, also where it is sent again.
func TestPieces_P24_SourceMayChange(t *testing.T) {
	t.Parallel()
	src := source(3000, 12, false)
	models := modelSets["one"]
	b, _ := inPieces(t, ptx.Config{Unchecked: true, Memory: 210 << 10}, 29000)
	d, err := b.Load(t.Context(), src, backend.Float32)
	require.NoError(t, err)
	var want, got backend.Evaluation
	coef := coefficients(1, 12)
	require.NoError(t, d.Eval(t.Context(), models, coef, &want))
	require.NotEmpty(t, d.(backend.Placed).Placement())
	x := src.X.Data().([]float32)
	clear(x)
	require.NoError(t, d.Eval(t.Context(), models, coef, &got))
	require.Equal(t, want, got)
	require.NoError(t, d.Close())
	require.ErrorIs(t, d.Close(), backend.ErrClosed)
	require.NoError(t, b.Close())
}

// A failure at any call leaks nothing; one of memory may be got over.
func TestPieces_FaultsLeakNothing(t *testing.T) {
	t.Parallel()
	x := source(90, 6, false)
	src := *x
	src.X, src.Rows = nil, &backendtest.Rows{X: tensor.New(tensor.WithShape(90, 6), tensor.WithBacking(x.X.Data()))}
	run := func(c ptx.Config) (*ptx.Driver, error) {
		c.Unchecked, c.Late = true, true
		b, d := inPieces(t, c, 600)
		_, _, err := fitAll(t.Context(), b, &src, backend.Float32, modelSets["one"])
		return d, errors.Join(err, b.Close())
	}
	counting, err := run(ptx.Config{})
	require.NoError(t, err)
	for _, kind := range []string{"launch", "copy", "alloc", "alloc host", "synchronize"} {
		calls := counting.Calls(kind)
		for n := 1; n <= calls; n += 1 + calls/25 {
			code := driver.LaunchFailed
			if kind == "alloc" || kind == "alloc host" {
				code = driver.OutOfMemory
			}
			what := fmt.Sprintf("%s %d of %d", kind, n, calls)
			d, err := run(ptx.Config{Faults: []ptx.Injection{{Call: kind, N: n, Code: code}}})
			if err == nil {
				require.Equal(t, driver.OutOfMemory, code, what)
			}
			requireClean(t, d, what)
		}
	}
}
