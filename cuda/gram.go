package cuda

import (
	"context"
	"slices"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
)

// Gram implements backend.Gram. A model of one output over up to evalGramColumns columns
// has its matrix, loss and gradient from one read of X. For another, X is read for the
// logits and, by strips of 64 columns, for each matrix; and once more for ev. Sparse X is
// read for the logits and for a dense table of some rows at a time.
func (d *data) Gram(ctx context.Context, models []backend.Model, coef []float64, blocks []backend.GramBlock, out [][]float64, ev *backend.Evaluation) error {
	return d.run(ctx, func(c *call) error {
		if err := c.columns.CheckGram(models, coef, blocks, out); err != nil {
			return err
		}
		start := backend.Layout(models, c.columns.Cols)
		alone := make([]*backend.Evaluation, len(models)) // what came with a matrix
		for b, block := range blocks {
			k := block.Model
			m, w := models[k], coef[start[k]:start[k+1]]
			if m.Classes > 0 || c.columns.Cols > evalGramColumns(c.real) || c.sparse != nil {
				if err := c.gram(m, w, block, out[b]); err != nil {
					return err
				}
				continue
			}
			alone[k] = new(backend.Evaluation)
			if err := c.evalGram(m, w, out[b], alone[k]); err != nil {
				return err
			}
		}
		switch {
		case ev == nil:
			return nil
		case slices.Contains(alone, nil):
			return c.evaluate(models, coef, ev)
		}
		ev.Reset(models, c.columns.Cols)
		for k, e := range alone {
			ev.Loss[k], ev.Held[k] = e.Loss[0], e.Held[0]
			copy(ev.Grad[start[k]:start[k+1]], e.Grad)
		}
		return nil
	})
}

// evalGramColumns is where a block of 512 threads no longer holds the matrix in registers.
func evalGramColumns(real string) int { return map[string]int{"f32": 247, "f64": 123}[real] }

// evalGram computes matrix, loss and gradient of a model of one output.
func (c *call) evalGram(m backend.Model, coef, out []float64, ev *backend.Evaluation) error {
	models := []backend.Model{m}
	n, d := c.columns.Rows, c.columns.Cols
	side := map[string]int{"f32": 8, "f64": 4}[c.real]
	tiles := d/side + 1
	pairs := tiles * (tiles + 1) / 2
	width := d + 1 + pairs*side*side
	blocks := squareBlocksOf(n, width, c.realSize)
	r := &request{d: c.data}
	w, o := r.coef(coef), r.outputs(models, 0)
	base, err := r.send()
	if err != nil {
		return err
	}
	part, err := c.work("partial gradients", int64(blocks)*int64(width)*int64(c.realSize))
	if err != nil {
		return err
	}
	losses, err := c.work("partial losses", int64(blocks)*16)
	if err != nil {
		return err
	}
	results, err := c.work("results", int64(width+2)*8)
	if err != nil {
		return err
	}
	threads := max((pairs+31)/32*32, 128)
	err = c.launch("eval_gram", "", shape{work: blocks, threads: threads, shared: 32 * tiles * side * c.realSize},
		driver.PtrArg(c.x), driver.Int64(int64(n)), driver.Int32(int32(d)), driver.Int32(int32(c.ld)),
		driver.PtrArg(w.in(base)), driver.Int32(int32(c.ldw())), driver.PtrArg(o.in(base)), driver.PtrArg(c.folds),
		driver.Int32(int32(blocks)), driver.PtrArg(part), driver.PtrArg(losses))
	if err != nil {
		return err
	}
	if err := c.combine(c.real, part, blocks, width, false, results); err != nil {
		return err
	}
	if err := c.combine("f64", losses, blocks, 2, false, results+driver.Ptr(8*width)); err != nil {
		return err
	}
	sum := make([]float64, width+2)
	if err := c.fetch(results, sum); err != nil {
		return err
	}
	unit := c.weightsOf(m).unit
	unpack(sum[d+1:width], tiles, side, unit, out, d+1)
	ev.Reset(models, d)
	ev.Loss[0], ev.Held[0] = unit*sum[width], unit*sum[width+1]
	for j := range d + 1 {
		ev.Grad[j] = unit * sum[j]
	}
	return nil
}

