package cuda

import (
	"strconv"

	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
)

// pieceSums adds up the pieces of tasks first to last, for residuals of `width` beside each
// other a row.
func (c *call) pieceSums(kernel string, first, last int64, residuals, part driver.Ptr) error {
	args := append(c.sparse.byColumns.pieceArgs(), driver.Int64(first), driver.Int64(last), driver.PtrArg(residuals), driver.PtrArg(part))
	return c.launch(kernel, "", shape{work: int(last-first+7) / 8}, args...)
}

// columnSums combines the pieces' sums to D+1 numbers for each output, the last its intercept's
// or, without any, 0.
func (c *call) columnSums(part driver.Ptr, width, outputs int, intercepts, out driver.Ptr) error {
	cols := c.columns.Cols
	return c.launch("csr_combine", c.real, shape{work: cols/256 + 1, y: outputs},
		driver.PtrArg(part), driver.Int32(int32(width)), driver.PtrArg(c.sparse.byColumns.first), driver.Int64(int64(cols)),
		driver.PtrArg(intercepts), driver.PtrArg(out))
}

// pieceParts is the buffer of the pieces' sums, width numbers each.
func (c *call) pieceParts(width int) (driver.Ptr, error) {
	return c.work("partial gradients", int64(c.sparse.byColumns.pieces)*int64(width)*int64(c.realSize))
}

// sparseGroup evaluates a group of up to manyOutputs outputs: the forward leaves residuals, the
// backward multiplies them by X.
func (l *launches) sparseGroup(vectors int) error {
	n, width := l.columns.Rows, panelWidth(l.outputs)
	numbers := l.outputs // of each logical block: sums of residuals, and losses
	if !l.hess {
		numbers += 2 * len(l.models)
	}
	blocks := blocksOf(n, 1)
	residuals, err := l.work("residuals", int64(n)*int64(width)*int64(l.realSize))
	if err != nil {
		return err
	}
	sums, err := l.work("partial losses", int64(blocks)*int64(numbers)*8)
	if err != nil {
		return err
	}
	name := map[bool]string{false: "csr_eval", true: "csr_softmax"}[l.softmax]
	if l.hess {
		name = map[bool]string{false: "csr_hess", true: "csr_softmax_hess"}[l.softmax]
	}
	err = l.launch(name+strconv.Itoa(width), "", shape{work: blocks},
		append(l.rowArgs(0, n), driver.PtrArg(l.coef.in(l.base)), driver.Int32(int32(l.outputs)), driver.PtrArg(l.out.in(l.base)),
			driver.PtrArg(l.folds), driver.Int32(int32(blocks)), driver.PtrArg(residuals), driver.PtrArg(sums))...)
	if err != nil {
		return err
	}
	if err := l.combine("f64", sums, blocks, numbers, false, l.at(l.intercepts())); err != nil {
		return err
	}
	if l.hess {
		if err := l.noLosses(); err != nil {
			return err
		}
	}
	if l.sparse.fixed != nil {
		return l.fixedSums(strconv.Itoa(width), 0, n, residuals, width, l.outputs, false, l.at(l.intercepts()), l.at(l.grad))
	}
	part, err := l.pieceParts(width)
	if err != nil {
		return err
	}
	if err := l.pieceSums("csr_xtr"+strconv.Itoa(width), 0, l.sparse.byColumns.tasksOf(), residuals, part); err != nil {
		return err
	}
	return l.columnSums(part, width, l.outputs, l.at(l.intercepts()), l.at(l.grad))
}

