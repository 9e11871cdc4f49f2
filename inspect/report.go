package inspect

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/logreg-gpu/logreg-gpu/dataset"
)

// Report is what there is to know about a table.
type Report struct {
	Rows          int       `json:"rows"`
	DuplicateRows int       `json:"duplicate_rows"` // that are equal to a row before them
	Label         *Label    `json:"label,omitempty"`
	Columns       []Column  `json:"columns"` // without the label
	Warnings      []Warning `json:"warnings"`
}

// Label is the label column.
type Label struct {
	Name    string  `json:"name"`
	Missing int     `json:"missing"`
	Classes []Level `json:"classes"` // in sorted order, as training numbers them
}

// Level is one value of a column.
type Level struct {
	Name string `json:"name"`
	Rows int    `json:"rows"`
}

// Kind is what a column holds.
type Kind string

const (
	Number   Kind = "number"
	Category Kind = "category" // text alone
	Mixed    Kind = "mixed"    // numbers and text
	Empty    Kind = "empty"    // every cell is missing
)

// Column is the facts of one column. Numbers are described by their range, categories by
// their levels.
type Column struct {
	Name     string `json:"name"`
	Kind     Kind   `json:"kind"`
	Missing  int    `json:"missing"`
	Distinct int    `json:"distinct"` // different values, missing ones not counted

	*Range `json:",omitempty"`
	Top    []Level `json:"top,omitempty"` // of categories: the most frequent levels
}

// Range describes numbers; Deviation is divided by their count.
type Range struct {
	Min       float64 `json:"min"`
	Max       float64 `json:"max"`
	Mean      float64 `json:"mean"`
	Deviation float64 `json:"deviation"`
	Zeros     int     `json:"zeros"`
}

// Warning is trouble ahead.
type Warning struct {
	Kind    string   `json:"kind"` // one of the constants below
	Columns []string `json:"columns,omitempty"`
	Problem string   `json:"problem"`
	Advice  string   `json:"advice,omitempty"`
}

// The kinds of warnings.
const (
	WarnConstant   = "constant"  // columns of one value
	WarnDuplicate  = "duplicate" // columns equal to another
	WarnLeak       = "leak"      // columns that give the class away
	WarnIDs        = "ids"       // columns of names or row numbers
	WarnMissing    = "missing"   // missing cells
	WarnMixed      = "mixed"     // numbers and text in one column
	WarnDressed    = "dressed"   // numbers with signs, which are text
	WarnLevels     = "levels"    // many categories
	WarnScales     = "scales"    // columns of very different spread
	WarnFar        = "far"       // columns far from 0
	WarnImbalance  = "imbalance" // rare classes
	WarnClasses    = "classes"   // labels that are hardly classes
	WarnRows       = "rows"      // rows that occur more than once
	WarnFewRows    = "few-rows"  // fewer rows than features
	WarnLabelEmpty = "label"     // missing labels
)

// Describe inspects t, of which column label (-1: none) is the label. It reads t only,
// and its result does not depend on the number of processors.
func Describe(ctx context.Context, t *dataset.Table, label int) (*Report, error) {
	d := &description{table: t, columns: make([]facts, len(t.Columns))}
	if err := d.each(ctx, func(j int) { d.columns[j] = look(&t.Columns[j], t.Rows) }); err != nil {
		return nil, err
	}
	r := &Report{Rows: t.Rows, Warnings: []Warning{}}
	r.DuplicateRows = d.duplicateRows()
	if label >= 0 {
		r.Label = d.label(label)
		leaks := make([]string, len(t.Columns))
		err := d.each(ctx, func(j int) {
			if j != label {
				leaks[j] = d.leak(&d.columns[j], &d.columns[label])
			}
		})
		if err != nil {
			return nil, err
		}
		d.leaks = leaks
	}
	for j := range d.columns {
		if j != label {
			d.features = append(d.features, &d.columns[j])
			r.Columns = append(r.Columns, d.columns[j].Column)
		}
	}
	r.Warnings = append(r.Warnings, d.warnings(r)...)
	return r, nil
}

// description is a report being made.
type description struct {
	table    *dataset.Table
	columns  []facts  // as in the table
	features []*facts // without the label
	leaks    []string // of each column, how it gives the class away
}

// each calls do for every column, on all processors.
func (d *description) each(ctx context.Context, do func(j int)) error {
	var next atomic.Int64
	var group sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(d.columns)) {
		group.Go(func() {
			for j := int(next.Add(1)) - 1; j < len(d.columns) && ctx.Err() == nil; j = int(next.Add(1)) - 1 {
				do(j)
			}
		})
	}
	group.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

func (d *description) label(j int) *Label {
	f := &d.columns[j]
	l := &Label{Name: f.Name, Missing: f.Missing, Classes: []Level{}}
	count := make([]int, f.Distinct)
	for _, k := range f.codes {
		if k >= 0 {
			count[k]++
		}
	}
	for k, name := range f.names() {
		l.Classes = append(l.Classes, Level{name, count[k]})
	}
	return l
}

// duplicateRows counts the rows that are equal to one before them, label and all.
func (d *description) duplicateRows() int {
	// Rows are told apart by the codes of their values: two sums of 64 bits, which
	// differ for different rows but for one pair in 2^128.
	type sum [2]uint64
	seen := make(map[sum]struct{}, d.table.Rows)
	twice := 0
	for i := range d.table.Rows {
		s := sum{1, 2}
		for j := range d.columns {
			k := uint64(uint32(d.columns[j].codes[i]))
			s[0] = mix(s[0] ^ k)
			s[1] = mix(s[1] + k*0x9e3779b97f4a7c15 + 1)
		}
		if _, ok := seen[s]; ok {
			twice++
			continue
		}
		seen[s] = struct{}{}
	}
	return twice
}

// mix is the finalizer of MurmurHash3_x64.
func mix(h uint64) uint64 {
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
