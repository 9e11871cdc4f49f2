package cpu_test

import (
	"fmt"
	"runtime"
	"testing"

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
