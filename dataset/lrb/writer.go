package lrb

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/internal/checks"
)

// Writer writes a file from its first row to its last. The first error ends it: every
// later call returns the same.
type Writer struct {
	to  io.Writer
	at  int64 // bytes written
	err error

	values  valueType
	rows    int
	cols    int
	records []blockRecord
	crc     uint32 // of the block under way
	pending int64  // its rows

	blockRows int64 // dense: of every block but the last

	sparse bool
	rowPtr []int64
	col    []uint32 // sparse: the entries of the block under way
	val    []byte   // and their values
}

// NewDense begins a file of a dense matrix of float32 or float64 numbers.
func NewDense(to io.Writer, cols int, dtype tensor.Dtype) *Writer {
	w := &Writer{to: to, cols: cols, values: valueTypeOf(dtype)}
	if cols < 1 {
		w.err = fmt.Errorf("a matrix of %d columns cannot be written", cols)
		return w
	}
	w.blockRows = denseBlockRows(int64(cols) * w.values.size())
	w.begin()
	return w
}

// NewSparse begins a file of a sparse matrix of float32 or float64 values, or of entries
// that are all 1 and have no values.
func NewSparse(to io.Writer, dtype tensor.Dtype, implicitOnes bool) *Writer {
	w := &Writer{to: to, sparse: true, values: valueTypeOf(dtype), rowPtr: []int64{0}}
	if implicitOnes {
		w.values = ones
	}
	w.begin()
	return w
}

func (w *Writer) begin() {
	if !littleEndian() {
		w.err = ErrBigEndian
		return
	}
	var head [headSize]byte
	copy(head[:], Magic)
	binary.LittleEndian.PutUint32(head[8:], version)
	w.write(head[:])
}

// write is the only place that writes.
func (w *Writer) write(b []byte) {
	if w.err != nil || len(b) == 0 {
		return
	}
	n, err := w.to.Write(b)
	w.at += int64(n)
	w.err = err
}

func (w *Writer) pad() {
	var zeros [align]byte
	w.write(zeros[:padding(w.at)])
}

// Rows is the number of rows appended so far.
func (w *Writer) Rows() int { return w.rows }

// Append32 appends whole rows of a dense float32 matrix, row-major.
func (w *Writer) Append32(x []float32) error { return appendRows(w, x, float32s) }

// Append64 appends whole rows of a dense float64 matrix, row-major.
func (w *Writer) Append64(x []float64) error { return appendRows(w, x, float64s) }

func appendRows[T float32 | float64](w *Writer, x []T, values valueType) error {
	switch {
	case w.err != nil:
		return w.err
	case w.sparse || w.values != values:
		w.err = fmt.Errorf("dense rows of %s appended to a file of another kind", values)
		return w.err
	case len(x)%w.cols != 0:
		w.err = fmt.Errorf("%d numbers are no whole rows of %d", len(x), w.cols)
		return w.err
	}
	for len(x) > 0 && w.err == nil {
		n := min(w.blockRows-w.pending, int64(len(x)/w.cols))
		b := bytesOf(x[:n*int64(w.cols)])
		x = x[n*int64(w.cols):]
		w.crc = checks.UpdateCRC32C(w.crc, b)
		w.write(b)
		w.rows += int(n)
		if w.pending += n; w.pending == w.blockRows {
			w.endBlock()
		}
	}
	return w.err
}

// AppendCSR appends the rows of m, which must pass its Check. The file has as many
// columns as the widest of what is appended. Entries that are implicitly 1 get values
// where the file has values.
func (w *Writer) AppendCSR(m *backend.CSR) error {
	switch {
	case w.err != nil:
		return w.err
	case !w.sparse:
		w.err = errors.New("sparse rows appended to a file of dense ones")
		return w.err
	case w.values == ones && (m.Val32 != nil || m.Val64 != nil), w.values == float32s && m.Val64 != nil, w.values == float64s && m.Val32 != nil:
		w.err = fmt.Errorf("sparse rows of %v appended to a file whose values are %s", m.Dtype(), w.values)
		return w.err
	}
	w.cols = max(w.cols, m.Cols)
	for i := range m.Rows {
		from, to := m.RowPtr[i], m.RowPtr[i+1]
		w.col = append(w.col, m.Col[from:to]...)
		if w.values != ones && m.Val32 == nil && m.Val64 == nil {
			w.val = w.appendOnes(to - from)
		} else {
			w.val = append(w.val, valuesOf(m, from, to)...)
		}
		w.rowPtr = append(w.rowPtr, w.rowPtr[w.rows]+to-from)
		w.rows++
		w.pending++
		if w.pending == maxBlockRows || 4*len(w.col)+len(w.val) >= blockBytes {
			if w.endSparseBlock(); w.err != nil {
				return w.err
			}
		}
	}
	return nil
}

