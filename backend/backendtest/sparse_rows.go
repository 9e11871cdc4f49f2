package backendtest

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// SparseRows reads a sparse matrix in memory as one that stays on disk.
type SparseRows struct {
	M *backend.CSR

	// Fail, if not nil, is asked before every read of n rows from row first on.
	Fail func(first, n int) error

	// Read is how many entries were read.
	Read atomic.Int64
}

var _ backend.SparseReader = (*SparseRows)(nil)

// Shape implements backend.SparseReader.
func (r *SparseRows) Shape() (rows, cols int) { return r.M.Rows, r.M.Cols }

// RowPtr implements backend.SparseReader.
func (r *SparseRows) RowPtr() []int64 { return r.M.RowPtr }

// Dtype implements backend.SparseReader.
func (r *SparseRows) Dtype() tensor.Dtype { return r.M.Dtype() }

// Ones implements backend.SparseReader.
func (r *SparseRows) Ones() bool { return r.M.Val32 == nil && r.M.Val64 == nil }

// ReadCSR implements backend.SparseReader.
func (r *SparseRows) ReadCSR(first, n int, m *backend.CSR) error {
	if first < 0 || n < 1 || n > r.M.Rows-first {
		return fmt.Errorf("asked for %d rows from row %d on of %d", n, first, r.M.Rows)
	}
	if r.Fail != nil {
		if err := r.Fail(first, n); err != nil {
			return err
		}
	}
	m.SetRows(r, first, n)
	from, to := r.M.RowPtr[first], r.M.RowPtr[first+n]
	copy(m.Col, r.M.Col[from:to])
	if r.M.Val32 != nil {
		copy(m.Val32, r.M.Val32[from:to])
	}
	if r.M.Val64 != nil {
		copy(m.Val64, r.M.Val64[from:to])
	}
	r.Read.Add(to - from)
	return nil
}

// SparseOnDisk is src with its sparse X read in pieces.
func SparseOnDisk(src *backend.Source) (disk *backend.Source, rows *SparseRows) {
	c := *src
	rows = &SparseRows{M: src.Sparse}
	c.Sparse, c.SparseRows = nil, rows
	return &c, rows
}

// checkSparseStreamed is checkStreamed for sparse X.
func checkSparseStreamed(t *testing.T, b backend.Backend, o Options) {
	if o.NoSparse {
		t.Skip("the backend takes no sparse X")
	}
	for _, s := range o.storages() {
		for _, form := range o.formsIn(s) {
			if form == "dense" {
				continue
			}
			c := large(o, s)
			c.form, c.data = form, "zeros"
			src, models, coef, _ := c.source()
			disk, rows := SparseOnDisk(src)
			requireSameBits(t, run(t, b, o, src, s, models, coef), run(t, b, o, disk, s, models, coef), fmt.Sprintf("%s, %v in pieces", form, s))

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
