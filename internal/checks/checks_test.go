package checks

import (
	"hash/crc32"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every place within what is looked at in one go and around it, and numbers next to the
// infinite.
func TestFinite(t *testing.T) {
	for _, n := range []int{0, 1, 2, 7, 63, 64, 65, 128, 200} {
		whole, wholeWide := make([]float32, n+2), make([]float64, n+2)
		for i := range whole {
			whole[i], wholeWide[i] = float32(math.Inf(1)), math.NaN() // beside the slices
		}
		x, wide := whole[1:n+1], wholeWide[1:n+1]
		for i := range x {
			x[i], wide[i] = math.MaxFloat32, -math.MaxFloat64
		}
		require.True(t, Finite(x) && Finite(wide) && FiniteGeneric(x) && FiniteGeneric(wide), "%d", n)
		for i := range x {
			for _, v := range []float64{math.Inf(1), math.Inf(-1), math.NaN(), math.Copysign(math.NaN(), -1)} {
				x[i], wide[i] = float32(v), v
				require.False(t, Finite(x) || Finite(wide) || FiniteGeneric(x) || FiniteGeneric(wide), "%v at %d of %d", v, i, n)
			}
			x[i], wide[i] = -math.SmallestNonzeroFloat32, math.SmallestNonzeroFloat64
		}
	}
}

// Sums of every length up to some folds, at every alignment, are those of hash/crc32.
func TestCRC32C(t *testing.T) {
	require.Equal(t, uint32(0xe3069283), CRC32C([]byte("123456789"))) // the check value of CRC catalogues
	random := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, 100_000)
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	for n := range 3000 {
		x := b[n%64 : n%64+n]
		require.Equal(t, crc32.Checksum(x, castagnoli), CRC32C(x), "%d bytes", n)
	}
	require.Equal(t, crc32.Checksum(b, castagnoli), CRC32C(b))
	for cut := 0; cut < len(b); cut += 777 {
		require.Equal(t, crc32.Checksum(b, castagnoli), UpdateCRC32C(CRC32C(b[:cut]), b[cut:]), "cut at %d", cut)
	}
}

// BenchmarkChecks reads what stays in a second-level cache.
func BenchmarkChecks(b *testing.B) {
	x := make([]float32, 1<<16)
	data := make([]byte, 1<<18)
	for _, check := range []struct {
		name string
		run  func()
	}{
		{"Finite", func() { Finite(x) }},
		{"FiniteGeneric", func() { FiniteGeneric(x) }},
		{"CRC32C", func() { CRC32C(data) }},
		{"hash_crc32", func() { crc32.Checksum(data, castagnoli) }},
	} {
		b.Run(check.name, func(b *testing.B) {
			b.SetBytes(1 << 18)
			for b.Loop() {
				check.run()
			}
		})
	}
}
