package dataset

// Table is the columns of a file as they stand there, before they become features:
// what readers make of files that hold more than finite numbers.
type Table struct {
	Name    string // what errors call it
	Rows    int
	Columns []Column
}

// Column is numbers or text, one cell a row.
type Column struct {
	Name string

	// Numbers has NaN where a cell is missing; nil for text.
	Numbers []float64

	// Codes index Levels, the distinct texts, and are -1 where a cell is missing; nil for
	// numbers.
	Codes  []int32
	Levels []string
}
