package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// The tutorial follows PyTorch epoch by epoch. PyTorch computes in float32: 2e-6 is
// about 17 of its rounding errors at a loss of 0.7, which 100 epochs stay within.
func TestTutorial_FollowsPyTorch(t *testing.T) {
	text, err := os.ReadFile("../../dataset/builtin/tutorial.json")
	require.NoError(t, err)
	var torch struct {
		Runs []struct {
			InitialW      float64 `json:"initial_w"`
			InitialB      float64 `json:"initial_b"`
			Loss          []float64
			FinalW        float64 `json:"final_w"`
			FinalB        float64 `json:"final_b"`
			Probabilities []float64
			Rounded       []int32
		}
	}
	require.NoError(t, json.Unmarshal(text, &torch))
	require.NotEmpty(t, torch.Runs)
	for _, want := range torch.Runs {
		f := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
		var stdout, stderr bytes.Buffer
		status := run([]string{"tutorial", "--json", "--init-weight", f(want.InitialW), "--init-bias", f(want.InitialB)}, nil, &stdout, &stderr)
		require.Zero(t, status, stderr.String())
		require.Empty(t, stderr.String())
		var have tutorialResult
		require.NoError(t, json.Unmarshal(stdout.Bytes(), &have))
		require.InDeltaSlice(t, want.Loss, have.Losses, 2e-6)
		require.InDelta(t, want.FinalW, have.Weight, 2e-6)
		require.InDelta(t, want.FinalB, have.Bias, 2e-6)
		require.InDeltaSlice(t, want.Probabilities, have.Probabilities, 2e-6)
		require.Equal(t, want.Rounded, have.Predictions)
	}
}
