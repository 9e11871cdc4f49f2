package cpu_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/backend/backendtest"
	"github.com/logreg-gpu/logreg-gpu/cpu"
	"github.com/logreg-gpu/logreg-gpu/cpu/internal/simd"
)

// TestBackend_P5_HoldsTheContract holds the backend to the reference, whole in the
// instruction set it chooses and on fewer cases in the others.
func TestBackend_P5_HoldsTheContract(t *testing.T) {
	sets := simd.Sets()
	for _, set := range sets {
		t.Run(set.String(), func(t *testing.T) {
			defer simd.Use(set)()
			open := func(threads int) backend.Backend { return cpu.New(backend.Options{Threads: threads}) }
			o := backendtest.Options{Reopen: open}
			if testing.Short() || set != sets[len(sets)-1] { // -short as under the race detector
				o.MaxCases, o.MaxNumbers = 25, 60000
			}
			backendtest.RunAll(t, open(0), o)
		})
	}
}

// TestEval_SameBitsInEveryInstructionSet: a fit can be repeated on another machine.
func TestEval_SameBitsInEveryInstructionSet(t *testing.T) {
	const rows, cols = 3001, 37
	r := rand.New(rand.NewPCG(1, 2))
	x, labels, weights, coef := make([]float32, rows*cols), make([]int32, rows), make([]float64, rows), make([]float64, cols+1)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	for i := range labels {
		labels[i], weights[i] = int32(r.IntN(2)), float64(r.IntN(3))
	}
	for j := range coef {
		coef[j] = r.NormFloat64()
	}
	src := &backend.Source{
		X:      tensor.New(tensor.WithShape(rows, cols), tensor.WithBacking(x)),
		Labels: [][]int32{labels}, Weights: [][]float64{weights},
	}
	weighted := backend.Binary()
	weighted.Weight = 0
	models := []backend.Model{backend.Binary(), weighted}
	coef = append(coef, coef...)
	for _, storage := range []backend.Storage{backend.Float64, backend.Float32, backend.BFloat16, backend.Float16} {
		var want backend.Evaluation
		for _, set := range simd.Sets() {
			func() {
				defer simd.Use(set)()
				d, err := cpu.New(backend.Options{Threads: 2}).Load(context.Background(), src, storage)
				require.NoError(t, err)
				defer d.Close()
				var got backend.Evaluation
				require.NoError(t, d.Eval(context.Background(), models, coef, &got))
				if set == simd.Generic {
					want = got
				}
				require.Equal(t, want, got, "%v in %v", storage, set)
			}()
		}
	}
}
