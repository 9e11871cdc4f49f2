package cpu_test

import (
	"fmt"
	"math"
	"runtime"
	"testing"
	"time"

	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/cpu"
	"github.com/logreg-gpu/logreg-gpu/cpu/reference"
)

// benchBytes is the size of X: well above every cache.
const benchBytes = 256 << 20

// BenchmarkEval prints, in GB/s of X, one loss and gradient by the fast path and by
// the reference (an eighth of the rows: it takes its time), beside a plain sum of the
// same array by the same number of threads.
func BenchmarkEval(b *testing.B) {
	for _, storage := range []backend.Storage{backend.Float32, backend.Float64} {
		for _, cols := range []int{18, 28, 64, 128, 1024, 2000} {
			b.Run(fmt.Sprintf("%v/D=%d", storage, cols), func(b *testing.B) {
				if storage == backend.Float32 {
					benchEval[float32](b, storage, cols)
				} else {
					benchEval[float64](b, storage, cols)
				}
			})
		}
	}
}

// benchEval fills X with numbers in [-1, 1) from a small generator; labels alternate.
func benchEval[T float32 | float64](b *testing.B, storage backend.Storage, cols int) {
	rows := benchBytes / storage.Bytes() / cols
	x := make([]T, rows*cols)
	state := uint32(1)
	for i := range x {
		state = state*1664525 + 1013904223
		x[i] = T(int32(state)) / (1 << 31)
	}
	labels := make([]int32, rows)
	for i := range labels {
		labels[i] = int32(i & 1)
	}
	coef := make([]float64, cols+1)
	for j := range coef {
		coef[j] = float64(j%7-3) / float64(cols)
	}
	source := func(rows int) *backend.Source {
		return &backend.Source{X: tensor.New(tensor.WithShape(rows, cols), tensor.WithBacking(x[:rows*cols])), Labels: [][]int32{labels[:rows]}}
	}
	b.Run("read", func(b *testing.B) {
		b.SetBytes(int64(len(x) * storage.Bytes()))
		for b.Loop() {
			cpu.Read(x, runtime.GOMAXPROCS(0))
		}
	})
	for _, run := range []struct {
		name string
		on   backend.Backend
		rows int
	}{
		{"cpu", cpu.New(backend.Options{}), rows},
		{"reference", reference.New(), rows / 8},
	} {
		b.Run(run.name, func(b *testing.B) {
			d, err := run.on.Load(b.Context(), source(run.rows), storage)
			if err != nil {
				b.Fatal(err)
			}
			defer d.Close()
			models, ev := []backend.Model{backend.Binary()}, new(backend.Evaluation)
			b.SetBytes(int64(run.rows * cols * storage.Bytes()))
			for b.Loop() {
				if err := d.Eval(b.Context(), models, coef, ev); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkEvalMany prints the nanoseconds of a row and output, the fastest of the
// passes, by all cores: fifty models that leave out folds, and softmax of ten and of a
// thousand classes.
func BenchmarkEvalMany(b *testing.B) {
	folded := make([]backend.Model, 50)
	for k := range folded {
		folded[k] = backend.Binary()
		folded[k].Fold = k % 5
	}
	for _, c := range []struct {
		name       string
		rows, cols int
		models     []backend.Model
	}{
		{"D=28/models=50", 300000, 28, folded},
		{"D=128/models=50", 100000, 128, folded},
		{"D=784/classes=10", 60000, 784, []backend.Model{backend.Softmax(10)}},
		{"D=20/classes=1000", 5000, 20, []backend.Model{backend.Softmax(1000)}},
	} {
		b.Run(c.name, func(b *testing.B) {
			x, labels, folds := make([]float32, c.rows*c.cols), make([]int32, c.rows), make([]int32, c.rows)
			state := uint32(1)
			for i := range x {
				state = state*1664525 + 1013904223
				x[i] = float32(int32(state)) / (1 << 31)
			}
			outputs := backend.Outputs(c.models)
			for i := range labels {
				labels[i], folds[i] = int32(i*7%max(2, c.models[0].Classes)), int32(i%5)
			}
			coef := make([]float64, outputs*(c.cols+1))
			for j := range coef {
				coef[j] = float64(j*13%7-3) / float64(c.cols)
			}
			d, err := cpu.New(backend.Options{}).Load(b.Context(), &backend.Source{
				X: tensor.New(tensor.WithShape(c.rows, c.cols), tensor.WithBacking(x)), Labels: [][]int32{labels}, Folds: folds,
			}, backend.Float32)
			if err != nil {
				b.Fatal(err)
			}
			defer d.Close()
			ev, fastest := new(backend.Evaluation), time.Duration(math.MaxInt64)
			for b.Loop() {
				start := time.Now()
				if err := d.Eval(b.Context(), c.models, coef, ev); err != nil {
					b.Fatal(err)
				}
				fastest = min(fastest, time.Since(start))
			}
			b.ReportMetric(float64(fastest.Nanoseconds())/float64(c.rows*outputs), "ns/output")
			b.ReportMetric(0, "ns/op")
		})
	}
}
