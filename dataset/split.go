package dataset

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// FoldsModulo puts row i into fold i mod k.
func FoldsModulo(n, k int) ([]int32, error) {
	if err := checkFolds(n, k); err != nil {
		return nil, err
	}
	folds := make([]int32, n)
	for i := range folds {
		folds[i] = int32(i % k)
	}
	return folds, nil
}

// FoldsStratified puts the rows into k folds at random, so that the number of rows
// of each class differs by at most one between folds, and so does the number of
// rows. A class of at least k rows is in every fold. The same labels, k and seed
// give the same folds.
func FoldsStratified(labels []int32, k int, seed uint64) ([]int32, error) {
	if err := checkFolds(len(labels), k); err != nil {
		return nil, err
	}
	folds := make([]int32, len(labels))
	next := 0 // the classes are dealt one after the other, each where the last one ended
	for _, rows := range shuffledClasses(labels, seed) {
		for _, i := range rows {
			folds[i] = int32(next % k)
			next++
		}
	}
	return folds, nil
}

// Split divides the rows into a training and a test part, the test part of about
// fraction of the rows, at random within each class, so that both parts have the
// classes in the same proportion; a class of at least two rows is in both. labels
// may be all zero for a plain random split. Both parts are in rising order. The same
// arguments give the same parts.
func Split(labels []int32, fraction float64, seed uint64) (train, test []int, err error) {
	n := len(labels)
	if !(fraction > 0 && fraction < 1) {
		return nil, nil, fmt.Errorf("test fraction %v; it must lie between 0 and 1", fraction)
	}
	if n < 2 {
		return nil, nil, fmt.Errorf("cannot split %d rows; at least 2 are needed", n)
	}
	// The target is carried from class to class, so that roundings do not add up.
	target, done := 0.0, 0
	for _, rows := range shuffledClasses(labels, seed) {
		target += float64(fraction * float64(len(rows)))
		m := int(target+0.5) - done
		if len(rows) > 1 {
			m = min(max(m, 1), len(rows)-1)
		}
		m = min(max(m, 0), len(rows))
		done += m
		test = append(test, rows[:m]...)
		train = append(train, rows[m:]...)
	}
	slices.Sort(train)
	slices.Sort(test)
	if len(train) == 0 || len(test) == 0 {
		return nil, nil, fmt.Errorf("test fraction %v of %d rows leaves one part empty", fraction, n)
	}
	return train, test, nil
}

// shuffledClasses returns the rows of each class in random order.
func shuffledClasses(labels []int32, seed uint64) [][]int {
	var classes [][]int
	for i, l := range labels {
		for int(l) >= len(classes) {
			classes = append(classes, nil)
		}
		classes[l] = append(classes[l], i)
	}
	random := rand.New(rand.NewPCG(seed, 0))
	for _, rows := range classes {
		random.Shuffle(len(rows), func(a, b int) { rows[a], rows[b] = rows[b], rows[a] })
	}
	return classes
}

func checkFolds(n, k int) error {
	if k < 2 || k > n {
		return fmt.Errorf("%d folds of %d rows; there must be at least 2 and at most one a row", k, n)
	}
	return nil
}
