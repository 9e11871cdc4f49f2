package simd

import (
	"fmt"
	"testing"
)

// BenchmarkGram gives the products a second of a tile of 128 rows, those below the
// diagonal not counted, on one core.
func BenchmarkGram(b *testing.B) {
	for _, s := range Sets() {
		for _, cols := range []int{28, 128, 512, 2000} {
			b.Run(fmt.Sprintf("%v/D=%d", s, cols), func(b *testing.B) {
				defer Use(s)()
				const rows = 128
				x, g := make([]float32, rows*cols), make([]float64, cols*cols)
				k := Of[float32]()
				for b.Loop() {
					k.Gram(x, x, cols, g, cols)
				}
				b.ReportMetric(float64(rows*cols*(cols+1)/2)*float64(b.N)/1e9/b.Elapsed().Seconds(), "G-products/s")
			})
		}
	}
}
