package cuda

import (
	"cmp"
	"math/bits"
	"slices"

	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
)

// Sparse X without a copy by columns (backend.Options.FixedPoint): the backward reads X by
// rows again, twice, and adds every product to its column as a whole number of 64 bits.
// Sums of integers are the same in any order. How exact they are is said in
// kernels/include/csr_fixed.h.

// fixedPoint is what the kernels know of the columns.
type fixedPoint struct {
	counts driver.Ptr // entries of each column
	place  driver.Ptr // bits of that number, and the column's number among the hot ones
	hot    driver.Ptr // the hot columns, those with the most entries first
	cols   int
	hots   int
}

// hotColumns is how many columns a block keeps in its shared memory at most.
const hotColumns = 2048

func (f *fixedPoint) arrays() []array {
	return []array{{"entries of columns", &f.counts, int64(f.cols) * 4}, {"places of columns", &f.place, int64(f.cols) * 4}, {"hot columns", &f.hot, hotColumns * 4}}
}

// countColumns finds out how many entries each column has.
func (c *call) countColumns(take taker) error {
	f := &fixedPoint{cols: c.columns.Cols}
	c.sparse.fixed = f
	if err := take.place(f.arrays()); err != nil {
		return err
	}
	entries := c.sparse.entries()
	if err := c.g.context.Memset(f.counts, 0, int64(f.cols)*4, nil); err != nil {
		return err
	}
	err := c.launch("csr_count", "", shape{work: int(entries/1024) + 1}, driver.PtrArg(c.sparse.col), driver.Int64(entries), driver.PtrArg(f.counts))
	if err != nil {
		return err
	}
	counts, err := copyOut[uint32](c, f.counts, 0, int64(f.cols))
	if err != nil {
		return err
	}
	place, hot := f.places(counts, c.g.chunks.hot)
	if err := c.g.context.CopyIn(f.place, bytesOf(place)); err != nil {
		return err
	}
	return c.g.context.CopyIn(f.hot, bytesOf(hot))
}

// places is the content of the arrays of that name for columns of so many entries, and of the
// hot ones, of which it notes the number.
func (f *fixedPoint) places(counts []uint32, many int) (place, hot []uint32) {
	place, hot = places(counts, many)
	f.hots = len(hot)
	return place, append(hot, make([]uint32, hotColumns-len(hot))...)
}

// places returns each column's place, as struct Places of csr_fixed.h has it, and the hot
// columns: those of more than `many` entries.
func places(counts []uint32, many int) (place, hot []uint32) {
	place = make([]uint32, len(counts))
	for j, n := range counts {
		place[j] = uint32(bits.Len32(n))
		if int(n) > many {
			hot = append(hot, uint32(j))
		}
	}
	slices.SortStableFunc(hot, func(a, b uint32) int { return cmp.Compare(counts[b], counts[a]) })
	hot = hot[:min(len(hot), hotColumns)]
	for k, j := range hot {
		place[j] |= uint32(k+1) << 8
	}
	return place, hot
}

// integers are the accumulators of terms side by side: exponents of the largest, and sums.
func (c *call) integers(name string, terms int) (top, sum driver.Ptr, err error) {
	numbers := int64(c.columns.Cols) * int64(terms)
	if top, err = c.cleared("largest "+name, numbers*4); err == nil {
		sum, err = c.cleared("fixed-point sums "+name, numbers*8)
	}
	return top, sum, err
}

// cleared is work of zeros.
func (c *call) cleared(name string, bytes int64) (driver.Ptr, error) {
	p, err := c.work(name, bytes)
	if err != nil {
		return 0, err
	}
	return p, c.g.context.Memset(p, 0, bytes, nil)
}

