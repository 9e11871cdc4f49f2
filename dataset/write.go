package dataset

import (
	"context"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/internal/atomicfile"
)

// A writer writes one kind of file, under the name of its row in formats. What it writes
// reads back to the same numbers, bit for bit.
type writer struct {
	format string
	write  func(ctx context.Context, to io.Writer, d *Dataset) error

	dense bool // every number of X has its place, zeros too
	names bool // of features
	words bool // labels may be words
	sides bool // weights and offsets
}

var writers = []writer{
	{"csv", writeCSV, true, true, true, true},
	{"tsv", writeTSV, true, true, true, true},
	{"libsvm", writeLibSVM, false, false, true, false},
	{"npy", writeNPY, true, false, false, false},
	{"npz", writeNPZ, true, false, false, true},
	{"lrb", writeLRB, false, true, true, true},
	{"parquet", writeParquet, true, true, true, true},
	{"arrow", writeArrow, true, true, true, true},
}

func writerOf(format string) *writer {
	if i := slices.IndexFunc(writers, func(w writer) bool { return w.format == format }); i >= 0 {
		return &writers[i]
	}
	return nil
}

// WriteFormat is the format that a file to be written has: name where that is one, else
// by the extension of path.
func WriteFormat(path, name string) (string, error) {
	f, err := formatOf(path, name, "--to")
	if err != nil {
		return "", err
	}
	if writerOf(f.name) == nil {
		var names []string
		for _, w := range writers {
			names = append(names, w.format)
		}
		return "", &ReadError{File: path, Value: f.name, Problem: "cannot write " + f.name, Advice: "use one of " + strings.Join(names, ", ")}
	}
	return f.name, nil
}

// KeepsNames tells whether the features have their names in a file of that format too.
func (d *Dataset) KeepsNames(format string) bool {
	w := writerOf(format)
	return w != nil && w.names || AutoNamed(d.FeatureNames) || format == "libsvm" && autoNamed(d.FeatureNames, 1)
}

// WriteError is a dataset that a format cannot hold.
type WriteError struct {
	Data    string // the dataset's name
	Format  string
	Problem string
	Advice  string
}

func (e *WriteError) Error() string {
	return fmt.Sprintf("%s: cannot be written as %s: %s; %s", e.Data, e.Format, e.Problem, e.Advice)
}

// maxDenseCells bounds the numbers of a sparse matrix that is written with all its zeros,
// maxDenseCols those of one row, which are held in memory.
const (
	maxDenseCells = 1 << 31
	maxDenseCols  = 1 << 24
)

// check reports what of d the format cannot hold.
func (w *writer) check(d *Dataset) error {
	e := &WriteError{Data: d.Name, Format: w.format, Advice: "use another format, such as lrb"}
	rows, cols := d.Shape()
	switch {
	case d.isSparse() && w.dense && (cols > maxDenseCols || int64(rows) > maxDenseCells/int64(cols)):
		e.Problem = fmt.Sprintf("%d x %d numbers, zeros included, are too many", rows, cols)
		e.Advice = "libsvm and lrb keep it sparse"
	case d.Weights != nil && !w.sides:
		e.Problem = "it has no place for sample weights"
	case d.Offsets != nil && !w.sides:
		e.Problem = "it has no place for offsets"
	case d.Labels != nil && !d.Classes.Numeric && !w.words:
		e.Problem = "labels such as " + quote(d.Classes.Names[0]) + " are no numbers"
	default:
		return nil
	}
	return e
}

// Write writes d in the format of that name: features, labels, weights and offsets. What
// the format has no place for is a *WriteError; names of features and of the label may
// get lost. X is read once.
func Write(ctx context.Context, to io.Writer, d *Dataset, format string) error {
	w := writerOf(format)
	if w == nil {
		_, err := WriteFormat(d.Name, format)
		return err
	}
	if err := d.Check(); err != nil {
		return fmt.Errorf("%s: %w", d.Name, err)
	}
	if err := w.check(d); err != nil {
		return err
	}
	return w.write(ctx, to, d)
}

// WriteFile writes d to path, whole or not at all, compressed where the extension says
// so.
func WriteFile(ctx context.Context, path string, d *Dataset, format string) error {
	return atomicfile.Write(path, func(to io.Writer) error {
		ext := strings.ToLower(filepath.Ext(path))
		for _, c := range compressions {
			if c.extension != ext {
				continue
			}
			z, err := c.create(to)
			if err != nil {
				return err
			}
			if err := Write(ctx, z, d, format); err != nil {
				return err
			}
			return z.Close()
		}
		return Write(ctx, to, d, format)
	})
}

