package cpu

import (
	"context"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/internal/pieces"
)

const (
	// A logical block costs at least columnCost entries a column: adding the block's sums
	// to the total takes a quarter of the time of an entry a column.
	columnCost = 4

	// sparseRoom is the memory that partial sums may take, beside a quarter of X; where
	// few fit, fewer threads work. It changes no result.
	sparseRoom = 64 << 20
)

// sumBlocks are the logical blocks for sums of all columns.
func (d *sparse[T]) sumBlocks() blocks { return d.x.blocks(columnCost * d.Cols()) }

// rowBlocks are the logical blocks for what leaves no sums behind.
func (d *sparse[T]) rowBlocks() blocks { return d.x.blocks(0) }

// room is the number of partial sums of the given bytes that may exist at a time.
func (d *sparse[T]) room(bytes int) int {
	beside := sparseRoom + 2*d.x.entries()
	if d.stream != nil {
		beside = d.stream.sums()
	}
	return max(1, min(2*d.threads, beside/max(1, bytes)))
}

// slopes are coefficients of all outputs by column, with the intercepts apart: an entry's
// column is looked up once for all of them.
func (d *sparse[T]) slopes(outputs int, coef []float64) (w, bias []T) {
	side := d.Cols() + 1
	w, bias = make([]T, d.Cols()*outputs), make([]T, outputs)
	pieces.Each(d.Cols(), d.threads, func(lo, hi int) {
		for o := range outputs {
			to := w[o:]
			for j, v := range coef[o*side+lo : o*side+hi] {
				to[(lo+j)*outputs] = T(v)
			}
		}
	})
	for o := range outputs {
		bias[o] = T(coef[o*side+side-1])
	}
	return w, bias
}

// spread adds sums by column to a vector in the layout of coefficients, in units of the
// weights of each term.
func (d *sparse[T]) spread(sums, intercepts []float64, terms []term[T], out []float64) {
	outputs, first, cols := len(intercepts), 0, d.Cols()
	for _, t := range terms {
		for o := range t.outputs {
			to := out[t.start+o*(cols+1):][:cols+1]
			pieces.Each(cols, d.threads, func(lo, hi int) {
				for j := lo; j < hi; j++ {
					to[j] = sums[j*outputs+first+o] * t.unit
				}
			})
			to[cols] = intercepts[first+o] * t.unit
		}
		first += t.outputs
	}
}

// drain adds p to total and clears it.
func drain(total, p []float64) {
	total = total[:len(p)]
	for i, v := range p {
		total[i] += v
		p[i] = 0
	}
}

// tiles calls f for the tiles of a block of blocks.
func (x *csr[T]) tiles(lo, hi int, f func(i, end int)) {
	i, last := x.rowAt(lo), x.rowAt(hi)
	for i < last {
		end := x.tile(i, last)
		f(i, end)
		i = end
	}
}

// logits is products with the offsets of each term.
func (x *csr[T]) logits(terms []term[T], i, end int, w, bias, z []T) {
	n := end - i
	x.products(i, end, w, bias, z)
	for _, t := range terms {
		for o := 0; t.offset != nil && o < t.outputs; o++ {
			for a, offset := range t.offset[i:end] {
				z[o*n+a] += T(offset)
			}
		}
		z = z[n*t.outputs:]
	}
}

func (d *sparse[T]) Eval(ctx context.Context, models []backend.Model, coef []float64, out *backend.Evaluation) error {
	if d.closed {
		return backend.ErrClosed
	}
	if err := d.columns.CheckModels(models, coef); err != nil {
		return err
	}
	return d.eval(ctx, models, coef, out, nil)
}

// eval is Eval and the curvatures of rows, from one read. Either may be nil.
func (d *sparse[T]) eval(ctx context.Context, models []backend.Model, coef []float64, ev *backend.Evaluation, cs *curvatures[T]) error {
	terms, outputs, cols, sums := d.terms(models), backend.Outputs(models), d.Cols(), loan{from: d.sums, alone: true}
	w, bias := d.slopes(outputs, coef)
	type partial struct {
		loss, held, intercepts, gradient []float64
		z, l                             []T
		curvatures                       curvatureSums[T]
	}
	total := partial{intercepts: make([]float64, outputs)}
	if ev != nil {
		ev.Reset(models, cols)
		total.gradient = ev.Grad // in which spread is at home
		if outputs > 1 {
			total.gradient = make([]float64, outputs*cols)
		}
		total.gradient = total.gradient[:outputs*cols]
	}
	fresh := func() *partial {
		return &partial{
			loss: make([]float64, len(models)), held: make([]float64, len(models)),
			intercepts: make([]float64, outputs), gradient: sums.take(len(total.gradient)),
			z: make([]T, sparseTileRows*outputs), l: make([]T, sparseTileRows),
			curvatures: cs.sums(cols, widest(terms)),
		}
	}
	work := func(p *partial, x *csr[T], lo, hi int) {
		x.tiles(lo, hi, func(i, end int) {
			n := end - i
			x.logits(terms, i, end, w, bias, p.z)
			z, first := p.z[:n*outputs], 0
			for k := range terms {
				t := &terms[k]
				zk := z[first*n:][:n*t.outputs]
				weights := t.weights(i, n)
				if cs != nil {
					cs.tile(d, x, &p.curvatures, k, t, i, end, zk, weights)
				}
				if ev != nil {
					d.kernel.lossResidual(t.Model, t.label[i:end], zk, p.l)
					kept, held := d.kernel.Losses(p.l[:n], weights)
					p.loss[k] += kept
					p.held[k] += held
					for o := range t.outputs {
						p.intercepts[first+o] += d.kernel.Weigh(zk[o*n:][:n], weights)
					}
				}
				first += t.outputs
			}
			if ev != nil {
				x.outer(i, end, z, outputs, p.gradient)
			}
		})
	}
	add := func(p *partial) {
		cs.add(&p.curvatures)
		if ev != nil {
			drain(ev.Loss, p.loss)
			drain(ev.Held, p.held)
			drain(total.intercepts, p.intercepts)
			drain(total.gradient, p.gradient)
		}
	}
	room := d.room(8 * (len(total.gradient) + cs.numbers(cols)))
	err := sparsePass(ctx, d, d.sumBlocks(), room, fresh, work, add)
	sums.settle(err == nil)
	if err != nil {
		return err
	}
	if ev != nil {
		d.spread(total.gradient, total.intercepts, terms, ev.Grad)
	}
	return nil
}

