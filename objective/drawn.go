package objective

import (
	"context"
	"errors"

	"gonum.org/v1/gonum/mat"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/internal/draw"
	"github.com/logreg-gpu/logreg-gpu/solver"
)

var _ solver.Drawn = (*Objective)(nil)

// drawnBytes bounds the probabilities of all rows, where they are not small beside X.
var drawnBytes = 64 << 20 // lowered by tests

// canDraw tells whether DrawnCurvature may be asked for: of all rows, whose weights are
// known, for several blocks that are not shared.
func (o *Objective) canDraw() bool {
	n, k, m := o.data.Rows(), o.outputs(), o.models[0]
	return k > 1 && m.Fold == backend.None && (m.Weight == backend.None || o.opts.Weights != nil) && o.wide == nil && o.squares == nil && !o.shares(o.coords.dim()) &&
		8*k*n <= max(drawnBytes, n*o.coords.cols*o.data.Storage().Bytes()/4) &&
		backend.Can(o.data, backend.CanGram|backend.CanSample)
}

// DrawnCurvature is Curvature of rows drawn for each block by their part in it. Of many
// classes, each has its own rows that matter: those which might be of it and might not.
// Where the classes are told apart well, they are few - half of the curvature of a block
// of MC (docs/design.md) lies in a twentieth of the rows - and a sample for all classes
// has hardly any of them. So row i is there with the chance
//
//	pi_i = min(1, rate s_i p_ik (1 - p_ik))
//
// and counts 1 / pi_i, so that all rows drawn weigh alike in the block, but those that are
// certain to be there. Related: Wang, Zhu and Ma (2018), who draw by such numbers for
// whole fits.
func (o *Objective) DrawnCurvature(ctx context.Context, theta []float64, rows int, seed uint64) (solver.Curvature, error) {
	n, k := o.data.Rows(), o.outputs()
	o.toStored(theta, o.coef)
	p := make([]float64, n*k)
	if err := o.data.Predict(ctx, o.models, o.coef, p); err != nil {
		return nil, err
	}
	*o.passes += o.share
	weights := o.opts.Weights
	if o.models[0].Weight == backend.None {
		weights = nil
	}
	c, part := make(solver.Curvature, k), make([]float64, n)
	for b := range c {
		for i := range part {
			q := p[i*k+b]
			if part[i] = max(0, q*(1-q)); weights != nil {
				part[i] *= weights[i]
			}
		}
		h, err := fitting(rows, func(rows int) (*mat.SymDense, error) {
			return o.drawnBlock(ctx, b, drawByPart(part, rows, draw.Pair(seed, b)))
		})
		if err != nil {
			return nil, err
		}
		c[b] = &solver.Block{SymDense: h}
	}
	return c, nil
}

// drawnBlock is the block of an output at o.coef, from the rows drawn.
func (o *Objective) drawnBlock(ctx context.Context, output int, s drawn) (h *mat.SymDense, err error) {
	side := o.coords.cols + 1
	gram := make([]float64, side*side)
	if len(s.rows) > 0 {
		data, err := o.data.(backend.Sampler).Sample(ctx, s.rows, s.factor)
		if err != nil {
			return nil, err
		}
		block := backend.GramBlock{Row: output, Col: output}
		err = data.(backend.Gram).Gram(ctx, o.models, o.coef, []backend.GramBlock{block}, [][]float64{gram}, nil)
		if err = errors.Join(err, data.Close()); err != nil {
			return nil, err
		}
		*o.passes += 2 * o.share * float64(len(s.rows)) / float64(o.data.Rows())
	}
	h = mat.NewSymDense(o.coords.dim(), nil)
	o.coords.addBlock(h, 0, 0, gram, o.sum)
	certainty, full := gram[side*side-1]/o.sum, o.coords.meanSquares(o.columns)
	shrink(h, s.effective)
	for d, ridge := range o.quad.ridge {
		// A level that no row drawn has is none without curvature.
		h.SetSym(d, d, max(h.At(d, d), leastCurvature*certainty*full[d])+ridge)
	}
	return h, nil
}

// drawn is rows drawn with unequal chances.
type drawn struct {
	rows      []int
	factor    []float64 // what each counts
	effective float64   // how many of equal parts would say as much
}

// drawByPart draws about m rows, row i by its own number and in proportion to part_i.
// Factors are scaled so that the parts of the rows drawn sum to those of all.
func drawByPart(part []float64, m int, seed uint64) (s drawn) {
	whole, rate := partRate(part, m)
	sum, squares := 0.0, 0.0
	for i, v := range part {
		pi := min(1, rate*v)
		if draw.Number(seed, i) < draw.Limit(pi) {
			s.rows, s.factor = append(s.rows, i), append(s.factor, 1/pi)
			sum += v / pi
			squares += float64(v / pi * (v / pi))
		}
	}
	if len(s.rows) == 0 {
		return s
	}
	for i := range s.factor {
		s.factor[i] *= whole / sum
	}
	s.effective = sum * sum / squares
	return s
}

// partRate is the sum of all parts and the rate at which about m rows are drawn.
func partRate(part []float64, m int) (whole, rate float64) {
	for _, v := range part {
		whole += v
	}
	if !(whole > 0) {
		return 0, 0
	}
	rate = float64(m) / whole
	for range certainRounds {
		certain, left := 0, whole
		for _, v := range part {
			if v*rate >= 1 {
				certain++
				left -= v
			}
		}
		next := (float64(m) - float64(certain)) / left
		if !(next > rate) || !(left > 1e-12*whole) { // as in lots.rates
			break
		}
		rate = next
	}
	return whole, rate
}
