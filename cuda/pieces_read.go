package cuda

import (
	"context"
	"errors"
	"fmt"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// readMatter is sparse X that is read again in every pass, and ordered on the host:
//
//	file --several goroutines--> a hand: by rows, then by columns --> held, for good
//	                                                              --> pinned --> the slot
//
// While the device works on a part, hands read and order those whose turn comes next. A hand
// and what is held are host memory; pieces_room.go says how much of it.
type readMatter[F real] struct {
	g       *gpu
	reader  backend.SparseReader
	storage backend.Storage
	first   []int
	size    int                // of a number
	room    readRoom           // of the host
	step    int64              // entries that a goroutine reads at a time
	present func(i int) bool   // on the device
	free    []*hand[F]         // that have nothing to do
	ahead   map[int]*turn[F]   // parts that are prepared, or will be
	held    map[int]*hand[F]   // parts that stay in memory
	left    int64              // bytes for more of these
	pipe    *pipe              // nil until something is sent
	all     bool               // every part was on the device once
	stop    context.CancelFunc // ends what is being prepared
	going   context.Context
}

// turn is a part in a hand.
type turn[F real] struct {
	*hand[F]
	done chan struct{} // closed when it is ready
	err  error         // then
}

func newReadMatter[F real](g *gpu, src *backend.Source, d *data, first []int, room readRoom, present func(i int) bool) *readMatter[F] {
	m := &readMatter[F]{
		g: g, reader: src.SparseRows, storage: d.storage, first: first, size: d.realSize, room: room, step: room.step, present: present,
		ahead: map[int]*turn[F]{}, held: map[int]*hand[F]{}, left: room.held,
	}
	for range room.hands {
		m.free = append(m.free, new(hand[F]))
	}
	m.going, m.stop = context.WithCancel(context.Background())
	return m
}

// loadRead loads sparse X that is read again in every pass, in pieces.
func (g *gpu) loadRead(ctx context.Context, src *backend.Source, d *data) (backend.Data, error) {
	first, room, err := d.planRead(src.SparseRows)
	if err != nil {
		return nil, err
	}
	p := d.inPieces(first)
	p.most = d.mostSampled(src.SparseRows, room)
	present := func(i int) bool { return p.own[i] != nil || p.inSlot == i }
	if d.realSize == 4 {
		return p.load(ctx, src, newReadMatter[float32](g, src, d, first, room, present))
	}
	return p.load(ctx, src, newReadMatter[float64](g, src, d, first, room, present))
}

// start has a free hand prepare part i.
func (m *readMatter[F]) start(i int) *turn[F] {
	last := len(m.free) - 1
	t := &turn[F]{hand: m.free[last], done: make(chan struct{})}
	m.free = m.free[:last]
	m.ahead[i] = t
	ctx := m.going
	go func() {
		defer close(t.done)
		t.err = t.prepare(ctx, m, m.first[i], m.first[i+1])
	}()
	return t
}

// startAfter has the free hands prepare what is needed after part i.
func (m *readMatter[F]) startAfter(i int) {
	parts := len(m.first) - 1
	for k := i + 1; k < i+parts && len(m.free) > 0; k++ {
		if k >= parts && !m.all {
			return
		}
		next := k % parts
		if m.ahead[next] == nil && m.held[next] == nil && !m.present(next) {
			m.start(next)
		}
	}
}

// drop forgets what was prepared.
func (m *readMatter[F]) drop() {
	m.stop()
	for i, t := range m.ahead {
		<-t.done
		m.free = append(m.free, t.hand)
		delete(m.ahead, i)
	}
	m.going, m.stop = context.WithCancel(context.Background())
}

func (m *readMatter[F]) load(c *call, i int, take taker, stays bool) error {
	return m.bring(c, i, take, stays)
}

func (m *readMatter[F]) send(c *call, i int, take taker) error { return m.bring(c, i, take, false) }

// bring prepares part i where that was not done ahead, sends it, and has hands begin with
// those after it.
func (m *readMatter[F]) bring(c *call, i int, take taker, stays bool) error {
	if h := m.held[i]; h != nil {
		return m.copy(c, h, take)
	}
	t := m.ahead[i]
	if t == nil {
		if len(m.free) == 0 { // they prepared parts that other operations took room for
			m.drop()
		}
		t = m.start(i)
	}
	select {
	case <-t.done:
	case <-c.ctx.Done():
		return context.Cause(c.ctx)
	}
	if t.err != nil {
		err := t.err
		m.drop()
		return err
	}
	m.startAfter(i)
	if err := m.copy(c, t.hand, take); err != nil {
		return err
	}
	delete(m.ahead, i)
	if !stays && m.room.hand <= m.left {
		m.left -= m.room.hand
		m.held[i] = t.hand
		m.free = append(m.free, new(hand[F]))
	} else {
		m.free = append(m.free, t.hand)
	}
	m.startAfter(i)
	return nil
}

// copy sends what h has.
func (m *readMatter[F]) copy(c *call, h *hand[F], take taker) error {
	x := *h.x // the hand's own has no addresses
	x.fixed = nil
	if h.x.fixed != nil {
		fixed := *h.x.fixed
		x.fixed = &fixed
	}
	c.sparse = &x
	arrays := x.arrays(c.realSize)
	if err := take.place(arrays); err != nil {
		return err
	}
	if err := m.open(); err != nil {
		return err
	}
	err := func() error {
		for k, a := range arrays {
			if err := m.pipe.copyTo(c.ctx, *a.at, h.content[k]); err != nil {
				return err
			}
		}
		return m.pipe.drain()
	}()
	if err != nil {
		_ = m.g.context.Synchronize() // the device may not read what hands write next
	}
	return err
}

// open makes the buffers that everything passes through.
func (m *readMatter[F]) open() error {
	if m.pipe != nil {
		return nil
	}
	p := &pipe{g: m.g}
	if err := p.open(nil, int(m.room.pinned)); err != nil {
		return errors.Join(err, p.close())
	}
	m.pipe = p
	return nil
}

func (m *readMatter[F]) loaded() {
	m.all = true
	m.startAfter(len(m.first) - 2)
}

func (m *readMatter[F]) release(int, *data) (bool, error) { return true, nil }

func (m *readMatter[F]) where() string {
	if len(m.held) == 0 {
		return "the rest is read and sent in every pass"
	}
	held := int64(0)
	for _, h := range m.held {
		held += h.bytes()
	}
	return fmt.Sprintf("the rest is read and sent in every pass, but for %.1f GB that memory has", float64(held)/1e9)
}

func (m *readMatter[F]) close() error {
	m.drop()
	m.stop()
	if m.pipe == nil {
		return nil
	}
	p := m.pipe
	m.pipe = nil
	return p.close()
}

var (
	_ matter = (*readMatter[float32])(nil)
	_ matter = (*readMatter[float64])(nil)
)
