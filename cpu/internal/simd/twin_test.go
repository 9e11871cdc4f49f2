package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDots_AssemblyIsTheTwin(t *testing.T) {
	eachSet(t, func(t *testing.T) {
		t.Run("float32", testDots[float32])
		t.Run("float64", testDots[float64])
	})
}

func testDots[T Number](t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	shapes(func(rows, cols int) {
		for _, rare := range []int{0, 10 * cols} {
			offset := r.IntN(16)
			x := guard(random[T](r, rows*cols, rare), pattern[T](), offset)
			w := guard(random[T](r, cols, 0), pattern[T](), r.IntN(16))
			b := T(r.NormFloat64())
			z := guard(random[T](r, rows, 0), pattern[T](), r.IntN(16))
			Of[T]().Dots(x.slice(), w.slice(), b, z.slice())
			what := fmt.Sprintf("%d x %d", rows, cols)
			for _, g := range []guarded[T]{x, w, z} {
				g.requireWhole(t, what)
			}
			want := make([]T, rows)
			DotsGeneric(x.slice(), w.slice(), b, want)
			requireSame(t, want, z.slice(), what)
		}
	})
}

// TestDots_IsTheProduct: the twin itself, against float64. Each of the at most
// cols/8 + 4 roundings of a sum costs half an ulp of the sum of magnitudes.
func TestDots_IsTheProduct(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, cols := range []int{1, 7, 8, 9, 15, 16, 17, 28, 100, 2000} {
		x, w, z := random[float32](r, 5*cols, 0), random[float32](r, cols, 0), make([]float32, 5)
		DotsGeneric(x, w, 3, z)
		for i := range z {
			want, size := 3.0, 3.0
			for j, v := range w {
				p := float64(v) * float64(x[i*cols+j])
				want, size = want+p, size+math.Abs(p)
			}
			require.InDelta(t, want, float64(z[i]), size*float64(cols/8+6)*0x1p-24)
		}
	}
}

func TestProducts_AssemblyIsTheTwin(t *testing.T) {
	eachSet(t, func(t *testing.T) {
		t.Run("float32", testProducts[float32])
		t.Run("float64", testProducts[float64])
	})
}

func testProducts[T Number](t *testing.T) {
	r := rand.New(rand.NewPCG(21, 22))
	manyShapes(func(rows, cols, outputs int) {
		x := guard(random[T](r, rows*cols, 10*cols), pattern[T](), r.IntN(16))
		w := guard(random[T](r, outputs*cols, 0), pattern[T](), r.IntN(16))
		b := guard(random[T](r, outputs, 0), pattern[T](), r.IntN(16))
		z := guard(make([]T, outputs*rows), pattern[T](), r.IntN(16))
		Of[T]().Products(x.slice(), w.slice(), b.slice(), cols, z.slice())
		what := fmt.Sprintf("%d x %d, %d outputs", rows, cols, outputs)
		for _, g := range []guarded[T]{x, w, b, z} {
			g.requireWhole(t, what)
		}
		want := make([]T, outputs*rows)
		ProductsGeneric(x.slice(), w.slice(), b.slice(), cols, want)
		requireSame(t, want, z.slice(), what)
	})
}

func TestOuters_AssemblyIsTheTwin(t *testing.T) {
	eachSet(t, func(t *testing.T) {
		t.Run("float32", testOuters[float32])
		t.Run("float64", testOuters[float64])
	})
}

func testOuters[T Number](t *testing.T) {
	random64 := rand.New(rand.NewPCG(23, 24))
	manyShapes(func(rows, cols, outputs int) {
		if rows == 0 {
			return
		}
		ldg := cols + random64.IntN(3)
		x := guard(random[T](random64, rows*cols, 10*cols), pattern[T](), random64.IntN(16))
		r := guard(random[T](random64, outputs*rows, 0), pattern[T](), random64.IntN(16))
		start := random[float64](random64, (outputs-1)*ldg+cols, 0)
		g := guard(start, 1e30, random64.IntN(8))
		Of[T]().Outers(x.slice(), r.slice(), rows, cols, g.slice(), ldg)
		what := fmt.Sprintf("%d x %d, %d outputs", rows, cols, outputs)
		x.requireWhole(t, what)
		r.requireWhole(t, what)
		g.requireWhole(t, what)
		want := slices.Clone(start) // nothing between the outputs is touched
		OutersGeneric(x.slice(), r.slice(), rows, cols, want, ldg)
		requireSame(t, want, g.slice(), what)
	})
}

