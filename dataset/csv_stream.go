package dataset

import (
	"context"
	"sync"

	"gorgonia.org/tensor"
)

// Text that would take more memory than allowed is parsed once, block by block, into a
// scratch file: of X no more is in memory than the blocks at work.
//
//	blocks of text --> workers parse them --> in order --> scratch file
//	                                             |
//	                                labels, weights, offsets stay

// outgrows tells whether the features of t have to be left on the disk. Where their number
// is not known before they are read they are, and come back when they turn out to fit;
// but for cells of all kinds, which cannot be.
func (t *text) outgrows() bool {
	size := 8
	if t.o.Float == tensor.Float32 {
		size = 4
	}
	if t.estimate == 0 {
		return t.o.MaxMemory > 0 && !t.anyCells
	}
	return t.o.streams(int64(t.estimate) * int64(len(t.features)*size))
}

// spill is text on its way to the scratch file.
type spill[T float32 | float64] struct {
	*table[T]
	scratch *scratch

	spared  sync.Mutex
	spare   []rows[T]
	weights []float64
	offsets []float64
}

// spillText is parseText into a scratch file.
func spillText[T float32 | float64](ctx context.Context, t *text) (_ *Dataset, err error) {
	out, err := newScratch(t.o.Scratch, len(t.features), dtypeOf[T]())
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			out.discard()
		}
	}()
	s := &spill[T]{table: newTable[T](t), scratch: out}
	if err := blocksInOrder(ctx, t, s.part, s.parse, s.write); err != nil {
		return nil, err
	}
	return s.dataset(ctx)
}

// part has room for what is in b.
func (s *spill[T]) part(b *block, worker int) *part[T] {
	return &part[T]{rows: s.room(b.lines), worker: worker}
}

// room is memory for n rows.
func (s *spill[T]) room(n int) rows[T] {
	s.spared.Lock()
	defer s.spared.Unlock()
	for i := len(s.spare) - 1; i >= 0; i-- {
		if r := s.spare[i]; len(r.x) >= n*len(s.features) {
			s.spare = append(s.spare[:i], s.spare[i+1:]...)
			if s.hasLabel {
				r.labels = make([]int32, n)
			}
			return r
		}
	}
	return makeSlab[T](n+n/8, s.columns).rows
}

// write appends the rows of the next part to the scratch file.
func (s *spill[T]) write(p *part[T]) error {
	if err := s.scratch.add(p.rows.x[:p.n*len(s.features)]); err != nil {
		return err
	}
	if s.hasWeight {
		s.weights = append(s.weights, p.rows.weights[:p.n]...)
	}
	if s.hasOffset {
		s.offsets = append(s.offsets, p.rows.offsets[:p.n]...)
	}
	s.spared.Lock()
	s.spare = append(s.spare, rows[T]{x: p.rows.x, weights: p.rows.weights, offsets: p.rows.offsets})
	s.spared.Unlock()
	p.rows = rows[T]{labels: p.rows.labels}
	s.parts = append(s.parts, p)
	return nil
}

// dataset puts the columns together, and takes X back into memory where it fits.
func (s *spill[T]) dataset(ctx context.Context) (*Dataset, error) {
	n := 0
	for _, p := range s.parts {
		n += p.n
	}
	if n == 0 {
		return nil, &ReadError{Problem: "there are no rows below the header", Advice: "a table needs at least one row"}
	}
	ds := &Dataset{FeatureNames: s.features, LabelName: s.label, Weights: s.weights, Offsets: s.offsets}
	var codes [][]int32
	var err error
	if ds.Classes, codes, err = s.classes(); err != nil {
		return nil, err
	}
	if s.hasLabel {
		ds.Labels = make([]int32, 0, n)
		for _, p := range s.parts {
			for _, raw := range p.rows.labels[:p.n] {
				ds.Labels = append(ds.Labels, codes[p.worker][raw])
			}
			p.rows = rows[T]{}
		}
	}
	x, err := s.scratch.reader()
	if err != nil {
		return nil, err
	}
	if r, cols := x.Shape(); s.o.streams(int64(r) * int64(cols) * int64(x.Dtype().Size())) {
		ds.Stream = x
		return ds, nil
	}
	if ds.X, err = x.matrix(ctx, s.workers); err != nil {
		return nil, err
	}
	return ds, x.Close()
}
