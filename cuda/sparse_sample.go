package cuda

import (
	"fmt"

	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
)

// sampleSparse gives s the chosen rows of sparse X; the device has their numbers at chosen.
// Rows are gathered on the device and come back to the host once, to be ordered by column.
func (c *call) sampleSparse(s *data, rows []int, chosen driver.Ptr) error {
	from := c.sparse.rowPtr
	to := make([]int64, len(rows)+1)
	for i, r := range rows {
		to[i+1] = to[i] + from[r+1] - from[r]
	}
	drawn := &call{s, c.ctx}
	x, err := drawn.allocSparse(to, c.sparse.values != 0)
	if err != nil {
		return err
	}
	if err := c.g.context.CopyIn(x.rows, bytesOf(to)); err != nil {
		return err
	}
	gather := func(size int, from, to driver.Ptr) error {
		return c.launch(fmt.Sprintf("csr_gather_b%d", size), "", shape{work: (len(rows) + 7) / 8},
			driver.PtrArg(from), driver.Int64(int64(len(rows))), driver.PtrArg(c.sparse.rows), driver.PtrArg(chosen),
			driver.PtrArg(x.rows), driver.PtrArg(to))
	}
	if err := gather(4, c.sparse.col, x.col); err != nil {
		return err
	}
	if x.values != 0 {
		if err := gather(c.realSize, c.sparse.values, x.values); err != nil {
			return err
		}
	}
	if c.realSize == 4 {
		return orderColumns(drawn, &blockReader[uint32]{call: drawn})
	}
	return orderColumns(drawn, &blockReader[uint64]{call: drawn})
}
