package cpu

import "github.com/logreg-gpu/logreg-gpu/backend"

const (
	// tileNumbers is how much of X is worked on at a time: 64 KB in float32, which
	// with its logits stays in the second-level cache while it is read twice.
	tileNumbers = 1 << 14

	// tileRowsMost bounds the rows of a tile, and with them the float32 sums.
	tileRowsMost = 512
)

// tileRows is the number of rows of a tile, a multiple of 4.
func tileRows(cols int) int {
	return max(4, min(tileRowsMost, tileNumbers/cols)&^3)
}

// term is one model of a call with its coefficients and columns at hand.
type term[T number] struct {
	backend.Model
	outputs int
	start   int       // of its coefficients in the layout
	coef    []T       // outputs x D
	bias    []float64 // outputs
	label   []int32   // nil when predicting
	weight  []float64 // nil is 1
	unit    float64
	offset  []float64 // nil is 0
	fold    []int32   // nil where no fold is left out
}

// terms splits coef among the models.
func (d *data[T]) terms(models []backend.Model, coef []float64) []term[T] {
	start := backend.Layout(models, d.Cols())
	terms := make([]term[T], len(models))
	for k, m := range models {
		t := term[T]{Model: m, outputs: m.Outputs(), start: start[k], weight: d.columns.Masses(m), unit: 1}
		t.coef, t.bias = split[T](coef[start[k]:start[k+1]], d.Cols())
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

// split separates rows of D+1 numbers into D of type T and the intercepts.
func split[T number](v []float64, cols int) (slopes []T, bias []float64) {
	for ; len(v) > 0; v = v[cols+1:] {
		for _, s := range v[:cols] {
			slopes = append(slopes, T(s))
		}
		bias = append(bias, v[cols])
	}
	return slopes, bias
}

// widest is the number of outputs of the largest model.
func widest[T number](terms []term[T]) (n int) {
	for _, t := range terms {
		n = max(n, t.outputs)
	}
	return n
}

// products writes (x, 1) . v_o of a tile of n rows for each row v_o of slopes, one run
// of n numbers an output.
func (d *data[T]) products(x, slopes []T, bias []float64, n int, z []T) {
	for o, b := range bias {
		zo := z[o*n : (o+1)*n]
		for i := range zo {
			zo[i] = T(b)
		}
		d.kernel.dots(x, slopes[o*d.Cols():(o+1)*d.Cols()], zo)
	}
}

// logits is products with the offsets of rows i to i+n.
func (d *data[T]) logits(t *term[T], x []T, i, n int, z []T) {
	if t.offset == nil {
		d.products(x, t.coef, t.bias, n, z)
		return
	}
	for o, b := range t.bias {
		zo := z[o*n : (o+1)*n]
		for a, offset := range t.offset[i : i+n] {
			zo[a] = T(b + offset)
		}
		d.kernel.dots(x, t.coef[o*d.Cols():(o+1)*d.Cols()], zo)
	}
}

// sums adds the losses of rows i to i+len(l), kept and held out. A row of weight
// zero adds nothing, were its loss infinite.
func (t *term[T]) sums(i int, l []T) (loss, held float64) {
	if t.weight == nil && t.fold == nil {
		for _, v := range l {
			loss += float64(v)
		}
		return loss, 0
	}
	for a, v := range l {
		w := 1.0
		if t.weight != nil {
			w = t.weight[i+a]
		}
		switch {
		case w == 0:
		case t.fold != nil && int(t.fold[i+a]) == t.Fold:
			held += w * float64(v)
		default:
			loss += w * float64(v)
		}
	}
	return loss, held
}

// weigh multiplies what is kept of rows i to i+n, runs of n numbers in r, by its
// weight in units, and clears the rest.
func (t *term[T]) weigh(i, n int, r []T) {
	if t.weight == nil && t.fold == nil {
		return
	}
	for a := range n {
		w := T(1)
		if t.weight != nil {
			w = T(t.weight[i+a] / t.unit)
		}
		if t.fold != nil && int(t.fold[i+a]) == t.Fold {
			w = 0
		}
		for at := a; at < len(r); at += n {
			if w == 0 {
				r[at] = 0
			} else {
				r[at] *= w
			}
		}
	}
}

// gradient collects sum_i r_i (x_i, 1) of some outputs: in T over a few hundred rows,
// in float64 beyond.
type gradient[T number] struct {
	sum  []float64 // outputs rows of D+1
	part []T       // outputs rows of D, not yet in sum
	rows int       // in part
}

// gradientRows is how many rows are summed in T: the rounding errors of their sum
// stay those of a short one.
const gradientRows = 256

func newGradient[T number](outputs, cols int) gradient[T] {
	return gradient[T]{sum: make([]float64, outputs*(cols+1)), part: make([]T, outputs*cols)}
}

// add puts the n rows of a tile with residuals r, in runs of n, to the outputs from
// the first-th on.
func (d *data[T]) add(g *gradient[T], t *term[T], x, r []T, n int) {
	cols := d.Cols()
	first := t.start / (cols + 1)
	for o := range t.outputs {
		ro := r[o*n : (o+1)*n]
		d.kernel.outer(x, ro, g.part[(first+o)*cols:(first+o+1)*cols])
		sum := 0.0
		for _, v := range ro {
			sum += float64(v)
		}
		g.sum[t.start+o*(cols+1)+cols] += sum * t.unit
	}
}

// ended tells the gradient that n rows have been added for all terms; enough rows, or
// the last, are moved to the float64 sums.
func (d *data[T]) ended(g *gradient[T], terms []term[T], n int, last bool) {
	if g.rows += n; g.rows < gradientRows && !last {
		return
	}
	cols := d.Cols()
	part := g.part
	for k := range terms {
		t := &terms[k]
		for o := range t.outputs {
			sum := g.sum[t.start+o*(cols+1):][:cols]
			for j, v := range part[:cols] {
				sum[j] += float64(v) * t.unit
			}
			part = part[cols:]
		}
	}
	clear(g.part)
	g.rows = 0
}

// addTo adds v to total, number by number.
func addTo(total, v []float64) {
	total = total[:len(v)]
	for i, s := range v {
		total[i] += s
	}
}
