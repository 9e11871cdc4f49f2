package cuda

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
)

// Sample implements backend.Sampler. Rows are gathered on the device; weights, of which
// the host keeps the exact numbers, here.
func (d *data) Sample(ctx context.Context, rows []int, factor []float64) (backend.Data, error) {
	columns := d.columns
	columns.Rows = len(rows)
	s := newData(d.g, columns, d.storage, d.affine)
	err := d.run(ctx, func(c *call) error {
		if err := checkRows(rows, factor, c.columns.Rows); err != nil {
			return err
		}
		err := c.sample(s, rows, factor)
		if err != nil {
			_ = c.g.context.Synchronize() // nothing may use the memory freed here
			err = errors.Join(err, s.free())
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// checkRows reports the first row or factor that cannot be drawn.
func checkRows(rows []int, factor []float64, n int) error {
	bad := func(format string, args ...any) error {
		return &backend.SourceError{Part: "sample", Reason: fmt.Sprintf(format, args...)}
	}
	if len(rows) == 0 {
		return bad("has no rows; draw at least one")
	}
	if factor != nil && len(factor) != len(rows) {
		return bad("has %d factors for %d rows", len(factor), len(rows))
	}
	for i, r := range rows {
		if r < 0 || r >= n {
			return bad("asks for row %d of %d", r, n)
		}
		if factor != nil && (!(factor[i] >= 0) || math.IsInf(factor[i], 1)) {
			return bad("has the factor %v; factors must be finite and not negative", factor[i])
		}
	}
	return nil
}

func (c *call) sample(s *data, rows []int, factor []float64) error {
	wide := make([]int64, len(rows))
	for i, r := range rows {
		wide[i] = int64(r)
	}
	r := &request{d: c.data, bytes: bytesOf(wide)}
	base, err := r.send()
	if err != nil {
		return err
	}
	gather := func(name string, from driver.Ptr, ld, size int) (driver.Ptr, error) {
		to, err := s.alloc(name, int64(len(rows))*int64(ld)*int64(size))
		if err != nil {
			return 0, err
		}
		return to, c.launch(fmt.Sprintf("gather_rows_b%d", size), "", shape{work: len(rows)*ld/256 + 1},
			driver.PtrArg(from), driver.Int64(int64(len(rows))), driver.Int32(int32(ld)), driver.PtrArg(base), driver.PtrArg(to))
	}
	if c.sparse != nil {
		err = c.sampleSparse(s, rows, base)
	} else {
		s.x, err = gather("X", c.x, c.ld, c.storage.Bytes())
	}
	if err != nil {
		return err
	}
	for i, from := range c.labels {
		p, err := gather(fmt.Sprintf("label column %d", i), from, 1, 4)
		if err != nil {
			return err
		}
		s.labels = append(s.labels, p)
	}
	for i, from := range c.offsets {
		p, err := gather(fmt.Sprintf("offset column %d", i), from, 1, c.realSize)
		if err != nil {
			return err
		}
		s.offsets = append(s.offsets, p)
	}
	if c.folds != 0 {
		if s.folds, err = gather("folds", c.folds, 1, 4); err != nil {
			return err
		}
	}
	for i, w := range c.weights {
		drawn, err := s.uploadWeights(fmt.Sprintf("weight column %d", i), draw(w.host, rows, factor))
		if err != nil {
			return err
		}
		s.weights = append(s.weights, drawn)
	}
	if c.base.host != nil || factor != nil {
		if s.base, err = s.uploadWeights("base weights", draw(c.base.host, rows, factor)); err != nil {
			return err
		}
	}
	return c.g.context.Synchronize() // errors of the launches belong to this call
}

// draw gathers host, or ones, and multiplies by factor.
func draw(host []float64, rows []int, factor []float64) []float64 {
	out := make([]float64, len(rows))
	for i, r := range rows {
		out[i] = 1
		if host != nil {
			out[i] = host[r]
		}
		if factor != nil {
			out[i] *= factor[i]
		}
	}
	return out
}
