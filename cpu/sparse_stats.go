package cpu

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// entryMoments are the moments of the entries of each column: Mean and Var hold their mean
// and the sum of squared deviations from it.
type entryMoments struct {
	weight, mean, squares []float64
	counted               []int64 // entries of rows that weigh anything
}

func newEntryMoments(cols int) entryMoments {
	return entryMoments{make([]float64, cols), make([]float64, cols), make([]float64, cols), make([]int64, cols)}
}

// take sets m to the moments of rows lo to hi: it goes over them twice, so that squares are
// those of small numbers. A nil mass is all ones.
func take[T number](m *entryMoments, x *csr[T], lo, hi int, mass []float64) {
	clear(m.weight)
	clear(m.mean)
	clear(m.squares)
	clear(m.counted)
	each := func(f func(j uint32, v, w float64)) {
		for i := lo; i < hi; i++ {
			w := 1.0
			if mass != nil {
				w = mass[i]
			}
			if w == 0 {
				continue
			}
			col, val := x.row(i)
			for e, j := range col {
				v := 1.0
				if val != nil {
					v = float64(val[e])
				}
				f(j, v, w)
			}
		}
	}
	each(func(j uint32, v, w float64) {
		m.weight[j] += w
		m.mean[j] += float64(w * v)
		m.counted[j]++
	})
	for j, w := range m.weight {
		if w > 0 {
			m.mean[j] /= w
		}
	}
	each(func(j uint32, v, w float64) {
		dev := v - m.mean[j]
		m.squares[j] += float64(w * float64(dev*dev))
	})
}

// merge adds the moments of other entries (Chan, Golub, LeVeque 1979).
func (m *entryMoments) merge(o *entryMoments) {
	for j, w := range o.weight {
		if w == 0 {
			continue
		}
		sum := m.weight[j] + w
		delta, share := o.mean[j]-m.mean[j], w/sum
		m.mean[j] += float64(delta * share)
		m.squares[j] += o.squares[j] + float64(m.weight[j]*share*delta*delta)
		m.weight[j] = sum
		m.counted[j] += o.counted[j]
	}
}

// finish adds the zeros that are not stored: of rows of weight sum, counted of which weigh
// anything.
func (m *entryMoments) finish(sum float64, counted int64) backend.Moments {
	all := backend.Moments{Sum: sum, Mean: m.mean, Var: m.squares}
	for j, w := range m.weight {
		if sum == 0 {
			break
		}
		if m.counted[j] < counted { // else rounding would leave zeros some weight
			zeros := max(0, sum-w)
			all.Var[j] += float64(zeros * (w / sum) * float64(m.mean[j]*m.mean[j]))
			all.Mean[j] *= min(1, w/sum)
		}
		all.Var[j] /= sum
	}
	return all
}

func (d *sparse[T]) Stats(ctx context.Context, weight int) (*backend.Stats, error) {
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
	cols := d.Cols()
	type partial struct {
		plain, weighted entryMoments
		least, most     []T
		nonZero         []int64
		lo, hi          int
	}
	fresh := func() *partial {
		p := &partial{plain: newEntryMoments(cols), least: make([]T, cols), most: make([]T, cols), nonZero: make([]int64, cols)}
		if weights != nil {
			p.weighted = newEntryMoments(cols)
		}
		return p
	}
	work := func(p *partial, x *csr[T], lo, hi int) {
		p.lo, p.hi = x.rowAt(lo), x.rowAt(hi)
		take(&p.plain, x, p.lo, p.hi, nil)
		if weights != nil {
			take(&p.weighted, x, p.lo, p.hi, weights)
		}
		clear(p.nonZero)
		for j := range cols {
			p.least[j], p.most[j] = T(math.Inf(1)), T(math.Inf(-1))
		}
		if x.val == nil {
			for j, n := range p.plain.counted {
				p.nonZero[j] = n
				if n > 0 {
					p.least[j], p.most[j] = 1, 1
				}
			}
			return
		}
		for i := p.lo; i < p.hi; i++ {
			col, val := x.row(i)
			for e, j := range col {
				v := val[e]
				p.least[j], p.most[j] = min(p.least[j], v), max(p.most[j], v)
				if v != 0 {
					p.nonZero[j]++
				}
			}
		}
	}
	s := &backend.Stats{
		Min: slices.Repeat([]float64{math.Inf(1)}, cols), Max: slices.Repeat([]float64{math.Inf(-1)}, cols),
		NonZero: make([]int64, cols),
	}
	plain, weighted := newEntryMoments(cols), newEntryMoments(cols)
	add := func(p *partial) {
		for j, n := range p.nonZero {
			s.Min[j], s.Max[j] = min(s.Min[j], float64(p.least[j])), max(s.Max[j], float64(p.most[j]))
			s.NonZero[j] += n
		}
		plain.merge(&p.plain)
		if weights != nil {
			weighted.merge(&p.weighted)
		}
	}
	if err := sparsePass(ctx, d, d.sumBlocks(), d.room(8*8*cols), fresh, work, add); err != nil {
		return nil, err
	}
	rows := int64(d.Rows())
	for j, n := range plain.counted {
		if n < rows {
			s.Min[j], s.Max[j] = min(s.Min[j], 0), max(s.Max[j], 0)
		}
	}
	s.Moments = plain.finish(float64(rows), rows)
	if weights != nil {
		sum, counted := 0.0, int64(0)
		for _, w := range weights {
			sum += w
			if w > 0 {
				counted++
			}
		}
		s.Weighted = weighted.finish(sum, counted)
	}
	return s, nil
}
