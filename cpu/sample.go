package cpu

import (
	"context"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/internal/columns"
)

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
			for i, r := range rows[lo:hi] {
				s.x.copyRow(lo+i, d.x, r)
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
