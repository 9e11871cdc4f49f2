package cpu

import "sort"

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
// hi-lo numbers an output. w holds the numbers of all outputs of a column together.
//
// Entries go to four sums by turns, whatever the number of outputs: a model has the same
// bits alone and among others.
func (x *csr[T]) products(lo, hi int, w, bias, z []T) {
	n := hi - lo
	if len(bias) > 1 {
		x.productsOfMany(lo, hi, w, bias, z)
		return
	}
	b := bias[0]
	for i := range n {
		c, v := x.row(lo + i)
		var s0, s1, s2, s3 T
		if v == nil {
			for len(c) >= 4 {
				cc := (*[4]uint32)(c)
				s0 += w[cc[0]]
				s1 += w[cc[1]]
				s2 += w[cc[2]]
				s3 += w[cc[3]]
				c = c[4:]
			}
			for _, j := range c {
				s0 += w[j]
			}
		} else {
			for len(c) >= 4 && len(v) >= 4 {
				cc, vv := (*[4]uint32)(c), (*[4]T)(v)
				s0 += T(vv[0] * w[cc[0]])
				s1 += T(vv[1] * w[cc[1]])
				s2 += T(vv[2] * w[cc[2]])
				s3 += T(vv[3] * w[cc[3]])
				c, v = c[4:], v[4:]
			}
			for e, j := range c {
				s0 += T(v[e] * w[j])
			}
		}
		z[i] = b + ((s0 + s2) + (s1 + s3))
	}
}

func (x *csr[T]) productsOfMany(lo, hi int, w, bias, z []T) {
	n, k := hi-lo, len(bias)
	sums := make([]T, 4*k)
	s0, s1, s2, s3 := sums[:k], sums[k:][:k], sums[2*k:][:k], sums[3*k:][:k]
	at := func(j uint32) []T { return w[int(j)*k:][:k] }
	for i := range n {
		c, v := x.row(lo + i)
		clear(sums)
		e := 0
		for ; e+4 <= len(c); e += 4 {
			w0, w1, w2, w3 := at(c[e]), at(c[e+1]), at(c[e+2]), at(c[e+3])
			v0, v1, v2, v3 := T(1), T(1), T(1), T(1)
			if v != nil {
				v0, v1, v2, v3 = v[e], v[e+1], v[e+2], v[e+3]
			}
			for o := range s0 {
				s0[o] += T(v0 * w0[o])
				s1[o] += T(v1 * w1[o])
				s2[o] += T(v2 * w2[o])
				s3[o] += T(v3 * w3[o])
			}
		}
		for ; e < len(c); e++ {
			ve, we := T(1), at(c[e])
			if v != nil {
				ve = v[e]
			}
			for o := range s0 {
				s0[o] += T(ve * we[o])
			}
		}
		for o, b := range bias {
			z[o*n+i] = b + ((s0[o] + s2[o]) + (s1[o] + s3[o]))
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
	for i, ri := range r[:n] {
		c, v := x.row(lo + i)
		if v == nil {
			one := float64(ri)
			for _, j := range c {
				g[j] += one
			}
			continue
		}
		for len(c) >= 4 && len(v) >= 4 {
			cc, vv := (*[4]uint32)(c), (*[4]T)(v)
			g[cc[0]] += float64(T(ri * vv[0]))
			g[cc[1]] += float64(T(ri * vv[1]))
			g[cc[2]] += float64(T(ri * vv[2]))
			g[cc[3]] += float64(T(ri * vv[3]))
			c, v = c[4:], v[4:]
		}
		for e, j := range c {
			g[j] += float64(T(ri * v[e]))
		}
	}
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
