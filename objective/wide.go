package objective

import (
	"container/heap"
	"context"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/internal/pieces"
	"github.com/logreg-gpu/logreg-gpu/solver"
)

// wide is what is known of an objective with too many columns for whole Gram matrices: of
// which the products are worth most. Those are the columns of which the data, and not the
// penalty, decide most: what two columns have in common is at most the root of the product
// of their shares. In sparse X under a penalty they are the most frequent ones.
type wide struct {
	intercept int       // 1 where there is one; it counts as hot
	cols      []int     // by falling share of the data
	entries   []float64 // that the first of all hot coordinates but the intercept have a row
	skewed    bool      // the mean of some column is not small beside its deviation
}

// leastShare is that of the data in the curvature of a hot column: below, what it has in
// common with others is less than a tenth of what it is itself.
const leastShare = 0.1

// skew is the share of a column's mean in its mean square above which its diagonal needs
// its products with the intercept.
var skew = 0.1 // lowered by tests

// dataShare is that of the data in the curvature of column j.
func (o *Objective) dataShare(j int) float64 {
	if o.coords.gain[j] == 0 {
		return 0
	}
	h := curvature(o.columns, o.coords.mean[j], j)
	return h / (h + o.ridge[j])
}

// Freedom sums the shares of the data up.
func (o *Objective) Freedom() float64 {
	sum := pieces.Sum(o.coords.cols, o.coords.threads, func(lo, hi int) (sum float64) {
		for j := lo; j < hi; j++ {
			sum += o.dataShare(j)
		}
		return sum
	})
	if o.coords.intercept {
		sum++
	}
	return sum * float64(o.outputs())
}

// newWide ranks the columns. nonZero counts their values that are not 0.
func (o *Objective) newWide(nonZero []int64) *wide {
	w, c := &wide{}, o.coords
	if c.intercept {
		w.intercept = 1
	}
	top := ranking{}
	for j := range c.cols {
		mean, deviation := c.shift[j]*c.shift[j], o.columns.variance[j]*c.unit[j]*c.unit[j]
		w.skewed = w.skewed || mean > skew*(mean+deviation) || mean > 0 && !c.intercept
		r := ranked{j, o.dataShare(j), nonZero[j]}
		if r.share < leastShare {
			continue
		}
		if len(top) < curvatureDim-w.intercept {
			heap.Push(&top, r)
		} else if top[0].below(r) {
			top[0] = r
			heap.Fix(&top, 0)
		}
	}
	w.cols = make([]int, len(top))
	w.entries = make([]float64, len(top)+1+w.intercept)
	count := make([]float64, len(top))
	for i := len(top) - 1; i >= 0; i-- {
		r := heap.Pop(&top).(ranked)
		w.cols[i], count[i] = r.col, float64(r.nonZero)
	}
	for i, n := range count {
		w.entries[w.intercept+i+1] = w.entries[w.intercept+i] + n/float64(o.Rows())
	}
	return w
}

// most is the largest number of hot coordinates.
func (w *wide) most() int { return len(w.cols) + w.intercept }

// hottest are the columns of so many hot coordinates, in their order.
func (w *wide) hottest(hot int) []int {
	cols := slices.Clone(w.cols[:max(0, hot-w.intercept)])
	slices.Sort(cols)
	return cols
}

// ranked is a column in a ranking. Of columns which nothing penalises the more frequent
// come first.
type ranked struct {
	col     int
	share   float64
	nonZero int64
}

func (r ranked) below(s ranked) bool {
	switch {
	case r.share != s.share:
		return r.share < s.share
	case r.nonZero != s.nonZero:
		return r.nonZero < s.nonZero
	}
	return r.col > s.col
}

// ranking is a heap with the lowest first.
type ranking []ranked

func (r ranking) Len() int           { return len(r) }
func (r ranking) Less(i, j int) bool { return r[i].below(r[j]) }
func (r ranking) Swap(i, j int)      { r[i], r[j] = r[j], r[i] }
func (r *ranking) Push(x any)        { *r = append(*r, x.(ranked)) }
func (r *ranking) Pop() any {
	last := len(*r) - 1
	x := (*r)[last]
	*r = (*r)[:last]
	return x
}

// some are the coordinates of the given columns alone.
func (c *coordinates) some(cols []int) *coordinates {
	return &coordinates{cols: len(cols), intercept: c.intercept, gain: pick(c.gain, cols), shift: pick(c.shift, cols)}
}

func pick(v []float64, at []int) []float64 {
	out := make([]float64, len(at))
	for a, j := range at {
		out[a] = v[j]
	}
	return out
}

