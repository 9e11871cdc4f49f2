package ptx

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
)

// Kernels from clang and nvcc compute what they should, for every schedule, and the
// checks find nothing in them.
func TestKernels_RightForEverySeed(t *testing.T) {
	for seed := uint64(0); seed < 8; seed++ {
		t.Run(fmt.Sprint("seed", seed), func(t *testing.T) {
			v := open(t, Config{Seed: seed})
			basic, nvcc := v.load("basic.sm_75.ptx"), v.load("nvcc.sm_80.ptx")

			x, y := v.buffer("x", floats(1000, iota32)), v.buffer("y", floats(1000, iota32))
			require.NoError(t, v.c.Launch(v.function(basic, "saxpy"), driver.Grid1(8, 128, 0, nil), driver.PtrArg(x), driver.PtrArg(y), driver.Uint64(1000)))
			got := make([]float32, 1000)
			v.read(y, got)
			for i, g := range got {
				f := float32(i)
				require.Equal(t, float32(2*f+1)+f/3, g)
			}

			out := v.buffer("out", 16)
			require.NoError(t, v.c.Launch(v.function(basic, "dot"), driver.Grid1(2, 256, 1024, nil), driver.PtrArg(x), driver.PtrArg(x), driver.PtrArg(out), driver.Uint32(100)))
			sums := make([]float64, 2)
			v.read(out, sums)
			require.Equal(t, []float64{328350, 328350}, sums)

			r := v.buffer("r", floats(256, iota32))
			require.NoError(t, v.c.Launch(v.function(basic, "rotate"), driver.Grid1(2, 128, 0, nil), driver.PtrArg(r), driver.Int32(5)))
			v.read(r, got[:256])
			for i := range 256 {
				require.Equal(t, float32(i/128*128+(i+5)%128), got[i])
			}

			start := make([]uint32, 32)
			for i := range start {
				start[i] = uint32(i + 1)
			}
			in, steps := v.buffer("in", start), v.buffer("steps", 128)
			require.NoError(t, v.c.Launch(v.function(basic, "collatz"), driver.Grid1(1, 32, 0, nil), driver.PtrArg(in), driver.PtrArg(steps)))
			n := make([]uint32, 32)
			v.read(steps, n)
			require.Equal(t, []uint32{0, 1, 7, 2, 5, 8, 16, 3, 19, 6, 14, 9, 9, 17, 17, 4, 12, 20, 20, 7, 7, 15, 15, 10, 23, 10, 111, 18, 18, 18, 106, 5}, n)

			require.NoError(t, v.c.Launch(v.function(basic, "reverse"), driver.Grid1(1, 32, 0, nil), driver.PtrArg(x), driver.PtrArg(y), driver.Int32(16)))
			v.read(y, got[:512])
			for i := range 512 {
				require.Equal(t, float32(i/16*16+15-i%16), got[i])
			}

			logistic(t, v, nvcc)
			lastBlock(t, v, nvcc)
			histogramKernel(t, v, nvcc)

			keys, o := v.buffer("keys", []int32{0, 1, 2, 3, 4, 5, 6, 7, 8, -1}), v.buffer("o", 40)
			require.NoError(t, v.c.Launch(v.function(nvcc, "jump"), driver.Grid1(1, 10, 0, nil), driver.PtrArg(keys), driver.PtrArg(o)))
			jumped := make([]int32, 10)
			v.read(o, jumped)
			require.Equal(t, []int32{0, 8, 7, 6, 0, 5, 2, 29, -1, -1}, jumped)
		})
	}
}

func logistic(t *testing.T, v *device, m driver.Module) {
	const n, d = 9, 200
	xs := floats(n*d, func(i int) float32 { return float32(i*7919%201-100) / 100 })
	ws := floats(d, func(i int) float32 { return float32(i%7-3) / 4 })
	ys := floats(n, func(i int) float32 { return float32(i & 1) })
	x, w, y, loss := v.buffer("x", xs), v.buffer("w", ws), v.buffer("labels", ys), v.buffer("loss", 8*n)
	v.d.TraceReads(x)
	require.NoError(t, v.c.Launch(v.function(m, "logistic"), driver.Grid1(n, 96, 0, nil), driver.PtrArg(x), driver.PtrArg(w),
		driver.PtrArg(y), driver.PtrArg(loss), driver.Int32(n), driver.Int32(d)))
	got := make([]float64, n)
	v.read(loss, got)
	for i := range got {
		z := 0.0
		for j := range ws {
			z += float64(xs[i*d+j]) * float64(ws[j])
		}
		want := math.Max(z, 0) - float64(ys[i])*z + math.Log1p(math.Exp(-math.Abs(z)))
		// float32 sums of 200 products of order one: a few units of 2^-24 times the sum of sizes
		require.InDelta(t, want, got[i], 2e-5)
	}
	for i, c := range v.d.Reads(x) {
		require.Equal(t, uint32(1), c, "byte %d of x", i)
	}
	require.Equal(t, uint64(4*n*d), v.d.Allocations("x")[len(v.d.Allocations("x"))-1].Loaded)
}

