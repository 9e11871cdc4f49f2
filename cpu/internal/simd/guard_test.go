package simd

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// guarded is a slice with words of a known pattern before and after it, at any
// distance from a 64-byte boundary: what lies beside a buffer must not change, and
// must not matter.
type guarded[E comparable] struct {
	memory []E
	from   int
	length int
	guard  E
}

const guardWords = 32

// guard returns a copy of v between guards, offset words further than usual.
func guard[E comparable](v []E, pattern E, offset int) guarded[E] {
	g := guarded[E]{make([]E, len(v)+2*guardWords+offset), guardWords + offset, len(v), pattern}
	for i := range g.memory {
		g.memory[i] = pattern
	}
	copy(g.slice(), v)
	return g
}

func (g guarded[E]) slice() []E { return g.memory[g.from:][:g.length:g.length] }

func (g guarded[E]) requireWhole(t *testing.T, what string) {
	t.Helper()
	for i, v := range g.memory {
		if outside := i < g.from || i >= g.from+g.length; outside && v != g.guard {
			t.Fatalf("%s: word %d beside %d was overwritten", what, i-g.from, g.length)
		}
	}
}

// eachSet runs f in every instruction set of this machine but plain Go.
func eachSet(t *testing.T, f func(t *testing.T)) {
	sets := Sets()[1:]
	if len(sets) == 0 {
		t.Skip("this machine has plain Go only")
	}
	for _, s := range sets {
		t.Run(s.String(), func(t *testing.T) {
			defer Use(s)()
			f(t)
		})
	}
}

// special are numbers that go wrong easily.
var special = []float64{
	0, math.Copysign(0, -1), 1, -1, 1e4, -1e4, 88, -88, 88.8, -103.5, -104, 110, -111, 709, -745.2, -760.5, 1e-30, -1e-42, 5e-324,
	math.Inf(1), math.Inf(-1), math.NaN(), math.MaxFloat32, -math.MaxFloat32, 0.5, -17, 17,
}

// random returns n numbers, about one in rare of them special; rare 0 is none.
func random[T Number](r *rand.Rand, n, rare int) []T {
	v := make([]T, n)
	for i := range v {
		v[i] = T(r.NormFloat64() * math.Exp2(float64(r.IntN(8)-4)))
		if rare > 0 && r.IntN(rare) == 0 {
			v[i] = T(special[r.IntN(len(special))])
		}
	}
	return v
}

// same tells whether a and b are the same number; all not-a-numbers are.
func same[T Number](a, b T) bool {
	return a == b && math.Signbit(float64(a)) == math.Signbit(float64(b)) || a != a && b != b
}

// requireSame holds the assembly to its twin bit for bit.
func requireSame[T Number](t *testing.T, want, got []T, what string) {
	t.Helper()
	require.Len(t, got, len(want))
	for i := range want {
		if !same(want[i], got[i]) {
			t.Fatalf("%s: number %d is %v, the twin has %v", what, i, got[i], want[i])
		}
	}
}

// pattern is a guard that is an ordinary number, so that it can be compared, and so
// large that a sum that takes it in shows it.
func pattern[T Number]() T { return 1e30 }

// shapes are all numbers of columns to 140 with few rows, and all numbers of rows to
// 40 with few columns.
func shapes(f func(rows, cols int)) {
	for cols := 1; cols <= 140; cols++ {
		for _, rows := range []int{1, 7, 16, 21} {
			f(rows, cols)
		}
	}
	for rows := range 41 {
		for _, cols := range []int{1, 3, 8, 18, 28, 33} {
			f(rows, cols)
		}
	}
}

// manyShapes are shapes with several outputs.
func manyShapes(f func(rows, cols, outputs int)) {
	for _, cols := range []int{1, 3, 8, 15, 16, 17, 28, 33, 50, 128} {
		for _, rows := range []int{0, 1, 3, 4, 5, 15, 16, 21, 39} {
			for _, outputs := range []int{1, 2, 3, 4, 5, 7, 8, 11, 21} {
				f(rows, cols, outputs)
			}
		}
	}
}