func TestOuter_AssemblyIsTheTwin(t *testing.T) {
	eachSet(t, func(t *testing.T) {
		t.Run("float32", testOuter[float32])
		t.Run("float64", testOuter[float64])
	})
}

func testOuter[T Number](t *testing.T) {
	random64 := rand.New(rand.NewPCG(5, 6))
	shapes(func(rows, cols int) {
		for _, rare := range []int{0, 10 * cols} {
			x := guard(random[T](random64, rows*cols, rare), pattern[T](), random64.IntN(16))
			r := guard(random[T](random64, rows, 0), pattern[T](), random64.IntN(16))
			start := random[float64](random64, cols, 0)
			g := guard(start, 1e30, random64.IntN(8))
			Of[T]().Outer(x.slice(), r.slice(), g.slice())
			what := fmt.Sprintf("%d x %d", rows, cols)
			x.requireWhole(t, what)
			r.requireWhole(t, what)
			g.requireWhole(t, what)
			want := append([]float64(nil), start...)
			OuterGeneric(x.slice(), r.slice(), want)
			requireSame(t, want, g.slice(), what)
		}
	})
}

func TestOuter_IsTheProduct(t *testing.T) {
	random64 := rand.New(rand.NewPCG(7, 8))
	const rows = 40
	for _, cols := range []int{1, 7, 8, 9, 28, 100} {
		x, r, g := random[float32](random64, rows*cols, 0), random[float32](random64, rows, 0), make([]float64, cols)
		OuterGeneric(x, r, g)
		for j := range g {
			want, size := 0.0, 0.0
			for i, v := range r {
				p := float64(v) * float64(x[i*cols+j])
				want, size = want+p, size+math.Abs(p)
			}
			require.InDelta(t, want, g[j], size*rows*0x1p-24)
		}
	}
}

// TestGram_AssemblyIsTheTwin: products are fused in the assembly, so that its sums
// and the twin's differ by their roundings, at most one ulp a row of the sum of
// magnitudes.
func TestGram_AssemblyIsTheTwin(t *testing.T) {
	eachSet(t, func(t *testing.T) {
		t.Run("float32", func(t *testing.T) { testGram[float32](t, 0x1p-23) })
		t.Run("float64", func(t *testing.T) { testGram[float64](t, 0x1p-52) })
	})
}

func testGram[T Number](t *testing.T, ulp float64) {
	random64 := rand.New(rand.NewPCG(9, 10))
	for cols := 1; cols <= 140; cols += 1 + cols/40 {
		for _, rows := range []int{0, 1, 5, 33} {
			ldg := cols + random64.IntN(3)
			x, scaled := random[T](random64, rows*cols, 0), random[T](random64, rows*cols, 0)
			a, b := guard(scaled, pattern[T](), random64.IntN(16)), guard(x, pattern[T](), random64.IntN(16))
			start := random[float64](random64, (cols-1)*ldg+cols, 0)
			g := guard(start, 1e30, random64.IntN(8))
			Of[T]().Gram(a.slice(), b.slice(), cols, g.slice(), ldg)
			what := fmt.Sprintf("%d x %d", rows, cols)
			a.requireWhole(t, what)
			b.requireWhole(t, what)
			g.requireWhole(t, what)
			want := append([]float64(nil), start...)
			GramGeneric(a.slice(), b.slice(), cols, want, ldg)
			for j := range cols {
				for k := j; k < cols; k++ {
					size := math.Abs(start[j*ldg+k])
					for i := range rows {
						size += math.Abs(float64(scaled[i*cols+j]) * float64(x[i*cols+k]))
					}
					if off := math.Abs(want[j*ldg+k] - g.slice()[j*ldg+k]); !(off <= size*float64(rows+1)*ulp) {
						t.Fatalf("%s: (%d, %d) is off by %v, of %v", what, j, k, off, size)
					}
				}
			}
			for at := range start { // nothing between the rows of G is touched
				if at%ldg >= cols && start[at] != g.slice()[at] {
					t.Fatalf("%s: the number at %d was changed", what, at)
				}
			}
		}
	}
}

