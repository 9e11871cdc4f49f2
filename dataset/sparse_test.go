package dataset

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"
	"pgregory.net/rapid"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// drawSparse draws a sparse matrix and the same numbers densely. Some stored entries
// are 0.
func drawSparse(t *rapid.T) (*backend.CSR, []float64) {
	rows, cols := rapid.IntRange(1, 12).Draw(t, "rows"), rapid.IntRange(1, 9).Draw(t, "cols")
	m := &backend.CSR{Rows: rows, Cols: cols, RowPtr: []int64{0}, Col: []uint32{}}
	kind := rapid.SampledFrom([]string{"float32", "float64", "ones"}).Draw(t, "values")
	x := make([]float64, rows*cols)
	for i := range rows {
		for j := range cols {
			if !rapid.Bool().Draw(t, "stored") {
				continue
			}
			v := 1.0
			m.Col = append(m.Col, uint32(j))
			switch kind {
			case "float32":
				v = float64(rapid.SampledFrom([]float32{0, 1, -2.5, 1e30, 0.1}).Draw(t, "v"))
				m.Val32 = append(m.Val32, float32(v))
			case "float64":
				v = rapid.SampledFrom([]float64{0, 1, -2.5, 1e-300, 0.1}).Draw(t, "v")
				m.Val64 = append(m.Val64, v)
			}
			x[i*cols+j] = v
		}
		m.RowPtr = append(m.RowPtr, int64(len(m.Col)))
	}
	switch kind {
	case "float32":
		m.Val32 = append([]float32{}, m.Val32...)
	case "float64":
		m.Val64 = append([]float64{}, m.Val64...)
	}
	require.NoError(t, m.Check())
	return m, x
}

func toDense(m *backend.CSR) []float64 {
	x := make([]float64, m.Rows*m.Cols)
	fillDense(m, 0, x)
	return x
}

// memory is a stream of what is in memory.
type memory struct {
	rows, cols int
	x32        []float32
	x64        []float64
	err        error
}

func (m *memory) Shape() (rows, cols int) { return m.rows, m.cols }

func (m *memory) Dtype() tensor.Dtype {
	if m.x32 != nil {
		return tensor.Float32
	}
	return tensor.Float64
}

func (m *memory) ReadRows32(first int, dst []float32) error {
	copy(dst, m.x32[first*m.cols:][:len(dst)])
	return m.err
}

func (m *memory) ReadRows64(first int, dst []float64) error {
	copy(dst, m.x64[first*m.cols:][:len(dst)])
	return m.err
}

// Every operation on a sparse or streamed matrix is that on the dense one.
func TestDataset_P6_SparseAndStreamAreDense(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, x := drawSparse(t)
		rows, cols := m.Rows, m.Cols
		require.Equal(t, x, toDense(m))
		dense, err := New[float64, int](slices.Clone(x), rows, cols, nil)
		require.NoError(t, err)
		sparse, err := NewCSR[int](m, nil)
		require.NoError(t, err)
		stream := &Dataset{Stream: &memory{rows: rows, cols: cols, x64: x}, FeatureNames: dense.FeatureNames}
		if rapid.Bool().Draw(t, "weighted") {
			dense.Weights = rapid.SliceOfN(rapid.SampledFrom([]float64{0, 1, 2.5}), rows, rows).Draw(t, "weights")
			sparse.Weights, stream.Weights = dense.Weights, dense.Weights
		}
		for _, d := range []*Dataset{dense, sparse, stream} {
			require.NoError(t, d.Check())
			require.Equal(t, dense.FeatureNames, d.FeatureNames)
		}

		want := statsOf(t, dense, true)
		require.Equal(t, want, statsOf(t, stream, true), "bit for bit")
		got := statsOf(t, sparse, true)
		require.Equal(t, want.NonZero, got.NonZero)
		require.Equal(t, want.Min, got.Min)
		require.Equal(t, want.Max, got.Max)
		require.Equal(t, want.Weight, got.Weight)
		for j := range cols {
			// Both are Welford's sums of at most 12 numbers, in another order.
			scale := math.Abs(want.Mean[j]) + math.Sqrt(want.Var[j])
			require.InDelta(t, want.Mean[j], got.Mean[j], 1e-14*scale)
			require.InDelta(t, want.Var[j], got.Var[j], 1e-14*scale*scale)
		}

		order := rapid.SliceOfN(rapid.IntRange(0, rows-1), 1, 20).Draw(t, "order")
		taken := dense.Take(order)
		require.Equal(t, taken.X.Data(), toDense(sparse.Take(order).Sparse))
		require.NoError(t, sparse.Take(order).Check())
		require.Equal(t, taken.X.Data(), readAll(t, stream.Take(order).Stream))

		if cols > 1 {
			name := rapid.SampledFrom(dense.FeatureNames).Draw(t, "column")
			var values [3][]float64
			for k, d := range []*Dataset{dense, sparse, stream} {
				values[k], err = d.Detach(name)
				require.NoError(t, err)
				require.NoError(t, d.Check())
			}
			require.Equal(t, values[0], values[1])
			require.Equal(t, values[0], values[2])
			require.Equal(t, dense.X.Data(), toDense(sparse.Sparse))
			require.Equal(t, dense.X.Data(), readAll(t, stream.Stream))
		}
	})
}

