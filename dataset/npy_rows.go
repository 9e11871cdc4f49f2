package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
	"unsafe"

	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// npyRows reads the features of an NPY file piece by piece, and converts them where they
// are not stored as T.
type npyRows[T float32 | float64] struct {
	array
	columns *columns
	plain   bool // a row of the file is a row of X
	shift   int  // of X's columns against the file's where they stand in its order, else -1

	file   *os.File
	size   int64
	mtime  time.Time
	pieces sync.Pool // *[]byte
}

var (
	_ backend.RowReader = (*npyRows[float32])(nil)
	_ io.Closer         = (*npyRows[float32])(nil)
)

// openRows is readTable for features that stay on the disk. Labels, weights and offsets
// that stand among them are read here, which takes a read of the file of its own.
func openRows[T float32 | float64](ctx context.Context, a *array, c *columns, o *ReadOptions) (_ *Dataset, err error) {
	r := &npyRows[T]{array: *a, columns: c, shift: -1}
	if a.kept != nil {
		r.file = a.kept.file
	} else if r.file, err = os.Open(a.path); err != nil {
		return nil, openError(a.path, err)
	}
	defer func() {
		if err != nil {
			r.Close()
		}
	}()
	info, err := r.file.Stat()
	if err != nil {
		return nil, openError(a.path, err)
	}
	r.size, r.mtime = info.Size(), info.ModTime()
	if bytes, _ := a.bytes(); r.size != r.start+int64(bytes) {
		return nil, a.error(fmt.Sprintf("there are %d bytes for the array of shape %v, which has %d", r.size-r.start, a.shape, bytes), "the file is damaged, or holds several arrays")
	}
	r.plain = a.plain(c, []T(nil))
	r.findShift()
	d := &Dataset{Stream: r, FeatureNames: c.features, LabelName: c.label}
	label, err := r.side(ctx, d)
	if err == nil && label != nil {
		d.Labels, d.Classes, err = a.encode(c.label, label, o.Classes)
	}
	if err != nil {
		return nil, err
	}
	return d, nil
}

// findShift sees whether the features are the columns from one on, in order and numbers
// of this machine.
func (r *npyRows[T]) findShift() {
	var t T
	if r.number.integer || r.number.size != int(unsafe.Sizeof(t)) || !r.native() {
		return
	}
	first := -1
	for col, role := range r.columns.role {
		switch {
		case role == 0:
			first = col
		case role > 0 && (first < 0 || col-first != role):
			return
		}
	}
	r.shift = first
}

// side reads the columns that are no features.
func (r *npyRows[T]) side(ctx context.Context, d *Dataset) (label []float64, err error) {
	c := r.columns
	if !c.hasLabel && !c.hasWeight && !c.hasOffset {
		return nil, nil
	}
	rows, cols := r.shape[0], len(c.role)
	columns := map[int]*[]float64{roleLabel: &label, roleWeight: &d.Weights, roleOffset: &d.Offsets}
	order, size, value := r.order(), r.number.size, r.number.value
	step := max(1, chunkBytes/(cols*size))
	buf := make([]byte, min(step, rows)*cols*size)
	for i := 0; i < rows; i += step {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		b := buf[:min(step, rows-i)*cols*size]
		if err := r.readAt(i, b); err != nil {
			return nil, err
		}
		for col, role := range c.role {
			to := columns[role]
			if to == nil {
				continue
			}
			if *to == nil {
				*to = make([]float64, 0, rows)
			}
			for k := range len(b) / (cols * size) {
				v := value(b[(k*cols+col)*size:], order)
				switch {
				case v-v != 0:
					return nil, r.notFinite(i+k, c.name(col), v, c.finiteAdvice(col, v))
				case role == roleWeight && v < 0:
					return nil, r.cellError(i+k, c.name(col), fmt.Sprintf("the weight %v is negative", v), "weights must not be negative")
				}
				*to = append(*to, v)
			}
		}
	}
	return label, nil
}

func (r *npyRows[T]) Shape() (rows, cols int) { return r.shape[0], len(r.columns.features) }
func (r *npyRows[T]) Dtype() tensor.Dtype     { return dtypeOf[T]() }

func (r *npyRows[T]) Close() error {
	if r.kept != nil {
		return r.kept.close()
	}
	return r.file.Close()
}

func (r *npyRows[T]) ReadRows32(first int, dst []float32) error {
	return r.read(first, any(dst).([]T))
}

func (r *npyRows[T]) ReadRows64(first int, dst []float64) error {
	return r.read(first, any(dst).([]T))
}

func (r *npyRows[T]) read(first int, dst []T) error {
	cols, d := len(r.columns.role), len(r.columns.features)
	if r.plain {
		return r.readAt(first, unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(dst))), len(dst)*r.number.size))
	}
	rowBytes := cols * r.number.size
	step := max(1, chunkBytes/rowBytes)
	buf, _ := r.pieces.Get().(*[]byte)
	if buf == nil {
		buf = new([]byte)
		*buf = make([]byte, step*rowBytes)
	}
	defer r.pieces.Put(buf)
	for n := len(dst) / d; n > 0; n = len(dst) / d {
		n = min(n, step)
		b := (*buf)[:n*rowBytes]
		if err := r.readAt(first, b); err != nil {
			return err
		}
		r.convert(b, dst[:n*d])
		first, dst = first+n, dst[n*d:]
	}
	return nil
}

// convert takes the features of whole rows out of b.
func (r *npyRows[T]) convert(b []byte, dst []T) {
	cols, d, size := len(r.columns.role), len(r.columns.features), r.number.size
	if r.shift >= 0 {
		from := unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/size)
		for i := range len(dst) / d {
			copy(dst[i*d:(i+1)*d], from[i*cols+r.shift:])
		}
		return
	}
	value, order := r.number.value, r.order()
	for i := range len(dst) / d {
		for col, role := range r.columns.role {
			if role >= 0 {
				dst[i*d+role] = T(value(b[(i*cols+col)*size:], order))
			}
		}
	}
}

// readAt fills b with the rows from first on. A file that has been written to, as far as
// its size and time tell, is an error.
func (r *npyRows[T]) readAt(first int, b []byte) error {
	n, err := r.file.ReadAt(b, r.start+int64(first)*int64(len(r.columns.role)*r.number.size))
	if err == io.EOF && n == len(b) {
		err = nil
	}
	info, statErr := r.file.Stat()
	changed := statErr == nil && (info.Size() != r.size || !info.ModTime().Equal(r.mtime))
	switch {
	case changed:
		err = r.error("the file has been changed since it was opened", "leave it alone while it is read, pass after pass")
	case statErr != nil:
		err = r.streamError(errors.Join(err, statErr))
	case err != nil:
		err = r.streamError(err)
	}
	return withFile(err, r.path)
}
