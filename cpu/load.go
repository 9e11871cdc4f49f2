package cpu

import (
	"context"
	"slices"
	"sync"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/internal/checks"
	"github.com/logreg-gpu/logreg-gpu/internal/columns"
)

// data is a loaded source or rows drawn from one.
type data[T number] struct {
	frame[T]
	x      *matrix[T] // nil where X is a stream
	stream *stream[T]

	memory *memory // of the stream, which rows drawn from it share
	took   int64   // of memory

	checked *checked
}

var (
	_ backend.Data         = (*data[float32])(nil)
	_ backend.HessVec      = (*data[float32])(nil)
	_ backend.Gram         = (*data[float32])(nil)
	_ backend.ColumnGram   = (*data[float32])(nil)
	_ backend.Sampler      = (*data[float32])(nil)
	_ backend.LineSearcher = (*data[float32])(nil)
)

func (d *data[T]) blocks() blocks { return logicalBlocks(d.Rows(), d.Cols()) }

func (d *data[T]) Close() error {
	if d.closed {
		return backend.ErrClosed
	}
	d.memory.release(d.took)
	d.closed, d.x, d.stream, d.checked = true, nil, nil, nil
	return nil
}

// load rounds the source to the storage, the mapped columns straight from the
// source's numbers: no other copy of X is made, and none at all of one that is lent
// and is stored as it is.
func load[T number](ctx context.Context, p *processor, src *backend.Source, storage backend.Storage) (backend.Data, error) {
	if src.Rows != nil {
		return loadStream[T](ctx, p, src, storage)
	}
	rows, cols := src.Shape()
	affine, err := backend.ChooseAffine(src)
	if err != nil {
		return nil, err
	}
	d := &data[T]{frame: frame[T]{
		affine:  affine,
		storage: storage,
		threads: p.threads,
		kernel:  kernelsOf[T](),
	}}
	narrow := narrowFormats[storage]
	same, _ := src.X.Data().([]T)
	if narrow != nil || !d.affine.Identity() {
		same = nil
	}
	if src.Lend && same != nil {
		d.x = &matrix[T]{rows: rows, cols: cols, vals: same}
		d.setColumns(columns.Take(src))
		if err := d.checkLent(ctx); err != nil {
			return nil, err
		}
		return d, nil
	}
	d.x = allocate[T](rows, cols, narrow)
	c := newConversion(affine, storage)
	var put func(lo, hi int) error
	switch x := src.X.Data().(type) {
	case []float32:
		put = func(lo, hi int) error { return store(c, x[lo*cols:hi*cols], lo, d.x, lo) }
	case []float64:
		put = func(lo, hi int) error { return store(c, x[lo*cols:hi*cols], lo, d.x, lo) }
	}
	if same != nil {
		put = func(lo, hi int) error {
			if copied(d.x.vals[lo*cols:hi*cols], same[lo*cols:hi*cols]) {
				return nil
			}
			at := lo*cols + slices.IndexFunc(same[lo*cols:], func(v T) bool { return v-v != 0 })
			return &backend.NotFiniteError{Row: at / cols, Col: at % cols, Value: float64(same[at])}
		}
	}
	var first firstError
	err = each(ctx, logicalBlocks(rows, cols), p.threads, func() struct{} { return struct{}{} }, func(_ struct{}, lo, hi int) {
		if err := put(lo, hi); err != nil {
			first.set(lo, err)
		}
	})
	if err != nil {
		return nil, err
	}
	if first.err != nil {
		return nil, first.err
	}
	d.setColumns(columns.Take(src))
	return d, nil
}

// checked are the statistics that come from the read of X in which it was checked: every
// fit asks for them next.
type checked struct {
	weight int
	stats  *backend.Stats
}

// computeStats reads X once for the statistics, of the first weight column where there is one.
func (d *data[T]) computeStats(ctx context.Context) error {
	weight := backend.None
	if d.columns.Weights > 0 {
		weight = 0
	}
	stats, err := d.Stats(ctx, weight)
	if err != nil {
		return err
	}
	d.checked = &checked{weight, stats}
	return nil
}

// checkLent checks an X that is used where it lies. A number that is not finite makes the
// mean of its column one; where large numbers do so, X is looked at again.
func (d *data[T]) checkLent(ctx context.Context) error {
	if err := d.computeStats(ctx); err != nil {
		return err
	}
	if checks.Finite(d.checked.stats.Mean) {
		return nil
	}
	for lo := 0; lo < len(d.x.vals); lo += blockNumbers {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		part := d.x.vals[lo:min(lo+blockNumbers, len(d.x.vals))]
		if checks.Finite(part) {
			continue
		}
		at := lo + slices.IndexFunc(part, func(v T) bool { return v-v != 0 })
		return &backend.NotFiniteError{Row: at / d.x.cols, Col: at % d.x.cols, Value: float64(d.x.vals[at])}
	}
	return nil
}

// copied copies src to dst, unless they are the same, and tells whether all numbers
// are finite.
func copied[T number](dst, src []T) bool {
	const step = 1 << 13 // numbers that are still in the cache when they are looked at
	for at := 0; at < len(src); at += step {
		end := min(at+step, len(src))
		if &dst[at] != &src[at] {
			copy(dst[at:end], src[at:end])
		}
		if !checks.Finite(dst[at:end]) {
			return false
		}
	}
	return true
}

// firstError keeps the error of the earliest rows.
type firstError struct {
	sync.Mutex
	row int
	err error
}

func (f *firstError) set(row int, err error) {
	f.Lock()
	defer f.Unlock()
	if f.err == nil || row < f.row {
		f.row, f.err = row, err
	}
}

func (f *firstError) any() bool {
	f.Lock()
	defer f.Unlock()
	return f.err != nil
}
