package simd

import (
	"math"
	"sync"
	"unsafe"

	"github.com/logreg-gpu/logreg-gpu/cpu/internal/fastmath"
)

// assembly is the functions of one instruction set and format as the generator makes
// them: pointers, counts, and no ragged ends where a twin can do those.
type assembly[T Number] struct {
	dots       func(x, w *T, b T, z *T, rows, cols int)
	outer      func(g *float64, x, r *T, rows, cols int)
	link       func(loss, residual, z *T, label *int32, class int32, rows int, constants *T)
	weigh      func(sums *float64, loss, residual *T, mass *float64, unit float64, rows int)
	deviations func(sum, squares *float64, x *T, mass, centre *float64, rows, cols int)
	ranges     func(least, most *T, nonZero *float64, x *T, rows, cols int)
	expNeg     func(dst, a *T, n int, constants *T)
	log1p      func(dst, e *T, n int, constants *T)
	gram       []gramTile[T] // by falling height

	constants []T
	lanes     int // of a register
}

// gramTile adds A'B for height columns of A and n columns of B.
type gramTile[T Number] struct {
	height int
	add    func(g *float64, a, b *T, n, rows, cols, ldg int)
}

// kernels wraps the functions: slices are checked, and what does not fill a register
// is left to the twins, which give the same bits.
func (f assembly[T]) kernels() Kernels[T] {
	slice := func(body func(dst, a *T, n int, constants *T), end func(dst, a []T)) func(dst, a []T) {
		return func(dst, a []T) {
			check(len(dst) >= len(a))
			n := len(a) &^ (f.lanes - 1)
			if n > 0 {
				body(&dst[0], &a[0], n, &f.constants[0])
			}
			end(dst[n:], a[n:])
		}
	}
	return Kernels[T]{
		ExpNeg: slice(f.expNeg, ExpNegGeneric[T]),
		Log1p:  slice(f.log1p, Log1pGeneric[T]),
		Dots: func(x, w []T, b T, z []T) {
			check(len(w) > 0 && len(x) >= len(w)*len(z))
			if len(z) > 0 {
				f.dots(&x[0], &w[0], b, &z[0], len(z), len(w))
			}
		},
		Outer: func(x, r []T, g []float64) {
			check(len(x) >= len(g)*len(r))
			if len(r) > 0 && len(g) > 0 {
				f.outer(&g[0], &x[0], &r[0], len(r), len(g))
			}
		},
		Gram: func(a, b []T, cols int, g []float64, ldg int) {
			rows := checkGram(a, b, cols, g, ldg)
			j := 0
			for _, tile := range f.gram {
				for ; rows > 0 && j+tile.height <= cols; j += tile.height {
					tile.add(&g[j*ldg+j], &a[j], &b[j], cols-j, rows, cols, ldg)
				}
			}
		},
		Deviations: func(x []T, mass, centre, sum, squares []float64) {
			rows := checkDeviations(x, mass, centre, sum, squares)
			if rows > 0 {
				f.deviations(&sum[0], &squares[0], &x[0], unsafe.SliceData(mass), &centre[0], rows, len(centre))
			}
		},
		Ranges: func(x, least, most []T, nonZero []float64) {
			rows := checkRanges(x, least, most, nonZero)
			if rows > 0 {
				f.ranges(&least[0], &most[0], &nonZero[0], &x[0], rows, len(least))
			}
		},
		Link: func(label []int32, class int32, z, loss []T) {
			check(len(z) >= len(label) && len(loss) >= len(label))
			n := len(label) &^ (f.lanes - 1)
			if n > 0 {
				f.link(&loss[0], &z[0], &z[0], &label[0], class, n, &f.constants[0])
			}
			LinkGeneric(label[n:], class, z[n:], loss[n:])
		},
		Weigh: func(loss, residual []T, mass []float64, unit float64) (float64, float64) {
			check(len(residual) >= len(loss) && (mass == nil || len(mass) >= len(loss)))
			sums := laneSums.Get().(*[2 * weighLanes]float64)
			defer laneSums.Put(sums)
			clear(sums[:])
			n := len(loss) &^ (weighLanes - 1)
			if n > 0 {
				f.weigh(&sums[0], &loss[0], &residual[0], unsafe.SliceData(mass), 1/unit, n)
			}
			if mass != nil {
				mass = mass[n:]
			}
			return weighInto(sums, loss[n:], residual[n:], mass, 1/unit)
		},
	}
}

// laneSums are the sums of Weigh, which escape to assembly: one a tile and model would
// add up to more garbage than anything else in a fit.
var laneSums = sync.Pool{New: func() any { return new([2 * weighLanes]float64) }}

// constants32 and constants64 are what the link reads from memory, in the order of the
// generator's exp.go.
var (
	constants32 = wideConstants(append([]float32{float32(math.Copysign(0, -1)), 1, 2, 0.5, math.Float32frombits(127)}, fastmath.Constants32()...), 16)
	constants64 = wideConstants(append([]float64{math.Copysign(0, -1), 1, 2, 0.5, math.Float64frombits(1023)}, fastmath.Constants64()...), 8)
)

// wideConstants repeats each constant to 64 bytes, the width of the widest register,
// and begins at such an address.
func wideConstants[T Number](constants []T, lanes int) []T {
	wide := make([]T, (len(constants)+1)*lanes)
	for uintptr(unsafe.Pointer(&wide[0]))%64 != 0 {
		wide = wide[1:]
	}
	wide = wide[:len(constants)*lanes]
	for i := range wide {
		wide[i] = constants[i/lanes]
	}
	return wide
}
