package cuda

import (
	"slices"
	"sort"

	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
)

// bytes are those of X on the device.
func (d *data) bytes() int64 {
	if d.sparse != nil {
		return d.sparse.bytes(d.realSize)
	}
	return int64(d.columns.Rows) * int64(d.ld) * int64(d.storage.Bytes())
}

// cut returns the first row of each piece of d's X, and the number of rows.
func (d *data) cut(src *backend.Source) []int {
	if src.Sparse != nil {
		return cutSparse(src.Sparse, d.realSize, d.g.fixedPoint, d.g.chunks.piece)
	}
	n, piece := d.columns.Rows, int64(d.g.chunks.piece)
	count := int(max((d.bytes()+piece-1)/piece, 1))
	step := (n + count - 1) / count
	first := []int{0}
	for at := step; at < n; at += step {
		first = append(first, at)
	}
	return append(first, n)
}

// cutSparse cuts X into pieces of about as many bytes each, the pointers and all copies of
// the entries counted: one with fixed-point sums, else two. A piece of many columns is twice as large: the columns' sums, which
// every piece brings back, shall stay a few percent of what is read for them.
func cutSparse(m *backend.CSR, size int, fixed bool, piece int) []int {
	piece = min(max(piece, m.Cols<<13), 2*piece)
	entry := int64(4)
	if m.Val32 != nil || m.Val64 != nil {
		entry += int64(size)
	}
	if !fixed {
		entry *= 2
	}
	before := func(row int) int64 { return int64(row)*8 + m.RowPtr[row]*entry }
	all := before(m.Rows)
	count := (all + int64(piece) - 1) / int64(piece)
	first := []int{0}
	for k := int64(1); k < count; k++ {
		// A row too long for a piece is one all the same.
		at := sort.Search(m.Rows, func(row int) bool { return before(row) >= all/count*k })
		if at > first[len(first)-1] && at < m.Rows {
			first = append(first, at)
		}
	}
	return append(first, m.Rows)
}

// matterOf is the X of src in the pieces that begin at the rows first.
func matterOf(src *backend.Source, first []int) matter {
	if src.Sparse != nil {
		return &sparseMatter{source: src.Sparse, lent: src.Lend, first: first, saved: make([][][]byte, len(first)-1)}
	}
	return &denseMatter{source: originOf(src), x: src.X, again: src.Rows != nil || src.Lend, first: first}
}

// denseMatter is sent from the source, or a copy of it.
type denseMatter struct {
	source origin
	x      *tensor.Dense // what may have to be copied
	again  bool          // source may be read again
	first  []int
}

func (m *denseMatter) load(c *call, i int, take taker, stays bool) error {
	if !stays && !m.again {
		m.source, m.again = originOf(&backend.Source{X: m.x.Clone().(*tensor.Dense)}), true
	}
	return m.send(c, i, take)
}

func (m *denseMatter) loaded() {
	m.x = nil
	if !m.again {
		m.source = origin{}
	}
}

func (m *denseMatter) release(_ int, d *data) (bool, error) {
	if m.again {
		d.x = 0
	}
	return m.again, nil
}

func (m *denseMatter) send(c *call, i int, take taker) (err error) {
	if c.x, err = take("X", c.bytes()); err != nil {
		return err
	}
	return c.convert(m.source, m.first[i], c.columns.Rows, c.ld, c.x)
}

// sparseMatter is sent as the device had it: to order the entries by columns again would
// take ten times as long as to send them. The host keeps the arrays of the parts that are
// sent; of a source that was lent it takes what it can.
type sparseMatter struct {
	source *backend.CSR
	lent   bool
	first  []int
	saved  [][][]byte // of each part its arrays, or nil
}

// part is the source's rows of part i.
func (m *sparseMatter) part(i int) *backend.CSR {
	lo, hi := m.first[i], m.first[i+1]
	from, to := m.source.RowPtr[lo], m.source.RowPtr[hi]
	p := &backend.CSR{Rows: hi - lo, Cols: m.source.Cols, RowPtr: slices.Clone(m.source.RowPtr[lo : hi+1]), Col: m.source.Col[from:to]}
	for k := range p.RowPtr {
		p.RowPtr[k] -= from
	}
	switch {
	case m.source.Val32 != nil:
		p.Val32 = m.source.Val32[from:to]
	case m.source.Val64 != nil:
		p.Val64 = m.source.Val64[from:to]
	}
	return p
}

func (m *sparseMatter) load(c *call, i int, take taker, stays bool) error {
	if err := c.loadSparse(m.part(i), m.first[i], take); err != nil || stays {
		return err
	}
	return m.save(i, c.data)
}

func (m *sparseMatter) loaded() {
	if !m.lent {
		m.source = nil
	}
}

func (m *sparseMatter) release(i int, d *data) (bool, error) { return true, m.save(i, d) }

// save copies the arrays of part i from the device.
func (m *sparseMatter) save(i int, d *data) error {
	if m.saved[i] != nil {
		return nil
	}
	x, lent := d.sparse, map[*driver.Ptr][]byte{}
	lent[&x.rows] = bytesOf(x.rowPtr)
	if m.lent {
		p := m.part(i)
		lent[&x.col] = bytesOf(p.Col)
		if d.realSize == 4 {
			lent[&x.values] = bytesOf(p.Val32)
		} else {
			lent[&x.values] = bytesOf(p.Val64)
		}
	}
	var saved [][]byte
	for _, a := range x.arrays(d.realSize) {
		b := lent[a.at]
		if int64(len(b)) != a.bytes {
			b = make([]byte, a.bytes)
			if err := d.g.context.CopyOut(b, *a.at); err != nil {
				return err
			}
		}
		saved = append(saved, b)
	}
	m.saved[i] = saved
	return nil
}

func (m *sparseMatter) send(c *call, i int, take taker) error {
	arrays, most := c.sparse.arrays(c.realSize), int64(0)
	for _, a := range arrays {
		most = max(most, a.bytes)
	}
	if err := take.place(arrays); err != nil {
		return err
	}
	return c.stream(most, func(p *pipe) error {
		for k, a := range arrays {
			if err := p.copyTo(c.ctx, *a.at, m.saved[i][k]); err != nil {
				return err
			}
		}
		return nil
	})
}

func (m *denseMatter) where() string  { return sentInEveryPass }
func (m *sparseMatter) where() string { return sentInEveryPass }

const sentInEveryPass = "the rest is sent in every pass"

func (m *denseMatter) close() error  { return nil }
func (m *sparseMatter) close() error { return nil }

var (
	_ matter = (*denseMatter)(nil)
	_ matter = (*sparseMatter)(nil)
)
