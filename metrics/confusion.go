package metrics

// Confusion is K x K: Confusion[a][b] is the total weight of the rows of class a
// that were predicted to be of class b.
type Confusion [][]float64

// ConfusionMatrix is sklearn.metrics.confusion_matrix with all K classes as labels.
func ConfusionMatrix(y, pred []int32, k int, w []float64) Confusion {
	c := make(Confusion, k)
	for a := range c {
		c[a] = make([]float64, k)
	}
	for i := range y {
		c[y[i]][pred[i]] += weightOf(w, i)
	}
	return c
}

// rows is the weight of the rows of class k.
func (c Confusion) rows(k int) float64 {
	sum := 0.0
	for _, v := range c[k] {
		sum += v
	}
	return sum
}

// predicted is the weight of the rows predicted to be of class k.
func (c Confusion) predicted(k int) float64 {
	sum := 0.0
	for _, row := range c {
		sum += row[k]
	}
	return sum
}
