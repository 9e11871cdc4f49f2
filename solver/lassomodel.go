package solver

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// lassoModel minimises the quadratic model of a Composite at x,
//
//	g'(v-x) + (v-x)'(H + damping diag H + ridge)(v-x)/2 + sum_j lambda_j |v_j|,
//
// by coordinate descent over an active set, with Newton steps over its support:
// coordinate descent finds out which coefficients are zero in a few sweeps and makes
// them exactly so, but correlated columns can keep it from the minimum for thousands
// of sweeps, while a Cholesky factor of the support's part of H is there in one.
// Friedman, Hastie, Tibshirani (2010), section 2.6; Yuan, Ho, Lin (2012).
type lassoModel struct {
	lambda absolutes
	hess   *mat.SymDense
	full   bool // both triangles of hess are filled

	ridge   float64
	damping float64 // of the present Hessian
	noise   float64 // the least damping
	blocked bool    // some coordinate has a slope, but no curvature

	v      []float64
	slope  []float64 // of the quadratic at v
	active []int

	threads int // of its factors
}

const (
	// modelAccuracy is what shall be left of the model's subgradient, relative, in the
	// metric of H's diagonal. Arithmetic is cheap beside a pass; errors of this size
	// cost no pass until the last digits.
	modelAccuracy = 1e-7

	// modelRounds bounds the rounds of a sweep over all coordinates, sweeps over the
	// active ones and a Newton step; few problems need more than five.
	// Over large supports they are bounded by their cost, down to fewestRounds: a step
	// less exact costs a pass sooner than rounds save one.
	modelRounds  = 60
	fewestRounds = 5
	modelSweeps  = 10

	// sweepShare is the number of active coordinates for each of which another sweep
	// costs a share of a factor, at the different speeds of their arithmetic.
	sweepShare = 50

	// maxModelDamping is the most that rounding errors of a Hessian can ask for.
	maxModelDamping = 1e-2

	// newtonSteps bounds the steps of one round over a support of up to newtonSupport.
	// Steps that stop at a zero take one coordinate each off the support, for a factor
	// each; of a larger one, coordinate descent takes many at once for less.
	newtonSteps   = 30
	newtonSupport = 300
)

// newLassoModel makes a model of d's objective; the Hessian is to be filled in.
func newLassoModel(d *descent) *lassoModel {
	n := d.obj.Dim()
	return &lassoModel{
		lambda: d.lasso, hess: mat.NewSymDense(n, nil), noise: d.noise,
		v: make([]float64, n), slope: make([]float64, n), threads: d.opts.threads(),
	}
}

// target is the Hessian's place, to be filled in.
func (m *lassoModel) target() *mat.SymDense {
	m.full, m.damping = false, m.noise
	return m.hess
}

// row is row j of the Hessian.
func (m *lassoModel) row(j int) []float64 {
	raw := m.hess.RawSymmetric()
	if !m.full {
		// SymDense keeps the upper triangle and leaves the place of the lower one to us.
		for i := range raw.N {
			for k := i + 1; k < raw.N; k++ {
				raw.Data[k*raw.Stride+i] = raw.Data[i*raw.Stride+k]
			}
		}
		m.full = true
	}
	return raw.Data[j*raw.Stride : j*raw.Stride+raw.N]
}

// extra is what the model adds to the Hessian's diagonal.
func (m *lassoModel) extra(j int) float64 {
	return m.ridge + float64(m.damping*math.Abs(m.hess.At(j, j)))
}

// curvature is the model's second derivative by v_j, positive, or 0.
func (m *lassoModel) curvature(j int) float64 {
	c := math.Abs(m.hess.At(j, j)) + m.extra(j)
	if c > 0 && finite(1/math.Sqrt(c)) && finite(c) {
		return c
	}
	return 0
}

