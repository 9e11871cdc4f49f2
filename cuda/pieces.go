package cuda

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// pieces are an X of more bytes than chunks.piece, cut into rows of about as many, each with
// its columns a data of its own:
//
//	operation --> piece 0 --> piece 1 --> ...   sums added in float64, in order
//	              resident    in the slot: sent when its turn comes
//
// Pieces that the device has no room for share one slot and pass through it in every
// operation. Sending a piece takes so much longer than computing on it that nothing is
// lost by doing one after the other. The cut is a function of the shape and the entries of X
// alone, so that the results are the same bits whatever is resident.
//
// Where anything runs out of device memory - an operation, a sample, a fit beside this
// one - a resident piece gives its own up.
type pieces struct {
	g       *gpu
	columns backend.Columns
	storage backend.Storage
	affine  backend.Affine
	closed  bool

	x     matter
	parts []*data
	first []int       // row of each part, and the number of rows
	own   []*memory   // of X alone; nil where the part is sent
	host  [][]float64 // the weight columns

	slot   memory // X of one part that is sent, and the working buffers of all
	inSlot int    // the part, or -1
	using  int    // the part that is worked on, or -1: it keeps its memory

	most int // rows that may be drawn
}

// matter is the X of pieces, dense or sparse. All of it runs on the device's thread.
type matter interface {
	// load brings part i, on c, from the source to memory that take gives, and checks it. One
	// that does not stay there will be sent again.
	load(c *call, i int, take taker, stays bool) error

	// loaded tells that the source may change from now on, unless it was lent.
	loaded()

	// release has part i, on the device, ready to be sent from now on, and tells whether it can be.
	release(i int, d *data) (bool, error)

	// send brings part i to memory that take gives, again.
	send(c *call, i int, take taker) error

	// where is what becomes of the parts that are not on the device, for Placement.
	where() string

	close() error
}

var (
	_ backend.Data         = (*pieces)(nil)
	_ backend.HessVec      = (*pieces)(nil)
	_ backend.Gram         = (*pieces)(nil)
	_ backend.ColumnGram   = (*pieces)(nil)
	_ backend.Sampler      = (*pieces)(nil)
	_ backend.LineSearcher = (*pieces)(nil)
	_ backend.Placed       = (*pieces)(nil)
	_ backend.Limited      = (*pieces)(nil)
)

func (p *pieces) Rows() int                { return p.columns.Rows }
func (p *pieces) Cols() int                { return p.columns.Cols }
func (p *pieces) Storage() backend.Storage { return p.storage }
func (p *pieces) Affine() backend.Affine   { return p.affine }

// inPieces is d in the pieces that begin at the rows first, before anything is loaded.
func (d *data) inPieces(first []int) *pieces {
	return &pieces{
		g: d.g, columns: d.columns, storage: d.storage, affine: d.affine,
		first: first, own: make([]*memory, len(first)-1), most: d.columns.Rows,
		slot: memory{g: d.g, spaces: map[string]*space{}}, inSlot: -1, using: -1,
	}
}

// load loads the X of src, which is x.
func (p *pieces) load(ctx context.Context, src *backend.Source, x matter) (_ *pieces, err error) {
	g, first := p.g, p.first
	p.x = x
	for _, col := range src.Weights {
		p.host = append(p.host, slices.Clone(col))
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
		}
	}()
	for i, at := range first[:len(first)-1] {
		columns := p.columns
		columns.Rows = first[i+1] - at
		d := newData(g, columns, p.storage, p.affine)
		d.spaces = p.slot.spaces
		p.parts = append(p.parts, d)
		// The columns first: they stay on the device whatever becomes of X.
		if err := d.run(ctx, func(c *call) error { return c.loadColumns(rowsOf(src, p.host, at, first[i+1])) }); err != nil {
			return nil, err
		}
	}
	err = g.do(func() error {
		g.holders = append(g.holders, p)
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i := range p.parts {
		if err := p.settle(ctx, i); err != nil {
			return nil, err
		}
	}
	return p, g.do(func() error {
		p.x.loaded()
		return nil
	})
}

// settle brings part i to the device, to stay where there is room, and checks it.
func (p *pieces) settle(ctx context.Context, i int) error {
	d, m := p.parts[i], &memory{g: p.g}
	err := d.run(ctx, func(c *call) error {
		p.using, p.own[i] = i, m
		return p.x.load(c, i, m.tryAlloc, true)
	})
	if outOfMemory(err) {
		err = d.run(ctx, func(c *call) error {
			p.own[i], p.inSlot = nil, -1
			if err := m.free(); err != nil {
				return err
			}
			err := p.x.load(c, i, p.slot.work, false)
			if err == nil {
				p.inSlot = i
			}
			return err
		})
	}
	return errors.Join(err, p.rest())
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

// giveUp frees the X of the last resident part that is not worked on, and tells whether
// there was one. It runs on the device's thread.
func (p *pieces) giveUp() (bool, error) {
	for i := len(p.parts) - 1; i >= 0; i-- {
		m := p.own[i]
		if m == nil || i == p.using {
			continue
		}
		if err := p.g.context.Synchronize(); err != nil {
			return false, err
		}
		if ok, err := p.x.release(i, p.parts[i]); !ok || err != nil {
			return false, err
		}
		p.own[i] = nil
		return true, m.free()
	}
	return false, nil
}

// ready has the X of part i on the device, to stay until rest.
func (p *pieces) ready(ctx context.Context, i int) error {
	return p.parts[i].run(ctx, func(c *call) error {
		p.using = i
		if p.own[i] != nil || p.inSlot == i {
			return nil
		}
		p.inSlot = -1 // until it has been sent
		err := p.x.send(c, i, p.slot.work)
		if err == nil {
			p.inSlot = i
		}
		return err
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
		return errors.Join(p.x.close(), p.slot.free())
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
	return fmt.Sprintf("%s: %.1f of %.1f GB of X are on the device; %s", p.g.info.Name, float64(resident)/1e9, float64(all)/1e9, p.x.where())
}
