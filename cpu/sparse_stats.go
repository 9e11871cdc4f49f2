package cpu

import (
	"context"
	"fmt"
	"sync"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/internal/hugepages"
	"github.com/logreg-gpu/logreg-gpu/internal/pieces"
)

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
	mass := d.columns.Masses(backend.Model{Weight: weight})
	counted, weights := 0, 0.0 // of the rows that weigh anything
	for _, w := range mass {
		weights += w
		if w != 0 {
			counted++
		}
	}
	cols, rows := d.Cols(), d.Rows()
	var (
		mu    sync.Mutex
		made  []*entrySums[T]
		sums  = loan{from: d.sums}
		total = newBlockTotal[T](cols, d.valued(), mass != nil, sums.take)
	)
	fresh := func() *entrySums[T] {
		p := newEntrySums[T](cols, d.valued(), mass != nil, counted == rows, sums.take)
		mu.Lock()
		defer mu.Unlock()
		made = append(made, p)
		return p
	}
	work := func(p *entrySums[T], x *csr[T], lo, hi int) { p.take(x, x.rowAt(lo), x.rowAt(hi), mass) }
	add := func(p *entrySums[T]) { p.drain(total) }
	if err := sparsePass(ctx, d, d.sumBlocks(), d.room(entrySumsBytes*cols), fresh, work, add); err != nil {
		return nil, err
	}
	for _, p := range made {
		p.join(total, d.threads)
	}
	v := hugepages.Vectors(cols, 6)
	s := &backend.Stats{Min: v[0], Max: v[1], NonZero: make([]int64, cols)}
	s.Mean, s.Var = v[2], v[3]
	pieces.Each(cols, d.threads, func(lo, hi int) {
		for j := lo; j < hi; j++ {
			n := total.count[j]
			s.NonZero[j] = int64(n)
			s.Min[j], s.Max[j] = total.span(j)
			if int(n) < rows {
				s.Min[j], s.Max[j] = min(s.Min[j], 0), max(s.Max[j], 0)
			}
		}
	})
	for j, n := range total.zeros {
		s.NonZero[j] -= int64(n)
	}
	s.Moments.Sum = float64(rows)
	if err := d.finish(ctx, &s.Moments, total, nil, rows); err != nil {
		return nil, err
	}
	if mass != nil {
		s.Weighted = backend.Moments{Sum: weights, Mean: v[4], Var: v[5]}
		if err := d.finish(ctx, &s.Weighted, total, mass, counted); err != nil {
			return nil, err
		}
	}
	total.clear(d.threads)
	sums.settle(true)
	return s, nil
}