// TestCross_IsPartOfGram: columns of wider rows give the numbers that they give alone,
// over and under the diagonal, and nothing beside them is touched.
func TestCross_IsPartOfGram(t *testing.T) {
	check := func(t *testing.T) {
		r := rand.New(rand.NewPCG(11, 12))
		const rows, stride = 19, 47
		for _, na := range []int{1, 2, 3, 7, 8, 9, 16, 31} {
			for _, nb := range []int{1, 4, 15, 16, 17, 32, 33, 47} {
				a, b := random[float32](r, rows*stride, 0), random[float32](r, rows*stride, 0)
				ldg := nb + r.IntN(3)
				g := guard(make([]float64, (na-1)*ldg+nb), 1e30, r.IntN(8))
				Of[float32]().Cross(a, na, b, nb, rows, stride, g.slice(), ldg, false)
				g.requireWhole(t, "g")
				for j := range na {
					for k := range nb {
						sum, size := 0.0, 0.0
						for i := range rows {
							p := float64(a[i*stride+j]) * float64(b[i*stride+k])
							sum += p
							size += math.Abs(p)
						}
						// One ulp a row of the sum of magnitudes, as for Gram.
						require.InDelta(t, sum, g.slice()[j*ldg+k], size*rows*0x1p-23, "%d x %d: (%d, %d)", na, nb, j, k)
					}
				}
				whole := append([]float64(nil), g.slice()...)
				if na > nb {
					continue
				}
				clear(g.slice())
				Of[float32]().Cross(a, na, b, nb, rows, stride, g.slice(), ldg, true)
				g.requireWhole(t, "g")
				for j := range na {
					require.Equal(t, whole[j*ldg+j:j*ldg+nb], g.slice()[j*ldg+j:j*ldg+nb], "row %d of %d x %d", j, na, nb)
				}
			}
		}
	}
	t.Run("generic", func(t *testing.T) {
		defer Use(Generic)()
		check(t)
	})
	eachSet(t, check)
}

func TestScale_AssemblyIsTheTwin(t *testing.T) {
	eachSet(t, func(t *testing.T) {
		t.Run("float32", testScale[float32])
		t.Run("float64", testScale[float64])
	})
}

func testScale[T Number](t *testing.T) {
	r := rand.New(rand.NewPCG(25, 26))
	shapes(func(rows, cols int) {
		x := guard(random[T](r, rows*cols, 10), pattern[T](), r.IntN(16))
		d := guard(random[T](r, rows, 10), pattern[T](), r.IntN(16))
		scaled := guard(make([]T, rows*cols), pattern[T](), r.IntN(16))
		Of[T]().Scale(scaled.slice(), x.slice(), d.slice(), cols)
		what := fmt.Sprintf("%d x %d", rows, cols)
		for _, g := range []guarded[T]{x, d, scaled} {
			g.requireWhole(t, what)
		}
		want := make([]T, rows*cols)
		ScaleGeneric(want, x.slice(), d.slice(), cols)
		requireSame(t, want, scaled.slice(), what)
	})
}

func TestGram_IsTheProduct(t *testing.T) {
	x := []float64{1, 2, 3, 4, 5, 6} // 2 x 3
	a := []float64{1, 2, 3, 40, 50, 60}
	g := make([]float64, 9)
	GramGeneric(a, x, 3, g, 3)
	require.Equal(t, []float64{161, 202, 243}, g[:3])
	require.Equal(t, []float64{254, 306}, g[4:6])
	require.Equal(t, 369.0, g[8])
}

func TestLink_AssemblyIsTheTwin(t *testing.T) {
	eachSet(t, func(t *testing.T) {
		t.Run("float32", testLink[float32])
		t.Run("float64", testLink[float64])
	})
}

func testLink[T Number](t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for rows := range 201 {
		logits := random[T](r, rows, 3)
		for i := range logits {
			logits[i] *= 30
		}
		labels := make([]int32, rows)
		for i := range labels {
			labels[i] = int32(r.IntN(3)) - 1
		}
		for class := range int32(2) {
			label := guard(labels, 1<<30, r.IntN(16))
			z, loss := guard(logits, pattern[T](), r.IntN(16)), guard(make([]T, rows), pattern[T](), r.IntN(16))
			Of[T]().Link(label.slice(), class, z.slice(), loss.slice())
			what := fmt.Sprintf("%d rows", rows)
			z.requireWhole(t, what)
			loss.requireWhole(t, what)
			label.requireWhole(t, what)
			residual, wantLoss := append([]T(nil), logits...), make([]T, rows)
			LinkGeneric(label.slice(), class, residual, wantLoss)
			requireSame(t, residual, z.slice(), what+": residual")
			requireSame(t, wantLoss, loss.slice(), what+": loss")
		}
	}
}

func TestSoftmax_AssemblyIsTheTwin(t *testing.T) {
	eachSet(t, func(t *testing.T) {
		t.Run("float32", testSoftmax[float32])
		t.Run("float64", testSoftmax[float64])
	})
}