// sparseWide evaluates a softmax of more outputs, a row block at a time: logits of all
// outputs, their residuals in place, and the residuals' product with X, 16 at a time.
func (l *launches) sparseWide() error {
	m, width := &l.sparse.byColumns, manyOutputs
	step, columns, slabs := l.chunk(), l.outputs, (l.outputs+width-1)/width
	if l.hess {
		columns *= 2
	}
	z, err := l.work("logits", int64(columns)*int64(step)*int64(l.realSize))
	if err != nil {
		return err
	}
	residuals, err := l.work("residuals", int64(width)*int64(step)*int64(l.realSize))
	if err != nil {
		return err
	}
	part, fixed := driver.Ptr(0), l.sparse.fixed != nil
	if !fixed {
		if part, err = l.pieceParts(slabs * width); err != nil {
			return err
		}
	}
	blocks := blocksOf(step, 1)
	sums, err := l.work("partial losses", int64(blocks)*int64(width)*8)
	if err != nil {
		return err
	}
	slab := driver.Ptr(m.pieces * width * l.realSize)
	kernel := map[bool]string{false: "residual_softmax", true: "hess_softmax"}[l.hess]
	for b, at := 0, 0; at < l.columns.Rows; b, at = b+1, at+step {
		n, add := min(step, l.columns.Rows-at), b > 0
		if err := l.sparseLogits(at, n, l.coef.in(l.base), columns, z); err != nil {
			return err
		}
		folds := l.folds
		if folds != 0 {
			folds += driver.Ptr(4 * at)
		}
		blocks := blocksOf(n, 1)
		err := l.launch(kernel, l.real, shape{work: blocks},
			driver.PtrArg(z), driver.PtrArg(z+driver.Ptr(l.outputs*n*l.realSize)), driver.Int64(int64(n)), driver.Int32(int32(l.outputs)),
			driver.PtrArg(l.chunks[b].in(l.base)), driver.PtrArg(folds), driver.Int32(int32(blocks)), driver.PtrArg(sums))
		if err != nil {
			return err
		}
		if !l.hess {
			if err := l.combine("f64", sums, blocks, 2, add, l.at(l.losses)); err != nil {
				return err
			}
		}
		for s := range slabs {
			count := min(width, l.outputs-s*width)
			err := l.launch("csr_interleave", l.real, shape{work: blocks},
				driver.PtrArg(z+driver.Ptr(s*width*n*l.realSize)), driver.Int64(int64(n)), driver.Int32(int32(count)), driver.Int32(int32(blocks)),
				driver.PtrArg(residuals), driver.PtrArg(sums))
			if err != nil {
				return err
			}
			if err := l.combine("f64", sums, blocks, count, add, l.at(l.intercepts()+s*width)); err != nil {
				return err
			}
			if fixed {
				err := l.fixedSums("16", at, n, residuals, width, count, add, l.at(l.intercepts()+s*width), l.at(l.grad+s*width*(l.columns.Cols+1)))
				if err != nil {
					return err
				}
				continue
			}
			// Entries name their rows from the first of all.
			err = l.pieceSums("csr_xtr16", m.blocks[b], m.blocks[b+1], residuals-driver.Ptr(at*width*l.realSize), part+driver.Ptr(s)*slab)
			if err != nil {
				return err
			}
		}
	}
	if l.hess {
		if err := l.noLosses(); err != nil {
			return err
		}
	}
	if fixed {
		return nil
	}
	for s := range slabs {
		count := min(width, l.outputs-s*width)
		if err := l.columnSums(part+driver.Ptr(s)*slab, width, count, l.at(l.intercepts()+s*width), l.at(l.grad+s*width*(l.columns.Cols+1))); err != nil {
			return err
		}
	}
	return nil
}

// intercepts is the place of a sparse group's sums of residuals: between gradients and losses.
func (g *summed) intercepts() int { return g.losses - g.outputs }

// sparseStats is stats over the pieces of columns, or with fixed-point sums over columns.
func (c *call) sparseStats(w weights) (columns []float64, err error) {
	const fields = 9 // of a piece
	m, n, cols := &c.sparse.byColumns, c.columns.Rows, c.columns.Cols
	pieces, first := m.pieces, m.first
	if c.sparse.fixed != nil {
		pieces, first = cols, 0
	}
	part, err := c.work("partial stats", int64(pieces)*fields*8)
	if err != nil {
		return nil, err
	}
	results, err := c.work("results", int64(cols)*statFields*8)
	if err != nil {
		return nil, err
	}
	if c.sparse.fixed != nil {
		err = c.fixedStats(w, part)
	} else {
		tasks := m.tasksOf()
		args := append(m.pieceArgs(), driver.Int64(tasks), driver.PtrArg(w.ptr), driver.PtrArg(part))
		err = c.launch("csr_stats", "", shape{work: int(tasks+7) / 8}, args...)
	}
	if err != nil {
		return nil, err
	}
	total := 0.0 // of the weights as the device has them
	for _, v := range w.host {
		if v /= w.unit; c.realSize == 4 {
			v = float64(float32(v))
		}
		total += v
	}
	err = c.launch("csr_combine_stats", "", shape{work: (cols + 255) / 256},
		driver.PtrArg(part), driver.PtrArg(first), driver.Int64(int64(n)), driver.Int64(int64(cols)), driver.Float64(total), driver.PtrArg(results))
	if err != nil {
		return nil, err
	}
	columns = make([]float64, cols*statFields)
	return columns, c.fetch(results, columns)
}
