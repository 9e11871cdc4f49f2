package cpu

import (
	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/cpu/internal/simd"
)

// rates are those of two cores, by instruction set: on Zen 5, but for those of plain Go
// (docs/cpu.md, BenchmarkRates).
var rates = map[simd.Set]backend.Rates{
	simd.AVX512:  {Read: 25e9, Flops: 400e9, Link: 1e-9, Entry: 1e-9, Product: 0.5e-9},
	simd.AVX2:    {Read: 25e9, Flops: 160e9, Link: 1.6e-9, Entry: 1e-9, Product: 0.5e-9},
	simd.Generic: {Read: 7e9, Flops: 8e9, Link: 12e-9, Entry: 1.4e-9, Product: 0.5e-9},
}

var (
	_ backend.Rated = (*data[float32])(nil)
	_ backend.Rated = (*sparse[float32])(nil)
)

// Rates implements backend.Rated.
func (f *frame[T]) Rates() backend.Rates { return f.kernel.rates }
