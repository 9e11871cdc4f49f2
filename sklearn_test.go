package logreg_test

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	logreg "github.com/logreg-gpu/logreg-gpu"
	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/dataset"
	"github.com/logreg-gpu/logreg-gpu/solver"
)

// scikit-learn's optima (testdata/sklearn.py), by every solver that takes the penalty.
func TestFit_P4_ScikitLearnsOptima(t *testing.T) {
	text, err := os.ReadFile("testdata/sklearn.json")
	require.NoError(t, err)
	var file struct {
		Cases []struct {
			Data, Penalty, Weights string
			L1Ratio                float64 `json:"l1_ratio"`
			C, Objective           float64
			Coef                   [][]float64
		}
	}
	require.NoError(t, json.Unmarshal(text, &file))
	require.Len(t, file.Cases, 36)
	for _, c := range file.Cases {
		path := "builtin:" + c.Data
		if c.Data == "wine" {
			path = "testdata/wine.csv"
		}
		ds, err := dataset.Read(ctx, path, dataset.ReadOptions{})
		require.NoError(t, err)
		opts := logreg.DefaultOptions()
		opts.Backend, opts.Storage, opts.Tol = "cpu", backend.Float64, 1e-9
		opts.Penalty, opts.L1Ratio, opts.C, opts.Standardize = c.Penalty, c.L1Ratio, c.C, true
		switch c.Weights {
		case "1+(i%5)":
			for i := range ds.Labels {
				ds.Weights = append(ds.Weights, float64(1+i%5))
			}
		case "balanced":
			opts.ClassWeight.Balanced = true
		case "by class":
			opts.ClassWeight.ByLabel = map[string]float64{}
			for k, name := range ds.Classes.Names {
				opts.ClassWeight.ByLabel[name] = float64(1 + 2*k)
			}
		}
		for _, s := range solver.Solvers() {
			if s.Name == "sgd" || c.Penalty != "l2" && !s.Lasso {
				continue
			}
			words := fmt.Sprintf("%s, %s, C=%g, %s, %s", c.Data, c.Penalty, c.C, c.Weights, s.Name)
			opts.Solver = s.Name
			res, err := logreg.Fit(ctx, ds, opts)
			require.NoError(t, err)
			// Never worse than scikit-learn's by more than 1e-8, nor better by more than its
			// saga, out of iterations, leaves.
			require.LessOrEqual(t, res.Objective, c.Objective*(1+1e-8), words)
			require.InEpsilon(t, c.Objective, res.Objective, 1e-6, words)
			if c.Penalty == "l2" {
				continue
			}
			for k, row := range c.Coef {
				for j, v := range row {
					require.Equal(t, v == 0, res.Model.Coef[k][j] == 0, "%s: coefficient %d of class %d", words, j, k)
				}
			}
		}
	}
}
