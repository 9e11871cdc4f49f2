package solver

import (
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Curvature is an approximate Hessian made of blocks on its diagonal, one for each of
// equal runs of coordinates (an output of softmax each); the rest counts as zero. It
// is symmetric and, but for rounding, positive semi-definite.
//
// Where there are several blocks, the minimum sums to zero over the runs in every
// coordinate, as coefficients of softmax do.
type Curvature []*mat.SymDense

// metric is a factorised Curvature: the inner product in which steps are taken.
// A nil metric is the identity.
type metric struct {
	blocks  []*factor
	threads int

	plain *mat.SymDense // instead of blocks: not factorised, both triangles filled (plainMetric)
}

// whole tells whether nothing of the Hessian is left out.
func (m *metric) whole() bool { return m != nil && (m.plain != nil || len(m.blocks) == 1) }

// metricDamping is added to the unit diagonal of the scaled blocks: more than the
// rounding errors of Gram matrices in float32, less than any eigenvalue that a sample
// of rows can know.
const metricDamping = 1e-7

// newMetric factorises c, whose memory it takes over. Blocks that are not positive
// definite are damped until they are. threads bounds the goroutines at work.
func newMetric(c Curvature, threads int) *metric {
	m := &metric{blocks: make([]*factor, len(c)), threads: threads}
	var own []int // blocks that are not shared with the one before
	for k, h := range c {
		if k == 0 || h != c[k-1] {
			own = append(own, k)
		}
	}
	each := max(1, threads/len(own))
	inParallel(len(own), threads, func(i int) {
		k := own[i]
		m.blocks[k] = factorIn(c[k], each)
		m.blocks[k].factorise(c[k], 0, metricDamping)
	})
	for k, f := range m.blocks {
		if f == nil {
			m.blocks[k] = m.blocks[k-1]
		}
	}
	return m
}

// solve sets out to the inverse times v; out may be v.
func (m *metric) solve(v, out []float64) {
	if m == nil {
		copy(out, v)
		return
	}
	n := len(v) / len(m.blocks)
	copy(out, v)
	centre(out, len(m.blocks))
	inParallel(len(m.blocks), m.threads, func(k int) { m.blocks[k].solve(out[k*n:(k+1)*n], out[k*n:(k+1)*n]) })
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
