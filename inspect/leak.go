package inspect

import (
	"fmt"

	"github.com/logreg-gpu/logreg-gpu/metrics"
)

const (
	// leakAUC is the ROC AUC at which a single column gives two classes away: honest
	// columns of real data stay below 0.98 (the best of the built-in breast_cancer).
	leakAUC = 0.99

	// leakShare is the share of the errors of guessing the largest class that a
	// column's values must remove, each by its most frequent class.
	leakShare = 0.98

	// leakRows is how many rows each value needs on average before values that name a
	// class are more than chance.
	leakRows = 5

	// leakClass is how many rows each class needs, for the same reason.
	leakClass = 10
)

// leak says how a column gives the class away, or nothing.
func (d *description) leak(f, label *facts) string {
	classes := label.Distinct
	if classes < 2 || f.Distinct < 2 {
		return ""
	}
	if classes == 2 && f.Kind == Number {
		var y []int32
		var score []float64
		for i, k := range label.codes {
			if k >= 0 && f.codes[i] >= 0 {
				y, score = append(y, k), append(score, f.of.Numbers[i])
			}
		}
		auc := metrics.ROCAUC(y, score, nil)
		if auc < 0.5 {
			auc = 1 - auc
		}
		if seconds := ones(y); auc >= leakAUC && seconds >= leakClass && len(y)-seconds >= leakClass {
			return fmt.Sprintf("alone separates the classes with a ROC AUC of %.4g", auc)
		}
	}
	rows, right, guess, ok := d.purity(f, label)
	if !ok {
		return ""
	}
	errors, left := rows-guess, rows-right
	if errors >= leakClass && float64(left) <= (1-leakShare)*float64(errors) {
		return fmt.Sprintf("alone names the class of %d of %d rows", right, rows)
	}
	return ""
}

// purity counts the rows of known value and class, those that the most frequent class
// of their value gets right, and those of the largest class. ok is false where values
// hardly repeat.
func (d *description) purity(f, label *facts) (rows, right, guess int, ok bool) {
	classes := label.Distinct
	if f.Distinct*leakRows > len(f.codes) || classes > len(f.codes)/2 {
		return 0, 0, 0, false
	}
	type cell struct{ value, class int32 }
	count := make(map[cell]int)
	most, all := make([]int, f.Distinct), make([]int, classes)
	for i, k := range label.codes {
		v := f.codes[i]
		if k < 0 || v < 0 {
			continue
		}
		rows++
		all[k]++
		guess = max(guess, all[k])
		c := cell{v, k}
		count[c]++
		most[v] = max(most[v], count[c])
	}
	for _, n := range most {
		right += n
	}
	return rows, right, guess, true
}

// ones counts the rows of class 1.
func ones(y []int32) (n int) {
	for _, k := range y {
		n += int(k)
	}
	return n
}
