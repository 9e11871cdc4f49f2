package cpu

import (
	"context"
	"slices"
	"sort"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/internal/columns"
)

// sparse is a loaded source of sparse X, or rows drawn from one. Its entries, not its rows,
// are what work is shared out by.
type sparse[T number] struct {
	frame[T]
	x      *csr[T]          // of a stream, where its rows begin alone
	stream *sparseStream[T] // nil where X is in memory

	memory *memory // of the stream, which rows drawn from it share
	took   int64   // of memory

	sums *spare // of columns, in a pass; nil for a stream

	checked *checked
}

var (
	_ backend.Data         = (*sparse[float32])(nil)
	_ backend.HessVec      = (*sparse[float32])(nil)
	_ backend.Gram         = (*sparse[float32])(nil)
	_ backend.ColumnGram   = (*sparse[float32])(nil)
	_ backend.Sampler      = (*sparse[float32])(nil)
	_ backend.LineSearcher = (*sparse[float32])(nil)
)

func (d *sparse[T]) Close() error {
	if d.closed {
		return backend.ErrClosed
	}
	d.memory.release(d.took)
	d.closed, d.x, d.stream, d.checked, d.sums = true, nil, nil, nil, nil
	return nil
}

// loadSparse takes X as it is where it is lent, and copies only what is not: values that
// are of another type than the storage.
func loadSparse[T number](ctx context.Context, p *processor, src *backend.Source, storage backend.Storage) (backend.Data, error) {
	m := src.Sparse
	x := &csr[T]{rows: m.Rows, cols: m.Cols, start: m.RowPtr, col: m.Col}
	var same []T
	switch {
	case m.Val32 != nil:
		same, _ = any(m.Val32).([]T)
	case m.Val64 != nil:
		same, _ = any(m.Val64).([]T)
	}
	if !src.Lend {
		x.start, x.col = slices.Clone(m.RowPtr), slices.Clone(m.Col)
	}
	store := func(lo, hi int) int { return -1 } // the first entry that cannot be stored, or -1
	switch {
	case same != nil && src.Lend:
		x.val = same
		store = func(lo, hi int) int { return stored(same[lo:hi], same[lo:hi]) }
	case m.Val32 != nil:
		x.val = make([]T, len(m.Val32))
		store = func(lo, hi int) int { return stored(x.val[lo:hi], m.Val32[lo:hi]) }
	case m.Val64 != nil:
		x.val = make([]T, len(m.Val64))
		store = func(lo, hi int) int { return stored(x.val[lo:hi], m.Val64[lo:hi]) }
	}
	var first firstError
	entries := blocks{rows: x.entries(), count: max(1, x.entries()/blockNumbers)}
	err := each(ctx, entries, p.threads, func() struct{} { return struct{}{} }, func(_ struct{}, lo, hi int) {
		if bad := store(lo, hi); bad >= 0 {
			e := int64(lo + bad)
			row := sort.Search(m.Rows, func(i int) bool { return m.RowPtr[i+1] > e })
			v, col := m.Value(e), int(m.Col[e])
			if v-v != 0 {
				first.set(lo, &backend.NotFiniteError{Row: row, Col: col, Value: v})
			} else {
				first.set(lo, &backend.RangeError{Row: row, Col: col, Value: v, Storage: storage})
			}
		}
	})
	if err != nil {
		return nil, err
	}
	if first.err != nil {
		return nil, first.err
	}
	d := &sparse[T]{x: x, sums: new(spare), frame: frame[T]{storage: storage, threads: p.threads, kernel: kernelsOf[T]()}}
	d.setColumns(columns.Take(src))
	return d, nil
}

// stored rounds src to dst, or leaves them alone where they are the same, and returns the
// place of the first number that is not finite then, or -1.
func stored[S, T number](dst []T, src []S) int {
	if same, ok := any(src).([]T); ok {
		if copied(dst, same) {
			return -1
		}
		return slices.IndexFunc(same, func(v T) bool { return v-v != 0 })
	}
	for e, v := range src {
		t := T(v)
		if t-t != 0 {
			return e
		}
		dst[e] = t
	}
	return -1
}

func (d *sparse[T]) Sample(ctx context.Context, rows []int, factor []float64) (_ backend.Data, err error) {
	if d.closed {
		return nil, backend.ErrClosed
	}
	if err := columns.CheckRows(rows, factor, d.columns.Rows); err != nil {
		return nil, err
	}
	x := &csr[T]{rows: len(rows), cols: d.x.cols, start: make([]int64, len(rows)+1)}
	for i, r := range rows {
		x.start[i+1] = x.start[i] + d.x.start[r+1] - d.x.start[r]
	}
	s := &sparse[T]{x: x, memory: d.memory, sums: d.sums, frame: frame[T]{storage: d.storage, threads: d.threads, kernel: d.kernel}}
	if d.memory != nil {
		s.took = int64(x.entries())*d.entryBytes() + int64(len(rows))*d.rowBytes()
		least := int64(0)
		if d.stream != nil {
			least = d.stream.least()
		}
		if err := s.memory.reserve(s.took, least); err != nil {
			return nil, err
		}
		if d.stream != nil {
			d.stream.drop()
		}
	}
	x.col = make([]uint32, x.entries())
	if d.valued() {
		x.val = make([]T, x.entries())
	}
	if d.stream != nil {
		err = d.stream.gather(ctx, d.threads, rows, x)
	} else {
		err = each(ctx, x.blocks(0), d.threads, func() struct{} { return struct{}{} }, func(_ struct{}, lo, hi int) {
			for i := x.rowAt(lo); i < x.rowAt(hi); i++ {
				x.put(i, d.x, rows[i])
			}
		})
	}
	if err != nil {
		s.memory.release(s.took)
		return nil, err
	}
	s.setColumns(d.columns.Gather(rows, factor))
	return s, nil
}

// put copies row r of of to row i, which has as many entries.
func (x *csr[T]) put(i int, of *csr[T], r int) {
	col, val := of.row(r)
	copy(x.col[x.start[i]:], col)
	if val != nil {
		copy(x.val[x.start[i]:], val)
	}
}

// valued tells whether entries have values.
func (d *sparse[T]) valued() bool {
	if d.stream != nil {
		return !d.stream.reader.Ones()
	}
	return d.x.val != nil
}
