package solver_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"

	"github.com/logreg-gpu/logreg-gpu/solver"
)

var ctx = context.Background()

// descending are the solvers whose accepted values never rise.
var descending = []string{"newton", "lbfgs", "newton-cg", "staged", "prox-newton", "owlqn"}

// confirming are those that read once more to be sure of the end.
var confirming = []string{"lbfgs", "newton-cg", "owlqn"}

func TestSolve_P26_RosenbrockValuesNeverRise(t *testing.T) {
	for _, name := range descending {
		t.Run(name, func(t *testing.T) {
			r, err := solver.Solve(ctx, name, rosenbrock(), solver.Options{Tol: 1e-10, X0: []float64{-1.2, 1}})
			require.NoError(t, err)
			require.Equal(t, solver.Converged, r.Status)
			require.Empty(t, r.Advice)
			// The Hessian's smallest eigenvalue at (1, 1) is 0.4.
			require.InDeltaSlice(t, []float64{1, 1}, r.X, 1e-9)
			require.Len(t, r.Trace, r.Iterations+1)
			for i, s := range r.Trace[1:] {
				before := r.Trace[i].Value
				require.LessOrEqual(t, s.Value, before+0x1p-48*math.Abs(before))
			}
			if slices.Contains(confirming, name) { // their last step is computed and not taken
				require.Greater(t, r.Passes, r.Trace[r.Iterations].Passes)
			} else {
				require.Equal(t, r.Passes, r.Trace[r.Iterations].Passes)
			}
		})
	}
}

func TestNewton_OneStepSolvesAQuadratic(t *testing.T) {
	q := quadratic([]float64{1e-3, 1, 1e3}, []float64{3, -1, 2})
	r, err := solver.Solve(ctx, "newton", q, solver.Options{Tol: 1e-9})
	require.NoError(t, err)
	require.Equal(t, solver.Converged, r.Status)
	require.Equal(t, 1, r.Iterations)
	require.Equal(t, 2.0, r.Passes)
	// Rounding errors of 1e3 * 2^-53 over the smallest curvature 1e-3.
	require.InDeltaSlice(t, []float64{3, -1, 2}, r.X, 1e-9)
}

func TestNewton_SingularHessianMovesNothingInItsNullSpace(t *testing.T) {
	at := []float64{3, -1, 2, 5}
	q := quadratic([]float64{0, 1, 10, 0}, at)
	r, err := solver.Solve(ctx, "newton", q, solver.Options{Tol: 1e-9})
	require.NoError(t, err)
	require.Equal(t, solver.Converged, r.Status)
	// Null directions are the columns 0 and 3 of the reflection; the origin is the
	// start. Terms of the gradient are up to 50, times 1e-16 / minDamping.
	v := []float64{.5, .5, .5, .5}
	for _, k := range []int{0, 3} {
		along := 0.0
		for i := range r.X {
			along += reflect(v, i, k) * r.X[i]
		}
		require.InDelta(t, 0, along, 5e-5)
	}
}

func TestSolve_P17_NoIterationsReturnsTheStart(t *testing.T) {
	for _, s := range solver.Solvers() {
		x0 := []float64{-1.2, 1}
		r, err := solver.Solve(ctx, s.Name, rosenbrock(), solver.Options{MaxIter: solver.NoIterations, X0: x0})
		require.NoError(t, err)
		require.Equal(t, solver.MaxIter, r.Status)
		require.Equal(t, x0, r.X)
		require.InDelta(t, 24.2, r.Value, 1e-12) // Rosenbrock's classic start
		require.Equal(t, 1.0, r.Passes)
		require.Zero(t, r.Iterations)
		require.Contains(t, r.Advice, "raise --max-iter")
		require.NotContains(t, r.Advice, " 1 iterations")
	}
}

func TestSolve_P17_LimitOfOneIteration(t *testing.T) {
	for _, s := range solver.Solvers() {
		q := quadratic([]float64{1, 2, 5, 9}, []float64{1, 2, 3, 4})
		r, err := solver.Solve(ctx, s.Name, q, solver.Options{MaxIter: 1, Tol: 1e-14})
		require.NoError(t, err)
		require.Equal(t, 1, r.Iterations)
		require.Less(t, r.Value, r.Trace[0].Value)
	}
}