// rowSums launches a kernel over the entries of n rows from row first on.
func (c *call) rowSums(kernel string, first, n int, args ...driver.Arg) error {
	m, f := c.sparse, c.sparse.fixed
	return c.launch(kernel, "", shape{work: n>>(8-m.log) + 1}, append([]driver.Arg{
		driver.PtrArg(m.rows + driver.Ptr(8*first)), driver.PtrArg(m.col), driver.PtrArg(m.values), driver.Int64(int64(n)), driver.Int32(int32(m.log)),
		driver.PtrArg(f.place), driver.PtrArg(f.hot), driver.Int32(int32(f.hots)),
	}, args...)...)
}

// fixedSums is X'R over n rows from row first on, for outputs of `width` numbers beside each
// other a row: D+1 numbers each, with the intercepts' sums or 0; with add to what out holds.
// kernel is the width, or "_squares".
func (c *call) fixedSums(kernel string, first, n int, residuals driver.Ptr, width, outputs int, add bool, intercepts, out driver.Ptr) error {
	top, sum, err := c.integers("products", width)
	if err != nil {
		return err
	}
	if err := c.rowSums("csr_bounds"+kernel, first, n, driver.PtrArg(residuals), driver.PtrArg(top)); err != nil {
		return err
	}
	if err := c.rowSums("csr_adds"+kernel, first, n, driver.PtrArg(residuals), driver.PtrArg(top), driver.PtrArg(sum)); err != nil {
		return err
	}
	adding := int32(0)
	if add {
		adding = 1
	}
	cols := c.columns.Cols
	return c.launch("csr_fixed_sums", c.real, shape{work: cols/256 + 1, y: outputs},
		driver.PtrArg(c.sparse.fixed.place), driver.PtrArg(top), driver.PtrArg(sum), driver.Int32(int32(width)), driver.Int64(int64(cols)),
		driver.Int32(adding), driver.PtrArg(intercepts), driver.PtrArg(out))
}

// fixedStats leaves the fields of the columns at part, as csr_stats does those of pieces.
func (c *call) fixedStats(w weights, part driver.Ptr) error {
	n, cols, f := c.columns.Rows, c.columns.Cols, c.sparse.fixed
	extreme, err := c.cleared("extremes", int64(cols)*16)
	if err != nil {
		return err
	}
	mean, err := c.work("means", int64(cols)*16)
	if err != nil {
		return err
	}
	top, sum, err := c.integers("moments", 4)
	if err != nil {
		return err
	}
	if err := c.rowSums("csr_stat_bounds", 0, n, driver.PtrArg(w.ptr), driver.PtrArg(extreme), driver.PtrArg(top)); err != nil {
		return err
	}
	if err := c.rowSums("csr_stat_adds", 0, n, driver.PtrArg(w.ptr), driver.PtrArg(top), driver.PtrArg(sum)); err != nil {
		return err
	}
	over := shape{work: cols/256 + 1}
	err = c.launch("csr_means", "", over, driver.PtrArg(f.place), driver.PtrArg(f.counts), driver.PtrArg(top), driver.PtrArg(sum), driver.Int64(int64(cols)), driver.PtrArg(mean))
	if err != nil {
		return err
	}
	devTop, devSum, err := c.integers("deviations", 2)
	if err != nil {
		return err
	}
	if err := c.rowSums("csr_deviation_bounds", 0, n, driver.PtrArg(w.ptr), driver.PtrArg(mean), driver.PtrArg(devTop)); err != nil {
		return err
	}
	if err := c.rowSums("csr_deviation_adds", 0, n, driver.PtrArg(w.ptr), driver.PtrArg(mean), driver.PtrArg(devTop), driver.PtrArg(devSum)); err != nil {
		return err
	}
	return c.launch("csr_moments", "", over, driver.PtrArg(f.place), driver.PtrArg(f.counts), driver.PtrArg(top), driver.PtrArg(sum),
		driver.PtrArg(devTop), driver.PtrArg(devSum), driver.PtrArg(extreme), driver.PtrArg(mean), driver.Int64(int64(cols)), driver.PtrArg(part))
}
