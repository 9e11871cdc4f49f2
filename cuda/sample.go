package cuda

import (
	"context"
	"errors"
	"fmt"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
	"github.com/logreg-gpu/logreg-gpu/internal/columns"
)

// Sample implements backend.Sampler. Rows are gathered on the device; weights, of which
// the host keeps the exact numbers, here.
func (d *data) Sample(ctx context.Context, rows []int, factor []float64) (backend.Data, error) {
	s := d.sampleOf(len(rows))
	err := d.run(ctx, func(c *call) error {
		if err := columns.CheckRows(rows, factor, c.columns.Rows); err != nil {
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

func (c *call) sample(s *data, rows []int, factor []float64) error {
	drawn := &call{s, c.ctx}
	if err := drawn.reserve([]*data{c.data}, []int{0, c.columns.Rows}, rows); err != nil {
		return err
	}
	if err := c.gatherInto(s, 0, rows, 0); err != nil {
		return err
	}
	host := make([][]float64, len(c.weights))
	for i, w := range c.weights {
		host[i] = w.host
	}
	return drawn.complete(host, c.base.host, rows, factor)
}

// sampleOf is a sample of that many rows, of which it holds nothing yet.
func (d *data) sampleOf(rows int) *data {
	shape := d.columns
	shape.Rows = rows
	return newData(d.g, shape, d.storage, d.affine)
}

// reserve takes the memory of c, a sample of rows of the parts that begin at the rows first,
// but for the weights and the copy by columns.
func (c *call) reserve(parts []*data, first, rows []int) (err error) {
	n := int64(len(rows))
	if from := parts[0].sparse; from != nil {
		_, err = c.placeSparse(drawnRows(parts, first, rows), from.valued, c.alloc)
	} else {
		c.x, err = c.alloc("X", c.bytes())
	}
	if err != nil {
		return err
	}
	for i := range c.columns.Labels {
		label, err := c.alloc(fmt.Sprintf("label column %d", i), n*4)
		if err != nil {
			return err
		}
		c.labels = append(c.labels, label)
	}
	for i := range c.columns.Offsets {
		offset, err := c.alloc(fmt.Sprintf("offset column %d", i), n*int64(c.realSize))
		if err != nil {
			return err
		}
		c.offsets = append(c.offsets, offset)
	}
	if c.columns.Folds {
		c.folds, err = c.alloc("folds", n*4)
	}
	return err
}

// drawnRows are the row pointers of those rows of sparse parts.
func drawnRows(parts []*data, first, rows []int) []int64 {
	to, i := make([]int64, len(rows)+1), 0
	for k, r := range rows {
		for r < first[i] || r >= first[i+1] {
			i = (i + 1) % len(parts)
		}
		from := parts[i].sparse.rowPtr[r-first[i]:]
		to[k+1] = to[k] + from[1] - from[0]
	}
	return to
}

// gatherInto sets the rows of s from row at on to the given ones, counted from first in
// c's X.
func (c *call) gatherInto(s *data, at int, rows []int, first int) error {
	wide := make([]int64, len(rows))
	for i, r := range rows {
		wide[i] = int64(r - first)
	}
	r := &request{d: c.data, bytes: bytesOf(wide)}
	base, err := r.send()
	if err != nil {
		return err
	}
	gather := func(from, to driver.Ptr, ld, size int) error {
		return c.launch(fmt.Sprintf("gather_rows_b%d", size), "", shape{work: len(rows)*ld/256 + 1},
			driver.PtrArg(from), driver.Int64(int64(len(rows))), driver.Int32(int32(ld)), driver.PtrArg(base),
			driver.PtrArg(to+driver.Ptr(at*ld*size)))
	}
	if c.sparse != nil {
		err = c.gatherSparse(s.sparse, at, len(rows), base)
	} else {
		err = gather(c.x, s.x, c.ld, c.storage.Bytes())
	}
	if err != nil {
		return err
	}
	for i, from := range c.labels {
		if err := gather(from, s.labels[i], 1, 4); err != nil {
			return err
		}
	}
	for i, from := range c.offsets {
		if err := gather(from, s.offsets[i], 1, c.realSize); err != nil {
			return err
		}
	}
	if c.folds != 0 {
		if err := gather(c.folds, s.folds, 1, 4); err != nil {
			return err
		}
	}
	return c.g.context.Synchronize() // errors of the launches belong to this call
}

// complete gives a sample its weights, drawn from those of the whole, and orders it.
func (c *call) complete(host [][]float64, base []float64, rows []int, factor []float64) (err error) {
	for i, of := range host {
		w, err := c.uploadWeights(fmt.Sprintf("weight column %d", i), columns.Draw(of, rows, factor))
		if err != nil {
			return err
		}
		c.weights = append(c.weights, w)
	}
	if base != nil || factor != nil {
		if c.base, err = c.uploadWeights("base weights", columns.Draw(base, rows, factor)); err != nil {
			return err
		}
	}
	if c.sparse != nil {
		err = c.order(nil, c.alloc)
	}
	return err
}
