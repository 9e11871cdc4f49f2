package main

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTables_P4_EqualColumnTransformer trains on text, numbers and missing cells as they
// are, and predicts from another file with its columns in another order: two commands,
// whose numbers are those of scikit-learn's ColumnTransformer and LogisticRegression.
func TestTables_P4_EqualColumnTransformer(t *testing.T) {
	text, err := os.ReadFile("testdata/tables/golden.json")
	require.NoError(t, err)
	var golden struct {
		Truth []float64
		Cases []struct {
			Args, Data              string
			C, Objective, Intercept float64
			Rows                    int
			Coef, Proba             []float64
		}
	}
	require.NoError(t, json.Unmarshal(text, &golden))
	command := func(to any, args ...string) {
		var stdout, stderr bytes.Buffer
		require.Zero(t, run(append(args, "--json", "--backend", "cpu"), strings.NewReader(""), &stdout, &stderr), "%v: %s", args, &stderr)
		require.Empty(t, stderr.String())
		require.NoError(t, json.Unmarshal(stdout.Bytes(), to))
	}
	for _, c := range golden.Cases {
		t.Run(c.Args, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "model.json")
			var fit trainResult
			command(&fit, append(strings.Fields(c.Args), "train", "testdata/tables/people.csv", "--model", path, "--tol", "1e-11", "--C", strconv.FormatFloat(c.C, 'g', -1, 64))...)
			require.Equal(t, c.Rows, fit.Rows)
			require.Equal(t, 1000-c.Rows, fit.Dropped)
			require.Len(t, fit.FeatureNames, len(c.Coef))

			// Both optima have a gradient of at most 1e-10 C n; the penalty makes the
			// objective strongly convex, so that coefficients differ by no more than that,
			// times what the data bend less than the unpenalised intercept: 1e-7 is ample.
			require.InEpsilon(t, c.Objective, fit.Objective, 1e-12)
			require.InDelta(t, c.Intercept, fit.Intercept[0], 1e-7)
			for j, want := range c.Coef {
				require.InDelta(t, want, fit.Coef[0][j], 1e-7, fit.FeatureNames[j])
			}

			var said predictResult
			command(&said, "predict", path, filepath.Join("testdata/tables", c.Data), "--proba")
			require.Len(t, said.Probabilities, len(c.Proba))
			far := 0.0
			for i, want := range c.Proba {
				require.InDelta(t, want, said.Probabilities[i][1], 1e-8, "row %d", i)
				if len(c.Proba) == len(golden.Truth) {
					far += math.Abs(golden.Truth[i]-said.Probabilities[i][1]) / float64(len(c.Proba))
				}
			}
			// About 25 coefficients of 1000 rows: logits are off by sqrt(25/1000) = 0.16 or
			// so, probabilities by a quarter of that, and more where cells are missing.
			require.Less(t, far, 0.08)
		})
	}
}

// A stream cannot be read twice, and need not be.
func TestTables_FromStandardInput(t *testing.T) {
	text, err := os.ReadFile("testdata/tables/people.csv")
	require.NoError(t, err)
	dir := t.TempDir()
	var models []string
	for _, c := range []struct {
		path  string
		stdin io.Reader
	}{{"testdata/tables/people.csv", strings.NewReader("")}, {"-", bytes.NewReader(text)}} {
		path := filepath.Join(dir, "model"+strconv.Itoa(len(models)))
		var stdout, stderr bytes.Buffer
		require.Zero(t, run([]string{"train", c.path, "--missing", "indicator", "--model", path, "--backend", "cpu"}, c.stdin, &stdout, &stderr), stderr.String())
		model, err := os.ReadFile(path)
		require.NoError(t, err)
		models = append(models, string(model))
	}
	require.Equal(t, models[0], models[1])
}
