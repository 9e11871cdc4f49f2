package simd

// EntriesGeneric sums a row in eight lanes: its entry e in lane e mod 8, from zero. Then
// lane i takes lane i + 4, and so on by halves; b is added last.
func EntriesGeneric[T Number](start []int64, col []uint32, val, w []T, b T, z []T) {
	checkEntries(start, col, val, z)
	for i := range z {
		n := start[i+1] - start[i]
		var v []T
		if val != nil {
			v, val = val[:n], val[n:]
		}
		z[i] = eightEntries(col[:n], v, w) + b
		col = col[n:]
	}
}

func eightEntries[T Number](c []uint32, v, w []T) T {
	var s0, s1, s2, s3, s4, s5, s6, s7 T
	if v == nil {
		for ; len(c) >= 8; c = c[8:] {
			a := (*[8]uint32)(c)
			s0 += w[a[0]]
			s1 += w[a[1]]
			s2 += w[a[2]]
			s3 += w[a[3]]
			s4 += w[a[4]]
			s5 += w[a[5]]
			s6 += w[a[6]]
			s7 += w[a[7]]
		}
	} else {
		for ; len(c) >= 8 && len(v) >= 8; c, v = c[8:], v[8:] {
			a, x := (*[8]uint32)(c), (*[8]T)(v)
			s0 += T(x[0] * w[a[0]])
			s1 += T(x[1] * w[a[1]])
			s2 += T(x[2] * w[a[2]])
			s3 += T(x[3] * w[a[3]])
			s4 += T(x[4] * w[a[4]])
			s5 += T(x[5] * w[a[5]])
			s6 += T(x[6] * w[a[6]])
			s7 += T(x[7] * w[a[7]])
		}
	}
	s := [8]T{s0, s1, s2, s3, s4, s5, s6, s7}
	for k, j := range c {
		x := T(1)
		if v != nil {
			x = v[k]
		}
		s[k&7] += T(x * w[j])
	}
	return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]))
}

// checkEntries holds the slices to what start says.
func checkEntries[T Number](start []int64, col []uint32, val, z []T) {
	check(len(start) > len(z))
	for i := range z {
		check(start[i+1] >= start[i])
	}
	entries := start[len(z)] - start[0]
	check(int64(len(col)) >= entries && (val == nil || int64(len(val)) >= entries))
}
