//go:build !race

package cuda

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/cpu/reference"
	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
	"github.com/logreg-gpu/logreg-gpu/ptx"
)

// sparseSource is source with sparse X: rows of none to 2 mean entries, columns of very
// different lengths, the first of them in nearly every row.
func sparseSource(rows, cols, mean int, kind string) *backend.Source {
	src := source(rows, 1, false)
	src.X, src.Sparse = nil, &backend.CSR{Rows: rows, Cols: cols, RowPtr: []int64{0}, Col: []uint32{}}
	m := src.Sparse
	rng := rand.New(rand.NewPCG(uint64(rows), uint64(cols)))
	for i := range rows {
		var row []uint32
		for range rng.IntN(2*mean + 1) {
			row = append(row, uint32(float64(cols)*math.Pow(rng.Float64(), 4))) // few columns have most entries
		}
		slices.Sort(row)
		m.Col = append(m.Col, slices.Compact(row)...)
		m.RowPtr = append(m.RowPtr, int64(len(m.Col)))
		if i == rows/2 && cols > 8 { // and one row is long
			m.Col = m.Col[:m.RowPtr[i]]
			for j := range cols / 2 {
				m.Col = append(m.Col, uint32(2*j))
			}
			m.RowPtr[i+1] = int64(len(m.Col))
		}
	}
	for range m.Col {
		switch v := math.Round(rng.NormFloat64()*1e3) / 1e3; kind {
		case "float32":
			m.Val32 = append(m.Val32, float32(v))
		case "float64":
			m.Val64 = append(m.Val64, v)
		}
	}
	return src
}

// checkSparse takes every operation on sparse X; with checked, Eval and HessVec read each
// byte of X by rows once, and of X by columns once; without the latter, by rows three times.
func checkSparse(t *testing.T, b backend.Backend, emulator *ptx.Driver, checked, fixed bool, s backend.Storage) {
	g := b.(*gpu)
	kept, reads := g.chunks, uint32(1)
	defer func() { g.chunks, g.fixedPoint = kept, false }()
	if g.fixedPoint = fixed; fixed {
		reads, g.chunks.hot = 3, 50
	}
	for i, shape := range []struct {
		rows, cols, mean, step int
		kind                   string
	}{
		{300, 90, 6, 8, "float32"}, // many row blocks: columns of more than 32 pieces
		{130, 40, 30, 1 << 20, "float64"},
		{90, 400, 200, 64, "ones"},
		{70, 600, 3, 1 << 20, "float32"}, // a row long enough for a warp of its own
	} {
		g.chunks.residuals = shape.step * 4 * s.Bytes()
		g.chunks.chosen = 1 // 256 rows of chosen columns at a time
		src := sparseSource(shape.rows, shape.cols, shape.mean, shape.kind)
		got, err := b.Load(t.Context(), src, s)
		require.NoError(t, err)
		want, err := reference.New().Load(t.Context(), src, s)
		require.NoError(t, err)
		x := got.(*data).sparse
		all := slices.DeleteFunc([]driver.Ptr{x.col, x.values, x.byColumns.row, x.byColumns.values}, func(p driver.Ptr) bool { return p == 0 })
		arrays := map[bool]int{false: 2, true: 1}[fixed] // copies
		if shape.kind != "ones" {
			arrays *= 2
		}
		require.Len(t, all, arrays)
		for name, models := range modelSets {
			if i > 0 && name != "one" && name != "softmax20" {
				continue // the other kernels differ by outputs, not by shape
			}
			coef := coefficients(backend.Outputs(models), shape.cols)
			dir := coefficients(backend.Outputs(models)+1, shape.cols)[shape.cols+1:]
			trace := func() {
				for _, p := range all {
					emulator.TraceReads(p)
				}
			}
			requireOnce := func(what string) {
				for a, p := range all {
					for at, n := range emulator.Reads(p) {
						if checked && name != "softmax20" && n != reads { // 20 outputs are two reads for 16
							require.Fail(t, "X is not read as often as it should be", "byte %d of array %d is read %d times by %s, %s; want %d", at, a, n, what, name, reads)
						}
					}
				}
			}
			var gotEv, wantEv backend.Evaluation
			trace()
			require.NoError(t, got.Eval(t.Context(), models, coef, &gotEv))
			requireOnce("Eval")
			require.NoError(t, want.Eval(t.Context(), models, coef, &wantEv))
			requireNear(t, s, wantEv.Loss, gotEv.Loss, "loss, %s", name)
			requireNear(t, s, wantEv.Held, gotEv.Held, "held-out loss, %s", name)
			requireNear(t, s, wantEv.Grad, gotEv.Grad, "gradient, %s", name)
			gotHv, wantHv := make([]float64, len(coef)), make([]float64, len(coef))
			trace()
			require.NoError(t, got.(backend.HessVec).HessVec(t.Context(), models, coef, dir, gotHv))
			requireOnce("HessVec")
			require.NoError(t, want.(backend.HessVec).HessVec(t.Context(), models, coef, dir, wantHv))
			requireNear(t, s, wantHv, gotHv, "hessian product, %s", name)
			gotP, wantP := make([]float64, shape.rows*backend.Outputs(models)), make([]float64, shape.rows*backend.Outputs(models))
			trace()
			require.NoError(t, got.Predict(t.Context(), models, coef, gotP))
			require.NoError(t, want.Predict(t.Context(), models, coef, wantP))
			requireNear(t, s, wantP, gotP, "predict, %s", name)
			for at, n := range emulator.Reads(x.byColumns.row) {
				require.Zero(t, n, "predict reads byte %d of the copy by columns", at)
			}
		}
		if i == 3 {
			require.Greater(t, shape.cols/2, 64<<x.log, "a row takes a second round")
		}
		if i == 0 {
			if fixed {
				require.True(t, 1 < x.fixed.hots && x.fixed.hots < shape.cols, "%d hot columns", x.fixed.hots)
			} else {
				require.Greater(t, x.byColumns.pieces, 33*2, "a column takes a whole warp to combine")
			}
			checkSparseOthers(t, emulator, s, got, want)
		}
		require.NoError(t, got.Close())
		require.NoError(t, want.Close())
	}
}

