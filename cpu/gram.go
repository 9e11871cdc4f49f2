package cpu

import (
	"context"
	"sync"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

const (
	// gramRows bounds the rows of a tile of Gram: their products are summed in T,
	// and then added to float64 matrices that may be too large for the cache.
	gramRows = 128

	// gramBytes bounds the memory of partial matrices; where few fit, fewer threads
	// work. It changes no result.
	gramBytes = 1 << 30
)

// partials are matrices of earlier calls: a metric takes as many calls as it has
// blocks, and what they leave to the garbage collector can outgrow X.
var partials sync.Pool

func partialMatrix(size int) *[]float64 {
	if m, ok := partials.Get().(*[]float64); ok && cap(*m) >= size {
		*m = (*m)[:size]
		return m
	}
	m := make([]float64, size)
	return &m
}

// square is what the matrices of a tile are made from.
type square[T number] struct {
	d, p   []T // weights of the rows; probabilities
	scaled []T // diag(d) x
	border []float64
}

// addSquare adds (x, 1)' diag(d) (x, 1) of a tile of n rows to the upper triangle h;
// sum is that of d.
func (d *data[T]) addSquare(s *square[T], x []T, n int, sum float64, h []float64) {
	cols, side := d.Cols(), d.Cols()+1
	d.kernel.Scale(s.scaled, x, s.d[:n], cols)
	d.kernel.Gram(s.scaled[:n*cols], x, cols, h, side)
	clear(s.border)
	d.kernel.Outer(x, s.d[:n], s.border)
	for j, v := range s.border {
		h[j*side+cols] += v
	}
	h[cols*side+cols] += sum
}

// Gram is the loop of Eval with the matrices added to each tile; wide matrices are made
// in another way (panels.go).
func (d *data[T]) Gram(ctx context.Context, models []backend.Model, coef []float64, asked []backend.GramBlock, out [][]float64, ev *backend.Evaluation) error {
	if d.closed {
		return backend.ErrClosed
	}
	if err := d.columns.CheckGram(models, coef, asked, out); err != nil {
		return err
	}
	terms := d.terms(models, coef)
	cols, side := d.Cols(), d.Cols()+1
	if ev != nil {
		ev.Reset(models, cols)
	}
	for b := range out {
		clear(out[b])
	}
	if cols >= panelled {
		return d.panelledGram(ctx, terms, len(coef), asked, out, ev)
	}
	tile, wide := gramRows, widest(terms)
	batches := oneByOne(terms, tile)
	var (
		matrices []*[]float64
		taking   sync.Mutex // partials are made by the hands that need them, side by side
	)
	defer func() {
		for _, m := range matrices {
			partials.Put(m)
		}
	}()
	fresh := func() *sums[T] {
		s := &sums[T]{
			z: make([]T, tile*wide), l: make([]T, tile),
			square: square[T]{
				d: make([]T, tile), p: make([]T, tile*wide),
				scaled: make([]T, tile*cols), border: make([]float64, cols),
			},
		}
		for range asked {
			m := partialMatrix(side * side)
			taking.Lock()
			matrices = append(matrices, m)
			taking.Unlock()
			s.gram = append(s.gram, *m)
		}
		if ev != nil {
			s.loss, s.held = make([]float64, len(models)), make([]float64, len(models))
			s.gradient = make([]float64, len(coef))
		}
		return s
	}
	work := func(s *sums[T], rows *band[T], lo, hi int) {
		clear(s.loss)
		clear(s.held)
		clear(s.gradient)
		for b := range s.gram {
			clear(s.gram[b])
		}
		for i := lo; i < hi; i += tile {
			n := min(tile, hi-i)
			x := rows.tile(i, i+n)
			for k := range batches {
				b := &batches[k]
				z := s.z[:n*b.outputs]
				d.logits(b, x, i, n, z)
				d.gramTile(s, b, asked, x, i, n, z)
				if ev != nil {
					d.evalTile(s, b, x, i, n, z)
				}
			}
		}
		for b, block := range asked {
			if unit := terms[block.Model].unit; unit != 1 {
				scale(s.gram[b], unit)
			}
		}
		if ev != nil {
			inUnits(s.gradient, terms, cols)
		}
	}
	add := func(s *sums[T]) {
		for b := range out {
			addTo(out[b], s.gram[b])
		}
		if ev != nil {
			addTo(ev.Loss, s.loss)
			addTo(ev.Held, s.held)
			addTo(ev.Grad, s.gradient)
		}
	}
	room := int(min(int64(2*d.threads), min(gramBytes, d.memory.left()/8)/int64(8*side*side*max(1, len(asked)))))
	if err := pass(ctx, d, backend.Outputs(models)+len(asked), room, fresh, work, add); err != nil {
		return err
	}
	mirror(out, side)
	return nil
}

// gramTile adds the matrices asked of the model alone in m on a tile whose logits are z,
// which it leaves alone.
func (d *data[T]) gramTile(s *sums[T], m *batch[T], asked []backend.GramBlock, x []T, i, n int, z []T) {
	d.curvatures(s, m, asked, i, n, z, func(b int, sum float64) {
		d.addSquare(&s.square, x, n, sum, s.gram[b])
	})
}

// curvatures puts the weights d of the rows of a tile in each matrix asked of the model
// alone in m to s.square.d, in units of the rows' weights, and calls use with their sum.
// It leaves the logits z alone.
func (d *data[T]) curvatures(s *sums[T], m *batch[T], asked []backend.GramBlock, i, n int, z []T, use func(b int, sum float64)) {
	t := &m.terms[0]
	var p []T // computed for the first matrix asked of this model
	for b, block := range asked {
		if block.Model != m.first {
			continue
		}
		if p == nil {
			p = s.square.p[:copy(s.square.p, z)]
			d.kernel.derivatives(t.Model, n, p)
		}
		w := s.square.d[:n]
		secondDerivatives(t, block, p, w)
		use(b, d.kernel.Weigh(w, t.weights(i, n)))
	}
}

// mirror copies the upper triangles of matrices of side x side to the lower ones.
func mirror(out [][]float64, side int) {
	const square = 32 // numbers a side, for which and for whose image there is room in the cache
	for _, h := range out {
		for first := 0; first < side; first += square {
			for second := first; second < side; second += square {
				for a := first; a < min(first+square, side); a++ {
					for b := max(second, a+1); b < min(second+square, side); b++ {
						h[b*side+a] = h[a*side+b]
					}
				}
			}
		}
	}
}
