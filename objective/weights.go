package objective

import "math"

// ClassWeights say how much each class counts.
type ClassWeights struct {
	// Balanced weighs every class alike: class k by W / (K W_k), where W_k is the sum
	// of sample weights of its rows, W that of all rows and K the number of classes
	// present. Without sample weights that is n / (K n_k). With them it follows
	// scikit-learn since 1.7, whose compute_class_weight counts weights; earlier
	// versions counted rows.
	Balanced bool

	// Explicit is the weight of each class by its number; nil means ones.
	Explicit []float64
}

// Factors is the weight of each class, nil for ones: the explicit weights, checked
// (*OptionError), or the balanced ones of these labels and sample weights (nil: ones).
func (by ClassWeights) Factors(labels []int32, sample []float64, classes int) ([]float64, error) {
	switch {
	case by.Explicit != nil && by.Balanced:
		return nil, &OptionError{"class weights", "are either balanced or explicit, not both"}
	case by.Balanced:
		return balanced(labels, sample, classes), nil
	case by.Explicit != nil && len(by.Explicit) != classes:
		return nil, &OptionError{"class weights", "must be one for each class"}
	}
	for _, f := range by.Explicit {
		if !(f >= 0) || math.IsInf(f, 1) {
			return nil, &OptionError{"class weights", "must be finite and not negative"}
		}
	}
	return by.Explicit, nil
}

// RowWeights is the weight column of a fit: sample weight (nil: ones) times the
// factor of the row's class (nil: ones). It returns nil, which stands for ones, when
// neither is given. It checks what a fit needs: weights finite, not negative and not
// all zero (*WeightError), two classes or more among the rows of positive weight
// (*OneClassError). labels and sample are not modified.
func RowWeights(labels []int32, sample, factors []float64) ([]float64, error) {
	if sample != nil && len(sample) != len(labels) {
		return nil, &OptionError{"sample weights", "must be as many as the rows"}
	}
	for i, s := range sample {
		if !(s >= 0) || math.IsInf(s, 1) {
			return nil, &WeightError{i, s, "weights must be finite and not negative"}
		}
	}
	if sample == nil && factors == nil {
		return nil, checkClasses(labels, nil)
	}
	weights := make([]float64, len(labels))
	for i, k := range labels {
		weights[i] = 1
		if sample != nil {
			weights[i] = sample[i]
		}
		if factors != nil {
			weights[i] *= factors[k]
		}
	}
	return weights, checkClasses(labels, weights)
}

func balanced(labels []int32, sample []float64, classes int) []float64 {
	sums := make([]float64, classes)
	total, present := 0.0, 0
	for i, k := range labels {
		s := 1.0
		if sample != nil {
			s = sample[i]
		}
		if s > 0 && sums[k] == 0 {
			present++
		}
		sums[k] += s
		total += s
	}
	for k, w := range sums {
		sums[k] = 1 // of a class without weight, which no row will use
		if w > 0 {
			sums[k] = total / (float64(present) * w)
		}
	}
	return sums
}

func checkClasses(labels []int32, weights []float64) error {
	rows, first := 0, int32(0)
	for i, k := range labels {
		if weights != nil && weights[i] == 0 {
			continue
		}
		if rows == 0 {
			first = k
		}
		if k != first {
			return nil
		}
		rows++
	}
	if rows == 0 {
		return &WeightError{-1, 0, "all weights are zero; at least two rows must count"}
	}
	return &OneClassError{Class: first, Rows: rows}
}
