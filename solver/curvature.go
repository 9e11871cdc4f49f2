package solver

import (
	"runtime"
	"sync"

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
type metric []*factor

// metricDamping is added to the unit diagonal of the scaled blocks: more than the
// rounding errors of Gram matrices in float32, less than any eigenvalue that a sample
// of rows can know.
const metricDamping = 1e-7

// newMetric factorises c, whose memory it uses up. Blocks that are not positive
// definite are damped until they are.
func newMetric(c Curvature) metric {
	m := make(metric, len(c))
	var own []int // blocks that are not shared with the one before
	for k, h := range c {
		if k == 0 || h != c[k-1] {
			own = append(own, k)
		}
	}
	eachBlock(len(own), func(i int) {
		k := own[i]
		m[k] = factorOf(c[k], metricDamping)
		c[k] = nil
	})
	for k := range m {
		if m[k] == nil {
			m[k] = m[k-1]
		}
	}
	return m
}

// eachBlock calls do for 0 to n-1 on all processors; no more blocks are in work, and in
// memory, than there are of those.
func eachBlock(n int, do func(int)) {
	workers := min(n, runtime.GOMAXPROCS(0))
	if workers == 1 {
		for k := range n {
			do(k)
		}
		return
	}
	var done sync.WaitGroup
	for w := range workers {
		done.Go(func() {
			for k := w; k < n; k += workers {
				do(k)
			}
		})
	}
	done.Wait()
}

// solve sets out to the inverse times v; out may be v.
func (m metric) solve(v, out []float64) {
	if m == nil {
		copy(out, v)
		return
	}
	n := len(v) / len(m)
	copy(out, v)
	centre(out, len(m))
	eachBlock(len(m), func(k int) { m[k].solve(out[k*n:(k+1)*n], out[k*n:(k+1)*n]) })
	centre(out, len(m))
}

// gain is what a Newton step at gradient g is expected to gain: g' H^-1 g / 2.
func (m metric) gain(g []float64) float64 {
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
