package cuda

import (
	"fmt"

	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
)

// gatherSparse sets n rows of x from row at on to rows of c's X, whose numbers the device has
// at chosen. The copy by columns waits for all rows, which come back to the host to be ordered.
func (c *call) gatherSparse(x *sparse, at, n int, chosen driver.Ptr) error {
	gather := func(size int, from, to driver.Ptr) error {
		return c.launch(fmt.Sprintf("csr_gather_b%d", size), "", shape{work: (n + 7) / 8},
			driver.PtrArg(from), driver.Int64(int64(n)), driver.PtrArg(c.sparse.rows), driver.PtrArg(chosen),
			driver.PtrArg(x.rows+driver.Ptr(8*at)), driver.PtrArg(to))
	}
	if err := c.g.context.CopyIn(x.rows+driver.Ptr(8*at), bytesOf(x.rowPtr[at:at+n+1])); err != nil {
		return err
	}
	if err := gather(4, c.sparse.col, x.col); err != nil || !x.valued {
		return err
	}
	return gather(c.realSize, c.sparse.values, x.values)
}
