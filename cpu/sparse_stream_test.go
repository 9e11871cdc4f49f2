package cpu_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/backend/backendtest"
	"github.com/logreg-gpu/logreg-gpu/cpu"
)

// sparseStreamed returns a source of sparse X in memory, the same as a file, and models
// over it. Rows have up to most entries, some none; every tenth row has many.
func sparseStreamed(rng *rand.Rand, rows, cols, most int, kind string) (memory, disk *backend.Source, f *backendtest.SparseRows, models []backend.Model) {
	dense, _, _, models := streamed(rng, rows, 1, tensor.Float64)
	m := &backend.CSR{Rows: rows, Cols: cols, RowPtr: make([]int64, 1, rows+1), Col: []uint32{}}
	for i := range rows {
		n := rng.IntN(most + 1)
		if i%10 == 0 {
			n = min(cols, 5*most)
		}
		step := max(1, cols/max(1, n))
		for j := rng.IntN(step); j < cols && n > 0; j += 1 + rng.IntN(step) {
			m.Col = append(m.Col, uint32(j))
			n--
		}
		m.RowPtr = append(m.RowPtr, int64(len(m.Col)))
	}
	switch kind {
	case "float32":
		m.Val32 = make([]float32, len(m.Col))
		for e := range m.Val32 {
			m.Val32[e] = float32(rng.NormFloat64())
		}
	case "float64":
		m.Val64 = make([]float64, len(m.Col))
		for e := range m.Val64 {
			m.Val64[e] = rng.NormFloat64()
		}
	}
	memory = dense
	memory.X, memory.Sparse = nil, m
	disk, f = backendtest.SparseOnDisk(memory)
	return memory, disk, f, models
}

// withColumnGram is everything and what only sparse X is asked for.
func withColumnGram(t require.TestingT, d backend.Data, models []backend.Model) []float64 {
	all := everything(t, d, models)
	cols := []int{}
	for j := 0; j < d.Cols(); j += 1 + d.Cols()/7 {
		cols = append(cols, j)
	}
	side := len(cols) + 1
	asked := []backend.GramBlock{{Model: 0}, {Model: 2, Row: 1, Col: 1}}
	out := [][]float64{make([]float64, side*side), make([]float64, side*side)}
	diagonal := [][]float64{make([]float64, d.Cols()+1), make([]float64, d.Cols()+1)}
	coef := make([]float64, backend.Outputs(models)*(d.Cols()+1))
	require.NoError(t, d.(backend.ColumnGram).ColumnGram(context.Background(), models, coef, asked, cols, out, diagonal))
	for b := range asked {
		all = append(append(all, out[b]...), diagonal[b]...)
	}
	return all
}

func TestSparseStream_P10_SameBitsAsInMemory(t *testing.T) {
	ctx := context.Background()
	for seed := range uint64(24) {
		rng := rand.New(rand.NewPCG(seed, 1))
		rows, cols, most := []int{1, 500, 4000, 12000}[seed%4], []int{1, 40, 3000}[seed%3], []int{0, 3, 60, 60}[rng.IntN(4)]
		kind := []string{"ones", "float32", "float64"}[rng.IntN(3)]
		storage := []backend.Storage{backend.Float64, backend.Float32}[rng.IntN(2)]
		memory, disk, f, models := sparseStreamed(rng, rows, cols, min(cols, most), kind)
		// From hardly more than one block to more than all of X.
		limit := 40*int64(len(f.M.Col)/2+1000) + 1<<20 + int64(float64(len(f.M.Col)*12)*2*rng.Float64())
		if seed%5 == 0 {
			limit = 0
		}

		want, err := cpu.New(backend.Options{}).Load(ctx, memory, storage)
		require.NoError(t, err)
		threads := 1 + rng.IntN(4)
		got, err := cpu.New(backend.Options{Threads: threads, Memory: limit}).Load(ctx, disk, storage)
		require.NoError(t, err)
		require.Equal(t, want.Storage(), got.Storage())
		first := withColumnGram(t, want, models)
		sameBits(t, first, withColumnGram(t, got, models))

		drawn := make([]int, min(got.(backend.Limited).MostSampled()/2, rows)/(1+rng.IntN(4)))
		if len(drawn) == 0 {
			continue
		}
		factor := make([]float64, len(drawn))
		for i := range drawn {
			drawn[i], factor[i] = rng.IntN(rows), rng.Float64()
		}
		wantSample, err := want.(backend.Sampler).Sample(ctx, drawn, factor)
		require.NoError(t, err)
		gotSample, err := got.(backend.Sampler).Sample(ctx, drawn, factor)
		require.NoError(t, err)
		sameBits(t, withColumnGram(t, wantSample, models), withColumnGram(t, gotSample, models))
		sameBits(t, first, withColumnGram(t, got, models)) // with a sample open
		require.NoError(t, gotSample.Close())
		require.NoError(t, got.Close())
	}
}

