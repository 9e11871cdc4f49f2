package solver

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
)

// SGD are the options of gradient descent. The zero value is plain descent by all
// rows with a constant learning rate.
type SGD struct {
	Batch        int     // rows a step; 0 or at least all of them: all
	LearningRate float64 // 0 means DefaultLearningRate

	// Schedule is how the learning rate goes on with the epochs.
	Schedule Schedule

	// Decay is the rate of InverseTime, by the epoch.
	Decay float64

	// Momentum v <- Momentum v + g, x <- x - rate v, as in PyTorch's SGD. In [0, 1).
	Momentum float64

	// Adam replaces the step by that of Kingma and Ba (2015), with their constants.
	Adam bool
}

// DefaultLearningRate is the classic tutorial's.
const DefaultLearningRate = 0.01

// Schedule names a course of the learning rate over epochs e = 0, 1, ... of E, with
// fractions of epochs between batches.
type Schedule string

// The schedules.
const (
	Constant    Schedule = ""             // rate
	InverseTime Schedule = "inverse-time" // rate / (1 + Decay e)
	Cosine      Schedule = "cosine"       // rate (1 + cos(pi e / E)) / 2
)

func (s SGD) check() error {
	switch {
	case !(s.LearningRate > 0) || math.IsInf(s.LearningRate, 0):
		return &OptionError{"learning rate", fmt.Sprintf("is %v; it must be positive", s.LearningRate)}
	case !(s.Momentum >= 0 && s.Momentum < 1):
		return &OptionError{"momentum", fmt.Sprintf("is %v; it must be at least 0 and below 1", s.Momentum)}
	case !(s.Decay >= 0) || math.IsInf(s.Decay, 0):
		return &OptionError{"decay", fmt.Sprintf("is %v; it must not be negative", s.Decay)}
	case s.Batch < 0:
		return &OptionError{"batch", fmt.Sprintf("is %d; it must not be negative", s.Batch)}
	case s.Schedule != Constant && s.Schedule != InverseTime && s.Schedule != Cosine:
		return &OptionError{"schedule", fmt.Sprintf("is %q; use %q or %q, or none for a constant rate", s.Schedule, InverseTime, Cosine)}
	}
	return nil
}

// rate is the learning rate at a time in epochs, of epochs in all.
func (s SGD) rate(epoch float64, epochs int) float64 {
	switch s.Schedule {
	case InverseTime:
		return s.LearningRate / (1 + s.Decay*epoch)
	case Cosine:
		return s.LearningRate * (1 + math.Cos(math.Pi*epoch/float64(epochs))) / 2
	}
	return s.LearningRate
}

// sgd is gradient descent with steps of given length. An iteration is an epoch. With
// all rows in one batch it reads X once an epoch. Mini-batches are drawn from a new
// seeded shuffle each epoch and cost two reads of their rows (gather, evaluate);
// after each epoch the whole objective is evaluated once more, since neither the
// best point nor convergence is known without. Values need not fall; the best point
// is kept.
func sgd(ctx context.Context, d *descent) error {
	s := d.opts.SGD
	if s.LearningRate == 0 {
		s.LearningRate = DefaultLearningRate
	}
	if err := s.check(); err != nil {
		return err
	}
	var batches *batches
	if s.Batch > 0 {
		if !Can(d.obj, CanBatch) {
			return &NeedsError{"sgd with batches", CanBatch}
		}
		b := d.obj.(Batcher)
		if s.Batch < b.Rows() {
			batches = newBatches(b, s.Batch, d.opts.Seed)
		}
	}
	if err := d.evalStart(ctx); err != nil {
		return err
	}
	x := append([]float64(nil), d.x...)
	g := append([]float64(nil), d.grad...)
	rule := newRule(s, len(x))
	for {
		switch {
		case d.converged():
			d.end(Converged)
			return nil
		case d.exhausted():
			d.end(MaxIter)
			return nil
		}
		epoch := d.res.Iterations
		rate := s.rate(float64(epoch), d.opts.MaxIter)
		if batches == nil {
			rule.step(x, g, rate)
		} else {
			batches.shuffle()
			rule.steps = epoch * batches.number()
			what := fmt.Sprintf("epoch %d of %d, seed %d, %+v", epoch, d.opts.MaxIter, d.opts.Seed, s)
			err := d.keep(ctx, what, [][]float64{x, rule.m, rule.v}, func() error {
				return batches.epoch(ctx, x, g, func(done float64) {
					rule.step(x, g, s.rate(float64(epoch)+done, d.opts.MaxIter))
				})
			})
			if err != nil {
				return err
			}
		}
		f, err := d.obj.Eval(ctx, x, g)
		if err != nil {
			return err
		}
		if !finite(f) || !finite(d.obj.MaxAbsGradient(g)) {
			d.end(Diverged)
			return nil
		}
		d.accept(x, g, f, rate)
	}
}

// rule turns gradients into steps.
type rule struct {
	SGD
	m, v  []float64 // mean of gradients (momentum, Adam) and of their squares (Adam)
	steps int       // taken
}

func newRule(s SGD, n int) *rule {
	return &rule{SGD: s, m: make([]float64, n), v: make([]float64, n)}
}

// step moves x by one step for the gradient g.
func (r *rule) step(x, g []float64, rate float64) {
	r.steps++
	if !r.Adam {
		for i := range x {
			r.m[i] = float64(r.Momentum*r.m[i]) + g[i]
			x[i] -= float64(rate * r.m[i])
		}
		return
	}
	const beta1, beta2, epsilon = 0.9, 0.999, 1e-8
	bias1, bias2 := 1-math.Pow(beta1, float64(r.steps)), 1-math.Pow(beta2, float64(r.steps))
	for i := range x {
		r.m[i] = float64(beta1*r.m[i]) + float64((1-beta1)*g[i])
		r.v[i] = float64(beta2*r.v[i]) + float64((1-beta2)*g[i]*g[i])
		x[i] -= rate * (r.m[i] / bias1) / (math.Sqrt(r.v[i]/bias2) + epsilon)
	}
}

// batches are the rows in a new random order each epoch, cut into parts.
type batches struct {
	obj   Batcher
	size  int
	order []int
	rng   *rand.Rand
}

func newBatches(obj Batcher, size int, seed uint64) *batches {
	b := &batches{obj, size, make([]int, obj.Rows()), rand.New(rand.NewPCG(seed, 0))}
	for i := range b.order {
		b.order[i] = i
	}
	return b
}

// number is that of the batches of an epoch.
func (b *batches) number() int { return (len(b.order) + b.size - 1) / b.size }

// shuffle comes before every epoch.
func (b *batches) shuffle() {
	b.rng.Shuffle(len(b.order), func(i, j int) { b.order[i], b.order[j] = b.order[j], b.order[i] })
}

// epoch goes once over all rows: for each batch it sets g to its gradient at x and
// calls step, which moves x, with the share of the epoch done before.
func (b *batches) epoch(ctx context.Context, x, g []float64, step func(done float64)) error {
	n := len(b.order)
	for lo := 0; lo < n; lo += b.size {
		part, release, err := b.obj.Batch(ctx, b.order[lo:min(lo+b.size, n)])
		if err != nil {
			return err
		}
		_, err = part.Eval(ctx, x, g)
		if cerr := release(); err == nil {
			err = cerr
		}
		if err != nil {
			return err
		}
		step(float64(lo) / float64(n))
	}
	return nil
}
