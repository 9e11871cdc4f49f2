package inspect

import (
	"cmp"
	"math"
	"slices"
	"strconv"

	"github.com/logreg-gpu/logreg-gpu/dataset"
)

// shownLevels is how many levels Column.Top holds.
const shownLevels = 5

// facts are a column with what the other questions need.
type facts struct {
	Column
	of *dataset.Column

	// codes number the distinct values in sorted order, numbers before texts; -1 is
	// missing. values are those that are numbers.
	codes  []int32
	values []float64
	texts  []string
}

// names are the distinct values as text.
func (f *facts) names() []string {
	names := make([]string, 0, len(f.values)+len(f.texts))
	for _, v := range f.values {
		names = append(names, strconv.FormatFloat(v, 'g', -1, 64))
	}
	return append(names, f.texts...)
}

// whole tells whether all numbers are whole.
func (f *facts) whole() bool {
	return !slices.ContainsFunc(f.values, func(v float64) bool { return v != math.Trunc(v) })
}

// look takes the facts of a column of that many rows.
func look(c *dataset.Column, rows int) facts {
	f := facts{Column: Column{Name: c.Name}, of: c, codes: make([]int32, rows)}
	f.numbers(c)
	f.text(c)
	f.Distinct = len(f.values) + len(f.texts)
	count := make([]int, f.Distinct)
	for _, k := range f.codes {
		if k < 0 {
			f.Missing++
		} else {
			count[k]++
		}
	}
	switch {
	case f.Distinct == 0:
		f.Kind = Empty
	case f.texts == nil:
		f.Kind = Number
	case f.values == nil:
		f.Kind = Category
	default:
		f.Kind = Mixed
	}
	if f.Kind == Category || f.Kind == Mixed {
		f.Top = top(f.names(), count)
	}
	return f
}

// numbers gives codes to the cells that are numbers, and -1 to the others.
func (f *facts) numbers(c *dataset.Column) {
	for i := range f.codes {
		f.codes[i] = -1
	}
	if c.Numbers == nil {
		return
	}
	at := make([]int32, 0, len(c.Numbers)) // the rows in rising order of their numbers
	for i, v := range c.Numbers {
		if !math.IsNaN(v) {
			at = append(at, int32(i))
		}
	}
	if len(at) == 0 {
		return
	}
	slices.SortFunc(at, func(a, b int32) int { return cmp.Compare(c.Numbers[a], c.Numbers[b]) })
	r := Range{Min: c.Numbers[at[0]], Max: c.Numbers[at[len(at)-1]]}
	scale := momentScale(r)
	for n, i := range at {
		v := c.Numbers[i] + 0 // -0 is 0
		if len(f.values) == 0 || v != f.values[len(f.values)-1] {
			f.values = append(f.values, v)
		}
		f.codes[i] = int32(len(f.values) - 1)
		if v == 0 {
			r.Zeros++
		}
		// Welford's update.
		delta := v*scale - r.Mean
		r.Mean += delta / float64(n+1)
		r.Deviation += float64(delta * (v*scale - r.Mean))
	}
	r.Mean /= scale
	r.Deviation = math.Sqrt(r.Deviation/float64(len(at))) / scale
	f.Range = &r
}

// momentScale is a power of two by which the numbers are multiplied so that their squares
// are numbers too; 1 for all but the largest and the smallest.
func momentScale(r Range) float64 {
	_, exponent := math.Frexp(max(math.Abs(r.Min), math.Abs(r.Max)))
	if exponent > 400 || exponent < -400 {
		return math.Ldexp(1, min(-exponent, 1000)) // of numbers below 2^-1000 some squares vanish
	}
	return 1
}

// text gives codes to the cells that are text.
func (f *facts) text(c *dataset.Column) {
	if c.Codes == nil {
		return
	}
	used := make([]bool, len(c.Levels))
	for _, k := range c.Codes {
		if k >= 0 {
			used[k] = true
		}
	}
	var order []int
	for k, is := range used {
		if is {
			order = append(order, k)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(c.Levels[a], c.Levels[b]) })
	code := make([]int32, len(c.Levels))
	for n, k := range order {
		code[k] = int32(len(f.values) + n)
		f.texts = append(f.texts, c.Levels[k])
	}
	for i, k := range c.Codes {
		if k >= 0 {
			f.codes[i] = code[k]
		}
	}
}

// top are the most frequent levels, of equals the first.
func top(names []string, count []int) []Level {
	order := make([]int, len(names))
	for k := range order {
		order[k] = k
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(count[b], count[a]) })
	var levels []Level
	for _, k := range order[:min(shownLevels, len(order))] {
		levels = append(levels, Level{names[k], count[k]})
	}
	return levels
}