// hotCurvature is Curvature of wide data: of every output the Hessian between the hot
// coordinates, and the diagonal. It reads X once more where the diagonal of some column
// needs its products with the intercept.
func (o *Objective) hotCurvature(ctx context.Context, theta []float64, hot int) (solver.Curvature, error) {
	gram, ok := o.data.(backend.ColumnGram)
	if !ok {
		return nil, backend.ErrUnsupported
	}
	cols := o.wide.hottest(hot)
	side, made := len(cols)+1, o.outputs()
	if o.shares(hot) {
		made, theta = 1, make([]float64, len(theta))
	}
	o.toStored(theta, o.coef)
	var c solver.Curvature
	for len(c) < made {
		n := min(made-len(c), max(1, hotGroupBytes/(8*(side*side+o.coords.cols))))
		blocks, out, diagonal := make([]backend.GramBlock, n), make([][]float64, n), make([][]float64, n)
		for i := range n {
			blocks[i] = backend.GramBlock{Row: len(c) + i, Col: len(c) + i}
			out[i], diagonal[i] = make([]float64, side*side), make([]float64, o.coords.cols+1)
		}
		if err := gram.ColumnGram(ctx, o.models, o.coef, blocks, cols, out, diagonal); err != nil {
			return nil, err
		}
		*o.passes += o.share
		for i, b := range blocks {
			border, err := o.border(ctx, b.Row, diagonal[i][o.coords.cols])
			if err != nil {
				return nil, err
			}
			c = append(c, o.hotBlock(cols, out[i], diagonal[i], border))
		}
	}
	for len(c) < o.outputs() {
		c = append(c, c[0])
	}
	return c, nil
}

// hotGroupBytes is about how large the matrices made in one read of X may be.
const hotGroupBytes = 64 << 20

// border is the sums of p (1 - p) x by column of the stored X in the given output, at
// o.coef. Where columns vary about zero it is taken for the sum of p (1 - p) times the
// columns' means, and nil.
func (o *Objective) border(ctx context.Context, output int, sum float64) ([]float64, error) {
	data, ok := o.data.(backend.HessVec)
	if !ok || !o.wide.skewed {
		return nil, nil
	}
	d := o.coords.cols + 1
	clear(o.other)
	o.other[output*d+d-1] = 1
	product := make([]float64, len(o.coef))
	if err := data.HessVec(ctx, o.models, o.coef, o.other, product); err != nil {
		return nil, err
	}
	*o.passes += o.share
	return product[output*d : (output+1)*d], nil
}

// hotBlock is a block of one output from its Gram matrix over the columns cols, the
// diagonal of all columns and the border.
func (o *Objective) hotBlock(cols []int, gram, squares, border []float64) *solver.Block {
	c := o.coords
	some := c.some(cols)
	b := &solver.Block{SymDense: new(mat.SymDense), Hot: slices.Clone(cols), Diagonal: make([]float64, c.dim())}
	if c.intercept {
		b.Hot = append(b.Hot, c.cols)
	}
	if len(b.Hot) > 0 {
		b.SymDense = mat.NewSymDense(len(b.Hot), nil)
		some.addBlock(b.SymDense, 0, 0, gram, o.sum)
	}
	corner := squares[c.cols]
	pieces.Each(c.cols, c.threads, func(lo, hi int) {
		for j := lo; j < hi; j++ {
			// Of x about its mean, of which shift is the negative in units of gain.
			h := float64(c.gain[j] * c.gain[j] * squares[j])
			if border != nil {
				h += float64(2 * c.gain[j] * c.shift[j] * border[j])
				h += float64(c.shift[j] * c.shift[j] * corner)
			} else {
				h -= float64(c.shift[j] * c.shift[j] * corner)
			}
			b.Diagonal[j] = max(0, h/o.sum)
		}
	})
	if c.intercept {
		b.Diagonal[c.cols] = corner / o.sum
	}
	if o.squares != nil {
		certainty := corner / o.sum
		full := c.meanSquares(o.columns)
		o.correctDiagonal(b.Diagonal, full, certainty)
		o.correct(b.SymDense, pick(full, b.Hot), pick(o.squares, b.Hot), certainty)
		if len(b.Hot) > 0 {
			shrink(b.SymDense, float64(o.data.Rows()))
		}
	}
	for j, ridge := range o.quad.ridge {
		b.Diagonal[j] += ridge
	}
	for a, j := range b.Hot {
		b.SetSym(a, a, b.At(a, a)+o.quad.ridge[j])
	}
	return b
}

// supposed is how many values of a column count as seen before its sample is: of average
// rows.
const supposed = 4

// correctDiagonal makes a sample's diagonal h that of all rows: their mean squares times
// the mean of p (1 - p) over the column's values in the sample, or over all of its rows
// where those are few.
func (o *Objective) correctDiagonal(h, full []float64, certainty float64) {
	pieces.Each(o.coords.cols, o.coords.threads, func(lo, hi int) {
		for j := lo; j < hi; j++ {
			n, sum := float64(o.counts[j]), 0.0
			if o.squares[j] > 0 {
				sum = n * h[j] / o.squares[j]
			} else {
				n = 0
			}
			h[j] = full[j] * max(leastCurvature*certainty, (sum+supposed*certainty)/(n+supposed))
		}
	})
}
