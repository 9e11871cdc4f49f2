package cuda

import (
	"math/bits"
	"runtime"
	"slices"
	"sort"
	"sync"
)

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

// Columns of a block fall into classes of nearly the same length, eight for each factor of
// two from 8 to 128 entries, and one for all beyond: a warp waits for its longest piece.
const (
	classes     = 8 + 4*8 + 1
	longColumns = 8 << 4
)

// classOf returns the class of a column of n entries.
func classOf(n int) int {
	switch {
	case n <= 8:
		return n - 1
	case n <= longColumns:
		octave := bits.Len(uint(n-1)) - 4
		return 8 + octave*8 + ((n-1)>>octave - 8)
	}
	return classes - 1
}

// lanesOf is the logarithm of the lanes that a piece of the class takes: one has four to
// eight entries, where there are as many.
func lanesOf(class int) int { return class / 8 }

// order is the order of pieces, host side, block after block.
type order struct {
	cols   int
	start  []int64  // the first entry of each piece, and of none the end
	column []uint32 // of each piece
	tasks  []int64  // first piece * 8 + log lanes: what a warp takes at once
	blocks []int64  // the first task of each block, and their number

	// Of the block at hand, for each of its parts, which are ordered side by side: the
	// entries of each column, then where its next one goes.
	next [][]int
}

func newOrder(cols int) *order { return &order{cols: cols, blocks: []int64{0}} }

// reset makes o the order of nothing, in the same memory.
func (o *order) reset() {
	o.start, o.column, o.tasks, o.blocks = o.start[:0], o.column[:0], o.tasks[:0], append(o.blocks[:0], 0)
}

// parts cuts n entries into as many parts as there are threads, but none so short that its
// columns are more work than its entries.
func (o *order) parts(n int) [][2]int {
	count := min(runtime.GOMAXPROCS(0), 8, max(n/(4*o.cols), 1))
	parts := make([][2]int, count)
	for k := range parts {
		parts[k] = [2]int{k * n / count, (k + 1) * n / count}
	}
	return parts
}

// each calls f for every part at once.
func (o *order) each(n int, f func(part, from, to int)) {
	var all sync.WaitGroup
	for k, p := range o.parts(n) {
		all.Go(func() { f(k, p[0], p[1]) })
	}
	all.Wait()
}

// count is the entries of column j in the block at hand.
func (o *order) count(j int) (n int) {
	for _, next := range o.next {
		n += next[j]
	}
	return n
}

// tally counts the entries of the block at hand by columns.
func (o *order) tally(col []uint32) {
	for len(o.next) < len(o.parts(len(col))) {
		o.next = append(o.next, make([]int, o.cols))
	}
	for _, next := range o.next {
		clear(next)
	}
	o.each(len(col), func(part, from, to int) {
		next := o.next[part]
		for _, j := range col[from:to] {
			next[j]++
		}
	})
}

// cut adds the block of the rows whose entries are col, in row order, from entry first of
// the matrix on: it appends its pieces.
func (o *order) cut(col []uint32, first int64) {
	o.tally(col)
	var entries, pieces [classes]int
	for j := range o.cols {
		if n := o.count(j); n > 0 {
			c := classOf(n)
			entries[c] += n
			pieces[c] += (n + pieceEntries - 1) / pieceEntries
		}
	}
	base := len(o.start)
	var entry, piece [classes]int // of the next column of the class
	at, p := 0, base
	for c := range classes {
		entry[c], piece[c] = at, p
		at += entries[c]
		p += pieces[c]
		for k := 0; k < pieces[c]; k += 32 >> lanesOf(c) {
			o.tasks = append(o.tasks, int64(piece[c]+k)<<3|int64(lanesOf(c)))
		}
	}
	o.start = slices.Grow(o.start, p-base)[:p]
	o.column = slices.Grow(o.column, p-base)[:p]
	for j := range o.cols {
		n := o.count(j)
		if n == 0 {
			continue
		}
		c := classOf(n)
		cuts := (n + pieceEntries - 1) / pieceEntries
		for k := range cuts {
			o.start[piece[c]] = first + int64(entry[c]+k*n/cuts)
			o.column[piece[c]] = uint32(j)
			piece[c]++
		}
		for _, next := range o.next {
			next[j], entry[c] = entry[c], entry[c]+next[j]
		}
	}
	o.blocks = append(o.blocks, int64(len(o.tasks)))
}

// arrange puts the entries of the block that was cut last in their places: their rows,
// numbered from row first on, and their values, if they have any.
func arrange[T uint32 | uint64 | float32 | float64](o *order, rowPtr []int64, first int, col []uint32, val []T, row []uint32, sorted []T) {
	o.each(len(col), func(part, from, to int) {
		next := o.next[part]
		i := sort.Search(len(rowPtr)-1, func(i int) bool { return rowPtr[i+1]-rowPtr[0] > int64(from) })
		for e := from; e < to; i++ {
			for last := min(int(rowPtr[i+1]-rowPtr[0]), to); e < last; e++ {
				at := next[col[e]]
				next[col[e]]++
				row[at] = uint32(first + i)
				if val != nil {
					sorted[at] = val[e]
				}
			}
		}
	})
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
