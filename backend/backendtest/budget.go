package backendtest

import (
	"math"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/internal/half"
)

// budget knows how far rounding may take each result from the reference. u is the
// unit roundoff of the products: 2^-53 for float64 storage, 2^-24 for all others.
//
// A sum of n rounded products is off by about sqrt(n) u of the sum of their
// magnitudes; the worst case, n u, needs terms that all round the same way. float64
// sums over rows are given that: equal terms are common there, and it costs no rigour
// where u is 2^-24. Elementary functions and single operations take a few u. The magnitudes are those
// of the terms and not of the result: a gradient near zero is a difference of large
// numbers, and its digits are theirs.
type budget struct {
	u, floor   float64 // floor: where T underflows
	rows, cols int
	x          []float64 // stored X
	src        *backend.Source
}

// perOperation covers a few operations and an elementary function of 2 ulp.
const perOperation = 8

// sumRows is the longest sum over rows that a backend should do in T.
const sumRows = 1024

func newBudget(src *backend.Source, storage backend.Storage, affine backend.Affine) *budget {
	b := &budget{u: 0x1p-24, floor: 0x1p-125, src: src, x: stored(src, storage, affine)}
	if storage == backend.Float64 {
		b.u, b.floor = 0x1p-53, 0x1p-1020
	}
	b.rows, b.cols = src.Shape()
	return b
}

// stored is X as the storage holds it.
func stored(src *backend.Source, storage backend.Storage, affine backend.Affine) []float64 {
	_, cols := src.Shape()
	x := numbers(src)
	for i, v := range x {
		v = affine.Map(i%cols, v)
		switch storage {
		case backend.Float32:
			v = float64(float32(v))
		case backend.BFloat16:
			v = float64(half.FromBFloat16(half.BFloat16(v)))
		case backend.Float16:
			v = float64(half.FromFloat16(half.Float16(v)))
		}
		x[i] = v
	}
	return x
}

// numbers is a copy of src's X, dense.
func numbers(src *backend.Source) []float64 {
	rows, cols := src.Shape()
	x := make([]float64, rows*cols)
	if m := src.Sparse; m != nil {
		for i := range rows {
			for e := m.RowPtr[i]; e < m.RowPtr[i+1]; e++ {
				x[i*cols+int(m.Col[e])] = m.Value(e)
			}
		}
		return x
	}
	switch from := src.X.Data().(type) {
	case []float32:
		for i, v := range from {
			x[i] = float64(v)
		}
	case []float64:
		copy(x, from)
	}
	return x
}

// sampled is the budget for rows drawn.
func (b *budget) sampled(rows []int, factor []float64) *budget {
	s := &budget{u: b.u, floor: b.floor, rows: len(rows), cols: b.cols, src: draw(b.src, rows, factor)}
	for _, r := range rows {
		s.x = append(s.x, b.row(r)...)
	}
	return s
}

// draw is the source of rows drawn; its X stays away.
func draw(src *backend.Source, rows []int, factor []float64) *backend.Source {
	s := new(backend.Source)
	for _, col := range src.Labels {
		s.Labels = append(s.Labels, pick(col, rows))
	}
	for _, col := range src.Offsets {
		s.Offsets = append(s.Offsets, pick(col, rows))
	}
	for _, col := range src.Weights {
		w := pick(col, rows)
		for i := range factor {
			w[i] *= factor[i]
		}
		s.Weights = append(s.Weights, w)
	}
	s.Folds = pick(src.Folds, rows)
	return s
}

func pick[T any](col []T, rows []int) (out []T) {
	for _, r := range rows {
		out = append(out, col[r])
	}
	return out
}

func (b *budget) row(i int) []float64 { return b.x[i*b.cols : (i+1)*b.cols] }

// dot returns (x, 1) . v and the rounding error of its T sum.
func (b *budget) dot(x, v []float64, offset float64) (z, err float64) {
	z = v[b.cols] + offset
	size := math.Abs(v[b.cols]) + math.Abs(offset)
	for j, xj := range x {
		z += xj * v[j]
		size += math.Abs(xj * v[j])
	}
	return z, b.u*(4+math.Sqrt(float64(b.cols)))*size + b.floor
}

// acrossRows is the error of the sum over rows, in parts of the sum of magnitudes.
func (b *budget) acrossRows() float64 {
	return b.u*(perOperation+math.Sqrt(min(float64(b.rows), sumRows))) + b.exactly()
}

// exactly is the error of a float64 sum over rows, in parts of the sum of magnitudes.
func (b *budget) exactly() float64 { return 0x1p-52 * float64(perOperation+b.rows) }

// point is a row in a model: each output's numbers with their errors.
type point struct {
	kept, held float64 // weights
	z, zErr    []float64
	p, pErr    []float64
	r, rErr    []float64
	loss, lErr float64
}