func checkSparseOthers(t *testing.T, emulator *ptx.Driver, s backend.Storage, got, want backend.Data) {
	for _, weight := range []int{backend.None, 0} {
		gotStats, err := got.Stats(t.Context(), weight)
		require.NoError(t, err)
		wantStats, err := want.Stats(t.Context(), weight)
		require.NoError(t, err)
		require.Equal(t, wantStats.NonZero, gotStats.NonZero)
		require.Equal(t, wantStats.Min, gotStats.Min)
		require.Equal(t, wantStats.Max, gotStats.Max)
		requireNear(t, s, wantStats.Mean, gotStats.Mean, "mean")
		requireNear(t, s, wantStats.Var, gotStats.Var, "variance")
		if weight == 0 {
			requireNear(t, s, wantStats.Weighted.Mean, gotStats.Weighted.Mean, "weighted mean")
			requireNear(t, s, wantStats.Weighted.Var, gotStats.Weighted.Var, "weighted variance")
		}
	}
	checkColumnGram(t, s, got, want)
	cols := got.Cols()
	models, coef, dir := modelSets["one"], coefficients(1, cols), coefficients(2, cols)[cols+1:]
	gotH, wantH := [][]float64{make([]float64, (cols+1)*(cols+1))}, [][]float64{make([]float64, (cols+1)*(cols+1))}
	var gotEv, wantEv backend.Evaluation
	require.NoError(t, got.(backend.Gram).Gram(t.Context(), models, coef, []backend.GramBlock{{}}, gotH, &gotEv))
	require.NoError(t, want.(backend.Gram).Gram(t.Context(), models, coef, []backend.GramBlock{{}}, wantH, &wantEv))
	requireNear(t, s, wantH[0], gotH[0], "gram")
	requireNear(t, s, wantEv.Grad, gotEv.Grad, "gradient beside gram")

	gotLine, err := got.(backend.LineSearcher).Direction(t.Context(), models, coef, dir)
	require.NoError(t, err)
	wantLine, err := want.(backend.LineSearcher).Direction(t.Context(), models, coef, dir)
	require.NoError(t, err)
	gotAt, wantAt := [][]float64{make([]float64, 2), make([]float64, 2)}, [][]float64{make([]float64, 2), make([]float64, 2)}
	x := got.(*data).sparse
	emulator.TraceReads(x.col)
	require.NoError(t, gotLine.At(t.Context(), [][]float64{{0.5, 2}}, gotAt[:1], gotAt[1:]))
	require.NoError(t, wantLine.At(t.Context(), [][]float64{{0.5, 2}}, wantAt[:1], wantAt[1:]))
	for _, n := range emulator.Reads(x.col) {
		require.Zero(t, n, "the line reads X")
	}
	requireNear(t, s, wantAt[0], gotAt[0], "line loss")
	requireNear(t, s, wantAt[1], gotAt[1], "line slope")
	require.NoError(t, gotLine.Close())
	require.NoError(t, wantLine.Close())

	rows := []int{7, 7, got.Rows() / 2, 0, got.Rows() - 1}
	gotS, err := got.(backend.Sampler).Sample(t.Context(), rows, nil)
	require.NoError(t, err)
	wantS, err := want.(backend.Sampler).Sample(t.Context(), rows, nil)
	require.NoError(t, err)
	require.NoError(t, gotS.Eval(t.Context(), models, coef, &gotEv))
	require.NoError(t, wantS.Eval(t.Context(), models, coef, &wantEv))
	requireNear(t, s, wantEv.Loss, gotEv.Loss, "loss of a sample")
	requireNear(t, s, wantEv.Grad, gotEv.Grad, "gradient of a sample")
	require.NoError(t, gotS.Close())
	require.NoError(t, wantS.Close())
}

