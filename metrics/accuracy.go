package metrics

// Accuracy is the weighted share of rows with pred = y.
// It is sklearn.metrics.accuracy_score.
func Accuracy(y, pred []int32, w []float64) float64 {
	return mean(len(y), w, func(i int) float64 {
		if pred[i] == y[i] {
			return 1
		}
		return 0
	})
}

// BalancedAccuracy is the mean over the classes of the share of the class's rows
// that were recognised (its recall). Classes without rows are left out.
// It is sklearn.metrics.balanced_accuracy_score.
func BalancedAccuracy(c Confusion) float64 {
	sum, present := 0.0, 0.0
	for k := range c {
		if rows := c.rows(k); rows > 0 {
			sum += c[k][k] / rows
			present++
		}
	}
	return ratio(sum, present)
}
