package dataset

import (
	"errors"

	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// Dataset is a table made ready for training or prediction: N rows of D numeric
// features with what belongs to each row. Slices left nil are absent.
type Dataset struct {
	// Name is what errors call it: the path, "-" or "builtin:iris".
	Name string

	// One of X, Sparse, Stream and SparseStream is the matrix of features, N x D. X is
	// row-major, float32 or float64.
	X *tensor.Dense

	// Sparse has the features of which most are 0: of LibSVM files, of categories.
	Sparse *backend.CSR

	// Stream and SparseStream have features that stay on the disk, until Close.
	Stream       backend.RowReader
	SparseStream backend.SparseReader

	// Encoding is how X was made of the columns of the file; nil where those are X.
	Encoding *Encoding

	// Dropped is the number of rows that were left out for their missing cells.
	Dropped int

	// Groups give each row's value of the column that ReadOptions.Group names, numbered
	// in sorted order; nil without one.
	Groups []int32

	raw     *raw        // features that a reader has left to be encoded; X is still nil then
	indices *svmIndices // of sparse features, while they have those of a LibSVM file
	parts   []filePart  // the files that it was joined of; nil where it is one

	// FeatureNames has one name a column of X. Without a header they are x0, x1, ...
	FeatureNames []string

	// Labels holds the class of every row, an index into Classes; nil without labels.
	Labels []int32

	// Classes are the distinct labels in sorted order.
	Classes Classes

	// LabelName is the name of the label column.
	LabelName string

	// Weights are the sample weights, finite and not negative; nil means all ones.
	Weights []float64

	// Offsets are added to the logit of each row; nil means none.
	Offsets []float64
}

// Classes are the distinct labels: sorted by value where all of them are numbers,
// as strings otherwise (as scikit-learn's LabelEncoder sorts them).
type Classes struct {
	// Names are the labels as text; numbers in their shortest form that reads back
	// exactly.
	Names []string

	// Numeric tells that all of them are numbers: JSON then shows numbers.
	Numeric bool
}

// Shape returns the number of rows and features.
func (d *Dataset) Shape() (rows, cols int) {
	if d.raw != nil {
		return d.raw.table.Rows, len(d.raw.table.Columns)
	}
	return d.matrix().Shape()
}

// OnDisk tells whether the features stay on the disk.
func (d *Dataset) OnDisk() bool { return d.Stream != nil || d.SparseStream != nil }

// isSparse tells whether most of the features are 0, and not stored.
func (d *Dataset) isSparse() bool { return d.Sparse != nil || d.SparseStream != nil }

// Place tells which file row i stands in, and at which place there, from 0.
func (d *Dataset) Place(i int) (file string, row int) {
	if d.parts == nil {
		return d.Name, i
	}
	p := partOf(d.parts, i)
	return p.name, i - p.first
}

// Source is the dataset as a backend loads it: label column 0, weight column 0
// where there are weights, offset column 0 where there are offsets.
func (d *Dataset) Source() *backend.Source {
	src := d.matrix()
	if d.Labels != nil {
		src.Labels = [][]int32{d.Labels}
	}
	if d.Weights != nil {
		src.Weights = [][]float64{d.Weights}
	}
	if d.Offsets != nil {
		src.Offsets = [][]float64{d.Offsets}
	}
	return src
}

// matrix is a source of the features alone.
func (d *Dataset) matrix() *backend.Source {
	return &backend.Source{X: d.X, Sparse: d.Sparse, Rows: d.Stream, SparseRows: d.SparseStream}
}

// Close lets go of features that stay on the disk. Other datasets need no closing.
func (d *Dataset) Close() error {
	return errors.Join(closeRows(d.Stream), closeRows(d.SparseStream))
}
