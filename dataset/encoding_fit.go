package dataset

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

const (
	// maxFeatures bounds the features that one table becomes: beyond, a column of free
	// text or of ids was taken for categories.
	maxFeatures = 1 << 20

	// manyLevels is how many levels a column must have before levels that hardly
	// repeat look like ids.
	manyLevels = 100
)

// FitEncoding learns how the columns of t become features. Errors are *ReadError.
func FitEncoding(t *Table, o EncodeOptions) (*Encoding, error) {
	if err := o.Check(); err != nil {
		return nil, &ReadError{File: t.Name, Problem: err.Error()}
	}
	e := &Encoding{Missing: cmp.Or(o.Missing, MissingError), HashBits: o.HashBits}
	for j := range t.Columns {
		c, err := fitColumn(&t.Columns[j], t.Rows, &o)
		if err != nil {
			return nil, t.named(err)
		}
		e.Columns = append(e.Columns, c)
	}
	for _, set := range o.Cross {
		c, err := e.fitCross(t, set, &o)
		if err != nil {
			return nil, t.named(err)
		}
		e.Crosses = append(e.Crosses, c)
	}
	if o.HashBits > 0 && len(e.Crosses) == 0 && !slices.ContainsFunc(e.Columns, func(c EncodedColumn) bool { return c.Categorical }) {
		return nil, &ReadError{File: t.Name, Problem: "there are no categories to hash", Advice: "--categorical makes categories of columns of numbers, or leave out --hash-bits"}
	}
	if n := e.Features(); n > maxFeatures && e.HashBits == 0 {
		return nil, &ReadError{File: t.Name, Problem: fmt.Sprintf("the columns become %d features; at most %d are supported", n, maxFeatures), Advice: "--max-categories 100 groups rare levels, --hash-bits 18 bounds the features"}
	}
	seen := make(map[string]bool)
	for _, name := range e.FeatureNames() {
		if seen[name] {
			return nil, &ReadError{File: t.Name, Problem: "two features would be called " + quote(name), Advice: "rename a column"}
		}
		seen[name] = true
	}
	return e, nil
}

// fitColumn learns one column.
func fitColumn(c *Column, rows int, o *EncodeOptions) (EncodedColumn, error) {
	named := slices.Contains(o.Categorical, c.Name)
	at := c.firstMissing(rows)
	switch {
	case at >= 0 && !o.Missing.fills():
		return EncodedColumn{}, missingError(c.Name, at, missingAdvice)
	case c.Numbers != nil && c.Codes != nil && !named:
		return EncodedColumn{}, mixedError(c)
	case c.Codes == nil && !named:
		return fitNumbers(c, at >= 0, o)
	}
	e := EncodedColumn{Name: c.Name, Categorical: true, Numeric: c.Codes == nil || numeric(c.Levels)}
	text := c.categories(e.Numeric)
	if len(text.Levels) == 0 {
		return e, allMissing(c.Name)
	}
	for k, l := range text.Levels {
		if l == missingLevel || l == otherLevel {
			return e, text.textError(k, "the level "+quote(l)+" has a name kept for cells that are missing or rare", "write it in another way")
		}
	}
	if o.HashBits > 0 {
		return e, nil
	}
	e.Levels = fitLevels(text, e.Numeric, o)
	if !named && o.MaxCategories == 0 && o.MinFrequency == 0 && len(e.Levels) > manyLevels && 2*len(e.Levels) > rows {
		return e, &ReadError{Column: c.Name, Problem: fmt.Sprintf("there are %d distinct texts in %d rows: the column looks like one of names or ids", len(e.Levels), rows),
			Advice: fmt.Sprintf("--ignore %s leaves it out; --categorical %s, --max-categories or --hash-bits make categories of it all the same", shown(c.Name), shown(c.Name))}
	}
	return e, nil
}

const missingAdvice = "use --missing mean or --missing drop"

func missingError(column string, row int, advice string) error {
	return rowError(column, row, "the cell is missing", advice)
}

