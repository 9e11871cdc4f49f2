package simd

import "math"

// linkRows is how many rows LinkGeneric takes through its steps at a time, so that
// what lies between them stays in the cache.
const linkRows = 64

// LinkGeneric is Kernels.Link over package fastmath. Signs are as good as random, so
// they are computed with and not branched on.
func LinkGeneric[T Number](label []int32, class int32, z, loss []T) {
	var scratch [linkRows]T
	check(len(z) >= len(label) && len(loss) >= len(label))
	for len(label) > 0 {
		n := min(linkRows, len(label))
		e, l := scratch[:n], loss[:n]
		for i, y := range label[:n] {
			z[i] *= side[T](y, class)
			e[i] = T(math.Abs(float64(z[i])))
		}
		ExpNegGeneric(e, e)
		Log1pGeneric(l, e)
		for i, y := range label[:n] {
			t, ei := z[i], e[i]
			l[i] = max(0, t) + l[i]
			positive := 0
			if t > 0 {
				positive = 1
			}
			top := [2]T{ei, 1}[positive]
			z[i] = side[T](y, class) * (top / (1 + ei))
		}
		label, z, loss = label[n:], z[n:], loss[n:]
	}
}

// side is dt/dz: -1 where the label is the class, else 1.
func side[T Number](label, class int32) T {
	other := int32(0)
	if label != class {
		other = 1
	}
	return T(2*other - 1)
}

// SigmoidGeneric is Kernels.Sigmoid: with e = exp(-|a|) and q = 1 / (1 + e), p is q or
// e q.
func SigmoidGeneric[T Number](dst, a []T) {
	sides(dst, a, func(a, e, q T) T {
		if math.Signbit(float64(a)) {
			return q * e
		}
		return q
	})
}

// CurvatureGeneric is Kernels.Curvature: e q q.
func CurvatureGeneric[T Number](dst, a []T) {
	sides(dst, a, func(_, e, q T) T { return e * q * q })
}

func sides[T Number](dst, a []T, f func(a, e, q T) T) {
	var scratch [linkRows]T
	check(len(dst) >= len(a))
	for len(a) > 0 {
		n := min(linkRows, len(a))
		e := scratch[:n]
		for i, v := range a[:n] {
			e[i] = T(math.Abs(float64(v)))
		}
		ExpNegGeneric(e, e)
		for i, v := range a[:n] {
			dst[i] = f(v, e[i], 1/(1+e[i]))
		}
		dst, a = dst[n:], a[n:]
	}
}
