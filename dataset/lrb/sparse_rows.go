package lrb

import (
	"errors"
	"fmt"
	"sort"
	"sync"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/internal/checks"
)

// SparseRows reads a sparse matrix piece by piece, by the rules of Rows. Its row pointers
// are in memory.
//
// It is valid until the File is closed.
func (f *File) SparseRows() (*SparseRows, error) {
	if !f.sparse {
		return nil, errors.New(f.name + ": the matrix is not sparse")
	}
	ptr, err := f.rowPointers()
	if err != nil {
		return nil, err
	}
	r := &SparseRows{rowPtr: ptr}
	r.File = f.withOffsets(ptr)
	return r, nil
}

// SparseRows is the sparse matrix of a File.
type SparseRows struct {
	*File
	rowPtr []int64
	whole  sync.Pool // *entries, of blocks of which only a part is wanted
}

var _ backend.SparseReader = (*SparseRows)(nil)

// RowPtr implements backend.SparseReader.
func (r *SparseRows) RowPtr() []int64 { return r.rowPtr }

// Ones implements backend.SparseReader.
func (r *SparseRows) Ones() bool { return r.values == ones }

// ReadCSR implements backend.SparseReader.
func (r *SparseRows) ReadCSR(first, n int, m *backend.CSR) error {
	if first < 0 || n < 1 || n > r.rows-first {
		return fmt.Errorf("%s: %d rows asked from row %d on of %d", r.name, n, first, r.rows)
	}
	if err := r.unchanged(); err != nil {
		return err
	}
	m.SetRows(r, first, n)
	k := sort.Search(len(r.blocks), func(k int) bool { return r.blocks[k].first > first }) - 1
	for at := int64(0); n > 0; k++ {
		b := &r.blocks[k]
		rows := min(n, b.first+b.rows-first)
		end := at + r.rowPtr[first+rows] - r.rowPtr[first]
		if err := r.readRows(b, first, rows, cut(m, at, end)); err != nil {
			return err
		}
		first, n, at = first+rows, n-rows, end
	}
	return nil
}

// cut are entries [from, to) of m.
func cut(m *backend.CSR, from, to int64) entries {
	e := entries{col: m.Col[from:to]}
	if m.Val32 != nil {
		e.val = bytesOf(m.Val32[from:to])
	}
	if m.Val64 != nil {
		e.val = bytesOf(m.Val64[from:to])
	}
	return e
}

// entries are neighbours: their columns, and the bytes of their values.
type entries struct {
	col []uint32
	val []byte
}

// readRows fills to with the entries of rows from first on, all in block b.
func (r *SparseRows) readRows(b *block, first, rows int, to entries) error {
	size := r.values.size()
	from, all := r.rowPtr[b.first], r.rowPtr[b.first+b.rows]-r.rowPtr[b.first]
	cols, colsPad, _, _ := sparseBlockBytes(all, r.values)
	skip := r.rowPtr[first] - from
	part := int64(len(to.col)) < all || rows < b.rows
	switch {
	case part && 2*int64(len(to.col)) >= all:
		whole, _ := r.whole.Get().(*entries)
		if whole == nil {
			whole = new(entries)
		}
		defer r.whole.Put(whole)
		whole.resize(int(all), int(all*size))
		if err := r.readWhole(b, *whole, cols+colsPad); err != nil {
			return err
		}
		copy(to.col, whole.col[skip:])
		copy(to.val, whole.val[skip*size:])
	case part:
		if err := r.readAt(bytesOf(to.col), b.offset+4*skip); err != nil {
			return err
		}
		if err := r.readAt(to.val, b.offset+cols+colsPad+skip*size); err != nil {
			return err
		}
	default:
		if err := r.readWhole(b, to, cols+colsPad); err != nil {
			return err
		}
	}
	return r.checkColumns(first, rows, r.rowPtr, r.rowPtr[first], to.col)
}

// resize makes room for so many entries, whose values have so many bytes.
func (e *entries) resize(n, bytes int) {
	if cap(e.col) < n {
		e.col = make([]uint32, n)
	}
	if cap(e.val) < bytes {
		e.val = make([]byte, bytes)
	}
	e.col, e.val = e.col[:n], e.val[:bytes]
}

// readWhole fills to with a sparse block, whose values begin at values.
func (f *File) readWhole(b *block, to entries, values int64) error {
	if err := f.readAt(bytesOf(to.col), b.offset); err != nil {
		return err
	}
	if err := f.readAt(to.val, b.offset+values); err != nil {
		return err
	}
	crc := checks.UpdateCRC32C(checks.CRC32C(bytesOf(to.col)), to.val)
	if crc != b.crc {
		return f.damagedBlock(b)
	}
	return nil
}

// checkColumns demands that the columns of rows from first on increase. col are their
// entries, of which ptr tells the places from base on.
func (f *File) checkColumns(first, rows int, ptr []int64, base int64, col []uint32) error {
	for i := first; i < first+rows; i++ {
		last := int64(-1)
		for _, j := range col[ptr[i]-base : ptr[i+1]-base] {
			if int64(j) <= last || int64(j) >= int64(f.cols) {
				if err := f.unchanged(); err != nil {
					return err
				}
				return f.damaged("row %d has column %d after %d of %d columns", i, j, last, f.cols)
			}
			last = int64(j)
		}
	}
	return nil
}

// rowPointers reads the row pointers.
func (f *File) rowPointers() ([]int64, error) {
	d := &directory{Sections: map[string]section{sectionRowPtr: f.rowPtr}}
	ptr, err := readSection[int64](f, d, sectionRowPtr, f.rows+1)
	if err != nil {
		return nil, err
	}
	if ptr[0] != 0 || ptr[f.rows] != f.entries {
		return nil, f.damaged("its row pointers go from %d to %d for %d entries", ptr[0], ptr[f.rows], f.entries)
	}
	for i, p := range ptr[1:] {
		if p < ptr[i] {
			return nil, f.damaged("its row pointers %d and %d about row %d decrease", ptr[i], p, i)
		}
	}
	return ptr, nil
}

// withOffsets is f with the places of its sparse blocks, which follow from the row
// pointers.
func (f *File) withOffsets(ptr []int64) *File {
	whole := *f
	whole.blocks = make([]block, len(f.blocks))
	offset := int64(headSize)
	for i, b := range f.blocks {
		whole.blocks[i], whole.blocks[i].offset = b, offset
		cols, colsPad, values, valuesPad := sparseBlockBytes(ptr[b.first+b.rows]-ptr[b.first], f.values)
		offset += cols + colsPad + values + valuesPad
	}
	return &whole
}