// checkColumnGram asks for some columns of a model of one output and of a softmax, and for none.
func checkColumnGram(t *testing.T, s backend.Storage, got, want backend.Data) {
	models := append(ovr(1), modelSets["softmax3"]...)
	coef := coefficients(4, got.Cols())
	blocks := []backend.GramBlock{{Model: 0}, {Model: 1, Row: 2, Col: 1}}
	for _, cols := range [][]int{{0, 3, 17, got.Cols() - 1}, {}} {
		side := len(cols) + 1
		matrices := func(n int) [][]float64 { return [][]float64{make([]float64, n), make([]float64, n)} }
		gotH, wantH, gotD, wantD := matrices(side*side), matrices(side*side), matrices(got.Cols()+1), matrices(got.Cols()+1)
		require.NoError(t, got.(backend.ColumnGram).ColumnGram(t.Context(), models, coef, blocks, cols, gotH, gotD))
		require.NoError(t, want.(backend.ColumnGram).ColumnGram(t.Context(), models, coef, blocks, cols, wantH, wantD))
		for b := range blocks {
			requireNear(t, s, wantH[b], gotH[b], "gram of columns %v", cols)
			requireNear(t, s, wantD[b], gotD[b], "diagonal")
		}
	}
}

// A column of more entries than a piece has is cut, and sums up all the same.
func TestSparse_P9_LongColumns(t *testing.T) {
	t.Parallel()
	src := sparseSource(3*pieceEntries, 3, 2, "float32")
	b, _ := emulated(t, ptx.Config{Unchecked: true})
	got, err := b.Load(t.Context(), src, backend.Float64)
	require.NoError(t, err)
	want, err := reference.New().Load(t.Context(), src, backend.Float64)
	require.NoError(t, err)
	require.Greater(t, got.(*data).sparse.byColumns.pieces, 3)
	var gotEv, wantEv backend.Evaluation
	require.NoError(t, got.Eval(t.Context(), modelSets["one"], coefficients(1, 3), &gotEv))
	require.NoError(t, want.Eval(t.Context(), modelSets["one"], coefficients(1, 3), &wantEv))
	requireNear(t, backend.Float64, wantEv.Grad, gotEv.Grad, "gradient")
	gotStats, err := got.Stats(t.Context(), 0)
	require.NoError(t, err)
	wantStats, err := want.Stats(t.Context(), 0)
	require.NoError(t, err)
	requireNear(t, backend.Float64, wantStats.Weighted.Var, gotStats.Weighted.Var, "weighted variance")
	require.NoError(t, got.Close())
	require.NoError(t, b.Close())
}

// The same bits whatever the number of multiprocessors and the order of blocks, warps and
// lanes; copies run as late as they may.
func TestSparse_P9_AnyGridAndOrder(t *testing.T) {
	t.Parallel()
	var first []float64
	for i, c := range []ptx.Config{{}, {Multiprocessors: 1, Seed: 1, Late: true}, {Multiprocessors: 144, Seed: 3, OneThread: true}} {
		b, _ := emulated(t, c)
		b.(*gpu).chunks.residuals = 64 * 16
		d, err := b.Load(t.Context(), sparseSource(600, 50, 7, "float64"), backend.Float32)
		require.NoError(t, err)
		var all []float64
		for _, name := range []string{"one", "nine", "softmax3", "softmax20"} {
			var ev backend.Evaluation
			models := modelSets[name]
			coef := coefficients(backend.Outputs(models), 50)
			require.NoError(t, d.Eval(t.Context(), models, coef, &ev))
			hv := make([]float64, len(coef))
			require.NoError(t, d.(backend.HessVec).HessVec(t.Context(), models, coef, coef, hv))
			all = slices.Concat(all, ev.Loss, ev.Grad, ev.Held, hv)
		}
		stats, err := d.Stats(t.Context(), 0)
		require.NoError(t, err)
		h, diagonal := [][]float64{make([]float64, 9)}, [][]float64{make([]float64, 51)}
		require.NoError(t, d.(backend.ColumnGram).ColumnGram(t.Context(), modelSets["one"], coefficients(1, 50), []backend.GramBlock{{}}, []int{0, 1}, h, diagonal))
		all = slices.Concat(all, stats.Mean, stats.Weighted.Var, h[0], diagonal[0])
		if i == 0 {
			first = all
		}
		require.Equal(t, first, all, "%+v", c)
		require.NoError(t, d.Close())
		require.NoError(t, b.Close())
	}
}

