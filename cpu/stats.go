package cpu

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// columnSums are the moments of some rows: Mean and Var hold the mean and the sum of
// squared deviations from it, each row counted by its weight.
type columnSums struct{ backend.Moments }

func newColumnSums(cols int) columnSums {
	return columnSums{backend.Moments{Mean: make([]float64, cols), Var: make([]float64, cols)}}
}

func (c *columnSums) reset() {
	c.Sum = 0
	clear(c.Mean)
	clear(c.Var)
}

// merge adds the moments of other rows (Chan, Golub, LeVeque 1979).
func (c *columnSums) merge(o *columnSums) {
	if o.Sum == 0 {
		return
	}
	sum := c.Sum + o.Sum
	share := o.Sum / sum
	for j, mean := range o.Mean {
		delta := mean - c.Mean[j]
		c.Mean[j] += float64(delta * share)
		c.Var[j] += o.Var[j] + float64(c.Sum*share*delta*delta)
	}
	c.Sum = sum
}

// finish turns the squared deviations into variances.
func (c *columnSums) finish() backend.Moments {
	for j := range c.Var {
		if c.Sum > 0 {
			c.Var[j] /= c.Sum
		}
	}
	return c.Moments
}

// heavier bounds the weight of a segment, in weights of its first tile.
const heavier = 64

// segment is tiles whose deviations are all taken from one centre, the mean of the
// first. Their squares sum to the variance plus W delta^2, with W the weight of the
// segment and delta the distance of its mean from the centre. Rows of weight w that lie
// delta off the mean on average have a variance of w delta^2 at least, so with w the
// weight of the first tile the rounding errors of the variance grow by 1 + W/w at
// most. A segment ends before W is more than heavier times w.
type segment[T number] struct {
	moments              columnSums // of the segments before
	weight, first        float64    // of the segment and of its first tile
	centre, sum, squares []float64
	own                  columnSums // the moments of the segment at its end
}

func newSegment[T number](cols int) *segment[T] {
	return &segment[T]{
		moments: newColumnSums(cols), own: newColumnSums(cols),
		centre: make([]float64, cols), sum: make([]float64, cols), squares: make([]float64, cols),
	}
}

// add takes in the rows x of a tile with weights mass, nil where all are 1.
func (s *segment[T]) add(deviations func(x []T, mass, centre, sum, squares []float64), x []T, mass []float64) {
	weight := float64(len(x) / len(s.centre))
	if mass != nil {
		weight = 0
		for _, m := range mass {
			weight += m
		}
	}
	if weight == 0 {
		return
	}
	if s.weight+weight > heavier*s.first {
		s.end()
		clear(s.centre)
		deviations(x, mass, s.centre, s.sum, s.squares)
		for j, sum := range s.sum {
			s.centre[j] = sum / weight
		}
		clear(s.sum)
		clear(s.squares)
		s.first = weight
	}
	deviations(x, mass, s.centre, s.sum, s.squares)
	s.weight += weight
}

// end adds the segment to the moments and begins another.
func (s *segment[T]) end() {
	if s.weight > 0 {
		s.own.Sum = s.weight
		for j, sum := range s.sum {
			shift := sum / s.weight
			s.own.Mean[j] = s.centre[j] + shift
			s.own.Var[j] = max(0, s.squares[j]-float64(sum*shift))
		}
		s.moments.merge(&s.own)
	}
	s.weight, s.first = 0, 0
	clear(s.sum)
	clear(s.squares)
}

// statsBytes is about how much of X goes through all sums together, in 16 rows at least:
// little enough that the processor goes on fetching what follows.
const statsBytes = 8 << 10

func (d *data[T]) statsRows() int {
	return min(max(16, statsBytes/(storedBytes[T](nil)*d.Cols())&^15), tileRows(d.Cols()))
}

func (d *data[T]) Stats(ctx context.Context, weight int) (*backend.Stats, error) {
	if d.closed {
		return nil, backend.ErrClosed
	}
	if weight < backend.None || weight >= d.columns.Weights {
		return nil, &backend.SourceError{Part: fmt.Sprintf("weight column %d", weight), Reason: fmt.Sprintf("does not exist; the source has %d", d.columns.Weights)}
	}
	if c := d.checked; c != nil && c.weight == weight {
		d.checked = nil // given away
		return c.stats, nil
	}
	weights := d.columns.Masses(backend.Model{Weight: weight})
	cols, tile := d.Cols(), d.statsRows()
	type partial struct {
		plain, weighted *segment[T]
		least, most     []T
		nonZero         []float64
	}
	fresh := func() *partial {
		return &partial{
			plain: newSegment[T](cols), weighted: newSegment[T](cols),
			least: make([]T, cols), most: make([]T, cols), nonZero: make([]float64, cols),
		}
	}
	work := func(p *partial, rows *band[T], lo, hi int) {
		p.plain.moments.reset()
		p.weighted.moments.reset()
		clear(p.nonZero)
		for i := lo; i < hi; i += tile {
			n := min(tile, hi-i)
			x := rows.tile(i, i+n)
			if i == lo {
				copy(p.least, x)
				copy(p.most, x)
			}
			d.kernel.Ranges(x, p.least, p.most, p.nonZero)
			p.plain.add(d.kernel.Deviations, x, nil)
			if weights != nil {
				p.weighted.add(d.kernel.Deviations, x, weights[i:i+n])
			}
		}
		p.plain.end()
		p.weighted.end()
	}
	s := &backend.Stats{
		Min: slices.Repeat([]float64{math.Inf(1)}, cols), Max: slices.Repeat([]float64{math.Inf(-1)}, cols),
		NonZero: make([]int64, cols),
	}
	plain, weighted := newColumnSums(cols), newColumnSums(cols)
	add := func(p *partial) {
		for j, n := range p.nonZero {
			s.Min[j], s.Max[j] = min(s.Min[j], float64(p.least[j])), max(s.Max[j], float64(p.most[j]))
			s.NonZero[j] += int64(n)
		}
		plain.merge(&p.plain.moments)
		weighted.merge(&p.weighted.moments)
	}
	if err := pass(ctx, d, 1, 2*d.threads, fresh, work, add); err != nil {
		return nil, err
	}
	s.Moments = plain.finish()
	if weights != nil {
		s.Weighted = weighted.finish()
	}
	return s, nil
}