// unpack fills the symmetric matrix out from its lower side x side tiles.
func unpack(lower []float64, tiles, side int, unit float64, out []float64, n int) {
	for a := range tiles {
		for b := range a + 1 {
			tile := lower[(a*(a+1)/2+b)*side*side:]
			for i := a * side; i < min((a+1)*side, n); i++ {
				for j := b * side; j < min((b+1)*side, i+1); j++ {
					v := unit * tile[(i-a*side)*side+j-b*side]
					out[i*n+j], out[j*n+i] = v, v
				}
			}
		}
	}
}

// gram computes one block of one model's Hessian: the rows' weights from their logits,
// then the weighted Gram matrix.
func (c *call) gram(m backend.Model, coef []float64, block backend.GramBlock, out []float64) error {
	rowWeights, err := c.rowWeights(m, coef, block)
	if err != nil {
		return err
	}
	unit, d := c.weightsOf(m).unit, c.columns.Cols
	if c.sparse != nil {
		return c.product(rowWeights, d, c.chosenColumns(nil), unit, out)
	}
	whole := table{ld: c.ld, step: c.columns.Rows, rows: func(int, int) (driver.Ptr, error) { return c.x, nil }}
	return c.product(rowWeights, d, whole, unit, out)
}

// rowWeights leaves m_i d_i of every row, by which the block sums its products.
func (c *call) rowWeights(m backend.Model, coef []float64, block backend.GramBlock) (driver.Ptr, error) {
	n := c.columns.Rows
	r := &request{d: c.data}
	w, o := r.coef(coef), r.outputs([]backend.Model{m}, 0)
	base, err := r.send()
	if err != nil {
		return 0, err
	}
	z, err := c.work("logits", int64(m.Outputs())*int64(n)*int64(c.realSize))
	if err != nil {
		return 0, err
	}
	if err := c.logits(0, n, w.in(base), m.Outputs(), z); err != nil {
		return 0, err
	}
	rowWeights, err := c.work("row weights", int64(n)*int64(c.realSize))
	if err != nil {
		return 0, err
	}
	outArg, folds, weightsArg := driver.PtrArg(o.in(base)), driver.PtrArg(c.folds), driver.PtrArg(rowWeights)
	if m.Classes == 0 {
		return rowWeights, c.launch("weights_logistic", c.real, shape{work: n/256 + 1},
			driver.PtrArg(z), driver.Int64(int64(n)), outArg, folds, weightsArg)
	}
	return rowWeights, c.launch("weights_softmax", c.real, shape{work: n/256 + 1},
		driver.PtrArg(z), driver.Int64(int64(n)), driver.Int32(int32(m.Outputs())),
		driver.Int32(int32(block.Row)), driver.Int32(int32(block.Col)), outArg, folds, weightsArg)
}

// table is a dense matrix of all rows, some of them at a time.
type table struct {
	ld, step int
	rows     func(first, n int) (driver.Ptr, error) // until the next call
}

// product computes unit * sum_i w_i (y_i, 1)(y_i, 1)' over the h columns of the table.
func (c *call) product(weights driver.Ptr, h int, y table, unit float64, out []float64) error {
	const side = 64
	tiles := h/side + 1
	width := tiles * (tiles + 1) / 2 * side * side
	results, err := c.work("results", int64(width)*8)
	if err != nil {
		return err
	}
	kernel := "gram"
	if c.real == "f32" && c.g.policy.tensorGram {
		kernel = "gram_mma"
	}
	for first := 0; first < c.columns.Rows; first += y.step {
		n := min(y.step, c.columns.Rows-first)
		x, err := y.rows(first, n)
		if err != nil {
			return err
		}
		blocks := squareBlocksOf(n, width, 8)
		part, err := c.work("partial gram", int64(blocks)*int64(width)*8)
		if err != nil {
			return err
		}
		err = c.launch(kernel, "", shape{work: blocks * width / (side * side)},
			driver.PtrArg(x), driver.Int64(int64(n)), driver.Int32(int32(h)), driver.Int32(int32(y.ld)),
			driver.PtrArg(weights+driver.Ptr(first*c.realSize)), driver.Int32(int32(blocks)), driver.PtrArg(part))
		if err != nil {
			return err
		}
		if err := c.combine("f64", part, blocks, width, first > 0, results); err != nil {
			return err
		}
	}
	sum := make([]float64, width)
	if err := c.fetch(results, sum); err != nil {
		return err
	}
	unpack(sum, tiles, side, unit, out, h+1)
	return nil
}
