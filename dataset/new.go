package dataset

import (
	"fmt"
	"slices"

	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// New makes a dataset of Go slices: x is rows x cols, row-major, and labels has one
// entry a row, or is nil where there are none (New[float64, int](x, n, d, nil)).
// x is used, not copied. Features are named x0, x1, ...; weights, offsets and other
// names may be set on the result, and Check tells whether they fit.
//
// A NaN or an infinity in x is a *backend.NotFiniteError.
func New[T float32 | float64, L int | float64 | string](x []T, rows, cols int, labels []L) (*Dataset, error) {
	if rows < 1 || cols < 1 {
		return nil, fmt.Errorf("x is %d x %d; it must be at least 1 x 1", rows, cols)
	}
	if len(x)/cols != rows || len(x)%cols != 0 {
		return nil, fmt.Errorf("x has %d numbers for %d x %d", len(x), rows, cols)
	}
	for i, v := range x {
		if v-v != 0 {
			return nil, &backend.NotFiniteError{Row: i / cols, Col: i % cols, Value: float64(v)}
		}
	}
	return newLabelled(&Dataset{
		X:            tensor.New(tensor.WithShape(rows, cols), tensor.WithBacking(x)),
		FeatureNames: autoNames(0, cols),
	}, labels)
}

// newLabelled gives d its labels, if there are any.
func newLabelled[L int | float64 | string](d *Dataset, labels []L) (*Dataset, error) {
	if labels == nil {
		return d, nil
	}
	if rows, _ := d.Shape(); len(labels) != rows {
		return nil, fmt.Errorf("there are %d labels for %d rows", len(labels), rows)
	}
	var err error
	d.LabelName = "y"
	d.Labels, d.Classes, err = Encode(labels)
	return d, err
}

// Check reports the first thing that does not fit: a malformed X, a column of the
// wrong length, a weight that is negative, a label without a class, or a
// missing feature name. It does not read X.
func (d *Dataset) Check() error {
	if err := d.Source().Check(); err != nil {
		return err
	}
	if _, cols := d.Shape(); len(d.FeatureNames) != cols {
		return fmt.Errorf("there are %d feature names for %d columns of X", len(d.FeatureNames), cols)
	}
	if i := backend.FirstClassAbove(d.Labels, len(d.Classes.Names)); i >= 0 {
		return fmt.Errorf("the label of row %d is class %d of %d", i, d.Labels[i], len(d.Classes.Names))
	}
	return nil
}

// Take returns a new dataset of the given rows, copied in the given order; rows of a
// Stream stay where they are. Classes stay, also those that no row has any more.
func (d *Dataset) Take(rows []int) *Dataset {
	_, cols := d.Shape()
	t := *d
	t.parts = nil
	switch {
	case d.Sparse != nil:
		t.Sparse = takeCSR(d.Sparse, rows)
	case d.SparseStream != nil:
		t.SparseStream = takeEntriesOf(d.SparseStream, rows)
	case d.Stream != nil:
		t.Stream = &takenRows{d.Stream, slices.Clone(rows)}
	default:
		switch x := d.X.Data().(type) {
		case []float32:
			t.X = takeRows(x, cols, rows)
		case []float64:
			t.X = takeRows(x, cols, rows)
		}
	}
	t.Labels = take(d.Labels, rows)
	t.Weights = take(d.Weights, rows)
	t.Offsets = take(d.Offsets, rows)
	return &t
}

func takeRows[T float32 | float64](x []T, cols int, rows []int) *tensor.Dense {
	taken := make([]T, len(rows)*cols)
	for k, i := range rows {
		copy(taken[k*cols:(k+1)*cols], x[i*cols:])
	}
	return tensor.New(tensor.WithShape(len(rows), cols), tensor.WithBacking(taken))
}

func take[E any](s []E, rows []int) []E {
	if s == nil {
		return nil
	}
	taken := make([]E, len(rows))
	for k, i := range rows {
		taken[k] = s[i]
	}
	return taken
}
