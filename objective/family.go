package objective

import (
	"context"
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
	f.members = append(f.members, o)
	f.last = append(f.last, nil)
	f.held = append(f.held, 0)
	if kin := f.kin(k); kin < k {
		o.coords = f.members[kin].coords
		o.lasso = o.newLasso(o.lasso.lambda)
		o.quad = o.newQuadratic()
	}
}

// kin is the first member that differs from member k in nothing but the fold.
func (f *Family) kin(k int) int {
	return slices.IndexFunc(f.asked, func(m Member) bool { return m.kin(f.asked[k]) })
}

// kin tells whether two members differ in nothing but the fold.
func (m Member) kin(other Member) bool {
	a, b := m.Options, other.Options
	other.Model.Fold = m.Model.Fold
	return m.Model == other.Model && a.C == b.C && a.Penalty == b.Penalty && a.L1Ratio == b.L1Ratio &&
		slices.Equal(a.Factors, b.Factors) && a.NoIntercept == b.NoIntercept &&
		a.Standardize == b.Standardize && a.Coordinates == b.Coordinates
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

// Passes counts the joint reads of X, those for the statistics included.
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
