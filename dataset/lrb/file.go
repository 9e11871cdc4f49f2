package lrb

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/bits"
	"os"
	"time"
	"unicode/utf8"
	"unsafe"

	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/internal/checks"
)

// File is an open file, whose matrix is still on the disk. It serves several goroutines.
type File struct {
	Columns

	name  string
	r     io.ReaderAt
	size  int64
	file  *os.File // nil where r is something else
	mtime time.Time
	owned bool // file is ours to close

	rows, cols int
	sparse     bool
	values     valueType
	entries    int64
	blocks     []block
	rowPtr     section
}

// block is where consecutive rows are.
type block struct {
	offset int64
	first  int // row
	rows   int
	crc    uint32
}

// Open opens the file at path and reads everything but its matrix. The caller closes it.
func Open(path string) (*File, error) {
	file, err := os.Open(path)
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return nil, &Error{File: path, Kind: err}
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("is no regular file")
	}
	var f *File
	if err != nil {
		err = &Error{File: path, Kind: err}
	} else {
		f, err = NewFile(file, info.Size(), path)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	f.owned = true
	return f, nil
}

// NewFile is Open for the size bytes of r, which errors call name. Where r is an
// *os.File, changes of it are noticed as for Open; it stays the caller's.
//
// What the file claims is held against size before memory is reserved for it.
func NewFile(r io.ReaderAt, size int64, name string) (*File, error) {
	f := &File{name: name, r: r, size: size}
	if !littleEndian() {
		return nil, &Error{File: name, Kind: ErrBigEndian}
	}
	if file, ok := r.(*os.File); ok {
		info, err := file.Stat()
		if err != nil {
			return nil, &Error{File: name, Kind: err}
		}
		f.file, f.mtime = file, info.ModTime()
	}
	d, end, err := f.readDirectory()
	if err != nil {
		return nil, err
	}
	if err := f.describe(d, end); err != nil {
		return nil, err
	}
	return f, f.readColumns(d)
}

// Close closes what Open opened.
func (f *File) Close() error {
	if f.owned {
		return f.file.Close()
	}
	return nil
}

// Shape returns the number of rows and columns.
func (f *File) Shape() (rows, cols int) { return f.rows, f.cols }

// Sparse tells whether the matrix is a CSR.
func (f *File) Sparse() bool { return f.sparse }

// Dtype is the type of the numbers; of implicit ones, float32.
func (f *File) Dtype() tensor.Dtype { return f.values.dtype() }

// Entries is the number of stored entries of a sparse matrix.
func (f *File) Entries() int64 { return f.entries }

// MatrixBytes is the memory that the matrix takes as a whole.
func (f *File) MatrixBytes() int64 {
	if f.sparse {
		return f.entries*(4+f.values.size()) + 8*int64(f.rows+1)
	}
	return int64(f.rows) * int64(f.cols) * f.values.size()
}

func (f *File) damaged(format string, args ...any) error {
	return &Error{f.name, ErrDamaged, fmt.Sprintf(format, args...)}
}

// readAt fills b with the bytes at offset.
func (f *File) readAt(b []byte, offset int64) error {
	n, err := f.r.ReadAt(b, offset)
	switch {
	case n == len(b):
		return nil
	case err == io.EOF:
		if changed := f.unchanged(); changed != nil {
			return changed
		}
		return f.damaged("it ends too early")
	}
	return &Error{File: f.name, Kind: err}
}

// unchanged returns an error where the file is known to be another than it was. A file
// that was replaced under its name is still the old one here.
func (f *File) unchanged() error {
	if f.file == nil {
		return nil
	}
	info, err := f.file.Stat()
	switch {
	case err != nil:
		return &Error{File: f.name, Kind: err}
	case info.Size() != f.size:
		return &Error{f.name, ErrChanged, fmt.Sprintf("it has %d bytes instead of %d; leave it alone while it is read", info.Size(), f.size)}
	case !info.ModTime().Equal(f.mtime):
		return &Error{f.name, ErrChanged, "it was written to at " + info.ModTime().Format(time.DateTime) + "; leave it alone while it is read"}
	}
	return nil
}

// readDirectory reads header, footer and directory. end is where the directory begins.
func (f *File) readDirectory() (d *directory, end int64, err error) {
	var head, foot [headSize]byte
	if f.size >= headSize {
		if err := f.readAt(head[:], 0); err != nil {
			return nil, 0, err
		}
	}
	if string(head[:len(Magic)]) != Magic {
		return nil, 0, &Error{f.name, ErrNotLRB, "it does not begin like one"}
	}
	switch v := binary.LittleEndian.Uint32(head[8:]); {
	case v > version:
		return nil, 0, &Error{f.name, ErrNewer, fmt.Sprintf("its version is %d, this program reads %d; upgrade", v, version)}
	case v < version || !allZero(head[12:]):
		return nil, 0, f.damaged("its header is no header")
	}
	if f.size < 2*headSize {
		return nil, 0, f.damaged("it ends too early")
	}
	if err := f.readAt(foot[:], f.size-headSize); err != nil {
		return nil, 0, err
	}
	if string(foot[56:]) != Magic {
		return nil, 0, f.damaged("its end is missing")
	}
	if checks.CRC32C(foot[:20]) != binary.LittleEndian.Uint32(foot[20:]) || !allZero(foot[24:56]) {
		return nil, 0, f.damaged("the checksum of its footer is wrong")
	}
	at, n := binary.LittleEndian.Uint64(foot[0:]), binary.LittleEndian.Uint64(foot[8:])
	if room := uint64(f.size - headSize); at < headSize || at > room || n != room-at {
		return nil, 0, f.damaged("its footer places the directory at %d, %d bytes long, in a file of %d", at, n, f.size)
	}
	text := make([]byte, n)
	if err := f.readAt(text, int64(at)); err != nil {
		return nil, 0, err
	}
	if checks.CRC32C(text) != binary.LittleEndian.Uint32(foot[16:]) {
		return nil, 0, f.damaged("the checksum of its directory is wrong")
	}
	d = new(directory)
	if err := json.Unmarshal(text, d); err != nil {
		return nil, 0, f.damaged("its directory cannot be understood: %v", err)
	}
	return d, int64(at), nil
}

