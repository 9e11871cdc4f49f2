package simd

import (
	"math"
	"slices"
	"unsafe"

	"github.com/logreg-gpu/logreg-gpu/cpu/internal/fastmath"
)

// assembly is the functions of one instruction set and format as the generator makes
// them: pointers, counts, and no ragged ends where a twin can do those.
type assembly[T Number] struct {
	dots               func(x, w *T, b T, z *T, rows, cols int)
	entries            func(z *T, start *int64, col *uint32, val, w *T, b T, rows int)
	entriesOuter       func(sum *float64, start *int64, col *uint32, val, r *T, rows int)
	products           func(x, w, b, z *T, rows, cols, outputs, ldz int)
	outer              func(g *float64, x, r *T, rows, cols int)
	outers             []outersTile[T] // by falling height
	link               func(loss, residual, z *T, label *int32, class int32, rows int, constants *T)
	eval               []evalRows[T] // by rising columns; of any number, last
	softmax            func(loss, z *T, label *int32, rows, classes, ld int, constants *T)
	shares             func(z *T, rows, classes, ld int, constants *T)
	losses             func(loss *T, mass *float64, fold *int32, left int32, rows int) (kept, held float64)
	weigh              func(residual *T, mass *float64, scale float64, fold *int32, left int32, rows int) (sum float64)
	scale              func(scaled, x, d *T, rows, cols int)
	deviations         func(sum, squares *float64, x *T, mass, centre *float64, rows, cols int)
	ranges             func(least, most *T, nonZero *float64, x *T, rows, cols int)
	sigmoid, curvature func(dst, a *T, n int, constants *T)
	expNeg             func(dst, a *T, n int, constants *T)
	log1p              func(dst, e *T, n int, constants *T)
	gram               []gramTile[T] // by falling height

	constants []T
	lanes     int // of a register
}

// gramTile adds A'B for height columns of A and n columns of B.
type gramTile[T Number] struct {
	height int
	add    func(g *float64, a, b *T, n, rows, cols, ldg int)
}

// outersTile adds the sums of height outputs, ldg apart.
type outersTile[T Number] struct {
	height int
	add    func(g *float64, x, r *T, n, rows, cols, ldr, ldg int)
}

// evalRows evaluates rows, a multiple of group, of up to cols numbers; cols 0 is any.
type evalRows[T Number] struct {
	cols, group int
	add         func(g *float64, x, w *T, b T, label *int32, class int32, mass *float64, scale float64, rows, cols int, scratch, constants *T) (loss, residual float64)
}

