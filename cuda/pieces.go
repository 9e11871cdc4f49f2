package cuda

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
)

// pieces are a dense X of more bytes than chunks.piece, cut into rows of about as many,
// each with its columns a data of its own:
//
//	operation --> piece 0 --> piece 1 --> ...   sums added in float64, in order
//	              resident    in the slot: sent from the source when its turn comes
//
// Pieces that the device has no room for share one slot and pass through it in every
// operation. Sending a piece takes so much longer than computing on it that nothing is
// lost by doing one after the other. The cut is a function of the shape of X alone, so
// that the results are the same bits whatever is resident.
//
// Where anything runs out of device memory - an operation, a sample, a fit beside this
// one - a resident piece gives its own up.
type pieces struct {
	g       *gpu
	columns backend.Columns
	storage backend.Storage
	affine  backend.Affine
	closed  bool

	parts  []*data
	first  []int       // row of each part, and the number of rows
	own    []*memory   // of X alone; nil where the part is sent
	source origin      // of what is sent
	again  bool        // source may be read again
	host   [][]float64 // the weight columns

	slot   memory // X of one part that is sent, and the working buffers of all
	inSlot int    // the part, or -1
	using  int    // the part that is worked on, or -1: it keeps its memory
}

var (
	_ backend.Data         = (*pieces)(nil)
	_ backend.HessVec      = (*pieces)(nil)
	_ backend.Gram         = (*pieces)(nil)
	_ backend.ColumnGram   = (*pieces)(nil)
	_ backend.Sampler      = (*pieces)(nil)
	_ backend.LineSearcher = (*pieces)(nil)
	_ backend.Placed       = (*pieces)(nil)
)

func (p *pieces) Rows() int                { return p.columns.Rows }
func (p *pieces) Cols() int                { return p.columns.Cols }
func (p *pieces) Storage() backend.Storage { return p.storage }
func (p *pieces) Affine() backend.Affine   { return p.affine }

// pieceRows is how many rows a piece of d's X has; all, where one is enough.
func (d *data) pieceRows() int {
	row := d.ld * d.storage.Bytes()
	count := (d.columns.Rows*row + d.g.chunks.piece - 1) / d.g.chunks.piece
	return (d.columns.Rows + max(count, 1) - 1) / max(count, 1)
}