func TestSolve_P24_StartIsNotModified(t *testing.T) {
	for _, s := range solver.Solvers() {
		x0 := []float64{-1.2, 1}
		_, err := solver.Solve(ctx, s.Name, rosenbrock(), solver.Options{X0: x0, MaxIter: 5, SGD: solver.SGD{LearningRate: 1e-4}})
		require.NoError(t, err)
		require.Equal(t, []float64{-1.2, 1}, x0)
	}
}

func TestSolve_InterruptedKeepsTheBestPoint(t *testing.T) {
	for _, s := range solver.Solvers() {
		ctx, cancel := context.WithCancel(ctx)
		opts := solver.Options{X0: []float64{-1.2, 1}, Tol: 1e-12, SGD: solver.SGD{LearningRate: 1e-4}}
		opts.Progress = func(s solver.Step) {
			if s.Iteration == 3 {
				cancel()
			}
		}
		r, err := solver.Solve(ctx, s.Name, rosenbrock(), opts)
		require.NoError(t, err)
		require.Equal(t, solver.Interrupted, r.Status)
		require.Equal(t, 3, r.Iterations)
		require.Equal(t, r.Trace[3].Value, r.Value)
		require.NotEmpty(t, r.Advice)

		r, err = solver.Solve(ctx, s.Name, rosenbrock(), opts) // ended before the start
		require.ErrorIs(t, err, context.Canceled)
		require.Nil(t, r)
	}
}

func TestSolve_ProgressIsTheTrace(t *testing.T) {
	for _, s := range solver.Solvers() {
		var seen []solver.Step
		r, err := solver.Solve(ctx, s.Name, rosenbrock(), solver.Options{
			MaxIter: 4, Progress: func(s solver.Step) { seen = append(seen, s) }, SGD: solver.SGD{LearningRate: 1e-4},
		})
		require.NoError(t, err)
		require.Equal(t, r.Trace, seen)
		require.Contains(t, seen[1].String(), "iteration 1: scaled objective")
	}
}

func TestSolve_BadOptionsAreErrors(t *testing.T) {
	var unknown *solver.UnknownError
	_, err := solver.Solve(ctx, "sag", rosenbrock(), solver.Options{})
	require.ErrorAs(t, err, &unknown)
	require.EqualError(t, err, `unknown solver "sag"; use one of auto, newton, lbfgs, newton-cg, staged, prox-newton, owlqn, sgd`)
	require.ErrorAs(t, solver.Check("sag"), &unknown)
	require.NoError(t, solver.Check("auto"))

	var needs *solver.NeedsError
	_, err = solver.Solve(ctx, "newton", rosenbrock().function, solver.Options{})
	require.ErrorAs(t, err, &needs)

	for name, o := range map[string]solver.Options{
		"tol":           {Tol: -1},
		"start":         {X0: []float64{1}},
		"learning rate": {SGD: solver.SGD{LearningRate: -1}},
		"momentum":      {SGD: solver.SGD{Momentum: 1}},
		"decay":         {SGD: solver.SGD{Decay: -1}},
		"batch":         {SGD: solver.SGD{Batch: -1}},
		"schedule":      {SGD: solver.SGD{Schedule: "linear"}},
	} {
		var bad *solver.OptionError
		_, err := solver.Solve(ctx, "sgd", rosenbrock(), o)
		require.ErrorAs(t, err, &bad, name)
		require.Equal(t, name, bad.Option)
	}
	_, err = solver.Solve(ctx, "sgd", rosenbrock(), solver.Options{SGD: solver.SGD{Batch: 10}})
	require.ErrorAs(t, err, &needs)
}

// wide has so many coefficients that nobody should ask for its Hessian.
type wide struct{ solver.Objective }

func (wide) Dim() int { return 20001 }

func (wide) EvalHessian(context.Context, []float64, []float64, *mat.SymDense) (float64, error) {
	panic("asked for a Hessian of 3 GB")
}

func TestSolve_TooWideForAHessian(t *testing.T) {
	var size *solver.SizeError
	_, err := solver.Solve(ctx, "newton", wide{}, solver.Options{})
	require.ErrorAs(t, err, &size)
	require.Equal(t, 20001, size.Dim)
}

