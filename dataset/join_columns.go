package dataset

import (
	"context"
	"fmt"
	"math"
	"slices"

	"gorgonia.org/tensor"
)

// conform brings d's columns into the order of first's, which must be the same.
func (d *Dataset) conform(first *Dataset, kind string) error {
	e := &ReadError{Advice: "files that are read together need the same columns"}
	cols, want := len(d.FeatureNames), len(first.FeatureNames)
	switch {
	case (d.indices != nil) != (first.indices != nil), d.kind() != kind:
		e.Problem = fmt.Sprintf("its features are %s where those of %s are %s", d.kind(), first.Name, kind)
		return e
	case d.indices != nil:
		// How many there are, all files say together.
	case AutoNamed(d.FeatureNames) && AutoNamed(first.FeatureNames) && cols != want:
		e.Problem = fmt.Sprintf("it has %d features where %s has %d", cols, first.Name, want)
		return e
	case !slices.Equal(d.FeatureNames, first.FeatureNames):
		if err := d.reorder(first); err != nil {
			return err
		}
	}
	for _, side := range []struct {
		what      string
		has, want bool
	}{
		{"labels", d.Labels != nil, first.Labels != nil},
		{"sample weights", d.Weights != nil, first.Weights != nil},
		{"offsets", d.Offsets != nil, first.Offsets != nil},
	} {
		switch {
		case side.has && !side.want:
			e.Problem = fmt.Sprintf("it has %s, and %s has none", side.what, first.Name)
			return e
		case side.want && !side.has:
			e.Problem = fmt.Sprintf("it has no %s, and %s has some", side.what, first.Name)
			return e
		}
	}
	return nil
}

// reorder gives d the columns of first in their order, or says which differ.
func (d *Dataset) reorder(first *Dataset) error {
	at := make(map[string]int32, len(d.FeatureNames))
	for k, name := range d.FeatureNames {
		at[name] = int32(k)
	}
	from, to := make([]int32, 0, len(first.FeatureNames)), make([]int32, len(d.FeatureNames))
	var missing []string
	for k, name := range first.FeatureNames {
		j, ok := at[name]
		if !ok {
			missing = append(missing, name)
			continue
		}
		delete(at, name)
		from, to[j] = append(from, j), int32(k)
	}
	if missing != nil || len(at) > 0 {
		e := &ReadError{Advice: "files that are read together need the same columns"}
		if e.Problem = "its columns are not those of " + first.Name; missing != nil {
			e.Problem += ", it lacks " + listNames(missing)
		} else {
			var more []string
			for _, name := range d.FeatureNames {
				if _, ok := at[name]; ok {
					more = append(more, name)
				}
			}
			e.Problem += ", it has " + listNames(more) + " besides"
		}
		return e
	}
	switch {
	case d.raw != nil:
		t := *d.raw.table
		t.Columns = make([]Column, len(from))
		for k, j := range from {
			t.Columns[k] = d.raw.table.Columns[j]
		}
		d.raw.table = &t
	case d.Sparse != nil:
		d.Sparse = selectCSR(d.Sparse, to, len(from))
	case d.SparseStream != nil:
		var err error
		if d.SparseStream, err = pickEntries(context.Background(), d.SparseStream, to, len(from)); err != nil {
			return err
		}
	case d.Stream != nil:
		d.Stream = &pickedColumns{madeOf{d.Stream}, from}
	default:
		rows, cols := d.Shape()
		switch x := d.X.Data().(type) {
		case []float32:
			d.X = pick(x, rows, cols, from)
		case []float64:
			d.X = pick(x, rows, cols, from)
		}
	}
	d.FeatureNames = first.FeatureNames
	return nil
}

func pick[T float32 | float64](x []T, rows, cols int, from []int32) *tensor.Dense {
	picked := make([]T, 0, rows*len(from))
	for i := range rows {
		row := x[i*cols : (i+1)*cols]
		for _, j := range from {
			picked = append(picked, row[j])
		}
	}
	return tensor.New(tensor.WithShape(rows, len(from)), tensor.WithBacking(picked))
}

// table joins the columns: levels are those of all files, in sorted order.
func (j *joiner) table() *Table {
	t := &Table{Rows: j.rows, parts: j.parts}
	tables := make([]*Table, len(j.read))
	for k, p := range j.read {
		if tables[k] = p.numbersOrRaw(); k == 0 {
			t.Columns = make([]Column, len(tables[0].Columns))
		}
		p.X, p.raw = nil, nil
	}
	for c := range t.Columns {
		of := make([]*Column, len(tables))
		for k := range tables {
			of[k] = &tables[k].Columns[c]
		}
		t.Columns[c] = joinColumn(of, j.parts, j.rows)
	}
	return t
}

func (d *Dataset) numbersOrRaw() *Table {
	if d.raw != nil {
		return d.raw.table
	}
	return d.numbers()
}

// joinColumn joins one column of several files, of which parts are the first rows.
func joinColumn(of []*Column, parts []filePart, rows int) Column {
	all := Column{Name: of[0].Name, parts: parts}
	hasNumber := func(c *Column) bool { return slices.ContainsFunc(c.Numbers, func(v float64) bool { return v == v }) }
	if text := slices.ContainsFunc(of, func(c *Column) bool { return c.Codes != nil }); text {
		all.Codes = slices.Repeat([]int32{-1}, rows)
		for _, c := range of {
			all.Levels = append(all.Levels, c.Levels...)
		}
		slices.Sort(all.Levels)
		all.Levels = slices.Compact(all.Levels)
	}
	if all.Codes == nil || slices.ContainsFunc(of, hasNumber) {
		all.Numbers = slices.Repeat([]float64{math.NaN()}, rows)
	}
	for f, c := range of {
		first := parts[f].first
		if all.Numbers != nil {
			copy(all.Numbers[first:], c.Numbers)
		}
		if c.Codes == nil {
			continue
		}
		to := make([]int32, len(c.Levels))
		for k, level := range c.Levels {
			at, _ := slices.BinarySearch(all.Levels, level)
			to[k] = int32(at)
			all.note(at, f, c, k)
		}
		for i, k := range c.Codes {
			if k >= 0 {
				all.Codes[first+i] = to[k]
			}
		}
	}
	return all
}

// note keeps where level k of the column of file f stands first, unless level at of all
// files is known to stand before that.
func (c *Column) note(at, f int, of *Column, k int) {
	if of.places == nil {
		return
	}
	if c.places == nil {
		c.places = slices.Repeat([]place{{part: -1}}, len(c.Levels))
	}
	if c.places[at].part < 0 {
		c.places[at] = place{int32(f), of.places[k].line}
	}
}

// textError is the error for texts where other files have numbers.
func (r *raw) textError() error {
	for k := range r.table.Columns {
		if c := &r.table.Columns[k]; c.First() >= 0 {
			return c.textError(c.First(), "cannot read "+quote(c.Levels[c.First()])+" as a number", textAdvice(c.Name))
		}
	}
	return &ReadError{Problem: "it has missing cells, which files before had not, and --max-memory leaves no room for them", Advice: missingAdvice}
}

// kind is what the features are kept in.
func (d *Dataset) kind() string {
	if d.isSparse() {
		return "sparse"
	}
	return "dense"
}
