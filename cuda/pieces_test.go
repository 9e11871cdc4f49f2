//go:build !race

package cuda

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

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
	dense := func(double bool) []*backend.Source {
		src := source(3000, 12, double)
		disk := *src
		disk.X, disk.Rows = nil, &backendtest.Rows{X: src.X}
		return []*backend.Source{src, &disk}
	}
	compressed := func(rows int, kind string) []*backend.Source {
		src := sparseSource(rows, 12, 4, kind)
		copied := *src
		return []*backend.Source{src, &copied}
	}
	for _, c := range []struct {
		name    string
		sources []*backend.Source // lent; and from a file, or not lent
		storage backend.Storage
		piece   int
		models  string
	}{
		{"dense", dense(false), backend.Float32, 29000, "one"},
		{"dense float64", dense(true), backend.Float64, 58000, "one"},
		{"dense bfloat16", dense(true), backend.BFloat16, 15000, "softmax3"},
		{"dense rounded", dense(true), backend.Float32, 29000, "three"},
		{"sparse", compressed(1500, "float32"), backend.Float32, 20000, "three"},
		{"sparse float64", compressed(1500, "float64"), backend.Float64, 30000, "one"},
		{"sparse rounded", compressed(1500, "float64"), backend.Float32, 20000, "one"},
		{"sparse ones", compressed(2500, "ones"), backend.Float32, 20000, "softmax3"},
		{"sparse by rows", compressed(1500, "float32"), backend.Float32, 10000, "one"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			models := modelSets[c.models]
			c.sources[0].Lend = true
			open := func(config ptx.Config) (backend.Backend, *ptx.Driver) {
				b, d := inPieces(t, config, c.piece)
				b.(*gpu).fixedPoint = c.name == "sparse by rows"
				return b, d
			}
			b, d := open(ptx.Config{Unchecked: true})
			want, placement, err := fitAll(t.Context(), b, c.sources[0], c.storage, models)
			require.NoError(t, err)
			require.Empty(t, placement)
			require.NoError(t, b.Close())
			require.Empty(t, d.Live())

			most, sent, refused := d.MostUsed(), 0, 0
			for k, memory := range []int64{most, most - 1, most - int64(c.piece), most - int64(2*c.piece), most - int64(3*c.piece), most / 2, int64(c.piece)} {
				b, d := open(ptx.Config{Unchecked: true, Late: true, Memory: memory})
				got, placement, err := fitAll(t.Context(), b, c.sources[k%2], c.storage, models)
				if err != nil {
					require.ErrorAs(t, err, new(*backend.OutOfMemoryError))
					refused++
				} else {
					if placement != "" {
						require.Contains(t, placement, "the rest is sent in every pass")
						sent++
					}
					require.Equal(t, memory == most, placement == "", "%d of %d bytes: %s", memory, most, placement)
					require.Equal(t, len(want), len(got))
					for i := range want {
						require.Equal(t, math.Float64bits(want[i]), math.Float64bits(got[i]), "number %d with %d bytes", i, memory)
					}
				}
				require.NoError(t, b.Close())
				require.Empty(t, d.Live())
			}
			t.Logf("%d fits sent pieces, %d were refused", sent, refused)
			require.Positive(t, sent)
			require.Positive(t, refused)
		})
	}
}

// Pieces of sparse X hold every row once, and no more bytes than asked for but for a row.
func TestCutSparse_CoversEveryRow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &backend.CSR{Cols: rapid.IntRange(1, 5).Draw(t, "cols"), RowPtr: []int64{0}}
		longest := int64(0)
		for _, n := range rapid.SliceOfN(rapid.Int64Range(0, 900), 1, 60).Draw(t, "lengths") {
			m.RowPtr = append(m.RowPtr, m.RowPtr[m.Rows]+n)
			m.Rows++
			longest = max(longest, n)
		}
		entry := int64(8)
		if rapid.Bool().Draw(t, "valued") {
			m.Val32, entry = []float32{}, 24
		}
		piece := rapid.IntRange(1, 40000).Draw(t, "piece")
		fixed := rapid.Bool().Draw(t, "fixed")
		if fixed {
			entry /= 2
		}
		first := cutSparse(m, 8, fixed, piece)
		require.Equal(t, []int{0, m.Rows}, []int{first[0], first[len(first)-1]})
		for i, at := range first[:len(first)-1] {
			require.Less(t, at, first[i+1])
			bytes := int64(first[i+1]-at)*8 + (m.RowPtr[first[i+1]]-m.RowPtr[at])*entry
			require.LessOrEqual(t, bytes, 2*int64(piece)+8+longest*entry)
		}
	})
}

