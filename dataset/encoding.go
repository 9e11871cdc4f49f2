package dataset

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"
)

// Encoding is how the columns of a table become features, learned from the training
// rows and kept with the model, so that predictions start from the same raw columns:
//
//	age        3 22 ?        age                 3 22 mean
//	                         age=<missing>       0  0    1     with MissingIndicator
//	city  Lyon Paris Lyon    city=Lyon           1  0    1
//	                         city=Paris          0  1    0
//
// Features follow the order of the columns, then of the crosses, then come the hashed
// ones. Levels are in sorted order - by value where all of them are numbers, as the
// classes of labels are - with <missing> and <other> behind them. A level that training
// has not seen is <other> where there is that, and else has 0 in all features of its
// column.
type Encoding struct {
	Missing  Missing         `json:"missing"`
	HashBits int             `json:"hash_bits,omitempty"`
	Columns  []EncodedColumn `json:"columns"`
	Crosses  []EncodedColumn `json:"crosses,omitempty"`
}

// EncodedColumn is one column of the table, or one cross of several, and what was
// learned about it.
type EncodedColumn struct {
	Name string `json:"name"`

	// Of lists the columns that a cross is of.
	Of []string `json:"of,omitempty"`

	// Mean stands in for a missing number; nil of categories, and where missing cells
	// are refused. Indicator adds the feature that tells them.
	Mean      *float64 `json:"mean,omitempty"`
	Indicator bool     `json:"indicator,omitempty"`

	// Categorical columns have a feature for each of Levels, unless they are hashed.
	// Numeric levels compare by value.
	Categorical bool     `json:"categorical,omitempty"`
	Numeric     bool     `json:"numeric,omitempty"`
	Levels      []string `json:"levels,omitempty"`
}

// Levels that are none of the table's.
const (
	missingLevel = "<missing>"
	otherLevel   = "<other>"
)

// ColumnNames are the columns that Apply needs.
func (e *Encoding) ColumnNames() []string {
	names := make([]string, len(e.Columns))
	for j := range e.Columns {
		names[j] = e.Columns[j].Name
	}
	return names
}

// FeatureNames are the names of the features: age, age=<missing>, city=Paris, hash0.
func (e *Encoding) FeatureNames() []string {
	var names []string
	for c := range e.all() {
		switch {
		case c.Categorical && e.HashBits > 0:
		case c.Categorical:
			for _, l := range c.Levels {
				names = append(names, c.Name+"="+l)
			}
		default:
			names = append(names, c.Name)
			if c.Indicator {
				names = append(names, c.Name+"="+missingLevel)
			}
		}
	}
	for h := range e.hashed() {
		names = append(names, "hash"+strconv.Itoa(h))
	}
	return names
}

// Features is the number of features.
func (e *Encoding) Features() int {
	n := e.hashed()
	for c := range e.all() {
		n += c.width(e)
	}
	return n
}

// width is how many features a column has of its own.
func (c *EncodedColumn) width(e *Encoding) int {
	switch {
	case c.Categorical && e.HashBits > 0:
		return 0
	case c.Categorical:
		return len(c.Levels)
	case c.Indicator:
		return 2
	}
	return 1
}

// hashed is the number of hashed features.
func (e *Encoding) hashed() int {
	if e.HashBits == 0 {
		return 0
	}
	return 1 << e.HashBits
}

// all goes through columns and crosses.
func (e *Encoding) all() func(yield func(*EncodedColumn) bool) {
	return func(yield func(*EncodedColumn) bool) {
		for _, cs := range [][]EncodedColumn{e.Columns, e.Crosses} {
			for j := range cs {
				if !yield(&cs[j]) {
					return
				}
			}
		}
	}
}

// sparse tells whether features are kept as CSR: there are many, of which most must be
// 0. It depends on the encoding alone, so that a row has the same bits in any table.
func (e *Encoding) sparse() bool {
	const small = 128 // features that take no more room than the entries of a CSR may
	entries := 0      // of a row, at most
	for c := range e.all() {
		entries += 1
		if c.Indicator {
			entries++
		}
	}
	d := e.Features()
	return d > small && 4*entries < d
}

// plain tells whether the features are the columns as they are.
func (e *Encoding) plain() bool {
	return !e.Missing.fills() && !slices.ContainsFunc(e.Columns, func(c EncodedColumn) bool { return c.Categorical })
}

// Check reports what contradicts itself or no table can have led to.
func (e *Encoding) Check() error {
	o := EncodeOptions{Missing: e.Missing, HashBits: e.HashBits}
	if err := o.Check(); err != nil {
		return err
	}
	if len(e.Columns) == 0 {
		return fmt.Errorf("there are no columns")
	}
	byName := make(map[string]*EncodedColumn, len(e.Columns))
	for j := range e.Columns {
		c := &e.Columns[j]
		if byName[c.Name] != nil {
			return fmt.Errorf("there are two columns %q", c.Name)
		}
		byName[c.Name] = c
		if c.Of != nil {
			return fmt.Errorf("column %q is of other columns", c.Name)
		}
	}
	for c := range e.all() {
		if err := c.check(e, byName); err != nil {
			return fmt.Errorf("column %q %w", c.Name, err)
		}
	}
	for j := range e.Crosses {
		if len(e.Crosses[j].Of) < 2 {
			return fmt.Errorf("cross %q is of fewer than two columns", e.Crosses[j].Name)
		}
	}
	return nil
}

func (c *EncodedColumn) check(e *Encoding, byName map[string]*EncodedColumn) error {
	for _, name := range c.Of {
		if of := byName[name]; of == nil || !of.Categorical || !c.Categorical {
			return fmt.Errorf("is of %q, which is no categorical column", name)
		}
	}
	seen := make(map[string]bool, len(c.Levels))
	for _, l := range c.Levels {
		switch {
		case seen[l]:
			return fmt.Errorf("has the level %q twice", l)
		case !utf8.ValidString(l):
			return fmt.Errorf("has the level %q, which is not valid UTF-8", l)
		}
		seen[l] = true
		if v, ok := finite(l); c.Numeric && l != missingLevel && l != otherLevel && (!ok || number(v) != l) {
			return fmt.Errorf("has the level %q, which is no number in its shortest form", l)
		}
	}
	switch {
	case c.Categorical && (c.Mean != nil || c.Indicator):
		return fmt.Errorf("is categorical and has a mean or an indicator")
	case c.Categorical && e.HashBits == 0 && len(c.Levels) == 0:
		return fmt.Errorf("has no levels")
	case c.Levels != nil && (!c.Categorical || e.HashBits > 0):
		return fmt.Errorf("has levels, which belong to a categorical column that is not hashed")
	case !c.Categorical && (c.Mean != nil) != e.Missing.fills():
		return fmt.Errorf("must have a mean exactly where missing cells are filled in")
	case c.Mean != nil && (math.IsNaN(*c.Mean) || math.IsInf(*c.Mean, 0)):
		return fmt.Errorf("has the mean %v", *c.Mean)
	case c.Indicator && e.Missing != MissingIndicator:
		return fmt.Errorf("has an indicator, which belongs to missing: indicator")
	case c.Numeric && !c.Categorical:
		return fmt.Errorf("has numeric levels and is not categorical")
	}
	return nil
}
