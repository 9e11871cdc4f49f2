package draw

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestBelow_AssemblyIsTheTwin: any number of rows and any limits; what was there before
// stays.
func TestBelow_AssemblyIsTheTwin(t *testing.T) {
	if assembly == nil {
		t.Skip("this processor has no assembly")
	}
	r := rand.New(rand.NewPCG(1, 2))
	limits := []uint64{0, 1, 1 << 29, 1 << 31, 3 << 30, math.MaxUint32, 1 << 32}
	for n := range 2*batch + 20 {
		labels := make([]int32, n)
		for i := range labels {
			labels[i] = int32(r.IntN(3))
		}
		l := Limits{1, limits[r.IntN(len(limits))], limits[r.IntN(len(limits))]}
		seed, first := r.Uint64(), 2*r.IntN(1<<40)
		before := []int{-1, -2}
		want := BelowGeneric(before, seed, first, labels, l)
		require.Equal(t, want, Below(before, seed, first, labels, l), "%d rows, %v", n, l)
		require.Equal(t, []int{-1, -2}, want[:2])
	}
}

// TestBelow_IsNumberBelowLimit: the rows found are those that Number puts below.
func TestBelow_IsNumberBelowLimit(t *testing.T) {
	labels := make([]int32, 3000)
	for i := range labels {
		labels[i] = int32(i % 3)
	}
	l := Limits{2, Limit(0.5), Limit(0.01)}
	got := Below(nil, 5, 100, labels, l)
	for i, label := range labels {
		row := 100 + i
		require.Equal(t, Number(5, row) < l.of(label), slices.Contains(got, row), row)
	}
}

// TestNumber_IsUniform: of n numbers a share p is below p. The deviation of that count is
// sqrt(n p (1-p)); more than six of them are left to one seed in 10^9.
func TestNumber_IsUniform(t *testing.T) {
	const n = 1 << 16
	for _, p := range []float64{1.0 / 1024, 0.125, 0.5, 0.9} {
		got := float64(len(BelowGeneric(nil, 7, 0, make([]int32, n), Limits{0, Limit(p), 0})))
		require.InDelta(t, n*p, got, 6*math.Sqrt(n*p*(1-p)))
	}
}
