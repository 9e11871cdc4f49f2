package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/internal/hugepages"
)

// takenRows are rows of another reader in another order. Runs of neighbours are read
// together.
type takenRows struct {
	backend.RowReader
	rows []int
}

func (t *takenRows) Shape() (rows, cols int) {
	_, cols = t.RowReader.Shape()
	return len(t.rows), cols
}

func (t *takenRows) ReadRows32(first int, dst []float32) error {
	return readTaken(t, first, dst, t.RowReader.ReadRows32)
}

func (t *takenRows) ReadRows64(first int, dst []float64) error {
	return readTaken(t, first, dst, t.RowReader.ReadRows64)
}

func readTaken[T float32 | float64](t *takenRows, first int, dst []T, read func(int, []T) error) error {
	_, cols := t.Shape()
	for len(dst) > 0 {
		run := 1
		for run < len(dst)/cols && t.rows[first+run] == t.rows[first]+run {
			run++
		}
		if err := read(t.rows[first], dst[:run*cols]); err != nil {
			return err
		}
		first += run
		dst = dst[run*cols:]
	}
	return nil
}

// madeOf is a reader whose rows are made of another's, and which is closed with it.
type madeOf struct{ backend.RowReader }

func (m madeOf) Close() error { return closeRows(m.RowReader) }