func allMissing(column string) error {
	return &ReadError{Column: column, Problem: "all cells are missing", Advice: "--ignore " + shown(column) + " leaves the column out"}
}

// mixedError is a column of numbers and texts, at its first text.
func mixedError(c *Column) error {
	numbers, texts := 0, 0
	for _, v := range c.Numbers {
		if !math.IsNaN(v) {
			numbers++
		}
	}
	for _, k := range c.Codes {
		if k >= 0 {
			texts++
		}
	}
	first := c.First()
	problem := "cannot read " + quote(c.Levels[first]) + " as a number"
	if texts > numbers {
		problem = fmt.Sprintf("%s as %d of the %d cells are", problem, numbers, numbers+texts)
	}
	return c.textError(first, problem, textAdvice(c.Name))
}

// textAdvice is what to do about text in a column of numbers.
func textAdvice(column string) string {
	return fmt.Sprintf("--categorical %s makes categories of the column, --ignore %s leaves it out", shown(column), shown(column))
}

// shown is a name as a shell takes it.
func shown(name string) string {
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return strings.ContainsRune(" \t\n'\"\\$&|;<>()*?[]`!#~", r) }) {
		return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
	}
	return name
}

// fitNumbers learns a column of numbers.
func fitNumbers(c *Column, lacks bool, o *EncodeOptions) (EncodedColumn, error) {
	e := EncodedColumn{Name: c.Name}
	if !o.Missing.fills() {
		return e, nil
	}
	// The mean about the first number, so that large values cost no digits.
	first, sum, n := math.NaN(), 0.0, 0
	for _, v := range c.Numbers {
		if math.IsNaN(v) {
			continue
		}
		if n == 0 {
			first = v
		}
		sum += v - first
		n++
	}
	if n == 0 {
		return e, allMissing(c.Name)
	}
	mean := first + sum/float64(n)
	if math.IsInf(mean, 0) || math.IsNaN(mean) {
		return e, &ReadError{Column: c.Name, Problem: "the mean is beyond float64", Advice: "rescale the column"}
	}
	e.Mean, e.Indicator = &mean, lacks && o.Missing == MissingIndicator
	return e, nil
}

// fitLevels chooses the levels of a column: those that rows have, in order, but for the
// ones that are <other>.
func fitLevels(c *Column, byValue bool, o *EncodeOptions) []string {
	count := make([]int, len(c.Levels)+1) // the last is of missing cells
	for _, k := range c.Codes {
		if k < 0 {
			k = int32(len(c.Levels))
		}
		count[k]++
	}
	var order []int
	for k := range c.Levels {
		if count[k] > 0 {
			order = append(order, k)
		}
	}
	sortLevels(order, c.Levels, byValue)
	if count[len(c.Levels)] > 0 {
		order = append(order, len(c.Levels))
	}
	rare := rareLevels(order, count, len(c.Codes), o)
	var levels []string
	for i, k := range order {
		switch {
		case rare[i]:
		case k < len(c.Levels):
			levels = append(levels, c.Levels[k])
		default:
			levels = append(levels, missingLevel)
		}
	}
	if len(levels) < len(order) {
		levels = append(levels, otherLevel)
	}
	return levels
}

// sortLevels sorts indexes of levels by the levels' values or texts.
func sortLevels(order []int, levels []string, byValue bool) {
	if !byValue {
		slices.SortFunc(order, func(a, b int) int { return cmp.Compare(levels[a], levels[b]) })
		return
	}
	value := make([]float64, len(levels))
	for k, l := range levels {
		value[k], _ = finite(l)
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(value[a], value[b]) })
}

