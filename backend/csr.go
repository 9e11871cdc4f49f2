package backend

import (
	"fmt"

	"gorgonia.org/tensor"
)

// CSR is a sparse matrix by compressed rows: row i has the columns
// Col[RowPtr[i]:RowPtr[i+1]], strictly increasing, and every other entry is 0. There may
// be more than 2^31 entries.
type CSR struct {
	Rows, Cols int

	// RowPtr has Rows+1 entries: 0 first, the number of entries last, never decreasing.
	RowPtr []int64

	Col []uint32

	// Val32 or Val64 hold the entries' values; where both are nil every entry is 1, as
	// the levels of categories are.
	Val32 []float32
	Val64 []float64
}

// MaxSparseCols bounds the columns of a CSR.
const MaxSparseCols = 1 << 31

// Entries is the number of entries that are stored.
func (m *CSR) Entries() int64 { return m.RowPtr[m.Rows] }

// Dtype is the type of the values; of implicit ones, float32.
func (m *CSR) Dtype() tensor.Dtype {
	if m.Val64 != nil {
		return tensor.Float64
	}
	return tensor.Float32
}

// Value is the value of entry e.
func (m *CSR) Value(e int64) float64 {
	switch {
	case m.Val64 != nil:
		return m.Val64[e]
	case m.Val32 != nil:
		return float64(m.Val32[e])
	}
	return 1
}

// Bytes is the size of the matrix.
func (m *CSR) Bytes() int64 {
	return int64(len(m.RowPtr))*8 + int64(len(m.Col))*4 + int64(len(m.Val32))*4 + int64(len(m.Val64))*8
}

// CheckSparseStorage refuses the narrow formats: beside its column an entry would lose
// digits to save a quarter of its bytes.
func CheckSparseStorage(s Storage) error {
	if s == Float32 || s == Float64 {
		return nil
	}
	return fmt.Errorf("%w: sparse X in %v; use float32 or float64", ErrUnsupported, s)
}

// Check reports the first thing that makes m no CSR, as a *SourceError. It reads
// RowPtr and Col, and leaves the values to the backends.
func (m *CSR) Check() error {
	bad := func(format string, args ...any) error { return &SourceError{"X", fmt.Sprintf(format, args...)} }
	switch entries := int64(len(m.Col)); {
	case m.Rows < 1 || m.Cols < 1 || m.Cols > MaxSparseCols:
		return bad("has shape %d x %d; it must be at least 1 x 1 and have at most %d columns", m.Rows, m.Cols, MaxSparseCols)
	case len(m.RowPtr) != m.Rows+1:
		return bad("has %d row pointers for %d rows; it needs one more than rows", len(m.RowPtr), m.Rows)
	case m.RowPtr[0] != 0 || m.RowPtr[m.Rows] != entries:
		return bad("has row pointers from %d to %d for %d entries", m.RowPtr[0], m.RowPtr[m.Rows], entries)
	case m.Val32 != nil && m.Val64 != nil:
		return bad("has values of both float32 and float64")
	case m.Val32 != nil && int64(len(m.Val32)) != entries, m.Val64 != nil && int64(len(m.Val64)) != entries:
		return bad("has %d values for %d entries", len(m.Val32)+len(m.Val64), entries)
	}
	for i, start := range m.RowPtr[:m.Rows] {
		end := m.RowPtr[i+1]
		if end < start || end > int64(len(m.Col)) {
			return bad("has row pointers %d and %d about row %d", start, end, i)
		}
		last := int64(-1)
		for _, j := range m.Col[start:end] {
			if int64(j) <= last || int64(j) >= int64(m.Cols) {
				return bad("has column %d after %d in row %d; columns must increase and stay below %d", j, last, i, m.Cols)
			}
			last = int64(j)
		}
	}
	return nil
}
