package cpu

import (
	"context"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// line keeps z and X dir, one run of N numbers an output.
type line[T number] struct {
	data   *frame[T]
	blocks blocks
	models []backend.Model
	terms  []term[T]
	z, s   []T
	closed bool
}

func (d *data[T]) Direction(ctx context.Context, models []backend.Model, coef, dir []float64) (backend.Line, error) {
	if d.closed {
		return nil, backend.ErrClosed
	}
	if err := d.columns.CheckModels(models, coef, dir); err != nil {
		return nil, err
	}
	rows, tile, outputs := d.Rows(), tileRows(d.Cols()), backend.Outputs(models)
	terms := d.terms(models, coef)
	batches, along := d.batches(terms, tile), d.batchesAlong(models, dir, tile)
	l := &line[T]{
		data: &d.frame, blocks: d.blocks().times(outputs), models: append([]backend.Model(nil), models...), terms: terms,
		z: make([]T, rows*outputs), s: make([]T, rows*outputs),
	}
	type scratch struct{ z []T }
	fresh := func() *scratch { return &scratch{make([]T, most(batches))} }
	err := passEach(ctx, d, outputs, fresh, func(s *scratch, x *band[T], lo, hi int) {
		for i := lo; i < hi; i += tile {
			n := min(tile, hi-i)
			x, first := x.tile(i, i+n), 0
			for k := range batches {
				b := &batches[k]
				b.each(x, d.Cols(), i, n, func(x []T, i, n int) {
					keep := func(to []T) {
						for o := range b.outputs {
							copy(to[(first+o)*rows+i:], s.z[o*n:(o+1)*n])
						}
					}
					d.logits(b, x, i, n, s.z)
					keep(l.z)
					d.logits(&along[k], x, i, n, s.z)
					keep(l.s)
				})
				first += b.outputs
			}
		}
	})
	if err != nil {
		return nil, err
	}
	return l, nil
}

func (l *line[T]) At(ctx context.Context, t, loss, slope [][]float64) error {
	if l.closed || l.data.closed {
		return backend.ErrClosed
	}
	if err := backend.CheckSteps(l.models, t, loss, slope); err != nil {
		return err
	}
	steps := 0
	for k := range t {
		clear(loss[k])
		clear(slope[k])
		steps += len(t[k])
	}
	const tile = tileRowsMost
	d, rows, wide := l.data, l.data.Rows(), widest(l.terms)
	type partial struct {
		loss, slope []float64 // of all steps of all models
		z, l        []T
	}
	fresh := func() *partial {
		return &partial{make([]float64, steps), make([]float64, steps), make([]T, tile*wide), make([]T, tile)}
	}
	work := func(p *partial, lo, hi int) {
		clear(p.loss)
		clear(p.slope)
		for i := lo; i < hi; i += tile {
			n := min(tile, hi-i)
			first, at := 0, 0
			for k := range l.terms {
				m := &l.terms[k]
				for _, step := range t[k] {
					z := p.z[:n*m.outputs]
					for o := range m.outputs {
						from := (first+o)*rows + i
						z0, s := l.z[from:from+n], l.s[from:from+n]
						for a, v := range s {
							z[o*n+a] = T(float64(z0[a]) + float64(step*float64(v)))
						}
					}
					d.kernel.lossResidual(m.Model, m.label[i:i+n], z, p.l)
					w, sum := m.weights(i, n), 0.0
					kept, _ := d.kernel.Losses(p.l[:n], w)
					for o := range m.outputs {
						d.kernel.Weigh(z[o*n:(o+1)*n], w)
						from := (first+o)*rows + i
						for a, v := range l.s[from : from+n] {
							sum += float64(z[o*n+a]) * float64(v)
						}
					}
					p.loss[at] += kept
					p.slope[at] += sum * m.unit
					at++
				}
				first += m.outputs
			}
		}
	}
	add := func(p *partial) {
		at := 0
		for k := range t {
			addTo(loss[k], p.loss[at:][:len(t[k])])
			addTo(slope[k], p.slope[at:][:len(t[k])])
			at += len(t[k])
		}
	}
	return reduce(ctx, l.blocks, d.threads, 2*d.threads, fresh, work, add)
}

func (l *line[T]) Close() error {
	if l.closed {
		return backend.ErrClosed
	}
	l.closed, l.z, l.s = true, nil, nil
	return nil
}
