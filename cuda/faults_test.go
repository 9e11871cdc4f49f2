//go:build !race

package cuda

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
	"github.com/logreg-gpu/logreg-gpu/ptx"
)

// smallFit uses every kind of driver call: open, load, evaluate, search, draw, close.
func smallFit(d driver.Driver) (err error) {
	b, err := New(EmulatorName, d, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	ctx := context.Background()
	x, err := b.Load(ctx, source(40, 6, true), backend.Float32)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, x.Close()) }()
	models := modelSets["one"]
	coef := coefficients(1, 6)
	var ev backend.Evaluation
	if err := x.Eval(ctx, models, coef, &ev); err != nil {
		return err
	}
	if err := x.(backend.HessVec).HessVec(ctx, models, coef, ev.Grad, make([]float64, 7)); err != nil {
		return err
	}
	if _, err := x.Stats(ctx, 0); err != nil {
		return err
	}
	if err := x.Predict(ctx, models, coef, make([]float64, 40)); err != nil {
		return err
	}
	l, err := x.(backend.LineSearcher).Direction(ctx, models, coef, ev.Grad)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	if err := l.At(ctx, [][]float64{{1}}, [][]float64{{0}}, [][]float64{{0}}); err != nil {
		return err
	}
	s, err := x.(backend.Sampler).Sample(ctx, []int{3, 1}, []float64{1, 2})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	h := [][]float64{make([]float64, 49)}
	return s.(backend.Gram).Gram(ctx, models, coef, []backend.GramBlock{{}}, h, &ev)
}

// A failure at any call of a small fit is a typed error, leaks nothing, and the next fit
// on the same driver works.
func TestFaults_EveryCall(t *testing.T) {
	t.Parallel()
	counting := ptx.NewDriver(ptx.Config{Late: true})
	require.NoError(t, smallFit(counting))
	for _, kind := range []string{"launch", "copy", "alloc", "alloc host", "memset", "load", "synchronize"} {
		code := driver.LaunchFailed
		if kind == "alloc" || kind == "alloc host" {
			code = driver.OutOfMemory
		}
		calls := counting.Calls(kind)
		t.Logf("%d calls of %s", calls, kind)
		for n := 1; n <= calls; n++ {
			d := ptx.NewDriver(ptx.Config{Late: true, Unchecked: true, Faults: []ptx.Injection{{Call: kind, N: n, Code: code}}})
			err := smallFit(d)
			what := fmt.Sprintf("%s %d of %d", kind, n, calls)
			require.Error(t, err, what)
			var memory *backend.OutOfMemoryError
			if code == driver.OutOfMemory {
				require.ErrorAs(t, err, &memory, what)
				require.Positive(t, memory.Asked)
				require.Positive(t, memory.Free)
			} else {
				require.ErrorIs(t, err, &driver.Error{Code: code}, what)
			}
			requireClean(t, d, what)
			require.NoError(t, smallFit(d), "after %s", what)
			requireClean(t, d, what)
		}
	}
}

func requireClean(t *testing.T, d *ptx.Driver, what string) {
	t.Helper()
	require.Empty(t, d.Live(), what)
	modules, streams, events := d.LiveObjects()
	require.Equal(t, [3]int{}, [3]int{modules, streams, events}, "modules, streams and events alive after %s", what)
}

// What does not fit the device says how much was asked for and how much there is.
func TestLoad_OutOfMemory(t *testing.T) {
	b, d := emulated(t, ptx.Config{Memory: 1 << 16})
	_, err := b.Load(t.Context(), source(1000, 50, false), backend.Float64)
	var memory *backend.OutOfMemoryError
	require.ErrorAs(t, err, &memory)
	require.EqualValues(t, 1000*52*8, memory.Asked) // rows of more than 40 columns are padded to four
	require.Empty(t, d.Live())
	small, err := b.Load(t.Context(), source(100, 50, false), backend.BFloat16)
	require.NoError(t, err)
	require.NoError(t, small.Close())
	require.NoError(t, b.Close())
}

// The same bits whatever the number of multiprocessors and the order of blocks, warps
// and lanes.
func TestEval_P9_AnyGridAndOrder(t *testing.T) {
	t.Parallel()
	for _, cols := range []int{9, 150, 1100} {
		var first []float64
		for i, c := range []ptx.Config{{}, {Multiprocessors: 1, Seed: 1}, {Multiprocessors: 3, Seed: 2}, {Multiprocessors: 144, Seed: 3}} {
			b, _ := emulated(t, c)
			d, err := b.Load(t.Context(), source(530, cols, false), backend.Float32)
			require.NoError(t, err)
			var all []float64
			for _, name := range []string{"one", "three", "nine", "softmax3"} {
				var ev backend.Evaluation
				models := modelSets[name]
				require.NoError(t, d.Eval(t.Context(), models, coefficients(backend.Outputs(models), cols), &ev))
				all = append(append(append(all, ev.Loss...), ev.Grad...), ev.Held...)
			}
			if i == 0 {
				first = all
			}
			require.Equal(t, first, all, "%d columns, %+v", cols, c)
			require.NoError(t, d.Close())
			require.NoError(t, b.Close())
		}
	}
}
