package reference

import (
	"context"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/internal/columns"
)

func (d *data) Sample(ctx context.Context, rows []int, factor []float64) (backend.Data, error) {
	if d.closed {
		return nil, backend.ErrClosed
	}
	if err := columns.CheckRows(rows, factor, d.columns.Rows); err != nil {
		return nil, err
	}
	s := &data{
		columns: d.columns.Gather(rows, factor),
		storage: d.storage,
		affine:  d.affine,
	}
	if d.start != nil {
		s.start = []int64{0}
	}
	for i, r := range rows {
		if err := between(ctx, i); err != nil {
			return nil, err
		}
		if d.pages != nil {
			if err := d.pages.turnTo(r); err != nil {
				return nil, err
			}
		}
		x := d.row(r)
		s.x, s.col = append(s.x, x.val...), append(s.col, x.col...)
		if d.start != nil {
			s.start = append(s.start, int64(len(s.x)))
		}
	}
	return s, nil
}
