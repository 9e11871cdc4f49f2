package logreg_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	logreg "github.com/logreg-gpu/logreg-gpu"
)

// Scores of every fold, the C chosen and the refit are those of scikit-learn's
// LogisticRegressionCV (testdata/cv.py). Its solver stops at max|gradient| 1e-12 of the
// mean, some of its fits earlier where their line search sees only rounding; accuracy
// and AUC count rows and pairs, so that they agree to the last digits or not at all.
func TestFitCV_ScikitLearn(t *testing.T) {
	text, err := os.ReadFile("testdata/cv.json")
	require.NoError(t, err)
	var file struct {
		Cases []struct {
			Data, Scoring, Weights string
			Balanced               bool
			Cs                     []float64
			Scores                 [][]float64
			BestC                  float64 `json:"best_C"`
			Coef                   [][]float64
			Intercept              []float64
		}
	}
	require.NoError(t, json.Unmarshal(text, &file))
	require.Len(t, file.Cases, 12)
	for _, c := range file.Cases {
		t.Run(strings.Join([]string{c.Data, c.Scoring, c.Weights}, " "), func(t *testing.T) {
			ds := scaled(t, c.Data)
			opts := logreg.DefaultCVOptions()
			opts.Cs, opts.FoldScheme, opts.Tol = c.Cs, logreg.Modulo, 1e-10
			opts.Scoring = logreg.Scoring(strings.TrimSuffix(c.Scoring, "_ovr"))
			opts.ClassWeight.Balanced = c.Balanced
			if c.Weights != "" {
				for i := range ds.Labels {
					ds.Weights = append(ds.Weights, float64(1+i%5))
				}
			}
			cv, err := logreg.FitCV(ctx, ds, opts)
			require.NoError(t, err)
			for i := range c.Cs {
				require.InEpsilonSlice(t, c.Scores[i], cv.Trials[i].Scores, 1e-7)
			}
			require.Equal(t, c.BestC, cv.Trials[cv.Best].C)
			for k, row := range c.Coef {
				require.InDeltaSlice(t, row, cv.Refit.Model.Coef[k], 1e-5)
			}
			require.InDeltaSlice(t, c.Intercept, cv.Refit.Model.Intercept, 1e-5)
		})
	}
}
