package objective_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/objective"
	"github.com/logreg-gpu/logreg-gpu/solver"
)

// uneven is a problem with about one row of class 1 in 700.
func uneven(n, d int, seed uint64) problem {
	p := large(n, d, 2, seed)
	r := rand.New(rand.NewPCG(seed, 3))
	for i, x := range p.x {
		z := -8.5
		for j, v := range x {
			z += v * math.Cos(float64(j))
		}
		p.y[i] = 0
		if r.Float64() < 1/(1+math.Exp(-z)) {
			p.y[i] = 1
		}
	}
	return p
}

func TestSampleAt_OfAllRowsIsTheWhole(t *testing.T) {
	p := uneven(5000, 4, 61)
	weights := make([]float64, len(p.x))
	for i := range weights {
		weights[i] = float64(i % 3)
	}
	for _, p.weights = range [][]float64{nil, weights} {
		o := p.fast(t, backend.Float64, 2, objective.Options{})
		require.True(t, o.Focuses(1))
		theta := make([]float64, o.Dim())
		for i := range theta {
			theta[i] = math.Sin(float64(i + 1))
		}
		s, err := o.SampleAt(ctx, theta, math.MaxInt32, 1)
		require.NoError(t, err)
		g, gs := make([]float64, o.Dim()), make([]float64, o.Dim())
		f, err := o.Eval(ctx, theta, g)
		require.NoError(t, err)
		fs, err := s.Eval(ctx, theta, gs)
		require.NoError(t, err)
		require.NoError(t, s.Close())
		require.InEpsilon(t, f, fs, 1e-12) // sums in another order
		require.InDeltaSlice(t, g, gs, 1e-12)
	}
}

// Rows drawn by their residuals tell the gradient better than as many drawn evenly from
// the classes: by a factor 3, though at a point a little off.
func TestSampleAt_TellsMoreThanAnEvenDraw(t *testing.T) {
	p := uneven(60000, 5, 67)
	o := p.fast(t, backend.Float64, 2, objective.Options{})
	r, _ := solve(t, "newton", o, solver.Options{})
	near := append([]float64(nil), r.X...)
	floats.Scale(0.97, near)
	const rows = 6000
	worst := map[string]float64{}
	for seed := range uint64(5) {
		even, err := o.Sample(ctx, rows, seed)
		require.NoError(t, err)
		focused, err := o.SampleAt(ctx, near, rows, seed)
		require.NoError(t, err)
		require.Greater(t, focused.Rows, 10*even.Rows)
		for name, s := range map[string]*solver.Sample{"even": even, "focused": focused} {
			g := make([]float64, o.Dim())
			_, err := s.Eval(ctx, r.X, g) // 0 in the whole
			require.NoError(t, err)
			require.NoError(t, s.Close())
			worst[name] = max(worst[name], floats.Norm(g, 2))
		}
	}
	t.Logf("|gradient| at the minimum: %.2g by an even draw, %.2g by residuals", worst["even"], worst["focused"])
	require.Less(t, worst["focused"], worst["even"]/3)
}

func TestFocuses_OnRareClassesAlone(t *testing.T) {
	can := func(p problem, opts objective.Options) bool { return p.fast(t, backend.Float64, 1, opts).Focuses(1) }
	p := uneven(4000, 3, 71)
	require.True(t, can(p, objective.Options{}))
	require.False(t, can(large(4000, 3, 2, 1), objective.Options{}))
	require.False(t, can(large(4000, 3, 3, 1), objective.Options{}))
	p.weights = make([]float64, len(p.x)) // balanced
	for i, y := range p.y {
		p.weights[i] = 1 + 700*float64(y)
	}
	require.False(t, can(p, objective.Options{}))
}

// A rare class costs no more steps on all rows than even classes do, and the end is the
// same, with the same bits for any number of threads.
func TestStaged_P9_RareClass(t *testing.T) {
	p := uneven(70000, 8, 73)
	_, want := solve(t, "newton", p.fast(t, backend.Float64, 2, objective.Options{}), solver.Options{Tol: 1e-10})
	var first *solver.Result
	for _, threads := range []int{1, 3} {
		focused := false
		o := p.fast(t, backend.Float64, threads, objective.Options{})
		r, got := staged(t, o, solver.Options{Threads: threads})
		r2, _ := solve(t, "staged", o, solver.Options{Threads: threads, Log: func(s string) { focused = focused || strings.Contains(s, "a class is rare") }})
		require.True(t, focused)
		require.Equal(t, r.X, r2.X)
		require.Equal(t, solver.Converged, r.Status)
		require.InEpsilon(t, want.Objective, got.Objective, 1e-8)
		require.LessOrEqual(t, r.Iterations, 3)
		if first == nil {
			first = r
		}
		require.Equal(t, first.X, r.X)
	}
}