func TestPieces_P20_RowAndColumnOfTheWhole(t *testing.T) {
	t.Parallel()
	src := source(900, 12, false)
	x := src.X.Data().([]float32)
	x[700*12+5], x[701*12] = float32(math.Inf(1)), float32(math.NaN())
	disk, compressed := *src, sparseSource(900, 12, 4, "float64")
	disk.X, disk.Rows = nil, &backendtest.Rows{X: src.X}
	m, row := compressed.Sparse, 700
	for m.RowPtr[row] == m.RowPtr[row+1] {
		row++
	}
	entry := m.RowPtr[row]
	m.Val64[entry], m.Val64[entry+1] = math.Inf(1), math.NaN()
	for _, c := range []struct {
		src      *backend.Source
		row, col int
	}{{src, 700, 5}, {&disk, 700, 5}, {compressed, row, int(m.Col[entry])}} {
		b, d := inPieces(t, ptx.Config{Unchecked: true}, 8000)
		_, err := b.Load(t.Context(), c.src, backend.Float32)
		var bad *backend.NotFiniteError
		require.ErrorAs(t, err, &bad)
		require.Equal(t, backend.NotFiniteError{Row: c.row, Col: c.col, Value: math.Inf(1)}, *bad)
		require.NoError(t, b.Close())
		require.Empty(t, d.Live())
	}
}

// X that was not lent may be changed after Load, also where it is sent again.
func TestPieces_P24_SourceMayChange(t *testing.T) {
	dense, compressed := source(3000, 12, false), sparseSource(1500, 12, 4, "float32")
	for name, c := range map[string]struct {
		src    *backend.Source
		change func()
	}{
		"dense": {dense, func() { clear(dense.X.Data().([]float32)) }},
		"sparse": {compressed, func() {
			clear(compressed.Sparse.Col)
			clear(compressed.Sparse.Val32)
			clear(compressed.Sparse.RowPtr)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			models := modelSets["one"]
			whole, emulator := inPieces(t, ptx.Config{}, 20000)
			d, err := whole.Load(t.Context(), c.src, backend.Float32)
			require.NoError(t, err)
			require.NoError(t, d.Close())
			require.NoError(t, whole.Close())
			b, _ := inPieces(t, ptx.Config{Memory: emulator.MostUsed() - 1}, 20000)
			d, err = b.Load(t.Context(), c.src, backend.Float32)
			require.NoError(t, err)
			var want, got backend.Evaluation
			coef := coefficients(1, 12)
			require.NoError(t, d.Eval(t.Context(), models, coef, &want))
			require.NotEmpty(t, d.(backend.Placed).Placement())
			c.change()
			require.NoError(t, d.Eval(t.Context(), models, coef, &got))
			require.Equal(t, want, got)
			require.NoError(t, d.Close())
			require.ErrorIs(t, d.Close(), backend.ErrClosed)
			require.NoError(t, b.Close())
		})
	}
}

// A failure at any call leaks nothing; one of memory may be got over.
func TestPieces_FaultsLeakNothing(t *testing.T) {
	x := source(90, 6, false)
	disk := *x
	disk.X, disk.Rows = nil, &backendtest.Rows{X: x.X}
	compressed := sparseSource(60, 6, 3, "float32")
	read, _ := backendtest.SparseOnDisk(compressed)
	for name, src := range map[string]*backend.Source{"dense": &disk, "sparse": compressed, "sparse on disk": read} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := func(c ptx.Config) (*ptx.Driver, error) {
				c.Unchecked, c.Late = true, true
				b, d := inPieces(t, c, 700)
				_, _, err := fitAll(t.Context(), b, src, backend.Float32, modelSets["one"])
				return d, errors.Join(err, b.Close())
			}
			counting, err := run(ptx.Config{})
			require.NoError(t, err)
			overcome := 0
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
						overcome++
					}
					requireClean(t, d, what)
				}
			}
			require.Positive(t, overcome)
		})
	}
}