// productsRows and productsOutputs are multiples of those of the register tiles of all
// sets. The rows that go through all outputs stay in the first-level cache, and so do
// the results of one output of them until their cache lines are full.
const (
	productsRows    = 16
	productsLeast   = 4
	productsOutputs = 4
)

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
	k := Kernels[T]{
		ExpNeg:    slice(f.expNeg, ExpNegGeneric[T]),
		Sigmoid:   slice(f.sigmoid, SigmoidGeneric[T]),
		Curvature: slice(f.curvature, CurvatureGeneric[T]),
		Log1p:     slice(f.log1p, Log1pGeneric[T]),
		Dots: func(x, w []T, b T, z []T) {
			check(len(w) > 0 && len(x) >= len(w)*len(z))
			if len(z) > 0 {
				f.dots(&x[0], &w[0], b, &z[0], len(z), len(w))
			}
		},
		Entries: func(start []int64, col []uint32, val, w []T, b T, z []T) {
			checkEntries(start, col, val, z)
			if len(z) > 0 {
				f.entries(&z[0], &start[0], unsafe.SliceData(col), unsafe.SliceData(val), unsafe.SliceData(w), b, len(z))
			}
		},
		EntriesOuter: func(start []int64, col []uint32, val, r []T, g []float64) {
			checkEntries(start, col, val, r)
			if len(r) > 0 {
				f.entriesOuter(unsafe.SliceData(g), &start[0], unsafe.SliceData(col), unsafe.SliceData(val), &r[0], len(r))
			}
		},
		Outer: func(x, r []T, g []float64) {
			check(len(x) >= len(g)*len(r))
			if len(r) > 0 && len(g) > 0 {
				f.outer(&g[0], &x[0], &r[0], len(r), len(g))
			}
		},
		Products: func(x, w, b []T, cols int, z []T) {
			rows := checkProducts(x, w, b, cols, z)
			if rows < productsLeast || len(b) < productsOutputs {
				for o, bias := range b {
					if rows > 0 {
						f.dots(&x[0], &w[o*cols], bias, &z[o*rows], rows, cols)
					}
				}
				return
			}
			outputs, whole := len(b)&^(productsOutputs-1), rows&^(productsLeast-1)
			strip := func(i, n int) {
				f.products(&x[i*cols], &w[0], &b[0], &z[i], n, cols, outputs, rows)
				if outputs < len(b) { // what is left, with some that have been done
					o := len(b) - productsOutputs
					f.products(&x[i*cols], &w[o*cols], &b[o], &z[o*rows+i], n, cols, productsOutputs, rows)
				}
			}
			for i := 0; i < whole; i += productsRows {
				strip(i, min(productsRows, whole-i))
			}
			if whole < rows {
				strip(rows-productsLeast, productsLeast)
			}
		},
		Outers: func(x, r []T, rows, cols int, g []float64, ldg int) {
			outputs, o := checkOuters(x, r, rows, cols, g, ldg), 0
			for _, tile := range f.outers {
				for ; o+tile.height <= outputs; o += tile.height {
					tile.add(&g[o*ldg], &x[0], &r[o*rows], cols, rows, cols, rows, ldg)
				}
			}
			if o < outputs {
				f.outer(&g[o*ldg], &x[0], &r[o*rows], rows, cols)
			}
		},
		Gram: func(a, b []T, cols int, g []float64, ldg int) {
			f.cross(a, cols, b, cols, checkGram(a, b, cols, g, ldg), cols, g, ldg, true)
		},
		Cross: func(a []T, na int, b []T, nb, rows, stride int, g []float64, ldg int, upper bool) {
			checkCross(a, na, b, nb, rows, stride, g, ldg)
			f.cross(a, na, b, nb, rows, stride, g, ldg, upper)
		},
		Scale: func(scaled, x, d []T, cols int) {
			checkScale(scaled, x, d, cols)
			if len(d) > 0 {
				f.scale(&scaled[0], &x[0], &d[0], len(d), cols)
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
		Softmax: func(label []int32, classes int, z []T, ld int, loss []T) {
			checkSoftmax(len(label), classes, z, ld)
			check(len(loss) >= len(label))
			n := len(label) &^ (f.lanes - 1)
			if n > 0 {
				f.softmax(&loss[0], &z[0], &label[0], n, classes, ld, &f.constants[0])
			}
			if n < len(label) {
				SoftmaxGeneric(label[n:], classes, z[n:], ld, loss[n:])
			}
		},
		Shares: func(rows, classes int, z []T, ld int) {
			checkSoftmax(rows, classes, z, ld)
			n := rows &^ (f.lanes - 1)
			if n > 0 {
				f.shares(&z[0], n, classes, ld, &f.constants[0])
			}
			if n < rows {
				SharesGeneric(rows-n, classes, z[n:], ld)
			}
		},
		Losses: func(loss []T, w Weights) (kept, held float64) {
			check(w.fits(len(loss)))
			n := len(loss) &^ (weighLanes - 1)
			if n > 0 {
				kept, held = f.losses(&loss[0], unsafe.SliceData(w.Mass), unsafe.SliceData(w.Fold), w.Left, n)
			}
			return lossesAfter(kept, held, loss, n, w)
		},
		Weigh: func(residual []T, w Weights) (sum float64) {
			check(w.fits(len(residual)))
			n := len(residual) &^ (weighLanes - 1)
			if n > 0 {
				sum = f.weigh(&residual[0], unsafe.SliceData(w.Mass), 1/w.Unit, unsafe.SliceData(w.Fold), w.Left, n)
			}
			return weighAfter(sum, residual, n, w)
		},
	}
	k.Eval = func(x, w []T, b T, label []int32, class int32, weights Weights, g []float64, scratch []T) (loss, residual float64) {
		rows := f.eval[slices.IndexFunc(f.eval, func(r evalRows[T]) bool { return len(w) <= r.cols || r.cols == 0 })]
		if len(label) == 0 || len(label)%rows.group != 0 {
			return evalBySteps(k, x, w, b, label, class, weights, g, scratch)
		}
		checkEval(x, w, label, weights, g, scratch)
		return rows.add(&g[0], &x[0], &w[0], b, &label[0], class, unsafe.SliceData(weights.Mass), 1/weights.Unit, len(label), len(w), &scratch[0], &f.constants[0])
	}
	return k
}

// cross is Cross, with the tallest tiles of G that fit.
func (f *assembly[T]) cross(a []T, na int, b []T, nb, rows, stride int, g []float64, ldg int, upper bool) {
	j, k := 0, 0
	for _, tile := range f.gram {
		for ; rows > 0 && j+tile.height <= na; j += tile.height {
			if upper {
				k = j
			}
			tile.add(&g[j*ldg+k], &a[j], &b[k], nb-k, rows, stride, ldg)
		}
	}
}

// constants32 and constants64 are what the link reads from memory, in the order of the
// generator's exp.go.
var (
	constants32 = wideConstants(append([]float32{
		float32(math.Copysign(0, -1)), 1, 2, 0.5, math.Float32frombits(127),
		math.Float32frombits(1), math.Float32frombits(1<<23 - 1), 1 << 23, 1<<23 + 127, math.Ln2,
	}, fastmath.Constants32()...), 16)
	constants64 = wideConstants(append([]float64{
		math.Copysign(0, -1), 1, 2, 0.5, math.Float64frombits(1023),
		math.Float64frombits(1), math.Float64frombits(1<<52 - 1), 1 << 52, 1<<52 + 1023, math.Ln2,
	}, fastmath.Constants64()...), 8)
)

// wideConstants repeats each constant to 64 bytes, the width of the widest register.
func wideConstants[T Number](constants []T, lanes int) []T {
	wide := aligned[T](len(constants) * lanes)
	for i := range wide {
		wide[i] = constants[i/lanes]
	}
	return wide
}
