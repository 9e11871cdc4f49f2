package backendtest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// Rows reads a dense matrix in memory as one that stays on disk.
type Rows struct {
	X *tensor.Dense

	// Fail, if not nil, is asked before every read of n rows from row first on.
	Fail func(first, n int) error
}

var _ backend.RowReader = (*Rows)(nil)

// Shape implements backend.RowReader.
func (r *Rows) Shape() (rows, cols int) { return r.X.Shape()[0], r.X.Shape()[1] }

// Dtype implements backend.RowReader.
func (r *Rows) Dtype() tensor.Dtype { return r.X.Dtype() }

// ReadRows32 implements backend.RowReader.
func (r *Rows) ReadRows32(first int, dst []float32) error {
	return readRows(r, r.X.Data().([]float32), first, dst)
}

// ReadRows64 implements backend.RowReader.
func (r *Rows) ReadRows64(first int, dst []float64) error {
	return readRows(r, r.X.Data().([]float64), first, dst)
}

func readRows[T any](r *Rows, x []T, first int, dst []T) error {
	rows, cols := r.Shape()
	if first < 0 || len(dst)%cols != 0 || first+len(dst)/cols > rows {
		return fmt.Errorf("asked for %d numbers from row %d on of %d x %d", len(dst), first, rows, cols)
	}
	if r.Fail != nil {
		if err := r.Fail(first, len(dst)/cols); err != nil {
			return err
		}
	}
	copy(dst, x[first*cols:])
	return nil
}

// onDisk is src with its dense X read in pieces.
func onDisk(src *backend.Source) (disk *backend.Source, rows *Rows) {
	c := *src
	rows = &Rows{X: src.X}
	c.X, c.Rows = nil, rows
	return &c, rows
}

// checkStreamed holds that X read in pieces gives the bits of one in memory, and that a
// read that fails ends the operation with its error and nothing worse.
func checkStreamed(t *testing.T, b backend.Backend, o Options) {
	for _, s := range o.storages() {
		for _, from := range []tensor.Dtype{tensor.Float32, tensor.Float64} {
			c := large(o, s)
			c.from = from
			src, models, coef, _ := c.source()
			disk, rows := onDisk(src)
			if o.NoRows {
				_, err := b.Load(t.Context(), disk, s)
				require.ErrorIs(t, err, backend.ErrUnsupported, "Options.NoRows")
				continue
			}
			requireSameBits(t, run(t, b, o, src, s, models, coef), run(t, b, o, disk, s, models, coef), fmt.Sprintf("%v from %v in pieces", s, from))

			gone := errors.New("the disk is gone")
			rows.Fail = func(first, n int) error {
				if first+n > c.rows/2 {
					return gone
				}
				return nil
			}
			_, err := b.Load(t.Context(), disk, s)
			require.ErrorIs(t, err, gone)
		}
	}
}
