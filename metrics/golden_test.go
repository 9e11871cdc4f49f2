package metrics

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every metric equals scikit-learn's (testdata/golden.py). 1e-12 relative allows for
// sums in another order.
func TestEvaluate_EqualsScikitLearn(t *testing.T) {
	text, err := os.ReadFile("testdata/golden.json")
	require.NoError(t, err)
	var golden struct {
		Cases []struct {
			Name    string
			Classes int
			Y, Pred []int32
			P, W    []float64
			Want    map[string]any
		}
	}
	require.NoError(t, json.Unmarshal(text, &golden))
	require.Len(t, golden.Cases, 10)
	for _, c := range golden.Cases {
		t.Run(c.Name, func(t *testing.T) {
			have := asJSON(t, Evaluate(c.Y, c.Pred, c.P, c.Classes, c.W))
			require.NotContains(t, have, "undefined")
			require.Len(t, have, len(c.Want)+1, "and the number of rows")
			for name, want := range c.Want {
				if name != "confusion_matrix" {
					require.InEpsilon(t, want, have[name], 1e-12, name)
					continue
				}
				for a, row := range want.([]any) {
					require.InDeltaSlice(t, row, have[name].([]any)[a], 1e-12)
				}
			}
		})
	}
}

// asJSON is what a program sees of a report.
func asJSON(t require.TestingT, r *Report) map[string]any {
	text, err := json.Marshal(r)
	require.NoError(t, err)
	var out map[string]any
	require.NoError(t, json.Unmarshal(text, &out))
	return out
}
