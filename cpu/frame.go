package cpu

import (
	"math"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/cpu/internal/columns"
)

// frame is what loaded data are whatever their X is kept in.
type frame[T number] struct {
	columns *columns.Columns
	storage backend.Storage
	affine  backend.Affine
	threads int
	kernel  kernels[T]
	units   []float64 // of each weight column, then of the base weights; see unit
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
		f.units = append(f.units, unit(col))
	}
}

// unit is the power of two just below the largest weight. Residuals are weighted in
// such units, so that weights of any size pass through T without loss.
func unit(weights []float64) float64 {
	high := 0.0
	for _, w := range weights {
		high = max(high, w)
	}
	if high == 0 {
		return 1
	}
	_, e := math.Frexp(high)
	return math.Ldexp(1, max(e-1, -1022)) // 1/unit must not overflow
}
