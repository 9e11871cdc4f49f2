package simd

// OuterGeneric keeps the sums of eight columns in registers for all rows.
func OuterGeneric[T Number](x, r []T, g []float64) {
	d := len(g)
	check(len(x) >= d*len(r))
	j := 0
	for ; j+8 <= d; j += 8 {
		var s0, s1, s2, s3, s4, s5, s6, s7 T
		for i, v := range r {
			a := (*[8]T)(x[i*d+j:])
			s0 += T(v * a[0])
			s1 += T(v * a[1])
			s2 += T(v * a[2])
			s3 += T(v * a[3])
			s4 += T(v * a[4])
			s5 += T(v * a[5])
			s6 += T(v * a[6])
			s7 += T(v * a[7])
		}
		for k, s := range [8]T{s0, s1, s2, s3, s4, s5, s6, s7} {
			g[j+k] += float64(s)
		}
	}
	for ; j < d; j++ {
		var s T
		for i, v := range r {
			s += T(v * x[i*d+j])
		}
		g[j] += float64(s)
	}
}

// OutersGeneric is OuterGeneric for one r after the other.
func OutersGeneric[T Number](x, r []T, rows, cols int, g []float64, ldg int) {
	for o := range checkOuters(x, r, rows, cols, g, ldg) {
		OuterGeneric(x, r[o*rows:(o+1)*rows], g[o*ldg:][:cols])
	}
}

// checkOuters returns the number of outputs.
func checkOuters[T Number](x, r []T, rows, cols int, g []float64, ldg int) (outputs int) {
	check(rows > 0 && cols > 0 && len(x) >= rows*cols)
	outputs = len(r) / rows
	check(outputs == 0 || len(g) >= (outputs-1)*ldg+cols && (outputs == 1 || ldg >= cols))
	return outputs
}
