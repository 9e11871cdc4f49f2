package cuda

import (
	"context"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
)

// ColumnGram implements backend.ColumnGram. X is read for the logits, for a dense table of
// the chosen columns, some rows at a time, and for the diagonal, of sparse X by columns.
func (d *data) ColumnGram(ctx context.Context, models []backend.Model, coef []float64, blocks []backend.GramBlock, cols []int, out, diagonal [][]float64) error {
	return d.run(ctx, func(c *call) error {
		if err := c.columns.CheckColumnGram(models, coef, blocks, cols, out, diagonal); err != nil {
			return err
		}
		start := backend.Layout(models, c.columns.Cols)
		for b, block := range blocks {
			k := block.Model
			if err := c.columnGram(models[k], coef[start[k]:start[k+1]], block, cols, out[b], diagonal[b]); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c *call) columnGram(m backend.Model, coef []float64, block backend.GramBlock, cols []int, out, diagonal []float64) error {
	rowWeights, err := c.rowWeights(m, coef, block)
	if err != nil {
		return err
	}
	unit := c.weightsOf(m).unit
	if err := c.product(rowWeights, len(cols), c.chosenColumns(cols), unit, out); err != nil {
		return err
	}
	if err := c.squares(rowWeights, diagonal[:c.columns.Cols]); err != nil {
		return err
	}
	for j := range c.columns.Cols {
		diagonal[j] *= unit
	}
	diagonal[c.columns.Cols] = out[len(out)-1]
	return nil
}

// chosenColumns is a dense table of those columns, of all for nil. It is made as it is read.
func (c *call) chosenColumns(cols []int) table {
	h := len(cols)
	if cols == nil {
		h = c.columns.Cols
	}
	if h == 0 { // the ones of the intercept are no part of it
		return table{step: c.columns.Rows, rows: func(int, int) (driver.Ptr, error) { return 0, nil }}
	}
	ld, size := (h+3)/4*4, c.storage.Bytes()
	step := min(max(c.g.chunks.chosen/(ld*size), 256), c.columns.Rows)
	var numbers driver.Ptr
	return table{ld: ld, step: step, rows: func(first, n int) (driver.Ptr, error) {
		y, err := c.work("chosen columns", int64(step)*int64(ld)*int64(size))
		if err != nil {
			return 0, err
		}
		if numbers == 0 && cols != nil {
			if numbers, err = c.sendColumns(cols); err != nil {
				return 0, err
			}
		}
		if c.sparse == nil {
			return y, c.launch("columns_dense", "", shape{work: n*h/256 + 1},
				driver.PtrArg(c.x+driver.Ptr(first*c.ld*size)), driver.Int64(int64(n)), driver.Int32(int32(c.ld)),
				driver.PtrArg(numbers), driver.Int32(int32(h)), driver.Int32(int32(ld)), driver.PtrArg(y))
		}
		if err := c.g.context.Memset(y, 0, int64(n)*int64(ld)*int64(size), nil); err != nil {
			return 0, err
		}
		m := c.sparse
		return y, c.launch("columns_sparse", "", shape{work: n>>(8-m.log) + 1},
			driver.PtrArg(m.rows+driver.Ptr(8*first)), driver.PtrArg(m.col), driver.PtrArg(m.values), driver.Int64(int64(n)),
			driver.Int32(int32(m.log)), driver.PtrArg(numbers), driver.Int32(int32(ld)), driver.PtrArg(y))
	}}
}

// sendColumns sends the columns' numbers; for sparse X every column's place among them, or -1.
func (c *call) sendColumns(cols []int) (driver.Ptr, error) {
	numbers := make([]int32, len(cols))
	for a, j := range cols {
		numbers[a] = int32(j)
	}
	if c.sparse != nil {
		numbers = make([]int32, c.columns.Cols)
		for j := range numbers {
			numbers[j] = -1
		}
		for a, j := range cols {
			numbers[j] = int32(a)
		}
	}
	r := &request{d: c.data, bytes: bytesOf(numbers)}
	return r.send()
}

// squares computes sum_i w_i x_ij^2 of every column, in units of the weights.
func (c *call) squares(weights driver.Ptr, out []float64) error {
	n, d := c.columns.Rows, c.columns.Cols
	results, err := c.work("results", int64(d+1)*8)
	if err != nil {
		return err
	}
	if c.sparse != nil && c.sparse.fixed != nil {
		if err := c.fixedSums("_squares", 0, n, weights, 1, 1, false, 0, results); err != nil {
			return err
		}
		return c.fetch(results, out)
	}
	if c.sparse != nil {
		part, err := c.pieceParts(1)
		if err != nil {
			return err
		}
		if err := c.pieceSums("csr_squares", 0, c.sparse.byColumns.tasksOf(), weights, part); err != nil {
			return err
		}
		if err := c.columnSums(part, 1, 1, 0, results); err != nil {
			return err
		}
		return c.fetch(results, out)
	}
	blocks := blocksOf(n, d)
	part, err := c.work("partial gradients", int64(blocks)*int64(d)*int64(c.realSize))
	if err != nil {
		return err
	}
	err = c.launch("squares", "", shape{work: blocks, y: (d + 255) / 256},
		driver.PtrArg(c.x), driver.Int64(int64(n)), driver.Int32(int32(d)), driver.Int32(int32(c.ld)),
		driver.PtrArg(weights), driver.Int32(int32(blocks)), driver.PtrArg(part))
	if err != nil {
		return err
	}
	if err := c.combine(c.real, part, blocks, d, false, results); err != nil {
		return err
	}
	return c.fetch(results, out)
}
