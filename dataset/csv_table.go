package dataset

import (
	"context"
	"math"
	"unicode/utf8"

	"github.com/logreg-gpu/logreg-gpu/internal/hugepages"
)

// table is a text table on its way to a Dataset. Each block writes its rows where
// they belong in the matrix if the number of rows was estimated well, so that X is
// held once. Otherwise slabs are added, each as large as all before it, and copied
// together at the end.
type table[T float32 | float64] struct {
	*text
	slabs  []slab[T]
	parts  []*part[T]
	labels []*labelTable  // one a worker
	runs   []runReader    // one a worker
	run    []int          // see columnRuns
	levels [][]levelTable // of each worker, one a feature, where texts are kept
	total  int            // rows reserved
}

// rows is memory for the numbers of consecutive rows: x is n x D, the others have
// length n or are nil.
type rows[T float32 | float64] struct {
	x       []T
	labels  []int32 // the code that a labelTable gave
	weights []float64
	offsets []float64
}

// slab is a piece of memory for rows, of which used are given to parts.
type slab[T float32 | float64] struct {
	rows    rows[T]
	n, used int
}

// part is what one block becomes: the first n of its rows are filled.
type part[T float32 | float64] struct {
	rows   rows[T]
	n      int
	worker int // whose labelTable its labels are codes of
}

func newTable[T float32 | float64](t *text) *table[T] {
	tab := &table[T]{text: t, runs: make([]runReader, t.workers), run: t.columnRuns()}
	for range t.workers {
		tab.labels = append(tab.labels, newLabelTable(t.o.Classes))
	}
	return tab
}

// parseText reads the body of t.
func parseText[T float32 | float64](ctx context.Context, t *text) (*Dataset, error) {
	tab := newTable[T](t)
	for range t.workers {
		tab.levels = append(tab.levels, make([]levelTable, len(t.features)))
	}
	err := forBlocks(ctx, t, func(b *block) func(int) error {
		p := tab.reserve(b.lines)
		return func(worker int) error {
			p.worker = worker
			return tab.parse(b, p)
		}
	})
	if err != nil {
		return nil, err
	}
	return tab.dataset()
}

// reserve gives memory for at most n rows, following that of the part before.
func (t *table[T]) reserve(n int) *part[T] {
	if k := len(t.slabs); k == 0 {
		t.slabs = append(t.slabs, makeSlab[T](max(n, t.estimate, t.guess), t.columns))
	} else if t.slabs[k-1].used+n > t.slabs[k-1].n {
		t.slabs = append(t.slabs, makeSlab[T](max(n, t.total), t.columns))
	}
	s := &t.slabs[len(t.slabs)-1]
	p := &part[T]{rows: s.rows.slice(s.used, s.used+n, len(t.features))}
	s.used += n
	t.total += n
	t.parts = append(t.parts, p)
	return p
}

func makeSlab[T float32 | float64](n int, c *columns) slab[T] {
	r := rows[T]{x: make([]T, n*len(c.features))}
	hugepages.Want(r.x)
	if c.hasLabel {
		r.labels = make([]int32, n)
	}
	if c.hasWeight {
		r.weights = make([]float64, n)
	}
	if c.hasOffset {
		r.offsets = make([]float64, n)
	}
	return slab[T]{rows: r, n: n}
}

// slice is rows [from, to) of r.
func (r rows[T]) slice(from, to, d int) rows[T] {
	s := rows[T]{x: r.x[from*d : to*d : to*d]}
	if r.labels != nil {
		s.labels = r.labels[from:to:to]
	}
	if r.weights != nil {
		s.weights = r.weights[from:to:to]
	}
	if r.offsets != nil {
		s.offsets = r.offsets[from:to:to]
	}
	return s
}

// copyFrom copies the first n rows of src to row at of r, where they mostly are
// already.
func (r rows[T]) copyFrom(at int, src rows[T], n, d int) {
	if n == 0 || &r.x[at*d] == &src.x[0] {
		return
	}
	copy(r.x[at*d:], src.x[:n*d])
	if r.labels != nil {
		copy(r.labels[at:], src.labels[:n])
	}
	if r.weights != nil {
		copy(r.weights[at:], src.weights[:n])
	}
	if r.offsets != nil {
		copy(r.offsets[at:], src.offsets[:n])
	}
}

// labelTable numbers the distinct labels that one worker meets, by their text.
type labelTable struct {
	codes  map[string]int32
	texts  []string
	within *classIndex // labels outside these classes are errors; nil: any label
}

func newLabelTable(classes *Classes) *labelTable {
	l := &labelTable{codes: make(map[string]int32)}
	if classes != nil {
		index := classes.index()
		l.within = &index
	}
	return l
}

// code returns the number of a label.
func (l *labelTable) code(label []byte, line int, t *text) (int32, error) {
	if c, ok := l.codes[string(label)]; ok {
		return c, nil
	}
	e := &ReadError{Line: line, Column: t.label, Value: string(label)}
	v, number := parseNumber(label)
	switch {
	case len(label) == 0:
		e.Problem, e.Advice = "the label is empty", "fill it in or drop the row"
	case string(label) == "NaN" || string(label) == "nan" || infinite(label) || number && math.IsInf(v, 0):
		e.Problem, e.Advice = "the label "+quote(e.Value)+" is not finite", "fill in a class or drop the row"
	case !utf8.Valid(label):
		e.Problem, e.Advice = "the label "+quote(e.Value)+" is not UTF-8", "convert the file to UTF-8"
	case l.within != nil && !l.within.has(e.Value):
		e.Problem, e.Advice = "the label "+quote(e.Value)+" is not among the model's classes", "the classes are "+listNames(t.o.Classes.Names)
	default:
		c := int32(len(l.texts))
		l.codes[e.Value] = c
		l.texts = append(l.texts, e.Value)
		return c, nil
	}
	return 0, e
}
