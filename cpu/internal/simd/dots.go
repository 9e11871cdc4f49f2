package simd

// DotsGeneric sums a row in 64 bytes' worth of lanes, 16 of float32 or 8 of float64:
// column j in lane j mod lanes, from zero. Then lane i takes lane i + lanes/2, and so
// on by halves; b is added last.
func DotsGeneric[T Number](x, w []T, b T, z []T) {
	d := len(w)
	check(len(x) >= d*len(z))
	lanes := 64 / size[T]()
	for i := range z {
		row := x[i*d:][:d]
		s := eightLanes(row, w, 0, lanes)
		if lanes == 16 {
			for k, v := range eightLanes(row, w, 8, lanes) {
				s[k] += v
			}
		}
		a0, a1, a2, a3 := s[0]+s[4], s[1]+s[5], s[2]+s[6], s[3]+s[7]
		z[i] = ((a0 + a2) + (a1 + a3)) + b
	}
}

// ProductsGeneric is DotsGeneric for one w after the other.
func ProductsGeneric[T Number](x, w, b []T, cols int, z []T) {
	rows := checkProducts(x, w, b, cols, z)
	for o, bias := range b {
		DotsGeneric(x, w[o*cols:(o+1)*cols], bias, z[o*rows:(o+1)*rows])
	}
}

// checkProducts returns the number of rows.
func checkProducts[T Number](x, w, b []T, cols int, z []T) (rows int) {
	check(cols > 0 && len(b) > 0 && len(w) >= len(b)*cols)
	rows = len(z) / len(b)
	check(len(x) >= rows*cols)
	return rows
}

// eightLanes returns the sums of x_j w_j in the lanes from first on, columns stride
// apart. Eight sums are as many as registers of Go code hold.
func eightLanes[T Number](x, w []T, first, stride int) [8]T {
	var s0, s1, s2, s3, s4, s5, s6, s7 T
	j := first
	for ; j+8 <= len(w); j += stride {
		a, b := (*[8]T)(x[j:]), (*[8]T)(w[j:])
		s0 += T(a[0] * b[0])
		s1 += T(a[1] * b[1])
		s2 += T(a[2] * b[2])
		s3 += T(a[3] * b[3])
		s4 += T(a[4] * b[4])
		s5 += T(a[5] * b[5])
		s6 += T(a[6] * b[6])
		s7 += T(a[7] * b[7])
	}
	s := [8]T{s0, s1, s2, s3, s4, s5, s6, s7}
	for k := 0; j+k < len(w) && k < 8; k++ {
		s[k] += T(x[j+k] * w[j+k])
	}
	return s
}

// size is the size of a T in bytes.
func size[T Number]() int {
	if _, single := any(T(0)).(float32); single {
		return 4
	}
	return 8
}
