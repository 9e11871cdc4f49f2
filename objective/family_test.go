package objective_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"
	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/objective"
	"github.com/logreg-gpu/logreg-gpu/solver"
)

// folded is a table of two label columns, of 2 and of 3 classes, with weights and 4
// folds, and a family over it: two Cs, no fold and the third left out, of each column.
type folded struct {
	data    backend.Data
	source  *backend.Source
	members []objective.Member
	family  *objective.Family
}

func newFolded(t *testing.T, rows int) folded {
	const cols = 5
	random := rand.New(rand.NewPCG(3, 4))
	x := make([]float64, rows*cols)
	f := folded{source: &backend.Source{Labels: [][]int32{make([]int32, rows), make([]int32, rows)}, Weights: [][]float64{make([]float64, rows)}, Folds: make([]int32, rows)}}
	kept := 0.0
	for i := range rows {
		z := 0.0
		for j := range cols {
			x[i*cols+j] = random.NormFloat64()*math.Pow(3, float64(j)) + float64(j)
			z += x[i*cols+j] / math.Pow(3, float64(j))
		}
		f.source.Labels[0][i] = int32(random.IntN(2))
		if random.Float64() < 1/(1+math.Exp(3-z)) {
			f.source.Labels[0][i] = 1
		}
		f.source.Labels[1][i] = int32(random.IntN(3))
		f.source.Weights[0][i] = float64(1 + i%3)
		f.source.Folds[i] = int32(i % 4)
		if i%4 != 2 {
			kept += f.source.Weights[0][i]
		}
	}
	f.source.X = tensor.New(tensor.WithShape(rows, cols), tensor.WithBacking(x))
	b, _, err := backend.Open("cpu", backend.Options{})
	require.NoError(t, err)
	f.data, err = b.Load(context.Background(), f.source, backend.Float64)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.data.Close()); require.NoError(t, b.Close()) })
	for label, classes := range []int{0, 3} {
		for _, c := range []float64{1e-3, 1} {
			for _, fold := range []int{backend.None, 2} {
				m := objective.Member{
					Model:   backend.Model{Label: label, Classes: classes, Class: 1, Weight: 0, Offset: backend.None, Fold: fold},
					Options: objective.Options{C: c, Labels: f.source.Labels[label], Weights: f.source.Weights[0]},
				}
				if fold != backend.None {
					m.Options.TotalWeight = kept
				}
				f.members = append(f.members, m)
			}
		}
	}
	f.family, err = objective.NewFamily(context.Background(), f.data, f.members)
	require.NoError(t, err)
	return f
}

// points are random ones for all members.
func (f folded) points() (members []int, theta, grad [][]float64, value []float64) {
	random := rand.New(rand.NewPCG(5, 6))
	for k, o := range f.family.Members() {
		members = append(members, k)
		p := make([]float64, o.Dim())
		for i := range p {
			p[i] = random.NormFloat64() / 2
		}
		theta, grad = append(theta, p), append(grad, make([]float64, len(p)))
	}
	return members, theta, grad, make([]float64, len(members))
}

// A joint read gives what each member's own would, in any company, and counts as one.
func TestFamily_P15_JointReads(t *testing.T) {
	ctx := context.Background()
	f := newFolded(t, 500)
	require.Equal(t, 1.0, f.family.Passes()) // one weight column
	members, theta, grad, value := f.points()
	require.NoError(t, f.family.EvalMembers(ctx, members, theta, grad, value))
	require.Equal(t, 2.0, f.family.Passes())
	for k := range members {
		o := f.family.Member(k)
		g := make([]float64, o.Dim())
		v, err := o.Eval(ctx, theta[k], g)
		require.NoError(t, err)
		// Rows are summed in the same order, but the products of more members may be
		// blocked otherwise.
		require.InEpsilon(t, v, value[k], 1e-13)
		require.InDeltaSlice(t, g, grad[k], 1e-13*(1+largest(g)))
	}
	some := []int{1, 4, 7}
	few, fewGrad := make([]float64, 3), make([][]float64, 3)
	at := make([][]float64, 3)
	for i, k := range some {
		at[i], fewGrad[i] = theta[k], make([]float64, len(theta[k]))
	}
	require.NoError(t, f.family.EvalMembers(ctx, some, at, fewGrad, few))
	for i, k := range some {
		require.InEpsilon(t, value[k], few[i], 1e-13)
	}
}

