package lrb

import (
	"errors"
	"fmt"
	"sync"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/internal/checks"
)

// Rows reads a dense matrix piece by piece. Reads that follow each other over all rows
// compare every checksum, so that a pass never computes with other numbers than the one
// before: a file that has been written to since it was opened is an error of kind
// ErrChanged or ErrDamaged. A block of which less than half is asked for is left
// unchecked, for the read of the other half to check; single rows cost no more than they
// hold.
//
// It is valid until the File is closed.
func (f *File) Rows() (*Rows, error) {
	if f.sparse {
		return nil, errors.New(f.name + ": the matrix is sparse; it cannot be read as dense rows")
	}
	return &Rows{File: f}, nil
}

// Rows is the dense matrix of a File.
type Rows struct {
	*File
	scratch sync.Pool // *[]byte, blocks of which only a part is wanted
}

var _ backend.RowReader = (*Rows)(nil)

// BlockRows is the number of rows under one checksum.
func (r *Rows) BlockRows() int { return r.blocks[0].rows }

// ReadRows32 implements backend.RowReader.
func (r *Rows) ReadRows32(first int, dst []float32) error {
	if r.values != float32s {
		return fmt.Errorf("%s: float32 rows asked of %s", r.name, r.values)
	}
	return readRows(r, first, dst)
}

// ReadRows64 implements backend.RowReader.
func (r *Rows) ReadRows64(first int, dst []float64) error {
	if r.values != float64s {
		return fmt.Errorf("%s: float64 rows asked of %s", r.name, r.values)
	}
	return readRows(r, first, dst)
}

func readRows[T float32 | float64](r *Rows, first int, dst []T) error {
	n := len(dst) / r.cols
	if first < 0 || n > r.rows-first || len(dst)%r.cols != 0 {
		return fmt.Errorf("%s: %d numbers asked from row %d on of %d x %d", r.name, len(dst), first, r.rows, r.cols)
	}
	if err := r.unchanged(); err != nil {
		return err
	}
	for n > 0 {
		b := &r.blocks[first/r.BlockRows()]
		skip := first - b.first
		k := min(n, b.rows-skip)
		part := dst[:k*r.cols]
		var err error
		switch {
		case k == b.rows:
			err = r.readBlock(b, bytesOf(part))
		case 2*k >= b.rows:
			err = r.readPart(b, skip, bytesOf(part))
		default:
			err = r.readAt(bytesOf(part), b.offset+int64(skip*r.cols)*r.values.size())
		}
		if err != nil {
			return err
		}
		first, n, dst = first+k, n-k, dst[k*r.cols:]
	}
	return nil
}

// readBlock fills to with a dense block.
func (f *File) readBlock(b *block, to []byte) error { return f.readBlocks([]block{*b}, to) }

// readBlocks fills to with neighbouring dense blocks.
func (f *File) readBlocks(blocks []block, to []byte) error {
	if err := f.readAt(to, blocks[0].offset); err != nil {
		return err
	}
	for i := range blocks {
		b := &blocks[i]
		n := b.rows * f.cols * int(f.values.size())
		if checks.CRC32C(to[:n]) != b.crc {
			return f.damagedBlock(b)
		}
		to = to[n:]
	}
	return nil
}

// readPart fills to with rows of the block, from its row skip on.
func (r *Rows) readPart(b *block, skip int, to []byte) error {
	rowBytes := r.cols * int(r.values.size())
	whole, _ := r.scratch.Get().(*[]byte)
	if whole == nil {
		whole = new([]byte)
		*whole = make([]byte, r.BlockRows()*rowBytes)
	}
	defer r.scratch.Put(whole)
	if err := r.readBlock(b, (*whole)[:b.rows*rowBytes]); err != nil {
		return err
	}
	copy(to, (*whole)[skip*rowBytes:])
	return nil
}
