package solver

import (
	"context"

	"gonum.org/v1/gonum/floats"
)

// stepper takes a descent from point to point, in the metric that it has been given.
type stepper interface {
	// turn begins anew in another metric; nil is none.
	turn(m *metric)

	// until sets what is told, before every step, the gain expected of it. A run pauses
	// where it returns true.
	until(pause func(gain float64) bool)

	// run goes on from the descent's point, which has been evaluated. The status stays
	// open where it pauses.
	run(ctx context.Context) error

	// expected is the gain that the metric promises at the descent's point.
	expected() float64

	// carried tells that the descent has come to its point from x, where the gradient was
	// grad, without a step of its own.
	carried(x, grad []float64)

	// promised is what it promises of a gradient, near the descent's point.
	promised(grad []float64) float64
}

// newStepper is quasi-Newton steps, or proximal ones where there are absolute values.
func newStepper(d *descent) stepper {
	if d.lasso == nil {
		return &smoothSteps{newQuasiNewton(d)}
	}
	n := d.obj.Dim()
	return &lassoSteps{d: d, model: lassoModel{
		lambda: d.lasso, noise: d.noise, threads: d.opts.threads(),
		v: make([]float64, n), slope: make([]float64, n),
	}}
}

type smoothSteps struct{ *quasiNewton }

func (s *smoothSteps) turn(m *metric) { s.past.again(m) }

func (s *smoothSteps) until(pause func(gain float64) bool) { s.pause = pause }

func (s *smoothSteps) expected() float64 {
	dir := make([]float64, len(s.d.x))
	s.past.direction(s.d.grad, dir)
	return -floats.Dot(s.d.grad, dir) / 2
}

func (s *smoothSteps) carried(x, grad []float64) { s.past.add(x, s.d.x, grad, s.d.grad) }

func (s *smoothSteps) promised(grad []float64) float64 { return s.past.metric.gain(grad) }

// lassoSteps are those of proxWalk; without a metric, those of owlqn.
type lassoSteps struct {
	d     *descent
	model lassoModel // without a Hessian, there is no metric
	pause func(gain float64) bool
}

// turn takes the matrix of the metric as it is: all models in it look at the same.
func (s *lassoSteps) turn(m *metric) {
	s.model.hess = nil
	if m != nil {
		s.model.hess, s.model.full = m.plain, true
		s.model.damping, s.model.ridge = s.model.noise, 0
	}
}

func (s *lassoSteps) until(pause func(gain float64) bool) { s.pause = pause }

// run leaves the status open also where the minimum may lie at infinity.
func (s *lassoSteps) run(ctx context.Context) error {
	if s.model.hess == nil {
		return orthants(ctx, s.d, false)
	}
	return proxWalk(ctx, s.d, &s.model, func(gain float64) bool { return s.pause(gain) || s.d.escaping() })
}

func (s *lassoSteps) expected() float64 { return s.model.minimise(s.d.x, s.d.grad) / 2 }

func (s *lassoSteps) carried([]float64, []float64) {}

// promised leaves coordinates at zero where they are.
func (s *lassoSteps) promised(grad []float64) float64 {
	m := &s.model
	copy(m.v, s.d.x)
	m.support()
	g, dir := make([]float64, len(m.active)), make([]float64, len(m.active))
	for a, j := range m.active {
		g[a] = grad[j]
	}
	if len(g) == 0 {
		return 0
	}
	newFactor(len(g), m.threads).direction(m.part(m.active), 0, g, dir)
	return -floats.Dot(g, dir) / 2
}

// plainMetric is a metric for proximal steps, which takes over the one block of c.
func plainMetric(c Curvature) *metric {
	m := &metric{plain: c[0].SymDense}
	mirror(m.plain.RawSymmetric(), true)
	return m
}
