package cpu

import (
	"context"
	"math"
	"runtime"
	"slices"
	"sort"
	"sync"
	"unsafe"

	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/internal/checks"
)

// stream is an X that is read again in every pass, by blocks, save those for which there
// is memory.
//
//	pass --> hands, more than threads
//	           fetch   a block that is held: nothing to do
//	                   another: read a piece, convert it, the next, into the hand's own
//	                   room - while other hands compute
//	           work    as on any X, by tiles
//
// Blocks are held evenly spread, so that reading the others goes on beside computing.
type stream[T number] struct {
	reader     backend.RowReader
	blocks     blocks
	cols       int
	narrow     *narrowFormat
	conversion *conversion
	plain      bool // the numbers that are read are those that are stored
	checked    bool // of plain numbers: that they are finite
	memory     *memory

	hands int // of a pass

	kept int          // blocks to hold
	held []*matrix[T] // by block; nil: not held
}

// memory is what X and the rows drawn from it may take.
type memory struct {
	sync.Mutex
	limit int64 // 0: no bound
	drawn int64 // by samples that are open
}

// reserve takes memory for a sample; release gives it back.
func (m *memory) reserve(bytes, least int64) error {
	if m == nil || m.limit == 0 {
		return nil
	}
	m.Lock()
	defer m.Unlock()
	if m.drawn+bytes+least > m.limit {
		return &backend.MemoryLimitError{What: "a sample of the rows", Needs: m.drawn + bytes + least, Allowed: m.limit}
	}
	m.drawn += bytes
	return nil
}

func (m *memory) release(bytes int64) {
	if m == nil || m.limit == 0 {
		return
	}
	m.Lock()
	defer m.Unlock()
	m.drawn -= bytes
}

// left is what samples leave of the limit.
func (m *memory) left() int64 {
	if m == nil || m.limit == 0 {
		return math.MaxInt64
	}
	m.Lock()
	defer m.Unlock()
	return m.limit - m.drawn
}

// pieceBytes is how much is read at a time where it is converted: little beside a cache,
// and much beside what files have under one checksum.
const pieceBytes = 1 << 20

// piece is room for numbers as they are read.
type piece struct {
	x32 []float32
	x64 []float64
}

func newStream[T number](r backend.RowReader, threads int, affine backend.Affine, storage backend.Storage, limit int64) (*stream[T], error) {
	rows, cols := r.Shape()
	s := &stream[T]{
		reader: r, blocks: logicalBlocks(rows, cols), cols: cols,
		narrow:     narrowFormats[storage],
		conversion: newConversion(affine, storage),
		memory:     &memory{limit: limit},
	}
	s.plain = s.narrow == nil && affine.Identity() && int(unsafe.Sizeof(T(0))) == int(r.Dtype().Size())
	s.held = make([]*matrix[T], s.blocks.count)
	s.hands = min(2*threads, s.blocks.count)
	if limit > 0 {
		// A quarter for blocks in flight, where that is one at all.
		s.hands = int(max(1, min(int64(s.hands), limit/4/s.handBytes())))
		if least := s.handBytes(); least > limit {
			return nil, &backend.MemoryLimitError{What: "a block of the rows", Needs: least, Allowed: limit}
		}
	}
	return s, nil
}

// rowBytes is the size of a stored row.
func (s *stream[T]) rowBytes() int64 { return int64(s.cols) * int64(storedBytes[T](s.narrow)) }

func (s *stream[T]) blockBytes() int64 { return int64(s.blocks.most()) * s.rowBytes() }

// handBytes is what a hand needs.
func (s *stream[T]) handBytes() int64 {
	if s.plain {
		return s.blockBytes()
	}
	return s.blockBytes() + int64(s.pieceRows()*s.cols)*int64(s.reader.Dtype().Size())
}

func (s *stream[T]) pieceRows() int {
	return max(1, min(s.blocks.most(), pieceBytes/(s.cols*int(s.reader.Dtype().Size()))))
}

// least is what passes need beside samples.
func (s *stream[T]) least() int64 { return int64(s.hands) * s.handBytes() }

// begin decides which blocks to hold in the pass that follows, and drops the others.
func (s *stream[T]) begin() {
	count := s.blocks.count
	s.kept = count
	if left := s.memory.left(); left < math.MaxInt64 {
		s.kept = int(max(0, min(int64(count), (left-s.least())/s.blockBytes())))
	}
	for b := range s.held {
		if !s.keeps(b) {
			s.held[b] = nil
		}
	}
}

// keeps tells whether block b is one of the kept, evenly spread ones.
func (s *stream[T]) keeps(b int) bool { return keeps(b, s.kept, s.blocks.count) }

// hand returns a hand of a pass, whose room is made when it is first needed.
func (s *stream[T]) hand() *band[T] { return new(band[T]) }

