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
		c.Var[j] += o.Var[j] + float64(c.Sum*share*delta)*delta
	}
	c.Sum = sum
}

// weighted sets c to the moments of a tile's rows x with weights w; each column is
// read twice while it is in the cache.
func weighted[T number](c *columnSums, x []T, w []float64) {
	c.reset()
	cols := len(c.Mean)
	for _, m := range w {
		c.Sum += m
	}
	if c.Sum == 0 {
		return
	}
	for j := range cols {
		mean, squares := 0.0, 0.0
		for i, m := range w {
			mean += float64(m / c.Sum * float64(x[i*cols+j]))
		}
		for i, m := range w {
			d := float64(x[i*cols+j]) - mean
			squares += float64(m*d) * d
		}
		c.Mean[j], c.Var[j] = mean, squares
	}
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

// columnRange is what else is known of a column.
type columnRange[T number] struct {
	min, max T
	nonZero  int64
}

func (r *columnRange[T]) add(v T) {
	if v < r.min {
		r.min = v
	}
	if v > r.max {
		r.max = v
	}
	r.nonZero += one(v != 0)
}

// one is 1 where b holds, without a branch that sparse columns would make costly.
func one(b bool) (n int64) {
	if b {
		n = 1
	}
	return n
}

// plain is weighted with all weights 1, and extends the ranges. The columns are taken
// two at a time, whose sums stay in registers.
func plain[T number](c *columnSums, ranges []columnRange[T], x []T) {
	cols := len(ranges)
	c.Sum = float64(len(x) / cols)
	j := 0
	for ; j+2 <= cols; j += 2 {
		var s0, s1 float64
		r0, r1 := ranges[j], ranges[j+1]
		for at := j; at < len(x)-1; at += cols {
			v0, v1 := x[at], x[at+1]
			r0.add(v0)
			r1.add(v1)
			s0 += float64(v0)
			s1 += float64(v1)
		}
		ranges[j], ranges[j+1] = r0, r1
		m0, m1 := s0/c.Sum, s1/c.Sum
		s0, s1 = 0, 0
		for at := j; at < len(x)-1; at += cols {
			d0, d1 := float64(x[at])-m0, float64(x[at+1])-m1
			s0 += float64(d0 * d0)
			s1 += float64(d1 * d1)
		}
		c.Mean[j], c.Mean[j+1] = m0, m1
		c.Var[j], c.Var[j+1] = s0, s1
	}
	for ; j < cols; j++ {
		r, mean, squares := ranges[j], 0.0, 0.0
		for at := j; at < len(x); at += cols {
			r.add(x[at])
			mean += float64(x[at])
		}
		mean /= c.Sum
		for at := j; at < len(x); at += cols {
			d := float64(x[at]) - mean
			squares += float64(d * d)
		}
		ranges[j], c.Mean[j], c.Var[j] = r, mean, squares
	}
}

func (d *data[T]) Stats(ctx context.Context, weight int) (*backend.Stats, error) {
	if d.closed {
		return nil, backend.ErrClosed
	}
	if weight < backend.None || weight >= d.columns.Weights {
		return nil, &backend.SourceError{Part: fmt.Sprintf("weight column %d", weight), Reason: fmt.Sprintf("does not exist; the source has %d", d.columns.Weights)}
	}
	weights := d.columns.Masses(backend.Model{Weight: weight})
	cols, tile := d.Cols(), tileRows(d.Cols())
	type partial struct {
		plain, weighted, tile columnSums
		ranges                []columnRange[T]
		x                     []T
	}
	fresh := func() *partial {
		return &partial{
			plain: newColumnSums(cols), weighted: newColumnSums(cols), tile: newColumnSums(cols),
			ranges: make([]columnRange[T], cols), x: d.x.buffer(tile),
		}
	}
	work := func(p *partial, lo, hi int) {
		p.plain.reset()
		p.weighted.reset()
		for i := lo; i < hi; i += tile {
			n := min(tile, hi-i)
			x := d.x.tile(i, i+n, p.x)
			if i == lo {
				for j, v := range x[:cols] {
					p.ranges[j] = columnRange[T]{min: v, max: v}
				}
			}
			plain(&p.tile, p.ranges, x)
			p.plain.merge(&p.tile)
			if weights != nil {
				weighted(&p.tile, x, weights[i:i+n])
				p.weighted.merge(&p.tile)
			}
		}
	}
	s := &backend.Stats{
		Min: slices.Repeat([]float64{math.Inf(1)}, cols), Max: slices.Repeat([]float64{math.Inf(-1)}, cols),
		NonZero: make([]int64, cols),
	}
	plain, weighted := newColumnSums(cols), newColumnSums(cols)
	add := func(p *partial) {
		for j, r := range p.ranges {
			s.Min[j], s.Max[j] = min(s.Min[j], float64(r.min)), max(s.Max[j], float64(r.max))
			s.NonZero[j] += r.nonZero
		}
		plain.merge(&p.plain)
		weighted.merge(&p.weighted)
	}
	if err := reduce(ctx, d.blocks(), d.threads, 2*d.threads, fresh, work, add); err != nil {
		return nil, err
	}
	s.Moments = plain.finish()
	if weights != nil {
		s.Weighted = weighted.finish()
	}
	return s, nil
}
