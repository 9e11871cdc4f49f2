package objective_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logreg-gpu/logreg-gpu/objective"
	"github.com/logreg-gpu/logreg-gpu/solver"
)

// tutorial is the classic example as PyTorch runs it, in float32.
type tutorial struct {
	LR     float64 `json:"lr"`
	Epochs int
	X      []float64
	Y      []int32
	Runs   []struct {
		Name     string
		InitialW float64 `json:"initial_w"`
		InitialB float64 `json:"initial_b"`
		Loss     []float64
		After    float64 `json:"loss_after_epoch_100"`
		FinalW   float64 `json:"final_w"`
		FinalB   float64 `json:"final_b"`
	}
}

// PyTorch's numbers are float32, good to a few 1e-7.
func TestSGD_FollowsPyTorchsTutorial(t *testing.T) {
	raw, err := os.ReadFile("../dataset/builtin/tutorial.json")
	require.NoError(t, err)
	var tut tutorial
	require.NoError(t, json.Unmarshal(raw, &tut))
	require.NotEmpty(t, tut.Runs)
	p := problem{y: tut.Y, classes: 2}
	for _, x := range tut.X {
		p.x = append(p.x, []float64{x})
	}
	for _, run := range tut.Runs {
		o := p.objective(t, objective.Options{Penalty: objective.None, Coordinates: objective.User})
		x0, err := o.Theta([][]float64{{run.InitialW}}, []float64{run.InitialB})
		require.NoError(t, err)
		r, f := solve(t, "sgd", o, solver.Options{X0: x0, MaxIter: tut.Epochs, SGD: solver.SGD{LearningRate: tut.LR}})
		require.Equal(t, solver.MaxIter, r.Status)
		require.Len(t, r.Trace, tut.Epochs+1)
		for e, want := range run.Loss {
			require.InDelta(t, want, r.Trace[e].Value, 2e-6, "%s epoch %d", run.Name, e+1)
		}
		require.InDelta(t, run.After, f.Loss, 2e-6)
		require.InDelta(t, run.FinalW, f.Coef[0][0], 2e-6)
		require.InDelta(t, run.FinalB, f.Intercept[0], 2e-6)
		require.Equal(t, float64(tut.Epochs+1), r.Passes)
	}
}

func TestSGD_MiniBatchesComeNearTheOptimum(t *testing.T) {
	p := noisy(300, 3, 2, 31).mapped([]float64{100, 0, -5}, []float64{20, 1, 0.01})
	_, want := solve(t, "newton", p.objective(t, objective.Options{}), solver.Options{})
	for _, s := range []solver.SGD{
		{Batch: 32, LearningRate: 0.5, Schedule: solver.Cosine},
		{Batch: 32, LearningRate: 0.05, Momentum: 0.9, Schedule: solver.Cosine},
		{Batch: 50, LearningRate: 0.1, Adam: true, Schedule: solver.Cosine},
		{Batch: 7, LearningRate: 1, Schedule: solver.InverseTime, Decay: 1},
	} {
		o := p.objective(t, objective.Options{})
		r, got := solve(t, "sgd", o, solver.Options{MaxIter: 50, Seed: 1, SGD: s})
		require.InEpsilon(t, want.Objective, got.Objective, 1e-2, "%+v", s)
		// An epoch gathers and evaluates all rows once, then evaluates the whole.
		require.InDelta(t, 1+3*50, r.Passes, 1e-9)

		again, _ := solve(t, "sgd", p.objective(t, objective.Options{}), solver.Options{MaxIter: 50, Seed: 1, SGD: s})
		require.Equal(t, r.X, again.X) // P9
		other, _ := solve(t, "sgd", p.objective(t, objective.Options{}), solver.Options{MaxIter: 50, Seed: 2, SGD: s})
		require.NotEqual(t, r.X, other.X)
	}
}
