package simd

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// BenchmarkModels gives the nanoseconds of a row and model where many models are
// evaluated on a tile that stays in the cache, one core: products and outer sums of all
// models together and of one after the other, and what lies between. The fastest
// fiftieth of the rounds counts, which other work on the machine disturbs least.
func BenchmarkModels(b *testing.B) {
	const models = 50
	for _, s := range Sets() {
		for _, cols := range []int{18, 28, 128, 784} {
			b.Run(fmt.Sprintf("%v/D=%d", s, cols), func(b *testing.B) {
				defer Use(s)()
				k := Of[float32]()
				rows := max(16, min(512, (1<<15)/cols)&^15)
				x, w, bias := make([]float32, rows*cols), make([]float32, models*cols), make([]float32, models)
				z, loss, g := make([]float32, models*rows), make([]float32, rows), make([]float64, models*(cols+1))
				label, fold := make([]int32, rows), make([]int32, rows)
				for i := range x {
					x[i] = float32(uint32(i)*2654435761>>22)/1024 - 0.5
				}
				for i := range w {
					w[i] = float32(i%7)*0.1 - 0.3
				}
				for i := range label {
					label[i], fold[i] = int32(i&1), int32(i%5)
				}
				each := func(f func(o int)) func() {
					return func() {
						for o := range models {
							f(o)
						}
					}
				}
				for _, phase := range []struct {
					name string
					run  func()
				}{
					{"Dots", each(func(o int) { k.Dots(x, w[o*cols:(o+1)*cols], bias[o], z[o*rows:(o+1)*rows]) })},
					{"Products", func() { k.Products(x, w, bias, cols, z) }},
					{"Link", each(func(o int) { k.Link(label, 1, z[o*rows:(o+1)*rows], loss) })},
					{"Losses", each(func(o int) { k.Losses(loss, Weights{Unit: 1, Fold: fold, Left: 2}) })},
					{"Weigh", each(func(o int) { k.Weigh(z[o*rows:(o+1)*rows], Weights{Unit: 1, Fold: fold, Left: 2}) })},
					{"Softmax", func() { k.Softmax(label, models, z, rows, loss) }},
					{"Outer", each(func(o int) { k.Outer(x, z[o*rows:(o+1)*rows], g[o*(cols+1):][:cols]) })},
					{"Outers", func() { k.Outers(x, z, rows, cols, g, cols+1) }},
				} {
					b.Run(phase.name, func(b *testing.B) {
						var took []time.Duration
						for b.Loop() {
							start := time.Now()
							phase.run()
							took = append(took, time.Since(start))
						}
						slices.Sort(took)
						b.ReportMetric(float64(took[len(took)/50].Nanoseconds())/float64(rows*models), "ns/row")
						b.ReportMetric(0, "ns/op")
					})
				}
			})
		}
	}
}
