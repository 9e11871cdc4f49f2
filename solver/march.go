package solver

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
)

// Family is several objectives over the same rows - folds left out, strengths of the
// penalty, columns of labels - any of which are evaluated together in one joint read.
type Family interface {
	// Members are the objectives, at least one. Evaluated through them, each reads X
	// for itself; they are asked for everything else.
	Members() []Objective

	// EvalMembers is Eval of the given members, each at its own x and to its own grad.
	// It reads X once for all of them.
	EvalMembers(ctx context.Context, members []int, x, grad [][]float64, value []float64) error

	// Passes is the number of joint reads of X so far; reads of a part count as the
	// fraction of the rows they took.
	Passes() float64
}

// Pace is where a march stands after a joint read.
type Pace struct {
	Passes  float64 // of this march
	Members int     // that are still on their way
	Of      int
}

// MarchOptions are what a user can choose about a march; Options hold for each member,
// but for X0 and Progress.
type MarchOptions struct {
	Options

	// Starts are the members' starts; nil leaves them to the solver.
	Starts [][]float64

	// After are results of an earlier march, one for each member and of much the same
	// Hessian in the same coordinates: what was learned of it serves again. The starts
	// are then near the minima.
	After []*Result

	// Pace, if set, is told every joint read.
	Pace func(Pace)
}

// March minimises every member of f by the named solver, all of them at the same pace:
// each joint read of X serves every member that is still on its way. Each member's
// result is, but for rounding, the one that the solver would have reached alone.
// Passes of the results count the member's own evaluations, of which f.Passes() says
// how many were joint.
//
// "auto" and "staged" are a march in stages where the family is a Cohort (marchStaged) -
// with absolute values, one that has Hessians - else lbfgs, or owlqn. A solver that needs
// more than values and gradients is a *MarchError.
func March(ctx context.Context, name string, f Family, opts MarchOptions) ([]*Result, error) {
	members := f.Members()
	if opts.Starts != nil && len(opts.Starts) != len(members) {
		panic("solver: starts and members of a march differ in number")
	}
	for _, s := range solvers {
		if s.Name == name && s.Needs != nil {
			return nil, &MarchError{name}
		}
	}
	if name == AutoName || name == "staged" {
		lasso := slices.ContainsFunc(members, func(o Objective) bool { return lassoOf(o) != nil })
		if c, ok := f.(Cohort); ok && opts.MaxIter >= 0 && (!lasso || c.CanCurve()) {
			return marchStaged(ctx, c, opts)
		}
		name = "lbfgs"
		if lasso {
			name = "owlqn"
		}
	}
	m := newMarch(f, opts)
	results := make([]*Result, len(members))
	err := m.abreast(ctx, all(len(members)), func(k int, obj Objective) (err error) {
		results[k], err = Solve(ctx, name, obj, m.options(k))
		return err
	})
	return results, err
}

// MarchError is a solver that needs more of each member than values and gradients.
type MarchError struct{ Solver string }

func (e *MarchError) Error() string {
	return fmt.Sprintf("solver %s cannot fit several models at once; use --solver auto, lbfgs or owlqn", e.Solver)
}

// march is a family on its way.
type march struct {
	family  Family
	members []Objective
	walkers []*walker
	opts    MarchOptions
	before  float64 // f.Passes() at the beginning
}

func newMarch(f Family, opts MarchOptions) *march {
	m := &march{family: f, members: f.Members(), opts: opts, before: f.Passes()}
	for k, o := range m.members {
		m.walkers = append(m.walkers, &walker{Objective: o, member: k})
	}
	return m
}

// options are those of member k.
func (m *march) options(k int) Options {
	o := m.opts.Options
	o.Progress = nil
	if m.opts.Starts != nil {
		o.X0 = m.opts.Starts[k]
	}
	return o
}

// abreast runs body for each of the given members, on a coroutine of its own that is
// interrupted wherever it evaluates the objective. Once all of them wait for a value,
// one joint read gives it to them. Which members take part in a read follows from the
// values alone, so that results are the same on every machine.
//
// Between two reads the members' own arithmetic is done on several threads: that of a
// member after that of those of lower rank, whose state it may look at.
//
// When one body fails, the others are abandoned. Bodies see the error of a joint read
// as that of their own evaluation.
func (m *march) abreast(ctx context.Context, members []int, body func(k int, obj Objective) error) error {
	var walking []*walker
	defer func() {
		for _, w := range walking {
			w.stop()
		}
	}()
	for _, k := range members {
		w := m.walkers[k]
		w.next, w.stop = iter.Pull(func(yield func(struct{}) bool) {
			w.wait = func() bool { return yield(struct{}{}) }
			w.err = body(k, w)
		})
		walking = append(walking, w)
	}
	var r request
	for {
		m.resume(walking)
		r.reset()
		left := walking[:0]
		for _, w := range walking {
			if !w.waits && w.err != nil {
				return w.err
			}
			if w.waits {
				left = append(left, w)
			}
			if w.waits && w.asks {
				r.add(w)
			}
		}
		if walking = left; len(walking) == 0 {
			return nil
		}
		if len(r.walkers) == 0 {
			panic("solver: all members of a march wait for others")
		}
		err := m.family.EvalMembers(ctx, r.members, r.x, r.grad, r.value)
		for i, w := range r.walkers {
			w.value, w.err = r.value[i], err
		}
		if err == nil && m.opts.Pace != nil {
			m.opts.Pace(Pace{m.family.Passes() - m.before, len(walking), len(m.members)})
		}
	}
}

