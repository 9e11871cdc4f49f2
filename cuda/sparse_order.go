package cuda

import "math"

// The order of X by columns.
//
// Rows are cut into blocks whose residuals stay in the L2 cache. Within a block an entry
// belongs to its column's piece; a piece is what one warp, or a part of one, adds up in
// order:
//
//	block 0: | short columns | ... | long columns, cut into several pieces |   block 1: ...
//
// Within a block pieces are ordered by how many lanes they take, and then by column, so
// that a warp's pieces are of like length. The sum of a piece has a slot; the slots of a
// column lie beside each other, in the order of blocks and pieces.

// pieceEntries is the most that a piece has: 64 a lane.
const pieceEntries = 2048

// lengths are the classes of pieces: the longest, and the logarithm of the lanes they take.
// Each lane then has four entries at most, but for the longest.
var lengths = [...]struct{ entries, log int }{{4, 0}, {16, 2}, {64, 4}, {math.MaxInt, 5}}

func lengthOf(n int) int {
	for c, l := range lengths {
		if n <= l.entries {
			return c
		}
	}
	panic("cuda: no class of pieces takes every length")
}

// order is the order of pieces, host side, block after block.
type order struct {
	cols   int
	start  []int64  // the first entry of each piece, and of none the end
	column []uint32 // of each piece
	tasks  []int64  // first piece * 8 + log lanes: what a warp takes at once
	blocks []int64  // the first task of each block, and their number
	next   []int    // of the block at hand: entries of each column, then where its next one goes
}

func newOrder(cols int) *order {
	return &order{cols: cols, blocks: []int64{0}, next: make([]int, cols)}
}

// cut adds the block of the rows whose entries are col, in row order, from entry first of
// the matrix on: it appends its pieces.
func (o *order) cut(col []uint32, first int64) {
	clear(o.next)
	for _, j := range col {
		o.next[j]++
	}
	var entries, pieces [len(lengths)]int
	for _, n := range o.next {
		if n > 0 {
			c := lengthOf(n)
			entries[c] += n
			pieces[c] += (n + pieceEntries - 1) / pieceEntries
		}
	}
	base := len(o.start)
	var entry, piece [len(lengths)]int // of the next column of the class
	at, p := 0, base
	for c := range lengths {
		entry[c], piece[c] = at, p
		at += entries[c]
		p += pieces[c]
		for k := 0; k < pieces[c]; k += 32 >> lengths[c].log {
			o.tasks = append(o.tasks, int64(piece[c]+k)<<3|int64(lengths[c].log))
		}
	}
	o.start = append(o.start, make([]int64, p-base)...)
	o.column = append(o.column, make([]uint32, p-base)...)
	for j, n := range o.next {
		if n == 0 {
			continue
		}
		c := lengthOf(n)
		cuts := (n + pieceEntries - 1) / pieceEntries
		for k := range cuts {
			o.start[piece[c]] = first + int64(entry[c]+k*n/cuts)
			o.column[piece[c]] = uint32(j)
			piece[c]++
		}
		o.next[j] = entry[c]
		entry[c] += n
	}
	o.blocks = append(o.blocks, int64(len(o.tasks)))
}

// arrange puts the entries of the block that was cut last in their places: their rows,
// numbered from row first on, and their values, if they have any.
func arrange[T uint32 | uint64](o *order, rowPtr []int64, first int, col []uint32, val []T, row []uint32, sorted []T) {
	e := 0
	for i := range len(rowPtr) - 1 {
		for range rowPtr[i+1] - rowPtr[i] {
			at := o.next[col[e]]
			o.next[col[e]]++
			row[at] = uint32(first + i)
			if val != nil {
				sorted[at] = val[e]
			}
			e++
		}
	}
}

// slots ends the order: it returns each piece's slot and each column's first, with their
// number last.
func (o *order) slots(entries int64) (slot, first []uint32) {
	o.start = append(o.start, entries)
	o.tasks = append(o.tasks, int64(len(o.column))<<3)
	slot, first = make([]uint32, len(o.column)), make([]uint32, o.cols+1)
	for _, j := range o.column {
		first[j+1]++
	}
	for j := range o.cols {
		first[j+1] += first[j]
	}
	next := append([]uint32(nil), first[:o.cols]...)
	for p, j := range o.column {
		slot[p] = next[j]
		next[j]++
	}
	return slot, first
}