func testSoftmax[T Number](t *testing.T) {
	r := rand.New(rand.NewPCG(17, 18))
	for rows := range 70 {
		for _, classes := range []int{1, 3, 10, 40} {
			ld := rows + r.IntN(3)
			logits := random[T](r, (classes-1)*ld+rows, 0)
			for i := range logits {
				logits[i] *= 10
				if i >= ld && r.IntN(4) == 0 { // rows in which two classes are equal
					logits[i] = logits[i-ld]
				}
			}
			labels := make([]int32, rows)
			for i := range labels {
				labels[i] = int32(r.IntN(classes))
			}
			label := guard(labels, 1<<30, r.IntN(16))
			z, loss := guard(logits, pattern[T](), r.IntN(16)), guard(make([]T, rows), pattern[T](), r.IntN(16))
			shares := guard(logits, pattern[T](), r.IntN(16))
			Of[T]().Softmax(label.slice(), classes, z.slice(), ld, loss.slice())
			Of[T]().Shares(rows, classes, shares.slice(), ld)
			what := fmt.Sprintf("%d rows of %d classes", rows, classes)
			z.requireWhole(t, what)
			loss.requireWhole(t, what)
			shares.requireWhole(t, what)
			residual, wantLoss, wantShares := slices.Clone(logits), make([]T, rows), slices.Clone(logits)
			SoftmaxGeneric(labels, classes, residual, ld, wantLoss)
			SharesGeneric(rows, classes, wantShares, ld)
			requireSame(t, residual, z.slice(), what+": residual")
			requireSame(t, wantLoss, loss.slice(), what+": loss")
			requireSame(t, wantShares, shares.slice(), what+": shares")
		}
	}
}

// TestSoftmax_IsTheFormula: a sum of exponentials has an ulp or two of each, half an ulp
// of rounding a class, and half an ulp of the difference of logits, here below 50, as
// the relative error of its exponential.
func TestSoftmax_IsTheFormula(t *testing.T) {
	r := rand.New(rand.NewPCG(19, 20))
	for _, classes := range []int{3, 10, 100} {
		ulp := float64(classes+6+25) * 0x1p-24
		z := make([]float32, classes)
		for range 300 {
			for c := range z {
				z[c] = float32(r.NormFloat64() * 6)
			}
			y, whole := int32(r.IntN(classes)), 0.0
			for _, v := range z {
				whole += math.Exp(float64(v))
			}
			residual, shares, loss := slices.Clone(z), slices.Clone(z), make([]float32, 1)
			SoftmaxGeneric([]int32{y}, classes, residual, 1, loss)
			SharesGeneric(1, classes, shares, 1)
			want := math.Log(whole) - float64(z[y])
			require.InDelta(t, want, float64(loss[0]), (want+2)*ulp)
			for c, v := range z {
				p := math.Exp(float64(v)) / whole
				require.InEpsilon(t, p, float64(shares[c]), 2*ulp)
				if int32(c) != y {
					require.InEpsilon(t, p, float64(residual[c]), 2*ulp)
				} else if p < 0.999 { // there float64 has the digits of 1 - p
					require.InEpsilon(t, p-1, float64(residual[c]), 2*ulp)
				}
			}
		}
	}
}

func TestWeigh_AssemblyIsTheTwin(t *testing.T) {
	eachSet(t, func(t *testing.T) {
		t.Run("float32", testWeigh[float32])
		t.Run("float64", testWeigh[float64])
	})
}

func testWeigh[T Number](t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	for rows := range 101 {
		losses, residuals := random[T](r, rows, 0), random[T](r, rows, 0)
		spoilt := [2][]T{slices.Clone(losses), slices.Clone(residuals)}
		masses, folds := random[float64](r, rows, 0), make([]int32, rows)
		for i := range masses {
			masses[i] = math.Abs(masses[i]) * 1e-3
			folds[i] = int32(r.IntN(3))
			if r.IntN(4) == 0 { // a row of mass zero may hold anything
				masses[i], spoilt[0][i], spoilt[1][i] = 0, T(math.Inf(1)), T(math.NaN())
			}
		}
		m, f := guard(masses, 1e30, r.IntN(8)), guard(folds, 1, r.IntN(16))
		for variant := range 4 {
			w, loss, residual := Weights{Unit: 1, Left: 1}, guard(losses, pattern[T](), r.IntN(16)), guard(residuals, pattern[T](), r.IntN(16))
			if variant&1 != 0 {
				w.Mass, w.Unit = m.slice(), 0x1p-10
				copy(loss.slice(), spoilt[0])
				copy(residual.slice(), spoilt[1])
			}
			if variant&2 != 0 {
				w.Fold = f.slice()
			}
			want := slices.Clone(residual.slice())
			kept, held := Of[T]().Losses(loss.slice(), w)
			sum := Of[T]().Weigh(residual.slice(), w)
			what := fmt.Sprintf("%d rows, variant %d", rows, variant)
			loss.requireWhole(t, what)
			residual.requireWhole(t, what)
			wantKept, wantHeld := LossesGeneric(loss.slice(), w)
			wantSum := WeighGeneric(want, w)
			requireSame(t, want, residual.slice(), what)
			requireSame(t, []float64{wantKept, wantHeld, wantSum}, []float64{kept, held, sum}, what)
			require.Zero(t, kept-kept+held-held, "finite")
		}
	}
}

