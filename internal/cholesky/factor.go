package cholesky

import (
	"sync"
	"sync/atomic"
)

// Factor replaces a symmetric matrix of n rows, stride apart in a, by U with U'U = a. It
// reads and writes the upper triangle and leaves what is below the diagonal alone. It
// tells whether a is positive definite; if not, the upper triangle is lost. threads
// bounds the goroutines at work and changes no bit.
//
// For each row of tiles: factorise the one on the diagonal, solve for the others, and
// subtract their products from the tiles below.
func Factor(a []float64, n, stride, threads int) bool {
	return factor(fastest, a, n, stride, threads)
}

func factor(s subtraction, a []float64, n, stride, threads int) bool {
	if n == 0 {
		return true
	}
	side := min(block, n)
	tiles := (n + side - 1) / side
	fresh := func() tile { return tile{vals: make([]float64, side*side), side: side} }
	row := make([]tile, tiles) // the present row of tiles, from the diagonal on
	for j := range row {
		row[j] = fresh()
	}
	// Tiles on the diagonal are brought up to date in a copy, for their lower triangles.
	spare := sync.Pool{New: func() any { t := fresh(); return &t }}
	extent := func(j int) int { return min(side, n-j*side) }
	for k := range tiles {
		d := &row[k]
		d.load(a, stride, k*side, k*side, extent(k), extent(k))
		if !d.factorise(s) {
			return false
		}
		d.store(a, stride, k*side, k*side)
		rest := tiles - k - 1
		each(rest, threads, func(i int) {
			j := k + 1 + i
			row[j].load(a, stride, k*side, j*side, extent(k), extent(j))
			d.forward(s, &row[j])
			row[j].store(a, stride, k*side, j*side)
		})
		each(rest*(rest+1)/2, threads, func(p int) {
			i, j := pair(p)
			i, j = k+1+i, k+1+j
			u, v := &row[i], &row[j]
			if i != j {
				s.subtract(a[i*side*stride+j*side:], stride, u.vals, v.vals, u.cols, v.cols, u.rows, side, false)
				return
			}
			t := spare.Get().(*tile)
			t.load(a, stride, i*side, i*side, u.cols, u.cols)
			s.subtract(t.vals, side, u.vals, u.vals, u.cols, u.cols, u.rows, side, true)
			t.store(a, stride, i*side, i*side)
			spare.Put(t)
		})
	}
	return true
}

// pair numbers the pairs i <= j by p: all with j = 0 first, then with j = 1, and so on.
func pair(p int) (i, j int) {
	for j = 0; p > j; j++ {
		p -= j + 1
	}
	return p, j
}

// each calls do for 0 to n-1 on up to threads goroutines.
func each(n, threads int, do func(i int)) {
	if threads = min(threads, n); threads <= 1 {
		for i := range n {
			do(i)
		}
		return
	}
	var next atomic.Int64
	var done sync.WaitGroup
	for range threads {
		done.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	done.Wait()
}
