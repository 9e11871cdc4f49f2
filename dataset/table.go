package dataset

import (
	"math"
	"slices"
	"strconv"
)

// Table is the columns of a file as they stand there, before they become features:
// what readers make of files that hold more than finite numbers.
type Table struct {
	Name    string // what errors call it
	Rows    int
	Columns []Column
}

// Column is numbers or text, one cell a row. In a file of text a column may hold both:
// each cell is then missing from the one or from the other.
type Column struct {
	Name string

	// Numbers has NaN where a cell is missing; nil for text.
	Numbers []float64

	// Codes index Levels, the distinct texts, and are -1 where a cell is missing; nil for
	// numbers.
	Codes  []int32
	Levels []string

	lines []int // the line where each of Levels stands first; nil where there are none
}

// Line is the line of the file where level k stands first, 0 where that is not known.
func (c *Column) Line(k int) int {
	if c.lines == nil {
		return 0
	}
	return c.lines[k]
}

// missing tells whether the cell of row i has neither a number nor a text.
func (c *Column) missing(i int) bool {
	return (c.Numbers == nil || math.IsNaN(c.Numbers[i])) && (c.Codes == nil || c.Codes[i] < 0)
}

// firstMissing is the first row whose cell is missing, or -1.
func (c *Column) firstMissing(rows int) int {
	for i := range rows {
		if c.missing(i) {
			return i
		}
	}
	return -1
}

// take is the column with the given rows alone.
func (c *Column) take(rows []int) Column {
	return Column{Name: c.Name, Numbers: take(c.Numbers, rows), Codes: take(c.Codes, rows), Levels: c.Levels, lines: c.lines}
}

// take is the table of the given rows, copied in the given order.
func (t *Table) take(rows []int) *Table {
	taken := &Table{Name: t.Name, Rows: len(rows), Columns: make([]Column, len(t.Columns))}
	for j := range t.Columns {
		taken.Columns[j] = t.Columns[j].take(rows)
	}
	return taken
}

// names are those of the columns.
func (t *Table) names() []string {
	names := make([]string, len(t.Columns))
	for j := range t.Columns {
		names[j] = t.Columns[j].Name
	}
	return names
}

// number is the shortest text that reads back as v; -0 is 0.
func number(v float64) string { return strconv.FormatFloat(v+0, 'g', -1, 64) }

// numeric tells whether all of the levels are finite numbers.
func numeric(levels []string) bool {
	return !slices.ContainsFunc(levels, func(l string) bool { _, ok := finite(l); return !ok })
}

// finite reads a level as a finite number.
func finite(level string) (float64, bool) {
	v, ok := parseNumber([]byte(level))
	return v, ok && !math.IsInf(v, 0)
}

// categories is the column as texts. Of byValue, levels that are numbers become the
// shortest texts of their values, so that 1 and 1.0 are one level.
func (c *Column) categories(byValue bool) *Column {
	if c.Codes != nil && !byValue {
		return c
	}
	rows := max(len(c.Numbers), len(c.Codes))
	out := &Column{Name: c.Name, Codes: make([]int32, rows)}
	index := make(map[string]int32)
	code := func(level string) int32 {
		k, ok := index[level]
		if !ok {
			k = int32(len(out.Levels))
			index[level] = k
			out.Levels = append(out.Levels, level)
		}
		return k
	}
	if c.Codes == nil {
		of := make(map[float64]int32)
		for i, v := range c.Numbers {
			k, ok := of[v]
			if !ok {
				k = -1
				if !math.IsNaN(v) {
					k = code(number(v))
					of[v] = k
				}
			}
			out.Codes[i] = k
		}
		return out
	}
	of := make([]int32, len(c.Levels))
	for k, level := range c.Levels {
		if v, ok := finite(level); ok {
			level = number(v)
		}
		of[k] = code(level)
	}
	for i, k := range c.Codes {
		out.Codes[i] = -1
		if k >= 0 {
			out.Codes[i] = of[k]
		}
	}
	return out
}
