package reference

import (
	"context"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// Direction keeps z and X dir of every row and output.
func (d *data) Direction(ctx context.Context, models []backend.Model, coef, dir []float64) (backend.Line, error) {
	if d.closed {
		return nil, backend.ErrClosed
	}
	if err := d.columns.CheckModels(models, coef, dir); err != nil {
		return nil, err
	}
	outputs := backend.Outputs(models)
	l := &line{
		data:    d,
		models:  append([]backend.Model(nil), models...),
		z:       make([]float64, d.Rows()*outputs),
		s:       make([]float64, d.Rows()*outputs),
		outputs: outputs,
	}
	start := backend.Layout(models, d.Cols())
	z, s := l.z, l.s
	for i := range d.Rows() {
		if err := d.begin(ctx, i); err != nil {
			return nil, err
		}
		for k, m := range models {
			n := m.Outputs()
			d.logits(m, i, coef[start[k]:start[k+1]], z[:n])
			products(d.row(i), dir[start[k]:start[k+1]], s[:n])
			z, s = z[n:], s[n:]
		}
	}
	return l, nil
}

type line struct {
	data    *data
	models  []backend.Model
	z, s    []float64 // N x outputs
	outputs int
	closed  bool
}

func (l *line) At(ctx context.Context, t, loss, slope [][]float64) error {
	if l.closed || l.data.closed {
		return backend.ErrClosed
	}
	if err := backend.CheckSteps(l.models, t, loss, slope); err != nil {
		return err
	}
	for k := range t {
		clear(loss[k])
		clear(slope[k])
	}
	zt, r := make([]float64, l.outputs), make([]float64, l.outputs)
	z, s := l.z, l.s
	for i := range l.data.Rows() {
		if err := between(ctx, i); err != nil {
			return err
		}
		for k, m := range l.models {
			n := m.Outputs()
			kept, _ := l.data.columns.Mass(m, i)
			for a, step := range t[k] {
				if kept == 0 {
					break
				}
				for c := range n {
					zt[c] = z[c] + float64(step*s[c])
				}
				loss[k][a] += float64(kept * lossResidual(m, l.data.columns.Label[m.Label][i], zt[:n], r[:n]))
				for c := range n {
					slope[k][a] += float64(kept * float64(r[c]*s[c]))
				}
			}
			z, s = z[n:], s[n:]
		}
	}
	return nil
}

func (l *line) Close() error {
	if l.closed {
		return backend.ErrClosed
	}
	l.closed, l.z, l.s = true, nil, nil
	return nil
}