// minimise leaves the model's minimum at x in m.v and returns by how much the
// linearised function, g'(v-x) plus the change of the absolute values, is below zero
// there: what is expected of the step, at least.
//
// Of a singular Hessian rounding may make an indefinite one, and then there is no
// minimum: the damping grows until there is.
func (m *lassoModel) minimise(x, g []float64) (gain float64) {
	for {
		m.search(x, g)
		gain = 0
		bend := 0.0
		for j, v := range m.v {
			gain -= float64(g[j]*(v-x[j])) + float64(m.lambda.of(j)*(math.Abs(v)-math.Abs(x[j])))
			bend += float64((m.slope[j] - g[j]) * (v - x[j]))
		}
		if gain > 0 && bend > 0 || gain == 0 && bend == 0 || m.damping >= maxModelDamping {
			return gain
		}
		m.damping = max(100*m.damping, minDamping)
	}
}

// search looks for the minimum with the present damping.
func (m *lassoModel) search(x, g []float64) {
	copy(m.v, x)
	copy(m.slope, g)
	m.blocked = false
	first := m.excess()
	goal := first * modelAccuracy * modelAccuracy
	for done := 0.0; done < modelRounds; done += min(m.cost(), modelRounds/fewestRounds) {
		if excess := m.excess(); !(excess > goal) || excess > 1e20*first {
			break
		}
		m.sweepAll()
		m.sweepActive(goal)
		if !(m.excess() > goal) {
			break
		}
		m.newtonStep()
	}
}

// excess is the squared length of the model's subgradient, each component measured
// by its curvature.
func (m *lassoModel) excess() (sum float64) {
	for j, v := range m.v {
		if c := m.curvature(j); c > 0 {
			s := Subgradient(v, m.slope[j], m.lambda.of(j))
			sum += float64(s * s / c)
		}
	}
	return sum
}

// sweepAll minimises over every coordinate in turn and notes which are active: not
// zero, or without absolute value.
func (m *lassoModel) sweepAll() {
	m.active = m.active[:0]
	for j := range m.v {
		m.move(j)
		if m.v[j] != 0 || m.lambda.of(j) == 0 {
			m.active = append(m.active, j)
		}
	}
}

// sweepActive minimises over the active coordinates in turn, again and again until the
// squared length of the way of a sweep, each component measured by its curvature, is goal,
// or it has cost about what a factor does. It works on their part of the Hessian, which
// mostly fits into a cache, and brings the other slopes up to date at the end.
func (m *lassoModel) sweepActive(goal float64) {
	k := len(m.active)
	h, slope := make([]float64, k*k), make([]float64, k)
	for a, i := range m.active {
		row, part := m.row(i), h[a*k:(a+1)*k]
		for b, j := range m.active {
			part[b] = row[j]
		}
		part[a] += m.extra(i)
		slope[a] = m.slope[i]
	}
	v := make([]float64, k)
	for a, i := range m.active {
		v[a] = m.v[i]
	}
	for range max(modelSweeps, k/sweepShare) {
		moved := 0.0
		for a, i := range m.active {
			c := m.curvature(i)
			to := m.lowest(i, c, v[a], slope[a])
			if step := to - v[a]; step != 0 {
				v[a] = to
				floats.AddScaled(slope, step, h[a*k:(a+1)*k])
				moved += float64(step * step * c)
			}
		}
		if moved <= goal {
			break
		}
	}
	for a, i := range m.active {
		if step := v[a] - m.v[i]; step != 0 {
			m.v[i] = v[a]
			m.shift(i, step)
		}
	}
}

// move minimises over v_j.
func (m *lassoModel) move(j int) {
	v := m.lowest(j, m.curvature(j), m.v[j], m.slope[j])
	if step := v - m.v[j]; step != 0 {
		m.v[j] = v
		m.shift(j, step)
	}
}

// lowest is the minimum over v_j, of curvature c, where the slope at v is known.
func (m *lassoModel) lowest(j int, c, v, slope float64) float64 {
	lambda := m.lambda.of(j)
	switch {
	case c > 0:
		return softThreshold(v-slope/c, lambda/c)
	case math.Abs(slope) > lambda:
		m.blocked = true
	case lambda > 0:
		return 0
	}
	return v
}

