package cuda

import (
	"math/bits"
	"slices"
	"strconv"

	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
)

// sparse is X by compressed rows, and a second time by columns. The first gives the rows'
// products with coefficients, the second the columns' with residuals: each reads its copy
// once, both add in a fixed order, and neither needs atomics. With fixedPoint there is no
// second copy.
type sparse struct {
	rowPtr    []int64 // host: lengths of rows, for samples
	rows      driver.Ptr
	col       driver.Ptr
	values    driver.Ptr // 0: every entry is 1
	valued    bool
	log       int // of the lanes that share a row
	step      int // rows of a block, whose residuals stay in the L2 cache
	byColumns byColumns
	fixed     *fixedPoint // nil: by columns
}

// byColumns is X in the order of pieces; see order in sparse_order.go.
type byColumns struct {
	row, values               driver.Ptr // of each entry
	start, slot, tasks, first driver.Ptr
	cols, pieces              int
	blocks                    []int64 // the first task of each row block, and their number
}

// array is one of the arrays of sparse X on the device.
type array struct {
	name  string
	at    *driver.Ptr
	bytes int64
}

// rowArrays are those of X by rows, with values of that size.
func (m *sparse) rowArrays(size int) []array {
	all := []array{{"row pointers", &m.rows, int64(len(m.rowPtr)) * 8}, {"columns", &m.col, m.entries() * 4}}
	if m.valued {
		all = append(all, array{"values", &m.values, m.entries() * int64(size)})
	}
	return all
}

// columnArrays are those of X by columns.
func (m *sparse) columnArrays(size int) []array {
	all := []array{{"rows by column", &m.byColumns.row, m.entries() * 4}}
	if m.valued {
		all = append(all, array{"values by column", &m.byColumns.values, m.entries() * int64(size)})
	}
	return all
}

// orderArrays are those of the order by columns, once it is known.
func (m *byColumns) orderArrays() []array {
	return []array{
		{"pieces", &m.start, int64(m.pieces+1) * 8}, {"slots of pieces", &m.slot, int64(m.pieces) * 4},
		{"tasks", &m.tasks, (m.tasksOf() + 1) * 8}, {"first slots of columns", &m.first, int64(m.cols+1) * 4},
	}
}

// arrays are all of them.
func (m *sparse) arrays(size int) []array {
	if m.fixed != nil {
		return append(m.rowArrays(size), m.fixed.arrays()...)
	}
	return slices.Concat(m.rowArrays(size), m.columnArrays(size), m.byColumns.orderArrays())
}

// bytes are those of its arrays.
func (m *sparse) bytes(size int) (sum int64) {
	for _, a := range m.arrays(size) {
		sum += a.bytes
	}
	return sum
}

// taker gives device memory of a name.
type taker func(name string, bytes int64) (driver.Ptr, error)

// place takes memory for arrays.
func (take taker) place(arrays []array) (err error) {
	for _, a := range arrays {
		if *a.at, err = take(a.name, a.bytes); err != nil {
			return err
		}
	}
	return nil
}

func (m *sparse) entries() int64 { return m.rowPtr[len(m.rowPtr)-1] }

// lanes gives a row to an eighth as many lanes as it has entries on average, 4 to 32: what is
// done once a row then costs less than its entries.
func (m *sparse) lanes() int {
	mean := m.entries() / int64(len(m.rowPtr)-1)
	return min(max(bits.Len64(uint64(mean/8))-1, 2), 5)
}

// panelWidth is how many outputs beside each other a kernel for that many takes.
func panelWidth(outputs int) int {
	for _, w := range []int{1, 4} {
		if outputs <= w {
			return w
		}
	}
	return manyOutputs
}

// panel adds the rows of D+1 numbers of vectors x outputs as the sparse kernels take them:
// a column's numbers for all outputs side by side, those of each vector padded to the width
// of a panel, the intercepts last.
func (r *request) panel(rows []float64, outputs, vectors int) part {
	at, side, width := r.align(), r.d.columns.Cols+1, panelWidth(outputs)
	total := side * width * vectors
	r.bytes = append(r.bytes, make([]byte, total*r.d.realSize)...)
	for v := range vectors {
		for k := range outputs {
			row := rows[(v*outputs+k)*side : (v*outputs+k+1)*side]
			if r.d.realSize == 8 {
				spread(numbersOf[float64](r.bytes[at:]), row, v*width+k, width*vectors)
			} else {
				spread(numbersOf[float32](r.bytes[at:]), row, v*width+k, width*vectors)
			}
		}
	}
	return at
}

// spread writes row to every step-th number from the first on.
func spread[T float32 | float64](to []T, row []float64, first, step int) {
	for j, v := range row {
		to[first+j*step] = T(v)
	}
}

// panels adds rows of D+1 numbers in panels of at most manyOutputs.
func (r *request) panels(rows []float64) part {
	at, side := r.align(), r.d.columns.Cols+1
	for len(rows) > 0 {
		n := min(len(rows)/side, manyOutputs)
		r.panel(rows[:n*side], n, 1)
		rows = rows[n*side:]
	}
	return at
}

// sparseLogits is logits for n rows from row first on, of coefficients in panels.
func (c *call) sparseLogits(first, n int, coef driver.Ptr, count int, z driver.Ptr) error {
	for count > 0 {
		k := min(count, manyOutputs)
		width := panelWidth(k)
		err := c.launch("csr_logits"+strconv.Itoa(width), "", shape{work: (n + 255) / 256},
			append(c.rowArgs(first, n), driver.PtrArg(coef), driver.Int32(int32(k)), driver.PtrArg(z))...)
		if err != nil {
			return err
		}
		coef += driver.Ptr(align16((c.columns.Cols + 1) * width * c.realSize))
		z += driver.Ptr(k * n * c.realSize)
		count -= k
	}
	return nil
}

// align16 is what request.align makes of a size.
func align16(bytes int) int { return (bytes + 15) / 16 * 16 }

// rowArgs are the parameters of n rows from row first on: what the forward kernels begin with.
func (c *call) rowArgs(first, n int) []driver.Arg {
	m := c.sparse
	return []driver.Arg{
		driver.PtrArg(m.rows + driver.Ptr(8*first)), driver.PtrArg(m.col), driver.PtrArg(m.values),
		driver.Int64(int64(n)), driver.Int64(int64(c.columns.Cols)), driver.Int32(int32(m.log)),
	}
}

// pieceArgs are what the backward kernels begin with.
func (m *byColumns) pieceArgs() []driver.Arg {
	return []driver.Arg{driver.PtrArg(m.row), driver.PtrArg(m.values), driver.PtrArg(m.start), driver.PtrArg(m.slot), driver.PtrArg(m.tasks)}
}

// tasksOf is the number of tasks.
func (m *byColumns) tasksOf() int64 { return m.blocks[len(m.blocks)-1] }
