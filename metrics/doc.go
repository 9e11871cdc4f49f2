// Package metrics measures predictions against the truth: one metric a file, with
// its formula and the scikit-learn function whose number it gives.
//
// Arguments, the same everywhere, for N rows and K classes:
//
//	y     true class of each row, 0 .. K-1
//	pred  predicted class of each row
//	p     probabilities, N x K row-major, each row summing to 1
//	w     weight of each row, finite and not negative; nil is 1 for all
//
// Rows of weight zero count as absent. A metric that the data leave undefined - the
// ROC AUC of rows of one class - is NaN, never an error; Evaluate says why.
// Slices of wrong length panic, as indexing does. Sums run in row order, in float64.
//
// The package computes numbers. Tables and plots of them belong elsewhere.
package metrics
