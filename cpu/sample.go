package cpu

import (
	"context"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

func (d *data[T]) Sample(ctx context.Context, rows []int, factor []float64) (backend.Data, error) {
	if d.closed {
		return nil, backend.ErrClosed
	}
	if err := d.columns.CheckRows(rows, factor); err != nil {
		return nil, err
	}
	cols := d.Cols()
	x := allocate[T](len(rows), cols, d.x.narrow)
	err := each(ctx, logicalBlocks(len(rows), cols), d.threads, func() struct{} { return struct{}{} }, func(_ struct{}, lo, hi int) {
		for i, r := range rows[lo:hi] {
			x.copyRow(lo+i, d.x, r)
		}
	})
	if err != nil {
		return nil, err
	}
	s := &data[T]{x: x, frame: frame[T]{storage: d.storage, affine: d.affine, threads: d.threads, kernel: d.kernel}}
	s.setColumns(d.columns.Gather(rows, factor))
	return s, nil
}
