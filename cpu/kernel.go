package cpu

import "github.com/logreg-gpu/logreg-gpu/cpu/internal/fastmath"

// kernels are the inner loops of a number format: where the time goes. The ones
// below are plain Go, unrolled over rows so that several sums are in flight.
type kernels[T number] struct {
	// dots adds x_i . w to z[i] for the rows x of a tile, len(w) numbers each.
	dots func(x, w, z []T)

	// outer adds sum_i r[i] x_i to g. Rows of r = 0 add nothing.
	outer func(x, r, g []T)

	// square writes the 4 x 4 products sum_i a_ir b_ic of two panels, 4 numbers a
	// row each, to out.
	square func(a, b []T, out *[16]T)

	expNeg func(dst, a []T) // exp(-a), a >= 0
	log1p  func(dst, e []T) // log(1 + e), e in [0, 1]
}

// kernelsOf returns the kernels of T.
func kernelsOf[T number]() kernels[T] {
	var k any
	switch any(T(0)).(type) {
	case float32:
		k = kernels[float32]{dots[float32], outer[float32], square[float32], fastmath.ExpNeg32, fastmath.Log1p32}
	case float64:
		k = kernels[float64]{dots[float64], outer[float64], square[float64], fastmath.ExpNeg64, fastmath.Log1p64}
	}
	return k.(kernels[T])
}

// dots takes four rows at a time and two columns of each: eight independent sums.
func dots[T number](x, w, z []T) {
	d := len(w)
	for len(z) >= 4 {
		x0, x1, x2, x3 := x[:d], x[d:2*d], x[2*d:3*d], x[3*d:4*d]
		x0, x1, x2, x3 = x0[:len(w)], x1[:len(w)], x2[:len(w)], x3[:len(w)]
		var a0, a1, a2, a3, b0, b1, b2, b3 T
		j := 0
		for ; j < len(w)-1; j += 2 {
			v := w[j]
			a0 += v * x0[j]
			a1 += v * x1[j]
			a2 += v * x2[j]
			a3 += v * x3[j]
			v = w[j+1]
			b0 += v * x0[j+1]
			b1 += v * x1[j+1]
			b2 += v * x2[j+1]
			b3 += v * x3[j+1]
		}
		if j < len(w) {
			v := w[j]
			a0 += v * x0[j]
			a1 += v * x1[j]
			a2 += v * x2[j]
			a3 += v * x3[j]
		}
		z[0] += a0 + b0
		z[1] += a1 + b1
		z[2] += a2 + b2
		z[3] += a3 + b3
		x, z = x[4*d:], z[4:]
	}
	for i := range z {
		xi := x[i*d:][:len(w)]
		var sum T
		for j, v := range w {
			sum += v * xi[j]
		}
		z[i] += sum
	}
}

// outer takes four rows at a time, so that g is read and written once for them.
func outer[T number](x, r, g []T) {
	d := len(g)
	for len(r) >= 4 {
		r0, r1, r2, r3 := r[0], r[1], r[2], r[3]
		x0, x1, x2, x3 := x[:d], x[d:2*d], x[2*d:3*d], x[3*d:4*d]
		x0, x1, x2, x3 = x0[:len(g)], x1[:len(g)], x2[:len(g)], x3[:len(g)]
		for j := range g {
			g[j] += (r0*x0[j] + r1*x1[j]) + (r2*x2[j] + r3*x3[j])
		}
		x, r = x[4*d:], r[4:]
	}
	for i, ri := range r {
		xi := x[i*d:][:len(g)]
		for j := range g {
			g[j] += ri * xi[j]
		}
	}
}

// square keeps eight sums in registers and goes through the panels twice.
func square[T number](a, b []T, out *[16]T) {
	for half := range 2 {
		var s00, s01, s02, s03, s10, s11, s12, s13 T
		p, q := a, b
		for len(p) >= 4 && len(q) >= 4 {
			a0, a1 := p[2*half], p[2*half+1]
			b0, b1, b2, b3 := q[0], q[1], q[2], q[3]
			s00 += a0 * b0
			s01 += a0 * b1
			s02 += a0 * b2
			s03 += a0 * b3
			s10 += a1 * b0
			s11 += a1 * b1
			s12 += a1 * b2
			s13 += a1 * b3
			p, q = p[4:], q[4:]
		}
		*(*[8]T)(out[8*half:]) = [8]T{s00, s01, s02, s03, s10, s11, s12, s13}
	}
}
