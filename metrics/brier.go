package metrics

// Brier is the mean squared error of the probabilities. For two classes that of the
// second class alone, from 0 to 1:
//
//	sum_i w_i (p_i1 - [y_i = 1])^2 / sum_i w_i
//
// and for K > 2 the sum over the classes, from 0 to 2:
//
//	sum_i w_i sum_c (p_ic - [y_i = c])^2 / sum_i w_i
//
// It is sklearn.metrics.brier_score_loss, whose scale_by_half="auto" does the same.
func Brier(y []int32, p []float64, k int, w []float64) float64 {
	first := 0
	if k == 2 {
		first = 1
	}
	return mean(len(y), w, func(i int) float64 {
		sum := 0.0
		for c := first; c < k; c++ {
			d := p[i*k+c]
			if int(y[i]) == c {
				d--
			}
			sum += float64(d * d)
		}
		return sum
	})
}
