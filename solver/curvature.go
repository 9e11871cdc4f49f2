package solver

import (
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/logreg-gpu/logreg-gpu/internal/cholesky"
	"github.com/logreg-gpu/logreg-gpu/internal/pieces"
)

// Curvature is an approximate Hessian made of blocks on its diagonal, one for each of
// equal runs of coordinates (an output of softmax each); the rest counts as zero. It
// is symmetric and, but for rounding, positive semi-definite.
//
// Where there are several blocks, the minimum sums to zero over the runs in every
// coordinate, as coefficients of softmax do.
type Curvature []*Block

// Block is the part of a Curvature over one run of coordinates: all of it or, where there
// are too many, what is between some of them and the diagonal of the others.
type Block struct {
	*mat.SymDense

	Hot      []int     // the coordinates of SymDense, strictly increasing
	Diagonal []float64 // of all coordinates, for those that are not in Hot; nil: all are
}

// metric is a factorised Curvature: the inner product in which steps are taken.
// A nil metric is the identity.
type metric struct {
	blocks  []*blockFactor
	threads int

	plain *mat.SymDense // instead of blocks: not factorised, both triangles filled (plainMetric)
}

// whole tells whether nothing of the Hessian is left out.
func (m *metric) whole() bool {
	return m != nil && (m.plain != nil || len(m.blocks) == 1 && m.blocks[0].inverse == nil)
}

// blocked tells whether what lies between blocks is left out.
func (m *metric) blocked() bool { return m != nil && len(m.blocks) > 1 }

// metricDamping is added to the unit diagonal of the scaled blocks: more than the
// rounding errors of Gram matrices in float32, less than any eigenvalue that a sample
// of rows can know.
const metricDamping = 1e-7

// blind tells whether damping outweighs some of the curvature.
func (m *metric) blind() bool {
	if m == nil {
		return false
	}
	for _, b := range m.blocks {
		if f := b.factor; f != nil && cholesky.InverseNorm(f.u.Data, f.u.N, f.u.Stride, f.threads) > 0.1/metricDamping {
			return true
		}
	}
	return false
}

// newMetric factorises c, whose memory it takes over. Blocks that are not positive
// definite are damped until they are. threads bounds the goroutines at work.
func newMetric(c Curvature, threads int) *metric {
	m := &metric{blocks: make([]*blockFactor, len(c)), threads: threads}
	var own []int // blocks that are not shared with the one before
	for k, b := range c {
		if k == 0 || b != c[k-1] {
			own = append(own, k)
		}
	}
	each := max(1, threads/len(own))
	inParallel(len(own), threads, func(i int) {
		k := own[i]
		m.blocks[k] = newBlockFactor(c[k], each)
	})
	for k, f := range m.blocks {
		if f == nil {
			m.blocks[k] = m.blocks[k-1]
		}
	}
	return m
}

// blockFactor is a factorised Block.
type blockFactor struct {
	factor  *factor   // nil where at is empty
	at      []int     // its coordinates
	inverse []float64 // of the diagonal, 0 for coordinates in at and those without curvature; nil: at is all
}

func newBlockFactor(b *Block, threads int) *blockFactor {
	f := &blockFactor{at: b.Hot}
	if b.SymmetricDim() > 0 {
		f.factor = factorIn(b.SymDense, threads)
		f.factor.factorise(b.SymDense, 0, metricDamping)
	}
	if b.Diagonal == nil {
		return f
	}
	f.inverse = make([]float64, len(b.Diagonal))
	for j, h := range b.Diagonal {
		if by := 1 / h; h > 0 && finite(by) {
			f.inverse[j] = by
		}
	}
	for _, j := range b.Hot {
		f.inverse[j] = 0
	}
	return f
}

// solve overwrites v by the inverse times v.
func (f *blockFactor) solve(v []float64, threads int) {
	if f.inverse == nil {
		f.factor.solve(v, v)
		return
	}
	some := make([]float64, len(f.at))
	for a, j := range f.at {
		some[a] = v[j]
	}
	if f.factor != nil {
		f.factor.solve(some, some)
	}
	pieces.Each(len(v), threads, func(lo, hi int) { floats.Mul(v[lo:hi], f.inverse[lo:hi]) })
	for a, j := range f.at {
		v[j] = some[a]
	}
}

// solve sets out to the inverse times v; out may be v.
func (m *metric) solve(v, out []float64) {
	if m == nil {
		copy(out, v)
		return
	}
	n := len(v) / len(m.blocks)
	pieces.Each(len(v), m.threads, func(lo, hi int) { copy(out[lo:hi], v[lo:hi]) })
	centre(out, len(m.blocks))
	each := max(1, m.threads/len(m.blocks))
	inParallel(len(m.blocks), m.threads, func(k int) { m.blocks[k].solve(out[k*n:(k+1)*n], each) })
	centre(out, len(m.blocks))
}

// gain is what a Newton step at gradient g is expected to gain: g' H^-1 g / 2.
func (m *metric) gain(g []float64) float64 {
	p := make([]float64, len(g))
	m.solve(g, p)
	return floats.Dot(g, p) / 2
}

// centre makes every coordinate of v sum to zero over k runs; one run is left alone.
func centre(v []float64, k int) {
	if k == 1 {
		return
	}
	n := len(v) / k
	for d := range n {
		mean := 0.0
		for i := d; i < len(v); i += n {
			mean += v[i]
		}
		mean /= float64(k)
		for i := d; i < len(v); i += n {
			v[i] -= mean
		}
	}
}
