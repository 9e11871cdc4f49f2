package logreg_test

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	logreg "github.com/logreg-gpu/logreg-gpu"
	"github.com/logreg-gpu/logreg-gpu/dataset"
	"github.com/logreg-gpu/logreg-gpu/model"
	"github.com/logreg-gpu/logreg-gpu/solver"
)

// against is ds with the labels "is class c".
func against(t *testing.T, ds *dataset.Dataset, c int32) *dataset.Dataset {
	labels := make([]int, len(ds.Labels))
	for i, l := range ds.Labels {
		if l == c {
			labels[i] = 1
		}
	}
	one := *ds
	var err error
	one.Labels, one.Classes, err = dataset.Encode(labels)
	require.NoError(t, err)
	return &one
}

// Columns of two and of three classes, rare and common ones, with sample weights and
// class weights of their own: each is the model that Fit makes of it alone.
func TestFitMany_P15_EqualsSeparateFits(t *testing.T) {
	for name, change := range map[string]func(*dataset.Dataset, *logreg.Options){
		"plain":    func(*dataset.Dataset, *logreg.Options) {},
		"balanced": func(_ *dataset.Dataset, o *logreg.Options) { o.ClassWeight.Balanced = true },
		"weights": func(ds *dataset.Dataset, _ *logreg.Options) {
			for i := range ds.Labels {
				ds.Weights = append(ds.Weights, float64(i%3))
			}
		},
		"l1":          func(_ *dataset.Dataset, o *logreg.Options) { o.Penalty = "l1" },
		"standardize": func(_ *dataset.Dataset, o *logreg.Options) { o.Standardize = true },
	} {
		t.Run(name, func(t *testing.T) {
			ds := scaled(t, "iris")
			opts := logreg.DefaultOptions()
			opts.Tol = 1e-9
			change(ds, &opts)
			columns := []logreg.LabelColumn{{"kind", ds.Labels, ds.Classes}}
			for c := range int32(3) {
				one := against(t, ds, c)
				columns = append(columns, logreg.LabelColumn{"one", one.Labels, one.Classes})
			}
			many, err := logreg.FitMany(ctx, ds, columns, opts)
			require.NoError(t, err)
			for i, c := range columns {
				alone := *ds
				alone.Labels, alone.Classes, alone.LabelName = c.Labels, c.Classes, c.Name
				one, err := logreg.Fit(ctx, &alone, opts)
				require.NoError(t, err)
				require.Equal(t, solver.Converged, many[i].Status, many[i].Advice)
				require.InEpsilon(t, one.Objective, many[i].Objective, 1e-10)
				require.InEpsilon(t, one.Loss, many[i].Loss, 1e-7)
				require.Equal(t, c.Name, many[i].Model.LabelName)
				for k, row := range one.Model.Coef { // 1e-9 of gradient over the curvature
					require.InDeltaSlice(t, row, many[i].Model.Coef[k], 1e-5)
				}
			}
		})
	}
}

func TestFitMany_BadInput(t *testing.T) {
	ds := scaled(t, "iris")
	_, err := logreg.FitMany(ctx, ds, nil, logreg.DefaultOptions())
	require.ErrorContains(t, err, "there are no label columns")
	good := logreg.LabelColumn{"kind", ds.Labels, ds.Classes}
	short := logreg.LabelColumn{"short", ds.Labels[:3], ds.Classes}
	_, err = logreg.FitMany(ctx, ds, []logreg.LabelColumn{good, short}, logreg.DefaultOptions())
	require.ErrorContains(t, err, `label column "short": builtin:iris: label column 0 has 3 entries for 150 rows`)
	one := logreg.LabelColumn{"one", make([]int32, 150), dataset.Classes{Names: []string{"a", "b"}}}
	_, err = logreg.FitMany(ctx, ds, []logreg.LabelColumn{good, one}, logreg.DefaultOptions())
	require.ErrorContains(t, err, `label column "one": builtin:iris: every row of positive weight is of class a; at least two`)
}

