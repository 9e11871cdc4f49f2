package cpu

import (
	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/cpu/internal/simd"
)

const (
	// tileNumbers is how much of X is worked on at a time: 128 KB in float32, which
	// with its logits stays in the second-level cache while it is read twice.
	tileNumbers = 1 << 15

	// tileRowsMost bounds the rows of a tile, which are summed in T: the rounding
	// errors of their sum stay those of a short one.
	tileRowsMost = 512

	// batchNumbers bounds the logits that are worked on at a time, so that they stay in
	// the cache beside a tile: those of several models, or of the many classes of one.
	batchNumbers = 1 << 15
)

// tileRows is the number of rows of a tile, a multiple of the 16 that the kernels
// take at a time, where that many fit.
func tileRows(cols int) int {
	rows := min(tileRowsMost, tileNumbers/cols)
	if rows < 16 {
		return max(4, rows&^3)
	}
	return rows &^ 15
}

// term is one model of a call with its coefficients and columns at hand.
type term[T number] struct {
	backend.Model
	outputs int
	start   int       // of its coefficients in the layout
	coef    []T       // outputs x D
	bias    []T       // outputs
	label   []int32   // nil when predicting
	weight  []float64 // nil is 1
	unit    float64
	offset  []float64 // nil is 0
	fold    []int32   // nil where no fold is left out
}

// terms splits coef among the models. Their coefficients follow each other in memory,
// as those of batches must.
func (d *data[T]) terms(models []backend.Model, coef []float64) []term[T] {
	terms, cols := d.frame.terms(models), d.Cols()
	slopes, bias := split[T](coef, cols)
	first := 0
	for k := range terms {
		t := &terms[k]
		t.coef, t.bias = slopes[first*cols:(first+t.outputs)*cols], bias[first:first+t.outputs]
		first += t.outputs
	}
	return terms
}

// terms gives each model its columns.
func (d *frame[T]) terms(models []backend.Model) []term[T] {
	start := backend.Layout(models, d.Cols())
	terms := make([]term[T], len(models))
	for k, m := range models {
		t := term[T]{Model: m, outputs: m.Outputs(), start: start[k], weight: d.columns.Masses(m), unit: 1}
		if m.Label < len(d.columns.Label) {
			t.label = d.columns.Label[m.Label]
		}
		switch {
		case m.Weight != backend.None:
			t.unit = d.units[m.Weight]
		case t.weight != nil:
			t.unit = d.units[len(d.units)-1]
		}
		if m.Offset != backend.None {
			t.offset = d.columns.Offset[m.Offset]
		}
		if m.Fold != backend.None {
			t.fold = d.columns.Fold
		}
		terms[k] = t
	}
	return terms
}

// bare returns the models as Predict sees them: without weights and folds.
func bare(models []backend.Model) []backend.Model {
	out := append([]backend.Model(nil), models...)
	for k := range out {
		out[k].Weight, out[k].Fold = backend.None, backend.None
	}
	return out
}

// split separates rows of D+1 numbers into the first D and the intercepts.
func split[T number](v []float64, cols int) (slopes, bias []T) {
	rows := len(v) / (cols + 1)
	slopes, bias = make([]T, 0, rows*cols), make([]T, 0, rows)
	for ; len(v) > 0; v = v[cols+1:] {
		for _, s := range v[:cols] {
			slopes = append(slopes, T(s))
		}
		bias = append(bias, T(v[cols]))
	}
	return slopes, bias
}

// batch is models that go through the steps together: each number of X that is loaded
// from the cache serves several of them. A model's results do not depend on its company.
type batch[T number] struct {
	terms      []term[T]
	first      int // of the terms among those of the call
	outputs    int
	coef, bias []T
	rows       int // at most, of a tile
}

