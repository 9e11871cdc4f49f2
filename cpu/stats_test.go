package cpu

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/cpu/internal/simd"
)

func TestStats_SameBitsInEveryInstructionSet(t *testing.T) {
	const rows, cols = 9001, 37
	r := rand.New(rand.NewPCG(3, 4))
	x, weights := make([]float32, rows*cols), make([]float64, rows)
	for i := range x {
		x[i] = float32(math.Round(r.NormFloat64()*4) / 3)
	}
	for i := range weights {
		weights[i] = float64(r.IntN(3)) * r.Float64()
	}
	for _, storage := range []backend.Storage{backend.Float64, backend.Float32, backend.BFloat16} {
		var want *backend.Stats
		for _, set := range simd.Sets() {
			func() {
				defer simd.Use(set)()
				d, err := New(backend.Options{Threads: 2}).Load(t.Context(), &backend.Source{
					X:      tensor.New(tensor.WithShape(rows, cols), tensor.WithBacking(x)),
					Labels: [][]int32{make([]int32, rows)}, Weights: [][]float64{weights},
				}, storage)
				require.NoError(t, err)
				got, err := d.Stats(t.Context(), 0)
				require.NoError(t, err)
				require.NoError(t, d.Close())
				if want == nil {
					want = got
				}
				require.Equal(t, want, got, "%v in %v", storage, set)
			}()
		}
	}
}

// momentsOf takes tiles of some hundred rows of x as Stats does those of a block.
func momentsOf(x []float64, cols int, mass []float64) backend.Moments {
	const tile = 500
	s, k := newSegment[float64](cols), kernelsOf[float64]()
	for i := 0; i*cols < len(x); i += tile {
		end := min(i+tile, len(x)/cols)
		if mass == nil {
			s.add(k.Deviations, x[i*cols:end*cols], nil)
		} else {
			s.add(k.Deviations, x[i*cols:end*cols], mass[i:end])
		}
	}
	s.end()
	return s.moments.finish()
}

// TestStats_VarianceKeepsItsDigits: columns of +-1 around an offset, among rows that
// weigh nothing and lie far away, and others that weigh little. Whole tiles of both
// come first.
func TestStats_VarianceKeepsItsDigits(t *testing.T) {
	const rows = 20000
	for _, offset := range []float64{0, 1e6, -1e9} {
		x, mass, plain := make([]float64, 2*rows), make([]float64, rows), make([]float64, 2*rows)
		for i := range rows {
			x[2*i], x[2*i+1] = offset+float64(i%2*2-1), offset-float64(i/2%2*2-1)
			plain[2*i], plain[2*i+1] = x[2*i], x[2*i+1]
			switch {
			case i < 1000 || i%250 < 4: // of those left as many lie on each side
				x[2*i], x[2*i+1] = 1e30, -1e30
			case i < 5000:
				x[2*i] += 1e4 / 3.0
				mass[i] = 0x1p-60
			default:
				mass[i] = 0x1p10
			}
		}
		for j := range 2 {
			for _, m := range []backend.Moments{momentsOf(plain, 2, nil), momentsOf(x, 2, mass)} {
				// The mean is known to an ulp or two; some 20000 sums of a variance have as many
				// roundings of half an ulp, most of which cancel.
				require.InDelta(t, offset, m.Mean[j], max(1, math.Abs(offset))*0x1p-51)
				require.InDelta(t, 1, m.Var[j], 1e-12)
			}
		}
	}
}

// TestStats_ConstantColumnsDoNotDeviate: by more than an ulp, with any weights.
func TestStats_ConstantColumnsDoNotDeviate(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	x, mass := make([]float64, 3*20000), make([]float64, 20000)
	for i := range mass {
		x[3*i], x[3*i+1], x[3*i+2] = 0.1, -1e15/3, 0
		mass[i] = r.ExpFloat64()
	}
	for _, m := range []backend.Moments{momentsOf(x, 3, nil), momentsOf(x, 3, mass)} {
		for j, v := range x[:3] {
			ulp := math.Abs(v) * 0x1p-52
			require.InDelta(t, v, m.Mean[j], ulp)
			require.LessOrEqual(t, math.Sqrt(m.Var[j]), ulp)
		}
	}
}
