package cpu

import (
	"sort"

	"github.com/logreg-gpu/logreg-gpu/cpu/internal/simd"
)

// csr is the stored X by compressed rows: row i has the entries start[i] to start[i+1].
type csr[T number] struct {
	rows, cols int
	start      []int64
	col        []uint32
	val        []T // nil where every entry is 1

	// Where X is read in pieces, col and val begin with entry base, and hold some of the
	// rows.
	base int64
}

func (x *csr[T]) entries() int { return int(x.start[x.rows]) }

// row returns the columns and values of row i; the values are nil where all are 1.
func (x *csr[T]) row(i int) ([]uint32, []T) {
	lo, hi := x.start[i]-x.base, x.start[i+1]-x.base
	if x.val == nil {
		return x.col[lo:hi], nil
	}
	return x.col[lo:hi], x.val[lo:hi]
}

// run returns where rows lo to hi begin, and their columns and values as row does.
func (x *csr[T]) run(lo, hi int) (start []int64, col []uint32, val []T) {
	start = x.start[lo : hi+1]
	from, to := start[0]-x.base, start[hi-lo]-x.base
	if x.val != nil {
		val = x.val[from:to]
	}
	return start, x.col[from:to], val
}

// rowCost is what a row costs beside its entries, in entries: its link.
const rowCost = 4

// cost is that of the rows before i.
func (x *csr[T]) cost(i int) int { return int(x.start[i]) + rowCost*i }

// rowAt is the first row of which the rows before cost at least c.
func (x *csr[T]) rowAt(c int) int {
	return sort.Search(x.rows, func(i int) bool { return x.cost(i) >= c })
}

// blocks cuts X into logical blocks of about the same cost, by rows and entries alone. least
// is the least that a block costs.
func (x *csr[T]) blocks(least int) blocks {
	all := x.cost(x.rows)
	return blocks{rows: all, count: max(1, all/max(least, blockNumbers))}
}

// tile returns the end of the tile that begins with row i, before hi: at least one row.
func (x *csr[T]) tile(i, hi int) int {
	const entries = 1 << 14 // with their columns 128 KB in float32
	hi = min(hi, i+sparseTileRows)
	limit := x.start[i] + entries
	j := i + 1
	for j < hi && x.start[j+1] <= limit {
		j++
	}
	return j
}

// sparseTileRows bounds the rows of a tile.
const sparseTileRows = 512

// products writes x_i . w_o + b_o of rows lo to hi for each of len(bias) outputs, one run of
// hi-lo numbers an output. w holds the numbers of all outputs of a column together. A model
// has the same bits alone and among others.
func (x *csr[T]) products(lo, hi int, w, bias, z []T) {
	n := hi - lo
	if len(bias) > 1 {
		x.productsOfMany(lo, hi, w, bias, z)
		return
	}
	start, col, val := x.run(lo, hi)
	simd.Of[T]().Entries(start, col, val, w, bias[0], z[:n])
}

// productsOfMany takes the sums of simd.EntriesGeneric, a run of outputs each.
func (x *csr[T]) productsOfMany(lo, hi int, w, bias, z []T) {
	n, k := hi-lo, len(bias)
	sums := make([]T, 8*k)
	var s [8][]T
	for lane := range s {
		s[lane] = sums[lane*k:][:k]
	}
	for i := range n {
		c, v := x.row(lo + i)
		clear(sums)
		for e, j := range c {
			ve, to := T(1), s[e&7]
			if v != nil {
				ve = v[e]
			}
			for o, wo := range w[int(j)*k:][:k] {
				to[o] += T(ve * wo)
			}
		}
		for o, b := range bias {
			z[o*n+i] = (((s[0][o] + s[4][o]) + (s[2][o] + s[6][o])) + ((s[1][o] + s[5][o]) + (s[3][o] + s[7][o]))) + b
		}
	}
}

// outer adds sum_i r_io x_i of rows lo to hi to g for each of k outputs, in the layouts of
// products. The sums are float64: those of frequent columns are long.
func (x *csr[T]) outer(lo, hi int, r []T, k int, g []float64) {
	n := hi - lo
	if k > 1 {
		x.outerOfMany(lo, hi, r, k, g)
		return
	}
	start, col, val := x.run(lo, hi)
	simd.Of[T]().EntriesOuter(start, col, val, r[:n], g)
}

func (x *csr[T]) outerOfMany(lo, hi int, r []T, k int, g []float64) {
	n := hi - lo
	ri := make([]T, k)
	for i := range n {
		for o := range ri {
			ri[o] = r[o*n+i]
		}
		c, v := x.row(lo + i)
		for e, j := range c {
			ve := T(1)
			if v != nil {
				ve = v[e]
			}
			to := g[int(j)*k:][:k]
			for o, s := range ri {
				to[o] += float64(T(s * ve))
			}
		}
	}
}

// squares adds sum_i r_i x_ij^2 of rows lo to hi to g[j].
func (x *csr[T]) squares(lo, hi int, r []T, g []float64) {
	for i, ri := range r[:hi-lo] {
		c, v := x.row(lo + i)
		for e, j := range c {
			ve := T(1)
			if v != nil {
				ve = v[e]
			}
			g[j] += float64(T(T(ri*ve) * ve))
		}
	}
}