func (d *sparse[T]) HessVec(ctx context.Context, models []backend.Model, coef, v, out []float64) error {
	if d.closed {
		return backend.ErrClosed
	}
	if err := d.columns.CheckModels(models, coef, v, out); err != nil {
		return err
	}
	terms, outputs, cols, sums := d.terms(models), backend.Outputs(models), d.Cols(), loan{from: d.sums, alone: true}
	w, bias := d.slopes(outputs, coef)
	along, alongBias := d.slopes(outputs, v)
	type partial struct {
		intercepts, gradient []float64
		z, v                 []T
	}
	total := partial{intercepts: make([]float64, outputs), gradient: make([]float64, outputs*cols)}
	fresh := func() *partial {
		tile := sparseTileRows * outputs
		return &partial{
			intercepts: make([]float64, outputs), gradient: sums.take(outputs * cols),
			z: make([]T, tile), v: make([]T, tile),
		}
	}
	work := func(p *partial, x *csr[T], lo, hi int) {
		x.tiles(lo, hi, func(i, end int) {
			n := end - i
			x.logits(terms, i, end, w, bias, p.z)
			x.products(i, end, along, alongBias, p.v)
			first := 0
			for k := range terms {
				t := &terms[k]
				z, xv := p.z[first*n:][:n*t.outputs], p.v[first*n:][:n*t.outputs]
				d.kernel.hessian(t.Model, n, z, xv)
				weights := t.weights(i, n)
				for o := range t.outputs {
					p.intercepts[first+o] += d.kernel.Weigh(z[o*n:][:n], weights)
				}
				first += t.outputs
			}
			x.outer(i, end, p.z, outputs, p.gradient)
		})
	}
	add := func(p *partial) {
		drain(total.intercepts, p.intercepts)
		drain(total.gradient, p.gradient)
	}
	err := sparsePass(ctx, d, d.sumBlocks(), d.room(8*outputs*cols), fresh, work, add)
	sums.settle(err == nil)
	if err != nil {
		return err
	}
	d.spread(total.gradient, total.intercepts, terms, out)
	return nil
}

func (d *sparse[T]) Predict(ctx context.Context, models []backend.Model, coef []float64, out []float64) error {
	if d.closed {
		return backend.ErrClosed
	}
	if err := d.columns.CheckPredict(models, coef, out); err != nil {
		return err
	}
	models = bare(models)
	terms, outputs := d.terms(models), backend.Outputs(models)
	w, bias := d.slopes(outputs, coef)
	type scratch struct{ z []T }
	fresh := func() *scratch {
		return &scratch{make([]T, sparseTileRows*outputs)}
	}
	return sparsePass(ctx, d, d.rowBlocks(), d.threads, fresh, func(s *scratch, x *csr[T], lo, hi int) {
		x.tiles(lo, hi, func(i, end int) {
			n, first := end-i, 0
			x.logits(terms, i, end, w, bias, s.z)
			for _, t := range terms {
				z := s.z[first*n:][:n*t.outputs]
				d.kernel.probabilities(t.Model, n, z)
				for o := range t.outputs {
					for a, p := range z[o*n:][:n] {
						out[(i+a)*outputs+first+o] = float64(p)
					}
				}
				first += t.outputs
			}
		})
	}, func(*scratch) {})
}

func (d *sparse[T]) Direction(ctx context.Context, models []backend.Model, coef, dir []float64) (backend.Line, error) {
	if d.closed {
		return nil, backend.ErrClosed
	}
	if err := d.columns.CheckModels(models, coef, dir); err != nil {
		return nil, err
	}
	terms, outputs, rows := d.terms(models), backend.Outputs(models), d.Rows()
	w, bias := d.slopes(outputs, coef)
	along, alongBias := d.slopes(outputs, dir)
	l := &line[T]{
		data: &d.frame, blocks: logicalBlocks(rows, outputs), models: append([]backend.Model(nil), models...), terms: terms,
		z: make([]T, rows*outputs), s: make([]T, rows*outputs),
	}
	type scratch struct{ z []T }
	fresh := func() *scratch { return &scratch{make([]T, sparseTileRows*outputs)} }
	err := sparsePass(ctx, d, d.rowBlocks(), d.threads, fresh, func(s *scratch, x *csr[T], lo, hi int) {
		x.tiles(lo, hi, func(i, end int) {
			n := end - i
			keep := func(to []T) {
				for o := range outputs {
					copy(to[o*rows+i:], s.z[o*n:][:n])
				}
			}
			x.logits(terms, i, end, w, bias, s.z)
			keep(l.z)
			x.products(i, end, along, alongBias, s.z)
			keep(l.s)
		})
	}, func(*scratch) {})
	if err != nil {
		return nil, err
	}
	return l, nil
}
