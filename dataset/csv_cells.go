package dataset

import (
	"cmp"
	"math"
	"slices"
	"sync"
	"unicode/utf8"
)

// Text tables are read in one of two ways. Where the head of the file has numbers alone
// in its features, and no options ask for more, cells go straight into X, and one that
// is no number is an error (csv_parse.go). Otherwise cells of all kinds are kept: of the
// same matrix, always float64, each cell is a number or a NaN whose payload is the code
// of a text, or 0 for a missing cell. Nothing is read twice, so that streams do, and
// what a column is may be decided by all of its cells.

// A quiet NaN with nothing in its payload; codes are added to it.
const boxedMissing = 0x7ff8000000000000

// box is the cell of a text's code; of -1, a missing cell.
func box(code int32) float64 { return math.Float64frombits(boxedMissing | uint64(code+1)) }

// unbox is the code of a cell that is no number.
func unbox(v float64) int32 { return int32(math.Float64bits(v)&0xffffffff) - 1 }

// chooseKinds decides from the rows in b[:n], the head of the table, how it is read, and
// which columns are read as text whatever stands there.
func (t *text) chooseKinds(b []byte, n int) {
	t.plain = make([]bool, len(t.role))
	for col, role := range t.role {
		t.plain[col] = role != roleIgnored && role != roleLabel && (role < 0 || !t.textual(role))
	}
	switch {
	case t.o.tableOnly || t.o.Encoding != nil:
		t.anyCells = true
	case t.o.Features == nil: // else they are a model's, which knows numbers alone
		t.anyCells = !t.o.Encode.zero() || t.headHasText(b, n)
	}
}

// textual tells whether feature j holds categories by what the options say.
func (t *text) textual(j int) bool {
	if e := t.o.Encoding; e != nil {
		return e.Columns[j].Categorical
	}
	return !t.o.tableOnly && slices.Contains(t.encode.Categorical, t.features[j])
}

// headHasText tells whether there is a column of features with texts and no numbers.
func (t *text) headHasText(b []byte, n int) bool {
	numbers, texts := make([]bool, len(t.role)), make([]bool, len(t.role))
	for p := 0; ; {
		if p, _ = skipBlank(b, p, n); p >= n {
			break
		}
		cells, end, problem := nextRow(b, p, t.delimiter)
		if problem != "" || len(cells) != len(t.role) {
			break // parsing will say so
		}
		for col, cell := range cells {
			_, number := parseNumber(cell)
			numbers[col] = numbers[col] || number
			texts[col] = texts[col] || !number && isText(cell)
		}
		p = end
	}
	for col, role := range t.role {
		if role >= 0 && texts[col] && !numbers[col] {
			return true
		}
	}
	return false
}

// isText tells whether a cell that is no number may be a category: it is not missing,
// and no number that went wrong.
func isText(cell []byte) bool { return !missingMark(cell) && !infinite(cell) && !decimalComma(cell) }

// cell reads a cell of a feature where all kinds are kept.
func (t *text) cell(text []byte, line, col int, levels []levelTable) (float64, error) {
	if missingMark(text) {
		group := t.o.Group != "" && t.o.Group == t.name(col)
		if t.o.keepsMissing() && !group {
			return box(-1), nil
		}
		e := &ReadError{Line: line, Column: t.name(col), Value: string(text), Problem: quote(string(text)) + " stands for a missing value", Advice: t.missingAdvice()}
		if len(text) == 0 {
			e.Problem = "the cell is empty"
		}
		if group {
			e.Advice = groupAdvice
		}
		return 0, e
	}
	if t.plain[col] {
		if v, ok := parseNumber(text); ok && !math.IsInf(v, 0) {
			return v, nil
		} else if !t.o.tableOnly && (ok || !isText(text)) {
			return t.number(text, line, col)
		}
	}
	if !utf8.Valid(text) {
		return 0, &ReadError{Line: line, Column: t.name(col), Value: string(text), Problem: quote(string(text)) + " is not UTF-8", Advice: "convert the file to UTF-8"}
	}
	return box(levels[t.role[col]].code(text, line)), nil
}

