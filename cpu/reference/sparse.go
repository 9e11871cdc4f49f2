package reference

import (
	"context"
	"math"
	"slices"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/internal/columns"
)

// loadSparse is Load for sparse X: only its entries are kept, and they alone are summed.
func loadSparse(ctx context.Context, src *backend.Source, storage backend.Storage, round func(float64) float64) (backend.Data, error) {
	m := src.Sparse
	if err := backend.CheckSparseStorage(storage); err != nil {
		return nil, err
	}
	d := &data{
		columns: columns.Take(src), storage: storage,
		start: slices.Clone(m.RowPtr), col: slices.Clone(m.Col), x: make([]float64, m.Entries()),
	}
	for i := range m.Rows {
		if err := between(ctx, i); err != nil {
			return nil, err
		}
		for e := m.RowPtr[i]; e < m.RowPtr[i+1]; e++ {
			v := m.Value(e)
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return nil, &backend.NotFiniteError{Row: i, Col: int(m.Col[e]), Value: v}
			}
			if d.x[e] = round(v); math.IsInf(d.x[e], 0) {
				return nil, &backend.RangeError{Row: i, Col: int(m.Col[e]), Value: v, Storage: storage}
			}
		}
	}
	return d, nil
}
