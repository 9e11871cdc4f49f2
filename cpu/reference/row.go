package reference

import (
	"context"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/internal/columns"
)

// data is X as float64 values that the storage can hold.
type data struct {
	columns *columns.Columns
	storage backend.Storage
	affine  backend.Affine
	x       []float64 // N x D; of sparse X the entries
	start   []int64   // of sparse X: row i has the entries start[i] to start[i+1]
	col     []uint32  // of each entry of sparse X
	pages   *pages    // nil where X is in memory
	closed  bool
}

var (
	_ backend.Data         = (*data)(nil)
	_ backend.HessVec      = (*data)(nil)
	_ backend.Gram         = (*data)(nil)
	_ backend.ColumnGram   = (*data)(nil)
	_ backend.Sampler      = (*data)(nil)
	_ backend.LineSearcher = (*data)(nil)
	_ backend.Rated        = (*data)(nil)
)

func (d *data) Rows() int                { return d.columns.Rows }
func (d *data) Cols() int                { return d.columns.Cols }
func (d *data) Storage() backend.Storage { return d.storage }
func (d *data) Affine() backend.Affine   { return d.affine }

func (d *data) Close() error {
	if d.closed {
		return backend.ErrClosed
	}
	*d = data{columns: d.columns, storage: d.storage, affine: d.affine, closed: true}
	return nil
}

// row is a row of X: its entries, or all its numbers.
type row struct {
	cols int
	col  []uint32 // nil where entry e is in column e
	val  []float64
}

func (x row) column(e int) int {
	if x.col == nil {
		return e
	}
	return int(x.col[e])
}

// row is row i of X.
func (d *data) row(i int) row {
	cols := d.columns.Cols
	if d.pages != nil {
		return row{cols: cols, val: d.pages.row(i)}
	}
	if d.start == nil {
		return row{cols: cols, val: d.x[i*cols : (i+1)*cols]}
	}
	lo, hi := d.start[i], d.start[i+1]
	return row{cols, d.col[lo:hi], d.x[lo:hi]}
}

// products writes (x, 1) . v_c to z[c] for each output c: v holds one row of D+1
// numbers an output, the intercept last.
func products(x row, v, z []float64) {
	side := x.cols + 1
	for c := range z {
		vc := v[c*side : (c+1)*side]
		sum := vc[x.cols]
		for e, xe := range x.val {
			sum += float64(xe * vc[x.column(e)])
		}
		z[c] = sum
	}
}

// addOuter adds r_c (x, 1) to g_c for each output c, in the layout of products.
func addOuter(x row, r, g []float64) {
	side := x.cols + 1
	for c, rc := range r {
		gc := g[c*side : (c+1)*side]
		for e, xe := range x.val {
			gc[x.column(e)] += float64(rc * xe)
		}
		gc[x.cols] += rc
	}
}

// logits writes z_c = x_i.w_c + b_c + offset_i of model m to z.
func (d *data) logits(m backend.Model, i int, coef, z []float64) {
	products(d.row(i), coef, z)
	for c := range z {
		z[c] += d.columns.OffsetOf(m, i)
	}
}

// blockRows is how many rows are worked on between two looks at the context.
const blockRows = 1024

// begin is between, and has X's rows from this one on ready.
func (d *data) begin(ctx context.Context, row int) error {
	if err := between(ctx, row); err != nil || d.pages == nil {
		return err
	}
	return d.pages.turnTo(row)
}

// between returns the context's cause once it has ended, at the head of each block
// of rows.
func between(ctx context.Context, row int) error {
	if row%blockRows == 0 && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}
