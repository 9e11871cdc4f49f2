package logreg_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	logreg "github.com/logreg-gpu/logreg-gpu"
	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/backend/backendtest"
	"github.com/logreg-gpu/logreg-gpu/dataset"
	"github.com/logreg-gpu/logreg-gpu/objective"
)

// streamed is a dataset in memory and the same with its features in a reader.
func streamed(t *testing.T, rows, cols, classes int, dtype tensor.Dtype) (memory, disk *dataset.Dataset) {
	rng := rand.New(rand.NewPCG(uint64(rows), uint64(cols)))
	x, labels := make([]float64, rows*cols), make([]int, rows)
	for i := range rows {
		z := rng.NormFloat64()
		for j := range cols {
			v := rng.NormFloat64()
			z += v / float64(1+j)
			x[i*cols+j] = v + float64(j%3*100) // some far from zero
		}
		labels[i] = min(max(int(z+float64(classes)/2), 0), classes-1)
	}
	var err error
	if dtype == tensor.Float32 {
		narrow := make([]float32, len(x))
		for i, v := range x {
			narrow[i] = float32(v)
		}
		memory, err = dataset.New(narrow, rows, cols, labels)
	} else {
		memory, err = dataset.New(x, rows, cols, labels)
	}
	require.NoError(t, err)
	memory.Weights = make([]float64, rows)
	for i := range memory.Weights {
		memory.Weights[i] = rng.Float64()
	}
	copied := *memory
	copied.X, copied.Stream = nil, &backendtest.Rows{X: memory.X}
	return memory, &copied
}

// Whether X is in memory or read in every pass, a fit ends in the same bits.
func TestFit_P10_StreamedIsInMemory(t *testing.T) {
	for _, c := range []struct {
		rows, cols, classes int
		dtype               tensor.Dtype
		storage             backend.Storage
		change              func(*logreg.Options)
	}{
		{40000, 20, 2, tensor.Float32, backend.Float32, nil}, // staged, through samples
		{40000, 20, 2, tensor.Float64, backend.Float64, nil},
		{40000, 20, 2, tensor.Float64, backend.BFloat16, nil},
		{40000, 20, 2, tensor.Float32, backend.Float16, func(o *logreg.Options) { o.Standardize = true }},
		{40000, 20, 2, tensor.Float32, backend.Float32, func(o *logreg.Options) { o.Penalty = "l1" }},
		{40000, 20, 3, tensor.Float32, backend.Float32, nil},
		{40000, 20, 4, tensor.Float32, backend.Float32, func(o *logreg.Options) { o.MultiClass = "ovr" }},
		{9000, 40, 2, tensor.Float64, backend.Float32, func(o *logreg.Options) { o.Solver = "newton" }},
		{9000, 40, 2, tensor.Float64, backend.Auto, func(o *logreg.Options) { o.Solver = "lbfgs"; o.NoIntercept = true }},
		{9000, 40, 2, tensor.Float32, backend.Float32, func(o *logreg.Options) { o.Solver = "newton-cg" }},
		{9000, 40, 2, tensor.Float32, backend.Float32, func(o *logreg.Options) { o.Solver = "sgd"; o.SGD.Batch = 500; o.MaxIter = 3 }},
		{1500, 40, 2, tensor.Float64, backend.Float32, func(o *logreg.Options) { o.Backend = "cpu-reference" }},
	} {
		o := logreg.DefaultOptions()
		o.Backend, o.Storage = "cpu", c.storage
		if c.change != nil {
			c.change(&o)
		}
		t.Run(fmt.Sprintf("%dx%d_%d_%v_%v_%s_%s_%s", c.rows, c.cols, c.classes, c.dtype, c.storage, o.Solver, o.Penalty, o.MultiClass), func(t *testing.T) {
			memory, disk := streamed(t, c.rows, c.cols, c.classes, c.dtype)
			want, err := logreg.Fit(t.Context(), memory, o)
			require.NoError(t, err)
			for _, limit := range []int64{0, 64 << 20} {
				o.MaxMemory = limit
				got, err := logreg.Fit(t.Context(), disk, o)
				require.NoError(t, err)
				require.Equal(t, want.Model, got.Model)
				require.Equal(t, want.Trace, got.Trace)
			}
		})
	}
}

