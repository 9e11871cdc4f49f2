package reference

import (
	"context"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

func (d *data) Eval(ctx context.Context, models []backend.Model, coef []float64, out *backend.Evaluation) error {
	return d.Gram(ctx, models, coef, nil, nil, out)
}

// Gram is Eval with the asked blocks of the Hessian added in the same loop over the rows.
func (d *data) Gram(ctx context.Context, models []backend.Model, coef []float64, blocks []backend.GramBlock, out [][]float64, ev *backend.Evaluation) error {
	if d.closed {
		return backend.ErrClosed
	}
	if err := d.columns.CheckGram(models, coef, blocks, out); err != nil {
		return err
	}
	if ev == nil {
		ev = new(backend.Evaluation)
	}
	ev.Reset(models, d.Cols())
	for _, h := range out {
		clear(h)
	}
	start := backend.Layout(models, d.Cols())
	buf := make([]float64, 3*backend.Outputs(models))
	for i := range d.Rows() {
		if err := between(ctx, i); err != nil {
			return err
		}
		for k, m := range models {
			kept, held := d.columns.Mass(m, i)
			if kept == 0 && held == 0 {
				continue
			}
			n := m.Outputs()
			z, r, p := buf[:n], buf[n:2*n], buf[2*n:3*n]
			d.logits(m, i, coef[start[k]:start[k+1]], z)
			loss := lossResidual(m, d.columns.Label[m.Label][i], z, r)
			if kept == 0 {
				ev.Held[k] += float64(held * loss)
				continue
			}
			ev.Loss[k] += float64(kept * loss)
			for c := range r {
				r[c] *= kept
			}
			addOuter(d.row(i), r, ev.Grad[start[k]:start[k+1]])
			for b, block := range blocks {
				if block.Model == k {
					probabilities(m, z, p)
					addSquare(d.row(i), kept*curvature(m, z, p, block.Row, block.Col), out[b])
				}
			}
		}
	}
	return nil
}

// addSquare adds s (x, 1)(x, 1)' to the matrix h.
func addSquare(x []float64, s float64, h []float64) {
	side := len(x) + 1
	at := func(a int) float64 {
		if a == len(x) {
			return 1
		}
		return x[a]
	}
	for a := range side {
		for b := range side {
			// The product of the x first: it keeps h exactly symmetric.
			h[a*side+b] += float64(s * float64(at(a)*at(b)))
		}
	}
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
		if err := between(ctx, i); err != nil {
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
		if err := between(ctx, i); err != nil {
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