func allZero(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }

// describe takes over the shape and finds the blocks.
func (f *File) describe(d *directory, end int64) error {
	f.rows, f.cols, f.sparse, f.values, f.entries = d.Rows, d.Cols, d.Sparse, valueType(d.Values), d.Entries
	if f.values.size() < 0 || f.values == ones && !f.sparse {
		return f.damaged("its values are %q", d.Values)
	}
	if f.rows < 1 || f.cols < 1 || f.entries < 0 || !f.sparse && f.entries != 0 || f.sparse && f.cols > backend.MaxSparseCols {
		return f.damaged("its matrix is %d x %d with %d entries", f.rows, f.cols, f.entries)
	}
	// The least that the matrix takes must be there.
	high, least := bits.Mul64(uint64(f.rows), uint64(f.cols))
	if f.sparse {
		high, least = bits.Mul64(uint64(f.entries), uint64(4+f.values.size()))
	} else if high == 0 {
		high, least = bits.Mul64(least, uint64(f.values.size()))
	}
	if high != 0 || least > uint64(end) {
		return f.damaged("its matrix is %d x %d with %d entries, more than its %d bytes can hold", f.rows, f.cols, f.entries, f.size)
	}
	for name, s := range d.Sections {
		if s.Offset < headSize || s.Bytes < 0 || s.Offset > end || s.Bytes > end-s.Offset {
			return f.damaged("its section %q is outside it", name)
		}
	}
	if d.Features != nil && len(d.Features) != f.cols {
		return f.damaged("it has %d feature names for %d columns", len(d.Features), f.cols)
	}
	if f.sparse {
		f.rowPtr = d.Sections[sectionRowPtr]
		if f.rowPtr.Bytes/8 != int64(f.rows)+1 || f.rowPtr.Bytes%8 != 0 {
			return f.damaged("its section %q has %d bytes for %d rows", sectionRowPtr, f.rowPtr.Bytes, f.rows)
		}
	}
	records, err := readSection[blockRecord](f, d, sectionBlocks, -1)
	if err != nil {
		return err
	}
	return f.findBlocks(records, end)
}

// findBlocks works out where the blocks are. Those of a sparse matrix get their offsets
// when the row pointers are known.
func (f *File) findBlocks(records []blockRecord, end int64) error {
	f.blocks = make([]block, len(records))
	rowBytes := int64(f.cols) * f.values.size()
	first, offset := 0, int64(headSize)
	for i, r := range records {
		f.blocks[i] = block{offset: offset, first: first, rows: int(r.rows), crc: r.crc}
		uneven := !f.sparse && (i+1 < len(records) && r.rows != records[0].rows || r.rows > records[0].rows)
		if r.rows < 1 || int64(r.rows) > int64(f.rows-first) || uneven {
			return f.damaged("its block %d has %d rows", i, r.rows)
		}
		first += int(r.rows)
		if !f.sparse {
			offset += int64(r.rows) * rowBytes
		}
	}
	if first != f.rows || offset > end {
		return f.damaged("its blocks have %d rows of %d", first, f.rows)
	}
	return nil
}

// readColumns reads what belongs to the rows besides the matrix.
func (f *File) readColumns(d *directory) (err error) {
	f.Features, f.Label, f.Classes, f.Numeric = d.Features, d.Label, d.Classes, d.Numeric
	for _, names := range [][]string{f.Features, f.Classes, {f.Label}} {
		for _, n := range names {
			if !utf8.ValidString(n) {
				return f.damaged("the name %q is not UTF-8", n)
			}
		}
	}
	if f.Labels, err = readSection[int32](f, d, sectionLabels, f.rows); err != nil {
		return err
	}
	if f.Weights, err = readSection[float64](f, d, sectionWeights, f.rows); err != nil {
		return err
	}
	if f.Offsets, err = readSection[float64](f, d, sectionOffsets, f.rows); err != nil {
		return err
	}
	for i, l := range f.Labels {
		if l < 0 || int(l) >= len(f.Classes) {
			return f.damaged("row %d has class %d of %d", i, l, len(f.Classes))
		}
	}
	return nil
}

// readSection reads a section of n numbers, or of any number where n is -1; nil where
// there is none.
func readSection[E int32 | int64 | float64 | blockRecord](f *File, d *directory, name string, n int) ([]E, error) {
	s, ok := d.Sections[name]
	if !ok {
		return nil, nil
	}
	var e E
	size := int64(unsafe.Sizeof(e))
	if n < 0 {
		n = int(s.Bytes / size)
	}
	if s.Bytes%size != 0 || s.Bytes/size != int64(n) {
		return nil, f.damaged("its section %q has %d bytes for %d rows", name, s.Bytes, f.rows)
	}
	to := make([]E, n)
	b := bytesOf(to)
	if err := f.readAt(b, s.Offset); err != nil {
		return nil, err
	}
	if checks.CRC32C(b) != s.CRC {
		return nil, f.damaged("the checksum of its section %q is wrong", name)
	}
	return to, nil
}

// damagedBlock is the error for a checksum that does not agree: the file was damaged, or
// written to while it is read.
func (f *File) damagedBlock(b *block) error {
	if err := f.unchanged(); err != nil {
		return err
	}
	return f.damaged("the checksum of rows %d to %d is wrong", b.first, b.first+b.rows-1)
}
