package dataset

import "slices"

const groupAdvice = "every row needs a group: fill it in or drop the row"

// takeGroups takes the column of that name out of the features: d.Groups number its
// values in sorted order.
func (d *Dataset) takeGroups(name string) error {
	if d.raw == nil {
		values, err := d.Detach(name)
		if err != nil {
			return err
		}
		distinct := slices.Compact(slices.Sorted(slices.Values(values)))
		d.Groups = make([]int32, len(values))
		for i, v := range values {
			k, _ := slices.BinarySearch(distinct, v)
			d.Groups[i] = int32(k)
		}
		return nil
	}
	t := d.raw.table
	j := slices.IndexFunc(t.Columns, func(c Column) bool { return c.Name == name })
	switch {
	case j < 0:
		return &ReadError{Value: name, Problem: "there is no feature " + quote(name), Advice: "the features are " + listNames(t.names())}
	case len(t.Columns) == 1:
		return &ReadError{Column: name, Problem: "there is no other feature", Advice: "a table needs at least one feature column"}
	}
	c := &t.Columns[j]
	if i := c.firstMissing(t.Rows); i >= 0 {
		return rowError(name, i, "the cell is missing", groupAdvice)
	}
	text := c.categories(c.Codes == nil)
	groups := classesOf(text.Levels)
	index := groups.index()
	of := make([]int32, len(text.Levels))
	for k, l := range text.Levels {
		of[k], _ = index.of(l)
	}
	d.Groups = make([]int32, t.Rows)
	for i, k := range text.Codes {
		d.Groups[i] = of[k]
	}
	d.raw.table = &Table{Name: t.Name, Rows: t.Rows, Columns: slices.Delete(slices.Clone(t.Columns), j, j+1)}
	return nil
}
