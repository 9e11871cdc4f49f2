//go:build !race

package cuda

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// The tutorial's 100 epochs in one launch follow PyTorch's float32 losses and weights.
func TestEpochs_FollowThePyTorchTutorial(t *testing.T) {
	text, err := os.ReadFile("../dataset/builtin/tutorial.json")
	require.NoError(t, err)
	var tutorial struct {
		LR   float64   `json:"lr"`
		X    []float32 `json:"X"`
		Y    []int32   `json:"y"`
		Runs []struct {
			Weight  float64   `json:"initial_w"`
			Bias    float64   `json:"initial_b"`
			Loss    []float64 `json:"loss"`
			WeightN float64   `json:"final_w"`
			BiasN   float64   `json:"final_b"`
		} `json:"runs"`
	}
	require.NoError(t, json.Unmarshal(text, &tutorial))
	require.NotEmpty(t, tutorial.Runs)
	b, _, err := backend.Open(EmulatorName, backend.Options{})
	require.NoError(t, err)
	d, err := b.Load(t.Context(), &backend.Source{
		X:      tensor.New(tensor.WithShape(len(tutorial.X), 1), tensor.WithBacking(tutorial.X)),
		Labels: [][]int32{tutorial.Y},
	}, backend.Float32)
	require.NoError(t, err)
	for _, run := range tutorial.Runs {
		coef := []float64{run.Weight, run.Bias}
		losses, err := d.(*data).Epochs(t.Context(), backend.Binary(), coef, tutorial.LR, len(run.Loss))
		require.NoError(t, err)
		// 2e-6: what 100 float32 updates of either may differ by.
		require.InDeltaSlice(t, run.Loss, losses, 2e-6)
		require.InDeltaSlice(t, []float64{run.WeightN, run.BiasN}, coef, 2e-6)
	}
	_, err = d.(*data).Epochs(t.Context(), backend.Softmax(3), make([]float64, 6), 1, 1)
	require.ErrorIs(t, err, backend.ErrUnsupported)
	require.NoError(t, d.Close())
	require.NoError(t, b.Close())
}
