package dataset

import (
	"context"
)

// spillBytes is about how much of X is decoded at a time on its way to the disk.
const spillBytes = 4 << 20

// spillColumnar decodes the features into a scratch file, group by group: of X no more is
// in memory than one piece, and of the file what that is made of.
func spillColumnar[T float32 | float64](ctx context.Context, f *columnar, features []int, o *ReadOptions) (_ *scratchRows, err error) {
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
	for _, g := range f.groups {
		if err := spillGroup(ctx, f, g, features, piece, out, o.workers()); err != nil {
			return nil, err
		}
	}
	return out.reader()
}

// spillGroup appends the rows of a group to out, by way of piece. The columns are shared
// out among the workers.
func spillGroup[T float32 | float64](ctx context.Context, f *columnar, g columnGroup, features []int, piece []T, out *scratch, workers int) (err error) {
	defer f.damaged(&err)
	cols := len(features)
	shares := min(cols, workers)
	open := make([]*openColumns[T], shares)
	for s := range open {
		if open[s], err = openAll[T](g, features[cols*s/shares:cols*(s+1)/shares], cols); err != nil {
			return err
		}
		defer open[s].close()
	}
	step := len(piece) / cols
	for at, rows := 0, g.numRows(); at < rows; at += step {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n := min(step, rows-at)
		err := inParallel(ctx, workers, shares, func(_, s int) (err error) {
			defer f.damaged(&err)
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