func readAll(t require.TestingT, r backend.RowReader) []float64 {
	var x []float64
	require.NoError(t, eachPiece(r, func(first int, piece []float64) {
		_, cols := r.Shape()
		require.Equal(t, len(x), first*cols)
		x = append(x, piece...)
	}))
	return x
}

// A stream that cannot be read is an error of every operation that reads it.
func TestDataset_StreamErrors(t *testing.T) {
	gone := errors.New("the file is gone")
	d := &Dataset{Stream: &memory{rows: 2, cols: 2, x32: make([]float32, 4), err: gone}, FeatureNames: autoNames(0, 2)}
	_, err := d.Stats(false)
	require.ErrorIs(t, err, gone)
	_, err = d.Detach("x1")
	require.ErrorIs(t, err, gone)
	require.ErrorIs(t, d.Take([]int{1, 0}).Stream.ReadRows32(0, make([]float32, 4)), gone)
}

func TestNewCSR_P20_Refuses(t *testing.T) {
	m := &backend.CSR{Rows: 3, Cols: 5, RowPtr: []int64{0, 2, 2, 4}, Col: []uint32{1, 4, 0, 3}, Val32: []float32{1, 2, 3, float32(math.Inf(-1))}}
	_, err := NewCSR[int](m, nil)
	var bad *backend.NotFiniteError
	require.ErrorAs(t, err, &bad)
	require.Equal(t, backend.NotFiniteError{Row: 2, Col: 3, Value: math.Inf(-1)}, *bad)
	m.Val32[0] = float32(math.Inf(1))
	_, err = NewCSR[int](m, nil)
	require.ErrorAs(t, err, &bad)
	require.Equal(t, backend.NotFiniteError{Row: 0, Col: 1, Value: math.Inf(1)}, *bad)
	m.Col[1] = 5
	_, err = NewCSR[int](m, nil)
	require.ErrorContains(t, err, "column 5 after 1 in row 0")
	m.Col[1], m.Val32 = 4, nil
	_, err = NewCSR(m, []int{1})
	require.ErrorContains(t, err, "1 labels for 3 rows")
	d, err := NewCSR(m, []string{"b", "a", "b"})
	require.NoError(t, err)
	require.Equal(t, []int32{1, 0, 1}, d.Labels)
	require.NoError(t, d.Check())
}

func TestAutoNames(t *testing.T) {
	names := autoNames(0, 1234)
	require.Equal(t, []string{"x0", "x9", "x10", "x999", "x1233"}, []string{names[0], names[9], names[10], names[999], names[1233]})
	require.True(t, AutoNamed(names))
	names[1000] = "x100"
	require.False(t, AutoNamed(names))
}
