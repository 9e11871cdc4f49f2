package cpu

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"unsafe"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/internal/columns"
)

// sparseStream is a sparse X of which the entries are read again in every pass, but for
// those of blocks for which there is memory. Where rows begin is in memory: the logical
// blocks, and so the bits, are those of X in memory.
type sparseStream[T number] struct {
	reader  backend.SparseReader
	x       *csr[T] // where rows begin
	blocks  blocks  // that are held: those for sums of all columns
	storage backend.Storage
	checked atomic.Bool // that all values are finite and within the storage
	memory  *memory

	hands   int   // of a pass
	largest int64 // entries of a block

	kept int // blocks to hold
	held []atomic.Pointer[csr[T]]
}

// window is what one goroutine sees of a sparse X.
type window[T number] struct {
	csr[T]
	own   csr[T]      // room for what is fetched
	piece backend.CSR // as it is read
}

func newSparseStream[T number](r backend.SparseReader, threads int, storage backend.Storage, limit int64) (*sparseStream[T], error) {
	rows, cols := r.Shape()
	x := &csr[T]{rows: rows, cols: cols, start: r.RowPtr()}
	s := &sparseStream[T]{reader: r, x: x, storage: storage, memory: &memory{limit: limit}, blocks: x.blocks(columnCost * cols)}
	for b := range s.blocks.count {
		lo, hi := s.blocks.bounds(b)
		s.largest = max(s.largest, x.start[x.rowAt(hi)]-x.start[x.rowAt(lo)])
	}
	s.held = make([]atomic.Pointer[csr[T]], s.blocks.count)
	s.hands = min(2*threads, s.blocks.count)
	if limit > 0 {
		s.hands = int(max(1, min(int64(s.hands), limit/4/s.handBytes())))
		if least := s.least(); least > limit {
			return nil, &backend.MemoryLimitError{What: "a block of the rows", Needs: least, Allowed: limit}
		}
	}
	return s, nil
}

// entryBytes is the size of a stored entry.
func (s *sparseStream[T]) entryBytes() int64 {
	if s.reader.Ones() {
		return 4
	}
	return 4 + int64(unsafe.Sizeof(T(0)))
}

// handBytes is what a hand needs: a block as it is read and, where its values are of
// another type, as it is stored.
func (s *sparseStream[T]) handBytes() int64 {
	bytes := s.entryBytes()
	if !s.plain() {
		bytes += int64(s.reader.Dtype().Size())
	}
	return max(1, s.largest*bytes)
}

// plain tells whether values are stored as they are read.
func (s *sparseStream[T]) plain() bool {
	return s.reader.Ones() || int(unsafe.Sizeof(T(0))) == int(s.reader.Dtype().Size())
}

// least is what passes need beside samples, sums by column included.
func (s *sparseStream[T]) least() int64 {
	return int64(s.hands)*s.handBytes() + int64(s.sums())
}

// sums is what partial sums may take. One there must be room for.
func (s *sparseStream[T]) sums() int {
	if s.memory.limit == 0 {
		return sparseRoom
	}
	return int(min(sparseRoom, s.memory.limit/8))
}

// begin decides which blocks to hold in the pass that follows, and drops the others.
func (s *sparseStream[T]) begin() {
	count := s.blocks.count
	s.kept = count
	if s.memory.limit > 0 {
		s.kept = int(max(0, min(int64(count), (s.memory.left()-s.least())/max(1, s.largest*s.entryBytes()))))
	}
	for b := range s.held {
		if !keeps(b, s.kept, count) {
			s.held[b].Store(nil)
		}
	}
}

// keeps tells whether block b is one of kept of count blocks, which are evenly spread.
func keeps(b, kept, count int) bool {
	n, k := int64(count), int64(kept)
	return (int64(b)+1)*k/n > int64(b)*k/n
}

// fetch sets w to the rows from first to before end.
func (s *sparseStream[T]) fetch(w *window[T], first, end int) error {
	b := s.blockOf(first, end)
	if b >= 0 {
		if held := s.held[b].Load(); held != nil {
			w.csr = *held
			return nil
		}
	}
	hold := b >= 0 && keeps(b, s.kept, s.blocks.count) && s.whole(b, first, end)
	into := w.own
	if hold {
		into = csr[T]{}
	}
	if err := s.read(w, first, end, &into); err != nil {
		return err
	}
	if w.csr = into; !hold {
		w.own = into
		return nil
	}
	kept := into
	s.held[b].Store(&kept)
	return nil
}

