package dataset

import (
	"bufio"
	"context"
	"errors"
	"os"
	"strconv"
	"syscall"

	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/dataset/lrb"
)

// streams tells whether features of that many bytes are left on the disk, in a file that
// can be read in pieces: whether they take more than half of the memory allowed. The rest
// is for what a fit adds, of which samples are the most.
func (o *ReadOptions) streams(bytes int64) bool {
	return o.MaxMemory > 0 && bytes > o.MaxMemory/2
}

// tooLarge is the error for features of that many bytes which can only be read as a
// whole; nil where they fit.
func (o *ReadOptions) tooLarge(bytes int64) error {
	if !o.streams(bytes) {
		return nil
	}
	return &ReadError{
		Problem: "the features take " + megabytes(bytes) + " and --max-memory is " + megabytes(o.MaxMemory) + "; this format cannot be read in pieces",
		Advice:  "give twice the memory that they take, or convert the file to .lrb",
	}
}

// tooLargeToEncode is the error for so many bytes of cells of all kinds.
func (o *ReadOptions) tooLargeToEncode(bytes int64) error {
	if !o.streams(bytes) {
		return nil
	}
	return errTooLargeToEncode()
}

func errTooLargeToEncode() error {
	return &ReadError{Problem: "the table is larger than --max-memory and has text or missing cells, which are encoded in memory", Advice: "give more memory, or encode the columns as numbers"}
}

// scratch is a file without a name, that is gone when it is closed or the program ends,
// however it does. Rows are written to it once and then read as often as one likes.
type scratch struct {
	file *os.File
	to   *bufio.Writer
	rows *lrb.Writer
}

// scratchFile is a new file, of which the name is gone at once; where an open file cannot
// be removed, who closes it does that.
func scratchFile(dir string) (*os.File, error) {
	file, err := os.CreateTemp(dir, "logreg-gpu-*.lrb")
	if err != nil {
		return nil, scratchError(dir, err)
	}
	_ = os.Remove(file.Name())
	return file, nil
}

func newScratch(dir string, cols int, dtype tensor.Dtype) (*scratch, error) {
	file, err := scratchFile(dir)
	if err != nil {
		return nil, err
	}
	s := &scratch{file: file, to: bufio.NewWriterSize(file, 1<<20)}
	s.rows = lrb.NewDense(s.to, cols, dtype)
	return s, nil
}

func dtypeOf[T float32 | float64]() tensor.Dtype {
	var t T
	if _, single := any(t).(float32); single {
		return tensor.Float32
	}
	return tensor.Float64
}

// newSparseScratch is newScratch for sparse rows.
func newSparseScratch(dir string, dtype tensor.Dtype, ones bool) (*scratch, error) {
	file, err := scratchFile(dir)
	if err != nil {
		return nil, err
	}
	s := &scratch{file: file, to: bufio.NewWriterSize(file, 1<<20)}
	s.rows = lrb.NewSparse(s.to, dtype, ones)
	return s, nil
}

// addCSR appends sparse rows.
func (s *scratch) addCSR(m *backend.CSR) error {
	if err := s.rows.AppendCSR(m); err != nil {
		return s.error(err)
	}
	return nil
}

// add appends whole rows, a []float32 or []float64.
func (s *scratch) add(x any) error {
	var err error
	switch x := x.(type) {
	case []float32:
		err = s.rows.Append32(x)
	case []float64:
		err = s.rows.Append64(x)
	}
	if err != nil {
		return s.error(err)
	}
	return nil
}

// reader ends the writing of dense rows. The file then belongs to the reader.
func (s *scratch) reader() (*scratchRows, error) {
	f, err := s.end()
	if err != nil {
		return nil, err
	}
	rows, err := f.Rows()
	if err != nil {
		return nil, err
	}
	return &scratchRows{rows, scratchClose{s.file}}, nil
}

// sparseReader is reader of sparse rows.
func (s *scratch) sparseReader() (*scratchEntries, error) {
	f, err := s.end()
	if err != nil {
		return nil, err
	}
	rows, err := f.SparseRows()
	if err != nil {
		return nil, err
	}
	return &scratchEntries{rows, scratchClose{s.file}}, nil
}

func (s *scratch) end() (*lrb.File, error) {
	if err := errors.Join(s.rows.Close(lrb.Columns{}), s.to.Flush()); err != nil {
		return nil, s.error(err)
	}
	info, err := s.file.Stat()
	if err != nil {
		return nil, s.error(err)
	}
	return lrb.NewFile(s.file, info.Size(), "the scratch file "+s.file.Name())
}

// discard gives the file up.
func (s *scratch) discard() {
	s.file.Close()
	os.Remove(s.file.Name())
}

func (s *scratch) error(err error) error { return scratchError(s.file.Name(), err) }

func scratchError(where string, err error) error {
	e := &ReadError{Problem: "cannot write to the scratch file", Err: err}
	if where != "" {
		e.Problem += " " + quote(where)
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		e.Problem += ": " + errno.Error()
	} else {
		e.Problem += ": " + err.Error()
	}
	e.Advice = "--scratch names another directory; it needs room for all features as numbers"
	return e
}

// scratchRows are the rows of a scratch file.
type scratchRows struct {
	*lrb.Rows
	scratchClose
}

// scratchEntries are the sparse rows of a scratch file.
type scratchEntries struct {
	*lrb.SparseRows
	scratchClose
}

var (
	_ backend.RowReader    = (*scratchRows)(nil)
	_ backend.SparseReader = (*scratchEntries)(nil)
)

type scratchClose struct{ file *os.File }

// Close gives the file up.
func (c scratchClose) Close() error {
	err := c.file.Close()
	os.Remove(c.file.Name())
	return err
}

// matrix reads all rows into memory.
func (r *scratchRows) matrix(ctx context.Context, threads int) (*tensor.Dense, error) {
	rows, cols := r.Shape()
	if r.Dtype() == tensor.Float32 {
		x, err := r.File.Dense32(ctx, threads)
		if err != nil {
			return nil, err
		}
		return tensor.New(tensor.WithShape(rows, cols), tensor.WithBacking(x)), nil
	}
	x, err := r.File.Dense64(ctx, threads)
	if err != nil {
		return nil, err
	}
	return tensor.New(tensor.WithShape(rows, cols), tensor.WithBacking(x)), nil
}

func megabytes(n int64) string { return strconv.FormatInt((n+1e6-1)/1e6, 10) + " MB" }