// The loss of what is left out is that of the rows of the fold by themselves, and costs
// a read only where a member was last evaluated elsewhere.
func TestFamily_Held(t *testing.T) {
	ctx := context.Background()
	f := newFolded(t, 400)
	members, theta, grad, value := f.points()
	require.NoError(t, f.family.EvalMembers(ctx, members, theta, grad, value))
	before := f.family.Passes()
	held, err := f.family.Held(ctx, theta)
	require.NoError(t, err)
	require.Equal(t, before, f.family.Passes())
	var rows []int
	weight := 0.0
	for i, fold := range f.source.Folds {
		if fold == 2 {
			rows = append(rows, i)
			weight += f.source.Weights[0][i]
		}
	}
	part, err := f.data.(backend.Sampler).Sample(ctx, rows, nil)
	require.NoError(t, err)
	defer part.Close()
	for k, m := range f.members {
		if m.Model.Fold == backend.None {
			require.Zero(t, held[k])
			continue
		}
		fit := f.family.Member(k).Fit(theta[k], value[k])
		m.Model.Fold = backend.None
		o, err := objective.New(ctx, part, m.Model, objective.Options{C: 1, Penalty: objective.None})
		require.NoError(t, err)
		there, err := o.Theta(fit.Coef, fit.Intercept)
		require.NoError(t, err)
		mean, err := o.Eval(ctx, there, make([]float64, o.Dim()))
		require.NoError(t, err)
		require.InEpsilon(t, mean*weight, held[k], 1e-10)
	}
	theta[3] = append([]float64(nil), theta[3]...)
	theta[3][0]++
	moved, err := f.family.Held(ctx, theta)
	require.NoError(t, err)
	require.Equal(t, before+1, f.family.Passes())
	require.NotEqual(t, held[3], moved[3])
	require.Equal(t, held[1], moved[1])
}

// Whole are the fits to all rows in their members' coordinates, and leaders the same with
// a penalty that weighs as much as where some rows are left out; a family without folds
// leads itself.
func TestFamily_Leaders(t *testing.T) {
	ctx := context.Background()
	f := newFolded(t, 400)
	whole, of, err := f.family.Whole(ctx)
	require.NoError(t, err)
	require.Equal(t, []int{0, 0, 1, 1, 2, 2, 3, 3}, of)
	leaders, of, err := f.family.Leaders(ctx)
	require.NoError(t, err)
	require.Equal(t, []int{0, 0, 1, 1, 2, 2, 3, 3}, of)
	total, kept := 0.0, f.members[1].Options.TotalWeight
	for _, w := range f.source.Weights[0] {
		total += w
	}
	members, theta, grad, value := f.points()
	require.NoError(t, f.family.EvalMembers(ctx, members, theta, grad, value))
	require.Len(t, leaders.Members(), 4)
	for l, o := range whole.Members() { // the members of even number leave out nothing
		v, err := o.Eval(ctx, theta[2*l], make([]float64, o.Dim()))
		require.NoError(t, err)
		require.InEpsilon(t, value[2*l], v, 1e-13)
		lead, err := leaders.Members()[l].Eval(ctx, theta[2*l], make([]float64, o.Dim()))
		require.NoError(t, err)
		squares := 0.0
		for _, row := range f.family.Member(2*l).Fit(theta[2*l], v).Coef {
			for _, b := range row {
				squares += b * b
			}
		}
		c := f.members[2*l].Options.C
		require.InEpsilon(t, lead-v, (1/((total+kept)/2)-1/total)*squares/(2*c), 1e-7) // a difference
	}
	again, of, err := leaders.Leaders(ctx)
	require.NoError(t, err)
	require.Same(t, leaders, again)
	require.Equal(t, []int{0, 1, 2, 3}, of)
}

