package dataset

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// maxCells bounds the numbers of a sparse table that is read as columns.
const maxCells = 1 << 28

// ReadTable reads the table at path as Read does, but for what it makes of it: every
// column that is not ignored stays as it is, missing cells and text among numbers too.
// label is the index of the label column, the last of a file that keeps labels apart, or
// -1 where there is none.
func ReadTable(ctx context.Context, path string, o ReadOptions) (t *Table, label int, err error) {
	o.tableOnly, o.Encode, o.Encoding, o.Features, o.Classes = true, EncodeOptions{}, nil, nil, nil
	d, err := Read(ctx, path, o)
	if err != nil {
		return nil, -1, err
	}
	defer d.Close()
	switch rows, cols := d.Shape(); {
	case d.raw != nil:
		t = d.raw.table
	case d.SparseStream != nil || d.Sparse != nil && rows > maxCells/cols:
		return nil, -1, &ReadError{File: d.Name, Problem: fmt.Sprintf("%d sparse features in %d rows are too many to be looked at as columns", cols, rows)}
	default:
		t = d.numbers()
	}
	t.Name = d.Name
	if d.Labels == nil {
		return t, slices.IndexFunc(t.Columns, func(c Column) bool { return c.Name == d.LabelName }), nil
	}
	apart := Column{Name: cmp.Or(d.LabelName, "y"), Codes: d.Labels, Levels: d.Classes.Names}
	if d.Classes.Numeric {
		apart.Codes, apart.Levels, apart.Numbers = nil, nil, make([]float64, t.Rows)
		for i, k := range d.Labels {
			apart.Numbers[i], _ = finite(d.Classes.Names[k])
		}
	}
	t.Columns = append(t.Columns, apart)
	return t, len(t.Columns) - 1, nil
}

// keepAll makes features of all columns that are not ignored, in their order.
func (c *columns) keepAll() {
	c.hasLabel, c.hasWeight, c.hasOffset = false, false, false
	var names []string
	for col, role := range c.role {
		switch {
		case role == roleIgnored:
			continue
		case role >= 0:
			names = append(names, c.features[role])
		default:
			names = append(names, c.name(col))
		}
		c.role[col] = len(names) - 1
	}
	c.features = names
}