func TestSolve_AutoChoosesByAbilityAndSize(t *testing.T) {
	small, err := solver.Choose("auto", rosenbrock())
	require.NoError(t, err)
	require.Equal(t, "newton", small.Name)
	bare, err := solver.Choose("auto", rosenbrock().function)
	require.NoError(t, err)
	require.Equal(t, "lbfgs", bare.Name)
	wide, err := solver.Choose("auto", smooth{&function{dim: 5000}})
	require.NoError(t, err)
	require.Equal(t, "lbfgs", wide.Name)
}

func TestSolve_FailingObjectiveIsAnError(t *testing.T) {
	broken := errors.New("device lost")
	for _, s := range solver.Solvers() {
		for _, after := range []float64{0, 2} {
			r := rosenbrock()
			_, err := solver.Solve(ctx, s.Name, failing{r, after, broken}, solver.Options{SGD: solver.SGD{LearningRate: 1e-4}})
			require.ErrorIs(t, err, broken)
		}
	}
}

type failing struct {
	smooth
	after float64
	err   error
}

func (f failing) Eval(ctx context.Context, x, g []float64) (float64, error) {
	if f.passes >= f.after {
		return 0, f.err
	}
	return f.smooth.Eval(ctx, x, g)
}

func (f failing) EvalHessian(ctx context.Context, x, g []float64, h *mat.SymDense) (float64, error) {
	if f.passes >= f.after {
		return 0, f.err
	}
	return f.smooth.EvalHessian(ctx, x, g, h)
}

func TestSolve_NotFiniteAtTheStartIsAnError(t *testing.T) {
	for _, s := range solver.Solvers() {
		r := rosenbrock()
		r.f = func(x, g []float64) float64 { g[0], g[1] = 0, 0; return math.NaN() }
		_, err := solver.Solve(ctx, s.Name, r, solver.Options{})
		require.ErrorIs(t, err, solver.ErrNotFinite)
	}
}

// x - log x is infinite from x = 0 down: steps must be cut short.
func TestSolve_StepsBackFromInfinity(t *testing.T) {
	for _, name := range descending {
		w := smooth{&function{
			dim: 1,
			f: func(x, g []float64) float64 {
				g[0] = 1 - 1/x[0]
				if x[0] <= 0 {
					return math.Inf(1)
				}
				return x[0] - math.Log(x[0])
			},
			hess: func(x []float64, h *mat.SymDense) { h.SetSym(0, 0, 1/(x[0]*x[0])) },
		}}
		r, err := solver.Solve(ctx, name, w, solver.Options{X0: []float64{5}, Tol: 1e-9})
		require.NoError(t, err)
		require.Equal(t, solver.Converged, r.Status)
		require.InDelta(t, 1, r.X[0], 1e-8)
	}
}

// rounded computes in float32: values to 2^-24, gradients to 2^-24 of the largest
// term, as a narrow storage type would.
type rounded struct{ smooth }

func (r rounded) Rounding() (value, gradient float64) { return 0x1p-23, 0x1p-24 * 100 }

func (r rounded) Eval(ctx context.Context, x, g []float64) (float64, error) {
	v, err := r.smooth.Eval(ctx, x, g)
	for i := range g {
		g[i] = float64(float32(g[i]+100)) - 100
	}
	return float64(float32(v)), err
}

func (r rounded) EvalHessian(ctx context.Context, x, g []float64, h *mat.SymDense) (float64, error) {
	v, err := r.Eval(ctx, x, g)
	r.hess(x, h)
	return v, err
}

func TestSolve_PrecisionIsFoundInAFewPasses(t *testing.T) {
	at := []float64{1.1, -0.7, 0.3, 2.3, 0.9}
	for _, name := range descending {
		q := quadratic([]float64{0.3, 1, 2, 5, 7}, at)
		f := q.f
		q.f = func(x, g []float64) float64 { return 1 + f(x, g) }
		r, err := solver.Solve(ctx, name, rounded{q}, solver.Options{Tol: 1e-9})
		require.NoError(t, err)
		if r.Status != solver.Converged { // rounding may hit zero exactly
			require.Equal(t, solver.Precision, r.Status)
			require.Contains(t, r.Advice, "use a wider --dtype or a larger --tol")
		}
		require.Less(t, r.Passes, 40.0)
		require.Less(t, r.MaxAbsGradient, 2*0x1p-24*100)
		require.InDeltaSlice(t, at, r.X, 1e-4) // 2^-24 * 100 / 0.3
	}
}

