package backend

import "gorgonia.org/tensor"

// SparseReader is a sparse X that does not fit into memory: of it the row pointers are
// there, and the entries are read again, piece by piece, in every pass.
type SparseReader interface {
	Shape() (rows, cols int)

	// RowPtr is that of the whole matrix, as CSR has it. It is not to be changed.
	RowPtr() []int64

	// Dtype is that of the values, tensor.Float32 or tensor.Float64. Ones tells that all
	// entries are 1 and have no values.
	Dtype() tensor.Dtype
	Ones() bool

	// ReadCSR sets m to n rows from row first on, whose entries it puts where m's slices
	// have room. Several goroutines may read at once. It fails where the rows cannot be
	// read or are not those of the pass before; the CSR passes Check.
	ReadCSR(first, n int, m *CSR) error
}

// SetRows makes m room for n rows of r from row first on, and sets its row pointers: what
// a ReadCSR begins with.
func (m *CSR) SetRows(r SparseReader, first, n int) {
	ptr := r.RowPtr()[first : first+n+1]
	entries := int(ptr[n] - ptr[0])
	m.Rows = n
	_, m.Cols = r.Shape()
	m.RowPtr = resize(m.RowPtr, n+1)
	for i, p := range ptr {
		m.RowPtr[i] = p - ptr[0]
	}
	m.Col = resize(m.Col, entries)
	switch {
	case r.Ones():
		m.Val32, m.Val64 = nil, nil
	case r.Dtype() == tensor.Float32:
		m.Val32, m.Val64 = resize(m.Val32, entries), nil
	default:
		m.Val32, m.Val64 = nil, resize(m.Val64, entries)
	}
}

// resize is s with n elements, or as many new ones. It is never nil.
func resize[E any](s []E, n int) []E {
	if s == nil || cap(s) < n {
		return make([]E, n)
	}
	return s[:n]
}