func (w *Writer) appendOnes(n int64) []byte {
	for range n {
		if w.values == float64s {
			w.val = append(w.val, bytesOf([]float64{1})...)
		} else {
			w.val = append(w.val, bytesOf([]float32{1})...)
		}
	}
	return w.val
}

func (w *Writer) endSparseBlock() {
	b := bytesOf(w.col)
	w.crc = checks.UpdateCRC32C(checks.CRC32C(b), w.val)
	w.write(b)
	w.pad()
	w.write(w.val)
	w.pad()
	w.col, w.val = w.col[:0], w.val[:0]
	w.endBlock()
}

func (w *Writer) endBlock() {
	w.records = append(w.records, blockRecord{uint32(w.pending), w.crc})
	w.pending, w.crc = 0, 0
}

// Close ends the file with the columns, which must have one entry a row. Without it the
// file is worthless; it does not close the io.Writer.
func (w *Writer) Close(c Columns) error {
	if w.err == nil {
		w.err = w.check(&c)
	}
	if w.err != nil {
		return w.err
	}
	switch {
	case w.pending > 0 && w.sparse:
		w.endSparseBlock()
	case w.pending > 0:
		w.endBlock()
	}
	d := directory{
		Rows: w.rows, Cols: w.cols, Sparse: w.sparse, Values: string(w.values),
		Features: c.Features, Label: c.Label, Classes: c.Classes, Numeric: c.Numeric,
		Sections: make(map[string]section),
	}
	put := func(name string, b []byte) {
		w.pad()
		d.Sections[name] = section{w.at, int64(len(b)), checks.CRC32C(b)}
		w.write(b)
	}
	put(sectionBlocks, bytesOf(w.records))
	if w.sparse {
		d.Entries = w.rowPtr[w.rows]
		put(sectionRowPtr, bytesOf(w.rowPtr))
	}
	if c.Labels != nil {
		put(sectionLabels, bytesOf(c.Labels))
	}
	if c.Weights != nil {
		put(sectionWeights, bytesOf(c.Weights))
	}
	if c.Offsets != nil {
		put(sectionOffsets, bytesOf(c.Offsets))
	}
	w.pad()
	text, err := json.Marshal(d)
	if err != nil {
		w.err = err
		return err
	}
	var foot [headSize]byte
	binary.LittleEndian.PutUint64(foot[0:], uint64(w.at))
	binary.LittleEndian.PutUint64(foot[8:], uint64(len(text)))
	binary.LittleEndian.PutUint32(foot[16:], checks.CRC32C(text))
	binary.LittleEndian.PutUint32(foot[20:], checks.CRC32C(foot[:20]))
	copy(foot[56:], Magic)
	w.write(text)
	w.write(foot[:])
	if w.err == nil {
		w.err = errors.New("the file is closed")
		return nil
	}
	return w.err
}

// check demands columns that a reader will accept.
func (w *Writer) check(c *Columns) error {
	if w.rows == 0 || w.cols == 0 {
		return errors.New("a matrix without rows or columns cannot be written")
	}
	for _, side := range []struct {
		name string
		n    int
		has  bool
	}{{"labels", len(c.Labels), c.Labels != nil}, {"weights", len(c.Weights), c.Weights != nil}, {"offsets", len(c.Offsets), c.Offsets != nil}} {
		if side.has && side.n != w.rows {
			return fmt.Errorf("there are %d %s for %d rows", side.n, side.name, w.rows)
		}
	}
	if c.Features != nil && len(c.Features) != w.cols {
		return fmt.Errorf("there are %d feature names for %d columns", len(c.Features), w.cols)
	}
	for i, l := range c.Labels {
		if l < 0 || int(l) >= len(c.Classes) {
			return fmt.Errorf("row %d has class %d of %d", i, l, len(c.Classes))
		}
	}
	for _, names := range [][]string{c.Features, c.Classes, {c.Label}} {
		for _, n := range names {
			if !utf8.ValidString(n) {
				return fmt.Errorf("the name %q is not UTF-8", n)
			}
		}
	}
	return nil
}