// blockOf is the block that has all the rows from first to before end, or -1.
func (s *sparseStream[T]) blockOf(first, end int) int {
	if first == end {
		return -1
	}
	// Block b has costs from all*b/count on.
	b := min(s.blocks.count-1, (s.x.cost(first)*s.blocks.count+s.blocks.count-1)/max(1, s.blocks.rows))
	for _, b := range []int{b - 1, b, b + 1} {
		if b < 0 || b >= s.blocks.count {
			continue
		}
		lo, hi := s.blocks.bounds(b)
		if s.x.rowAt(lo) <= first && end <= s.x.rowAt(hi) {
			return b
		}
	}
	return -1
}

// whole tells whether the rows from first to before end are all of block b.
func (s *sparseStream[T]) whole(b, first, end int) bool {
	lo, hi := s.blocks.bounds(b)
	return s.x.rowAt(lo) == first && s.x.rowAt(hi) == end
}

// read fills into with the rows from first to before end.
func (s *sparseStream[T]) read(w *window[T], first, end int, into *csr[T]) error {
	*into = csr[T]{rows: s.x.rows, cols: s.x.cols, start: s.x.start, base: s.x.start[first], col: into.col, val: into.val}
	if first == end {
		into.col = into.col[:0]
		return nil
	}
	m := &w.piece
	m.Col = into.col[:0]
	same, plain := m, s.plain()
	if plain {
		switch val := any(into.val).(type) {
		case []float32:
			same.Val32 = val[:0]
		case []float64:
			same.Val64 = val[:0]
		}
	}
	if err := s.reader.ReadCSR(first, end-first, m); err != nil {
		return err
	}
	into.col, m.Col = m.Col, nil
	var bad int
	switch {
	case s.reader.Ones():
		into.val = nil
		return nil
	case plain:
		v, _ := any(m.Val32).([]T)
		if v == nil {
			v, _ = any(m.Val64).([]T)
		}
		into.val, m.Val32, m.Val64 = v, nil, nil
		if s.checked.Load() {
			return nil
		}
		bad = stored(v, v)
	case m.Val32 != nil:
		into.val = resize(into.val, len(m.Val32))
		bad = stored(into.val, m.Val32)
	default:
		into.val = resize(into.val, len(m.Val64))
		bad = stored(into.val, m.Val64)
	}
	if bad < 0 {
		return nil
	}
	row, _ := slices.BinarySearch(s.x.start, into.base+int64(bad)+1) // counted from 1
	v := m.Value
	if plain {
		v = func(e int64) float64 { return float64(into.val[e]) }
	}
	if x := v(int64(bad)); x-x == 0 {
		return &backend.RangeError{Row: row - 1, Col: int(into.col[bad]), Value: x, Storage: s.storage}
	}
	return &backend.NotFiniteError{Row: row - 1, Col: int(into.col[bad]), Value: v(int64(bad))}
}

func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// drop gives up the blocks that are held, for a sample to take their place.
func (s *sparseStream[T]) drop() {
	dropped := false
	for b := range s.held {
		dropped = s.held[b].Swap(nil) != nil || dropped
	}
	if dropped && s.memory.limit > 0 {
		runtime.GC() // or the sample would come on top of them
	}
}

// gather sets x to the given rows, in one sweep over the file.
func (s *sparseStream[T]) gather(ctx context.Context, threads int, rows []int, x *csr[T]) error {
	order := make([]int, len(rows)) // places in rows, by row
	for k := range order {
		order[k] = k
	}
	if !slices.IsSorted(rows) {
		slices.SortFunc(order, func(a, b int) int { return rows[a] - rows[b] })
	}
	before := func(row int) int {
		k, _ := slices.BinarySearchFunc(order, row, func(at, row int) int {
			if rows[at] < row {
				return -1
			}
			return 1
		})
		return k
	}
	fetch := func(w *window[T], b int) error {
		lo, hi := s.blocks.bounds(b)
		first, end := before(s.x.rowAt(lo)), before(s.x.rowAt(hi))
		if first == end {
			return nil
		}
		from, to := rows[order[first]], rows[order[end-1]]+1
		bytes := (s.x.start[to] - s.x.start[from]) * s.entryBytes()
		if int64(end-first)*alone < bytes {
			for _, k := range order[first:end] {
				if err := s.read(w, rows[k], rows[k]+1, &w.own); err != nil {
					return err
				}
				x.put(k, &w.own, rows[k])
			}
			return nil
		}
		if err := s.read(w, from, to, &w.own); err != nil {
			return err
		}
		for _, k := range order[first:end] {
			x.put(k, &w.own, rows[k])
		}
		return nil
	}
	return sweep[*window[T], struct{}]{
		blocks: s.blocks, threads: threads, hands: s.hands, room: s.hands,
		hand: func() *window[T] { return new(window[T]) }, fetch: fetch,
		fresh: func() struct{} { return struct{}{} },
		work:  func(*window[T], struct{}, int, int) {},
		add:   func(struct{}) {},
	}.run(ctx)
}

