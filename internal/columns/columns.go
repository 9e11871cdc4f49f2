// Package columns holds what belongs to each row of X beside its features: labels,
// weights, offsets and folds. Both CPU backends keep those of a source in it and ask it
// how much a row counts in a model; the CUDA backend, which has them on the device, takes
// its rules.
package columns

import (
	"fmt"
	"math"
	"slices"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// Columns are the copied columns of a source, or of rows drawn from one.
type Columns struct {
	backend.Columns

	Label  [][]int32
	Weight [][]float64
	Offset [][]float64
	Fold   []int32

	// Base is the weight of each row in models without a weight column; nil is 1.
	// Only sampled rows have one.
	Base []float64
}

// Take copies the columns of src, which must have passed Check; what is lent it takes as
// it is.
func Take(src *backend.Source) *Columns {
	c := &Columns{Columns: src.Columns(), Label: src.Labels, Weight: src.Weights, Offset: src.Offsets, Fold: src.Folds}
	if !src.Lend {
		c.Label, c.Weight, c.Offset, c.Fold = copies(c.Label), copies(c.Weight), copies(c.Offset), slices.Clone(c.Fold)
	}
	return c
}

func copies[T any](columns [][]T) [][]T {
	own := make([][]T, len(columns))
	for k, col := range columns {
		own[k] = slices.Clone(col)
	}
	return own
}

// Masses returns the weight of every row in model m, its left-out fold aside; nil
// where all weights are 1.
func (c *Columns) Masses(m backend.Model) []float64 {
	if m.Weight == backend.None {
		return c.Base
	}
	return c.Weight[m.Weight]
}

// Mass returns what row i counts in the sums of model m, and what it counts in the
// held-out loss. At least one of them is zero.
func (c *Columns) Mass(m backend.Model, i int) (kept, held float64) {
	w := 1.0
	if col := c.Masses(m); col != nil {
		w = col[i]
	}
	if m.Fold != backend.None && int(c.Fold[i]) == m.Fold {
		return 0, w
	}
	return w, 0
}

// OffsetOf returns what is added to every z of model m in row i.
func (c *Columns) OffsetOf(m backend.Model, i int) float64 {
	if m.Offset == backend.None {
		return 0
	}
	return c.Offset[m.Offset][i]
}

// CheckRows reports the first row or factor that cannot be drawn from n rows.
func CheckRows(rows []int, factor []float64, n int) error {
	if len(rows) == 0 {
		return &backend.SourceError{Part: "sample", Reason: "has no rows; draw at least one"}
	}
	if factor != nil && len(factor) != len(rows) {
		return &backend.SourceError{Part: "sample", Reason: fmt.Sprintf("has %d factors for %d rows", len(factor), len(rows))}
	}
	for i, r := range rows {
		if r < 0 || r >= n {
			return &backend.SourceError{Part: "sample", Reason: fmt.Sprintf("asks for row %d of %d", r, n)}
		}
		if factor != nil && (!(factor[i] >= 0) || math.IsInf(factor[i], 1)) {
			return &backend.SourceError{Part: "sample", Reason: fmt.Sprintf("has the factor %v; factors must be finite and not negative", factor[i])}
		}
	}
	return nil
}

// Gather returns the columns of the given rows with every weight times its factor.
func (c *Columns) Gather(rows []int, factor []float64) *Columns {
	s := &Columns{Columns: c.Columns}
	s.Rows = len(rows)
	for _, col := range c.Label {
		s.Label = append(s.Label, gather(col, rows))
	}
	for _, col := range c.Weight {
		s.Weight = append(s.Weight, Draw(col, rows, factor))
	}
	for _, col := range c.Offset {
		s.Offset = append(s.Offset, gather(col, rows))
	}
	if c.Fold != nil {
		s.Fold = gather(c.Fold, rows)
	}
	if c.Base != nil || factor != nil {
		s.Base = Draw(c.Base, rows, factor)
	}
	return s
}

func gather[T any](col []T, rows []int) []T {
	out := make([]T, len(rows))
	for i, r := range rows {
		out[i] = col[r]
	}
	return out
}

// Draw returns the weights of the given rows, nil being ones, each times its factor.
func Draw(weights []float64, rows []int, factor []float64) []float64 {
	out := make([]float64, len(rows))
	for i, r := range rows {
		out[i] = 1
		if weights != nil {
			out[i] = weights[r]
		}
		if factor != nil {
			out[i] *= factor[i]
		}
	}
	return out
}

// Unit is the power of two just below the largest weight, 1 where all are 0. Products are
// weighted in such units, so that weights of any size pass through float32 without loss.
func Unit(weights []float64) float64 {
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
