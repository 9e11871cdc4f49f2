package reference

import (
	"context"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

func (d *data) Sample(ctx context.Context, rows []int, factor []float64) (backend.Data, error) {
	if d.closed {
		return nil, backend.ErrClosed
	}
	if err := d.columns.CheckRows(rows, factor); err != nil {
		return nil, err
	}
	s := &data{
		columns: d.columns.Gather(rows, factor),
		storage: d.storage,
		affine:  d.affine,
		x:       make([]float64, 0, len(rows)*d.Cols()),
	}
	for i, r := range rows {
		if err := between(ctx, i); err != nil {
			return nil, err
		}
		s.x = append(s.x, d.row(r)...)
	}
	return s, nil
}
