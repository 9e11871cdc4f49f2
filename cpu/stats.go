package cpu

import (
	"context"
	"fmt"

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

// of sets c to the moments of the rows x with weights w (nil: 1), read twice while
// they are in the cache.
func (c *columnSums) of(x []float64, w []float64) {
	c.reset()
	cols := len(c.Mean)
	rows := len(x) / cols
	weight := func(i int) float64 {
		if w == nil {
			return 1
		}
		return w[i]
	}
	for i := range rows {
		c.Sum += weight(i)
	}
	if c.Sum == 0 {
		return
	}
	for i := range rows {
		share := weight(i) / c.Sum
		for j, v := range x[i*cols : (i+1)*cols] {
			c.Mean[j] += float64(share * v)
		}
	}
	for i := range rows {
		m := weight(i)
		for j, v := range x[i*cols : (i+1)*cols] {
			dev := v - c.Mean[j]
			c.Var[j] += float64(m*dev) * dev
		}
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
		min, max              []T
		nonZero               []int64
		x                     []T
		wide                  []float64
	}
	fresh := func() *partial {
		return &partial{
			plain: newColumnSums(cols), weighted: newColumnSums(cols), tile: newColumnSums(cols),
			min: make([]T, cols), max: make([]T, cols), nonZero: make([]int64, cols),
			x: d.x.buffer(tile), wide: make([]float64, tile*cols),
		}
	}
	work := func(p *partial, lo, hi int) {
		p.plain.reset()
		p.weighted.reset()
		clear(p.nonZero)
		for i := lo; i < hi; i += tile {
			n := min(tile, hi-i)
			x := d.x.tile(i, i+n, p.x)
			if i == lo {
				copy(p.min, x)
				copy(p.max, x)
			}
			wide := p.wide[:len(x)]
			for a := range n {
				for j, v := range x[a*cols : (a+1)*cols] {
					wide[a*cols+j] = float64(v)
					p.min[j], p.max[j] = min(p.min[j], v), max(p.max[j], v)
					if v != 0 {
						p.nonZero[j]++
					}
				}
			}
			p.tile.of(wide, nil)
			p.plain.merge(&p.tile)
			if weights != nil {
				p.tile.of(wide, weights[i:i+n])
				p.weighted.merge(&p.tile)
			}
		}
	}
	s := &backend.Stats{NonZero: make([]int64, cols)}
	plain, weighted := newColumnSums(cols), newColumnSums(cols)
	add := func(p *partial) {
		if s.Min == nil {
			s.Min, s.Max = widened(p.min), widened(p.max)
		}
		for j := range cols {
			s.Min[j], s.Max[j] = min(s.Min[j], float64(p.min[j])), max(s.Max[j], float64(p.max[j]))
			s.NonZero[j] += p.nonZero[j]
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

func widened[T number](v []T) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = float64(x)
	}
	return out
}