// closeRows closes a reader, if it needs that.
func closeRows(r any) error {
	if c, ok := r.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// pickedColumns are columns of another reader, in another order.
type pickedColumns struct {
	madeOf
	from []int32 // the column that each was
}

func (p *pickedColumns) Shape() (rows, cols int) {
	rows, _ = p.RowReader.Shape()
	return rows, len(p.from)
}

func (p *pickedColumns) ReadRows32(first int, dst []float32) error {
	return readPicked(p, first, dst, p.RowReader.ReadRows32)
}

func (p *pickedColumns) ReadRows64(first int, dst []float64) error {
	return readPicked(p, first, dst, p.RowReader.ReadRows64)
}

func readPicked[T float32 | float64](p *pickedColumns, first int, dst []T, read func(int, []T) error) error {
	_, cols := p.RowReader.Shape()
	rows := len(dst) / len(p.from)
	step := max(1, pieceNumbers/cols)
	buf := make([]T, min(step, rows)*cols)
	for ; rows > 0; rows -= step {
		n := min(step, rows)
		if err := read(first, buf[:n*cols]); err != nil {
			return err
		}
		for i := range n {
			row := buf[i*cols:]
			for k, j := range p.from {
				dst[k] = row[j]
			}
			dst = dst[len(p.from):]
		}
		first += n
	}
	return nil
}

// castRows are another reader's rows in the other type.
type castRows struct{ madeOf }

func (c *castRows) Dtype() tensor.Dtype {
	if c.RowReader.Dtype() == tensor.Float32 {
		return tensor.Float64
	}
	return tensor.Float32
}

func (c *castRows) ReadRows32(first int, dst []float32) error {
	return readCast(c, first, dst, c.RowReader.ReadRows64)
}

func (c *castRows) ReadRows64(first int, dst []float64) error {
	return readCast(c, first, dst, c.RowReader.ReadRows32)
}

func readCast[T, F float32 | float64](c *castRows, first int, dst []T, read func(int, []F) error) error {
	_, cols := c.Shape()
	rows := len(dst) / cols
	step := max(1, pieceNumbers/cols)
	buf := make([]F, min(step, rows)*cols)
	for ; rows > 0; rows -= step {
		n := min(step, rows) * cols
		if err := read(first, buf[:n]); err != nil {
			return err
		}
		for i, v := range buf[:n] {
			if dst[i] = T(v); dst[i]-dst[i] != 0 && v-v == 0 {
				return beyondFloat32(first+i/cols, i%cols, float64(v))
			}
		}
		first, dst = first+step, dst[n:]
	}
	return nil
}

func beyondFloat32(row, col int, v float64) error {
	return &ReadError{Problem: fmt.Sprintf("row %d, column %d: %v is too large for float32", row, col, v), Advice: "read the table as float64"}
}

// joinedRows are the rows of several readers of as many columns, one behind the other.
type joinedRows struct {
	readers []backend.RowReader
	names   []string // of the files
	ends    []int    // of their rows
}

func (j *joinedRows) add(r backend.RowReader, name string) {
	rows, _ := r.Shape()
	if len(j.ends) > 0 {
		rows += j.ends[len(j.ends)-1]
	}
	j.readers, j.names, j.ends = append(j.readers, r), append(j.names, name), append(j.ends, rows)
}

// typed are the rows as float64 where one of the readers has that, else as float32.
func (j *joinedRows) typed() *joinedRows {
	wide := slices.ContainsFunc(j.readers, func(r backend.RowReader) bool { return r.Dtype() == tensor.Float64 })
	t := &joinedRows{slices.Clone(j.readers), j.names, j.ends}
	for k, r := range t.readers {
		if wide && r.Dtype() != tensor.Float64 {
			t.readers[k] = &castRows{madeOf{r}}
		}
	}
	return t
}

func (j *joinedRows) Dtype() tensor.Dtype { return j.readers[0].Dtype() }

func (j *joinedRows) Shape() (rows, cols int) {
	_, cols = j.readers[0].Shape()
	return j.ends[len(j.ends)-1], cols
}

func (j *joinedRows) ReadRows32(first int, dst []float32) error {
	return readJoined(j, first, dst, backend.RowReader.ReadRows32)
}

func (j *joinedRows) ReadRows64(first int, dst []float64) error {
	return readJoined(j, first, dst, backend.RowReader.ReadRows64)
}

func readJoined[T float32 | float64](j *joinedRows, first int, dst []T, read func(backend.RowReader, int, []T) error) error {
	_, cols := j.Shape()
	for len(dst) > 0 {
		k, _ := slices.BinarySearch(j.ends, first+1) // the reader that has row first
		before := 0
		if k > 0 {
			before = j.ends[k-1]
		}
		n := min(len(dst)/cols, j.ends[k]-first)
		if err := read(j.readers[k], first-before, dst[:n*cols]); err != nil {
			return withFile(err, j.names[k])
		}
		first, dst = first+n, dst[n*cols:]
	}
	return nil
}

// Close closes all readers.
func (j *joinedRows) Close() error {
	var errs []error
	for _, r := range j.readers {
		errs = append(errs, closeRows(r))
	}
	return errors.Join(errs...)
}

// pieceNumbers is how many numbers of a stream are held at a time.
const pieceNumbers = 1 << 18

// eachPiece reads all rows of a stream in order, as float64.
func eachPiece(r backend.RowReader, do func(first int, x []float64)) error {
	rows, cols := r.Shape()
	step := max(1, pieceNumbers/cols)
	x := make([]float64, min(step, rows)*cols)
	var narrow []float32
	if r.Dtype() == tensor.Float32 {
		narrow = make([]float32, len(x))
	}
	for first := 0; first < rows; first += step {
		n := min(step, rows-first) * cols
		if narrow == nil {
			if err := r.ReadRows64(first, x[:n]); err != nil {
				return err
			}
		} else {
			if err := r.ReadRows32(first, narrow[:n]); err != nil {
				return err
			}
			for i, v := range narrow[:n] {
				x[i] = float64(v)
			}
		}
		do(first, x[:n])
	}
	return nil
}

// columnOf reads one column of a stream.
func columnOf(r backend.RowReader, col int) ([]float64, error) {
	rows, cols := r.Shape()
	values := make([]float64, rows)
	err := eachPiece(r, func(first int, x []float64) {
		for i := range len(x) / cols {
			values[first+i] = x[i*cols+col]
		}
	})
	return values, err
}

// gather reads a stream into memory.
func gather(ctx context.Context, r backend.RowReader) (*tensor.Dense, error) {
	if r.Dtype() == tensor.Float32 {
		return gatherRows(ctx, r, r.ReadRows32)
	}
	return gatherRows(ctx, r, r.ReadRows64)
}

func gatherRows[T float32 | float64](ctx context.Context, r backend.RowReader, read func(int, []T) error) (*tensor.Dense, error) {
	rows, cols := r.Shape()
	x := make([]T, rows*cols)
	hugepages.Want(x)
	step := max(1, pieceNumbers/cols)
	for first := 0; first < rows; first += step {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err := read(first, x[first*cols:min(first+step, rows)*cols]); err != nil {
			return nil, err
		}
	}
	return tensor.New(tensor.WithShape(rows, cols), tensor.WithBacking(x)), nil
}