// resume lets each of the walkers go on to where it waits next, or to its end.
func (m *march) resume(walking []*walker) {
	for rank, done := 0, 0; done < len(walking); rank++ {
		var same []*walker
		for _, w := range walking {
			if w.rank == rank {
				same = append(same, w)
			}
		}
		done += len(same)
		inParallel(len(same), m.opts.threads(), func(i int) { _, same[i].waits = same[i].next() })
	}
}

// inParallel calls do for 0 to n-1 on several threads.
func inParallel(n, threads int, do func(int)) {
	if threads = min(n, threads); threads <= 1 {
		for i := range n {
			do(i)
		}
		return
	}
	var (
		taken atomic.Int64
		done  sync.WaitGroup
	)
	for range threads {
		done.Go(func() {
			for i := int(taken.Add(1)) - 1; i < n; i = int(taken.Add(1)) - 1 {
				do(i)
			}
		})
	}
	done.Wait()
}

// request is what the members that wait ask of a joint read.
type request struct {
	walkers []*walker
	members []int
	x, grad [][]float64
	value   []float64
}

func (r *request) reset() {
	r.walkers, r.members, r.x, r.grad, r.value = r.walkers[:0], r.members[:0], r.x[:0], r.grad[:0], r.value[:0]
}

func (r *request) add(w *walker) {
	r.walkers = append(r.walkers, w)
	r.members = append(r.members, w.member)
	r.x, r.grad, r.value = append(r.x, w.x), append(r.grad, w.grad), append(r.value, 0)
}

// errAbandoned ends the coroutines that abreast leaves behind.
var errAbandoned = errors.New("another member of the march failed")

// walker is a member in a march, as its solver sees it: an objective whose Eval waits
// for the others. Of the optional abilities it has those that read nothing.
type walker struct {
	Objective
	member int
	rank   int // whose arithmetic comes first (abreast)
	passes float64

	next  func() (struct{}, bool) // walks on; false: arrived
	stop  func()
	wait  func() bool // false: the march is over
	waits bool        // what next returned last
	asks  bool        // for a value, and does not just wait for another member

	x, grad []float64 // asked for
	value   float64   // given
	err     error
}

var (
	_ Rounder   = (*walker)(nil)
	_ Unbounded = (*walker)(nil)
	_ Hinter    = (*walker)(nil)
	_ Composite = (*walker)(nil)
)

// Eval waits for the joint read.
func (w *walker) Eval(_ context.Context, x, grad []float64) (float64, error) {
	w.x, w.grad, w.asks = x, grad, true
	if !w.wait() {
		return 0, errAbandoned
	}
	w.passes++
	return w.value, w.err
}

// idle waits for the next joint read without taking part in it.
func (w *walker) idle() error {
	if w.asks = false; !w.wait() {
		return errAbandoned
	}
	return nil
}

// Passes counts the member's own evaluations.
func (w *walker) Passes() float64 { return w.passes }

func (w *walker) Rounding() (value, gradient float64) {
	if r, ok := w.Objective.(Rounder); ok {
		return r.Rounding()
	}
	return float64Noise, 0
}

func (w *walker) Unbounded() bool {
	u, ok := w.Objective.(Unbounded)
	return ok && u.Unbounded()
}

func (w *walker) Separates(value float64) bool {
	u, ok := w.Objective.(Unbounded)
	return ok && u.Separates(value)
}

func (w *walker) Lasso() []float64 { return lassoOf(w.Objective) }

func (w *walker) MaxAbsSubgradient(x, grad []float64) float64 {
	return w.Objective.(Composite).MaxAbsSubgradient(x, grad)
}

func (w *walker) Hint() string {
	if h, ok := w.Objective.(Hinter); ok {
		return h.Hint()
	}
	return ""
}

// all are the numbers below n.
func all(n int) []int {
	k := make([]int, n)
	for i := range k {
		k[i] = i
	}
	return k
}
