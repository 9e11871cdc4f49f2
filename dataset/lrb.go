package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/dataset/lrb"
)

// readLRB reads our own format: the matrix as the file has it, dense or sparse, and the
// labels, weights and offsets beside it.
//
// Its features have names, so that Label, Weight and Offset may also name one of them,
// which then is none any more. A dense matrix beyond MaxMemory becomes a Stream.
func readLRB(ctx context.Context, in *input, o *ReadOptions) (*Dataset, error) {
	file, err := in.spool(o, "lrb file", lrb.Magic)
	if err != nil {
		return nil, err
	}
	f, err := openLRB(in, file, o)
	if err != nil {
		file.close()
		return nil, withFile(lrbError(err), in.name)
	}
	d, err := fromLRB(ctx, f, o)
	if err != nil || !d.OnDisk() {
		f.Close()
		file.close()
		return d, withFile(lrbError(err), in.name)
	}
	if d.Stream != nil {
		d.Stream = &openRowReader{d.Stream, files{f, file}}
	} else {
		d.SparseStream = &openSparseReader{d.SparseStream, files{f, file}}
	}
	return d, nil
}

func openLRB(in *input, file *spooled, o *ReadOptions) (*lrb.File, error) {
	if in.file != nil && o.MaxMemory > 0 { // it may have to stay open for longer than in
		return lrb.Open(in.name)
	}
	return lrb.NewFile(file.ReaderAt, file.size, in.name)
}

// lrbError is a *ReadError for what package lrb reports.
func lrbError(err error) error {
	var e *lrb.Error
	if !errors.As(err, &e) {
		return err
	}
	r := &ReadError{Problem: e.Kind.Error(), Err: err}
	if e.Reason != "" {
		r.Problem += ": " + e.Reason
	}
	switch e.Kind {
	case lrb.ErrDamaged:
		r.Advice = "convert the data again"
	case lrb.ErrNotLRB:
		r.Advice = "the file is damaged, or something else"
	}
	return r
}

// fromLRB makes a dataset of f, which must stay open where it has a Stream.
func fromLRB(ctx context.Context, f *lrb.File, o *ReadOptions) (*Dataset, error) {
	_, cols := f.Shape()
	if f.Sparse() && o.Features == nil && o.Cols != cols {
		if err := checkImpliedCols(cols, f.Entries()); err != nil {
			return nil, err
		}
	}
	c, err := chooseLRB(f, o)
	if err != nil {
		return nil, err
	}
	d := &Dataset{FeatureNames: c.features, Weights: f.Weights, Offsets: f.Offsets}
	if !o.NoLabel && f.Labels != nil && !c.hasLabel {
		d.LabelName, d.Labels, d.Classes = f.Label, f.Labels, Classes{Names: f.Classes, Numeric: f.Numeric}
		if err := d.reclass(o.Classes); err != nil {
			return nil, err
		}
	}
	if f.Sparse() {
		return d, fromSparseLRB(ctx, f, o, c, d)
	}

	rows, err := f.Rows()
	if err != nil {
		return nil, err
	}
	if err := c.sides(d, o, func(col int) ([]float64, error) { return columnOf(rows, col) }); err != nil {
		return nil, err
	}
	var r backend.RowReader = rows
	if to, from := c.selection(); to != nil {
		r = &pickedColumns{madeOf{r}, from}
	}
	if o.Float != (tensor.Dtype{}) && o.Float != r.Dtype() {
		r = &castRows{madeOf{r}}
	}
	n, left := r.Shape()
	switch size := int64(n) * int64(left) * int64(r.Dtype().Size()); {
	case o.streams(size):
		d.Stream = r
	case r == backend.RowReader(rows):
		d.X, err = f.Dense(ctx, o.Threads)
	default:
		d.X, err = gather(ctx, r)
	}
	return d, err
}

