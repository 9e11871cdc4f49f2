package cpu

import (
	"context"
	"sync"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/cpu/internal/simd"
)

// Gram and ColumnGram of sparse X take two steps: the weight m d of every row and block,
// from the read of X in which a gradient would be made, and then the products of each
// row's entries. Those go straight into the matrix, whose rows the threads share out: a
// number is summed over the rows of X by one thread, in their order. Partial matrices of
// blocks of rows would take more memory than the cache has, and more time to add up than
// to make.

// curvatures are the weights of the rows, in units, and the diagonals.
type curvatures[T number] struct {
	asked    []backend.GramBlock
	weight   [][]T       // one a block, N each
	sum      []float64   // of weight
	diagonal [][]float64 // one a block, D each; nil where it is not asked for
}

// curvatureSums are the partial sums of curvatures and scratch to make them.
type curvatureSums[T number] struct {
	sum      []float64
	diagonal [][]float64
	p        []T
}

func newCurvatures[T number](rows int, asked []backend.GramBlock, diagonal [][]float64) *curvatures[T] {
	c := &curvatures[T]{asked: asked, sum: make([]float64, len(asked)), diagonal: diagonal}
	for range asked {
		c.weight = append(c.weight, make([]T, rows))
	}
	return c
}

// numbers is how many float64 the partial sums have.
func (c *curvatures[T]) numbers(cols int) int {
	if c == nil {
		return 0
	}
	return len(c.diagonal) * cols
}

func (c *curvatures[T]) sums(cols, widest int) (s curvatureSums[T]) {
	if c == nil {
		return s
	}
	s.sum, s.p = make([]float64, len(c.asked)), make([]T, sparseTileRows*widest)
	for range c.diagonal {
		s.diagonal = append(s.diagonal, make([]float64, cols))
	}
	return s
}

// tile takes the rows i to end, whose logits in model k are z.
func (c *curvatures[T]) tile(d *sparse[T], x *csr[T], s *curvatureSums[T], k int, t *term[T], i, end int, z []T, weights simd.Weights) {
	var p []T // computed for the first block of this model
	for b, block := range c.asked {
		if block.Model != k {
			continue
		}
		if p == nil {
			p = s.p[:copy(s.p, z)]
			d.kernel.derivatives(t.Model, end-i, p)
		}
		w := c.weight[b][i:end]
		secondDerivatives(t, block, p, w)
		s.sum[b] += d.kernel.Weigh(w, weights)
		if c.diagonal != nil {
			x.squares(i, end, w, s.diagonal[b])
		}
	}
}

// secondDerivatives writes d2 l / dz_R dz_C of each row to w. p are the rows' curvatures
// for a model of one output, else their probabilities.
func secondDerivatives[T number](t *term[T], block backend.GramBlock, p, w []T) {
	n := len(w)
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
}

func (c *curvatures[T]) add(s *curvatureSums[T]) {
	if c == nil {
		return
	}
	drain(c.sum, s.sum)
	for b := range c.diagonal {
		drain(c.diagonal[b], s.diagonal[b])
	}
}

func (d *sparse[T]) Gram(ctx context.Context, models []backend.Model, coef []float64, asked []backend.GramBlock, out [][]float64, ev *backend.Evaluation) error {
	if d.closed {
		return backend.ErrClosed
	}
	if err := d.columns.CheckGram(models, coef, asked, out); err != nil {
		return err
	}
	cs := newCurvatures[T](d.Rows(), asked, nil)
	if err := d.eval(ctx, models, coef, ev, cs); err != nil {
		return err
	}
	return d.matrices(ctx, models, cs, nil, d.Cols()+1, out)
}

func (d *sparse[T]) ColumnGram(ctx context.Context, models []backend.Model, coef []float64, asked []backend.GramBlock, cols []int, out, diagonal [][]float64) error {
	if d.closed {
		return backend.ErrClosed
	}
	if err := d.columns.CheckColumnGram(models, coef, asked, cols, out, diagonal); err != nil {
		return err
	}
	place := make([]int32, d.Cols()) // in the matrices, or -1
	for j := range place {
		place[j] = -1
	}
	for a, j := range cols {
		place[j] = int32(a)
	}
	slopes := make([][]float64, len(asked))
	for b := range asked {
		clear(diagonal[b])
		slopes[b] = diagonal[b][:d.Cols()]
	}
	cs := newCurvatures[T](d.Rows(), asked, slopes)
	if err := d.eval(ctx, models, coef, nil, cs); err != nil {
		return err
	}
	terms := d.terms(models)
	for b, block := range asked {
		diagonal[b][d.Cols()] = cs.sum[b]
		scale(diagonal[b], terms[block.Model].unit)
	}
	return d.matrices(ctx, models, cs, place, len(cols)+1, out)
}

// mostParts bounds the threads that share a matrix out: each of them goes over all entries.
const mostParts = 16

// matrices fills out, of side x side, from the weights, over the columns that have a place, the intercept
// last. A nil place is the column itself.
func (d *sparse[T]) matrices(ctx context.Context, models []backend.Model, cs *curvatures[T], place []int32, side int, out [][]float64) error {
	terms := d.terms(models)
	parts := min(d.threads, mostParts)
	err := d.windows(ctx, func(x *csr[T], first, end int) error {
		var done sync.WaitGroup
		for p := range parts {
			done.Go(func() {
				for b := range out {
					x.matrixPart(ctx, first, cs.weight[b][first:end], place, p, parts, side, out[b])
				}
			})
		}
		done.Wait()
		return context.Cause(ctx)
	})
	if err != nil {
		return err
	}
	for b, h := range out {
		h[side*side-1] = cs.sum[b]
		unit := terms[cs.asked[b].Model].unit
		for a := range side {
			scale(h[a*side+a:(a+1)*side], unit)
		}
	}
	mirror(out, side)
	return nil
}

// contextRows is how many rows are worked on between two looks at the context.
const contextRows = 4096

// matrixPart adds rows of X from first on, as many as there are weights, to every parts-th
// row of the upper triangle h, but for its last number; the first rows begin it.
func (x *csr[T]) matrixPart(ctx context.Context, first int, weight []T, place []int32, part, parts, side int, h []float64) {
	for a := part; first == 0 && a < side; a += parts {
		clear(h[a*side : (a+1)*side])
	}
	type entry struct {
		at  int32
		val T
	}
	var row []entry
	for i, w := range weight {
		if i%contextRows == 0 && ctx.Err() != nil {
			return
		}
		if w == 0 {
			continue
		}
		col, val := x.row(first + i)
		row = row[:0]
		for e, j := range col {
			at, v := int32(j), T(1)
			if place != nil {
				at = place[j]
			}
			if val != nil {
				v = val[e]
			}
			if at >= 0 {
				row = append(row, entry{at, v})
			}
		}
		row = append(row, entry{int32(side - 1), 1})
		for r, a := range row[:len(row)-1] {
			if int(a.at)%parts != part {
				continue
			}
			s, to := w*a.val, h[int(a.at)*side:][:side]
			for _, c := range row[r:] {
				to[c.at] += float64(T(s * c.val))
			}
		}
	}
}
