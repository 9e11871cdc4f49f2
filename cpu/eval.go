package cpu

import (
	"context"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/cpu/internal/simd"
)

// sums are the partial sums of a logical block and the scratch to make them.
type sums[T number] struct {
	loss, held []float64
	gradient   []float64   // the layout of the coefficients
	gram       [][]float64 // upper triangles

	z, l    []T // a tile: logits or residuals of a batch, losses of one model
	scratch []T // of one model alone
	square  square[T]
}

func (d *data[T]) Eval(ctx context.Context, models []backend.Model, coef []float64, out *backend.Evaluation) error {
	if d.closed {
		return backend.ErrClosed
	}
	if err := d.columns.CheckModels(models, coef); err != nil {
		return err
	}
	tile := tileRows(d.Cols())
	terms := d.terms(models, coef)
	batches := d.batches(terms, tile)
	out.Reset(models, d.Cols())
	fresh := func() *sums[T] {
		return &sums[T]{
			loss: make([]float64, len(models)), held: make([]float64, len(models)),
			gradient: make([]float64, len(coef)),
			z:        make([]T, most(batches)), l: make([]T, tile),
			scratch: simd.EvalScratch[T](tile, d.Cols()),
		}
	}
	work := func(s *sums[T], rows *band[T], lo, hi int) {
		clear(s.loss)
		clear(s.held)
		clear(s.gradient)
		for i := lo; i < hi; i += tile {
			n := min(tile, hi-i)
			x := rows.tile(i, i+n)
			for k := range batches {
				b := &batches[k]
				if b.fused() {
					d.evalAlone(s, b, x, i, n)
					continue
				}
				b.each(x, d.Cols(), i, n, func(x []T, i, n int) {
					z := s.z[:n*b.outputs]
					d.logits(b, x, i, n, z)
					d.evalTile(s, b, x, i, n, z)
				})
			}
		}
		inUnits(s.gradient, terms, d.Cols())
	}
	add := func(s *sums[T]) {
		addTo(out.Loss, s.loss)
		addTo(out.Held, s.held)
		addTo(out.Grad, s.gradient)
	}
	// Two sets of partial sums a thread; a logical block has blockRows rows at least,
	// so they are never more than 4 K / blockRows of X.
	return pass(ctx, d, backend.Outputs(models), 2*d.threads, fresh, work, add)
}

// fused tells whether Eval of package simd evaluates the batch: one output, all rows.
func (b *batch[T]) fused() bool {
	t := &b.terms[0]
	return len(b.terms) == 1 && t.Classes == 0 && t.offset == nil && t.fold == nil
}

// evalAlone is logits and evalTile of such a batch, with their bits.
func (d *data[T]) evalAlone(s *sums[T], b *batch[T], x []T, i, n int) {
	t := &b.terms[0]
	g := s.gradient[t.start:][:d.Cols()+1]
	loss, sum := d.kernel.Eval(x, b.coef, b.bias[0], t.label[i:i+n], t.Class, t.weights(i, n), g[:d.Cols()], s.scratch)
	s.loss[b.first] += loss
	g[d.Cols()] += sum
}

// evalTile adds losses and gradients of a batch on a tile whose logits are z. It leaves
// weighted residuals in z.
func (d *data[T]) evalTile(s *sums[T], b *batch[T], x []T, i, n int, z []T) {
	run := z
	for k := range b.terms {
		t := &b.terms[k]
		d.kernel.lossResidual(t.Model, t.label[i:i+n], run[:n*t.outputs], s.l)
		kept, held := d.kernel.Losses(s.l[:n], t.weights(i, n))
		s.loss[b.first+k] += kept
		s.held[b.first+k] += held
		run = run[n*t.outputs:]
	}
	d.add(s.gradient, b, x, z, i, n)
}

func (d *data[T]) HessVec(ctx context.Context, models []backend.Model, coef, v, out []float64) error {
	if d.closed {
		return backend.ErrClosed
	}
	if err := d.columns.CheckModels(models, coef, v, out); err != nil {
		return err
	}
	tile := tileRows(d.Cols())
	terms := d.terms(models, coef)
	batches, along := d.batches(terms, tile), d.batchesAlong(models, v, tile)
	total := make([]float64, len(out)) // out may be v
	type partial struct {
		gradient []float64
		z, v     []T
	}
	fresh := func() *partial {
		n := most(batches)
		return &partial{make([]float64, len(coef)), make([]T, n), make([]T, n)}
	}
	work := func(s *partial, rows *band[T], lo, hi int) {
		clear(s.gradient)
		for i := lo; i < hi; i += tile {
			n := min(tile, hi-i)
			x := rows.tile(i, i+n)
			for k := range batches {
				b := &batches[k]
				b.each(x, d.Cols(), i, n, func(x []T, i, n int) {
					z, xv := s.z[:n*b.outputs], s.v[:n*b.outputs]
					d.logits(b, x, i, n, z)
					d.logits(&along[k], x, i, n, xv)
					first := 0
					for _, t := range b.terms {
						d.kernel.hessian(t.Model, n, z[first*n:][:t.outputs*n], xv[first*n:])
						first += t.outputs
					}
					d.add(s.gradient, b, x, z, i, n)
				})
			}
		}
		inUnits(s.gradient, terms, d.Cols())
	}
	err := pass(ctx, d, backend.Outputs(models), 2*d.threads, fresh, work, func(s *partial) { addTo(total, s.gradient) })
	if err != nil {
		return err
	}
	copy(out, total)
	return nil
}

func (d *data[T]) Predict(ctx context.Context, models []backend.Model, coef []float64, out []float64) error {
	if d.closed {
		return backend.ErrClosed
	}
	if err := d.columns.CheckPredict(models, coef, out); err != nil {
		return err
	}
	models = bare(models)
	tile, outputs := tileRows(d.Cols()), backend.Outputs(models)
	batches := d.batches(d.terms(models, coef), tile)
	type scratch struct{ z []T }
	fresh := func() *scratch {
		return &scratch{make([]T, most(batches))}
	}
	return passEach(ctx, d, outputs, fresh, func(s *scratch, rows *band[T], lo, hi int) {
		for i := lo; i < hi; i += tile {
			n := min(tile, hi-i)
			x := rows.tile(i, i+n)
			first := 0
			for k := range batches {
				b := &batches[k]
				b.each(x, d.Cols(), i, n, func(x []T, i, n int) {
					d.logits(b, x, i, n, s.z)
					z, first := s.z[:n*b.outputs], first
					for _, t := range b.terms {
						d.kernel.probabilities(t.Model, n, z[:n*t.outputs])
						for o := range t.outputs {
							for a, p := range z[o*n : (o+1)*n] {
								out[(i+a)*outputs+first+o] = float64(p)
							}
						}
						first += t.outputs
						z = z[n*t.outputs:]
					}
				})
				first += b.outputs
			}
		}
	})
}