// loadPieces loads X in pieces of step rows.
func (g *gpu) loadPieces(ctx context.Context, src *backend.Source, shape *data, step int) (_ *pieces, err error) {
	p := &pieces{
		g: g, columns: shape.columns, storage: shape.storage, affine: shape.affine,
		slot: memory{g: g, spaces: map[string]*space{}}, inSlot: -1, using: -1,
		source: originOf(src), again: src.Rows != nil || src.Lend,
	}
	for _, col := range src.Weights {
		p.host = append(p.host, slices.Clone(col))
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
		}
	}()
	for at := 0; at < p.columns.Rows; at += step {
		end := min(at+step, p.columns.Rows)
		columns := p.columns
		columns.Rows = end - at
		d := newData(g, columns, p.storage, p.affine)
		d.spaces = p.slot.spaces
		p.parts, p.first, p.own = append(p.parts, d), append(p.first, at), append(p.own, nil)
		// The columns first: they stay on the device whatever becomes of X.
		if err := d.run(ctx, func(c *call) error { return c.loadColumns(rowsOf(src, p.host, at, end)) }); err != nil {
			return nil, err
		}
	}
	p.first = append(p.first, p.columns.Rows)
	err = g.do(func() error {
		g.holders = append(g.holders, p)
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i := range p.parts {
		if err := p.settle(ctx, src, i); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// settle brings part i to the device, to stay where there is room, and checks it.
func (p *pieces) settle(ctx context.Context, src *backend.Source, i int) error {
	d, m := p.parts[i], &memory{g: p.g, spaces: map[string]*space{}}
	err := d.run(ctx, func(c *call) (err error) {
		p.using = i
		if d.x, err = p.g.tryAlloc("X", d.bytes()); err != nil {
			return err
		}
		m.owned, p.own[i] = append(m.owned, d.x), m
		return p.send(c, i)
	})
	if outOfMemory(err) && p.own[i] == nil {
		if err = p.keep(src); err == nil {
			err = p.ready(ctx, i)
		}
	}
	return errors.Join(err, p.rest())
}

// bytes are those of X.
func (d *data) bytes() int64 {
	return int64(d.columns.Rows) * int64(d.ld) * int64(d.storage.Bytes())
}

// keep makes sure that the source can be read after Load.
func (p *pieces) keep(src *backend.Source) error {
	if p.again {
		return nil
	}
	copied := *src
	copied.X = src.X.Clone().(*tensor.Dense)
	p.source, p.again = originOf(&copied), true
	return nil
}

// rowsOf are the columns of rows lo to hi of src, with the weights host.
func rowsOf(src *backend.Source, host [][]float64, lo, hi int) *backend.Source {
	part := &backend.Source{}
	for _, col := range src.Labels {
		part.Labels = append(part.Labels, col[lo:hi])
	}
	for _, col := range host {
		part.Weights = append(part.Weights, col[lo:hi])
	}
	for _, col := range src.Offsets {
		part.Offsets = append(part.Offsets, col[lo:hi])
	}
	if src.Folds != nil {
		part.Folds = src.Folds[lo:hi]
	}
	return part
}

func outOfMemory(err error) bool { return errors.As(err, new(*backend.OutOfMemoryError)) }

// send converts part i to where its X is.
func (p *pieces) send(c *call, i int) error {
	return c.convert(p.source, p.first[i], c.columns.Rows, c.ld, c.x)
}

// giveUp frees the X of the last resident part that is not worked on, and tells whether
// there was one. It runs on the device's thread.
func (p *pieces) giveUp() (bool, error) {
	for i := len(p.parts) - 1; i >= 0 && p.again; i-- {
		if m := p.own[i]; m != nil && i != p.using {
			p.own[i], p.parts[i].x = nil, 0
			return true, errors.Join(p.g.context.Synchronize(), m.free())
		}
	}
	return false, nil
}

// ready has the X of part i on the device, to stay until rest.
func (p *pieces) ready(ctx context.Context, i int) error {
	d := p.parts[i]
	return d.run(ctx, func(c *call) (err error) {
		p.using = i
		if p.own[i] != nil || p.inSlot == i {
			return nil
		}
		if p.slot.owned == nil {
			if _, err := p.slot.alloc("a piece of X", p.parts[0].bytes()); err != nil { // no other is larger
				return err
			}
		}
		p.inSlot = -1 // until it has been sent
		d.x = p.slot.owned[0]
		if err := p.send(c, i); err != nil {
			return err
		}
		p.inSlot = i
		return nil
	})
}

// rest lets any part give up its memory.
func (p *pieces) rest() error {
	return p.g.do(func() error {
		p.using = -1
		return nil
	})
}

// each does f on one part after another.
func (p *pieces) each(ctx context.Context, f func(i int, d *data) error) (err error) {
	if p.closed {
		return errClosed
	}
	defer func() { err = errors.Join(err, p.rest()) }()
	for i, d := range p.parts {
		if err := p.ready(ctx, i); err != nil {
			return err
		}
		if err := f(i, d); err != nil {
			return err
		}
	}
	return nil
}

func (p *pieces) Close() error {
	if p.closed {
		return errClosed
	}
	p.closed = true
	err := p.g.do(func() error {
		p.g.holders = slices.DeleteFunc(p.g.holders, func(h *pieces) bool { return h == p })
		return p.slot.free()
	})
	for i, d := range p.parts {
		d.spaces = nil // they were the slot's
		if p.own[i] != nil {
			err = errors.Join(err, p.g.do(p.own[i].free))
		}
		err = errors.Join(err, d.Close())
	}
	return err
}

// Placement implements backend.Placed.
func (p *pieces) Placement() string {
	resident, all := int64(0), int64(0)
	for i, d := range p.parts {
		all += d.bytes()
		if p.own[i] != nil {
			resident += d.bytes()
		}
	}
	if resident == all {
		return ""
	}
	return fmt.Sprintf("%s: %.1f of %.1f GB of X are on the device; the rest is sent in every pass", p.g.info.Name, float64(resident)/1e9, float64(all)/1e9)
}

// Sample implements backend.Sampler. The rows are gathered from one part after another;
// those of a sample that jumps between them are put in order afterwards.
func (p *pieces) Sample(ctx context.Context, rows []int, factor []float64) (_ backend.Data, err error) {
	if p.closed {
		return nil, errClosed
	}
	if err := checkRows(rows, factor, p.columns.Rows); err != nil {
		return nil, err
	}
	if !slices.IsSorted(rows) {
		return p.sampleInAnyOrder(ctx, rows, factor)
	}
	columns := p.columns
	columns.Rows = len(rows)
	s := newData(p.g, columns, p.storage, p.affine)
	defer func() {
		if err != nil {
			err = errors.Join(err, p.g.do(s.free))
		}
	}()
	// Its memory is taken before anything is sent, from parts that are resident.
	if err := s.run(ctx, func(c *call) error { return c.reserve() }); err != nil {
		return nil, err
	}
	at := 0
	err = p.each(ctx, func(i int, d *data) error {
		end, _ := slices.BinarySearch(rows[at:], p.first[i+1])
		mine := rows[at : at+end]
		if len(mine) == 0 {
			return nil
		}
		err := d.run(ctx, func(c *call) error { return c.gatherInto(s, at, mine, p.first[i]) })
		if err == nil {
			at += end
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	err = s.run(ctx, func(c *call) error {
		for i, host := range p.host {
			w, err := s.uploadWeights(fmt.Sprintf("weight column %d", i), draw(host, rows, factor))
			if err != nil {
				return err
			}
			s.weights = append(s.weights, w)
		}
		if factor == nil {
			return nil
		}
		var err error
		s.base, err = s.uploadWeights("base weights", draw(nil, rows, factor))
		return err
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// sampleInAnyOrder draws the rows in order, and from these the rows as asked.
func (p *pieces) sampleInAnyOrder(ctx context.Context, rows []int, factor []float64) (backend.Data, error) {
	place := make([]int, len(rows)) // of each row asked, among those in order
	order := make([]int, len(rows))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return rows[a] - rows[b] })
	sorted := make([]int, len(rows))
	for k, i := range order {
		sorted[k], place[i] = rows[i], k
	}
	s, err := p.Sample(ctx, sorted, nil)
	if err != nil {
		return nil, err
	}
	asked, err := s.(*data).Sample(ctx, place, factor)
	return asked, errors.Join(err, s.Close())
}

// reserve takes the memory of a sample of c's shape, without weights.
func (c *call) reserve() (err error) {
	rows := int64(c.columns.Rows)
	if c.x, err = c.alloc("X", rows*int64(c.ld)*int64(c.storage.Bytes())); err != nil {
		return err
	}
	for i := range c.columns.Labels {
		label, err := c.alloc(fmt.Sprintf("label column %d", i), rows*4)
		if err != nil {
			return err
		}
		c.labels = append(c.labels, label)
	}
	for i := range c.columns.Offsets {
		offset, err := c.alloc(fmt.Sprintf("offset column %d", i), rows*int64(c.realSize))
		if err != nil {
			return err
		}
		c.offsets = append(c.offsets, offset)
	}
	if c.columns.Folds {
		c.folds, err = c.alloc("folds", rows*4)
	}
	return err
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
	if err := gather(c.x, s.x, c.ld, c.storage.Bytes()); err != nil {
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
