package model

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"

	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/dataset"
)

// predictRows and predictNumbers bound the rows that a goroutine takes at a time.
const (
	predictRows    = 1024
	predictNumbers = 1 << 18 // of a stream, held by each goroutine
)

// logits are those of every row, whatever kind of matrix has them. Each row is computed
// on its own, by the same sums in the same order: neither the number of goroutines nor
// how X is cut can change a bit.
func logits(ctx context.Context, m *Model, ds *dataset.Dataset) ([]float64, error) {
	rows, cols := ds.Shape()
	out := make([]float64, rows*m.Outputs())
	step := predictRows
	var worker func() pieceLogits
	switch {
	case ds.Sparse != nil:
		worker = func() pieceLogits { return sparsePiece(m, ds) }
	case ds.SparseStream != nil:
		worker = func() pieceLogits { return sparseStreamPiece(m, ds) }
	case ds.Stream != nil:
		step = max(1, min(predictRows, predictNumbers/cols))
		worker = func() pieceLogits { return streamPiece(m, ds, make([]float32, step*cols), ds.Stream.ReadRows32) }
		if ds.Stream.Dtype() == tensor.Float64 {
			worker = func() pieceLogits { return streamPiece(m, ds, make([]float64, step*cols), ds.Stream.ReadRows64) }
		}
	default:
		switch x := ds.X.Data().(type) {
		case []float64:
			worker = func() pieceLogits { return densePiece(m, ds, x) }
		case []float32:
			worker = func() pieceLogits { return densePiece(m, ds, x) }
		default:
			return nil, &FeatureError{ds.Name, fmt.Sprintf("X holds %v; it must hold float32 or float64", ds.X.Dtype())}
		}
	}
	return out, forPieces(ctx, rows, step, m.Outputs(), out, worker)
}

// pieceLogits fills out with the logits of rows from first on.
type pieceLogits func(first int, out []float64) error

// forPieces gives every step rows to one of several workers. It returns the error of the
// first piece in order that has one.
func forPieces(ctx context.Context, rows, step, k int, out []float64, worker func() pieceLogits) error {
	pieces := (rows + step - 1) / step
	errs := make([]error, pieces)
	var next atomic.Int64
	var wait sync.WaitGroup
	for range min(pieces, runtime.GOMAXPROCS(0)) {
		wait.Go(func() {
			do := worker()
			for ctx.Err() == nil {
				p := int(next.Add(1)) - 1
				if p >= pieces {
					return
				}
				first, end := p*step, min((p+1)*step, rows)
				errs[p] = do(first, out[first*k:end*k])
			}
		})
	}
	wait.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// densePiece computes rows of x.
func densePiece[T float32 | float64](m *Model, ds *dataset.Dataset, x []T) pieceLogits {
	k, cols := m.Outputs(), m.Cols()
	return func(first int, out []float64) error {
		return denseRows(m, ds, first, x[first*cols:(first+len(out)/k)*cols], out)
	}
}

// streamPiece reads rows into buf and computes them.
func streamPiece[T float32 | float64](m *Model, ds *dataset.Dataset, buf []T, read func(first int, dst []T) error) pieceLogits {
	k, cols := m.Outputs(), m.Cols()
	return func(first int, out []float64) error {
		x := buf[:len(out)/k*cols]
		if err := read(first, x); err != nil {
			return err
		}
		return denseRows(m, ds, first, x, out)
	}
}

// denseRows computes the rows of x, the first of which is row first of ds.
func denseRows[T float32 | float64](m *Model, ds *dataset.Dataset, first int, x []T, out []float64) error {
	k, cols := m.Outputs(), m.Cols()
	for i := range len(out) / k {
		row := x[i*cols : (i+1)*cols]
		for c, w := range m.Coef {
			out[i*k+c] = dot(row, w)
		}
		if !addIntercept(m, ds, first+i, out[i*k:(i+1)*k]) {
			for j, v := range row {
				if v-v != 0 {
					return &backend.NotFiniteError{Row: first + i, Col: j, Value: float64(v)}
				}
			}
			return overflow(ds, first+i)
		}
	}
	return nil
}

// sparsePiece computes rows of a sparse matrix.
func sparsePiece(m *Model, ds *dataset.Dataset) pieceLogits {
	return func(first int, out []float64) error { return sparseRows(m, ds, ds.Sparse, first, first, out) }
}

// sparseStreamPiece reads sparse rows and computes them.
func sparseStreamPiece(m *Model, ds *dataset.Dataset) pieceLogits {
	var piece backend.CSR
	return func(first int, out []float64) error {
		if err := ds.SparseStream.ReadCSR(first, len(out)/m.Outputs(), &piece); err != nil {
			return err
		}
		return sparseRows(m, ds, &piece, 0, first, out)
	}
}

// sparseRows computes rows of x from row at on, which is row first of ds.
func sparseRows(m *Model, ds *dataset.Dataset, x *backend.CSR, at, first int, out []float64) error {
	k := m.Outputs()
	for i := range len(out) / k {
		from, to := x.RowPtr[at+i], x.RowPtr[at+i+1]
		for c, w := range m.Coef {
			out[i*k+c] = sparseDot(x, from, to, w)
		}
		if !addIntercept(m, ds, first+i, out[i*k:(i+1)*k]) {
			for e := from; e < to; e++ {
				if v := x.Value(e); v-v != 0 {
					return &backend.NotFiniteError{Row: first + i, Col: int(x.Col[e]), Value: v}
				}
			}
			return overflow(ds, first+i)
		}
	}
	return nil
}

// addIntercept completes the logits of row i; false where one of them is not finite.
func addIntercept(m *Model, ds *dataset.Dataset, i int, z []float64) bool {
	for c := range z {
		z[c] += m.Intercept[c]
		if ds.Offsets != nil {
			z[c] += ds.Offsets[i]
		}
		if math.IsNaN(z[c]) || math.IsInf(z[c], 0) {
			return false
		}
	}
	return true
}

func overflow(ds *dataset.Dataset, i int) error {
	return &FeatureError{ds.Name, fmt.Sprintf("row %d is so large that its logit overflows", i)}
}

// dot is the sum of x_j w_j over four interleaved partial sums, which a processor
// can add at the same time. Products are rounded before they are added on every
// machine, also where Go would fuse the two.
func dot[T float32 | float64](x []T, w []float64) float64 {
	var s0, s1, s2, s3 float64
	j := 0
	for ; j+4 <= len(x); j += 4 {
		s0 += float64(float64(x[j]) * w[j])
		s1 += float64(float64(x[j+1]) * w[j+1])
		s2 += float64(float64(x[j+2]) * w[j+2])
		s3 += float64(float64(x[j+3]) * w[j+3])
	}
	for ; j < len(x); j++ {
		s0 += float64(float64(x[j]) * w[j])
	}
	return (s0 + s1) + (s2 + s3)
}

// sparseDot is the sum over entries [from, to), in their order.
func sparseDot(x *backend.CSR, from, to int64, w []float64) float64 {
	s := 0.0
	col := x.Col[from:to]
	switch {
	case x.Val64 != nil:
		for e, v := range x.Val64[from:to] {
			s += float64(v * w[col[e]])
		}
	case x.Val32 != nil:
		for e, v := range x.Val32[from:to] {
			s += float64(float64(v) * w[col[e]])
		}
	default:
		for _, j := range col {
			s += w[j]
		}
	}
	return s
}
