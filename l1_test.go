package logreg_test

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	logreg "github.com/logreg-gpu/logreg-gpu"
	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/dataset"
	"github.com/logreg-gpu/logreg-gpu/solver"
)

// Optima with l1 and elasticnet, of another program in 80-bit floats (testdata). In
// float64 the objective must agree to 1e-8, coefficients to 1e-5 of the largest, and
// the zeros exactly.
func TestFit_P4_L1ReferenceOptima(t *testing.T) {
	text, err := os.ReadFile("testdata/l1_reference.json")
	require.NoError(t, err)
	var file struct {
		Cases []struct {
			reference
			L1Ratio float64 `json:"l1_ratio"`
			Unique  bool
		}
	}
	require.NoError(t, json.Unmarshal(text, &file))
	require.Len(t, file.Cases, 22)
	for _, ref := range file.Cases {
		ds, opts := ref.prepare(t)
		opts.Penalty, opts.L1Ratio = "elasticnet", ref.L1Ratio
		if ref.L1Ratio == 1 {
			opts.Penalty = "l1"
		}
		res, err := logreg.Fit(ctx, ds, opts)
		require.NoError(t, err)
		require.Equal(t, ref.L1Ratio, res.Model.Training.L1Ratio)
		require.InEpsilon(t, ref.Objective, res.Objective, 1e-8, ref.ID)
		got := slices.Concat(res.Model.Coef...)
		if opts.Standardize {
			got = slices.Concat(res.Model.CoefStandardized...)
		}
		largest := 0.0
		want := slices.Concat(ref.Coef...)
		for _, v := range want {
			largest = max(largest, math.Abs(v))
		}
		for j, v := range want {
			require.InDelta(t, v, got[j], 1e-5*largest, ref.ID)
			require.Equal(t, v == 0, got[j] == 0, ref.ID)
		}
	}
}

func TestFit_P9_L1SameBitsForAnyThreads(t *testing.T) {
	for _, set := range []string{"breast_cancer", "iris"} {
		for _, name := range []string{"prox-newton", "owlqn"} {
			for _, storage := range []backend.Storage{backend.Float64, backend.Float32} {
				var first []uint64
				for _, threads := range []int{1, 2, 5} {
					ds, err := dataset.Read(ctx, "builtin:"+set, dataset.ReadOptions{Threads: threads})
					require.NoError(t, err)
					opts := logreg.DefaultOptions()
					opts.Solver, opts.Storage, opts.Threads, opts.Backend = name, storage, threads, "cpu"
					opts.Penalty, opts.Standardize = "l1", true
					res, err := logreg.Fit(ctx, ds, opts)
					require.NoError(t, err)
					if first == nil {
						first = bits(res)
					}
					require.Equal(t, first, bits(res), "%s by %s in %s with %d threads", set, name, storage, threads)
				}
			}
		}
	}
}

// A column without penalty is fitted as if C were infinite for it: with all others
// held at zero by their factors, as a fit of it alone without penalty.
func TestFit_PenaltyFactorsByName(t *testing.T) {
	ds, err := dataset.Read(ctx, "builtin:breast_cancer", dataset.ReadOptions{})
	require.NoError(t, err)
	opts := logreg.DefaultOptions()
	opts.Penalty, opts.Standardize, opts.Tol = "l1", true, 1e-9
	opts.PenaltyFactors = map[string]float64{}
	for _, name := range ds.FeatureNames {
		opts.PenaltyFactors[name] = 1e6
	}
	const free = 21 // worst_texture
	opts.PenaltyFactors[ds.FeatureNames[free]] = 0
	res, err := logreg.Fit(ctx, ds, opts)
	require.NoError(t, err)
	require.True(t, res.Converged())

	rows, cols := ds.Shape()
	x, one := ds.X.Data().([]float64), make([]float64, rows)
	labels := make([]int, rows)
	for i := range one {
		one[i], labels[i] = x[i*cols+free], int(ds.Labels[i])
	}
	alone, err := dataset.New(one, rows, 1, labels)
	require.NoError(t, err)
	opts.Penalty, opts.PenaltyFactors = "none", nil
	want, err := logreg.Fit(ctx, alone, opts)
	require.NoError(t, err)
	require.InEpsilon(t, want.Objective, res.Objective, 1e-10)
	for j, v := range res.Model.Coef[0] {
		if j == free {
			require.InEpsilon(t, want.Model.Coef[0][0], v, 1e-6)
		} else {
			require.Zero(t, v)
		}
	}
}

func TestFit_L1BySolversThatCannotIsAnError(t *testing.T) {
	ds, err := dataset.Read(ctx, "builtin:iris", dataset.ReadOptions{})
	require.NoError(t, err)
	for _, s := range solver.Solvers() {
		opts := logreg.DefaultOptions()
		opts.Penalty, opts.Solver = "l1", s.Name
		_, err := logreg.Fit(ctx, ds, opts)
		var lasso *solver.LassoError
		if s.Lasso {
			require.NoError(t, err)
			continue
		}
		require.ErrorAs(t, err, &lasso)
		require.ErrorContains(t, err, "prox-newton, owlqn")
	}
}
