package backend

import "fmt"

// CheckColumnGram is CheckModels for ColumnGram: it also checks the columns, the blocks
// and their matrices and diagonals.
func (c Columns) CheckColumnGram(models []Model, coef []float64, blocks []GramBlock, cols []int, out, diagonal [][]float64) error {
	last := -1
	for _, j := range cols {
		if j <= last || j >= c.Cols {
			return &ModelError{0, fmt.Sprintf("gram column %d after %d; columns must increase and stay below %d", j, last, c.Cols)}
		}
		last = j
	}
	if err := c.checkBlocks(models, coef, blocks, out, len(cols)+1); err != nil {
		return err
	}
	if len(diagonal) != len(blocks) {
		return &ModelError{0, fmt.Sprintf("%d diagonals for %d gram blocks", len(diagonal), len(blocks))}
	}
	for i, b := range blocks {
		if len(diagonal[i]) != c.Cols+1 {
			return &ModelError{b.Model, fmt.Sprintf("gram diagonal of %d numbers; want %d", len(diagonal[i]), c.Cols+1)}
		}
	}
	return nil
}
