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
	x, labels, weights, coef := make([]float32, rows*cols), make([]int32, rows), make([]float64, rows), make([]float64, 0)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	for i := range labels {
		labels[i], weights[i] = int32(r.IntN(2)), float64(r.IntN(3))
	}
	folds := make([]int32, rows)
	for i := range folds {
		folds[i] = int32(r.IntN(3))
	}
	src := &backend.Source{
		X:      tensor.New(tensor.WithShape(rows, cols), tensor.WithBacking(x)),
		Labels: [][]int32{labels}, Weights: [][]float64{weights}, Folds: folds,
	}
	weighted, softmax := backend.Binary(), backend.Softmax(5)
	weighted.Weight = 0
	models := []backend.Model{backend.Binary(), weighted, softmax}
	for fold := range 3 {
		weighted.Fold, softmax.Fold = fold, fold
		models = append(models, weighted, softmax)
	}
	for coef = coef[:0]; len(coef) < backend.Outputs(models)*(cols+1); {
		coef = append(coef, r.NormFloat64())
	}
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

// TestEval_SameBitsInAnyCompany: a march loses members on its way, which must not move
// the others. So it is with the calls that go over models in the same batches.
func TestEval_SameBitsInAnyCompany(t *testing.T) {
	const rows, cols = 2500, 21
	r := rand.New(rand.NewPCG(5, 6))
	x, labels, folds, offsets := make([]float32, rows*cols), make([]int32, rows), make([]int32, rows), make([]float64, rows)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	for i := range labels {
		labels[i], folds[i], offsets[i] = int32(r.IntN(3)), int32(r.IntN(3)), r.NormFloat64()
	}
	src := &backend.Source{
		X:      tensor.New(tensor.WithShape(rows, cols), tensor.WithBacking(x)),
		Labels: [][]int32{labels}, Offsets: [][]float64{offsets}, Folds: folds,
	}
	var models []backend.Model
	for k := range 90 { // more than one batch
		m := backend.Binary()
		switch {
		case k%10 == 7:
			m = backend.Softmax(3)
		case k == 50:
			m = backend.Softmax(300) // takes fewer rows at a time
		case k%2 == 0:
			m.Offset = 0
		}
		m.Fold = k%4 - 1
		models = append(models, m)
	}
	start := backend.Layout(models, cols)
	coef, v := make([]float64, start[len(models)]), make([]float64, start[len(models)])
	for i := range coef {
		coef[i], v[i] = r.NormFloat64(), r.NormFloat64()
	}
	d, err := cpu.New(backend.Options{Threads: 2}).Load(context.Background(), src, backend.Float32)
	require.NoError(t, err)
	defer d.Close()
	var all, one backend.Evaluation
	require.NoError(t, d.Eval(context.Background(), models, coef, &all))
	hessVec := make([]float64, len(coef))
	require.NoError(t, d.(backend.HessVec).HessVec(context.Background(), models, coef, v, hessVec))
	for k, m := range models {
		lo, hi := start[k], start[k+1]
		require.NoError(t, d.Eval(context.Background(), []backend.Model{m}, coef[lo:hi], &one))
		require.Equal(t, []float64{all.Loss[k], all.Held[k]}, []float64{one.Loss[0], one.Held[0]}, "model %d", k)
		require.Equal(t, all.Grad[lo:hi], one.Grad, "model %d", k)
		alone := make([]float64, hi-lo)
		require.NoError(t, d.(backend.HessVec).HessVec(context.Background(), []backend.Model{m}, coef[lo:hi], v[lo:hi], alone))
		require.Equal(t, hessVec[lo:hi], alone, "model %d", k)
	}
}

// Rates are those of the instruction set, for any number of threads and also of samples:
// plans follow from them.
func TestRates_P9_OfTheInstructionSetAlone(t *testing.T) {
	src := &backend.Source{X: tensor.New(tensor.WithShape(4, 2), tensor.WithBacking(make([]float32, 8))), Labels: [][]int32{make([]int32, 4)}}
	var all []backend.Rates
	for _, set := range simd.Sets() {
		restore := simd.Use(set)
		for threads := 1; threads < 4; threads++ {
			d, err := cpu.New(backend.Options{Threads: threads}).Load(t.Context(), src, backend.Float32)
			require.NoError(t, err)
			if threads == 1 {
				all = append(all, backend.RatesOf(d))
			}
			require.Equal(t, all[len(all)-1], backend.RatesOf(d))
			s, err := d.(backend.Sampler).Sample(t.Context(), []int{1, 3}, nil)
			require.NoError(t, err)
			require.Equal(t, all[len(all)-1], backend.RatesOf(s))
			require.NoError(t, s.Close())
			require.NoError(t, d.Close())
		}
		restore()
	}
	for i, r := range all[1:] { // the better a set, the more flops, and the more beside a read
		require.Greater(t, r.Flops/r.Read, all[i].Flops/all[i].Read)
	}
}