// at works out row i of model m. base multiplies the weight 1 of a model without
// weights; nil is 1.
func (b *budget) at(m backend.Model, i int, coef []float64, base []float64) point {
	n := m.Outputs()
	v := make([]float64, 6*n)
	q := point{z: v[:n], zErr: v[n : 2*n], p: v[2*n : 3*n], pErr: v[3*n : 4*n], r: v[4*n : 5*n], rErr: v[5*n:]}
	q.kept = 1
	if m.Weight != backend.None {
		q.kept = b.src.Weights[m.Weight][i]
	} else if base != nil {
		q.kept = base[i]
	}
	if m.Fold != backend.None && int(b.src.Folds[i]) == m.Fold {
		q.kept, q.held = 0, q.kept
	}
	offset := 0.0
	if m.Offset != backend.None {
		offset = b.src.Offsets[m.Offset][i]
	}
	for c := range n {
		q.z[c], q.zErr[c] = b.dot(b.row(i), coef[c*(b.cols+1):(c+1)*(b.cols+1)], offset)
	}
	b.link(m, b.src.Labels[m.Label][i], &q)
	return q
}

// link fills all but z and the weights of q.
func (b *budget) link(m backend.Model, label int32, q *point) {
	u := perOperation * b.u
	if m.Classes == 0 {
		z, dz := q.z[0], q.zErr[0]
		low, high := sigmoid(-math.Abs(z)), sigmoid(math.Abs(z))
		t := z // the loss is log(1 + e^t)
		if label == m.Class {
			t = -z
		}
		// p' = p (1-p) grows by at most e^dz over a distance of dz.
		change := min(1, low*high*dz*math.Exp(min(dz, 50)))
		q.p[0] = sigmoid(z)
		q.pErr[0] = change + u*q.p[0] + b.floor
		q.r[0] = sigmoid(t)
		q.rErr[0] = change + u*q.r[0] + b.floor
		if t == -z {
			q.r[0] = -q.r[0]
		}
		q.loss = max(t, 0) + math.Log1p(math.Exp(-math.Abs(t)))
		q.lErr = (math.Abs(q.r[0])+change)*dz + u*q.loss + b.floor
		return
	}
	top, dz := 0, 0.0
	for c, z := range q.z {
		if z > q.z[top] {
			top = c
		}
		dz = max(dz, q.zErr[c])
	}
	sum, others := 0.0, 0.0
	for c, z := range q.z {
		q.p[c] = math.Exp(z - q.z[top])
		sum += q.p[c]
		if c != top {
			others += q.p[c]
		}
	}
	for c := range q.p {
		rest := 0.0
		for o := range q.p {
			if o != c {
				rest += q.p[o] / sum
			}
		}
		p := q.p[c] / sum
		change := min(1, p*rest*2*dz*math.Exp(min(2*dz, 50)))
		// The residual of the label's class may be computed as p - 1: no digit of
		// u p is asked of it. The same goes for the logarithm of a sum near one.
		q.pErr[c] = change + u*p + b.floor
		q.r[c], q.rErr[c] = p, q.pErr[c]
		if c == int(label) {
			q.r[c] = -rest
			q.rErr[c] += u * rest
		}
		q.lErr += (math.Abs(q.r[c]) + change) * dz
	}
	for c := range q.p {
		q.p[c] /= sum
	}
	q.loss = q.z[top] - q.z[label] + math.Log1p(others)
	q.lErr += u*q.loss + u
}

func sigmoid(z float64) float64 {
	e := math.Exp(-math.Abs(z))
	if z >= 0 {
		return 1 / (1 + e)
	}
	return e / (1 + e)
}

// along moves q by t s, s known up to ds, where only z and s are kept in T.
func (b *budget) along(m backend.Model, label int32, q point, t float64, s, ds []float64) point {
	moved := point{kept: q.kept, held: q.held}
	n := len(q.z)
	v := make([]float64, 6*n)
	moved.z, moved.zErr, moved.p, moved.pErr, moved.r, moved.rErr = v[:n], v[n:2*n], v[2*n:3*n], v[3*n:4*n], v[4*n:5*n], v[5*n:]
	for c := range n {
		moved.z[c] = q.z[c] + t*s[c]
		moved.zErr[c] = q.zErr[c] + math.Abs(t)*ds[c] + 4*b.u*(math.Abs(q.z[c])+math.Abs(t*s[c]))
	}
	b.link(m, label, &moved)
	return moved
}

// curvature returns d2 l / dz_r dz_c at q and its error.
func (b *budget) curvature(m backend.Model, q point, r, c int) (d, err float64) {
	u := perOperation * b.u
	switch {
	case m.Classes == 0:
		d = sigmoid(q.z[0]) * sigmoid(-q.z[0])
		return d, d*q.zErr[0]*math.Exp(min(q.zErr[0], 50)) + 2*u*d + b.floor
	case r != c:
		return -q.p[r] * q.p[c], q.pErr[r]*q.p[c] + q.pErr[c]*q.p[r] + u*q.p[r]*q.p[c] + b.floor
	}
	rest := 0.0
	for o := range q.p {
		if o != c {
			rest += q.p[o]
		}
	}
	return q.p[c] * rest, q.pErr[c] + u*q.p[c] + b.floor
}
