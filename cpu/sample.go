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
	x := &matrix[T]{rows: len(rows), cols: cols, widen: d.x.widen}
	if d.x.bits != nil {
		x.bits = make([]uint16, len(rows)*cols)
	} else {
		x.vals = make([]T, len(rows)*cols)
	}
	err := each(ctx, logicalBlocks(len(rows), cols), d.threads, func() struct{} { return struct{}{} }, func(_ struct{}, lo, hi int) {
		for i, r := range rows[lo:hi] {
			if x.bits != nil {
				copy(x.bits[(lo+i)*cols:(lo+i+1)*cols], d.x.bits[r*cols:])
			} else {
				copy(x.vals[(lo+i)*cols:(lo+i+1)*cols], d.x.vals[r*cols:])
			}
		}
	})
	if err != nil {
		return nil, err
	}
	s := &data[T]{x: x, storage: d.storage, affine: d.affine, threads: d.threads, kernel: d.kernel}
	s.setColumns(d.columns.Gather(rows, factor))
	return s, nil
}
