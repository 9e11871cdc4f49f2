package cpu

import (
	"context"
	"sync"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/internal/pieces"
)

// finish fills all, but for the sum of weights, which is there: of rows of the given masses,
// of which counted are not 0. A nil mass is all ones.
//
// Squares about 0 lose as many digits as a column is far from it. Most columns of sparse X
// are full of zeros; those that are not, and far, are read once more.
func (d *sparse[T]) finish(ctx context.Context, all *backend.Moments, total *entrySums[T], mass []float64, counted int) error {
	cols, sum := d.Cols(), all.Sum
	far := farColumns{mass: mass}
	var mu sync.Mutex
	column := func(j int) {
		entries, weight, first, squares := total.of(j, mass != nil)
		if sum == 0 || weight == 0 {
			return
		}
		zeros := max(0, sum-weight)
		if entries == counted { // else rounding would leave zeros some weight
			zeros = 0
		}
		m := momentsAbout(0, weight, first, squares)
		if least, most := total.span(j); least == most {
			m.mean, m.squares = least, 0
		} else if !m.with(zeros).tells(squares) {
			mu.Lock()
			defer mu.Unlock()
			far.add(cols, j, m.mean, zeros)
			return
		}
		m = m.with(zeros)
		all.Mean[j], all.Var[j] = m.mean, m.squares/sum
	}
	pieces.Each(cols, d.threads, func(lo, hi int) {
		for j := lo; j < hi; j++ {
			column(j)
		}
	})
	err := d.sumFar(ctx, &far)
	for k, j := range far.cols {
		m := far.sums[k].moments.with(far.sums[k].zeros)
		all.Mean[j], all.Var[j] = m.mean, m.squares/sum
	}
	return err
}

// moments are the weight of some numbers, their mean and the sum of squares about it.
type moments struct{ weight, mean, squares float64 }

// momentsAbout turns sums of deviations from a point into moments.
func momentsAbout(point, weight, sum, squares float64) moments {
	off := sum / weight
	return moments{weight, point + off, max(0, squares-float64(sum*off))}
}

// with adds zeros of the given weight.
func (m moments) with(zeros float64) moments {
	if zeros > 0 {
		sum := m.weight + zeros
		m.squares += float64(zeros * (m.weight / sum) * float64(m.mean*m.mean))
		m.mean *= m.weight / sum
		m.weight = sum
	}
	return m
}

// cancels is how many times the squares about the mean those about another point may be:
// they lose as many times the rounding of their sums.
const cancels = 64

// tells whether squares about some point leave those about the mean their digits.
func (m moments) tells(squares float64) bool { return squares <= cancels*m.squares || squares == 0 }

// farColumns are columns that are summed about their means.
type farColumns struct {
	mass  []float64
	place []int32 // of each column, 1 + that in sums, or 0
	cols  []int
	sums  []farSums
}

type farSums struct {
	open                 bool // is to be summed
	point                float64
	weight, sum, squares float64 // of deviations from it
	zeros                float64
	moments              moments
}

// farRounds bounds how often a column is summed. A mean that is found among entries 10^16
// times as large is so far off itself that the next one is needed.
const farRounds = 3

func (f *farColumns) add(cols, j int, point, zeros float64) {
	if f.place == nil {
		f.place = make([]int32, cols)
	}
	f.cols, f.sums = append(f.cols, j), append(f.sums, farSums{open: true, point: point, zeros: zeros})
	f.place[j] = int32(len(f.sums))
}

// sumFar finds the moments of the columns of f.
func (d *sparse[T]) sumFar(ctx context.Context, f *farColumns) error {
	for round, open := 0, len(f.cols) > 0; open && round < farRounds; round++ {
		fresh := func() []farSums { return append([]farSums(nil), f.sums...) }
		work := func(p []farSums, x *csr[T], lo, hi int) { takeFar(f, p, x, x.rowAt(lo), x.rowAt(hi)) }
		add := func(p []farSums) {
			for k := range p {
				f.sums[k].drain(&p[k])
			}
		}
		const bytes = 80
		if err := sparsePass(ctx, d, d.sumBlocks(), d.room(bytes*len(f.sums)), fresh, work, add); err != nil {
			return err
		}
		open = false
		for k := range f.sums {
			if s := &f.sums[k]; s.open {
				s.moments = momentsAbout(s.point, s.weight, s.sum, s.squares)
				s.open = !s.moments.with(s.zeros).tells(s.squares)
				s.point, s.weight, s.sum, s.squares = s.moments.mean, 0, 0, 0
				open = open || s.open
			}
		}
	}
	return nil
}

func takeFar[T number](f *farColumns, sums []farSums, x *csr[T], lo, hi int) {
	for i := lo; i < hi; i++ {
		col, val := x.row(i)
		w := 1.0
		if f.mass != nil {
			w = f.mass[i]
		}
		for e, j := range col {
			if at := f.place[j]; at != 0 && w != 0 && sums[at-1].open {
				s := &sums[at-1]
				dev := float64(val[e]) - s.point
				s.weight += w
				s.sum += float64(w * dev)
				s.squares += float64(w * float64(dev*dev))
			}
		}
	}
}

// drain adds the sums of p to s, and clears them.
func (s *farSums) drain(p *farSums) {
	s.weight, s.sum, s.squares = s.weight+p.weight, s.sum+p.sum, s.squares+p.squares
	p.weight, p.sum, p.squares = 0, 0, 0
}
