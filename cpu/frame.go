package cpu

import (
	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/internal/columns"
)

// frame is what loaded data are whatever their X is kept in.
type frame[T number] struct {
	columns *columns.Columns
	storage backend.Storage
	affine  backend.Affine
	threads int
	kernel  kernels[T]
	units   []float64 // columns.Unit of each weight column, then of the base weights
	closed  bool
}

func (f *frame[T]) Rows() int                { return f.columns.Rows }
func (f *frame[T]) Cols() int                { return f.columns.Cols }
func (f *frame[T]) Storage() backend.Storage { return f.storage }
func (f *frame[T]) Affine() backend.Affine   { return f.affine }

// setColumns takes the columns and the unit of each weight column.
func (f *frame[T]) setColumns(c *columns.Columns) {
	f.columns = c
	for _, col := range append(append([][]float64(nil), c.Weight...), c.Base) {
		f.units = append(f.units, columns.Unit(col))
	}
}
