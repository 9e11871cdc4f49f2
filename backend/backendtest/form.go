package backendtest

import (
	"slices"

	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// setX gives src the numbers x in the case's form. Of sparse X the zeros are left out, but
// for some that are stored; where ones are implicit, all numbers but zeros become 1.
func (c caseOf) setX(src *backend.Source, x []float64) {
	switch c.form {
	case "", "dense":
		src.X = tensor.New(tensor.WithShape(c.rows, c.cols), tensor.WithBacking(c.typed(x)))
	default:
		src.Sparse = c.sparse(x)
	}
}

// typed is x in the case's source type.
func (c caseOf) typed(x []float64) any {
	if c.from == tensor.Float64 {
		return x
	}
	narrow := make([]float32, len(x))
	for i, v := range x {
		narrow[i] = float32(v)
	}
	return narrow
}

// storedZeros is that every how manyth zero of sparse X is stored.
const storedZeros = 11

func (c caseOf) sparse(x []float64) *backend.CSR {
	m := &backend.CSR{Rows: c.rows, Cols: c.cols, RowPtr: []int64{0}, Col: []uint32{}}
	values := []float64{}
	for i := range c.rows {
		for j, v := range x[i*c.cols : (i+1)*c.cols] {
			if v != 0 || c.form == "csr" && i%3 != 0 && (i+j)%storedZeros == 0 { // some rows stay empty
				m.Col, values = append(m.Col, uint32(j)), append(values, v)
			}
		}
		m.RowPtr = append(m.RowPtr, int64(len(m.Col)))
	}
	if c.form == "csr" {
		switch v := c.typed(values).(type) {
		case []float32:
			m.Val32 = v
		case []float64:
			m.Val64 = v
		}
	}
	return m
}

func copyCSR(m *backend.CSR) *backend.CSR {
	if m == nil {
		return nil
	}
	c := *m
	c.RowPtr, c.Col, c.Val32, c.Val64 = slices.Clone(m.RowPtr), slices.Clone(m.Col), slices.Clone(m.Val32), slices.Clone(m.Val64)
	return &c
}
