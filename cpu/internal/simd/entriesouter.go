package simd

// EntriesOuterGeneric rounds a product to T and then adds it in float64: the sums of frequent
// columns are long.
func EntriesOuterGeneric[T Number](start []int64, col []uint32, val, r []T, g []float64) {
	checkEntries(start, col, val, r)
	for i, ri := range r {
		n := start[i+1] - start[i]
		c := col[:n]
		col = col[n:]
		if val == nil {
			one := float64(ri)
			for _, j := range c {
				g[j] += one
			}
			continue
		}
		v := val[:n]
		val = val[n:]
		for ; len(c) >= 4 && len(v) >= 4; c, v = c[4:], v[4:] {
			a, x := (*[4]uint32)(c), (*[4]T)(v)
			g[a[0]] += float64(T(ri * x[0]))
			g[a[1]] += float64(T(ri * x[1]))
			g[a[2]] += float64(T(ri * x[2]))
			g[a[3]] += float64(T(ri * x[3]))
		}
		for e, j := range c {
			g[j] += float64(T(ri * v[e]))
		}
	}
}