// rareLevels tells which of the levels in order are <other>: OneHotEncoder's rule, in
// which <other> itself counts among max_categories, and of levels that are equally rare
// the first in order goes first.
func rareLevels(order, count []int, rows int, o *EncodeOptions) []bool {
	rare := make([]bool, len(order))
	least := o.MinFrequency
	if least < 1 {
		least *= float64(rows)
	}
	features := len(order) + 1
	for i, k := range order {
		if float64(count[k]) < least {
			rare[i] = true
			features--
		}
	}
	if o.MaxCategories == 0 || o.MaxCategories >= features {
		return rare
	}
	byCount := seq(len(order))
	slices.SortStableFunc(byCount, func(a, b int) int { return cmp.Compare(count[order[a]], count[order[b]]) })
	for _, i := range byCount[:max(len(order)-(o.MaxCategories-1), 0)] {
		rare[i] = true
	}
	return rare
}

// seq is 0, 1, ..., n-1.
func seq(n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = i
	}
	return s
}

// fitCross learns the cross of the named columns.
func (e *Encoding) fitCross(t *Table, set []string, o *EncodeOptions) (EncodedColumn, error) {
	c := EncodedColumn{Name: strings.Join(set, ":"), Of: set, Categorical: true}
	for _, name := range set {
		j := slices.IndexFunc(e.Columns, func(c EncodedColumn) bool { return c.Name == name })
		if j < 0 {
			return c, &ReadError{Value: name, Problem: "there is no feature column " + quote(name) + " to cross", Advice: "the columns are " + listNames(e.ColumnNames())}
		}
		if !e.Columns[j].Categorical {
			return c, &ReadError{Column: name, Problem: "numbers cannot be crossed", Advice: "--categorical " + shown(name) + " makes categories of them"}
		}
	}
	if e.HashBits > 0 {
		return c, nil
	}
	crossed, err := crossing(e.texts(t, set), t.Rows)
	if err != nil {
		return c, err
	}
	c.Levels = fitLevels(crossed, false, o)
	return c, nil
}

// texts are the named columns of t as the encoding's categories.
func (e *Encoding) texts(t *Table, names []string) []*Column {
	var of []*Column
	for _, name := range names {
		j := slices.IndexFunc(e.Columns, func(c EncodedColumn) bool { return c.Name == name })
		k := slices.IndexFunc(t.Columns, func(c Column) bool { return c.Name == name })
		of = append(of, t.Columns[k].categories(e.Columns[j].Numeric))
	}
	return of
}

// crossing is the column of the levels of several columns together, as they stand in
// the table, a missing one as <missing>.
func crossing(of []*Column, rows int) (*Column, error) {
	combinations := 1.0
	for _, c := range of {
		if combinations *= float64(len(c.Levels) + 1); combinations > 1<<63 {
			return nil, &ReadError{Column: c.Name, Problem: "the cross has too many combinations to count", Advice: "--hash-bits hashes them instead"}
		}
	}
	cross := &Column{Codes: make([]int32, rows)}
	index := make(map[uint64]int32)
	var text []byte
	for i := range rows {
		key := uint64(0)
		for _, c := range of {
			key = key*uint64(len(c.Levels)+1) + uint64(c.Codes[i]+1)
		}
		k, ok := index[key]
		if !ok {
			if k = int32(len(cross.Levels)); k > maxFeatures {
				return nil, &ReadError{Column: of[0].Name, Problem: fmt.Sprintf("the cross with %s has more than %d combinations", quote(of[1].Name), maxFeatures), Advice: "--hash-bits hashes them instead"}
			}
			index[key] = k
			text = appendCross(text[:0], of, i)
			cross.Levels = append(cross.Levels, string(text))
		}
		cross.Codes[i] = k
	}
	return cross, nil
}

// appendCross appends the levels of row i, joined by colons. A colon within a level is
// written \: and a backslash \\, so that every combination has a text of its own.
func appendCross(text []byte, of []*Column, i int) []byte {
	for j, c := range of {
		if j > 0 {
			text = append(text, ':')
		}
		level := missingLevel
		if k := c.Codes[i]; k >= 0 {
			level = c.Levels[k]
		}
		for _, b := range []byte(level) {
			if b == ':' || b == '\\' {
				text = append(text, '\\')
			}
			text = append(text, b)
		}
	}
	return text
}
