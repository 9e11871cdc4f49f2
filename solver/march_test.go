package solver_test

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"

	"github.com/logreg-gpu/logreg-gpu/solver"
)

// flock is a family of functions in closed form.
type flock struct {
	members []solver.Objective
	asked   [][]int // the members of each joint evaluation
	fail    func(reads int) error
}

func (f *flock) Members() []solver.Objective { return f.members }
func (f *flock) Passes() float64             { return float64(len(f.asked)) }

func (f *flock) EvalMembers(ctx context.Context, members []int, x, grad [][]float64, value []float64) error {
	if f.fail != nil {
		if err := f.fail(len(f.asked)); err != nil {
			return err
		}
	}
	f.asked = append(f.asked, append([]int(nil), members...))
	for i, k := range members {
		v, err := f.members[k].Eval(ctx, x[i], grad[i])
		if err != nil {
			return err
		}
		value[i] = v
	}
	return nil
}

// bowl is a quadratic of curvatures 1, factor, factor^2, ... around center.
func bowl(dim int, factor, center float64) *function {
	return &function{dim: dim, f: func(x, g []float64) float64 {
		sum := 0.0
		for j := range x {
			c := math.Pow(factor, float64(j))
			g[j] = c * (x[j] - center)
			sum += c * (x[j] - center) * (x[j] - center) / 2
		}
		return sum
	}}
}

func newFlock() *flock {
	return &flock{members: []solver.Objective{bowl(2, 3, 1), rosenbrock().function, bowl(5, 2, -2), bowl(1, 1, 0)}}
}

// Marching changes nothing: every member ends where it ends alone, to the bit, after as
// many evaluations; and members that have arrived are asked no more.
func TestMarch_P15_EqualsSolvingAlone(t *testing.T) {
	f := newFlock()
	opts := solver.MarchOptions{Options: solver.Options{Tol: 1e-9}}
	opts.Starts = [][]float64{{3, 4}, {-1.2, 1}, nil, nil}
	var paces []solver.Pace
	opts.Pace = func(p solver.Pace) { paces = append(paces, p) }
	together, err := solver.March(context.Background(), solver.AutoName, f, opts)
	require.NoError(t, err)
	most := 0.0
	for k, o := range newFlock().members {
		alone, err := solver.Solve(context.Background(), "lbfgs", o, solver.Options{Tol: 1e-9, X0: opts.Starts[k]})
		require.NoError(t, err)
		require.Equal(t, alone, together[k])
		require.Equal(t, solver.Converged, alone.Status)
		most = max(most, alone.Passes)
	}
	require.Equal(t, most, f.Passes())
	require.Len(t, paces, len(f.asked))
	for i, members := range f.asked {
		require.IsIncreasing(t, append(members, len(f.members)))
		require.Equal(t, solver.Pace{Passes: float64(i + 1), Members: len(members), Of: 4}, paces[i])
		if i > 0 {
			require.Subset(t, f.asked[i-1], members)
		}
	}
	require.Equal(t, []int{0, 1, 2, 3}, f.asked[0])
	require.Equal(t, []int{1}, f.asked[len(f.asked)-1]) // the valley takes longest
}

// A joint read that fails ends the march with its error; one that the context ended
// leaves every member with the best point it saw.
func TestMarch_Failures(t *testing.T) {
	f := newFlock()
	broken := errors.New("the machine is gone")
	f.fail = func(reads int) error {
		if reads == 3 {
			return broken
		}
		return nil
	}
	_, err := solver.March(context.Background(), "lbfgs", f, solver.MarchOptions{})
	require.ErrorIs(t, err, broken)

	f = newFlock()
	ctx, cancel := context.WithCancel(context.Background())
	f.fail = func(reads int) error {
		if reads == 3 {
			cancel()
		}
		return ctx.Err()
	}
	results, err := solver.March(ctx, "lbfgs", f, solver.MarchOptions{})
	require.NoError(t, err)
	require.Equal(t, solver.Converged, results[3].Status) // had arrived before
	for _, k := range []int{0, 1, 2} {
		require.Equal(t, solver.Interrupted, results[k].Status)
		g := make([]float64, len(results[k].X))
		v, err := newFlock().members[k].Eval(context.Background(), results[k].X, g)
		require.NoError(t, err)
		require.Equal(t, v, results[k].Value)
		require.Equal(t, floats.Norm(g, math.Inf(1)), results[k].MaxAbsGradient)
	}

	_, err = solver.March(context.Background(), "newton", newFlock(), solver.MarchOptions{})
	var march *solver.MarchError
	require.ErrorAs(t, err, &march)
	_, err = solver.March(context.Background(), "gauss", newFlock(), solver.MarchOptions{})
	var unknown *solver.UnknownError
	require.ErrorAs(t, err, &unknown)
}
