package simd

// GramGeneric keeps 2 x 4 sums in registers for all rows.
func GramGeneric[T Number](a, b []T, cols int, g []float64, ldg int) {
	rows := checkGram(a, b, cols, g, ldg)
	j := 0
	for ; j+2 <= cols; j += 2 {
		k := j
		for ; k+4 <= cols; k += 4 {
			var s00, s01, s02, s03, s10, s11, s12, s13 T
			for i := range rows {
				p, q := (*[2]T)(a[i*cols+j:]), (*[4]T)(b[i*cols+k:])
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
		for ; k < cols; k++ {
			gramOne(a, b, cols, rows, j, k, g, ldg)
			gramOne(a, b, cols, rows, j+1, k, g, ldg)
		}
	}
	if j < cols {
		gramOne(a, b, cols, rows, j, j, g, ldg)
	}
}

func gramOne[T Number](a, b []T, cols, rows, j, k int, g []float64, ldg int) {
	var s T
	for i := range rows {
		s += T(a[i*cols+j] * b[i*cols+k])
	}
	g[j*ldg+k] += float64(s)
}

// checkGram returns the number of rows of a and b.
func checkGram[T Number](a, b []T, cols int, g []float64, ldg int) (rows int) {
	check(cols > 0 && ldg >= cols && len(g) >= (cols-1)*ldg+cols && len(b) >= len(a))
	return len(a) / cols
}
