//go:build !race

package cuda

import (
	"bytes"
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
func smallFit(d driver.Driver, src *backend.Source) (err error) {
	b, err := New(EmulatorName, d, 0, backend.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	ctx := context.Background()
	x, err := b.Load(ctx, src, backend.Float32)
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
	if err := s.(backend.ColumnGram).ColumnGram(ctx, models, coef, []backend.GramBlock{{}}, []int{2}, [][]float64{h[0][:4]}, [][]float64{make([]float64, 7)}); err != nil {
		return err
	}
	return s.(backend.Gram).Gram(ctx, models, coef, []backend.GramBlock{{}}, h, &ev)
}

// A failure at any call of a small fit is a typed error, leaks nothing, and the next fit
// on the same driver works.
func TestFaults_EveryCall(t *testing.T) {
	for name, src := range map[string]*backend.Source{"dense": source(40, 6, true), "sparse": sparseSource(40, 6, 3, "float64")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			faultEveryCall(t, src)
		})
	}
}

func faultEveryCall(t *testing.T, src *backend.Source) {
	counting := ptx.NewDriver(ptx.Config{Late: true})
	require.NoError(t, smallFit(counting, src))
	for _, kind := range []string{"launch", "copy", "alloc", "alloc host", "memset", "load", "synchronize"} {
		code := driver.LaunchFailed
		if kind == "alloc" || kind == "alloc host" {
			code = driver.OutOfMemory
		}
		calls := counting.Calls(kind)
		t.Logf("%d calls of %s", calls, kind)
		for n := 1; n <= calls; n++ {
			d := ptx.NewDriver(ptx.Config{Late: true, Unchecked: true, Faults: []ptx.Injection{{Call: kind, N: n, Code: code}}})
			err := smallFit(d, src)
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
			require.NoError(t, smallFit(d, src), "after %s", what)
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

// Rows that pass in many chunks, by way of buffers used again, are the same rows: loading,
// predicting and the two-phase kernels. Copies run as late as they may.
func TestChunks_P8_ManyAsOne(t *testing.T) {
	t.Parallel()
	src := source(600, 50, false)
	src.X.Data().([]float32)[0] = 1e3 // an affine map, too
	models := append(ovr(2), modelSets["softmax20"]...)
	coef := coefficients(backend.Outputs(models), 50)
	var evals [2]backend.Evaluation
	var hess, predicted [2][]float64
	for i := range evals {
		b, _ := emulated(t, ptx.Config{Late: true, OneThread: true})
		if i == 1 {
			b.(*gpu).chunks = chunks{source: 50 * 4 * 70, cache: 1, predicted: 8 * 22 * 110, piece: chunkBytes.piece}
		}
		d, err := b.Load(t.Context(), src, backend.Float32)
		require.NoError(t, err)
		require.NoError(t, d.Eval(t.Context(), models, coef, &evals[i]))
		hess[i], predicted[i] = make([]float64, len(coef)), make([]float64, 600*22)
		require.NoError(t, d.(backend.HessVec).HessVec(t.Context(), models, coef, coef, hess[i]))
		require.NoError(t, d.Predict(t.Context(), models, coef, predicted[i]))
		require.NoError(t, d.Close())
		require.NoError(t, b.Close())
	}
	require.Equal(t, predicted[0], predicted[1])
	// The sums of two phases are cut at the chunks: other roundings.
	requireNear(t, backend.Float32, evals[0].Loss, evals[1].Loss, "loss")
	requireNear(t, backend.Float32, evals[0].Held, evals[1].Held, "held-out loss")
	requireNear(t, backend.Float32, evals[0].Grad, evals[1].Grad, "gradient")
	requireNear(t, backend.Float32, hess[0], hess[1], "hessian product")
}

// Every byte arrives, and none beyond, whatever the pieces.
func TestFill_CopiesAll(t *testing.T) {
	for _, n := range []int{0, 1, 4 << 20, 4<<20 + 1, 9<<20 + 5} {
		src, dst := make([]byte, n), make([]byte, n+8)
		for i := range src {
			src[i] = byte(i>>12) + byte(i)
		}
		fill(dst, src)
		require.True(t, bytes.Equal(src, dst[:n]), "%d bytes", n)
		require.Zero(t, dst[n])
	}
}

// The same bits whatever the number of multiprocessors and the order of blocks, warps
// and lanes, in every operation that sums over rows.
func TestSums_P9_AnyGridAndOrder(t *testing.T) {
	t.Parallel()
	for _, cols := range []int{9, 28, 150, 1100} {
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
			one, coef := modelSets["one"], coefficients(1, cols)
			hv, h := make([]float64, len(coef)), make([]float64, len(coef)*len(coef))
			require.NoError(t, d.(backend.HessVec).HessVec(t.Context(), one, coef, coef, hv))
			if cols <= 150 {
				require.NoError(t, d.(backend.Gram).Gram(t.Context(), one, coef, []backend.GramBlock{{}}, [][]float64{h}, nil))
			}
			stats, err := d.Stats(t.Context(), 0)
			require.NoError(t, err)
			line, err := d.(backend.LineSearcher).Direction(t.Context(), one, coef, hv)
			require.NoError(t, err)
			along := [][]float64{make([]float64, 2), make([]float64, 2)}
			require.NoError(t, line.At(t.Context(), [][]float64{{0.5, 1}}, along[:1], along[1:]))
			require.NoError(t, line.Close())
			for _, v := range append(along, hv, h, stats.Mean, stats.Var, stats.Weighted.Mean, stats.Weighted.Var) {
				all = append(all, v...)
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
