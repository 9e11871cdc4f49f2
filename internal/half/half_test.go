package half

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var formats = []struct {
	name    string
	round   func(float64) uint16
	value   func(uint16) float32
	largest uint16 // finite
}{
	{"bfloat16", BFloat16, FromBFloat16, 0x7f7f},
	{"float16", Float16, FromFloat16, 0x7bff},
}

func TestRound_EveryValueIsItsOwnNearest(t *testing.T) {
	for _, f := range formats {
		for b := range uint16(f.largest) + 1 {
			require.Equal(t, b, f.round(float64(f.value(b))), f.name)
			require.Equal(t, b|0x8000, f.round(float64(f.value(b|0x8000))), f.name)
		}
	}
}

func TestRound_MidpointsGoToEven(t *testing.T) {
	for _, f := range formats {
		for b := range f.largest {
			mid := (float64(f.value(b)) + float64(f.value(b+1))) / 2
			require.Equal(t, b+b&1, f.round(mid), f.name)
			require.Equal(t, b, f.round(math.Nextafter(mid, 0)), f.name)
			require.Equal(t, b+1, f.round(math.Nextafter(mid, 1e300)), f.name)
		}
	}
}

func TestRound_BeyondTheRangeIsInfinite(t *testing.T) {
	require.Equal(t, uint16(0x7c00), Float16(65520)) // halfway to 2^16
	require.Equal(t, uint16(0x7bff), Float16(65519.99))
	require.Equal(t, uint16(0xff80), BFloat16(-math.MaxFloat64))
	require.Equal(t, uint16(0x7f80), BFloat16(math.Inf(1)))
	require.Equal(t, uint16(0x7f81), BFloat16(math.NaN()))
}

func TestRound_IsMonotoneAndOdd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Float64Range(0, 1e6).Draw(t, "a"), rapid.Float64Range(0, 1e6).Draw(t, "b")
		for _, f := range formats {
			if a <= b {
				require.LessOrEqual(t, f.round(a), f.round(b))
			}
			require.Equal(t, f.round(a)|0x8000, f.round(-a))
		}
	})
}
