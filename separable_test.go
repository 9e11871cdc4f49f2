package logreg_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	logreg "github.com/logreg-gpu/logreg-gpu"
	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/dataset"
	"github.com/logreg-gpu/logreg-gpu/solver"
)

// Without penalty the minimum is that of any other columns that span the same space: of
// a column and its difference to another one, where the two agree but for a millionth
// or a hundred-millionth, which tells the classes half apart. Hessians of such columns
// are singular in float64, and steps in them too short; neither is a sign of a minimum
// that lies at infinity. Coefficients of 1e8 leave 1e-8 of the logits.
func TestFit_P4_P22_NearlyDependentColumns(t *testing.T) {
	for _, apart := range []float64{1e-6, 1e-7, 1e-8} {
		for _, name := range []string{"auto", "newton", "lbfgs", "staged"} {
			for seed := range uint64(5) {
				random := rand.New(rand.NewPCG(seed, 0))
				const n = 200
				x, spanned, labels := make([]float64, 2*n), make([]float64, 2*n), make([]int, n)
				for i := range n {
					a := random.NormFloat64()
					b := a + apart*random.NormFloat64()
					x[2*i], x[2*i+1] = a, b
					spanned[2*i], spanned[2*i+1] = a, (b-a)/apart
					if 0.5*a+spanned[2*i+1]+2*random.NormFloat64() > 0 {
						labels[i] = 1
					}
				}
				opts := logreg.DefaultOptions()
				opts.Penalty, opts.Solver = "none", name
				words := fmt.Sprintf("%s, %g apart, seed %d", name, apart, seed)
				ds, err := dataset.New(spanned, n, 2, labels)
				require.NoError(t, err)
				want := fit(t, ds, opts)
				ds, err = dataset.New(x, n, 2, labels)
				require.NoError(t, err)
				got, err := logreg.Fit(ctx, ds, opts)
				require.NoError(t, err)
				require.Equal(t, solver.Converged, got.Status, words)
				require.InEpsilon(t, want.Objective, got.Objective, 1e-7, words)
			}
		}
	}
}

// Models that are fitted together see such columns as those that are fitted alone.
func TestFit_P15_NearlyDependentColumns(t *testing.T) {
	for _, name := range []string{"auto", "staged"} {
		for seed := range uint64(5) {
			const n, apart = 200, 1e-5
			random := rand.New(rand.NewPCG(seed, 3))
			x, labels := make([]float64, 2*n), make([]int, n)
			for i := range n {
				x[2*i] = random.NormFloat64()
				x[2*i+1] = x[2*i] + apart*random.NormFloat64()
				labels[i] = min(2, max(0, int(1.5+(x[2*i+1]-x[2*i])/apart+random.NormFloat64())))
			}
			opts := logreg.DefaultOptions()
			opts.Penalty, opts.Solver, opts.MultiClass = "none", name, "ovr"
			ds, err := dataset.New(x, n, 2, labels)
			require.NoError(t, err)
			together := fit(t, ds, opts)
			alone := 0.0
			for k := range 3 {
				one := make([]int, n)
				for i, l := range labels {
					if l == k {
						one[i] = 1
					}
				}
				ds, err := dataset.New(x, n, 2, one)
				require.NoError(t, err)
				alone += fit(t, ds, opts).Objective
			}
			require.InEpsilon(t, alone, together.Objective, 1e-7, "%s, seed %d", name, seed)
		}
	}
}

// Columns that depend on each other are no sign of classes that can be told apart, in
// whatever format their sums are rounded.
func TestFit_P22_DependentColumnsAreNotSeparable(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 1))
		const n, d, k = 160, 3, 4
		x, labels := make([]float64, n*d), make([]int, n)
		for i := range n {
			x[i*d+random.IntN(d)] = 1 // one level of three: with the intercept, dependent
			labels[i] = random.IntN(k)
		}
		ds, err := dataset.New(x, n, d, labels)
		require.NoError(t, err)
		ds.Weights = make([]float64, n)
		for i := range n {
			ds.Weights[i] = math.Exp(random.NormFloat64())
		}
		for _, storage := range []backend.Storage{backend.Float32, backend.Float64} {
			for _, name := range []string{"newton", "newton-cg", "lbfgs", "staged"} {
				opts := logreg.DefaultOptions()
				opts.Penalty, opts.Storage, opts.Solver = "none", storage, name
				fit(t, ds, opts)
			}
		}
	}
}

// Columns without penalty that do not tell the classes apart have finite coefficients,
// even where columns with one do: the losses then shrink to nothing long before the
// penalty is at its minimum, and steps stay long.
func TestFit_P22_PenalisedColumnsThatSeparate(t *testing.T) {
	for seed := range uint64(10) {
		random := rand.New(rand.NewPCG(seed, 2))
		const n, d = 33, 37
		x, labels := make([]float64, n*d), make([]int, n)
		for i := range x {
			x[i] = random.NormFloat64()
		}
		for i := range labels {
			labels[i] = i % 2
		}
		ds, err := dataset.New(x, n, d, labels)
		require.NoError(t, err)
		opts := logreg.DefaultOptions()
		opts.Penalty, opts.C, opts.Storage = "l1", 1e5, backend.Float32
		opts.PenaltyFactors = map[string]float64{}
		for j := range 6 {
			opts.PenaltyFactors[ds.FeatureNames[j]] = 0
		}
		res, err := logreg.Fit(ctx, ds, opts)
		require.NoError(t, err)
		require.NotEqual(t, solver.Separable, res.Status, "seed %d", seed)
	}
}
