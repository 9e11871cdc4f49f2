package simd

// DeviationsGeneric keeps the sums of four columns in registers for all rows.
func DeviationsGeneric[T Number](x []T, mass, centre, sum, squares []float64) {
	checkDeviations(x, mass, centre, sum, squares)
	cols := len(centre)
	j := 0
	for ; j+4 <= cols; j += 4 {
		var s0, s1, s2, s3, q0, q1, q2, q3 float64
		c, m := (*[4]float64)(centre[j:]), 1.0
		for i, at := 0, j; at < len(x); i, at = i+1, at+cols {
			if mass != nil {
				m = mass[i]
			}
			a := (*[4]T)(x[at:])
			d0, d1, d2, d3 := float64(a[0])-c[0], float64(a[1])-c[1], float64(a[2])-c[2], float64(a[3])-c[3]
			m0, m1, m2, m3 := float64(m*d0), float64(m*d1), float64(m*d2), float64(m*d3)
			s0, s1, s2, s3 = s0+m0, s1+m1, s2+m2, s3+m3
			q0 += float64(m0 * d0)
			q1 += float64(m1 * d1)
			q2 += float64(m2 * d2)
			q3 += float64(m3 * d3)
		}
		for k, s := range [4]float64{s0, s1, s2, s3} {
			sum[j+k] += s
		}
		for k, q := range [4]float64{q0, q1, q2, q3} {
			squares[j+k] += q
		}
	}
	for ; j < cols; j++ {
		s, q, m := 0.0, 0.0, 1.0
		for i, at := 0, j; at < len(x); i, at = i+1, at+cols {
			if mass != nil {
				m = mass[i]
			}
			d := float64(x[at]) - centre[j]
			md := float64(m * d)
			s += md
			q += float64(md * d)
		}
		sum[j] += s
		squares[j] += q
	}
}

// RangesGeneric keeps what it knows of a column in registers for all rows.
func RangesGeneric[T Number](x, least, most []T, nonZero []float64) {
	checkRanges(x, least, most, nonZero)
	for j := range least {
		low, high, count := least[j], most[j], 0
		for at := j; at < len(x); at += len(least) {
			v := x[at]
			if v < low {
				low = v
			}
			if v > high {
				high = v
			}
			count += one(v != 0)
		}
		least[j], most[j] = low, high
		nonZero[j] += float64(count)
	}
}

// one is 1 where b holds, without a branch that sparse columns would make costly.
func one(b bool) (n int) {
	if b {
		n = 1
	}
	return n
}

// checkDeviations and checkRanges return the number of rows.
func checkDeviations[T Number](x []T, mass, centre, sum, squares []float64) int {
	rows := wholeRows(x, len(centre))
	check(len(sum) >= len(centre) && len(squares) >= len(centre) && (mass == nil || len(mass) >= rows))
	return rows
}

func checkRanges[T Number](x, least, most []T, nonZero []float64) int {
	check(len(most) >= len(least) && len(nonZero) >= len(least))
	return wholeRows(x, len(least))
}

func wholeRows[T Number](x []T, cols int) int {
	check(cols > 0 && len(x)%cols == 0)
	return len(x) / cols
}
