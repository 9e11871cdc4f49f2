package reference

import (
	"context"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

func (d *data) Eval(ctx context.Context, models []backend.Model, coef []float64, out *backend.Evaluation) error {
	return d.Gram(ctx, models, coef, nil, nil, out)
}

// HessVec follows Pearlmutter: with V = (X, 1) v, sum over the rows of
// m (p_c (V_c - sum_o p_o V_o)) (x, 1).
func (d *data) HessVec(ctx context.Context, models []backend.Model, coef, v, out []float64) error {
	if d.closed {
		return backend.ErrClosed
	}
	if err := d.columns.CheckModels(models, coef, v, out); err != nil {
		return err
	}
	start := backend.Layout(models, d.Cols())
	hv := make([]float64, len(out)) // out may be v
	buf := make([]float64, 4*backend.Outputs(models))
	for i := range d.Rows() {
		if err := d.begin(ctx, i); err != nil {
			return err
		}
		for k, m := range models {
			kept, _ := d.columns.Mass(m, i)
			if kept == 0 {
				continue
			}
			n := m.Outputs()
			z, p, xv, r := buf[:n], buf[n:2*n], buf[2*n:3*n], buf[3*n:4*n]
			d.logits(m, i, coef[start[k]:start[k+1]], z)
			probabilities(m, z, p)
			products(d.row(i), v[start[k]:start[k+1]], xv)
			for c := range n {
				sum := 0.0
				for o := range n {
					sum += float64(curvature(m, z, p, c, o) * xv[o])
				}
				r[c] = kept * sum
			}
			addOuter(d.row(i), r, hv[start[k]:start[k+1]])
		}
	}
	copy(out, hv)
	return nil
}

func (d *data) Predict(ctx context.Context, models []backend.Model, coef []float64, out []float64) error {
	if d.closed {
		return backend.ErrClosed
	}
	if err := d.columns.CheckPredict(models, coef, out); err != nil {
		return err
	}
	start := backend.Layout(models, d.Cols())
	z := make([]float64, backend.Outputs(models))
	next := out
	for i := range d.Rows() {
		if err := d.begin(ctx, i); err != nil {
			return err
		}
		for k, m := range models {
			n := m.Outputs()
			d.logits(m, i, coef[start[k]:start[k+1]], z[:n])
			probabilities(m, z[:n], next[:n])
			next = next[n:]
		}
	}
	return nil
}