func lastBlock(t *testing.T, v *device, m driver.Module) {
	x, part, out := v.buffer("x2", floats(5000, iota32)), v.buffer("part", 4*9), v.buffer("sum", 4)
	for range 2 { // the counter is reset by the last block
		require.NoError(t, v.c.Launch(v.function(m, "last_block"), driver.Grid1(9, 256, 0, nil), driver.PtrArg(x), driver.PtrArg(part), driver.PtrArg(out), driver.Int32(5000)))
		got := make([]float32, 1)
		v.read(out, got)
		require.Equal(t, float32(12497500), got[0])
	}
	w, bar := v.buffer("w", floats(9*64, iota32)), v.buffer("bar", make([]uint32, 1))
	require.NoError(t, v.c.Launch(v.function(m, "grid_barrier"), driver.Grid1(9, 64, 0, nil), driver.PtrArg(bar), driver.PtrArg(w), driver.Int32(3)))
	want, got := floats(9*64, iota32), make([]float32, 9*64)
	for range 3 {
		next := make([]float32, len(want))
		for i := range next {
			s := float32(0)
			for b := range 9 {
				s += want[b*64+i%64]
			}
			next[i] = s*0.5 + float32(i/64)
		}
		want = next
	}
	v.read(w, got)
	require.Equal(t, want, got)
}

func histogramKernel(t *testing.T, v *device, m driver.Module) {
	keys := make([]uint32, 500)
	want := make([]uint32, 64)
	for i := range keys {
		keys[i] = uint32(i)
		want[uint32(i)*2654435761%61]++
	}
	k, h := v.buffer("keys", keys), v.buffer("hist", make([]uint32, 64))
	require.NoError(t, v.c.Launch(v.function(m, "histogram"), driver.Grid1(3, 64, 256, nil), driver.PtrArg(k), driver.PtrArg(h), driver.Int32(500)))
	got := make([]uint32, 64)
	v.read(h, got)
	require.Equal(t, want, got)
	mutex, count := v.buffer("mutex", make([]uint32, 1)), v.buffer("count", make([]uint32, 1))
	require.NoError(t, v.c.Launch(v.function(m, "lock"), driver.Grid1(3, 64, 0, nil), driver.PtrArg(mutex), driver.PtrArg(count)))
	v.read(count, got[:1])
	require.Equal(t, uint32(192), got[0])
}

// A schedule is a function of the seed alone, and different seeds give different ones.
func TestSchedule_SeedDecides(t *testing.T) {
	const ticket = `.reg .b64 %c, %o; .reg .b32 %b, %t;
ld.param.u64 %c, [p0];
ld.param.u64 %o, [p1];
atom.global.add.u32 %t, [%c], 1;
mov.u32 %b, %ctaid.x;
mad.wide.u32 %o, %b, 4, %o;
st.global.u32 [%o], %t;`
	run := func(seed uint64) []uint32 {
		v := open(t, Config{Seed: seed})
		m, err := v.c.Load("ticket", []byte(program("7.0", "sm_80", 2, ticket)))
		require.NoError(t, err)
		c, o := v.buffer("counter", make([]uint32, 1)), v.buffer("order", 64*4)
		require.NoError(t, v.c.Launch(v.function(m, "k"), driver.Grid1(64, 1, 0, nil), driver.PtrArg(c), driver.PtrArg(o)))
		order := make([]uint32, 64)
		v.read(o, order)
		return order
	}
	require.Equal(t, run(1), run(1))
	require.NotEqual(t, run(1), run(2))
	// Every block ran once.
	sorted := append([]uint32(nil), run(3)...)
	slices.Sort(sorted)
	for i, n := range sorted {
		require.Equal(t, uint32(i), n)
	}
}
