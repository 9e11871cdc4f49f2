package objective

import (
	"context"

	"gonum.org/v1/gonum/mat"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/solver"
)

var (
	_ solver.Hessian = (*Objective)(nil)
	_ solver.HessVec = (*Objective)(nil)
)

// hessianSpace is kept between calls: the blocks of the upper triangle of outputs.
type hessianSpace struct {
	blocks []backend.GramBlock
	out    [][]float64
}

func (o *Objective) hessianSpace() *hessianSpace {
	h := &o.hessian
	if h.blocks == nil {
		size := (o.coords.cols + 1) * (o.coords.cols + 1)
		for r := range o.outputs() {
			for c := r; c < o.outputs(); c++ {
				h.blocks = append(h.blocks, backend.GramBlock{Row: r, Col: c})
				h.out = append(h.out, make([]float64, size))
			}
		}
	}
	return h
}

// EvalHessian is Eval and the full Hessian, K (D+1) square for softmax, from one read
// of X. It includes the penalty and, for softmax, the gauge that makes it regular
// (quadratic): the Newton direction of a gradient that sums to zero over the classes,
// as the data's always does, is the same as by the pseudo-inverse.
func (o *Objective) EvalHessian(ctx context.Context, theta, grad []float64, hess *mat.SymDense) (float64, error) {
	gram, ok := o.data.(backend.Gram)
	if !ok {
		return 0, backend.ErrUnsupported
	}
	space := o.hessianSpace()
	o.toStored(theta, o.coef)
	if err := gram.Gram(ctx, o.models, o.coef, space.blocks, space.out, &o.ev); err != nil {
		return 0, err
	}
	*o.passes += o.share
	o.assemble(space.blocks, space.out, hess)
	return o.fromEvaluation(theta, grad), nil
}

// assemble puts the Gram blocks of the upper triangle of outputs together and adds
// penalty and gauge.
func (o *Objective) assemble(blocks []backend.GramBlock, out [][]float64, hess *mat.SymDense) {
	p := o.coords.dim()
	for i, b := range blocks {
		o.coords.addBlock(hess, b.Row*p, b.Col*p, out[i], o.sum)
	}
	q := &o.quad
	for d := range p {
		for r := range o.outputs() {
			i := r*p + d
			hess.SetSym(i, i, hess.At(i, i)+q.ridge[d])
			if q.gauge != nil && q.gauge[d] != 0 {
				for c := r; c < o.outputs(); c++ {
					j := c*p + d
					hess.SetSym(i, j, hess.At(i, j)+q.gauge[d]/float64(q.outputs))
				}
			}
		}
	}
}

// addBlock writes A'GA / sum to the block of hess at (row, col), where A is the map
// from theta to stored coefficients and G a block by the latter.
func (c *coordinates) addBlock(hess *mat.SymDense, row, col int, g []float64, sum float64) {
	d, w := c.cols, c.cols+1
	corner := g[d*w+d]
	for i := range d {
		first := 0
		if row == col {
			first = i
		}
		edge := float64(c.gain[i]*g[i*w+d]) + float64(c.shift[i]*corner) // by theta_i and b'
		for j := first; j < d; j++ {
			v := float64(c.gain[i]*g[i*w+j]) + float64(c.shift[i]*g[d*w+j])
			hess.SetSym(row+i, col+j, (float64(c.gain[j]*v)+float64(c.shift[j]*edge))/sum)
		}
		if c.intercept {
			hess.SetSym(row+i, col+d, edge/sum)
			hess.SetSym(row+d, col+i, edge/sum)
		}
	}
	if c.intercept {
		hess.SetSym(row+d, col+d, corner/sum)
	}
}

// HessVec is the Hessian at theta, as EvalHessian gives it, times v.
func (o *Objective) HessVec(ctx context.Context, theta, v, out []float64) error {
	data, ok := o.data.(backend.HessVec)
	if !ok {
		return backend.ErrUnsupported
	}
	o.toStored(theta, o.coef)
	o.toStored(v, o.other)
	product := make([]float64, len(o.coef))
	if err := data.HessVec(ctx, o.models, o.coef, o.other, product); err != nil {
		return err
	}
	*o.passes += o.share
	o.fromStored(product, out)
	o.quad.times(v, out)
	return nil
}