// Coefficients, balanced weights and probabilities are those of scikit-learn's
// OneVsRestClassifier (testdata/ovr.py), which stops at a gradient of 1e-12.
func TestFit_OneVsRestScikitLearn(t *testing.T) {
	text, err := os.ReadFile("testdata/ovr.json")
	require.NoError(t, err)
	var file struct {
		Cases []struct {
			Balanced    bool
			Coef, Proba [][]float64
			Intercept   []float64
		}
	}
	require.NoError(t, json.Unmarshal(text, &file))
	require.Len(t, file.Cases, 2)
	for _, c := range file.Cases {
		ds := scaled(t, "iris")
		opts := logreg.DefaultOptions()
		opts.C, opts.Tol, opts.MultiClass, opts.ClassWeight.Balanced = 0.5, 1e-11, "ovr", c.Balanced
		res, err := logreg.Fit(ctx, ds, opts)
		require.NoError(t, err)
		require.Equal(t, model.OneVsRest, res.Model.MultiClass)
		for k, row := range c.Coef {
			require.InDeltaSlice(t, row, res.Model.Coef[k], 1e-8)
		}
		require.InDeltaSlice(t, c.Intercept, res.Model.Intercept, 1e-8)

		var file bytes.Buffer
		require.NoError(t, res.Model.Encode(&file))
		require.Contains(t, file.String(), `"version": 2`)
		read, err := model.Decode(&file, "model")
		require.NoError(t, err)
		require.Equal(t, res.Model, read)
		proba, err := read.PredictProba(ctx, ds)
		require.NoError(t, err)
		elsewhere, err := logreg.Predict(ctx, read, ds, logreg.PredictOptions{Backend: "cpu-reference"})
		require.NoError(t, err)
		for i, row := range c.Proba {
			sum := 0.0
			for k, p := range row {
				require.InDelta(t, p, proba[3*i+k], 1e-9)
				require.InDelta(t, proba[3*i+k], elsewhere.Proba[3*i+k], 1e-12)
				sum += proba[3*i+k]
			}
			require.InDelta(t, 1, sum, 1e-12)
		}
	}
}

// A warm start from the result changes nothing, and weights by label are those of the
// rows' own classes: weight 2 is the row twice.
func TestFit_OneVsRestWarmAndWeights(t *testing.T) {
	ds := scaled(t, "iris")
	opts := logreg.DefaultOptions()
	opts.Tol, opts.MultiClass = 1e-9, "ovr"
	opts.ClassWeight.ByLabel = map[string]float64{"1": 2}
	res, err := logreg.Fit(ctx, ds, opts)
	require.NoError(t, err)
	var rows []int
	for i, l := range ds.Labels {
		rows = append(rows, i)
		if l == 1 {
			rows = append(rows, i)
		}
	}
	twice := opts
	twice.ClassWeight = logreg.ClassWeight{}
	same, err := logreg.Fit(ctx, ds.Take(rows), twice)
	require.NoError(t, err)
	require.InEpsilon(t, same.Objective, res.Objective, 1e-10)
	opts.Warm = res.Model
	again, err := logreg.Fit(ctx, ds, opts)
	require.NoError(t, err)
	require.Zero(t, again.Iterations)
	require.InEpsilon(t, res.Objective, again.Objective, 1e-12)
}

// Classes that the columns tell apart have no minimum without a penalty: reported.
func TestFit_P22_OneVsRestSeparable(t *testing.T) {
	ds := scaled(t, "iris")
	opts := logreg.DefaultOptions()
	opts.MultiClass, opts.Penalty = "ovr", "none"
	res, err := logreg.Fit(ctx, ds, opts)
	require.NoError(t, err)
	require.Equal(t, solver.Separable, res.Status)
	require.False(t, math.IsNaN(res.Objective))
}