// loadSparseStream takes X as it is read from the source. It reads X once, to check it,
// and computes statistics on the way.
func loadSparseStream[T number](ctx context.Context, p *processor, src *backend.Source, storage backend.Storage) (backend.Data, error) {
	stream, err := newSparseStream[T](src.SparseRows, p.threads, storage, p.memory)
	if err != nil {
		return nil, err
	}
	d := &sparse[T]{
		x: stream.x, stream: stream, memory: stream.memory,
		frame: frame[T]{storage: storage, threads: p.threads, kernel: kernelsOf[T]()},
	}
	d.setColumns(columns.Take(src))
	weight := backend.None
	if d.columns.Weights > 0 {
		weight = 0
	}
	stats, err := d.Stats(ctx, weight)
	if err != nil {
		return nil, err
	}
	d.checked = &checked{weight, stats}
	stream.checked.Store(true)
	return d, nil
}

// sparsePass is reduce over the rows of X, which it reads once. work takes the rows of a
// block of costs, lo to hi, from x.
func sparsePass[T number, P any](ctx context.Context, d *sparse[T], b blocks, room int, fresh func() P, work func(p P, x *csr[T], lo, hi int), add func(p P)) error {
	s := sweep[*window[T], P]{
		blocks: b, threads: d.threads, hands: d.threads, room: room, fresh: fresh,
		hand: func() *window[T] { return &window[T]{csr: *d.x} },
		work: func(w *window[T], p P, lo, hi int) { work(p, &w.csr, lo, hi) },
		add:  add,
	}
	if d.stream != nil {
		d.stream.begin()
		s.hands = d.stream.hands
		s.fetch = func(w *window[T], block int) error {
			lo, hi := b.bounds(block)
			return d.stream.fetch(w, d.x.rowAt(lo), d.x.rowAt(hi))
		}
	}
	return s.run(ctx)
}

// windows calls do with all rows of X in order: at once where they are in memory, else
// block by block, of which the next is read meanwhile.
func (d *sparse[T]) windows(ctx context.Context, do func(x *csr[T], first, end int) error) error {
	s := d.stream
	if s == nil {
		return do(d.x, 0, d.x.rows)
	}
	s.begin()
	type read struct {
		w          *window[T]
		first, end int
		err        error
	}
	ahead := make(chan read, 1)
	free := make(chan *window[T], 2)
	free <- new(window[T])
	free <- new(window[T])
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		defer close(ahead)
		for b := range s.blocks.count {
			var w *window[T]
			select {
			case w = <-free:
			case <-ctx.Done():
				return
			}
			lo, hi := s.blocks.bounds(b)
			r := read{w, s.x.rowAt(lo), s.x.rowAt(hi), nil}
			r.err = s.fetch(w, r.first, r.end)
			select {
			case ahead <- r:
			case <-ctx.Done():
				return
			}
			if r.err != nil {
				return
			}
		}
	}()
	for r := range ahead {
		if r.err != nil {
			return r.err
		}
		if r.first < r.end {
			if err := do(&r.w.csr, r.first, r.end); err != nil {
				return err
			}
		}
		free <- r.w
	}
	return context.Cause(ctx)
}

// entryBytes and rowBytes are what an entry, and a row beside them, take in a sample.
func (d *sparse[T]) entryBytes() int64 {
	if !d.valued() {
		return 4
	}
	return 4 + int64(unsafe.Sizeof(T(0)))
}

func (d *sparse[T]) rowBytes() int64 {
	c := d.columns
	bytes := 8 + 4*c.Labels + 8*(c.Weights+1+c.Offsets)
	if c.Folds {
		bytes += 4
	}
	return int64(bytes)
}

// MostSampled implements backend.Limited.
func (d *sparse[T]) MostSampled() int {
	if d.memory == nil || d.memory.limit == 0 {
		return d.Rows()
	}
	least := int64(0)
	if d.stream != nil {
		least = d.stream.least()
	}
	each := d.rowBytes() + (int64(d.x.entries())/int64(d.Rows())+1)*d.entryBytes()
	return int(max(0, min(int64(d.Rows()), (d.memory.left()-least)/each)))
}

// Placement implements backend.Placed.
func (d *sparse[T]) Placement() string {
	s := d.stream
	if s == nil || s.kept == s.blocks.count {
		return ""
	}
	all := float64(d.x.entries()) * float64(d.entryBytes())
	return fmt.Sprintf("%.2f of %.2f GB of X are in memory; the rest is read in every pass", all*float64(s.kept)/float64(s.blocks.count)/1e9, all/1e9)
}
