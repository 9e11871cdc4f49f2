package dataset

import (
	"context"
	"fmt"
	"slices"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// Dataset makes a dataset of t by the options' rules for columns: label, weights and
// offsets, and features by the options' Encoding or one that it learns by Encode. It is
// what every reader of tables ends with. Labels, weights and offsets have no missing
// cells.
func (t *Table) Dataset(ctx context.Context, o ReadOptions) (*Dataset, error) {
	o.forEncoding()
	d, err := t.dataset(&o)
	if err == nil {
		err = d.encode(ctx, &o)
	}
	return d, t.named(err)
}

// forEncoding lets the columns of a model's encoding be found.
func (o *ReadOptions) forEncoding() {
	if o.Encoding != nil {
		o.Features = o.Encoding.ColumnNames()
	}
}

// dataset is Dataset before the features are encoded.
func (t *Table) dataset(o *ReadOptions) (*Dataset, error) {
	c, err := chooseColumns(t.names(), len(t.Columns), o)
	if err != nil {
		return nil, err
	}
	d := &Dataset{Name: t.Name}
	d.raw = &raw{table: &Table{Name: t.Name, Rows: t.Rows, Columns: make([]Column, len(c.features))}, options: c.encode}
	for col, role := range c.role {
		if role >= 0 {
			d.raw.table.Columns[role] = t.Columns[col]
			d.raw.table.Columns[role].Name = c.features[role]
		}
	}
	return d, d.sideColumns(t, c, o)
}

// sideColumns takes labels, weights and offsets from the table.
func (d *Dataset) sideColumns(t *Table, c *columns, o *ReadOptions) (err error) {
	d.LabelName = c.label
	for col, role := range c.role {
		of := &t.Columns[col]
		switch role {
		case roleLabel:
			d.Labels, d.Classes, err = of.labels(t.Rows, o.Classes)
		case roleWeight:
			d.Weights, err = of.finite(t.Rows)
			if i := slices.IndexFunc(d.Weights, func(w float64) bool { return w < 0 }); i >= 0 {
				err = rowError(of.Name, i, fmt.Sprintf("the weight %v is negative", d.Weights[i]), "weights must not be negative")
			}
		case roleOffset:
			d.Offsets, err = of.finite(t.Rows)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// finite is a column of finite numbers.
func (c *Column) finite(rows int) ([]float64, error) {
	if c.Codes != nil {
		return nil, &ReadError{Column: c.Name, Problem: "is a column of text where numbers are needed"}
	}
	for i, v := range c.Numbers {
		if v-v != 0 {
			return nil, rowError(c.Name, i, fmt.Sprintf("%v is not finite", v), finiteAdvice)
		}
	}
	return c.Numbers, nil
}

// labels are the classes of a column: those given, else the column's own.
func (c *Column) labels(rows int, given *Classes) ([]int32, Classes, error) {
	if i := c.firstMissing(rows); i >= 0 {
		return nil, Classes{}, rowError(c.Name, i, "the label is missing", "fill it in or drop the row")
	}
	text := c.categories(c.Codes == nil)
	classes := classesOf(text.Levels)
	if given != nil {
		classes = *given
	}
	if len(classes.Names) > backend.MaxClasses {
		return nil, Classes{}, tooManyClasses(c.Name, len(classes.Names))
	}
	index := classes.index()
	of := make([]int32, len(text.Levels))
	for k, l := range text.Levels {
		class, ok := index.of(l)
		if !ok {
			if i := slices.Index(text.Codes, int32(k)); i >= 0 {
				return nil, Classes{}, rowError(c.Name, i, "the label "+quote(l)+" is not among the model's classes", "the classes are "+listNames(classes.Names))
			}
		}
		of[k] = class
	}
	labels := make([]int32, rows)
	for i, k := range text.Codes {
		labels[i] = of[k]
	}
	return labels, classes, nil
}

// raw is the features of a dataset before they are encoded, and how that is asked for.
type raw struct {
	table   *Table
	options EncodeOptions
}

// encode makes X of what a reader left raw, or of numbers that are to be encoded.
func (d *Dataset) encode(ctx context.Context, o *ReadOptions) error {
	if o.tableOnly {
		return nil
	}
	if o.Group != "" {
		if err := d.takeGroups(o.Group); err != nil {
			return (&Table{Name: d.Name, parts: d.parts}).named(err)
		}
	}
	r := d.raw
	switch {
	case r != nil:
	case o.Encoding == nil && (o.Features != nil || o.Encode.zero()):
		return nil
	case d.X == nil:
		return &ReadError{File: d.Name, Problem: "features that are sparse or larger than memory are taken as they are", Advice: "leave out --categorical, --missing, --cross and --hash-bits, and models that were trained with them"}
	default:
		r = &raw{d.numbers(), o.Encode}
		d.X = nil
	}
	d.raw, r.table.Name, r.table.parts = nil, d.Name, d.parts
	e := o.Encoding
	if e == nil {
		if r.options.Missing == MissingDrop {
			if err := d.dropIncomplete(r); err != nil {
				return err
			}
		}
		var err error
		if e, err = FitEncoding(r.table, r.options); err != nil {
			return err
		}
	}
	var err error
	if d.X, d.Sparse, err = e.Apply(ctx, r.table, o.Float, o.Threads); err != nil {
		return err
	}
	d.FeatureNames = e.FeatureNames()
	if !e.plain() {
		d.Encoding = e
	}
	return nil
}

// dropIncomplete leaves out the rows in which a feature is missing.
func (d *Dataset) dropIncomplete(r *raw) error {
	incomplete := make([]bool, r.table.Rows)
	for j := range r.table.Columns {
		c := &r.table.Columns[j]
		for i := range incomplete {
			incomplete[i] = incomplete[i] || c.missing(i)
		}
	}
	var kept []int
	for i, out := range incomplete {
		if !out {
			kept = append(kept, i)
		}
	}
	switch len(kept) {
	case r.table.Rows:
		return nil
	case 0:
		return &ReadError{File: d.Name, Problem: "a feature is missing in every row, so that --missing drop leaves none", Advice: "use --missing mean, or --ignore the columns that are mostly missing"}
	}
	d.Dropped = r.table.Rows - len(kept)
	r.table, d.parts = r.table.take(kept), nil
	d.Labels, d.Weights, d.Offsets, d.Groups = take(d.Labels, kept), take(d.Weights, kept), take(d.Offsets, kept), take(d.Groups, kept)
	return nil
}

// numbers is X as a table.
func (d *Dataset) numbers() *Table {
	rows, cols := d.Shape()
	t := &Table{Name: d.Name, Rows: rows, Columns: make([]Column, cols)}
	for j := range t.Columns {
		c := &t.Columns[j]
		c.Name, c.Numbers = d.FeatureNames[j], make([]float64, rows)
		if d.Sparse != nil {
			continue
		}
		switch x := d.X.Data().(type) {
		case []float32:
			for i := range rows {
				c.Numbers[i] = float64(x[i*cols+j])
			}
		case []float64:
			for i := range rows {
				c.Numbers[i] = x[i*cols+j]
			}
		}
	}
	if m := d.Sparse; m != nil {
		for i := range rows {
			for at := m.RowPtr[i]; at < m.RowPtr[i+1]; at++ {
				t.Columns[m.Col[at]].Numbers[i] = m.Value(at)
			}
		}
	}
	return t
}
