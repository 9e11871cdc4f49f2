package objective

import (
	"context"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/solver"
)

var _ solver.Curved = (*Objective)(nil)

// curvatureDim is the largest number of coordinates of one output for which whole Gram
// matrices are made: beyond, they are of the hottest (wide).
var curvatureDim = 4096 // lowered by tests

// factorBytes is the size of the matrices of all outputs beyond which they share one.
var factorBytes = 256 << 20 // lowered by tests

// shares tells whether all outputs have the same block of so many coordinates: as many
// of their own would take too much memory, and flops.
func (o *Objective) shares(hot int) bool {
	return o.outputs() > 1 && 8*hot*hot*o.outputs() > factorBytes
}

// leastCurvature is the share of what a column of average rows would have that the
// diagonal of a sample's Hessian is held above: a level that occurs in a few rows of
// a sample may occur only in rows that are already decided.
const leastCurvature = 0.1

// wellRepresented is how far from 1 the root of a column's ratio of mean squares may be
// to count for 1. Left alone like this, the one-hot columns of covtype at C = 10000 take
// 6 passes instead of 51.
const wellRepresented = 0.1

// Curvature is the Hessian but for its blocks between outputs of softmax and for the
// gauge, which is zero along the centred steps that metrics take: held against the
// curvature of one intercept it is large, and cost half of all steps. That of a
// sample is corrected where the sample misrepresents a column: scaled by the root of
// the ratio of the column's mean squares in all rows and in the sample, within a
// factor 2, and with a diagonal that is not too small.
//
// With very many outputs they all get the block of the origin, where it is the same
// for each: what the columns have in common.
func (o *Objective) Curvature(ctx context.Context, theta []float64, hot int) (solver.Curvature, error) {
	if o.wide != nil {
		return o.hotCurvature(ctx, theta, hot)
	}
	gram, ok := o.data.(backend.Gram)
	if !ok {
		return nil, backend.ErrUnsupported
	}
	side := o.coords.cols + 1
	made := o.outputs()
	if o.shares(o.coords.dim()) {
		made, theta = 1, make([]float64, len(theta))
	}
	o.toStored(theta, o.coef)
	if made > 1 {
		if at := o.constant(); at != nil && slices.Max(at) > 0 {
			return o.constantCurvature(ctx, gram, at)
		}
	}
	var c solver.Curvature
	group := min(made, max(1, groupBytes/(8*side*side)))
	out := make([][]float64, group)
	for i := range out {
		out[i] = make([]float64, side*side)
	}
	for len(c) < made {
		blocks := make([]backend.GramBlock, min(group, made-len(c)))
		for i := range blocks {
			blocks[i] = backend.GramBlock{Row: len(c) + i, Col: len(c) + i}
		}
		if err := gram.Gram(ctx, o.models, o.coef, blocks, out[:len(blocks)], nil); err != nil {
			return nil, err
		}
		*o.passes += o.share
		c = append(c, o.curvature(out[:len(blocks)])...)
	}
	for len(c) < o.outputs() {
		c = append(c, c[0])
	}
	return c, nil
}

// constant is the second derivative of each output of softmax at o.coef where it is the
// same for all rows, as where nothing is known but how often each class occurs; else nil.
func (o *Objective) constant() []float64 {
	if o.models[0].Offset != backend.None {
		return nil
	}
	side, top := o.coords.cols+1, math.Inf(-1)
	for i, v := range o.coef {
		if (i+1)%side == 0 {
			top = max(top, v)
		} else if v != 0 {
			return nil
		}
	}
	p, sum := make([]float64, o.outputs()), 0.0
	for k := range p {
		p[k] = math.Exp(o.coef[(k+1)*side-1] - top)
		sum += p[k]
	}
	for k, v := range p {
		p[k] = v / sum * (1 - v/sum)
	}
	return p
}

// constantCurvature is Curvature at o.coef where the blocks differ by factors alone, which
// are as the numbers at: the products of one serve all.
func (o *Objective) constantCurvature(ctx context.Context, gram backend.Gram, at []float64) (solver.Curvature, error) {
	largest := slices.Index(at, slices.Max(at))
	side := o.coords.cols + 1
	one := make([]float64, side*side)
	block := backend.GramBlock{Row: largest, Col: largest}
	if err := gram.Gram(ctx, o.models, o.coef, []backend.GramBlock{block}, [][]float64{one}, nil); err != nil {
		return nil, err
	}
	*o.passes += o.share
	scaled := make([]float64, len(one))
	c := make(solver.Curvature, 0, len(at))
	for _, v := range at {
		for i, g := range one {
			scaled[i] = v / at[largest] * g
		}
		c = append(c, o.curvature([][]float64{scaled})...)
	}
	return c, nil
}