// products is a function of whose Hessian only products can be had.
type products struct{ smooth }

func (products) Can(a solver.Ability) bool { return a == solver.CanHessVec }

// Along a direction that hardly bends, the gradient is below any tolerance where much is
// left to gain, and steps that never went there know nothing of it.
func TestSolve_P4_HardlyBentIsNotTheEnd(t *testing.T) {
	const bend, far = 1e-10, 100.0
	q := smooth{&function{
		dim: 2,
		f: func(x, g []float64) float64 {
			g[0], g[1] = x[0], bend*x[1]
			return 1 + x[0]*x[0]/2 + bend*x[1]*x[1]/2
		},
		hess: func(_ []float64, h *mat.SymDense) { h.SetSym(0, 0, 1); h.SetSym(1, 1, bend) },
	}}
	for _, name := range descending {
		for _, obj := range []solver.Objective{q, products{q}} {
			if _, err := solver.Choose(name, obj); err != nil {
				continue
			}
			r, err := solver.Solve(ctx, name, obj, solver.Options{X0: []float64{1, far}})
			require.NoError(t, err)
			require.Equal(t, solver.Converged, r.Status, name)
			if _, only := obj.(products); only && name == "owlqn" {
				continue // nothing but a Hessian can confirm it
			}
			// 5e-7 to gain, of which 1e-9 is taken for nothing.
			require.InDelta(t, 1, r.Value, 1e-9, name)
		}
	}
}

func TestSolve_NewtonAndLBFGSAgreeOnQuadratics(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 30).Draw(t, "dim")
		values := rapid.SliceOfN(rapid.Float64Range(0.01, 10), n, n).Draw(t, "eigenvalues")
		at := rapid.SliceOfN(rapid.Float64Range(-10, 10), n, n).Draw(t, "minimum")
		for _, name := range descending {
			r, err := solver.Solve(ctx, name, quadratic(values, at), solver.Options{Tol: 1e-9})
			require.NoError(t, err)
			require.Contains(t, []solver.Status{solver.Converged, solver.Precision}, r.Status)
			// tol over the smallest curvature, for each of up to 30 components.
			require.Less(t, floats.Distance(r.X, at, 2), 1e-6, name)
		}
	})
}

func TestSGD_SchedulesMomentumAndAdamDescend(t *testing.T) {
	for _, s := range []solver.SGD{
		{LearningRate: 0.1},
		{LearningRate: 0.1, Schedule: solver.InverseTime, Decay: 0.01},
		{LearningRate: 0.2, Schedule: solver.Cosine},
		{LearningRate: 0.05, Momentum: 0.9},
		{LearningRate: 0.3, Adam: true},
	} {
		q := quadratic([]float64{0.5, 1, 3}, []float64{1, -2, 3})
		r, err := solver.Solve(ctx, "sgd", q, solver.Options{MaxIter: 400, Tol: 1e-12, SGD: s})
		require.NoError(t, err)
		require.Less(t, r.Value, 1e-3*r.Trace[0].Value, "%+v", s)
		for _, step := range r.Trace {
			require.GreaterOrEqual(t, step.Value, r.Value) // the best is kept
		}
	}
}

// Steps of a quadratic by hand, as PyTorch takes them.
func TestSGD_MomentumIsPyTorchs(t *testing.T) {
	q := quadratic([]float64{1}, []float64{0}) // gradient x
	r, err := solver.Solve(ctx, "sgd", q, solver.Options{
		MaxIter: 2, X0: []float64{1}, SGD: solver.SGD{LearningRate: 0.1, Momentum: 0.5},
	})
	require.NoError(t, err)
	// v1 = 1, x1 = 0.9; v2 = 0.5 + 0.9 = 1.4, x2 = 0.76
	require.InDelta(t, 0.76, r.X[0], 1e-15)
}

func TestSGD_TooLongStepsAreReported(t *testing.T) {
	q := quadratic([]float64{1}, []float64{0})
	r, err := solver.Solve(ctx, "sgd", q, solver.Options{
		MaxIter: 5000, X0: []float64{1}, SGD: solver.SGD{LearningRate: 10},
	})
	require.NoError(t, err)
	require.Equal(t, solver.Diverged, r.Status)
	require.Contains(t, r.Advice, "lower the learning rate")
	require.Equal(t, []float64{1}, r.X)
}
