package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEntries_AssemblyIsTheTwin(t *testing.T) {
	eachSet(t, func(t *testing.T) {
		t.Run("float32", testEntries[float32])
		t.Run("float64", testEntries[float64])
	})
}

// randomRows returns the starts and columns of rows of up to most entries.
func randomRows(r *rand.Rand, rows, most, cols int) (start []int64, col []uint32) {
	start = []int64{int64(r.IntN(1000))}
	for range rows {
		n := r.IntN(most + 1)
		for range n {
			col = append(col, uint32(r.IntN(cols)))
		}
		start = append(start, start[len(start)-1]+int64(n))
	}
	return start, col
}

func testEntries[T Number](t *testing.T) {
	r := rand.New(rand.NewPCG(31, 32))
	for rows := range 30 {
		for _, most := range []int{0, 1, 7, 8, 9, 16, 40, 100} {
			for _, valued := range []bool{true, false} {
				columns := 1 + r.IntN(300)
				from, which := randomRows(r, rows, most, columns)
				start, col := guard(from, -1<<40, r.IntN(8)), guard(which, 1<<31-1, r.IntN(16))
				val := guard(random[T](r, len(which), 50), pattern[T](), r.IntN(16))
				w := guard(random[T](r, columns, 50), pattern[T](), r.IntN(16))
				b := T(r.NormFloat64())
				z := guard(random[T](r, rows, 0), pattern[T](), r.IntN(16))
				values := val.slice()
				if !valued {
					values = nil
				}
				Of[T]().Entries(start.slice(), col.slice(), values, w.slice(), b, z.slice())
				what := fmt.Sprintf("%d rows of %d", rows, most)
				for _, g := range []guarded[T]{val, w, z} {
					g.requireWhole(t, what)
				}
				want := make([]T, rows)
				EntriesGeneric(from, which, values, w.slice(), b, want)
				requireSame(t, want, z.slice(), what)
			}
		}
	}
}

func TestEntriesOuter_AssemblyIsTheTwin(t *testing.T) {
	eachSet(t, func(t *testing.T) {
		t.Run("float32", testEntriesOuter[float32])
		t.Run("float64", testEntriesOuter[float64])
	})
}

func testEntriesOuter[T Number](t *testing.T) {
	random64 := rand.New(rand.NewPCG(35, 36))
	for rows := range 30 {
		for _, most := range []int{0, 1, 7, 8, 9, 16, 40, 100} {
			for _, valued := range []bool{true, false} {
				columns := 1 + random64.IntN(300)
				from, which := randomRows(random64, rows, most, columns)
				start, col := guard(from, -1<<40, random64.IntN(8)), guard(which, 1<<31-1, random64.IntN(16))
				val := guard(random[T](random64, len(which), 50), pattern[T](), random64.IntN(16))
				r := guard(random[T](random64, rows, 50), pattern[T](), random64.IntN(16))
				before := random[float64](random64, columns, 0)
				g := guard(before, 1e30, random64.IntN(8))
				values := val.slice()
				if !valued {
					values = nil
				}
				Of[T]().EntriesOuter(start.slice(), col.slice(), values, r.slice(), g.slice())
				what := fmt.Sprintf("%d rows of %d", rows, most)
				val.requireWhole(t, what)
				r.requireWhole(t, what)
				g.requireWhole(t, what)
				want := slices.Clone(before)
				EntriesOuterGeneric(from, which, values, r.slice(), want)
				requireSame(t, want, g.slice(), what)
			}
		}
	}
}

// TestEntriesOuter_IsTheProduct: the twin itself. A product is rounded to float32, half an
// ulp of it; the sums in float64 add little to that.
func TestEntriesOuter_IsTheProduct(t *testing.T) {
	r := rand.New(rand.NewPCG(37, 38))
	start, col := randomRows(r, 50, 60, 100)
	val, res, g := random[float32](r, len(col), 0), random[float32](r, 50, 0), make([]float64, 100)
	EntriesOuterGeneric(start, col, val, res, g)
	want, size := make([]float64, 100), make([]float64, 100)
	for i, ri := range res {
		for e := start[i] - start[0]; e < start[i+1]-start[0]; e++ {
			p := float64(ri) * float64(val[e])
			want[col[e]] += p
			size[col[e]] += math.Abs(p)
		}
	}
	for j := range want {
		require.InDelta(t, want[j], g[j], size[j]*1.01*0x1p-24)
	}
}

// TestEntries_IsTheProduct: the twin itself, against float64. Each of the at most
// entries/8 + 4 roundings of a sum costs half an ulp of the sum of magnitudes.
func TestEntries_IsTheProduct(t *testing.T) {
	r := rand.New(rand.NewPCG(33, 34))
	start, col := randomRows(r, 50, 60, 100)
	val, w, z := random[float32](r, len(col), 0), random[float32](r, 100, 0), make([]float32, 50)
	EntriesGeneric(start, col, val, w, 3, z)
	for i := range z {
		want, size := 3.0, 3.0
		for e := start[i] - start[0]; e < start[i+1]-start[0]; e++ {
			p := float64(val[e]) * float64(w[col[e]])
			want, size = want+p, size+math.Abs(p)
		}
		require.InDelta(t, want, float64(z[i]), size*float64((start[i+1]-start[i])/8+6)*0x1p-24)
	}
}