func TestFitCV_P10_StreamedIsInMemory(t *testing.T) {
	memory, disk := streamed(t, 30000, 20, 2, tensor.Float64)
	o := logreg.DefaultCVOptions()
	o.Backend, o.Cs, o.Folds = "cpu", []float64{0.01, 1, 100}, 3
	want, err := logreg.FitCV(t.Context(), memory, o)
	require.NoError(t, err)
	o.MaxMemory = 64 << 20
	got, err := logreg.FitCV(t.Context(), disk, o)
	require.NoError(t, err)
	require.Equal(t, want.Trials, got.Trials)
	require.Equal(t, want.Refit.Model, got.Refit.Model)
	require.Equal(t, want.Passes, got.Passes)
}

// Samples that do not fit are made smaller, to the same optimum; where nothing fits, the
// error says how much would do.
func TestFit_P10_LittleMemory(t *testing.T) {
	memory, disk := streamed(t, 60000, 60, 2, tensor.Float32)
	o := logreg.DefaultOptions()
	o.Backend, o.Storage = "cpu", backend.Float32
	want, err := logreg.Fit(t.Context(), memory, o)
	require.NoError(t, err)

	o.MaxMemory = 59 << 20
	said := ""
	o.Log = func(line string) { said += line + "\n" }
	got, err := logreg.Fit(t.Context(), disk, o)
	require.NoError(t, err)
	require.Contains(t, said, "do not fit into the memory that is allowed")
	require.True(t, got.Converged())
	require.NotEqual(t, want.Passes, got.Passes)
	require.InDelta(t, want.Objective, got.Objective, 1e-6*want.Objective)

	o.MaxMemory = 30 << 20
	_, err = logreg.Fit(t.Context(), disk, o)
	require.ErrorAs(t, err, new(*objective.OptionError))
	require.ErrorContains(t, err, "max-memory is 31 MB, and a fit takes")
	o.MaxMemory = 55 << 20
	_, err = logreg.Fit(t.Context(), disk, o)
	require.ErrorAs(t, err, new(*backend.MemoryLimitError))
	require.ErrorContains(t, err, "raise --max-memory")
}

func TestFit_P20_StreamThatFails(t *testing.T) {
	_, disk := streamed(t, 40000, 20, 2, tensor.Float32)
	o := logreg.DefaultOptions()
	o.Backend, o.Storage, o.MaxMemory = "cpu", backend.Float32, 59<<20
	gone, reads := errors.New("the file has been changed"), 0
	disk.Stream.(*backendtest.Rows).Fail = func(int, int) error {
		if reads++; reads > 4110 { // beyond the rows that the affine map is chosen from
			return gone
		}
		return nil
	}
	o.Threads = 1
	_, err := logreg.Fit(t.Context(), disk, o)
	require.ErrorIs(t, err, gone)
}

// sparseFiles is a LibSVM file in memory and left on the disk.
func sparseFiles(t *testing.T, rows, cols, classes int) (memory, disk *dataset.Dataset) {
	rng := rand.New(rand.NewPCG(uint64(rows), uint64(cols)))
	var text strings.Builder
	for range rows {
		z, entries := rng.NormFloat64(), ""
		for j := 1 + rng.IntN(cols/8); j <= cols; j += 1 + rng.IntN(cols/8) {
			v := rng.NormFloat64()
			z += v / float64(1+j%7)
			entries += fmt.Sprintf(" %d:%v", j, v)
		}
		fmt.Fprintf(&text, "%d%s\n", min(max(int(z+float64(classes)/2), 0), classes-1), entries)
	}
	path := filepath.Join(t.TempDir(), "t.svm")
	require.NoError(t, os.WriteFile(path, []byte(text.String()), 0o600))
	memory, err := dataset.Read(t.Context(), path, dataset.ReadOptions{})
	require.NoError(t, err)
	disk, err = dataset.Read(t.Context(), path, dataset.ReadOptions{MaxMemory: 1})
	require.NoError(t, err)
	require.NotNil(t, disk.SparseStream)
	t.Cleanup(func() { require.NoError(t, disk.Close()) })
	return memory, disk
}

