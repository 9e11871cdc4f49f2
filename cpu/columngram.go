package cpu

import (
	"context"
	"slices"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// columnSquares are the partial matrices of a logical block, over some columns, and
// scratch to make them.
type columnSquares[T number] struct {
	gram, diagonal [][]float64
	sum            []float64 // of the weights d, one a block

	p       []T
	d       []T // weights of gramRows rows, one run a block
	squared []T // diag(d) x^2 of a tile
	ones    []T
	some    []T // the columns asked for, of gramRows rows
	scaled  []T // diag(d) some
	border  []float64
}

// ColumnGram takes the columns asked for out of every tile and multiplies them as Gram does.
func (d *data[T]) ColumnGram(ctx context.Context, models []backend.Model, coef []float64, asked []backend.GramBlock, cols []int, out, diagonal [][]float64) error {
	if d.closed {
		return backend.ErrClosed
	}
	if err := d.columns.CheckColumnGram(models, coef, asked, cols, out, diagonal); err != nil {
		return err
	}
	terms := d.terms(models, coef)
	all, some, side := d.Cols(), len(cols), len(cols)+1
	tile, wide := min(gramRows, tileRows(all)), widest(terms)
	batches := oneByOne(terms, tile)
	for b := range out {
		clear(out[b])
		clear(diagonal[b])
	}
	fresh := func() *columnSquares[T] {
		s := &columnSquares[T]{
			sum: make([]float64, len(asked)),
			p:   make([]T, tile*wide),
			d:   make([]T, gramRows*len(asked)), squared: make([]T, tile*all), ones: slices.Repeat([]T{1}, tile),
			some: make([]T, gramRows*some), scaled: make([]T, gramRows*some), border: make([]float64, some),
		}
		for range asked {
			s.gram = append(s.gram, make([]float64, side*side))
			s.diagonal = append(s.diagonal, make([]float64, all+1))
		}
		return s
	}
	work := func(s *columnSquares[T], x *band[T], lo, hi int) {
		for at := lo; at < hi; at += gramRows {
			m := min(gramRows, hi-at)
			for i := at; i < at+m; i += tile {
				n := min(tile, at+m-i)
				xs := x.tile(i, i+n)
				for a := range n {
					row := xs[a*all : (a+1)*all]
					to := s.some[(i-at+a)*some:][:some]
					for c, j := range cols {
						to[c] = row[j]
					}
				}
				for k := range batches {
					d.columnTile(s, &batches[k], asked, xs, at, i, n)
				}
			}
			for b := range asked {
				w := s.d[b*gramRows:][:m]
				if some == 0 {
					continue
				}
				d.kernel.Scale(s.scaled, s.some, w, some)
				d.kernel.Gram(s.scaled[:m*some], s.some[:m*some], some, s.gram[b], side)
				clear(s.border)
				d.kernel.Outer(s.some[:m*some], w, s.border)
				for c, v := range s.border {
					s.gram[b][c*side+some] += v
				}
			}
		}
	}
	add := func(s *columnSquares[T]) {
		for b, block := range asked {
			s.gram[b][side*side-1] = s.sum[b]
			s.diagonal[b][all] = s.sum[b]
			s.sum[b] = 0
			if unit := terms[block.Model].unit; unit != 1 {
				scale(s.gram[b], unit)
				scale(s.diagonal[b], unit)
			}
			drain(out[b], s.gram[b])
			drain(diagonal[b], s.diagonal[b])
		}
	}
	room := min(2*d.threads, gramBytes/(8*(side*side+all)*max(1, len(asked))))
	if err := pass(ctx, d, backend.Outputs(models), room, fresh, work, add); err != nil {
		return err
	}
	mirror(out, side)
	return nil
}

// columnTile adds the diagonals asked of the model alone in m on a tile of n rows from i on, and keeps
// the weights d of rows from at on.
func (d *data[T]) columnTile(s *columnSquares[T], m *batch[T], asked []backend.GramBlock, x []T, at, i, n int) {
	t := &m.terms[0]
	var p []T // computed for the first matrix asked of this model
	for b, block := range asked {
		if block.Model != m.first {
			continue
		}
		if p == nil {
			p = s.p[:n*t.outputs]
			d.logits(m, x, i, n, p)
			d.kernel.derivatives(t.Model, n, p)
		}
		w := s.d[b*gramRows+i-at:][:n]
		secondDerivatives(t, block, p, w)
		s.sum[b] += d.kernel.Weigh(w, t.weights(i, n))
		all := d.Cols()
		for a, v := range w { // the weight first: where it is 0, squares may overflow
			from, to := x[a*all:(a+1)*all], s.squared[a*all:(a+1)*all]
			for j, u := range from {
				to[j] = v * u * u
			}
		}
		d.kernel.Outer(s.squared[:len(x)], s.ones[:n], s.diagonal[b][:all])
	}
}
