package dataset

import (
	"context"
	"io"

	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/dataset/lrb"
)

// writeLRB writes X as it is, dense or sparse.
func writeLRB(ctx context.Context, to io.Writer, d *Dataset) error {
	c := lrb.Columns{Features: d.FeatureNames, Weights: d.Weights, Offsets: d.Offsets}
	if AutoNamed(d.FeatureNames) {
		c.Features = nil
	}
	if d.Labels != nil {
		c.Label, c.Labels, c.Classes, c.Numeric = d.LabelName, d.Labels, d.Classes.Names, d.Classes.Numeric
	}
	if m := d.Sparse; m != nil {
		w := lrb.NewSparse(to, m.Dtype(), m.Val32 == nil && m.Val64 == nil)
		if err := w.AppendCSR(m); err != nil {
			return err
		}
		return w.Close(c)
	}
	if r := d.SparseStream; r != nil {
		w := lrb.NewSparse(to, r.Dtype(), r.Ones())
		if err := eachCSR(ctx, r, func(_ int, m *backend.CSR) error { return w.AppendCSR(m) }); err != nil {
			return err
		}
		return w.Close(c)
	}
	_, cols := d.Shape()
	w := lrb.NewDense(to, cols, d.Dtype())
	var err error
	if d.Dtype() == tensor.Float32 {
		err = appendPieces(ctx, d, w.Append32)
	} else {
		err = appendPieces(ctx, d, w.Append64)
	}
	if err != nil {
		return err
	}
	return w.Close(c)
}

func appendPieces[T float32 | float64](ctx context.Context, d *Dataset, add func([]T) error) error {
	rows, cols := d.Shape()
	step := max(1, pieceNumbers/cols)
	buf := make([]T, min(step, rows)*cols)
	for first := 0; first < rows; first += step {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		x := buf[:min(step, rows-first)*cols]
		if err := fillRows(d, first, x); err != nil {
			return err
		}
		if err := add(x); err != nil {
			return err
		}
	}
	return nil
}