// fetch sets x to block b.
func (s *stream[T]) fetch(x *band[T], b int) error {
	lo, hi := s.blocks.bounds(b)
	x.first = lo
	if held := s.held[b]; held != nil {
		x.matrix = *held
		return nil
	}
	into := x.own
	if s.keeps(b) {
		into = *allocate[T](hi-lo, s.cols, s.narrow)
	} else if into.rows < hi-lo {
		x.own = *allocate[T](s.blocks.most(), s.cols, s.narrow)
		into = x.own
	}
	if err := s.read(lo, hi, &into, 0, &x.piece); err != nil {
		return err
	}
	x.matrix = into
	if s.keeps(b) {
		s.held[b] = &into // no other hand looks at block b in this pass
	}
	return nil
}

// read stores rows lo to hi in x, from row at on.
func (s *stream[T]) read(lo, hi int, x *matrix[T], at int, p *piece) error {
	if s.plain {
		return s.readPlain(lo, x.vals[at*s.cols:(at+hi-lo)*s.cols])
	}
	step := s.pieceRows()
	for i := lo; i < hi; i += step {
		n := min(step, hi-i)
		if s.reader.Dtype() == tensor.Float32 {
			if p.x32 == nil {
				p.x32 = make([]float32, step*s.cols)
			}
			src := p.x32[:n*s.cols]
			if err := s.reader.ReadRows32(i, src); err != nil {
				return err
			}
			if err := store(s.conversion, src, i, x, at+i-lo); err != nil {
				return err
			}
			continue
		}
		if p.x64 == nil {
			p.x64 = make([]float64, step*s.cols)
		}
		src := p.x64[:n*s.cols]
		if err := s.reader.ReadRows64(i, src); err != nil {
			return err
		}
		if err := store(s.conversion, src, i, x, at+i-lo); err != nil {
			return err
		}
	}
	return nil
}

// readPlain reads rows from lo on straight into x.
func (s *stream[T]) readPlain(lo int, x []T) error {
	var err error
	switch x := any(x).(type) {
	case []float32:
		err = s.reader.ReadRows32(lo, x)
	case []float64:
		err = s.reader.ReadRows64(lo, x)
	}
	if err != nil || s.checked || checks.Finite(x) {
		return err
	}
	at := slices.IndexFunc(x, func(v T) bool { return v-v != 0 })
	return &backend.NotFiniteError{Row: lo + at/s.cols, Col: at % s.cols, Value: float64(x[at])}
}

// drop gives up the blocks that are held, for a sample to take their place.
func (s *stream[T]) drop() {
	dropped := false
	for b := range s.held {
		dropped = dropped || s.held[b] != nil
		s.held[b] = nil
	}
	if dropped && s.memory.limit > 0 {
		runtime.GC() // or the sample would come on top of them
	}
}

// gather sets x to the given rows, in one sweep over the file.
func (s *stream[T]) gather(ctx context.Context, threads int, rows []int, x *matrix[T]) error {
	var order []int // places in rows, by row; nil where rows ascend
	if !slices.IsSorted(rows) {
		order = make([]int, len(rows))
		for i := range order {
			order[i] = i
		}
		slices.SortFunc(order, func(a, b int) int { return rows[a] - rows[b] })
	}
	place := func(k int) int {
		if order == nil {
			return k
		}
		return order[k]
	}
	before := func(row int) int { return sort.Search(len(rows), func(k int) bool { return rows[place(k)] >= row }) }
	fetch := func(h *band[T], b int) error {
		lo, hi := s.blocks.bounds(b)
		first, end := before(lo), before(hi)
		if first == end {
			return nil
		}
		lo, hi = rows[place(first)], rows[place(end-1)]+1
		if int64(end-first)*max(s.rowBytes(), alone) < int64(hi-lo)*s.rowBytes() {
			for k := first; k < end; k++ {
				if err := s.read(rows[place(k)], rows[place(k)]+1, x, place(k), &h.piece); err != nil {
					return err
				}
			}
			return nil
		}
		if h.own.rows < hi-lo {
			h.own = *allocate[T](s.blocks.most(), s.cols, s.narrow)
		}
		if err := s.read(lo, hi, &h.own, 0, &h.piece); err != nil {
			return err
		}
		for k := first; k < end; k++ {
			x.copyRow(place(k), &h.own, rows[place(k)]-lo)
		}
		return nil
	}
	return sweep[*band[T], struct{}]{
		blocks: s.blocks, threads: threads, hands: s.hands, room: s.hands,
		hand: s.hand, fetch: fetch,
		fresh: func() struct{} { return struct{}{} },
		work:  func(*band[T], struct{}, int, int) {},
		add:   func(struct{}) {},
	}.run(ctx)
}

// alone is what reading a row alone costs, in bytes of reading many together: the pages
// it lies on and a call.
const alone = 16 << 10
