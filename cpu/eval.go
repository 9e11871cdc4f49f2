package cpu

import (
	"context"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// sums are the partial sums of a logical block and the scratch to make them.
type sums[T number] struct {
	loss, held []float64
	gradient   []float64   // the layout of the coefficients
	gram       [][]float64 // upper triangles

	z, e, l []T       // a tile: logits or residuals, scratch, losses
	mass    []float64 // of the rows of a tile, where a fold is left out
	square  square[T]
}

func (d *data[T]) Eval(ctx context.Context, models []backend.Model, coef []float64, out *backend.Evaluation) error {
	if d.closed {
		return backend.ErrClosed
	}
	if err := d.columns.CheckModels(models, coef); err != nil {
		return err
	}
	terms := d.terms(models, coef)
	tile, wide := tileRows(d.Cols()), widest(terms)
	out.Reset(models, d.Cols())
	fresh := func() *sums[T] {
		return &sums[T]{
			loss: make([]float64, len(models)), held: make([]float64, len(models)),
			gradient: make([]float64, len(coef)),
			z:        make([]T, tile*wide), e: make([]T, tile*wide), l: make([]T, tile),
			mass: make([]float64, tile),
		}
	}
	work := func(s *sums[T], rows *band[T], lo, hi int) {
		clear(s.loss)
		clear(s.held)
		clear(s.gradient)
		for i := lo; i < hi; i += tile {
			n := min(tile, hi-i)
			x := rows.tile(i, i+n)
			for k := range terms {
				t := &terms[k]
				z := s.z[:n*t.outputs]
				d.logits(t, x, i, n, z)
				d.evalTile(s, k, t, x, i, n, z)
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
	return pass(ctx, d, 2*d.threads, fresh, work, add)
}

// evalTile adds losses and gradient of model k on a tile whose logits are z. It
// leaves weighted residuals in z.
func (d *data[T]) evalTile(s *sums[T], k int, t *term[T], x []T, i, n int, z []T) {
	d.kernel.lossResidual(t.Model, t.label[i:i+n], z, s.l, s.e)
	s.held[k] += t.held(i, s.l[:n])
	s.loss[k] += d.add(s.gradient, t, x, s.l, z, n, t.masses(i, n, s.mass))
}

func (d *data[T]) HessVec(ctx context.Context, models []backend.Model, coef, v, out []float64) error {
	if d.closed {
		return backend.ErrClosed
	}
	if err := d.columns.CheckModels(models, coef, v, out); err != nil {
		return err
	}
	terms, along := d.terms(models, coef), d.terms(models, v)
	tile, wide := tileRows(d.Cols()), widest(terms)
	total := make([]float64, len(out)) // out may be v
	type partial struct {
		gradient []float64
		z, e, v  []T
		mass     []float64
	}
	fresh := func() *partial {
		return &partial{
			gradient: make([]float64, len(coef)),
			z:        make([]T, tile*wide), e: make([]T, tile*wide), v: make([]T, tile*wide),
			mass: make([]float64, tile),
		}
	}
	work := func(s *partial, rows *band[T], lo, hi int) {
		clear(s.gradient)
		for i := lo; i < hi; i += tile {
			n := min(tile, hi-i)
			x := rows.tile(i, i+n)
			for k := range terms {
				t := &terms[k]
				z, xv := s.z[:n*t.outputs], s.v[:n*t.outputs]
				d.logits(t, x, i, n, z)
				d.products(x, along[k].coef, along[k].bias, n, xv)
				if t.Classes == 0 {
					d.kernel.curvatures(z, s.e)
					for a := range z {
						z[a] *= xv[a]
					}
				} else {
					d.kernel.probabilities(t.Model, n, z, s.e)
					centred(n, z, xv)
				}
				d.add(s.gradient, t, x, xv, z, n, t.masses(i, n, s.mass)) // no losses: the sum of xv is not used
			}
		}
		inUnits(s.gradient, terms, d.Cols())
	}
	err := pass(ctx, d, 2*d.threads, fresh, work, func(s *partial) { addTo(total, s.gradient) })
	if err != nil {
		return err
	}
	copy(out, total)
	return nil
}

// centred replaces p by p_c (v_c - sum_o p_o v_o) in each of n rows.
func centred[T number](n int, p, v []T) {
	for i := range n {
		var mean T
		for at := i; at < len(p); at += n {
			mean += p[at] * v[at]
		}
		for at := i; at < len(p); at += n {
			p[at] *= v[at] - mean
		}
	}
}

func (d *data[T]) Predict(ctx context.Context, models []backend.Model, coef []float64, out []float64) error {
	if d.closed {
		return backend.ErrClosed
	}
	if err := d.columns.CheckPredict(models, coef, out); err != nil {
		return err
	}
	models = bare(models)
	terms := d.terms(models, coef)
	tile, wide, outputs := tileRows(d.Cols()), widest(terms), backend.Outputs(models)
	type scratch struct{ z, e []T }
	fresh := func() *scratch {
		return &scratch{make([]T, tile*wide), make([]T, tile*wide)}
	}
	return passEach(ctx, d, fresh, func(s *scratch, rows *band[T], lo, hi int) {
		for i := lo; i < hi; i += tile {
			n := min(tile, hi-i)
			x := rows.tile(i, i+n)
			first := 0
			for k := range terms {
				t := &terms[k]
				z := s.z[:n*t.outputs]
				d.logits(t, x, i, n, z)
				d.kernel.probabilities(t.Model, n, z, s.e)
				for o := range t.outputs {
					for a, p := range z[o*n : (o+1)*n] {
						out[(i+a)*outputs+first+o] = float64(p)
					}
				}
				first += t.outputs
			}
		}
	})
}