// fillRows sets x to rows of X from first on, whatever kind of matrix has them. T is
// float64, or X's own type.
func fillRows[T float32 | float64](d *Dataset, first int, x []T) error {
	_, cols := d.Shape()
	switch {
	case d.Sparse != nil:
		fillDense(d.Sparse, first, x)
		return nil
	case d.SparseStream != nil:
		var m backend.CSR
		if err := d.SparseStream.ReadCSR(first, len(x)/cols, &m); err != nil {
			return err
		}
		fillDense(&m, 0, x)
		return nil
	case d.Stream != nil:
		r := d.Stream
		if r.Dtype() != dtypeOf[T]() {
			r = &castRows{madeOf{r}}
		}
		switch x := any(x).(type) {
		case []float32:
			return r.ReadRows32(first, x)
		case []float64:
			return r.ReadRows64(first, x)
		}
	}
	switch from := d.X.Data().(type) {
	case []float32:
		convert(x, from[first*cols:])
	case []float64:
		convert(x, from[first*cols:])
	}
	return nil
}

func convert[T, F float32 | float64](to []T, from []F) {
	for i := range to {
		to[i] = T(from[i])
	}
}

// Dtype is the type of the numbers of X: tensor.Float32 or tensor.Float64.
func (d *Dataset) Dtype() tensor.Dtype {
	switch {
	case d.Sparse != nil:
		return d.Sparse.Dtype()
	case d.Stream != nil:
		return d.Stream.Dtype()
	case d.SparseStream != nil:
		return d.SparseStream.Dtype()
	}
	return d.X.Dtype()
}

// outRow is a row that is written: its place in the table, and its numbers or, of a
// sparse matrix that is written as such, the row k of m.
type outRow struct {
	i int
	x []float64
	m *backend.CSR
	k int
}

// writeRows writes the text of every row, made piece by piece in parallel, in order. add
// appends that of a row; those of a sparse matrix have all their numbers only where dense
// is asked for.
func writeRows(ctx context.Context, to io.Writer, d *Dataset, dense bool, add func(text []byte, r outRow) []byte) error {
	rows, cols := d.Shape()
	dense = dense || !d.isSparse()
	step := max(1, min(4096, pieceNumbers/4/cols))
	type piece struct {
		text []byte
		err  error
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	queue := make(chan chan piece, runtime.GOMAXPROCS(0))
	free := make(chan []byte, cap(queue)+2)
	go func() {
		defer close(queue)
		for first := 0; first < rows; first += step {
			done := make(chan piece, 1)
			select {
			case queue <- done:
			case <-ctx.Done():
				return
			}
			go func() {
				var p piece
				select {
				case p.text = <-free:
				default:
				}
				n := min(step, rows-first)
				var x []float64
				m, base := d.Sparse, first
				switch {
				case dense:
					x = make([]float64, n*cols)
					p.err = fillRows(d, first, x)
				case m == nil:
					m, base = new(backend.CSR), 0
					p.err = d.SparseStream.ReadCSR(first, n, m)
				}
				for i := 0; i < n && p.err == nil; i++ {
					r := outRow{i: first + i, m: m, k: base + i}
					if dense {
						r.x = x[i*cols : (i+1)*cols]
					}
					p.text = add(p.text, r)
				}
				done <- p
			}()
		}
	}()
	for done := range queue {
		p := <-done
		if p.err != nil {
			return p.err
		}
		if _, err := to.Write(p.text); err != nil {
			return err
		}
		select {
		case free <- p.text[:0]:
		default:
		}
	}
	return context.Cause(ctx)
}

// appendNumber appends the shortest decimal that reads back as v.
func appendNumber(text []byte, v float64) []byte {
	switch size := math.Abs(v); {
	case size < 1e15 && v == math.Trunc(v) && (v != 0 || !math.Signbit(v)):
		return strconv.AppendInt(text, int64(v), 10)
	case v != 0 && size < 1e-6 || size >= 1e21:
		return strconv.AppendFloat(text, v, 'e', -1, 64)
	}
	return strconv.AppendFloat(text, v, 'f', -1, 64)
}
