package metrics

import (
	"math"
	"slices"
)

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

// LogLossOfLogits is the same of logits, without clipping: a certain mistake costs what
// its logit says. z holds one logit a row, of class 1 against class 0, or k, which softmax
// makes probabilities of.
func LogLossOfLogits(y []int32, z []float64, k int, w []float64) float64 {
	if len(z) == len(y) {
		return mean(len(y), w, func(i int) float64 {
			wrong := z[i]
			if y[i] == 1 {
				wrong = -wrong
			}
			return math.Max(wrong, 0) + math.Log1p(math.Exp(-math.Abs(wrong)))
		})
	}
	return mean(len(y), w, func(i int) float64 {
		row := z[i*k : (i+1)*k]
		own, rest := row[y[i]], 0.0
		top := slices.Max(row)
		for c, v := range row {
			if c != int(y[i]) {
				rest += math.Exp(v - top)
			}
		}
		// log(e^own + the rest) - own, by whichever is larger.
		if own == top {
			return math.Log1p(rest)
		}
		return top - own + math.Log(math.Exp(own-top)+rest)
	})
}
