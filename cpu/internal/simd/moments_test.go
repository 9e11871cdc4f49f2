package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDeviations_AssemblyIsTheTwin(t *testing.T) {
	eachSet(t, func(t *testing.T) {
		t.Run("float32", testDeviations[float32])
		t.Run("float64", testDeviations[float64])
	})
}

func testDeviations[T Number](t *testing.T) {
	r := rand.New(rand.NewPCG(17, 18))
	shapes(func(rows, cols int) {
		for _, weighted := range []bool{false, true} {
			x := guard(random[T](r, rows*cols, 10*cols), pattern[T](), r.IntN(16))
			mass := guard(random[float64](r, rows, 0), 1e30, r.IntN(8))
			centre := guard(random[float64](r, cols, 0), 1e30, r.IntN(8))
			start := [2][]float64{random[float64](r, cols, 0), random[float64](r, cols, 0)}
			sum, squares := guard(start[0], 1e30, r.IntN(8)), guard(start[1], 1e30, r.IntN(8))
			m := mass.slice()
			if !weighted {
				m = nil
			}
			Of[T]().Deviations(x.slice(), m, centre.slice(), sum.slice(), squares.slice())
			what := fmt.Sprintf("%d x %d, weighted %v", rows, cols, weighted)
			x.requireWhole(t, what)
			for _, g := range []guarded[float64]{mass, centre, sum, squares} {
				g.requireWhole(t, what)
			}
			DeviationsGeneric(x.slice(), m, centre.slice(), start[0], start[1])
			requireSame(t, start[0], sum.slice(), what+": sum")
			requireSame(t, start[1], squares.slice(), what+": squares")
		}
	})
}

func TestDeviations_AreTheSums(t *testing.T) {
	const cols = 5 // four columns at once, and one
	x, mass := make([]float32, 3*cols), []float64{1, 0, 4}
	for j := range cols {
		x[j], x[cols+j], x[2*cols+j] = float32(1+j), float32(2+j), float32(5+j)
	}
	centre := []float64{1, 2, 3, 4, 5} // deviations are 0, 1 and 4
	for _, w := range []struct {
		mass         []float64
		sum, squares float64
	}{{nil, 5, 17}, {mass, 16, 64}} {
		sum, squares := make([]float64, cols), []float64{1, 1, 1, 1, 1}
		DeviationsGeneric(x, w.mass, centre, sum, squares)
		for j := range cols {
			require.Equal(t, w.sum, sum[j])
			require.Equal(t, 1+w.squares, squares[j])
		}
	}
}

func TestRanges_AssemblyIsTheTwin(t *testing.T) {
	eachSet(t, func(t *testing.T) {
		t.Run("float32", testRanges[float32])
		t.Run("float64", testRanges[float64])
	})
}

func testRanges[T Number](t *testing.T) {
	r := rand.New(rand.NewPCG(19, 20))
	shapes(func(rows, cols int) {
		numbers := random[T](r, rows*cols, 3)
		for i, v := range numbers {
			if v != v {
				numbers[i] = 0
			}
		}
		x := guard(numbers, pattern[T](), r.IntN(16))
		start := [2][]T{random[T](r, cols, 0), random[T](r, cols, 0)}
		least, most := guard(start[0], -pattern[T](), r.IntN(16)), guard(start[1], pattern[T](), r.IntN(16))
		counts := random[float64](r, cols, 0)
		nonZero := guard(counts, 1e30, r.IntN(8))
		Of[T]().Ranges(x.slice(), least.slice(), most.slice(), nonZero.slice())
		what := fmt.Sprintf("%d x %d", rows, cols)
		for _, g := range []guarded[T]{x, least, most} {
			g.requireWhole(t, what)
		}
		nonZero.requireWhole(t, what)
		RangesGeneric(x.slice(), start[0], start[1], counts)
		requireSame(t, start[0], least.slice(), what+": least")
		requireSame(t, start[1], most.slice(), what+": most")
		requireSame(t, counts, nonZero.slice(), what+": count")
	})
}

func TestRanges_AreTheRanges(t *testing.T) {
	inf := math.Inf(1)
	least, most, nonZero := []float64{inf, 0}, []float64{-inf, 7}, []float64{0, 10}
	RangesGeneric([]float64{1, math.Copysign(0, -1), -5, 3, 0, 9}, least, most, nonZero)
	require.Equal(t, []float64{-5, 0}, least)
	require.Equal(t, []float64{1, 9}, most)
	require.Equal(t, []float64{2, 12}, nonZero)
}
