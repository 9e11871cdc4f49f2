package metrics

import "math"

// weightOf is the weight of row i.
func weightOf(w []float64, i int) float64 {
	if w == nil {
		return 1
	}
	return w[i]
}

// mean is the weighted mean of f over n rows: sum w_i f_i / sum w_i, NaN where all
// weights are zero.
func mean(n int, w []float64, f func(i int) float64) float64 {
	sum, total := 0.0, 0.0
	for i := range n {
		if wi := weightOf(w, i); wi > 0 {
			sum += float64(wi * f(i))
			total += wi
		}
	}
	return ratio(sum, total)
}

// ratio is a / b, NaN where b is 0.
func ratio(a, b float64) float64 {
	if b == 0 {
		return math.NaN()
	}
	return a / b
}

// column is column c of the N x k matrix p.
func column(p []float64, k, c int) []float64 {
	out := make([]float64, len(p)/k)
	for i := range out {
		out[i] = p[i*k+c]
	}
	return out
}

// isClass is 1 for rows of class c and 0 for others: one class against the rest.
func isClass(y []int32, c int32) []int32 {
	out := make([]int32, len(y))
	for i, v := range y {
		if v == c {
			out[i] = 1
		}
	}
	return out
}
