package dataset

import (
	"context"
	"fmt"
	"slices"

	"gorgonia.org/tensor"
)

// Detach takes the feature of that name out of X, in place, and returns its values: a
// column that was read with the features but says something else about the rows.
func (d *Dataset) Detach(feature string) ([]float64, error) {
	j := slices.Index(d.FeatureNames, feature)
	switch {
	case j < 0:
		return nil, &ReadError{File: d.Name, Value: feature, Problem: "there is no feature " + quote(feature), Advice: "the features are " + listNames(d.FeatureNames)}
	case len(d.FeatureNames) == 1:
		return nil, &ReadError{File: d.Name, Column: feature, Problem: "there is no other feature", Advice: "a table needs at least one feature column"}
	}
	rows, cols := d.Shape()
	values := make([]float64, rows)
	switch {
	case d.Sparse != nil:
		values = columnCSR(d.Sparse, j)
		to, _ := without(cols, j)
		d.Sparse = selectCSR(d.Sparse, to, cols-1)
	case d.SparseStream != nil:
		var err error
		if values, err = columnOfEntries(context.Background(), d.SparseStream, j); err != nil {
			return nil, err
		}
		to, _ := without(cols, j)
		if d.SparseStream, err = pickEntries(context.Background(), d.SparseStream, to, cols-1); err != nil {
			return nil, err
		}
	case d.Stream != nil:
		var err error
		if values, err = columnOf(d.Stream, j); err != nil {
			return nil, err
		}
		_, from := without(cols, j)
		d.Stream = &pickedColumns{madeOf{d.Stream}, from}
	default:
		switch x := d.X.Data().(type) {
		case []float32:
			d.X = detach(x, rows, cols, j, values)
		case []float64:
			d.X = detach(x, rows, cols, j, values)
		default:
			return nil, fmt.Errorf("%s: X holds %v; it must hold float32 or float64", d.Name, d.X.Dtype())
		}
	}
	d.FeatureNames = slices.Delete(slices.Clone(d.FeatureNames), j, j+1)
	return values, nil
}

// without numbers cols columns when column j is gone: what each becomes, -1 for j, and
// what each was.
func without(cols, j int) (to, from []int32) {
	to = make([]int32, cols)
	for k := range to {
		to[k] = -1
		if k != j {
			to[k] = int32(len(from))
			from = append(from, int32(k))
		}
	}
	return to, from
}

func detach[T float32 | float64](x []T, rows, cols, j int, values []float64) *tensor.Dense {
	to := 0
	for i := range rows {
		row := x[i*cols : (i+1)*cols]
		values[i] = float64(row[j])
		to += copy(x[to:], row[:j])
		to += copy(x[to:], row[j+1:])
	}
	return tensor.New(tensor.WithShape(rows, cols-1), tensor.WithBacking(x[:to:to]))
}
