package cuda

import (
	"context"
	"runtime"
	"sort"
	"sync"
	"sync/atomic"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// real is a type of products.
type real interface{ float32 | float64 }

// hand makes pieces of sparse X on the host as the device takes them, one after another in
// the same memory.
type hand[F real] struct {
	x         *sparse // of the piece at hand, which is nowhere on the device yet
	col, row  []uint32
	val, vals []F // by rows, and by columns
	order     *order
	content   [][]byte // of x's arrays
}

// bytes are those of the piece at hand.
func (h *hand[F]) bytes() (sum int64) {
	for _, b := range h.content {
		sum += int64(len(b))
	}
	return sum
}

// prepare reads rows lo to hi, checks them and orders their entries by columns, or with
// fixed-point sums counts them.
func (h *hand[F]) prepare(ctx context.Context, m *readMatter[F], lo, hi int) error {
	_, cols := m.reader.Shape()
	all := m.reader.RowPtr()[lo : hi+1]
	ptr := make([]int64, len(all))
	for i, p := range all {
		ptr[i] = p - all[0]
	}
	x := m.g.newSparse(ptr, !m.reader.Ones(), m.size)
	h.x, h.content = x, [][]byte{bytesOf(ptr)}
	entries := int(x.entries())
	h.col = room(h.col, entries)
	if x.valued {
		h.val = room(h.val, entries)
	}
	if err := h.read(ctx, m, lo); err != nil {
		return err
	}
	h.content = append(h.content, bytesOf(h.col))
	if x.valued {
		h.content = append(h.content, bytesOf(h.val))
	}
	if h.order == nil {
		h.order = newOrder(cols)
	}
	h.order.reset()
	if m.g.fixedPoint {
		h.order.tally(h.col)
		counts := make([]uint32, cols)
		for j := range counts {
			counts[j] = uint32(h.order.count(j))
		}
		var place, hot []uint32
		x.fixed = &fixedPoint{cols: cols}
		place, hot = x.fixed.places(counts, m.g.chunks.hot)
		h.content = append(h.content, bytesOf(counts), bytesOf(place), bytesOf(hot))
		return nil
	}
	h.row = room(h.row, entries)
	if x.valued {
		h.vals = room(h.vals, entries)
	}
	for first := 0; first < hi-lo; first += x.step {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		last := min(first+x.step, hi-lo)
		from, to := ptr[first], ptr[last]
		var val, vals []F
		if x.valued {
			val, vals = h.val[from:to], h.vals[from:to]
		}
		h.order.cut(h.col[from:to], from)
		arrange(h.order, ptr[first:last+1], first, h.col[from:to], val, h.row[from:to], vals)
	}
	h.content = append(h.content, bytesOf(h.row))
	if x.valued {
		h.content = append(h.content, bytesOf(h.vals))
	}
	ofOrder, err := x.byColumns.complete(h.order, x.entries())
	h.content = append(h.content, ofOrder...)
	return err
}

// room is s with n elements, or as many new ones.
func room[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// readers is how many goroutines read a piece at most.
const readers = 8

// read fills col and val with the rows from row lo on, by several goroutines: one alone
// reads a fraction of what a disk gives. The error is the first by row.
func (h *hand[F]) read(ctx context.Context, m *readMatter[F], lo int) error {
	ptr, rows := h.x.rowPtr, len(h.x.rowPtr)-1
	var begins []int // rows of about m.step entries
	for at := 0; at < rows; {
		begins = append(begins, at)
		next := ptr[at] + m.step
		at += max(1, sort.Search(rows-at, func(k int) bool { return ptr[at+k] >= next }))
	}
	errs := make([]error, len(begins))
	var next, failed atomic.Int64
	failed.Store(int64(len(begins)))
	var all sync.WaitGroup
	for range min(readers, runtime.GOMAXPROCS(0)*2, len(begins)) {
		all.Go(func() {
			var part backend.CSR
			for k := next.Add(1) - 1; k < failed.Load(); k = next.Add(1) - 1 {
				end := rows
				if int(k+1) < len(begins) {
					end = begins[k+1]
				}
				errs[k] = context.Cause(ctx)
				if errs[k] == nil {
					errs[k] = h.readRows(m, lo, begins[k], end, &part)
				}
				if errs[k] != nil { // those before it go on: theirs may be the first
					for old := failed.Load(); k < old && !failed.CompareAndSwap(old, k); old = failed.Load() {
					}
				}
			}
		})
	}
	all.Wait()
	if k := failed.Load(); k < int64(len(errs)) {
		return errs[k]
	}
	return nil
}

// readRows reads rows from to before end of the piece, whose first is row lo of X. part has
// room for values of another type.
func (h *hand[F]) readRows(m *readMatter[F], lo, from, end int, part *backend.CSR) error {
	a, b := h.x.rowPtr[from], h.x.rowPtr[end]
	part.Col = h.col[a:b:b]
	var to []F
	if h.x.valued {
		to = h.val[a:b:b]
		switch to := any(to).(type) {
		case []float32:
			part.Val32 = to
		case []float64:
			part.Val64 = to
		}
	}
	if err := m.reader.ReadCSR(lo+from, end-from, part); err != nil {
		return err
	}
	bad := -1
	switch {
	case !h.x.valued:
	case part.Val32 != nil:
		bad = stored(to, part.Val32)
	default:
		bad = stored(to, part.Val64)
	}
	if bad >= 0 {
		v, row := part.Value(int64(bad)), sort.Search(end-from, func(i int) bool { return part.RowPtr[i+1] > int64(bad) })
		if v-v == 0 {
			return &backend.RangeError{Row: lo + from + row, Col: int(part.Col[bad]), Value: v, Storage: m.storage}
		}
		return &backend.NotFiniteError{Row: lo + from + row, Col: int(part.Col[bad]), Value: v}
	}
	return nil
}

// stored rounds from into to, which may be the same, and returns the first place of a number
// that is not finite then, or -1.
func stored[F, S real](to []F, from []S) int {
	var bad F
	for e, s := range from {
		v := F(s)
		to[e] = v
		bad += v - v
	}
	if bad == 0 {
		return -1
	}
	for e, v := range to {
		if v-v != 0 {
			return e
		}
	}
	panic("cuda: the sum of what is finite is not")
}
