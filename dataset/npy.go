package dataset

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"strconv"
	"unsafe"

	"gorgonia.org/tensor"
)

// chunkBytes is how much of an array is read at a time: it stays in a core's cache
// while it is looked at.
const chunkBytes = 1 << 20

// array is an NPY array about to be read, whose bytes are known to be there: memory
// may be reserved for all of it.
type array struct {
	npyHeader
	name string // what errors call it: "X", "" for a whole file
	r    io.Reader

	start int64 // of the numbers in a file

	// Where the array is all of a plain file, that file: pieces of it can be read side by
	// side, and, if it has a path, again.
	file     io.ReaderAt
	fileSize int64
	path     string
	kept     *spooled // the scratch file that it is in; nil where it is at path
}

// openArray reads the header from r. available is the number of bytes that r surely
// holds, or -1 where nothing is known: they are then read at once, so that a header
// that claims too much costs no more memory than what is really there.
func openArray(name string, r io.Reader, available int64) (*array, error) {
	a := &array{name: name, r: r}
	var size int
	var err error
	if a.npyHeader, size, err = readNPYHeader(r); err != nil {
		advice := "the file is damaged, or was not written by numpy.save"
		if _, ok := err.(typeError); ok {
			advice = ""
		}
		return nil, a.error(err.Error(), advice)
	}
	want, ok := a.bytes()
	if !ok {
		return nil, a.error(fmt.Sprintf("the shape %v is beyond all memory", a.shape), "the file is damaged")
	}
	a.start = int64(size)
	have := available - int64(size)
	if available < 0 {
		var b bytes.Buffer
		n, err := io.Copy(&b, io.LimitReader(r, int64(want)))
		if err != nil {
			return nil, a.streamError(err)
		}
		have = n
		a.r = io.MultiReader(&b, r)
	}
	if have < int64(want) {
		return nil, a.error(fmt.Sprintf("the array of shape %v needs %d bytes and only %d are there", a.shape, want, max(have, 0)), "the file is damaged or incomplete")
	}
	return a, nil
}

// error is a *ReadError that lacks the file's name.
func (a *array) error(problem, advice string) error {
	return &ReadError{Column: a.name, Problem: problem, Advice: advice}
}

func (a *array) streamError(err error) error {
	e := streamError("", err).(*ReadError)
	e.Column = a.name
	return e
}

// cellError names a cell that cannot be used.
func (a *array) cellError(row int, column, problem, advice string) error {
	if a.name != "" && column != "" {
		column = a.name + "[:, " + column + "]"
	} else if column == "" {
		column = a.name
	}
	return rowError(column, row, problem, advice)
}

func (a *array) notFinite(row int, column string, v float64, advice string) error {
	return a.cellError(row, column, fmt.Sprintf("%v is not finite", v), advice)
}

const finiteAdvice = "fill in a number or drop the row"

// finiteAdvice is what to do about column col, which holds v: NaN among the features is a
// missing cell.
func (c *columns) finiteAdvice(col int, v float64) string {
	if v != v && c.role[col] >= 0 && !c.ofModel {
		return missingAdvice
	}
	return finiteAdvice
}

// end reports what follows the array, where nothing should; an archive's checksum is
// compared here.
func (a *array) end() error {
	n, err := 0, io.EOF
	if a.file == nil {
		n, err = io.ReadFull(a.r, make([]byte, 1))
	} else if bytes, _ := a.bytes(); a.fileSize > a.start+int64(bytes) {
		n = 1
	}
	switch {
	case n > 0:
		return a.error(fmt.Sprintf("there are bytes behind the array of shape %v", a.shape), "the file is damaged, or holds several arrays")
	case err != io.EOF:
		return a.streamError(err)
	}
	return nil
}

// chunks reads n numbers and hands them to do by the piece.
func (a *array) chunks(ctx context.Context, n int, do func([]byte) error) error {
	step := chunkBytes / a.number.size
	buf := make([]byte, min(step, n)*a.number.size)
	for at := 0; at < n; at += step {
		if err := ctx.Err(); err != nil {
			return err
		}
		b := buf[:min(step, n-at)*a.number.size]
		if _, err := io.ReadFull(a.r, b); err != nil {
			return a.streamError(err)
		}
		if err := do(b); err != nil {
			return err
		}
	}
	return nil
}

