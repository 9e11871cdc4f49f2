package dataset

import (
	"context"

	"github.com/parquet-go/parquet-go"
)

// spillBytes is about how much of X is decoded at a time on its way to the disk.
const spillBytes = 4 << 20

// spillParquet decodes the features into a scratch file, row group by row group: of X no
// more is in memory than one piece, and of the file the pages that it is made of, one a
// column.
func spillParquet[T float32 | float64](ctx context.Context, p *parquetFile, features []*parquetColumn, o *ReadOptions) (_ *scratchRows, err error) {
	out, err := newScratch(o.Scratch, len(features), dtypeOf[T]())
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			out.discard()
		}
	}()
	piece := make([]T, max(1, spillBytes/(len(features)*sizeOf[T]()))*len(features))
	for _, g := range p.RowGroups() {
		if err := spillGroup(ctx, g, features, piece, out, o.workers()); err != nil {
			return nil, err
		}
	}
	return out.reader()
}

// spillGroup appends the rows of a group to out, by way of piece. The columns are shared
// out among the workers.
func spillGroup[T float32 | float64](ctx context.Context, g parquet.RowGroup, features []*parquetColumn, piece []T, out *scratch, workers int) (err error) {
	defer damagedParquet(&err)
	cols := len(features)
	shares := min(cols, workers)
	open := make([]*openPagesOf[T], shares)
	for s := range open {
		open[s] = openColumns[T](g, features[cols*s/shares:cols*(s+1)/shares], cols)
		defer open[s].close()
	}
	step := len(piece) / cols
	for at, rows := 0, int(g.NumRows()); at < rows; at += step {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n := min(step, rows-at)
		err := inParallel(ctx, workers, shares, func(_, s int) (err error) {
			defer damagedParquet(&err)
			return open[s].fill(piece[cols*s/shares:], n, cols)
		})
		if err != nil {
			return err
		}
		if err := out.add(piece[:n*cols]); err != nil {
			return err
		}
	}
	return nil
}
