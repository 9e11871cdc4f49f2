package simd

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestEval_AssemblyIsTheTwin(t *testing.T) {
	eachSet(t, func(t *testing.T) {
		t.Run("float32", testEval[float32])
		t.Run("float64", testEval[float64])
	})
}

// testEval covers each number of columns for which there is a function of its own, whole
// groups of rows and ragged ones, and rows of mass zero whose logits are not finite.
func testEval[T Number](t *testing.T) {
	r := rand.New(rand.NewPCG(31, 32))
	evalShapes(func(rows, cols int) {
		for variant := range 4 {
			weighted, rare := variant&1 != 0, variant&2 != 0
			x := guard(random[T](r, rows*cols, map[bool]int{true: 10 * cols}[rare]), pattern[T](), r.IntN(16))
			w := guard(random[T](r, cols, 0), pattern[T](), r.IntN(16))
			label := guard(make([]int32, rows), 1<<30, r.IntN(16))
			for i := range label.slice() {
				label.slice()[i] = int32(r.IntN(3))
			}
			weights, mass := Weights{Unit: 1}, guard(make([]float64, rows), 1e30, r.IntN(8))
			if weighted {
				for i := range mass.slice() {
					mass.slice()[i] = float64(r.IntN(3)) * r.ExpFloat64()
				}
				weights = Weights{Mass: mass.slice(), Unit: 0.25}
			}
			b, start := T(r.NormFloat64()), random[float64](r, cols, 0)
			g := guard(start, 1e30, r.IntN(8))
			scratch := guard(EvalScratch[T](rows, cols), pattern[T](), r.IntN(16))
			loss, residual := Of[T]().Eval(x.slice(), w.slice(), b, label.slice(), 1, weights, g.slice(), scratch.slice())

			what := fmt.Sprintf("%d x %d, variant %d", rows, cols, variant)
			for _, whole := range []interface{ requireWhole(*testing.T, string) }{x, w, label, mass, g, scratch} {
				whole.requireWhole(t, what)
			}
			want := slices.Clone(start)
			wantLoss, wantResidual := EvalGeneric(x.slice(), w.slice(), b, label.slice(), 1, weights, want, EvalScratch[T](rows, cols))
			requireSame(t, append(want, wantLoss, wantResidual), append(slices.Clone(g.slice()), loss, residual), what)
		}
	})
}

func evalShapes(f func(rows, cols int)) {
	for cols := 1; cols <= 140; cols++ {
		f(32, cols)
		f(48, cols)
	}
	for _, cols := range []int{1, 16, 17, 28, 32, 64, 128, 300, 1024, 2000} {
		for _, rows := range []int{0, 1, 16, 31, 64, 96} {
			f(rows, cols)
		}
	}
}
