package backend

import "gorgonia.org/tensor"

// RowReader is a dense X that does not fit into memory: it is read again, piece by
// piece, in every pass.
type RowReader interface {
	Shape() (rows, cols int)

	// Dtype is tensor.Float32 or tensor.Float64.
	Dtype() tensor.Dtype

	// ReadRows32 or ReadRows64, by Dtype, fills dst with whole rows from row first on:
	// len(dst) / cols of them, row-major. Several goroutines may read at once. It fails
	// where the rows cannot be read or are not those of the pass before.
	ReadRows32(first int, dst []float32) error
	ReadRows64(first int, dst []float64) error
}
