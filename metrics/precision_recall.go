package metrics

import "math"

// PRF is precision, recall and F1 of one class, or an average over classes.
type PRF struct{ Precision, Recall, F1 float64 }

// PrecisionRecallF1 measures class k against all others. With tp the weight of its
// rows that were recognised, fp of other rows taken for it, fn of its rows missed:
//
//	precision = tp / (tp + fp)    recall = tp / (tp + fn)    F1 = 2 tp / (2 tp + fp + fn)
//
// Each is NaN where its denominator is 0. They are sklearn.metrics.precision_score,
// recall_score and f1_score with zero_division=nan.
func PrecisionRecallF1(c Confusion, k int) PRF {
	tp, rows, predicted := c[k][k], c.rows(k), c.predicted(k)
	return PRF{ratio(tp, predicted), ratio(tp, rows), ratio(2*tp, rows+predicted)}
}

// MacroPrecisionRecallF1 is the plain mean over the classes that occur among the
// truth or the predictions; a value undefined for such a class counts as 0.
// It is scikit-learn's average="macro".
func MacroPrecisionRecallF1(c Confusion) PRF {
	return averagePRF(c, func(int) float64 { return 1 })
}

// WeightedPrecisionRecallF1 is the mean over the classes weighted by their rows; a
// value undefined for a class counts as 0. It is scikit-learn's average="weighted".
func WeightedPrecisionRecallF1(c Confusion) PRF {
	return averagePRF(c, c.rows)
}

func averagePRF(c Confusion, weight func(k int) float64) PRF {
	var sum PRF
	total := 0.0
	for k := range c {
		if c.rows(k)+c.predicted(k) == 0 {
			continue
		}
		v, w := PrecisionRecallF1(c, k), weight(k)
		sum.Precision += float64(w * orZero(v.Precision))
		sum.Recall += float64(w * orZero(v.Recall))
		sum.F1 += float64(w * orZero(v.F1))
		total += w
	}
	return PRF{ratio(sum.Precision, total), ratio(sum.Recall, total), ratio(sum.F1, total)}
}

func orZero(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}