// A member that joins its guide is where the guide is, and knows its own value and
// gradient there without a read; by how much they are apart is the difference of their
// penalties' gradients.
func TestFamily_JoinsItsGuide(t *testing.T) {
	ctx := context.Background()
	f := newFolded(t, 300)
	require.Equal(t, []int{-1, -1, 0, 1, -1, -1, 4, 5}, f.family.Guides())
	var members []objective.Member
	for _, m := range f.members {
		m.Options.Penalty, m.Options.L1Ratio = objective.ElasticNet, 0.5
		members = append(members, m)
	}
	family, err := objective.NewFamily(ctx, f.data, members)
	require.NoError(t, err)
	f.family = family
	_, theta, grad, value := f.points()
	theta[1][2], theta[5][3] = 0, 0
	for _, k := range []int{3, 7} {
		guide := family.Guides()[k]
		at := []int{guide}
		require.NoError(t, family.EvalMembers(ctx, at, theta[guide:guide+1], grad[guide:guide+1], value[guide:guide+1]))
		held, err := family.Held(ctx, theta)
		require.NoError(t, err)
		require.NoError(t, family.EvalMembers(ctx, at, theta[guide:guide+1], grad[guide:guide+1], value[guide:guide+1]))
		before := family.Passes()
		o := family.Member(k)
		x, g := make([]float64, o.Dim()), make([]float64, o.Dim())
		v := family.Join(k, guide, x, g)
		here, there := o.Fit(x, v), family.Member(guide).Fit(theta[guide], value[guide])
		for i, row := range there.Coef {
			require.InDeltaSlice(t, row, here.Coef[i], 1e-12) // coordinates there and back
		}
		joined := theta[:]
		joined[k] = x
		again, err := family.Held(ctx, joined)
		require.NoError(t, err)
		require.Equal(t, before, family.Passes())
		require.Equal(t, held[guide], again[k])

		own := make([]float64, o.Dim())
		w, err := o.Eval(ctx, x, own)
		require.NoError(t, err)
		require.InEpsilon(t, w, v, 1e-12)
		require.InDeltaSlice(t, own, g, 1e-12*(1+largest(own)))

		// Along any direction that leaves zeros alone the penalties' difference is a
		// parabola: central differences are exact but for rounding.
		difference, dir := make([]float64, o.Dim()), make([]float64, o.Dim())
		family.Apart(k, guide, x, difference)
		slope := 0.0
		for i := range dir {
			if x[i] != 0 {
				dir[i] = math.Abs(x[i]) * math.Sin(float64(i+1)) / 4
			}
			slope += dir[i] * difference[i]
		}
		penalties := func(t0 float64) float64 {
			at := make([]float64, len(x))
			for i := range at {
				at[i] = x[i] + t0*dir[i]
			}
			penalty := func(m objective.Member, sum float64) (p float64) {
				for _, row := range o.Fit(at, 0).Coef {
					for _, b := range row {
						p += b*b/4 + math.Abs(b)/2
					}
				}
				return p / (m.Options.C * sum)
			}
			kept := members[k].Options.TotalWeight
			return penalty(members[k], kept) - penalty(members[guide], kept)
		}
		require.InEpsilon(t, (penalties(1)-penalties(-1))/2, slope, 1e-9)
	}
}

// Curvatures are the members' Hessians where none is shared; members at one point share
// their Gram matrix, and kin the whole.
func TestFamily_Curvatures(t *testing.T) {
	ctx := context.Background()
	f := newFolded(t, 600)
	members, theta, _, _ := f.points()
	before := f.family.Passes()
	c, of, err := f.family.Curvatures(ctx, members, theta, 100)
	require.NoError(t, err)
	require.Equal(t, before+1, f.family.Passes())
	require.Equal(t, members, of)
	for k := range members {
		o := f.family.Member(k)
		h := mat.NewSymDense(o.Dim(), nil)
		_, err := o.EvalHessian(ctx, theta[k], make([]float64, o.Dim()), h)
		require.NoError(t, err)
		require.Len(t, c[k], 1)
		require.True(t, mat.EqualApprox(h, c[k][0], 1e-12), "member %d", k)
	}
	// Both folds of C = 1 at one point, and then with room for one matrix alone.
	theta[3] = theta[2]
	_, of, err = f.family.Curvatures(ctx, []int{2, 3}, theta[2:4], 2)
	require.NoError(t, err)
	require.Equal(t, []int{0, 0}, of)
	c, of, err = f.family.Curvatures(ctx, []int{0, 2}, [][]float64{theta[0], theta[2]}, 1)
	require.NoError(t, err)
	require.Equal(t, []int{0, 1}, of) // the penalties still differ
	require.Len(t, c, 2)
}

// A sample estimates the whole: its objective at one point lies within a few standard
// errors, its members keep their penalty, and its rows are counted as what they are.
func TestFamily_Sample(t *testing.T) {
	ctx := context.Background()
	f := newFolded(t, 20000)
	leaders, _, err := f.family.Leaders(ctx)
	require.NoError(t, err)
	before := f.family.Passes()
	p, err := leaders.Sample(ctx, 4000, 1)
	require.NoError(t, err)
	defer func() { require.NoError(t, p.Close()) }()
	require.InDelta(t, 4000, p.Rows(), 300)
	require.InDelta(t, before+2*float64(p.Rows())/20000, f.family.Passes(), 1e-9)
	for k, o := range leaders.Members() {
		theta := make([]float64, o.Dim())
		for i := range theta {
			theta[i] = 0.1
		}
		whole, err := o.Eval(ctx, theta, make([]float64, o.Dim()))
		require.NoError(t, err)
		part, err := p.Members()[k].Eval(ctx, theta, make([]float64, o.Dim()))
		require.NoError(t, err)
		// Losses deviate by less than 1 a row: 5 standard errors of 4000 rows.
		require.InDelta(t, whole, part, 5/math.Sqrt(4000))
		require.NotEqual(t, whole, part)
	}
	for k, x := range leaders.Starts() { // class shares, so that the gradient by the intercept vanishes
		o := leaders.Members()[k]
		g := make([]float64, o.Dim())
		_, err := o.Eval(ctx, x, g)
		require.NoError(t, err)
		if o.Dim() == 6 {
			require.InDelta(t, 0, g[5], 1e-12)
		}
	}
	var _ solver.Cohort = p
}