// Sparse X of a file that does not fit ends in the same bits as well.
func TestFit_P10_P6_SparseStreamedIsInMemory(t *testing.T) {
	for _, c := range []struct {
		rows, cols, classes int
		change              func(*logreg.Options)
	}{
		{20000, 60, 2, nil}, // staged, through samples
		{20000, 60, 2, func(o *logreg.Options) { o.Penalty = "l1"; o.Storage = backend.Float32 }},
		{20000, 60, 3, func(o *logreg.Options) { o.Standardize = true }},
		{6000, 60, 4, func(o *logreg.Options) { o.MultiClass = "ovr"; o.Backend = "cpu" }},
		{6000, 5000, 2, func(o *logreg.Options) { o.Solver = "lbfgs"; o.NoIntercept = true }},
		{6000, 60, 2, func(o *logreg.Options) { o.Solver = "newton" }},
		{6000, 60, 2, func(o *logreg.Options) { o.Solver = "newton-cg" }},
		{1500, 60, 2, func(o *logreg.Options) { o.Backend = "cpu-reference" }},
	} {
		o := logreg.DefaultOptions()
		if c.change != nil {
			c.change(&o)
		}
		t.Run(fmt.Sprintf("%dx%d_%d_%s_%s_%s", c.rows, c.cols, c.classes, o.Solver, o.Penalty, o.Backend), func(t *testing.T) {
			memory, disk := sparseFiles(t, c.rows, c.cols, c.classes)
			want, err := logreg.Fit(t.Context(), memory, o)
			require.NoError(t, err)
			for _, limit := range []int64{0, 180 << 20} {
				o.MaxMemory = limit
				got, err := logreg.Fit(t.Context(), disk, o)
				require.NoError(t, err)
				require.Equal(t, want.Model.Coef, got.Model.Coef)
				require.Equal(t, want.Model.Intercept, got.Model.Intercept)
				require.Equal(t, want.Trace, got.Trace)
				for _, b := range []string{"", "cpu"} {
					wantP, err := logreg.Predict(t.Context(), want.Model, memory, logreg.PredictOptions{Backend: b})
					require.NoError(t, err)
					gotP, err := logreg.Predict(t.Context(), got.Model, disk, logreg.PredictOptions{Backend: b, MaxMemory: limit})
					require.NoError(t, err)
					require.Equal(t, wantP, gotP)
				}
			}
		})
	}
	memory, disk := sparseFiles(t, 4000, 40, 2)
	o := logreg.DefaultCVOptions()
	o.Cs, o.Folds = []float64{0.1, 10}, 3
	want, err := logreg.FitCV(t.Context(), memory, o)
	require.NoError(t, err)
	got, err := logreg.FitCV(t.Context(), disk, o)
	require.NoError(t, err)
	require.Equal(t, want.Trials, got.Trials)
	require.Equal(t, want.Refit.Model.Coef, got.Refit.Model.Coef)

	memory, disk = sparseFiles(t, 300, 20, 2)
	for _, fixed := range []bool{false, true} {
		fit := logreg.DefaultOptions()
		fit.Backend, fit.FixedPoint = "cuda-emu", fixed
		want, err := logreg.Fit(t.Context(), memory, fit)
		require.NoError(t, err)
		fit.MaxMemory = 180 << 20
		got, err := logreg.Fit(t.Context(), disk, fit)
		require.NoError(t, err)
		require.Equal(t, want.Model.Coef, got.Model.Coef)
		require.Equal(t, want.Model.Intercept, got.Model.Intercept)
		require.Equal(t, want.Trace, got.Trace)
	}
}