// batches parts terms over tiles of the given number of rows. A model of many classes
// takes fewer rows at a time.
func (d *data[T]) batches(terms []term[T], tile int) (all []batch[T]) {
	for k := range terms {
		t := terms[k : k+1]
		rows := min(tile, max(16, batchNumbers/t[0].outputs&^15))
		if n := len(all) - 1; n >= 0 && all[n].rows == rows && (all[n].outputs+t[0].outputs)*rows <= batchNumbers {
			b := &all[n]
			b.terms, b.outputs = terms[b.first:k+1], b.outputs+t[0].outputs
			b.coef, b.bias = b.coef[:b.outputs*d.Cols()], b.bias[:b.outputs]
			continue
		}
		all = append(all, batch[T]{t, k, t[0].outputs, t[0].coef, t[0].bias, rows})
	}
	return all
}

// oneByOne is every model as a batch of its own.
func oneByOne[T number](terms []term[T], tile int) []batch[T] {
	all := make([]batch[T], len(terms))
	for k, t := range terms {
		all[k] = batch[T]{terms[k : k+1], k, t.outputs, t.coef, t.bias, tile}
	}
	return all
}

// batchesAlong are batches of directions, which have no offsets.
func (d *data[T]) batchesAlong(models []backend.Model, v []float64, tile int) []batch[T] {
	terms := d.terms(models, v)
	for k := range terms {
		terms[k].offset = nil
	}
	return d.batches(terms, tile)
}

// most is the largest number of logits of a tile in any of the batches.
func most[T number](all []batch[T]) (n int) {
	for _, b := range all {
		n = max(n, b.rows*b.outputs)
	}
	return n
}

// each calls f with parts of a tile of n rows x, of b.rows at most; i is the row of X
// that such a part begins with.
func (b *batch[T]) each(x []T, cols, i, n int, f func(x []T, i, n int)) {
	for at := 0; at < n; at += b.rows {
		end := min(at+b.rows, n)
		f(x[at*cols:end*cols], i+at, end-at)
	}
}

// widest is the number of outputs of the largest model.
func widest[T number](terms []term[T]) (n int) {
	for _, t := range terms {
		n = max(n, t.outputs)
	}
	return n
}

// logits writes (x, 1) . v_o of a tile of n rows from i on for each output o of b, with
// its offset, one run of n numbers an output.
func (d *data[T]) logits(b *batch[T], x []T, i, n int, z []T) {
	d.kernel.Products(x, b.coef, b.bias, d.Cols(), z[:n*b.outputs])
	for k := range b.terms {
		t := &b.terms[k]
		if t.offset != nil {
			for o := range t.outputs {
				for a, offset := range t.offset[i : i+n] {
					z[o*n+a] += T(offset)
				}
			}
		}
		z = z[n*t.outputs:]
	}
}

// weights are what rows i to i+n count.
func (t *term[T]) weights(i, n int) simd.Weights {
	w := simd.Weights{Unit: t.unit, Left: int32(t.Fold)}
	if t.weight != nil {
		w.Mass = t.weight[i : i+n]
	}
	if t.fold != nil {
		w.Fold = t.fold[i : i+n]
	}
	return w
}

// add weighs the residuals r of a tile of n rows from i on, one run of n numbers an
// output, and adds sum_i r_i (x_i, 1) to the gradient g in units of the weights.
func (d *data[T]) add(g []float64, b *batch[T], x, r []T, i, n int) {
	side, run := d.Cols()+1, r
	g = g[b.terms[0].start:]
	for k := range b.terms {
		w := b.terms[k].weights(i, n)
		for range b.terms[k].outputs {
			g[(len(r)-len(run))/n*side+side-1] += d.kernel.Weigh(run[:n], w)
			run = run[n:]
		}
	}
	d.kernel.Outers(x, r, n, side-1, g, side)
}

// inUnits multiplies a gradient by the units of the weights of its terms.
func inUnits[T number](g []float64, terms []term[T], cols int) {
	for _, t := range terms {
		if t.unit != 1 {
			scale(g[t.start:][:t.outputs*(cols+1)], t.unit)
		}
	}
}

func scale(v []float64, by float64) {
	for i := range v {
		v[i] *= by
	}
}

// addTo adds v to total, number by number.
func addTo(total, v []float64) {
	total = total[:len(v)]
	for i, s := range v {
		total[i] += s
	}
}
