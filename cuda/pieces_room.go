package cuda

import (
	"math"
	"sort"

	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// readRoom is how backend.Options.Memory is shared out for sparse X that is read.
type readRoom struct {
	hands  int
	hand   int64 // bytes of a hand, at most
	step   int64 // entries that a goroutine reads at a time
	pinned int64 // bytes of each of the two buffers
	held   int64 // bytes of the parts that stay in memory
	sample int64 // bytes of the order of a sample; no bound: math.MaxInt64
}

// readShape is what the memory of a piece depends on.
type readShape struct {
	cols, size int // of a number
	valued     bool
	plain      bool // numbers are stored as they are read
	fixed      bool
	block      int // rows of a row block, at most
}

func readShapeOf(r backend.SparseReader, d *data) readShape {
	size := map[tensor.Dtype]int{tensor.Float32: 4, tensor.Float64: 8}[r.Dtype()]
	return readShape{
		cols: d.columns.Cols, size: d.realSize, valued: !r.Ones(), plain: r.Ones() || size == d.realSize,
		fixed: d.g.fixedPoint, block: d.g.chunks.step(d.realSize, math.MaxInt),
	}
}

// entry is the bytes of an entry.
func (s readShape) entry() int64 {
	if s.valued {
		return 4 + int64(s.size)
	}
	return 4
}

// order is the most bytes that the order of rows with so many entries takes, by columns, and
// pieces the most pieces that it has.
func (s readShape) order(rows int, entries int64) (bytes, pieces int64) {
	cols := int64(s.cols)
	bytes = 8 * min(8*cols, max(cols, entries/4)) // of each part that is counted beside others
	if s.fixed {
		return bytes + 8*cols + 4*hotColumns + 64, 0
	}
	blocks := int64((rows + s.block - 1) / s.block)
	pieces = min(entries, blocks*cols+entries/pieceEntries)
	// A piece has its first entry, column, slot and task, in arrays that grow by a quarter, or
	// to twice their size where that is little.
	return bytes + 30*pieces + 8*(cols+1) + 16*blocks + 18*min(pieces, 256) + 1<<10, pieces
}

// hand is the most bytes that a hand takes for a piece, and array those of its largest array.
func (s readShape) hand(rows int, entries, step int64) (bytes, array int64) {
	order, pieces := s.order(rows, entries)
	bytes = 8*int64(rows+1) + entries*s.entry() + order
	if !s.fixed {
		bytes += entries * s.entry()
	}
	if !s.plain {
		bytes += readers * step * 8
	}
	return bytes, max(8*int64(rows+1), entries*max(4, int64(s.size)), 8*(pieces+1), 4*int64(s.cols+1), 4*hotColumns)
}

// sampled is how many rows of mean entries a sample may have whose order takes that many
// bytes: a row block at a time comes back from the device.
func (s readShape) sampled(bytes, mean int64, most int) int {
	return sort.Search(most, func(n int) bool {
		rows := n + 1
		order, _ := s.order(rows, int64(rows)*mean)
		need := 8*int64(rows) + order
		if !s.fixed {
			need += 2 * int64(min(rows, s.block)) * mean * s.entry()
		}
		return need > bytes
	})
}

// leastPiece is where pieces become smaller no more.
const leastPiece = 256

// planRead cuts sparse X that is read in pieces: as X in memory is cut, or smaller, where the
// memory allowed has no room for what a hand needs for one of these, until it has for two.
func (d *data) planRead(r backend.SparseReader) (first []int, room readRoom, err error) {
	s, ptr, limit := readShapeOf(r, d), r.RowPtr(), d.g.memory
	shape := &backend.CSR{Rows: d.columns.Rows, Cols: d.columns.Cols, RowPtr: ptr}
	if s.valued {
		shape.Val32 = []float32{}
	}
	rowsBytes := 8 * int64(d.columns.Rows) // where the rows of each piece begin
	for piece := d.g.chunks.piece; ; piece /= 2 {
		first = cutSparse(shape, d.realSize, d.g.fixedPoint, piece)
		longest := int64(0)
		for i, at := range first[:len(first)-1] {
			longest = max(longest, ptr[first[i+1]]-ptr[at])
		}
		step, hand, array := min(1<<20, max(longest/16, 1)), int64(0), int64(0)
		for i, at := range first[:len(first)-1] {
			bytes, largest := s.hand(first[i+1]-at, ptr[first[i+1]]-ptr[at], step)
			hand, array = max(hand, bytes), max(array, largest)
		}
		room = readRoom{hands: min(2, len(first)-1), hand: hand, step: step, pinned: min(array, int64(d.g.chunks.source)), held: math.MaxInt64, sample: math.MaxInt64}
		if limit == 0 {
			return first, room, nil
		}
		left := limit - rowsBytes
		room.sample = left / 4
		for ; room.hands > 0; room.hands-- {
			room.held = left - room.sample - 2*room.pinned - int64(room.hands)*hand
			if room.held >= 0 {
				return first, room, nil
			}
			if piece < d.g.chunks.piece {
				break
			}
		}
		if piece/2 < leastPiece || len(first)-1 == d.columns.Rows {
			return nil, room, &backend.MemoryLimitError{What: "a piece of the rows", Needs: rowsBytes + (2*room.pinned+2*hand)*4/3 + 1, Allowed: limit}
		}
	}
}

// mostSampled is how many rows of X samples may have.
func (d *data) mostSampled(r backend.SparseReader, room readRoom) int {
	if room.sample == math.MaxInt64 {
		return d.columns.Rows
	}
	ptr, rows := r.RowPtr(), d.columns.Rows
	return readShapeOf(r, d).sampled(room.sample, ptr[rows]/int64(rows)+1, rows)
}

// MostSampled implements backend.Limited.
func (p *pieces) MostSampled() int { return p.most }
