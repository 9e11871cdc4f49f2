package cpu

import (
	"math"

	"github.com/logreg-gpu/logreg-gpu/internal/pieces"
)

// entrySums are sums of the entries of each column. Every kind is added up by a sweep of
// its own over a block: what there is of it is small enough for the cache then, which all
// of them together are not, where there are 100,000 columns.
type entrySums[T number] struct {
	// Of all blocks that were taken: these have no rounding, and so no order.
	count, weighs []uint32    // entries, and those of rows that weigh anything (nil: all do)
	bounds        []bounds[T] // of the values; nil where all are 1
	zeros         []uint32    // entries that are 0; nil where there are none

	// Of one block. Those that follow from others where all values are 1 are nil then.
	sum, squares                   []float64
	weight, weighted, weighSquares []float64 // nil without weights
}

// entrySumsBytes is the size of entrySums, for each column.
const entrySumsBytes = 3*4 + 16 + 5*8

type bounds[T number] struct{ least, most T }

// newEntrySums makes room for values that are not all 1 if valued, and for weights if
// weighted, of which some are 0 unless all. Zeros are from take.
func newEntrySums[T number](cols int, valued, weighted, all bool, take func(size int) []float64) *entrySums[T] {
	s := newBlockTotal[T](cols, valued, weighted, take)
	s.count = make([]uint32, cols)
	if weighted && !all {
		s.weighs = make([]uint32, cols)
	}
	if valued {
		s.bounds = make([]bounds[T], cols)
		for j := range s.bounds {
			s.bounds[j] = bounds[T]{T(math.Inf(1)), T(math.Inf(-1))}
		}
	}
	return s
}

// newBlockTotal makes room for the sums of blocks alone.
func newBlockTotal[T number](cols int, valued, weighted bool, take func(size int) []float64) *entrySums[T] {
	s := new(entrySums[T])
	if valued {
		s.sum, s.squares = take(cols), take(cols)
	}
	if weighted {
		s.weight = take(cols)
	}
	if weighted && valued {
		s.weighted, s.weighSquares = take(cols), take(cols)
	}
	return s
}

// take adds rows lo to hi. A nil mass is all ones.
func (s *entrySums[T]) take(x *csr[T], lo, hi int, mass []float64) {
	from, to := x.start[lo]-x.base, x.start[hi]-x.base
	col := x.col[from:to]
	count := s.count
	for _, j := range col {
		count[j]++
	}
	if s.bounds != nil {
		s.takeValues(col, x.val[from:to])
	}
	if s.weight != nil {
		s.takeWeighted(x, lo, hi, mass)
	}
}

func (s *entrySums[T]) takeValues(col []uint32, val []T) {
	val = val[:len(col)]
	bounds, zero := s.bounds, false
	for e, j := range col {
		b, v := &bounds[j], val[e]
		b.least, b.most = min(b.least, v), max(b.most, v)
		zero = zero || v == 0
	}
	if zero {
		s.takeZeros(col, val)
	}
	sum, squares := s.sum, s.squares
	for e, j := range col {
		sum[j] += float64(val[e])
	}
	for e, j := range col {
		v := float64(val[e])
		squares[j] += float64(v * v)
	}
}

func (s *entrySums[T]) takeZeros(col []uint32, val []T) {
	if s.zeros == nil {
		s.zeros = make([]uint32, len(s.count))
	}
	for e, j := range col {
		if val[e] == 0 {
			s.zeros[j]++
		}
	}
}

func (s *entrySums[T]) takeWeighted(x *csr[T], lo, hi int, mass []float64) {
	rows := func(f func(w float64, col []uint32, val []T)) {
		for i := lo; i < hi; i++ {
			if w := mass[i]; w != 0 {
				col, val := x.row(i)
				f(w, col, val)
			}
		}
	}
	if s.weighs != nil {
		rows(func(_ float64, col []uint32, _ []T) {
			for _, j := range col {
				s.weighs[j]++
			}
		})
	}
	rows(func(w float64, col []uint32, _ []T) {
		for _, j := range col {
			s.weight[j] += w
		}
	})
	if s.weighted == nil {
		return
	}
	rows(func(w float64, col []uint32, val []T) {
		for e, j := range col {
			s.weighted[j] += float64(w * float64(val[e]))
		}
	})
	rows(func(w float64, col []uint32, val []T) {
		for e, j := range col {
			v := float64(val[e])
			s.weighSquares[j] += float64(w * float64(v*v))
		}
	})
}

// drain adds the sums of a block to those of total, and clears them.
func (s *entrySums[T]) drain(total *entrySums[T]) {
	drain(total.sum, s.sum)
	drain(total.squares, s.squares)
	drain(total.weight, s.weight)
	drain(total.weighted, s.weighted)
	drain(total.weighSquares, s.weighSquares)
}

// clear makes zeros of the sums of blocks.
func (s *entrySums[T]) clear(threads int) {
	for _, v := range [][]float64{s.sum, s.squares, s.weight, s.weighted, s.weighSquares} {
		pieces.Each(len(v), threads, func(lo, hi int) { clear(v[lo:hi]) })
	}
}

// join adds what has no order to total, which takes the first as it is.
func (s *entrySums[T]) join(total *entrySums[T], threads int) {
	if total.count == nil {
		total.count, total.weighs, total.bounds, total.zeros = s.count, s.weighs, s.bounds, s.zeros
		return
	}
	if s.zeros != nil && total.zeros == nil {
		total.zeros = make([]uint32, len(s.zeros))
	}
	pieces.Each(len(s.count), threads, func(lo, hi int) {
		for j := lo; j < hi; j++ {
			total.count[j] += s.count[j]
			if s.weighs != nil {
				total.weighs[j] += s.weighs[j]
			}
			if s.zeros != nil {
				total.zeros[j] += s.zeros[j]
			}
			if s.bounds != nil {
				b, t := s.bounds[j], &total.bounds[j]
				t.least, t.most = min(t.least, b.least), max(t.most, b.most)
			}
		}
	})
}

// of returns how many entries column j has, with weighted those that weigh anything, their
// weight, and the sums of them and of their squares.
func (s *entrySums[T]) of(j int, weighted bool) (entries int, weight, sum, squares float64) {
	entries, weight = int(s.count[j]), float64(s.count[j])
	of, ofSquares := s.sum, s.squares
	if weighted {
		weight, of, ofSquares = s.weight[j], s.weighted, s.weighSquares
		if s.weighs != nil {
			entries = int(s.weighs[j])
		}
	}
	if s.bounds == nil {
		return entries, weight, weight, weight
	}
	return entries, weight, of[j], ofSquares[j]
}

// span returns the least and the largest of the entries of column j.
func (s *entrySums[T]) span(j int) (least, most float64) {
	switch {
	case s.bounds != nil:
		return float64(s.bounds[j].least), float64(s.bounds[j].most)
	case s.count[j] > 0:
		return 1, 1
	}
	return math.Inf(1), math.Inf(-1)
}
