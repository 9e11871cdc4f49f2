package dataset

import (
	"slices"

	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// NewCSR is New for a sparse matrix, which is used and not copied. A NaN or an
// infinity among its values is a *backend.NotFiniteError.
func NewCSR[L int | float64 | string](m *backend.CSR, labels []L) (*Dataset, error) {
	if err := m.Check(); err != nil {
		return nil, err
	}
	if err := finiteCSR(m); err != nil {
		return nil, err
	}
	return newLabelled(&Dataset{Sparse: m, FeatureNames: autoNames(0, m.Cols)}, labels)
}

// finiteCSR returns a *backend.NotFiniteError for the first value that is not finite.
func finiteCSR(m *backend.CSR) error {
	at := slices.IndexFunc(m.Val32, func(v float32) bool { return v-v != 0 })
	if m.Val64 != nil {
		at = slices.IndexFunc(m.Val64, func(v float64) bool { return v-v != 0 })
	}
	if at < 0 {
		return nil
	}
	row, _ := slices.BinarySearch(m.RowPtr, int64(at)+1) // the first row that ends behind it, counted from 1
	return &backend.NotFiniteError{Row: row - 1, Col: int(m.Col[at]), Value: m.Value(int64(at))}
}

// takeCSR copies rows of m in the given order.
func takeCSR(m *backend.CSR, rows []int) *backend.CSR {
	t := &backend.CSR{Rows: len(rows), Cols: m.Cols, RowPtr: make([]int64, len(rows)+1)}
	for k, i := range rows {
		t.RowPtr[k+1] = t.RowPtr[k] + m.RowPtr[i+1] - m.RowPtr[i]
	}
	t.Col = takeEntries(m, m.Col, t, rows)
	t.Val32 = takeEntries(m, m.Val32, t, rows)
	t.Val64 = takeEntries(m, m.Val64, t, rows)
	return t
}

func takeEntries[E any](m *backend.CSR, from []E, t *backend.CSR, rows []int) []E {
	if from == nil {
		return nil
	}
	to := make([]E, t.Entries())
	for k, i := range rows {
		copy(to[t.RowPtr[k]:], from[m.RowPtr[i]:m.RowPtr[i+1]])
	}
	return to
}

// selectCSR keeps the columns j of m with to[j] >= 0 and gives them that number, of cols
// in all; columns beyond to are left out. Numbers that do not rise with j make the entries
// of each row be sorted again.
func selectCSR(m *backend.CSR, to []int32, cols int) *backend.CSR {
	s := &backend.CSR{Rows: m.Rows, Cols: cols, RowPtr: make([]int64, m.Rows+1), Col: make([]uint32, 0, len(m.Col))}
	if m.Val32 != nil {
		s.Val32 = make([]float32, 0, len(m.Col))
	}
	if m.Val64 != nil {
		s.Val64 = make([]float64, 0, len(m.Col))
	}
	var order []int64 // the entries of a row that are kept
	for i := range m.Rows {
		order = order[:0]
		for e := m.RowPtr[i]; e < m.RowPtr[i+1]; e++ {
			if j := m.Col[e]; int(j) < len(to) && to[j] >= 0 {
				order = append(order, e)
			}
		}
		rising := func(a, b int64) int { return int(to[m.Col[a]]) - int(to[m.Col[b]]) }
		if !slices.IsSortedFunc(order, rising) {
			slices.SortFunc(order, rising)
		}
		for _, e := range order {
			s.Col = append(s.Col, uint32(to[m.Col[e]]))
			if m.Val32 != nil {
				s.Val32 = append(s.Val32, m.Val32[e])
			}
			if m.Val64 != nil {
				s.Val64 = append(s.Val64, m.Val64[e])
			}
		}
		s.RowPtr[i+1] = int64(len(s.Col))
	}
	return s
}

// columnCSR returns column j of m as a dense vector.
func columnCSR(m *backend.CSR, j int) []float64 {
	values := make([]float64, m.Rows)
	for i := range values {
		row := m.Col[m.RowPtr[i]:m.RowPtr[i+1]]
		if at, ok := slices.BinarySearch(row, uint32(j)); ok {
			values[i] = m.Value(m.RowPtr[i] + int64(at))
		}
	}
	return values
}

// fillDense sets x, rows [first, first+n) of m's dense form, row-major.
func fillDense[T float32 | float64](m *backend.CSR, first int, x []T) {
	clear(x)
	for i := range len(x) / m.Cols {
		row := x[i*m.Cols : (i+1)*m.Cols]
		for e := m.RowPtr[first+i]; e < m.RowPtr[first+i+1]; e++ {
			row[m.Col[e]] = T(m.Value(e))
		}
	}
}

// castCSR is m with values of that type; the zero type leaves them.
func castCSR(m *backend.CSR, dtype tensor.Dtype) (*backend.CSR, error) {
	if dtype == (tensor.Dtype{}) || dtype == m.Dtype() || m.Val32 == nil && m.Val64 == nil {
		return m, nil
	}
	cast := *m
	cast.Val32, cast.Val64 = nil, nil
	if dtype == tensor.Float64 {
		cast.Val64 = make([]float64, len(m.Col))
		for e, v := range m.Val32 {
			cast.Val64[e] = float64(v)
		}
		return &cast, nil
	}
	cast.Val32 = make([]float32, len(m.Col))
	for e, v := range m.Val64 {
		if cast.Val32[e] = float32(v); cast.Val32[e]-cast.Val32[e] != 0 && v-v == 0 {
			row, _ := slices.BinarySearch(m.RowPtr, int64(e)+1)
			return nil, beyondFloat32(row-1, int(m.Col[e]), v)
		}
	}
	return &cast, nil
}
