package cpu

import (
	"context"
	"math"
	"unsafe"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// Gram matrices of many columns are larger than the caches, and adding up one a thread
// would take as long as their products. So all threads work on the same matrix, each on
// tiles of its own:
//
//	some logical blocks of rows --> diag(sqrt d) (X, 1), cut into panels of columns
//	for each two panels, side by side --> a tile of the matrix, over these rows
//
// A tile and its two panels, a few hundred rows at a time, stay in the second-level
// cache.
const (
	// panelled is the number of columns from which on that is faster.
	panelled = 512

	panelCols = 128

	// panelRows bounds the rows whose products are summed in T (gramRows).
	panelRows = 256

	// panelBytes is about how much of X is in panels at a time: blocks of one read. It
	// changes no result.
	panelBytes = 16 << 20
)

// panels are rows from first on of diag(root) (X, 1). Panel j is columns from j panelCols
// on, rows of panelCols numbers, one below the other.
type panels[T number] struct {
	first, room, cols int // cols counts the ones
	vals              []T
}

func newPanels[T number](rows, cols int) *panels[T] {
	p := &panels[T]{room: rows, cols: cols + 1}
	p.vals = make([]T, rows*p.count()*panelCols)
	return p
}

func (p *panels[T]) count() int { return (p.cols + panelCols - 1) / panelCols }

// width is the number of columns of panel j.
func (p *panels[T]) width(j int) int { return min(panelCols, p.cols-j*panelCols) }

// of returns panel j from row i on.
func (p *panels[T]) of(j, i int) []T {
	return p.vals[(j*p.room+i-p.first)*panelCols : (j+1)*p.room*panelCols]
}

// put sets row i to root (x, 1).
func (p *panels[T]) put(i int, x []T, root T) {
	for j := range p.count() {
		to := p.of(j, i)[:panelCols]
		from := x[min(len(x), j*panelCols):min(len(x), (j+1)*panelCols)]
		for c, v := range from {
			to[c] = root * v
		}
		if j == p.count()-1 {
			to[len(from)] = root
		}
	}
}

// panelledGram is Gram, of checked arguments.
func (d *data[T]) panelledGram(ctx context.Context, terms []term[T], numbers int, asked []backend.GramBlock, out [][]float64, ev *backend.Evaluation) error {
	cols, side, b := d.Cols(), d.Cols()+1, d.blocks()
	step := max(1, int(min(panelBytes, d.memory.left()/8))/(int(unsafe.Sizeof(T(0)))*b.most()*cols))
	p := newPanels[T](b.most()*min(step, b.count), cols)
	scaled := p // of one matrix; all are made from p
	if len(asked) > 1 {
		scaled = newPanels[T](p.room, cols)
	}
	roots := make([][]T, len(asked))
	for a := range roots {
		roots[a] = make([]T, p.room)
	}
	for first := 0; first < b.count; first += step {
		end := min(first+step, b.count)
		if err := d.fillPanels(ctx, first, end, terms, numbers, asked, p, roots, ev); err != nil {
			return err
		}
		for a := range asked {
			if scaled != p {
				if err := d.scalePanels(ctx, scaled, p, roots[a]); err != nil {
					return err
				}
			}
			if err := d.addTiles(ctx, scaled, first, end, out[a], side); err != nil {
				return err
			}
		}
	}
	for a, h := range out {
		by := terms[asked[a].Model].unit
		if asked[a].Row != asked[a].Col {
			by = -by
		}
		if by != 1 {
			scale(h, by)
		}
	}
	mirror(out, side)
	return nil
}

// fillPanels puts the rows of blocks first to end in p, with the roots of their weights
// where one matrix is asked, and those roots in any case to roots; and it evaluates the
// models if ev is not nil.
func (d *data[T]) fillPanels(ctx context.Context, first, end int, terms []term[T], numbers int, asked []backend.GramBlock, p *panels[T], roots [][]T, ev *backend.Evaluation) error {
	p.first, _ = d.blocks().bounds(first)
	tile, wide := gramRows, widest(terms)
	batches := oneByOne(terms, tile)
	fresh := func() *sums[T] {
		s := &sums[T]{
			z: make([]T, tile*wide), l: make([]T, tile),
			square: square[T]{d: make([]T, tile), p: make([]T, tile*wide)},
		}
		if ev != nil {
			s.loss, s.held = make([]float64, len(terms)), make([]float64, len(terms))
			s.gradient = make([]float64, numbers)
		}
		return s
	}
	work := func(s *sums[T], rows *band[T], lo, hi int) {
		clear(s.loss)
		clear(s.held)
		clear(s.gradient)
		for i := lo; i < hi; i += tile {
			n := min(tile, hi-i)
			x := rows.tile(i, i+n)
			for k := range batches {
				m := &batches[k]
				z := s.z[:n*m.outputs]
				d.logits(m, x, i, n, z)
				d.curvatures(s, m, asked, i, n, z, func(b int, _ float64) {
					to := roots[b][i-p.first:]
					for a, w := range s.square.d[:n] {
						to[a] = T(math.Sqrt(math.Abs(float64(w))))
					}
				})
				if ev != nil {
					d.evalTile(s, m, x, i, n, z)
				}
			}
			for a := range n {
				root := T(1)
				if len(asked) == 1 {
					root = roots[0][i+a-p.first]
				}
				p.put(i+a, x[a*d.Cols():(a+1)*d.Cols()], root)
			}
		}
		if ev != nil {
			inUnits(s.gradient, terms, d.Cols())
		}
	}
	add := func(s *sums[T]) {
		if ev != nil {
			addTo(ev.Loss, s.loss)
			addTo(ev.Held, s.held)
			addTo(ev.Grad, s.gradient)
		}
	}
	return passPart(ctx, d, 1, first, end, 2*d.threads, fresh, work, add)
}

// scalePanels sets to to diag(root) from.
func (d *data[T]) scalePanels(ctx context.Context, to, from *panels[T], root []T) error {
	to.first = from.first
	one := blocks{rows: from.count(), count: from.count()}
	return each(ctx, one, d.threads, func() struct{} { return struct{}{} }, func(_ struct{}, j, _ int) {
		x, y := from.of(j, from.first), to.of(j, from.first)
		for i, r := range root {
			for c, v := range x[i*panelCols : (i+1)*panelCols] {
				y[i*panelCols+c] = r * v
			}
		}
	})
}

// addTiles adds P'P to the upper triangle of h, over the rows of blocks first to end.
func (d *data[T]) addTiles(ctx context.Context, p *panels[T], first, end int, h []float64, side int) error {
	n := p.count()
	tiles := blocks{rows: n * (n + 1) / 2, count: n * (n + 1) / 2}
	return each(ctx, tiles, d.threads, func() struct{} { return struct{}{} }, func(_ struct{}, tile, _ int) {
		row, col := tile, 0
		for ; row > col; col++ { // all with col 0 first, then with col 1, and so on
			row -= col + 1
		}
		g := h[row*panelCols*side+col*panelCols:]
		for b := first; b < end; b++ {
			lo, hi := d.blocks().bounds(b)
			parts := (hi - lo + panelRows - 1) / panelRows
			for part := range parts {
				i := lo + (hi-lo)*part/parts
				rows := lo + (hi-lo)*(part+1)/parts - i
				d.kernel.Cross(p.of(row, i), p.width(row), p.of(col, i), p.width(col), rows, panelCols, g, side, row == col)
			}
		}
	})
}
