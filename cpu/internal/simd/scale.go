package simd

// ScaleGeneric is Kernels.Scale.
func ScaleGeneric[T Number](scaled, x, d []T, cols int) {
	checkScale(scaled, x, d, cols)
	for i, w := range d {
		from, to := x[i*cols:(i+1)*cols], scaled[i*cols:(i+1)*cols]
		for j, v := range from {
			to[j] = w * v
		}
	}
}

func checkScale[T Number](scaled, x, d []T, cols int) {
	check(cols > 0 && len(scaled) >= len(d)*cols && len(x) >= len(d)*cols)
}
