package dataset

import (
	"bytes"
	"context"
	"sync"

	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// LibSVM text that would take more memory than allowed is parsed once, block by block,
// into a sparse scratch file, of which the columns are the indices as they stand in the
// text: from where they count is known at its end. In memory stay labels and where each
// row begins.

// outgrowsSparse tells whether the entries of t have to be left on the disk. Where their number
// is not known before they are read they are, and come back when they turn out to fit.
func (t *text) outgrowsSparse() bool {
	size := int64(4 + 8)
	if t.o.Float == tensor.Float32 {
		size = 4 + 4
	}
	if t.estimate == 0 {
		return t.o.MaxMemory > 0
	}
	return t.o.streams(int64(t.estimate) * size)
}

// svmSpill is LibSVM text on its way to the scratch file.
type svmSpill[T float32 | float64] struct {
	svm[T]
	scratch *scratch

	spared sync.Mutex
	spare  []svmSlab[T]
}

// spillLibSVM is parseLibSVM into a scratch file.
func spillLibSVM[T float32 | float64](ctx context.Context, t *text) (_ *Dataset, err error) {
	out, err := newSparseScratch(t.o.Scratch, dtypeOf[T](), false)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			out.discard()
		}
	}()
	s := &svmSpill[T]{svm: svm[T]{text: t}, scratch: out}
	for range t.workers {
		s.labels = append(s.labels, newLabelTable(t.o.Classes))
	}
	if err := blocksInOrder(ctx, t, s.room, s.parse, s.write); err != nil {
		return nil, err
	}
	d, _, err := s.rows()
	if err != nil {
		return nil, err
	}
	r, err := out.sparseReader()
	if err != nil {
		return nil, err
	}
	return d, d.takeSparse(ctx, r, t.o)
}

// room is a part for what is in b.
func (s *svmSpill[T]) room(b *block, worker int) *svmPart[T] {
	n := bytes.Count(b.buf[:b.n], []byte{':'})
	p := &svmPart[T]{ends: make([]int, 0, b.lines), high: -1, worker: worker}
	if s.hasLabel {
		p.labels = make([]int32, 0, b.lines)
	}
	s.spared.Lock()
	defer s.spared.Unlock()
	for i := len(s.spare) - 1; i >= 0; i-- {
		if slab := s.spare[i]; len(slab.col) >= n {
			s.spare = append(s.spare[:i], s.spare[i+1:]...)
			p.col, p.val = slab.col, slab.val
			return p
		}
	}
	p.col, p.val = make([]uint32, n+n/8), make([]T, n+n/8)
	return p
}

// write appends the rows of the next part to the scratch file.
func (s *svmSpill[T]) write(p *svmPart[T]) error {
	if p.high >= backend.MaxSparseCols {
		return indexTooLarge("", p.highLine, p.high)
	}
	m := &backend.CSR{Rows: p.rows, Cols: 1, RowPtr: make([]int64, 1, p.rows+1), Col: p.col[:p.n]}
	for _, end := range p.ends {
		m.RowPtr = append(m.RowPtr, int64(end))
	}
	m.Val32, _ = any(p.val[:p.n]).([]float32)
	m.Val64, _ = any(p.val[:p.n]).([]float64)
	for e := range m.Col {
		m.Col[e]++ // back to the index
	}
	if p.high >= 0 {
		m.Cols = int(p.high) + 1
	}
	if err := s.scratch.addCSR(m); err != nil {
		return err
	}
	s.spared.Lock()
	s.spare = append(s.spare, svmSlab[T]{col: p.col, val: p.val})
	s.spared.Unlock()
	p.col, p.val, p.ends = nil, nil, nil
	s.parts = append(s.parts, p)
	return nil
}

// takeSparse gives d the sparse rows of r, in memory where they fit.
func (d *Dataset) takeSparse(ctx context.Context, r *scratchEntries, o *ReadOptions) error {
	if o.streams(csrBytes(r)) {
		d.SparseStream = r
		return nil
	}
	m, err := r.File.CSR(ctx, o.workers())
	if err != nil {
		return err
	}
	if d.indices != nil {
		for e := range m.Col {
			m.Col[e]-- // in memory they are less one
		}
		if d.indices.ones {
			m.Val32, m.Val64 = nil, nil
		}
	}
	d.Sparse = m
	return r.Close()
}
