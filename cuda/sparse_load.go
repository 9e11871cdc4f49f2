package cuda

import (
	"context"
	"errors"
	"math"
	"slices"
	"sort"
	"unsafe"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
)

// loadSparse brings m, of X's rows from row first on, to the device, then its copy by columns,
// into memory that take gives.
func (c *call) loadSparse(m *backend.CSR, first int, take taker) error {
	valued := m.Val32 != nil || m.Val64 != nil
	x, err := c.placeSparse(append([]int64(nil), m.RowPtr...), valued, take)
	if err != nil {
		return err
	}
	err = c.stream(max(int64(len(m.RowPtr))*8, m.Entries()*4), func(p *pipe) error {
		if err := p.copyTo(c.ctx, x.rows, bytesOf(m.RowPtr)); err != nil {
			return err
		}
		return p.copyTo(c.ctx, x.col, bytesOf(m.Col))
	})
	if err != nil {
		return err
	}
	entries := int(m.Entries())
	switch {
	case entries == 0:
	case m.Val32 != nil:
		err = c.convert(sliceOrigin("scale_convert_from32", m.Val32, 1), 0, entries, 1, x.values)
	case m.Val64 != nil:
		err = c.convert(sliceOrigin("scale_convert_from64", m.Val64, 1), 0, entries, 1, x.values)
	}
	if err != nil {
		return entryError(m, first, err)
	}
	return c.order(m, take)
}

// order makes the copy by columns, of the entries of m or, for nil, of those on the device;
// with fixed-point sums it counts the columns' entries instead.
func (c *call) order(m *backend.CSR, take taker) error {
	if c.g.fixedPoint {
		return c.countColumns(take)
	}
	if m == nil {
		m = new(backend.CSR)
	}
	if c.realSize == 4 {
		return orderColumns(c, &blockReader[uint32]{c, m.Col, sameBits[uint32](m.Val32)}, take)
	}
	return orderColumns(c, &blockReader[uint64]{c, m.Col, sameBits[uint64](m.Val64)}, take)
}

// maxSparseRows is how many rows an entry can name, in X that is one piece.
const maxSparseRows = 1<<32 - 1

// entryError names row and column where err names an entry of m, whose rows begin at row
// first of X.
func entryError(m *backend.CSR, first int, err error) error {
	place := func(entry int) (row, col int) {
		row = sort.Search(m.Rows, func(i int) bool { return m.RowPtr[i+1] > int64(entry) })
		return first + row, int(m.Col[entry])
	}
	var notFinite *backend.NotFiniteError
	var tooLarge *backend.RangeError
	switch {
	case errors.As(err, &notFinite):
		row, col := place(notFinite.Row)
		return &backend.NotFiniteError{Row: row, Col: col, Value: notFinite.Value}
	case errors.As(err, &tooLarge):
		row, col := place(tooLarge.Row)
		return &backend.RangeError{Row: row, Col: col, Value: tooLarge.Value, Storage: tooLarge.Storage}
	}
	return err
}

// placeSparse gives the data its sparse X of those rows, without content.
func (c *call) placeSparse(rowPtr []int64, valued bool, take taker) (*sparse, error) {
	if rows := len(rowPtr) - 1; int64(rows) > maxSparseRows {
		return nil, unsupported("%d rows of sparse X in one piece; at most %d", rows, int64(maxSparseRows))
	}
	x := c.g.newSparse(rowPtr, valued, c.realSize)
	c.sparse = x
	return x, take.place(x.rowArrays(c.realSize))
}

// newSparse is a sparse X of those rows and products of that size, without arrays.
func (g *gpu) newSparse(rowPtr []int64, valued bool, size int) *sparse {
	x := &sparse{rowPtr: rowPtr, valued: valued, step: g.chunks.step(size, len(rowPtr)-1)}
	x.log = x.lanes()
	return x
}

// stream runs f, which is to send that many bytes at most at a time, with two pinned buffers,
// and waits for what it sent.
func (c *call) stream(bytes int64, f func(*pipe) error) error {
	temporary := memory{g: c.g}
	pipe := &pipe{g: c.g}
	err := func() error {
		if err := pipe.open(&temporary, int(min(max(bytes, 1), int64(c.g.chunks.source)))); err != nil {
			return err
		}
		if err := f(pipe); err != nil {
			return err
		}
		return pipe.drain()
	}()
	if err != nil {
		_ = c.g.context.Synchronize() // nothing may use the buffers freed below
	}
	return errors.Join(err, pipe.close(), temporary.free())
}

