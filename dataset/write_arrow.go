package dataset

import (
	"context"
	"io"

	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/dataset/arrow"
)

// arrowBatchNumbers is about how many numbers a record batch holds: enough for long runs of
// each column, few enough that batches are read side by side.
const arrowBatchNumbers = 1 << 20

// writeArrow writes a file of columns of float32 or float64, as X is; labels are float64 or
// text.
func writeArrow(ctx context.Context, to io.Writer, d *Dataset) error {
	if d.Dtype() == tensor.Float32 {
		return writeArrowOf[float32](ctx, to, d)
	}
	return writeArrowOf[float64](ctx, to, d)
}

func writeArrowOf[T float32 | float64](ctx context.Context, to io.Writer, d *Dataset) error {
	rows, cols := d.Shape()
	sides, texts := [][]float64{d.Weights, d.Offsets}, []string(nil)
	switch {
	case d.Labels == nil:
	case d.Classes.Numeric:
		v, err := d.labelNumbers()
		if err != nil {
			return err
		}
		sides = append(sides, v)
	default:
		texts = d.Classes.Names
	}
	single := dtypeOf[T]() == tensor.Float32
	w := arrow.NewWriter(to, d.outNames(), func(column int) bool { return single && column < cols }, texts)
	step := min(rows, max(1, arrowBatchNumbers/cols))
	x, turned := make([]T, step*cols), make([]T, step*cols)
	for first := 0; first < rows; first += step {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n := min(step, rows-first)
		if err := fillRows(d, first, x[:n*cols]); err != nil {
			return err
		}
		columns := make([]any, cols)
		for j := range cols {
			c := turned[j*n : (j+1)*n]
			for i := range c {
				c[i] = x[i*cols+j]
			}
			columns[j] = c
		}
		for _, s := range sides {
			if s != nil {
				columns = append(columns, s[first:first+n])
			}
		}
		if texts != nil {
			columns = append(columns, d.Labels[first:first+n])
		}
		if err := w.Append(n, columns); err != nil {
			return err
		}
	}
	return w.Close()
}
