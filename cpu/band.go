package cpu

import "context"

// band is what one goroutine sees of X: the rows of a logical block at least.
type band[T number] struct {
	matrix[T]     // of the rows from first on
	first     int // row of X
	wide      []T // a tile of a narrow format, widened

	own   matrix[T] // room for a block that is fetched
	piece piece     // room for what of it is converted at a time
}

// tile returns rows lo to hi of X as T, until the next call.
func (b *band[T]) tile(lo, hi int) []T {
	lo, hi = (lo-b.first)*b.cols, (hi-b.first)*b.cols
	if b.narrow == nil {
		return b.vals[lo:hi]
	}
	if len(b.wide) < hi-lo {
		b.wide = make([]T, hi-lo)
	}
	wide := b.wide[:hi-lo]
	b.narrow.widen(any(wide).([]float32), b.bits[lo:hi]) // narrow formats are only ever widened to float32
	return wide
}

// pass is reduce over the rows of X, which it reads once, for a number of outputs. work
// takes the rows lo to hi of a block from x.
func pass[T number, P any](ctx context.Context, d *data[T], outputs, room int, fresh func() P, work func(p P, x *band[T], lo, hi int), add func(p P)) error {
	return passPart(ctx, d, outputs, 0, d.blocks().count, room, fresh, work, add)
}

// passPart is pass over the logical blocks from first to before end.
func passPart[T number, P any](ctx context.Context, d *data[T], outputs, first, end, room int, fresh func() P, work func(p P, x *band[T], lo, hi int), add func(p P)) error {
	s := sweep[*band[T], P]{
		blocks: d.blocks().times(outputs), first: first, end: end, threads: d.threads, hands: d.threads, room: room,
		fresh: fresh,
		work:  func(x *band[T], p P, lo, hi int) { work(p, x, lo, hi) },
		add:   add,
	}
	if d.stream == nil {
		s.hand = func() *band[T] { return &band[T]{matrix: *d.x} }
	} else {
		d.stream.begin()
		s.hands, s.hand, s.fetch = d.stream.hands, d.stream.hand, d.stream.fetch
	}
	return s.run(ctx)
}

// passEach is pass for work that leaves no sums behind. scratch is made once a thread.
func passEach[T number, P any](ctx context.Context, d *data[T], outputs int, scratch func() P, work func(p P, x *band[T], lo, hi int)) error {
	return pass(ctx, d, outputs, d.threads, scratch, work, func(P) {})
}