// keepsMissing tells whether a missing feature is kept for now.
func (o *ReadOptions) keepsMissing() bool {
	switch {
	case o.tableOnly:
		return true
	case o.Encoding != nil:
		return o.Encoding.Missing.fills()
	}
	return o.Features == nil && cmp.Or(o.Encode.Missing, MissingError) != MissingError
}

// missingAdvice is what to do about a missing feature.
func (t *text) missingAdvice() string {
	if t.o.Features != nil {
		return "fill it in or drop the row"
	}
	return missingAdvice
}

// levelTable numbers the distinct texts that one worker meets in one column.
type levelTable struct {
	codes map[string]int32
	texts []string
	lines []int // where each stands first
}

func (l *levelTable) code(text []byte, line int) int32 {
	if c, ok := l.codes[string(text)]; ok {
		return c
	}
	if l.codes == nil {
		l.codes = make(map[string]int32)
	}
	c, level := int32(len(l.texts)), string(text)
	l.codes[level] = c
	l.texts = append(l.texts, level)
	l.lines = append(l.lines, line)
	return c
}

// levels are the distinct texts of one column, sorted, and for each worker what its
// codes become.
type levels struct {
	texts []string
	lines []int
	codes [][]int32
}

// mergeLevels makes the levels of every column of what the workers met.
func mergeLevels(met [][]levelTable, features int) []levels {
	all := make([]levels, features)
	for j := range all {
		l := &all[j]
		first := make(map[string]int)
		for w := range met {
			for k, text := range met[w][j].texts {
				line, seen := first[text]
				if !seen {
					l.texts = append(l.texts, text)
				}
				if !seen || met[w][j].lines[k] < line {
					first[text] = met[w][j].lines[k]
				}
			}
		}
		slices.Sort(l.texts)
		at := make(map[string]int32, len(l.texts))
		for k, text := range l.texts {
			at[text] = int32(k)
			l.lines = append(l.lines, first[text])
		}
		l.codes = make([][]int32, len(met))
		for w := range met {
			for _, text := range met[w][j].texts {
				l.codes[w] = append(l.codes[w], at[text])
			}
		}
	}
	return all
}

// recode turns one worker's codes in the rows of x into those of all.
func recode(x []float64, all []levels, worker int) {
	d := len(all)
	for i, v := range x {
		if v != v {
			if k := unbox(v); k >= 0 {
				x[i] = box(all[i%d].codes[worker][k])
			}
		}
	}
}

// unboxed are the columns of the N x D matrix of cells x.
func unboxed(x []float64, names []string, all []levels) *Table {
	d := len(names)
	t := &Table{Rows: len(x) / d, Columns: make([]Column, d)}
	var group sync.WaitGroup
	for j := range d {
		group.Go(func() {
			c := &t.Columns[j]
			c.Name = names[j]
			if len(all[j].texts) > 0 {
				c.Levels, c.places = all[j].texts, make([]place, len(all[j].lines))
				for k, line := range all[j].lines {
					c.places[k].line = int32(line)
				}
				c.Codes = slices.Repeat([]int32{-1}, t.Rows)
			}
			for i := range t.Rows {
				v := x[i*d+j]
				if v == v && c.Numbers == nil {
					c.Numbers = slices.Repeat([]float64{math.NaN()}, t.Rows)
				}
				if v == v {
					c.Numbers[i] = v
				} else if k := unbox(v); k >= 0 {
					c.Codes[i] = k
				}
			}
			if c.Numbers == nil && c.Codes == nil {
				c.Numbers = slices.Repeat([]float64{math.NaN()}, t.Rows)
			}
		})
	}
	group.Wait()
	return t
}
