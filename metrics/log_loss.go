package metrics

import "math"

// probabilityFloor is float64's epsilon, scikit-learn's clipping of probabilities.
const probabilityFloor = 0x1p-52

// LogLoss is the mean negative log-likelihood
//
//	sum_i w_i (-log p_{i,y_i}) / sum_i w_i
//
// with p clipped to [2^-52, 1 - 2^-52], so that one certain mistake costs 36 and not
// infinity. It is sklearn.metrics.log_loss.
func LogLoss(y []int32, p []float64, k int, w []float64) float64 {
	return mean(len(y), w, func(i int) float64 {
		return -math.Log(min(max(p[i*k+int(y[i])], probabilityFloor), 1-probabilityFloor))
	})
}