// fromSparseLRB is fromLRB for a sparse matrix.
func fromSparseLRB(ctx context.Context, f *lrb.File, o *ReadOptions, c *columns, d *Dataset) error {
	to, _ := c.selection()
	if !o.streams(f.MatrixBytes()) {
		m, err := f.CSR(ctx, o.Threads)
		if err != nil {
			return err
		}
		if err := c.sides(d, o, func(col int) ([]float64, error) { return columnCSR(m, col), nil }); err != nil {
			return err
		}
		if to != nil {
			m = selectCSR(m, to, len(c.features))
		}
		d.Sparse, err = castCSR(m, o.Float)
		return err
	}
	rows, err := f.SparseRows()
	if err != nil {
		return err
	}
	if err := c.sides(d, o, func(col int) ([]float64, error) { return columnOfEntries(ctx, rows, col) }); err != nil {
		return err
	}
	var r backend.SparseReader = rows
	if to != nil {
		if r, err = pickEntries(ctx, r, to, len(c.features)); err != nil {
			return err
		}
	}
	if o.Float != (tensor.Dtype{}) && o.Float != r.Dtype() && !r.Ones() {
		r = &castEntries{sparseMadeOf{r}}
	}
	d.SparseStream = r
	return nil
}

// openSparseReader is a sparse reader that closes its files.
type openSparseReader struct {
	backend.SparseReader
	files
}

// openRowReader is a reader that closes its files.
type openRowReader struct {
	backend.RowReader
	files
}

// files are closed together.
type files []io.Closer

func (all files) Close() error {
	var errs []error
	for _, f := range all {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// chooseLRB gives the columns of the matrix their roles. The file's own labels are none
// of them.
func chooseLRB(f *lrb.File, o *ReadOptions) (*columns, error) {
	_, cols := f.Shape()
	all := &columns{names: f.Features, role: make([]int, cols)}
	// spec is how chooseColumns calls the column, where there is one of that name.
	spec := func(given string) (string, bool) {
		if k, ok := listedIndex(given); ok && all.names == nil {
			given = strconv.Itoa(k)
		}
		_, err := all.find(given)
		return given, err == nil
	}
	of := *o
	label, found := spec(o.Label)
	switch {
	case o.Label != "" && found:
		of.Label = label
	case f.Labels != nil && (o.Label == "" || o.Label == f.Label || o.Features != nil) || o.NoLabel:
		of.Label, of.NoLabel = "", true
	case f.Labels != nil:
		return nil, &ReadError{Value: o.Label, Problem: "there is no column " + quote(o.Label), Advice: "the file's label is " + quote(f.Label)}
	case o.Label == "" && o.Features == nil:
		of.NoLabel = true // whoever needs labels will miss them
	default:
		return nil, &ReadError{Value: o.Label, Problem: "the file has no labels", Advice: "--label names a column that has them"}
	}
	of.Weight, _ = spec(o.Weight)
	of.Offset, _ = spec(o.Offset)
	of.Ignore = slices.Clone(o.Ignore)
	for k := range of.Ignore {
		of.Ignore[k], _ = spec(of.Ignore[k])
	}
	if of.NoLabel && of.Weight == "" && of.Offset == "" && of.Ignore == nil && (of.Features == nil || slices.Equal(of.Features, f.Features)) {
		// Every column is a feature; there may be millions.
		names := f.Features
		if names == nil {
			names = autoNames(0, cols)
		}
		return &columns{features: names}, nil
	}
	return chooseColumns(f.Features, cols, &of)
}

// selection tells which feature each column becomes, -1 where it is none, and which
// column each feature was; nil where the columns are the features.
func (c *columns) selection() (to, from []int32) {
	same := true
	for col, role := range c.role {
		same = same && col == role
	}
	if same {
		return nil, nil
	}
	to, from = make([]int32, len(c.role)), make([]int32, len(c.features))
	for col, role := range c.role {
		if to[col] = int32(max(role, -1)); role >= 0 {
			from[role] = int32(col)
		}
	}
	return to, from
}

// sides makes labels, weights and offsets of the columns that have those roles.
func (c *columns) sides(d *Dataset, o *ReadOptions, column func(int) ([]float64, error)) error {
	for col, role := range c.role {
		if role >= roleIgnored {
			continue
		}
		v, err := column(col)
		if err != nil {
			return err
		}
		for i, x := range v {
			if x-x != 0 || role == roleWeight && x < 0 {
				return rowError(c.name(col), i, fmt.Sprintf("%v cannot be %s", x, roleNames[role]), "correct it or drop the row")
			}
		}
		switch role {
		case roleWeight:
			d.Weights = v
		case roleOffset:
			d.Offsets = v
		case roleLabel:
			d.LabelName = c.name(col)
			if d.Labels, d.Classes, err = Encode(v); err != nil {
				return &ReadError{Column: d.LabelName, Problem: err.Error(), Advice: "is this the label?"}
			}
			if err := d.reclass(o.Classes); err != nil {
				return err
			}
		}
	}
	return nil
}
