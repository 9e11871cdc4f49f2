package objective

import (
	"context"
	"math"
	"slices"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/solver"
)

// Member says what one objective of a family is.
type Member struct {
	Model   backend.Model
	Options Options
}

// Family is several objectives over one Data - folds left out, strengths of the
// penalty, columns of labels or weights - evaluated together: a joint read of X serves
// all of them.
//
// Members that differ in nothing but the fold they leave out move in the same
// coordinates, so that what is known of one serves the others.
type Family struct {
	data    backend.Data
	asked   []Member
	kins    []int // see kin
	members []*Objective
	share   float64 // of the rows of the whole family that data holds
	passes  *float64

	// The joint call.
	models []backend.Model
	coef   []float64
	ev     backend.Evaluation

	lots *familyLots // made for the first sample

	last [][]float64 // where each member was evaluated last
	held []float64   // and the loss of the fold it leaves out, there
}

var _ solver.Family = (*Family)(nil)

// NewFamily makes the objectives of the members over data, which it neither owns nor
// closes. It reads X once for each weight column in use, unless the options bring the
// statistics. A member that leaves out a fold needs Options.TotalWeight, of the rows
// that it keeps. Errors are those of New.
func NewFamily(ctx context.Context, data backend.Data, members []Member) (*Family, error) {
	f := &Family{data: data, asked: slices.Clone(members), share: 1, passes: new(float64)}
	stats := map[int]*backend.Stats{}
	for k := range f.asked {
		m := &f.asked[k]
		if m.Options.Stats == nil {
			st := stats[m.Model.Weight]
			if st == nil {
				var err error
				if st, err = data.Stats(ctx, m.Model.Weight); err != nil {
					return nil, err
				}
				*f.passes++
				stats[m.Model.Weight] = st
			}
			m.Options.Stats = st
		}
		o, err := New(ctx, data, m.Model, m.Options)
		if err != nil {
			return nil, err
		}
		f.add(o)
	}
	return f, nil
}

// add takes o as the next member.
func (f *Family) add(o *Objective) {
	k := len(f.members)
	o.passes = f.passes // also what it reads by itself
	f.members = append(f.members, o)
	f.last = append(f.last, nil)
	f.held = append(f.held, 0)
	if kin := f.kin(k); kin < k {
		o.coords = f.members[kin].coords
		o.lasso = o.newLasso(o.lasso.lambda)
		o.quad = o.newQuadratic()
	}
}

// Some are the given members alone.
func (f *Family) Some(members []int) *Family {
	s := &Family{data: f.data, share: f.share, passes: f.passes}
	for _, k := range members {
		s.asked = append(s.asked, f.asked[k])
		s.members = append(s.members, f.members[k])
	}
	s.last, s.held = make([][]float64, len(members)), make([]float64, len(members))
	return s
}

// kin is the first member that differs from member k in nothing but the fold.
func (f *Family) kin(k int) int {
	for i := len(f.kins); i <= k; i++ {
		f.kins = append(f.kins, slices.IndexFunc(f.asked, func(m Member) bool { return m.kin(f.asked[i]) }))
	}
	return f.kins[k]
}

// kin tells whether two members differ in nothing but the fold.
func (m Member) kin(other Member) bool {
	a, b := m.Options, other.Options
	other.Model.Fold = m.Model.Fold
	return m.Model == other.Model && a.C == b.C && a.Penalty == b.Penalty && a.L1Ratio == b.L1Ratio &&
		slices.Equal(a.Factors, b.Factors) && a.NoIntercept == b.NoIntercept &&
		a.Standardize == b.Standardize && a.Coordinates == b.Coordinates
}

// Guides gives each member the one of the next smaller C that differs from it in nothing
// else, or -1: where the penalty is stronger, minima are found sooner.
func (f *Family) Guides() []int {
	guides := make([]int, len(f.members))
	before := func(a, b int) bool { // of equal C, the first
		c, d := f.asked[a].Options.C, f.asked[b].Options.C
		return c < d || c == d && a < b
	}
	for k, m := range f.asked {
		guides[k] = -1
		m.Options.C = 0
		for r, other := range f.asked {
			if !before(r, k) || guides[k] >= 0 && before(r, guides[k]) {
				continue
			}
			other.Options.C = 0
			if m.Model == other.Model && m.kin(other) {
				guides[k] = r
			}
		}
	}
	return guides
}

