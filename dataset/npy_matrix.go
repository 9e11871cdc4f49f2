package dataset

import (
	"context"
	"fmt"
	"io"
	"unsafe"

	"github.com/logreg-gpu/logreg-gpu/internal/checks"
	"github.com/logreg-gpu/logreg-gpu/internal/hugepages"
)

// runBytes are read by one thread before it goes elsewhere: the system lays X out in pages
// of 2 MB, and two threads that touch the same one first are in each other's way.
const runBytes = 4 << 20

// matrix is what an array of two dimensions is taken apart into: the features, and
// the columns that are something else.
type matrix[T float32 | float64] struct {
	x                      []T
	label, weight, offsets []float64

	a *array
	c *columns

	// runs are the columns of features, those that are neighbours in the file and in X
	// together; sides are the others that are wanted.
	runs  []columnRun
	sides []side
}

// columnRun are n columns from col on which are features from to on.
type columnRun struct{ col, to, n int }

// side is a column that is no feature.
type side struct {
	col, role int
	to        []float64
}

// readMatrix reads an N x D array by the roles of its columns, which c has chosen, with
// so many threads where a file can be read in pieces.
//
// Pieces are small enough to stay in the cache of the core that reads, checks and
// converts them. A number that cannot be used is found by looking at a piece again: the
// first in the file is reported.
func readMatrix[T float32 | float64](ctx context.Context, a *array, c *columns, workers int) (*matrix[T], error) {
	m := &matrix[T]{a: a, c: c, x: make([]T, a.shape[0]*len(c.features))}
	hugepages.Want(m.x)
	for col, role := range c.role {
		var to *[]float64
		switch role {
		case roleIgnored:
			continue
		case roleLabel:
			to = &m.label
		case roleWeight:
			to = &m.weight
		case roleOffset:
			to = &m.offsets
		default:
			if k := len(m.runs) - 1; k >= 0 && m.runs[k].col+m.runs[k].n == col && m.runs[k].to+m.runs[k].n == role {
				m.runs[k].n++
			} else {
				m.runs = append(m.runs, columnRun{col, role, 1})
			}
			continue
		}
		*to = make([]float64, a.shape[0])
		m.sides = append(m.sides, side{col, role, *to})
	}
	read := m.readRows
	if a.fortran {
		read = m.readColumns
	}
	if err := read(ctx, workers); err != nil {
		return nil, err
	}
	return m, a.end()
}

// plain tells whether the array's bytes are X as it stands in memory, where none may be
// missing.
func (a *array) plain(c *columns, x any) bool {
	if _, single := x.([]float32); a.fortran || !single && a.number.size != 8 || single && a.number.size != 4 || !a.floats() {
		return false
	}
	for col, role := range c.role {
		if role != col {
			return false
		}
	}
	return !c.keepsMissing
}

// floats tells whether the array holds float32 or float64 as this machine has them.
func (a *array) floats() bool { return !a.number.integer && a.number.size >= 4 && a.native() }

// readRows reads an array whose rows are one behind the other.
func (m *matrix[T]) readRows(ctx context.Context, workers int) error {
	a, rowBytes := m.a, len(m.c.role)*m.a.number.size
	step := max(1, chunkBytes/rowBytes)
	run := step * max(1, runBytes/(step*rowBytes))
	take := m.takeRows
	if a.plain(m.c, m.x) {
		take = m.takePlain
	}
	return a.pieces(ctx, workers, (a.shape[0]+run-1)/run, func(p *piece, i int) error {
		end := min((i+1)*run, a.shape[0])
		for first := i * run; first < end; first += step {
			if err := take(p, first, min(step, end-first)); err != nil {
				return err
			}
		}
		return nil
	})
}

// takePlain reads n rows straight into X.
func (m *matrix[T]) takePlain(p *piece, first, n int) error {
	cols, size := len(m.c.role), m.a.number.size
	x := m.x[first*cols : (first+n)*cols]
	b := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), len(x)*size)
	if err := p.read(b, int64(first*cols*size)); err != nil || checks.Finite(x) {
		return err
	}
	return m.takeCells(first, 0, cols, b)
}

// takeRows reads and converts n rows.
func (m *matrix[T]) takeRows(p *piece, first, n int) error {
	cols, size := len(m.c.role), m.a.number.size
	b := p.buffer(n * cols * size)
	if err := p.read(b, int64(first*cols*size)); err != nil {
		return err
	}
	done := false
	switch {
	case !m.a.floats():
	case size == 4:
		done = takeFloats(m, first, unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(b))), n*cols))
	default:
		done = takeFloats(m, first, unsafe.Slice((*float64)(unsafe.Pointer(unsafe.SliceData(b))), n*cols))
	}
	if done {
		return nil
	}
	return m.takeCells(first, 0, cols, b)
}

