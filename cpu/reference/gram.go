package reference

import (
	"context"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

func (d *data) Gram(ctx context.Context, models []backend.Model, coef []float64, blocks []backend.GramBlock, out [][]float64, ev *backend.Evaluation) error {
	if d.closed {
		return backend.ErrClosed
	}
	if err := d.columns.CheckGram(models, coef, blocks, out); err != nil {
		return err
	}
	for _, h := range out {
		clear(h)
	}
	every := make([]int, d.Cols())
	for j := range every {
		every[j] = j
	}
	return d.evalSquares(ctx, models, coef, blocks, ev, func(b int, x row, s float64) { addSquare(x, s, every, d.Cols()+1, out[b]) })
}

func (d *data) ColumnGram(ctx context.Context, models []backend.Model, coef []float64, blocks []backend.GramBlock, cols []int, out, diagonal [][]float64) error {
	if d.closed {
		return backend.ErrClosed
	}
	if err := d.columns.CheckColumnGram(models, coef, blocks, cols, out, diagonal); err != nil {
		return err
	}
	for b := range out {
		clear(out[b])
		clear(diagonal[b])
	}
	place := make([]int, d.Cols()) // in the matrix, or -1
	for j := range place {
		place[j] = -1
	}
	for a, j := range cols {
		place[j] = a
	}
	return d.evalSquares(ctx, models, coef, blocks, nil, func(b int, x row, s float64) {
		addSquare(x, s, place, len(cols)+1, out[b])
		for e, v := range x.val {
			diagonal[b][x.column(e)] += float64(s * float64(v*v))
		}
		diagonal[b][x.cols] += s
	})
}

// evalSquares is Eval, and calls square with the weight m d of every row for every block of
// the models that count the row.
func (d *data) evalSquares(ctx context.Context, models []backend.Model, coef []float64, blocks []backend.GramBlock, ev *backend.Evaluation, square func(b int, x row, s float64)) error {
	if ev == nil {
		ev = new(backend.Evaluation)
	}
	ev.Reset(models, d.Cols())
	start := backend.Layout(models, d.Cols())
	buf := make([]float64, 3*backend.Outputs(models))
	for i := range d.Rows() {
		if err := d.begin(ctx, i); err != nil {
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
					square(b, d.row(i), kept*curvature(m, z, p, block.Row, block.Col))
				}
			}
		}
	}
	return nil
}

// addSquare adds s (x, 1)(x, 1)' over the columns that have a place in the matrix h of
// side x side, the intercept last.
func addSquare(x row, s float64, place []int, side int, h []float64) {
	at := make([]int, 0, len(x.val)+1)
	val := make([]float64, 0, len(x.val)+1)
	for e, v := range x.val {
		if a := place[x.column(e)]; a >= 0 {
			at, val = append(at, a), append(val, v)
		}
	}
	at, val = append(at, side-1), append(val, 1)
	for a, xa := range val {
		for b, xb := range val {
			// The product of the x first: it keeps h exactly symmetric.
			h[at[a]*side+at[b]] += float64(s * float64(xa*xb))
		}
	}
}
