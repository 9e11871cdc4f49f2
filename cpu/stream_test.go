package cpu_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"
	"pgregory.net/rapid"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/cpu"
)

// file is an X that is read in pieces, and how often.
type file struct {
	rows, cols int
	x32        []float32
	x64        []float64
	read       atomic.Int64       // numbers
	fail       func(lo int) error // nil: never
}

func (f *file) Shape() (int, int) { return f.rows, f.cols }

func (f *file) Dtype() tensor.Dtype {
	if f.x32 != nil {
		return tensor.Float32
	}
	return tensor.Float64
}

func (f *file) ReadRows32(first int, dst []float32) error { return readRows(f, f.x32, first, dst) }
func (f *file) ReadRows64(first int, dst []float64) error { return readRows(f, f.x64, first, dst) }

func readRows[T any](f *file, x []T, first int, dst []T) error {
	if f.fail != nil {
		if err := f.fail(first); err != nil {
			return err
		}
	}
	f.read.Add(int64(len(dst)))
	copy(dst, x[first*f.cols:first*f.cols+len(dst)])
	return nil
}

// streamed returns a source of X in memory, the same as a file, and models over it.
func streamed(rng *rand.Rand, rows, cols int, dtype tensor.Dtype) (memory, disk *backend.Source, f *file, models []backend.Model) {
	f = &file{rows: rows, cols: cols}
	x := make([]float64, rows*cols)
	for i := range x {
		x[i] = rng.NormFloat64() + float64(i%cols%3*20) // some columns far from zero
	}
	memory = &backend.Source{Labels: [][]int32{make([]int32, rows)}, Weights: [][]float64{make([]float64, rows)}, Offsets: [][]float64{make([]float64, rows)}, Folds: make([]int32, rows)}
	for i := range rows {
		memory.Labels[0][i], memory.Folds[i] = rng.Int32N(3), rng.Int32N(4)
		memory.Weights[0][i], memory.Offsets[0][i] = rng.Float64(), rng.NormFloat64()
	}
	if dtype == tensor.Float32 {
		f.x32 = make([]float32, len(x))
		for i, v := range x {
			f.x32[i] = float32(v)
		}
		memory.X = tensor.New(tensor.WithShape(rows, cols), tensor.WithBacking(f.x32))
	} else {
		f.x64 = x
		memory.X = tensor.New(tensor.WithShape(rows, cols), tensor.WithBacking(x))
	}
	copied := *memory
	disk = &copied
	disk.X, disk.Rows = nil, f
	return memory, disk, f, []backend.Model{
		{Class: 1, Weight: 0, Offset: 0, Fold: 2},
		{Class: 2, Weight: backend.None, Offset: backend.None, Fold: backend.None},
		{Classes: 3, Weight: 0, Offset: backend.None, Fold: backend.None},
	}
}

// everything runs all operations and returns all numbers they give.
func everything(t require.TestingT, d backend.Data, models []backend.Model) (all []float64) {
	ctx := context.Background()
	side := d.Cols() + 1
	coef := make([]float64, backend.Outputs(models)*side)
	for i := range coef {
		coef[i] = math.Sin(float64(i)) / float64(side)
	}
	for _, weight := range []int{0, backend.None, 0} {
		st, err := d.Stats(ctx, weight)
		require.NoError(t, err)
		for _, v := range [][]float64{st.Mean, st.Var, st.Weighted.Mean, st.Weighted.Var, st.Min, st.Max} {
			all = append(all, v...)
		}
	}
	var ev backend.Evaluation
	require.NoError(t, d.Eval(ctx, models, coef, &ev))
	all = append(append(append(all, ev.Loss...), ev.Grad...), ev.Held...)
	hv := make([]float64, len(coef))
	require.NoError(t, d.(backend.HessVec).HessVec(ctx, models, coef, coef, hv))
	all = append(all, hv...)
	p := make([]float64, d.Rows()*backend.Outputs(models))
	require.NoError(t, d.Predict(ctx, models, coef, p))
	all = append(all, p...)
	if d.Cols() < 100 {
		gram := [][]float64{make([]float64, side*side), make([]float64, side*side)}
		require.NoError(t, d.(backend.Gram).Gram(ctx, models, coef, []backend.GramBlock{{Model: 0}, {Model: 2, Row: 1, Col: 2}}, gram, nil))
		all = append(append(all, gram[0]...), gram[1]...)
	}
	line, err := d.(backend.LineSearcher).Direction(ctx, models, coef, hv)
	require.NoError(t, err)
	loss, slope := [][]float64{{0}, {0}, {0}}, [][]float64{{0}, {0}, {0}}
	require.NoError(t, line.At(ctx, [][]float64{{1}, {0.5}, {2}}, loss, slope))
	require.NoError(t, line.Close())
	for k := range models {
		all = append(append(all, loss[k]...), slope[k]...)
	}
	return all
}

