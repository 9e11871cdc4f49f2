package cpu_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/cpu"
	"github.com/logreg-gpu/logreg-gpu/cpu/internal/simd"
	"github.com/logreg-gpu/logreg-gpu/cpu/reference"
)

// BenchmarkRates measures what a row of the table of rates says, on two threads and the
// fastest of the passes, in each instruction set and by the reference: X of 128 columns
// for dense, of 64 entries in 4096 columns for sparse.
func BenchmarkRates(b *testing.B) {
	for _, set := range simd.Sets() {
		b.Run(set.String(), func(b *testing.B) {
			defer simd.Use(set)()
			benchmarkRates(b, cpu.New(backend.Options{Threads: 2}), 50000)
		})
	}
	b.Run("reference", func(b *testing.B) { benchmarkRates(b, reference.New(), 5000) })
}

func benchmarkRates(b *testing.B, on backend.Backend, rows int) {
	const cols, outputs, wide, entries = 128, 50, 4096, 64
	x, labels := make([]float32, rows*cols), make([]int32, rows)
	for i := range x {
		x[i] = float32(uint32(i)*2654435761>>22)/1024 - 0.5
	}
	for i := range labels {
		labels[i] = int32(i & 1)
	}
	m := &backend.CSR{Rows: rows, Cols: wide, RowPtr: []int64{0}}
	for i := range rows {
		for j := range entries {
			m.Col = append(m.Col, uint32(j*entries+i*7%entries))
		}
		m.RowPtr = append(m.RowPtr, int64(len(m.Col)))
	}
	m.Val32 = x[:len(m.Col)]
	load := func(src *backend.Source) backend.Data {
		src.Labels = [][]int32{labels}
		d, err := on.Load(b.Context(), src, backend.Float32)
		require.NoError(b, err)
		return d
	}
	dense, sparse := load(&backend.Source{X: tensor.New(tensor.WithShape(rows, cols), tensor.WithBacking(x))}), load(&backend.Source{Sparse: m})
	defer dense.Close()
	defer sparse.Close()

	one, many := []backend.Model{backend.Binary()}, []backend.Model{backend.Softmax(outputs)}
	all := make([]int, wide)
	for j := range all {
		all[j] = j
	}
	block, ev := []backend.GramBlock{{}}, new(backend.Evaluation)
	gram, spread, diagonal := make([]float64, (cols+1)*(cols+1)), make([]float64, (wide+1)*(wide+1)), make([]float64, wide+1)
	coef := make([]float64, outputs*(wide+1))
	for name, run := range map[string]func() error{
		"Read": func() error { return dense.Eval(b.Context(), one, coef[:cols+1], ev) },
		"Many": func() error { return dense.Eval(b.Context(), many, coef[:outputs*(cols+1)], ev) },
		"Flops": func() error {
			return dense.(backend.Gram).Gram(b.Context(), one, coef[:cols+1], block, [][]float64{gram}, nil)
		},
		"Entry": func() error { return sparse.Eval(b.Context(), one, coef[:wide+1], ev) },
		"Product": func() error {
			return sparse.(backend.ColumnGram).ColumnGram(b.Context(), one, coef[:wide+1], block, all, [][]float64{spread}, [][]float64{diagonal})
		},
	} {
		b.Run(name, func(b *testing.B) {
			fastest := time.Duration(1 << 62)
			for b.Loop() {
				start := time.Now()
				require.NoError(b, run())
				fastest = min(fastest, time.Since(start))
			}
			n, took := float64(rows), fastest.Seconds()
			switch name {
			case "Read":
				b.ReportMetric(4*cols*n/took/1e9, "GB/s")
			case "Many":
				b.ReportMetric(4*cols*outputs*n/took/1e9, "Gflop/s")
			case "Flops":
				b.ReportMetric(cols*cols*n/took/1e9, "Gflop/s")
			case "Entry":
				b.ReportMetric(took/n/entries*1e9, "ns/entry")
			case "Product":
				b.ReportMetric(took/n/((entries+1)*(entries+2)/2)*1e9, "ns/product")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}