// Join moves theta to where member r was evaluated last, and grad to member k's gradient
// there, and returns its value; k differs from r in the penalty alone. It reads nothing.
func (f *Family) Join(k, r int, theta, grad []float64) (value float64) {
	o, other := f.members[k], f.members[r]
	p := o.coords.dim()
	for i := range o.outputs() {
		coef, intercept := other.coords.user(f.last[r][i*p : (i+1)*p])
		o.coords.fromUser(coef, intercept, theta[i*p:(i+1)*p])
	}
	o.ev.Loss = append(o.ev.Loss[:0], other.ev.Loss[0])
	o.ev.Grad = append(o.ev.Grad[:0], other.ev.Grad...)
	f.last[k], f.held[k] = append(f.last[k][:0], theta...), f.held[r]
	return o.fromEvaluation(theta, grad)
}

// Apart is the difference of the penalties' gradients by member k's coordinates.
func (f *Family) Apart(k, r int, theta, difference []float64) {
	o, other := f.members[k], f.members[r]
	p := o.coords.dim()
	for i, t := range theta {
		j := i % p
		if difference[i] = 0; j == o.coords.cols || t == 0 {
			continue
		}
		unit := o.coords.unit[j]
		difference[i] = float64((o.ridge[j]-other.ridge[j])*unit*unit*t) + (o.lasso.lambda[j]-other.lasso.lambda[j])*math.Copysign(unit, t)
	}
}

// Member returns one objective.
func (f *Family) Member(k int) *Objective { return f.members[k] }

// Members are the objectives as a solver sees them.
func (f *Family) Members() []solver.Objective {
	out := make([]solver.Objective, len(f.members))
	for k, o := range f.members {
		out[k] = o
	}
	return out
}

// Passes counts the joint reads of X, those for the statistics included, and those of
// members by themselves.
func (f *Family) Passes() float64 { return *f.passes }

// EvalMembers is Eval of the given members from one read of X.
func (f *Family) EvalMembers(ctx context.Context, members []int, theta, grad [][]float64, value []float64) error {
	f.models, f.coef = f.models[:0], f.coef[:0]
	for i, k := range members {
		o := f.members[k]
		o.toStored(theta[i], o.coef)
		f.models = append(f.models, o.models[0])
		f.coef = append(f.coef, o.coef...)
	}
	if err := f.data.Eval(ctx, f.models, f.coef, &f.ev); err != nil {
		return err
	}
	*f.passes += f.share
	gradients := f.ev.Grad
	for i, k := range members {
		o := f.members[k]
		n := len(o.coef)
		o.ev.Loss = append(o.ev.Loss[:0], f.ev.Loss[i])
		o.ev.Grad = append(o.ev.Grad[:0], gradients[:n]...)
		gradients = gradients[n:]
		value[i] = o.fromEvaluation(theta[i], grad[i])
		f.last[k], f.held[k] = append(f.last[k][:0], theta[i]...), f.ev.Held[i]
	}
	return nil
}

// Held returns the summed weighted losses of the rows that each member leaves out, at
// the members' theta. Where that is where a member was evaluated last, as it is after
// nearly every fit, they are known; the others are evaluated in one joint read.
func (f *Family) Held(ctx context.Context, theta [][]float64) ([]float64, error) {
	var (
		members []int
		x, grad [][]float64
	)
	for k, o := range f.members {
		if !slices.Equal(theta[k], f.last[k]) {
			members = append(members, k)
			x, grad = append(x, theta[k]), append(grad, make([]float64, o.Dim()))
		}
	}
	if members != nil {
		if err := f.EvalMembers(ctx, members, x, grad, make([]float64, len(members))); err != nil {
			return nil, err
		}
	}
	return slices.Clone(f.held), nil
}