// shift brings the slope up to date after v_j moved by step.
func (m *lassoModel) shift(j int, step float64) {
	floats.AddScaled(m.slope, step, m.row(j))
	m.slope[j] += float64(m.extra(j) * step)
}

// newtonStep goes to the minimum over the support with its signs held. What would
// change its sign stops at zero and leaves the support, until a whole step is possible:
// coordinate descent may then bring it back with the other sign, but from a lower
// point, so that no support comes twice.
func (m *lassoModel) newtonStep() {
	for done := 0.0; done < newtonSteps; {
		m.support()
		k := len(m.active)
		if k == 0 {
			return
		}
		done += m.cost()
		h := m.part(m.active)
		g, dir := make([]float64, k), make([]float64, k)
		for a, i := range m.active {
			g[a] = Subgradient(m.v[i], m.slope[i], m.lambda.of(i))
		}
		newFactor(k, m.threads).direction(h, 0, g, dir)

		// To where the first coordinate reaches zero, or all the way, with every
		// coordinate that would cross zero stopped there, if that is lower.
		t, first := 1.0, -1
		bent := make([]float64, k)
		for a, j := range m.active {
			bent[a] = dir[a]
			if m.lambda.of(j) > 0 && m.v[j]*(m.v[j]+dir[a]) < 0 {
				bent[a] = -m.v[j]
				if zero := -m.v[j] / dir[a]; zero < t || first < 0 {
					t, first = zero, a
				}
			}
		}
		if first >= 0 {
			floats.Scale(t, dir)
			dir[first] = -m.v[m.active[first]]
			if m.change(h, g, bent) < m.change(h, g, dir) {
				dir = bent
			}
		}
		for a, j := range m.active {
			if !finite(dir[a]) {
				return
			}
			m.v[j] += dir[a]
			m.shift(j, dir[a])
		}
		if first < 0 {
			return
		}
	}
}

// cost is that of a factor of the active part, in factors of newtonSupport; those of
// smaller ones count as much.
func (m *lassoModel) cost() float64 {
	share := max(1, float64(len(m.active))/newtonSupport)
	return share * share * share
}

// support makes active what is not zero or has no absolute value.
func (m *lassoModel) support() {
	m.active = m.active[:0]
	for j, v := range m.v {
		if v != 0 || m.lambda.of(j) == 0 {
			m.active = append(m.active, j)
		}
	}
}

// steepest is the largest curvature of a coordinate.
func (m *lassoModel) steepest() (c float64) {
	for j := range m.v {
		c = max(c, m.hess.At(j, j))
	}
	return c
}

// free makes active the coordinates without absolute values and gives the Hessian by
// them, if it is singular, and its factor; or nil.
func (m *lassoModel) free() (*factor, *mat.SymDense) {
	m.active = m.active[:0]
	for j := range m.v {
		if m.lambda.of(j) == 0 {
			m.active = append(m.active, j)
		}
	}
	if len(m.active) == 0 {
		return nil, nil
	}
	f, h := newFactor(len(m.active), m.threads), m.part(m.active)
	if f.factorise(h, 0, 0); f.singular || slices.Contains(f.scale, 0) {
		return f, h
	}
	return nil, nil
}

// part is the model's Hessian by the given coordinates alone.
func (m *lassoModel) part(of []int) *mat.SymDense {
	h := mat.NewSymDense(len(of), nil)
	for a, i := range of {
		row := m.row(i)
		for b := a; b < len(of); b++ {
			h.SetSym(a, b, row[of[b]])
		}
		h.SetSym(a, a, row[i]+m.extra(i))
	}
	return h
}

// change is the model's after a step over the active coordinates within their signs,
// where h and g are its derivatives by them.
func (m *lassoModel) change(h *mat.SymDense, g, step []float64) float64 {
	s := mat.NewVecDense(len(step), step)
	return floats.Dot(g, step) + mat.Inner(s, h, s)/2
}