// groupBytes is about how large the Gram matrices made in one read of X may be:
// backends keep several sets of partial ones. Reading again costs next to nothing
// beside their products.
const groupBytes = 4 << 20

// curvature takes the diagonal Gram blocks of the outputs.
func (o *Objective) curvature(gram [][]float64) solver.Curvature {
	side, p := o.coords.cols+1, o.coords.dim()
	c := make(solver.Curvature, len(gram))
	for k := range c {
		c[k] = &solver.Block{SymDense: mat.NewSymDense(p, nil)}
		o.coords.addBlock(c[k].SymDense, 0, 0, gram[k], o.sum)
		if o.squares != nil {
			o.correct(c[k].SymDense, o.coords.meanSquares(o.columns), o.squares, gram[k][side*side-1]/o.sum)
			shrink(c[k].SymDense, float64(o.data.Rows()))
		}
		for d, ridge := range o.quad.ridge {
			c[k].SetSym(d, d, c[k].At(d, d)+ridge)
		}
	}
	return c
}

// correct makes a sample's block h more like that of all rows, by the mean squares of its
// coordinates there and in the sample. certainty is the mean of p (1 - p).
//
// Columns that add up to a constant, as the levels of a category do, make h singular,
// and scaling some of them moves its null space: what the sample's rows say is then
// nothing, and what the scaling makes of it has the curvature (by - 1)^2 h_jj, which
// is added. Columns that the sample represents well are not touched, for there a null
// space is known to be one.
func (o *Objective) correct(h *mat.SymDense, full, sample []float64, certainty float64) {
	by := make([]float64, len(full))
	for j, s := range full {
		by[j] = 1
		if s > 0 {
			by[j] = min(max(math.Sqrt(s/sample[j]), 0.5), 2) // 2 where the sample has none
		}
		if math.Abs(by[j]-1) < wellRepresented {
			by[j] = 1
		}
	}
	for i := range full {
		for j := i; j < len(full); j++ {
			h.SetSym(i, j, h.At(i, j)*by[i]*by[j])
		}
		off := by[i] - 1
		h.SetSym(i, i, max(h.At(i, i)*(1+float64(off*off)), leastCurvature*certainty*full[i]))
	}
}

// Blocks is the number of outputs.
func (o *Objective) Blocks() int { return o.outputs() }

// Hot is all coordinates of an output, or those that wide data may have products of.
func (o *Objective) Hot() int {
	if o.wide != nil {
		return o.wide.most()
	}
	return o.coords.dim()
}

// CurvaturePrice compares the flops of a row's products with the bytes that Eval
// reads of it; of sparse X, the products of its entries with the entries. What is once
// is the solver's own arithmetic, whatever the backend.
func (o *Objective) CurvaturePrice(hot int) (row, once float64) {
	k, blocks := float64(o.outputs()), float64(o.outputs())
	if o.shares(hot) {
		blocks = 1
	}
	r, d, h := o.rates, float64(o.coords.cols), float64(hot)
	eval, products := max(d*float64(o.data.Storage().Bytes())/r.Read, 4*d*k/r.Flops), h*h/r.Flops
	if o.opts.Entries > 0 {
		entries := float64(o.opts.Entries) / float64(o.Rows())
		some := entries
		if o.wide != nil {
			some = o.wide.entries[hot]
		}
		eval = entries * (1 + k) / 2 * r.Entry
		if r.Product > 0 {
			products = (some + 1) * (some + 2) / 2 * r.Product
		}
	}
	row = blocks * products
	if o.wide != nil { // it evaluates, and adds up squares
		row += (1 + blocks/k) * eval
	}
	eval += k * r.Link
	return row / eval, blocks * (h*h*h/3/solverFlops + usualSteps*8*h*h/solverRead) / eval
}

// The rates of the solver's arithmetic, as backend.Rates, and the usual number of steps
// taken in one metric.
const (
	solverFlops = 400e9
	solverRead  = 25e9
	usualSteps  = 12
)
