package metrics

// ROCAUC is the probability that a random positive row (class 1) scores above a
// random negative one (class 0), ties counting half, rows drawn by weight:
//
//	sum_{i positive, j negative} w_i w_j ([s_i > s_j] + [s_i = s_j]/2) / (W+ W-)
//
// which is the area under the ROC curve. NaN unless both classes are present.
// It is sklearn.metrics.roc_auc_score; the sort makes it O(N log N).
func ROCAUC(y []int32, score, w []float64) float64 {
	pairs, above, negatives := 0.0, 0.0, 0.0
	for _, g := range ties(y, score, w) {
		pairs += float64(g.negative * (above + g.positive/2))
		above += g.positive
		negatives += g.negative
	}
	return ratio(pairs, above*negatives)
}

// ROCAUCOvR is the mean over the classes of the ROC AUC of that class's probability
// against all other classes. NaN unless every class is present. It is
// sklearn.metrics.roc_auc_score with multi_class="ovr", average="macro".
func ROCAUCOvR(y []int32, p []float64, k int, w []float64) float64 {
	return ovr(y, p, k, w, ROCAUC)
}