func sameBits(t require.TestingT, want, got []float64) {
	require.Equal(t, len(want), len(got))
	for i := range want {
		require.Equal(t, math.Float64bits(want[i]), math.Float64bits(got[i]), "number %d: %v and %v", i, want[i], got[i])
	}
}

func TestStream_P10_SameBitsAsInMemory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		rows, cols := rapid.IntRange(1, 5000).Draw(t, "rows"), rapid.SampledFrom([]int{1, 17, 99, 300, 520}).Draw(t, "cols")
		if cols > 99 {
			rows = min(rows, 1600)
		}
		storage := rapid.SampledFrom([]backend.Storage{backend.Float64, backend.Float32, backend.BFloat16, backend.Float16}).Draw(t, "storage")
		dtype := rapid.SampledFrom([]tensor.Dtype{tensor.Float32, tensor.Float64}).Draw(t, "dtype")
		memory, disk, _, models := streamed(rng, rows, cols, dtype)
		// From hardly more than one block to more than all of X.
		block := int64(8 * cols * min(rows, 2*max(512, 1<<18/cols)))
		least := block + 1<<20 + 8*int64(cols)
		limit := least + int64(float64(8*rows*cols)*rapid.Float64Range(0, 1.5).Draw(t, "share"))

		ctx := context.Background()
		want, err := cpu.New(backend.Options{}).Load(ctx, memory, storage)
		require.NoError(t, err)
		threads := rapid.IntRange(1, 4).Draw(t, "threads")
		got, err := cpu.New(backend.Options{Threads: threads, Memory: limit}).Load(ctx, disk, storage)
		require.NoError(t, err)
		require.Equal(t, want.Affine(), got.Affine())
		sameBits(t, everything(t, want, models), everything(t, got, models))

		drawn := make([]int, min(got.(backend.Limited).MostSampled(), rows)*rapid.IntRange(1, 4).Draw(t, "quarters")/4)
		if len(drawn) == 0 {
			return
		}
		factor := make([]float64, len(drawn))
		for i := range drawn {
			drawn[i], factor[i] = rng.IntN(rows), rng.Float64()
		}
		wantSample, err := want.(backend.Sampler).Sample(ctx, drawn, factor)
		require.NoError(t, err)
		gotSample, err := got.(backend.Sampler).Sample(ctx, drawn, factor)
		require.NoError(t, err)
		sameBits(t, everything(t, wantSample, models), everything(t, gotSample, models))
		sameBits(t, everything(t, want, models), everything(t, got, models)) // with a sample open
		require.NoError(t, gotSample.Close())
		require.NoError(t, got.Close())
	})
}

