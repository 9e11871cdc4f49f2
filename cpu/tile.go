package cpu

import "github.com/logreg-gpu/logreg-gpu/backend"

const (
	// tileNumbers is how much of X is worked on at a time: 128 KB in float32, which
	// with its logits stays in the second-level cache while it is read twice.
	tileNumbers = 1 << 15

	// tileRowsMost bounds the rows of a tile, which are summed in T: the rounding
	// errors of their sum stay those of a short one.
	tileRowsMost = 512
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
	bias    []float64 // outputs
	label   []int32   // nil when predicting
	weight  []float64 // nil is 1
	unit    float64
	offset  []float64 // nil is 0
	fold    []int32   // nil where no fold is left out
}

// terms splits coef among the models.
func (d *data[T]) terms(models []backend.Model, coef []float64) []term[T] {
	terms := d.frame.terms(models)
	for k := range terms {
		t := &terms[k]
		t.coef, t.bias = split[T](coef[t.start:][:t.outputs*(d.Cols()+1)], d.Cols())
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
		d.kernel.Dots(x, slopes[o*d.Cols():(o+1)*d.Cols()], T(b), z[o*n:(o+1)*n])
	}
}

// logits is products with the offsets of rows i to i+n.
func (d *data[T]) logits(t *term[T], x []T, i, n int, z []T) {
	d.products(x, t.coef, t.bias, n, z)
	if t.offset == nil {
		return
	}
	for o := range t.outputs {
		zo := z[o*n : (o+1)*n]
		for a, offset := range t.offset[i : i+n] {
			zo[a] += T(offset)
		}
	}
}

// masses returns what each of rows i to i+n counts in the sums, nil where all count 1.
// buf is used where a fold is left out.
func (t *term[T]) masses(i, n int, buf []float64) []float64 {
	if t.fold == nil {
		if t.weight == nil {
			return nil
		}
		return t.weight[i : i+n]
	}
	buf = buf[:n]
	for a, fold := range t.fold[i : i+n] {
		switch {
		case int(fold) == t.Fold:
			buf[a] = 0
		case t.weight == nil:
			buf[a] = 1
		default:
			buf[a] = t.weight[i+a]
		}
	}
	return buf
}

// held adds the losses l of those of rows i to i+len(l) that are left out. A row of
// weight zero adds nothing, were its loss infinite.
func (t *term[T]) held(i int, l []T) (sum float64) {
	if t.fold == nil {
		return 0
	}
	for a, v := range l {
		w := 1.0
		if t.weight != nil {
			w = t.weight[i+a]
		}
		if w != 0 && int(t.fold[i+a]) == t.Fold {
			sum += float64(w * float64(v))
		}
	}
	return sum
}

// add weighs the residuals r of a tile of n rows, one run of n numbers an output, adds
// sum_i r_i (x_i, 1) to the gradient g in units of the weights, and returns the sum of
// the weighted losses l.
func (d *data[T]) add(g []float64, t *term[T], x, l, r []T, n int, mass []float64) (loss float64) {
	side := d.Cols() + 1
	for o := range t.outputs {
		ro, to := r[o*n:(o+1)*n], g[t.start+o*side:][:side]
		var sum float64
		loss, sum = d.kernel.Weigh(l[:n], ro, mass, t.unit)
		d.kernel.Outer(x, ro, to[:side-1])
		to[side-1] += sum
	}
	return loss
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
