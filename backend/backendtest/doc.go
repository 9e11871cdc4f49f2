// Package backendtest holds a backend to the contract of package backend and to the
// numbers of the float64 reference. Call RunAll from a test of the backend:
//
//	func TestBackend(t *testing.T) {
//		backendtest.RunAll(t, mine.New(), backendtest.Options{})
//	}
//
// Numbers are compared with what the reference gives for the same stored X, so a
// narrow storage costs nothing here: only arithmetic does. How much a result may
// differ is not a constant but follows from the arithmetic: budget.go carries the
// rounding errors of z, of the link and of the sums through every operation, row by
// row. A test prints the share of that budget that was used at most, where, and the
// seed that gives the case again. Sparse X is one more axis of the cases.
//
// What a backend does not offer must be said in Options, and must then indeed be
// refused: nothing is skipped silently.
package backendtest