func TestStream_HoldsWhatFits(t *testing.T) {
	rows, cols := 100000, 40 // 15 blocks
	_, disk, f, models := streamed(rand.New(rand.NewPCG(1, 1)), rows, cols, tensor.Float32)
	coef := make([]float64, backend.Outputs(models)*(cols+1))
	size := int64(4 * rows * cols)
	for _, c := range []struct {
		limit int64
		reads float64 // of X, in a pass once blocks are held
	}{{0, 0}, {2 * size, 0}, {size * 3 / 4, 0.4}, {size / 2, 0.7}} {
		d, err := cpu.New(backend.Options{Threads: 1, Memory: c.limit}).Load(t.Context(), disk, backend.Float32)
		require.NoError(t, err)
		var ev backend.Evaluation
		require.NoError(t, d.Eval(t.Context(), models, coef, &ev))
		before := f.read.Load()
		require.NoError(t, d.Eval(t.Context(), models, coef, &ev))
		share := float64(f.read.Load()-before) / float64(rows*cols)
		require.InDelta(t, c.reads, share, 0.15, "limit %d of %d bytes", c.limit, size) // blocks in flight take their part
		require.NoError(t, d.Close())
	}
}

func TestStream_SamplesKeepWithinTheMemory(t *testing.T) {
	rows, cols := 20000, 40
	_, disk, _, _ := streamed(rand.New(rand.NewPCG(1, 1)), rows, cols, tensor.Float64)
	d, err := cpu.New(backend.Options{Memory: 3 << 20}).Load(t.Context(), disk, backend.Float32)
	require.NoError(t, err)
	most := d.(backend.Limited).MostSampled()
	require.Positive(t, most)
	require.Less(t, most, rows)
	s := d.(backend.Sampler)
	first, err := s.Sample(t.Context(), make([]int, most/2), nil)
	require.NoError(t, err)
	_, err = s.Sample(t.Context(), make([]int, most), nil)
	require.ErrorAs(t, err, new(*backend.MemoryLimitError))
	require.NoError(t, first.Close())
	second, err := s.Sample(t.Context(), make([]int, most), nil)
	require.NoError(t, err)
	require.NoError(t, second.Close())

	_, err = cpu.New(backend.Options{Memory: 1000}).Load(t.Context(), disk, backend.Float32)
	require.ErrorAs(t, err, new(*backend.MemoryLimitError))
}

func TestStream_P20_NamesTheFirstBadNumber(t *testing.T) {
	for _, storage := range []backend.Storage{backend.Float64, backend.Float32, backend.Float16} {
		for _, dtype := range []tensor.Dtype{tensor.Float32, tensor.Float64} {
			_, disk, f, _ := streamed(rand.New(rand.NewPCG(1, 1)), 9000, 40, dtype)
			for _, at := range []int{8000*40 + 3, 7999*40 + 30, 8999*40 + 1} {
				if f.x32 != nil {
					f.x32[at] = float32(math.Inf(1))
				} else {
					f.x64[at] = math.Inf(1)
				}
			}
			for _, threads := range []int{1, 3} {
				_, err := cpu.New(backend.Options{Threads: threads}).Load(t.Context(), disk, storage)
				require.Equal(t, &backend.NotFiniteError{Row: 7999, Col: 30, Value: math.Inf(1)}, err)
			}
		}
	}
}

// A read that fails ends the operation with its error, the first by row.
func TestStream_ReadErrorsEndThePass(t *testing.T) {
	first, later := errors.New("row 10000 is gone"), errors.New("row 15000 is gone")
	for _, threads := range []int{1, 2, 5} {
		_, disk, f, models := streamed(rand.New(rand.NewPCG(1, 1)), 20000, 40, tensor.Float64)
		d, err := cpu.New(backend.Options{Threads: threads, Memory: 3 << 20}).Load(t.Context(), disk, backend.Float32)
		require.NoError(t, err)
		f.fail = func(lo int) error {
			switch {
			case lo >= 15000:
				return later
			case lo >= 10000:
				return first
			}
			return nil
		}
		coef := make([]float64, backend.Outputs(models)*41)
		var ev backend.Evaluation
		require.ErrorIs(t, d.Eval(t.Context(), models, coef, &ev), first)
		_, err = d.(backend.Sampler).Sample(t.Context(), []int{3, 16000, 12000, 19000, 5}, nil)
		require.ErrorIs(t, err, first)
		f.fail = nil
		require.NoError(t, d.Eval(t.Context(), models, coef, &ev))
		require.NoError(t, d.Close())
	}
}
