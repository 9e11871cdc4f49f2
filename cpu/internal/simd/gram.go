package simd

// GramGeneric is CrossGeneric of packed rows.
func GramGeneric[T Number](a, b []T, cols int, g []float64, ldg int) {
	rows := checkGram(a, b, cols, g, ldg)
	CrossGeneric(a, cols, b, cols, rows, cols, g, ldg, true)
}

// CrossGeneric keeps 2 x 4 sums in registers for all rows.
func CrossGeneric[T Number](a []T, na int, b []T, nb, rows, stride int, g []float64, ldg int, upper bool) {
	checkCross(a, na, b, nb, rows, stride, g, ldg)
	j := 0
	for ; j+2 <= na; j += 2 {
		k := 0
		if upper {
			k = j
		}
		for ; k+4 <= nb; k += 4 {
			var s00, s01, s02, s03, s10, s11, s12, s13 T
			for i := range rows {
				p, q := (*[2]T)(a[i*stride+j:]), (*[4]T)(b[i*stride+k:])
				s00 += T(p[0] * q[0])
				s01 += T(p[0] * q[1])
				s02 += T(p[0] * q[2])
				s03 += T(p[0] * q[3])
				s10 += T(p[1] * q[0])
				s11 += T(p[1] * q[1])
				s12 += T(p[1] * q[2])
				s13 += T(p[1] * q[3])
			}
			for c, s := range [4]T{s00, s01, s02, s03} {
				g[j*ldg+k+c] += float64(s)
			}
			for c, s := range [4]T{s10, s11, s12, s13} {
				g[(j+1)*ldg+k+c] += float64(s)
			}
		}
		for ; k < nb; k++ {
			crossOne(a, b, stride, rows, j, k, g, ldg)
			crossOne(a, b, stride, rows, j+1, k, g, ldg)
		}
	}
	if j < na {
		k := 0
		if upper {
			k = j
		}
		for ; k < nb; k++ {
			crossOne(a, b, stride, rows, j, k, g, ldg)
		}
	}
}

func crossOne[T Number](a, b []T, stride, rows, j, k int, g []float64, ldg int) {
	var s T
	for i := range rows {
		s += T(a[i*stride+j] * b[i*stride+k])
	}
	g[j*ldg+k] += float64(s)
}

// checkGram returns the number of rows of a and b.
func checkGram[T Number](a, b []T, cols int, g []float64, ldg int) (rows int) {
	check(cols > 0 && ldg >= cols && len(g) >= (cols-1)*ldg+cols && len(b) >= len(a))
	return len(a) / cols
}

func checkCross[T Number](a []T, na int, b []T, nb, rows, stride int, g []float64, ldg int) {
	check(na > 0 && nb > 0 && stride >= max(na, nb) && ldg >= nb && len(g) >= (na-1)*ldg+nb)
	check(rows == 0 || len(a) >= (rows-1)*stride+na && len(b) >= (rows-1)*stride+nb)
}
