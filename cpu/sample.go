package cpu

import (
	"context"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/internal/columns"
)

// gatherAhead is how many rows ahead are asked for: the processor does not guess where the
// next one lies. Drawing an eighth of 2,000,000 x 28 takes 0.6 to 0.8 of the time without.
const gatherAhead = 16

func (d *data[T]) Sample(ctx context.Context, rows []int, factor []float64) (_ backend.Data, err error) {
	if d.closed {
		return nil, backend.ErrClosed
	}
	if err := columns.CheckRows(rows, factor, d.columns.Rows); err != nil {
		return nil, err
	}
	s := &data[T]{
		frame:  frame[T]{storage: d.storage, affine: d.affine, threads: d.threads, kernel: d.kernel},
		memory: d.memory, took: int64(len(rows)) * d.sampledBytes(),
	}
	if err := s.memory.reserve(s.took, d.least()); err != nil {
		return nil, err
	}
	if d.stream != nil {
		d.stream.drop()
	}
	s.x = allocate[T](len(rows), d.Cols(), d.narrow())
	if d.stream != nil {
		err = d.stream.gather(ctx, d.threads, rows, s.x)
	} else {
		err = each(ctx, logicalBlocks(len(rows), d.Cols()), d.threads, func() struct{} { return struct{}{} }, func(_ struct{}, lo, hi int) {
			for i := lo; i < hi; i++ {
				if next := i + gatherAhead; next < hi {
					d.x.prefetchRow(rows[next])
				}
				s.x.copyRow(i, d.x, rows[i])
			}
		})
	}
	if err != nil {
		s.memory.release(s.took)
		return nil, err
	}
	s.setColumns(d.columns.Gather(rows, factor))
	return s, nil
}