// copyTo queues the copy of b to the device, a buffer at a time.
func (p *pipe) copyTo(ctx context.Context, dst driver.Ptr, b []byte) error {
	for len(b) > 0 {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		s := p.stages[p.next]
		p.next = 1 - p.next
		if err := s.stream.Synchronize(); err != nil { // the buffer's last copy has passed
			return err
		}
		n := min(len(b), len(s.host.Bytes))
		fill(s.host.Bytes, b[:n])
		if err := p.g.context.CopyInAsync(dst, s.host, n, s.stream); err != nil {
			return err
		}
		dst += driver.Ptr(n)
		b = b[n:]
	}
	return nil
}

// blockReader gives the entries of some rows as bits of the storage: those at hand, else
// those of the device.
type blockReader[T uint32 | uint64] struct {
	*call
	col []uint32 // nil: read from the device
	val []T      // likewise, where X has values
}

func (r *blockReader[T]) read(from, to int64) (col []uint32, val []T, err error) {
	if r.col != nil {
		col = r.col[from:to]
	} else if col, err = copyOut[uint32](r.call, r.sparse.col, from, to); err != nil {
		return nil, nil, err
	}
	switch {
	case r.sparse.values == 0:
	case r.val != nil:
		val = r.val[from:to]
	default:
		val, err = copyOut[T](r.call, r.sparse.values, from, to)
	}
	return col, val, err
}

func copyOut[T any](c *call, from driver.Ptr, first, last int64) ([]T, error) {
	out := make([]T, last-first)
	if len(out) == 0 {
		return out, nil
	}
	return out, c.g.context.CopyOut(bytesOf(out), from+driver.Ptr(first)*driver.Ptr(unsafe.Sizeof(out[0])))
}

// sameBits is v as bits, nil where they are of another size than T's.
func sameBits[T uint32 | uint64, F float32 | float64](v []F) []T {
	if v == nil || unsafe.Sizeof(F(0)) != unsafe.Sizeof(T(0)) {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(v))), len(v))
}

// orderColumns makes the copy by columns, on the host: a row block at a time, by a counting
// sort whose time is proportional to the entries and D. It takes memory for the block's
// entries, 8 bytes a column and thread (of 8 at most) and some 24 a piece. The device gets
// the copy block by block.
func orderColumns[T uint32 | uint64](c *call, r *blockReader[T], take taker) error {
	x, m := c.sparse, &c.sparse.byColumns
	n, entries := c.columns.Rows, x.entries()
	if err := take.place(x.columnArrays(c.realSize)); err != nil {
		return err
	}
	var most int64 // entries of a block
	for first := 0; first < n; first += x.step {
		most = max(most, x.rowPtr[min(first+x.step, n)]-x.rowPtr[first])
	}
	row, sorted := make([]uint32, most), []T(nil)
	if x.valued {
		sorted = make([]T, most)
	}
	o := newOrder(c.columns.Cols)
	err := c.stream(entries*int64(c.realSize), func(p *pipe) error {
		for first := 0; first < n; first += x.step {
			last := min(first+x.step, n)
			from, to := x.rowPtr[first], x.rowPtr[last]
			col, val, err := r.read(from, to)
			if err != nil {
				return err
			}
			o.cut(col, from)
			row, sorted := row[:to-from], sorted[:len(val)]
			arrange(o, x.rowPtr[first:last+1], first, col, val, row, sorted)
			if err := p.copyTo(c.ctx, m.row+driver.Ptr(4*from), bytesOf(row)); err != nil {
				return err
			}
			if err := p.copyTo(c.ctx, m.values+driver.Ptr(from)*driver.Ptr(c.realSize), bytesOf(sorted)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	contents, err := m.complete(o, entries)
	if err != nil {
		return err
	}
	ofOrder := m.orderArrays()
	if err := take.place(ofOrder); err != nil {
		return err
	}
	for k, content := range contents {
		if len(content) == 0 {
			continue
		}
		if err := c.g.context.CopyIn(*ofOrder[k].at, content); err != nil {
			return err
		}
	}
	return nil
}

// complete takes the order of all blocks, and returns the content of its arrays.
func (m *byColumns) complete(o *order, entries int64) ([][]byte, error) {
	if m.pieces = len(o.column); int64(m.pieces) > math.MaxUint32 {
		return nil, unsupported("sparse X of %d pieces of columns; at most %d", m.pieces, uint64(math.MaxUint32))
	}
	m.cols, m.blocks = o.cols, slices.Clone(o.blocks)
	slot, first := o.slots(entries)
	return [][]byte{bytesOf(o.start), bytesOf(slot), bytesOf(o.tasks), bytesOf(first)}, nil
}