func TestWeigh_IsTheSum(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	w := Weights{Mass: []float64{1, 2, 3, 0, 5, 0}, Unit: 4, Fold: []int32{0, 0, 0, 0, 7, 7}, Left: 7}
	kept, held := LossesGeneric([]float32{1, 2, 3, nan, 4, inf}, w)
	require.Equal(t, 14.0, kept)
	require.Equal(t, 20.0, held)
	residual := []float32{0.5, -1, 4, inf, nan, nan}
	require.Equal(t, 2.625, WeighGeneric(residual, w))
	require.Equal(t, []float32{0.125, -0.5, 3, 0, 0, 0}, residual)
}

func TestExp_AssemblyIsTheTwin(t *testing.T) {
	eachSet(t, func(t *testing.T) {
		t.Run("float32", testExp[float32])
		t.Run("float64", testExp[float64])
	})
}

func testExp[T Number](t *testing.T) {
	r := rand.New(rand.NewPCG(15, 16))
	for n := range 201 {
		a, e := random[T](r, n, 3), random[T](r, n, 0)
		signed := slices.Clone(a)
		for i := range a {
			a[i] = max(a[i], -a[i]) * 20
			e[i] = T(math.Exp(-math.Abs(float64(e[i]))))
		}
		for name, f := range map[string]struct {
			in            []T
			twin, subject func(dst, a []T)
		}{
			"exp(-a)":      {a, ExpNegGeneric[T], Of[T]().ExpNeg},
			"sigmoid(a)":   {signed, SigmoidGeneric[T], Of[T]().Sigmoid},
			"curvature(a)": {signed, CurvatureGeneric[T], Of[T]().Curvature},
			"log(1+e)":     {e, Log1pGeneric[T], Of[T]().Log1p},
		} {
			in, out := guard(f.in, pattern[T](), r.IntN(16)), guard(make([]T, n), pattern[T](), r.IntN(16))
			f.subject(out.slice(), in.slice())
			in.requireWhole(t, name)
			out.requireWhole(t, name)
			want := make([]T, n)
			f.twin(want, in.slice())
			requireSame(t, want, out.slice(), name)
		}
	}
}

func TestWiden_AssemblyIsTheTwin(t *testing.T) {
	eachSet(t, func(t *testing.T) {
		all := make([]uint16, 1<<16)
		finite := all[:0:0]
		for i := range all {
			all[i] = uint16(i)
			if i&0x7c00 != 0x7c00 { // infinities and not-a-numbers are never stored
				finite = append(finite, uint16(i))
			}
		}
		widened := func(h []uint16, offset int, f func(x []float32, h []uint16)) []float32 {
			x := guard(make([]float32, len(h)), 1e30, offset)
			f(x.slice(), h)
			x.requireWhole(t, "widened")
			return x.slice()
		}
		for n := range 70 {
			requireSame(t, widened(all[7*n:][:n], 0, BFloat16Generic), widened(all[7*n:][:n], n, BFloat16), "bfloat16")
			requireSame(t, widened(all[7*n:][:n], 0, Float16Generic), widened(all[7*n:][:n], n, Float16), "float16")
		}
		requireSame(t, widened(all, 0, BFloat16Generic), widened(all, 3, BFloat16), "bfloat16")
		requireSame(t, widened(finite, 0, Float16Generic), widened(finite, 3, Float16), "float16")
	})
}

func TestRead_AssemblyIsTheTwin(t *testing.T) {
	eachSet(t, func(t *testing.T) {
		x := make([]uint64, 200)
		for i := range x {
			x[i] = rand.Uint64()
		}
		for n := range x {
			require.Equal(t, ReadGeneric(x[:n]), Read(x[:n]))
		}
	})
}
