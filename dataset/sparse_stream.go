package dataset

import (
	"context"
	"fmt"
	"math"
	"slices"

	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// sparseMadeOf is a reader whose rows are made of another's, and which is closed with it.
type sparseMadeOf struct{ backend.SparseReader }

func (m sparseMadeOf) Close() error { return closeRows(m.SparseReader) }

// shiftedCSR has the columns of another reader less first: indices of a LibSVM file.
type shiftedCSR struct {
	sparseMadeOf
	first, cols int
	ones        bool // all values are 1: they are left out
}

func (s *shiftedCSR) Shape() (rows, cols int) {
	rows, _ = s.SparseReader.Shape()
	return rows, s.cols
}

func (s *shiftedCSR) Ones() bool { return s.ones || s.SparseReader.Ones() }

func (s *shiftedCSR) Dtype() tensor.Dtype {
	if s.ones {
		return tensor.Float32 // of what has no values
	}
	return s.SparseReader.Dtype()
}

func (s *shiftedCSR) ReadCSR(first, n int, m *backend.CSR) error {
	if err := s.SparseReader.ReadCSR(first, n, m); err != nil {
		return err
	}
	if m.Cols = s.cols; s.ones {
		m.Val32, m.Val64 = nil, nil
	}
	for e, j := range m.Col {
		k := int64(j) - int64(s.first)
		if k < 0 || k >= int64(s.cols) {
			return &ReadError{Problem: fmt.Sprintf("the index %d is none of the %d there were when the file was opened", j, s.cols)}
		}
		m.Col[e] = uint32(k)
	}
	return nil
}

// castEntries are another reader's values in the other type.
type castEntries struct{ sparseMadeOf }

func (c *castEntries) Dtype() tensor.Dtype {
	if c.SparseReader.Dtype() == tensor.Float32 {
		return tensor.Float64
	}
	return tensor.Float32
}

func (c *castEntries) ReadCSR(first, n int, m *backend.CSR) error {
	var piece backend.CSR
	if err := c.SparseReader.ReadCSR(first, n, &piece); err != nil {
		return err
	}
	cast, err := castCSR(&piece, c.Dtype())
	if err != nil {
		if r, ok := err.(*ReadError); ok && r.row > 0 {
			r.row += first
		}
		return err
	}
	*m = *cast
	return nil
}

// takenEntries are rows of another reader in another order. Runs of neighbours are read
// together.
type takenEntries struct {
	backend.SparseReader
	rows []int
	ptr  []int64
}

func takeEntriesOf(r backend.SparseReader, rows []int) *takenEntries {
	t := &takenEntries{r, slices.Clone(rows), make([]int64, len(rows)+1)}
	of := r.RowPtr()
	for k, i := range rows {
		t.ptr[k+1] = t.ptr[k] + of[i+1] - of[i]
	}
	return t
}

func (t *takenEntries) RowPtr() []int64 { return t.ptr }

func (t *takenEntries) Shape() (rows, cols int) {
	_, cols = t.SparseReader.Shape()
	return len(t.rows), cols
}

func (t *takenEntries) ReadCSR(first, n int, m *backend.CSR) error {
	m.SetRows(t, first, n)
	var piece backend.CSR
	at := 0
	for n > 0 {
		run := 1
		for run < n && t.rows[first+run] == t.rows[first]+run {
			run++
		}
		if err := t.SparseReader.ReadCSR(t.rows[first], run, &piece); err != nil {
			return err
		}
		copy(m.Val32[min(at, len(m.Val32)):], piece.Val32)
		copy(m.Val64[min(at, len(m.Val64)):], piece.Val64)
		at += copy(m.Col[at:], piece.Col)
		first, n = first+run, n-run
	}
	return nil
}

// pickedEntries are columns of another reader, in another order: to is what each becomes,
// -1 where it is left out.
type pickedEntries struct {
	sparseMadeOf
	to   []int32
	cols int
	ptr  []int64
}

// pickEntries reads r once, to count what is left of each row.
func pickEntries(ctx context.Context, r backend.SparseReader, to []int32, cols int) (*pickedEntries, error) {
	rows, _ := r.Shape()
	p := &pickedEntries{sparseMadeOf{r}, to, cols, make([]int64, 1, rows+1)}
	err := eachCSR(ctx, r, func(_ int, m *backend.CSR) error {
		for i := range m.Rows {
			n := p.ptr[len(p.ptr)-1]
			for _, j := range m.Col[m.RowPtr[i]:m.RowPtr[i+1]] {
				if int(j) < len(to) && to[j] >= 0 {
					n++
				}
			}
			p.ptr = append(p.ptr, n)
		}
		return nil
	})
	return p, err
}

func (p *pickedEntries) RowPtr() []int64 { return p.ptr }

func (p *pickedEntries) Shape() (rows, cols int) {
	rows, _ = p.SparseReader.Shape()
	return rows, p.cols
}

func (p *pickedEntries) ReadCSR(first, n int, m *backend.CSR) error {
	var piece backend.CSR
	if err := p.SparseReader.ReadCSR(first, n, &piece); err != nil {
		return err
	}
	*m = *selectCSR(&piece, p.to, p.cols)
	if m.Entries() != p.ptr[first+n]-p.ptr[first] {
		return &ReadError{Problem: fmt.Sprintf("rows %d to %d are not what they were in the pass before", first, first+n-1), Advice: "leave the file alone while it is read, pass after pass"}
	}
	return nil
}

// pieceEnd is the end of the rows from first on that are read together: of about as many
// entries as pieces have numbers.
func pieceEnd(ptr []int64, first int) int {
	limit := ptr[first] + pieceNumbers
	end, _ := slices.BinarySearch(ptr, limit)
	return max(first+1, min(end, first+pieceNumbers, len(ptr)-1))
}

// eachCSR reads all rows of a sparse stream in order, piece by piece.
func eachCSR(ctx context.Context, r backend.SparseReader, do func(first int, m *backend.CSR) error) error {
	rows, _ := r.Shape()
	var m backend.CSR
	for first := 0; first < rows; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		end := pieceEnd(r.RowPtr(), first)
		if err := r.ReadCSR(first, end-first, &m); err != nil {
			return err
		}
		if err := do(first, &m); err != nil {
			return err
		}
		first = end
	}
	return nil
}

// columnOfEntries reads one column of a sparse stream.
func columnOfEntries(ctx context.Context, r backend.SparseReader, col int) ([]float64, error) {
	rows, _ := r.Shape()
	values := make([]float64, 0, rows)
	err := eachCSR(ctx, r, func(_ int, m *backend.CSR) error {
		values = append(values, columnCSR(m, col)...)
		return nil
	})
	return values, err
}

// csrBytes is the memory that a sparse matrix takes.
func csrBytes(r backend.SparseReader) int64 {
	rows, _ := r.Shape()
	size := int64(4)
	if !r.Ones() {
		size += int64(r.Dtype().Size())
	}
	entries := r.RowPtr()[rows]
	if entries > math.MaxInt64/size-int64(rows) {
		return math.MaxInt64
	}
	return entries*size + 8*int64(rows+1)
}