// takeFloats converts rows of float32 or float64, unless there is a number among them
// that has to be looked at.
func takeFloats[S, T float32 | float64](m *matrix[T], first int, from []S) bool {
	if !checks.Finite(from) {
		return false
	}
	cols, d := len(m.c.role), len(m.c.features)
	n := len(from) / cols
	x := m.x[first*d : (first+n)*d]
	for i := range n {
		row, to := from[i*cols:(i+1)*cols], x[i*d:(i+1)*d]
		for _, r := range m.runs {
			convertRun(to[r.to:r.to+r.n], row[r.col:])
		}
	}
	for _, s := range m.sides {
		for i := range n {
			v := from[i*cols+s.col]
			if s.role == roleWeight && v < 0 {
				return false
			}
			s.to[first+i] = float64(v)
		}
	}
	return checks.Finite(x)
}

func convertRun[S, T float32 | float64](to []T, from []S) {
	if same, ok := any(from).([]T); ok {
		copy(to, same)
		return
	}
	for j := range to {
		to[j] = T(from[j])
	}
}

// takeCells takes columns lo to hi of rows from first on, row by row, of any type.
func (m *matrix[T]) takeCells(first, lo, hi int, b []byte) error {
	value, order, size := m.a.number.value, m.a.order(), m.a.number.size
	for i := first; len(b) > 0; i++ {
		for col := lo; col < hi; col++ {
			if err := m.put(i, col, value(b, order)); err != nil {
				return err
			}
			b = b[size:]
		}
	}
	return nil
}

// put puts one number where it belongs.
func (m *matrix[T]) put(i, col int, v float64) error {
	role := m.c.role[col]
	if v-v != 0 && role != roleIgnored && !(v != v && role >= 0 && m.c.keepsMissing) {
		return m.a.notFinite(i, m.c.name(col), v, m.c.finiteAdvice(col, v))
	}
	switch role {
	case roleIgnored:
	case roleLabel:
		m.label[i] = v
	case roleWeight:
		if v < 0 {
			return m.a.cellError(i, m.c.name(col), fmt.Sprintf("the weight %v is negative", v), "weights must not be negative")
		}
		m.weight[i] = v
	case roleOffset:
		m.offsets[i] = v
	default:
		t := T(v)
		if t-t != 0 && v == v {
			return m.a.cellError(i, m.c.name(col), fmt.Sprintf("%v is too large for float32", v), "read the table as float64")
		}
		m.x[i*len(m.c.features)+role] = t
	}
	return nil
}

const (
	// fortranCols columns are read together, so that each line of X is fetched once for all
	// of them and not once a column; fortranRows of their rows, which stay in a cache.
	fortranCols = 16
	fortranRows = 4096
)

// readColumns reads an array whose columns are one behind the other.
func (m *matrix[T]) readColumns(ctx context.Context, workers int) error {
	a, rows, cols, size := m.a, m.a.shape[0], m.a.shape[1], m.a.number.size
	tile := fortranRows
	if a.file == nil {
		tile = rows // a stream has all rows of a column first
	}
	tiles := (rows + tile - 1) / tile
	return a.pieces(ctx, workers, (cols+fortranCols-1)/fortranCols*tiles, func(p *piece, k int) error {
		lo, first := k/tiles*fortranCols, k%tiles*tile
		hi, n := min(lo+fortranCols, cols), min(tile, rows-first)
		b := p.buffer((hi - lo) * n * size)
		for col := lo; col < hi; col++ {
			if err := p.read(b[(col-lo)*n*size:(col-lo+1)*n*size], int64(col*rows+first)*int64(size)); err != nil {
				return err
			}
		}
		value, order := a.number.value, a.order()
		for i := range n {
			for col := lo; col < hi; col++ {
				if err := m.put(first+i, col, value(b[((col-lo)*n+i)*size:], order)); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// piece reads parts of an array, in order where it is a stream.
type piece struct {
	a   *array
	buf []byte
}

// pieces calls do for pieces 0 to n-1, side by side where the array is a file, and
// returns the error of the first that has one.
func (a *array) pieces(ctx context.Context, workers, n int, do func(p *piece, i int) error) error {
	if a.file == nil {
		workers = 1
	}
	own := make([]piece, workers)
	return inParallel(ctx, workers, n, func(worker, i int) error {
		own[worker].a = a
		return do(&own[worker], i)
	})
}

// buffer returns n bytes that the next call gives away again.
func (p *piece) buffer(n int) []byte {
	if cap(p.buf) < n {
		p.buf = make([]byte, n)
	}
	return p.buf[:n]
}

// read fills b with the array's bytes from offset on, which is where the last read
// ended if it is a stream.
func (p *piece) read(b []byte, offset int64) error {
	var err error
	if p.a.file == nil {
		_, err = io.ReadFull(p.a.r, b)
	} else if n, e := p.a.file.ReadAt(b, p.a.start+offset); n < len(b) {
		if err = e; e == io.EOF {
			err = io.ErrUnexpectedEOF
		}
	}
	if err != nil {
		return p.a.streamError(err)
	}
	return nil
}