// Whatever the matrix and its row blocks: every entry is in one piece of its column, rows of
// a piece ascend, a column's slots lie beside each other in the order of its rows, and a
// warp's pieces have lanes enough.
func TestSparseOrder_HoldsEveryEntryOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows, cols := rapid.IntRange(1, 300).Draw(t, "rows"), rapid.IntRange(1, 40).Draw(t, "cols")
		step := rapid.IntRange(1, rows).Draw(t, "step")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		rowPtr, col, val := []int64{0}, []uint32{}, []uint32{}
		for range rows {
			for j := range cols {
				if rng.IntN(j+1) == 0 {
					col, val = append(col, uint32(j)), append(val, rng.Uint32())
				}
			}
			rowPtr = append(rowPtr, int64(len(col)))
		}
		o := newOrder(cols)
		row, sorted := make([]uint32, len(col)), make([]uint32, len(col))
		for first := 0; first < rows; first += step {
			from, to := rowPtr[first], rowPtr[min(first+step, rows)]
			o.cut(col[from:to], from)
			arrange(o, rowPtr[first:min(first+step, rows)+1], first, col[from:to], val[from:to], row[from:to], sorted[from:to])
		}
		slot, firstSlot := o.slots(int64(len(col)))
		pieces := len(o.column)
		type entry struct{ row, col, val uint32 }
		var got, want []entry
		for i := range rows {
			for e := rowPtr[i]; e < rowPtr[i+1]; e++ {
				want = append(want, entry{uint32(i), col[e], val[e]})
			}
		}
		bySlot := make([]int, pieces)
		for p, j := range o.column {
			require.True(t, firstSlot[j] <= slot[p] && slot[p] < firstSlot[j+1], "piece %d of column %d has slot %d", p, j, slot[p])
			bySlot[slot[p]] = p
			for e := o.start[p]; e < o.start[p+1]; e++ {
				got = append(got, entry{row[e], j, sorted[e]})
			}
		}
		for j := range cols { // the slots of a column walk its rows in order
			last := -1
			for s := firstSlot[j]; s < firstSlot[j+1]; s++ {
				for e := o.start[bySlot[s]]; e < o.start[bySlot[s]+1]; e++ {
					require.Greater(t, int(row[e]), last)
					last = int(row[e])
				}
			}
		}
		slices.SortFunc(got, func(a, b entry) int {
			if a.row != b.row {
				return int(a.row) - int(b.row)
			}
			return int(a.col) - int(b.col)
		})
		require.Equal(t, want, got)
		require.EqualValues(t, len(o.tasks)-1, o.blocks[len(o.blocks)-1])
		for k, task := range o.tasks[:len(o.tasks)-1] {
			first, next, lanes := task>>3, o.tasks[k+1]>>3, int64(1)<<(task&7)
			require.True(t, first < next && (next-first)*lanes <= 32, "task %d has %d pieces of %d lanes", k, next-first, lanes)
		}
	})
}

// What sparse X cannot be is said before anything is allocated.
func TestLoad_UnsupportedSparse(t *testing.T) {
	b, d := emulated(t, ptx.Config{})
	for _, s := range []backend.Storage{backend.BFloat16, backend.Float16} {
		_, err := b.Load(t.Context(), sparseSource(5, 3, 1, "ones"), s)
		require.ErrorIs(t, err, backend.ErrUnsupported)
	}
	require.Empty(t, d.Allocations("columns"))
	x, err := b.Load(t.Context(), sparseSource(5, 3, 1, "ones"), backend.Float32)
	require.NoError(t, err)
	_, err = x.(*data).Epochs(t.Context(), backend.Binary(), make([]float64, 4), 0.1, 1)
	require.ErrorIs(t, err, backend.ErrUnsupported)
	require.NoError(t, x.Close())
	require.NoError(t, b.Close())
	require.Empty(t, d.Live())
}

// BenchmarkSparseOrder orders 10 million entries by column: the host's share of loading.
func BenchmarkSparseOrder(b *testing.B) {
	src := sparseSource(500_000, 200_000, 20, "float32").Sparse
	val := sameBits[uint32](src.Val32)
	row, sorted := make([]uint32, len(src.Col)), make([]uint32, len(src.Col))
	b.SetBytes(int64(len(src.Col)) * 8)
	for b.Loop() {
		o := newOrder(src.Cols)
		o.cut(src.Col, 0)
		arrange(o, src.RowPtr, 0, src.Col, val, row, sorted)
		o.slots(int64(len(src.Col)))
	}
}
