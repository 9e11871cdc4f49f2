package cpu

import (
	"context"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

const (
	// gramRows bounds the rows of a tile of Gram: their products are summed in T,
	// and then added to float64 matrices that are too large for the cache.
	gramRows = 128

	// gramBytes bounds the memory of partial matrices; where few fit, fewer threads
	// work. It changes no result.
	gramBytes = 1 << 30
)

// panels is a tile of (X, 1) in panels of 4 columns, 4 numbers a row: what the square
// kernel reads, in the order in which it reads it. The last panel is filled with zeros.
type panels[T number] struct {
	x, scaled []T // panels of rows of 4
	d, p      []T // weights of the rows; probabilities
}

func (p *panels[T]) pack(x []T, n, cols int) {
	for j := 0; j <= cols; j += 4 {
		panel := p.x[j*n : (j+4)*n]
		for i := range n {
			for c := range 4 {
				switch {
				case j+c < cols:
					panel[4*i+c] = x[i*cols+j+c]
				case j+c == cols:
					panel[4*i+c] = 1
				default:
					panel[4*i+c] = 0
				}
			}
		}
	}
}

// scale sets scaled to diag(d) x.
func (p *panels[T]) scale(n, cols int) {
	for j := 0; j <= cols; j += 4 {
		from, to := p.x[j*n:(j+4)*n], p.scaled[j*n:(j+4)*n]
		for i, s := range p.d[:n] {
			a, b := from[4*i:4*i+4], to[4*i:4*i+4]
			b[0], b[1], b[2], b[3] = s*a[0], s*a[1], s*a[2], s*a[3]
		}
	}
}

// addSquare adds unit scaled' x, its lower triangle, to h.
func (d *data[T]) addSquare(p *panels[T], n int, unit float64, h []float64) {
	side := d.Cols() + 1
	var out [16]T
	for a := 0; a < side; a += 4 {
		for b := 0; b <= a; b += 4 {
			d.kernel.square(p.scaled[a*n:(a+4)*n], p.x[b*n:(b+4)*n], &out)
			for r := range min(4, side-a) {
				row := h[(a+r)*side+b:][:min(4, side-b)]
				for c := range row {
					row[c] += float64(out[4*r+c]) * unit
				}
			}
		}
	}
}

// Gram is the loop of Eval with the matrices added to each tile.
func (d *data[T]) Gram(ctx context.Context, models []backend.Model, coef []float64, asked []backend.GramBlock, out [][]float64, ev *backend.Evaluation) error {
	if d.closed {
		return backend.ErrClosed
	}
	if err := d.columns.CheckGram(models, coef, asked, out); err != nil {
		return err
	}
	terms := d.terms(models, coef)
	cols, side := d.Cols(), d.Cols()+1
	tile, wide := gramRows, widest(terms)
	if ev != nil {
		ev.Reset(models, cols)
	}
	for b := range out {
		clear(out[b])
	}
	fresh := func() *sums[T] {
		s := &sums[T]{
			x: d.x.buffer(tile), z: make([]T, tile*wide), e: make([]T, tile*wide), l: make([]T, tile),
			panels: panels[T]{
				x: make([]T, (side+3)*tile), scaled: make([]T, (side+3)*tile),
				d: make([]T, tile), p: make([]T, tile*wide),
			},
		}
		for range asked {
			s.gram = append(s.gram, make([]float64, side*side))
		}
		if ev != nil {
			s.loss, s.held = make([]float64, len(models)), make([]float64, len(models))
			s.gradient = newGradient[T](backend.Outputs(models), cols)
		}
		return s
	}
	work := func(s *sums[T], lo, hi int) {
		clear(s.loss)
		clear(s.held)
		clear(s.gradient.sum)
		for b := range s.gram {
			clear(s.gram[b])
		}
		for i := lo; i < hi; i += tile {
			n := min(tile, hi-i)
			x := d.x.tile(i, i+n, s.x)
			s.panels.pack(x, n, cols)
			for k := range terms {
				t := &terms[k]
				z := s.z[:n*t.outputs]
				d.logits(t, x, i, n, z)
				d.gramTile(s, k, t, asked, i, n, z)
				if ev != nil {
					d.evalTile(s, k, t, x, i, n, z)
				}
			}
			if ev != nil {
				d.ended(&s.gradient, terms, n, i+n == hi)
			}
		}
	}
	add := func(s *sums[T]) {
		for b := range out {
			addTo(out[b], s.gram[b])
		}
		if ev != nil {
			addTo(ev.Loss, s.loss)
			addTo(ev.Held, s.held)
			addTo(ev.Grad, s.gradient.sum)
		}
	}
	room := min(2*d.threads, gramBytes/(8*side*side*max(1, len(asked))))
	if err := reduce(ctx, d.blocks(), d.threads, room, fresh, work, add); err != nil {
		return err
	}
	for _, h := range out {
		for a := range side {
			for b := range a {
				h[b*side+a] = h[a*side+b]
			}
		}
	}
	return nil
}

// gramTile adds the matrices asked of model k on a tile whose logits are z, which it
// leaves alone.
func (d *data[T]) gramTile(s *sums[T], k int, t *term[T], asked []backend.GramBlock, i, n int, z []T) {
	var p []T // computed for the first matrix asked of this model
	for b, block := range asked {
		if block.Model != k {
			continue
		}
		if p == nil {
			p = s.panels.p[:copy(s.panels.p, z)]
			if t.Classes == 0 {
				d.kernel.curvatures(p, s.e)
			} else {
				d.kernel.probabilities(t.Model, n, p, s.e)
			}
		}
		w := s.panels.d[:n]
		row, col := p[block.Row*n:][:n], p[block.Col*n:][:n]
		for a := range w {
			switch {
			case t.Classes == 0:
				w[a] = row[a]
			case block.Row == block.Col:
				w[a] = row[a] * (1 - row[a])
			default:
				w[a] = -row[a] * col[a]
			}
		}
		t.weigh(i, n, w)
		s.panels.scale(n, d.Cols())
		d.addSquare(&s.panels, n, t.unit, s.gram[b])
	}
}
