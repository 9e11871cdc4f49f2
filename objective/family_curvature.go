package objective

import (
	"context"
	"errors"
	"math"

	"gonum.org/v1/gonum/mat"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/solver"
)

// CanCurve tells whether Curvatures can be had. With absolute values they are whole.
func (f *Family) CanCurve() bool {
	for _, o := range f.members {
		if !o.Can(solver.CanCurve) || o.wide != nil || o.lasso.weight != nil && o.Dim() > curvatureDim {
			return false
		}
	}
	return true
}

// Curvatures approximates the Hessians (Objective.Curvature) of the given members,
// each at its own theta, from one read of X: of[i] is the place in c of that of
// members[i]. Members whose second derivatives are nearly the same share them: a Gram
// matrix where p (1 - p) is nearly the same in every row, of which there are at most
// most, and all of it where they are kin besides.
func (f *Family) Curvatures(ctx context.Context, members []int, theta [][]float64, most int) (c []solver.Curvature, of []int, err error) {
	gram, ok := f.data.(backend.Gram)
	if !ok {
		return nil, nil, backend.ErrUnsupported
	}
	var (
		models []backend.Model
		coef   []float64
	)
	for i, k := range members {
		o := f.members[k]
		o.toStored(theta[i], o.coef)
		models, coef = append(models, o.models[0]), append(coef, o.coef...)
	}
	alike, err := f.alike(ctx, models, coef, most)
	if err != nil {
		return nil, nil, err
	}
	start := backend.Layout(models, f.data.Cols())
	var (
		asked  []backend.Model
		at     []float64
		blocks []backend.GramBlock
		out    [][]float64
		place  = make([]int, len(members)) // of a representative's first block in out
		whole  = make([]bool, len(members))
	)
	for i, r := range alike {
		whole[r] = whole[r] || models[i] != models[r] // the folds left out differ
	}
	side := f.data.Cols() + 1
	for i, r := range alike {
		if i != r {
			continue
		}
		m := models[i]
		if whole[i] {
			m.Fold = backend.None
		}
		place[i] = len(out)
		for _, b := range f.members[members[i]].curvatureBlocks() {
			b.Model = len(asked)
			blocks, out = append(blocks, b), append(out, make([]float64, side*side))
		}
		asked, at = append(asked, m), append(at, coef[start[i]:start[i+1]]...)
	}
	if err := gram.Gram(ctx, asked, at, blocks, out, nil); err != nil {
		return nil, nil, err
	}
	*f.passes += f.share
	type key struct{ representative, kin int }
	made := map[key]int{}
	of = make([]int, len(members))
	for i, k := range members {
		r := alike[i]
		id := key{r, f.kin(k)}
		if _, ok := made[id]; !ok {
			made[id] = len(c)
			o := *f.members[k]
			if whole[r] {
				o.sum = f.total(members[r])
			}
			c = append(c, o.curvatureOf(out[place[r]:]))
		}
		of[i] = made[id]
	}
	return c, of, nil
}

// wholeDim is the largest number of coordinates of a softmax model for which the
// blocks between outputs are made too: with them the metric is the Hessian, and a
// step Newton's. Steps with absolute values always need them.
const wholeDim = 256

func (o *Objective) whole() bool {
	return o.outputs() > 1 && (o.Dim() <= wholeDim || o.lasso.weight != nil)
}

// curvatureBlocks are the Gram blocks that curvatureOf takes.
func (o *Objective) curvatureBlocks() (blocks []backend.GramBlock) {
	if o.whole() {
		return o.hessianSpace().blocks
	}
	for k := range o.outputs() {
		blocks = append(blocks, backend.GramBlock{Row: k, Col: k})
	}
	return blocks
}

func (o *Objective) curvatureOf(gram [][]float64) solver.Curvature {
	if !o.whole() {
		return o.curvature(gram[:o.outputs()])
	}
	h := mat.NewSymDense(o.Dim(), nil)
	o.assemble(o.hessianSpace().blocks, gram, h)
	return solver.Curvature{{SymDense: h}}
}

// total is the sum of the weights of all rows, member k's fold included.
func (f *Family) total(k int) float64 {
	st, m := f.asked[k].Options.Stats, f.asked[k].Model
	if m.Weight != backend.None {
		return st.Weighted.Sum
	}
	return st.Sum
}

const (
	// probeRows is how many rows tell whether two models have the same p (1 - p).
	probeRows = 512

	// probeTolerance is the largest share by which p (1 - p) of models that share a Gram
	// matrix may differ: the metric of one is then as good for the other as one from a
	// sample of a hundred rows a column. Where there are more rows, it is less.
	probeTolerance = 0.1
)

// alike gives each model the first one whose p (1 - p) is nearly its own.
func (f *Family) alike(ctx context.Context, models []backend.Model, coef []float64, most int) (of []int, err error) {
	data := f.data
	if backend.Can(data, backend.CanSample) && data.Rows() > probeRows {
		rows := make([]int, probeRows)
		for i := range rows {
			rows[i] = i * data.Rows() / probeRows
		}
		if data, err = data.(backend.Sampler).Sample(ctx, rows, nil); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, data.Close()) }()
	}
	n, outputs := data.Rows(), backend.Outputs(models)
	d := make([]float64, n*outputs)
	if err := data.Predict(ctx, models, coef, d); err != nil {
		return nil, err
	}
	for i, p := range d {
		d[i] = p * (1 - p)
	}
	first := make([]int, len(models)) // output of each model
	for k := 1; k < len(models); k++ {
		first[k] = first[k-1] + models[k-1].Outputs()
	}
	distance := func(a, b int) float64 {
		if models[a].Outputs() != models[b].Outputs() || models[a].Weight != models[b].Weight {
			return math.Inf(1)
		}
		difference, sum := 0.0, 0.0
		for i := range n {
			for o := range models[a].Outputs() {
				u, v := d[i*outputs+first[a]+o], d[i*outputs+first[b]+o]
				difference += math.Abs(u - v)
				sum += max(u, v)
			}
		}
		if sum == 0 {
			return 0
		}
		return difference / sum
	}
	of = make([]int, len(models))
	for tolerance := min(probeTolerance, math.Sqrt(float64(f.data.Cols())/float64(f.data.Rows()))); ; tolerance *= 1.5 {
		var apart []int
		for k := range models {
			of[k] = k
			nearest := tolerance
			for _, r := range apart {
				if far := distance(k, r); far <= nearest {
					of[k], nearest = r, far
				}
			}
			if of[k] == k {
				apart = append(apart, k)
			}
		}
		if len(apart) <= most || tolerance > 1 {
			return of, nil
		}
	}
}

// CurvaturePrice is what a row costs in one Gram matrix, in units of what it costs in
// the evaluation of one member in company.
func (f *Family) CurvaturePrice() float64 {
	o := f.members[0]
	d, k := float64(o.coords.cols), float64(o.outputs())
	blocks := float64(len(o.curvatureBlocks()))
	return (d + 1) * (d + 1) * blocks / o.rates.Flops / (4*d*k/o.rates.Flops + k*o.rates.Link)
}