// readVector reads an array with one number a row, (N,) or (N, 1).
func readVector(ctx context.Context, a *array) ([]float64, error) {
	if len(a.shape) == 0 || len(a.shape) > 2 || len(a.shape) == 2 && a.shape[1] != 1 {
		return nil, a.error(fmt.Sprintf("the shape is %v; it must be one number a row", a.shape), "")
	}
	v := make([]float64, 0, a.shape[0])
	err := a.chunks(ctx, cap(v), func(b []byte) error {
		for ; len(b) > 0; b = b[a.number.size:] {
			value := a.number.value(b, a.order())
			if value-value != 0 {
				return a.notFinite(len(v), "", value, finiteAdvice)
			}
			v = append(v, value)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return v, a.end()
}

// checkLabels refuses integers that are no longer told apart.
func (a *array) checkLabels(column string, values []float64) error {
	const exact = 1 << 53
	if a.number.integer && a.number.size == 8 {
		for i, v := range values {
			if math.Abs(v) >= exact {
				return a.cellError(i, column, fmt.Sprintf("the label %v is too large", v), "labels up to 2^53 are told apart")
			}
		}
	}
	return nil
}

// encode turns numbers into classes: those of the model where there is one.
func (a *array) encode(column string, values []float64, classes *Classes) ([]int32, Classes, error) {
	if err := a.checkLabels(column, values); err != nil {
		return nil, Classes{}, err
	}
	if classes == nil {
		codes, found, err := Encode(values)
		if err != nil {
			return nil, Classes{}, a.error(err.Error(), "is this the label?")
		}
		return codes, found, nil
	}
	index := classes.index()
	of := make(map[float64]int32)
	codes := make([]int32, len(values))
	for i, v := range values {
		k, seen := of[v]
		if !seen {
			text := strconv.FormatFloat(v, 'g', -1, 64)
			var ok bool
			if k, ok = index.of(text); !ok {
				return nil, Classes{}, a.cellError(i, column, "the label "+text+" is not among the model's classes", "the classes are "+listNames(classes.Names))
			}
			of[v] = k
		}
		codes[i] = k
	}
	return codes, *classes, nil
}

// table reads the N x D array a by the options' columns. X is float32 where the
// array is, unless the options say otherwise; every other type becomes float64.
func (a *array) table(ctx context.Context, o *ReadOptions) (*Dataset, error) {
	if len(a.shape) != 2 {
		return nil, a.error(fmt.Sprintf("the shape is %v; it must be rows x columns", a.shape), "")
	}
	if a.shape[0] == 0 || a.shape[1] == 0 {
		return nil, a.error(fmt.Sprintf("the shape is %v", a.shape), "a table needs at least one row and one column")
	}
	c, err := chooseColumns(nil, a.shape[1], o)
	if err != nil {
		return nil, err
	}
	if o.Float == tensor.Float32 || o.Float == (tensor.Dtype{}) && !a.number.integer && a.number.size <= 4 {
		return readTable[float32](ctx, a, c, o)
	}
	return readTable[float64](ctx, a, c, o)
}

func readTable[T float32 | float64](ctx context.Context, a *array, c *columns, o *ReadOptions) (*Dataset, error) {
	var t T
	if bytes := int64(a.shape[0]) * int64(len(c.features)) * int64(unsafe.Sizeof(t)); o.streams(bytes) {
		if a.path == "" || a.fortran {
			return nil, o.tooLarge(bytes)
		}
		return openRows[T](ctx, a, c, o)
	}
	m, err := readMatrix[T](ctx, a, c, o.workers())
	if err != nil {
		return nil, err
	}
	d := &Dataset{
		X:            tensor.New(tensor.WithShape(a.shape[0], len(c.features)), tensor.WithBacking(m.x)),
		FeatureNames: c.features,
		LabelName:    c.label,
		Weights:      m.weight,
		Offsets:      m.offsets,
	}
	if m.label != nil {
		d.Labels, d.Classes, err = a.encode(c.label, m.label, o.Classes)
	}
	return d, err
}

// readNPY reads a matrix written by numpy.save: one column is the label, as in a
// text table without a header.
func readNPY(ctx context.Context, in *input, o *ReadOptions) (*Dataset, error) {
	var kept *spooled
	if in.file == nil && o.MaxMemory > 0 { // in pieces it is read from a file
		var err error
		if kept, err = in.spool(o, "NPY file", npyMagic); err != nil {
			return nil, err
		}
		in = &input{name: in.name, Reader: io.NewSectionReader(kept, 0, kept.size), file: kept, size: kept.size}
	}
	d, err := readPlainNPY(ctx, in, kept, o)
	if kept != nil && (err != nil || d.Stream == nil) {
		kept.close()
	}
	return d, err
}

// readPlainNPY is readNPY of a file, or of a stream, which may be kept in a scratch file.
func readPlainNPY(ctx context.Context, in *input, kept *spooled, o *ReadOptions) (*Dataset, error) {
	a, err := openArray("", in, in.available())
	if err != nil {
		return nil, withFile(err, in.name)
	}
	if in.file != nil {
		a.file, a.fileSize, a.path, a.kept = in.file, in.size, in.name, kept
	}
	d, err := a.table(ctx, o)
	return d, withFile(err, in.name)
}

// available is the size of a plain file, -1 for other sources.
func (in *input) available() int64 {
	if in.file == nil {
		return -1
	}
	return in.size
}

// readLabels sets the labels of d to those of the NPY file at path, or of those that match
// it as a pattern, one a row.
func (d *Dataset) readLabels(ctx context.Context, path string, classes *Classes) error {
	paths, err := Files(path)
	if err != nil {
		return err
	}
	var values []float64
	for _, p := range paths {
		v, err := labelValues(ctx, p)
		if err != nil {
			return withFile(err, p)
		}
		values = append(values, v...)
	}
	if rows, _ := d.Shape(); len(values) != rows {
		return &ReadError{File: path, Problem: fmt.Sprintf("there are %d labels for the %d rows of %s", len(values), rows, d.Name), Advice: "every row needs a label"}
	}
	d.LabelName = "y"
	d.Labels, d.Classes, err = new(array).encode("", values, classes)
	return withFile(err, path)
}

// labelValues reads the NPY file at path.
func labelValues(ctx context.Context, path string) ([]float64, error) {
	file, err := open(ctx, path)
	if err != nil {
		return nil, openError(path, err)
	}
	defer file.Close()
	available := int64(-1)
	if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
		available = info.Size()
	}
	a, err := openArray("", file, available)
	if err != nil {
		return nil, err
	}
	values, err := readVector(ctx, a)
	if err == nil {
		err = a.checkLabels("", values)
	}
	return values, err
}
