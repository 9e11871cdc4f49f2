package dataset

import (
	"cmp"
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

	parts []filePart // the files that it was joined of; nil where it is one
}

// filePart is a file of several that make a table: its rows from first on.
type filePart struct {
	name  string
	first int
}

// partOf is the last of the parts that begins at row or before.
func partOf(parts []filePart, row int) filePart {
	k, exact := slices.BinarySearchFunc(parts, row, func(p filePart, row int) int { return p.first - row })
	if !exact {
		k--
	}
	return parts[k]
}

// named completes an error by the file that it speaks of, and counts its row in that file.
func (t *Table) named(err error) error {
	if r, ok := err.(*ReadError); ok && r != nil && r.File == "" && r.row > 0 && t.parts != nil {
		p := partOf(t.parts, r.row-1)
		r.File, r.row = p.name, r.row-p.first
	}
	return withFile(err, t.Name)
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

	places []place    // where each of Levels stands first; nil where there are no lines
	parts  []filePart // of the table
}

// place is a line of one of the files of a table.
type place struct{ part, line int32 }

// Place is the file and the line where level k stands first: "" of a table that is one
// file, 0 where lines are not known.
func (c *Column) Place(k int) (file string, line int) {
	if c.places == nil {
		return "", 0
	}
	p := c.places[k]
	if c.parts != nil {
		file = c.parts[p.part].name
	}
	return file, int(p.line)
}

// First is the level that stands first in the table, or -1.
func (c *Column) First() int {
	switch {
	case len(c.Levels) == 0:
		return -1
	case c.places == nil:
		return 0
	}
	return slices.MinFunc(seq(len(c.Levels)), func(a, b int) int {
		return cmp.Or(cmp.Compare(c.places[a].part, c.places[b].part), cmp.Compare(c.places[a].line, c.places[b].line))
	})
}

// textError is a problem of level k of the column.
func (c *Column) textError(k int, problem, advice string) *ReadError {
	file, line := c.Place(k)
	return &ReadError{File: file, Line: line, Column: c.Name, Value: c.Levels[k], Problem: problem, Advice: advice}
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
	return Column{Name: c.Name, Numbers: take(c.Numbers, rows), Codes: take(c.Codes, rows), Levels: c.Levels, places: c.places, parts: c.parts}
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
		var recent [64]struct { // of the values whose bits hash to a place
			v float64
			k int32
		}
		for i := range recent {
			recent[i].v, recent[i].k = math.NaN(), -1
		}
		for i, v := range c.Numbers {
			r := &recent[math.Float64bits(v)*0x9e3779b97f4a7c15>>58]
			if r.v != v {
				k, ok := of[v]
				if !ok {
					k = -1
					if !math.IsNaN(v) {
						k = code(number(v))
						of[v] = k
					}
				}
				r.v, r.k = v, k
			}
			out.Codes[i] = r.k
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
