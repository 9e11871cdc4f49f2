package dataset

import (
	"bytes"
	"context"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/internal/hugepages"
)

// svm is LibSVM text on its way to a Dataset. Each block writes its entries where they
// belong in the matrix if their number was estimated well, so that the matrix is held
// once. Otherwise slabs are added, each as large as all before it, and copied together at
// the end.
type svm[T float32 | float64] struct {
	*text
	slabs  []svmSlab[T]
	parts  []*svmPart[T]
	labels []*labelTable // one a worker
	total  int           // entries reserved
}

// svmSlab is a piece of memory for entries, of which used are given to parts.
type svmSlab[T float32 | float64] struct {
	col  []uint32
	val  []T
	used int
}

// svmPart is what one block becomes: the first n of its entries are filled.
type svmPart[T float32 | float64] struct {
	col    []uint32 // index - 1, what it is in most files
	val    []T
	n      int
	ends   []int   // of the rows
	rows   int     // how many there are
	labels []int32 // the code that a labelTable gave
	worker int     // whose labelTable that is

	zero     int   // the line of the first index 0; 0: none
	high     int64 // the largest index; -1: none
	highLine int
	notOne   bool // some value is not 1
}

func parseLibSVM[T float32 | float64](ctx context.Context, t *text) (*Dataset, error) {
	s := &svm[T]{text: t}
	for range t.workers {
		s.labels = append(s.labels, newLabelTable(t.o.Classes))
	}
	err := forBlocks(ctx, t, func(b *block) func(int) error {
		p := s.reserve(b)
		return func(worker int) error {
			p.worker = worker
			return s.parse(b, p)
		}
	})
	if err != nil {
		return nil, err
	}
	return s.dataset()
}

// reserve gives memory for the entries of b, of which each has a colon, following that of
// the block before.
func (s *svm[T]) reserve(b *block) *svmPart[T] {
	n := bytes.Count(b.buf[:b.n], []byte{':'})
	if k := len(s.slabs); k == 0 {
		s.addSlab(max(n, s.estimate, s.guess))
	} else if s.slabs[k-1].used+n > len(s.slabs[k-1].col) {
		s.addSlab(max(n, s.total))
	}
	slab := &s.slabs[len(s.slabs)-1]
	from, to := slab.used, slab.used+n
	p := &svmPart[T]{col: slab.col[from:to:to], val: slab.val[from:to:to], ends: make([]int, 0, b.lines), high: -1}
	if s.hasLabel {
		p.labels = make([]int32, 0, b.lines)
	}
	slab.used = to
	s.total += n
	s.parts = append(s.parts, p)
	return p
}

func (s *svm[T]) addSlab(n int) {
	slab := svmSlab[T]{col: make([]uint32, n), val: make([]T, n)}
	hugepages.Want(slab.col)
	hugepages.Want(slab.val)
	s.slabs = append(s.slabs, slab)
}

// dataset puts the parts together.
func (s *svm[T]) dataset() (*Dataset, error) {
	d, rows, err := s.rows()
	if err != nil {
		return nil, err
	}
	m := s.matrix(rows, int(d.indices.entries))
	if d.indices.ones {
		m.Val32, m.Val64 = nil, nil
	}
	d.Sparse = m
	return d, nil
}

// rows is the dataset but for its matrix, of so many rows.
func (s *svm[T]) rows() (d *Dataset, rows int, err error) {
	found := svmIndices{high: -1, ones: true}
	for _, p := range s.parts {
		rows += p.rows
		found.join(&svmIndices{int64(p.n), !p.notOne, p.zero, p.high, p.highLine, "", ""}, "")
	}
	if rows == 0 {
		return nil, 0, &ReadError{Problem: "there are only comments and blank lines", Advice: "a table needs at least one row"}
	}
	classes, codes, err := s.joinLabels(s.labels)
	if err != nil {
		return nil, 0, err
	}
	d = &Dataset{Classes: classes, indices: &found}
	if s.hasLabel {
		d.LabelName = s.label
		d.Labels = make([]int32, 0, rows)
		for _, p := range s.parts {
			for _, raw := range p.labels {
				d.Labels = append(d.Labels, codes[p.worker][raw])
			}
		}
	}
	return d, rows, nil
}

// finishIndices makes columns of the indices of a LibSVM file, which Sparse has less one.
func (d *Dataset) finishIndices(ctx context.Context, o *ReadOptions) error {
	if d.indices == nil {
		return nil
	}
	features, err := chooseIndices(d.indices, o)
	if err != nil {
		return err
	}
	found := d.indices
	d.FeatureNames, d.indices = features.names, nil
	if r := d.SparseStream; r != nil {
		// Its columns are the indices as they stand in the file.
		d.SparseStream = &shiftedCSR{sparseMadeOf{r}, features.first, features.cols, found.ones}
		if features.to != nil {
			d.SparseStream, err = pickEntries(ctx, d.SparseStream, features.to, len(features.names))
		}
		return err
	}
	m := d.Sparse
	m.Cols = features.cols
	if shift := uint32(1 - features.first); shift != 0 {
		for e := range m.Col {
			m.Col[e] += shift
		}
	}
	if features.to != nil {
		d.Sparse = selectCSR(m, features.to, len(features.names))
	}
	return nil
}

// matrix joins the entries. It takes the parts' entries away.
func (s *svm[T]) matrix(rows, entries int) *backend.CSR {
	if len(s.slabs) > 1 {
		s.addSlab(entries)
	}
	all := s.slabs[len(s.slabs)-1]
	s.slabs = nil
	m := &backend.CSR{Rows: rows, RowPtr: make([]int64, 1, rows+1), Col: all.col[:entries:entries]}
	m.Val32, _ = any(all.val[:entries:entries]).([]float32)
	m.Val64, _ = any(all.val[:entries:entries]).([]float64)
	at := 0
	for _, p := range s.parts {
		copy(all.col[at:], p.col[:p.n]) // mostly to where they are
		copy(all.val[at:], p.val[:p.n])
		for _, end := range p.ends {
			m.RowPtr = append(m.RowPtr, int64(at+end))
		}
		at += p.n
		p.col, p.val = nil, nil
	}
	return m
}