func TestSparseStream_HoldsWhatFits(t *testing.T) {
	_, disk, f, models := sparseStreamed(rand.New(rand.NewPCG(1, 1)), 60_000, 200, 80, "float32") // 15 blocks
	coef := make([]float64, backend.Outputs(models)*201)
	size := int64(8 * len(f.M.Col))
	for _, c := range []struct {
		limit int64
		reads float64 // of the entries, in a pass once blocks are held
	}{{0, 0}, {2 * size, 0}, {size * 3 / 4, 0.5}, {size / 2, 0.75}} {
		d, err := cpu.New(backend.Options{Threads: 1, Memory: c.limit}).Load(t.Context(), disk, backend.Float32)
		require.NoError(t, err)
		var ev backend.Evaluation
		require.NoError(t, d.Eval(t.Context(), models, coef, &ev))
		before := f.Read.Load()
		require.NoError(t, d.Eval(t.Context(), models, coef, &ev))
		share := float64(f.Read.Load()-before) / float64(len(f.M.Col))
		// Blocks in flight and sums by column take their part.
		require.InDelta(t, c.reads, share, 0.2, "limit %d of %d bytes", c.limit, size)
		require.Equal(t, c.reads > 0, backend.Placement(d) != "")
		require.NoError(t, d.Close())
	}
}

func TestSparseStream_SamplesKeepWithinTheMemory(t *testing.T) {
	_, disk, f, _ := sparseStreamed(rand.New(rand.NewPCG(1, 1)), 20_000, 200, 80, "float32")
	d, err := cpu.New(backend.Options{Threads: 1, Memory: 4 * int64(len(f.M.Col))}).Load(t.Context(), disk, backend.Float32)
	require.NoError(t, err)
	most := d.(backend.Limited).MostSampled()
	require.Positive(t, most)
	require.Less(t, most, 20_000)
	s := d.(backend.Sampler)
	rows := make([]int, most)
	for i := range rows {
		rows[i] = i
	}
	first, err := s.Sample(t.Context(), rows[:most/2], nil)
	require.NoError(t, err)
	_, err = s.Sample(t.Context(), rows, nil)
	require.ErrorAs(t, err, new(*backend.MemoryLimitError))
	require.NoError(t, first.Close())
	_, err = cpu.New(backend.Options{Memory: 1000}).Load(t.Context(), disk, backend.Float32)
	require.ErrorAs(t, err, new(*backend.MemoryLimitError))
}

func TestSparseStream_P20_NamesTheFirstBadNumber(t *testing.T) {
	for _, kind := range []string{"float32", "float64"} {
		for _, storage := range []backend.Storage{backend.Float64, backend.Float32} {
			memory, disk, f, _ := sparseStreamed(rand.New(rand.NewPCG(1, 1)), 9000, 40, 20, kind)
			for _, at := range []int{len(f.M.Col) - 1, len(f.M.Col) / 2, len(f.M.Col) * 2 / 3} {
				if f.M.Val32 != nil {
					f.M.Val32[at] = float32(math.Inf(1))
				} else {
					f.M.Val64[at] = math.Inf(1)
				}
			}
			_, want := cpu.New(backend.Options{}).Load(t.Context(), memory, storage)
			require.IsType(t, (*backend.NotFiniteError)(nil), want)
			for _, threads := range []int{1, 3} {
				_, err := cpu.New(backend.Options{Threads: threads}).Load(t.Context(), disk, storage)
				require.Equal(t, want, err)
			}
		}
	}
	_, disk, f, _ := sparseStreamed(rand.New(rand.NewPCG(1, 1)), 900, 40, 20, "float64")
	f.M.Val64[100] = 1e200
	_, err := cpu.New(backend.Options{}).Load(t.Context(), disk, backend.Float32)
	require.ErrorAs(t, err, new(*backend.RangeError))
}

// A read that fails ends the operation with its error, the first by row.
func TestSparseStream_ReadErrorsEndThePass(t *testing.T) {
	gone := errors.New("rows are gone")
	for _, threads := range []int{1, 2, 5} {
		_, disk, f, models := sparseStreamed(rand.New(rand.NewPCG(1, 1)), 40_000, 40, 20, "float64")
		d, err := cpu.New(backend.Options{Threads: threads, Memory: 6 << 20}).Load(t.Context(), disk, backend.Float32)
		require.NoError(t, err)
		f.Fail = func(lo, _ int) error {
			if lo >= 10000 {
				return gone
			}
			return nil
		}
		coef := make([]float64, backend.Outputs(models)*41)
		var ev backend.Evaluation
		require.ErrorIs(t, d.Eval(t.Context(), models, coef, &ev), gone)
		gram := [][]float64{make([]float64, 41*41)}
		require.ErrorIs(t, d.(backend.Gram).Gram(t.Context(), models, coef, []backend.GramBlock{{}}, gram, nil), gone)
		_, err = d.(backend.Sampler).Sample(t.Context(), []int{3, 36000, 12000, 39000, 5}, nil)
		require.ErrorIs(t, err, gone)
		f.Fail = nil
		require.NoError(t, d.Eval(t.Context(), models, coef, &ev))
		require.NoError(t, d.Close())
	}
}
