package metrics

import "math"

// AveragePrecision is the area under the precision-recall curve as a sum of steps,
//
//	sum_n (R_n - R_{n-1}) P_n
//
// over the distinct scores, highest first: P_n and R_n are precision and recall
// when every row of at least that score is called positive. Positive is class 1.
// NaN where no row is positive (scikit-learn says 0 there).
// It is sklearn.metrics.average_precision_score.
func AveragePrecision(y []int32, score, w []float64) float64 {
	sum, tp, called := 0.0, 0.0, 0.0
	for _, g := range ties(y, score, w) {
		tp += g.positive
		called += g.positive + g.negative
		sum += float64(g.positive * (tp / called))
	}
	if tp == 0 {
		return math.NaN()
	}
	return sum / tp
}

// AveragePrecisionOvR is the mean over the classes of the average precision of that
// class's probability against all other classes. NaN unless every class is present.
// It is sklearn.metrics.average_precision_score of the one-hot labels, average="macro".
func AveragePrecisionOvR(y []int32, p []float64, k int, w []float64) float64 {
	return ovr(y, p, k, w, AveragePrecision)
}
