package dataset

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// Apply makes the features of the columns of t, which it finds by name: dense, or as
// CSR where there are more than 128 features of which at least three quarters must be
// 0. float is the type of the numbers. Columns of 0 and 1 alone become a CSR without
// values. The result does not depend on threads (0: one a processor).
//
// A *ReadError tells what does not fit: a column that is not there, text where training
// had numbers, a missing cell that the encoding has no stand-in for.
func (e *Encoding) Apply(ctx context.Context, t *Table, float tensor.Dtype, threads int) (*tensor.Dense, *backend.CSR, error) {
	p, err := e.plan(t)
	if err != nil {
		return nil, nil, t.named(err)
	}
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	p.ctx, p.threads = ctx, threads
	var x *tensor.Dense
	var sparse *backend.CSR
	switch single := float == tensor.Float32; {
	case e.sparse() && single:
		sparse, err = p.csr(true)
	case e.sparse():
		sparse, err = p.csr(false)
	case single:
		x, err = dense[float32](p)
	default:
		x, err = dense[float64](p)
	}
	return x, sparse, t.named(err)
}

// plan is an encoding matched with the columns of a table.
type plan struct {
	ctx        context.Context
	threads    int
	rows, cols int
	ones       bool // all features are 0 or 1
	hashFrom   int  // the first of the hashed features; the last steps write to them
	logHash    int
	steps      []step
}

// step makes the entries of one column in a row.
type step struct {
	name string
	at   int // its first feature

	// A column of numbers has these,
	numbers   []float64
	mean      float64
	indicator bool

	// categories the feature of each level, -1 for none; the last is of missing cells.
	codes   []int32
	feature []int32
	value   []float64 // of hashed features; nil: 1

	cross []*Column // hashed as they come
}

// entry is a feature of a row that is not 0.
type entry struct {
	col uint32
	v   float64
}

func (e *Encoding) plan(t *Table) (*plan, error) {
	p := &plan{rows: t.Rows, cols: e.Features(), ones: e.HashBits == 0, logHash: e.HashBits}
	p.hashFrom = p.cols - e.hashed()
	at := 0
	for c := range e.all() {
		s, err := e.step(t, c, at, p.hashFrom)
		if err != nil {
			return nil, err
		}
		p.steps = append(p.steps, s)
		p.ones = p.ones && c.Categorical
		at += c.width(e)
	}
	// Entries come in rising order of their columns, but for the hashed ones, which come
	// last.
	slices.SortStableFunc(p.steps, func(a, b step) int { return a.at - b.at })
	return p, nil
}

func (e *Encoding) step(t *Table, c *EncodedColumn, at, hashFrom int) (step, error) {
	s := step{name: c.Name, at: at}
	if c.Of != nil {
		of := e.texts(t, c.Of)
		if e.HashBits > 0 {
			s.at, s.cross = hashFrom, of
			return s, nil
		}
		crossed, err := crossing(of, t.Rows)
		if err != nil {
			return s, err
		}
		s.codes, s.feature = crossed.Codes, c.features(crossed.Levels, at)
		return s, nil
	}
	j := slices.IndexFunc(t.Columns, func(of Column) bool { return of.Name == c.Name })
	if j < 0 {
		return s, &ReadError{Problem: "there is no column " + quote(c.Name), Advice: "the columns are " + listNames(t.names())}
	}
	column := &t.Columns[j]
	if !e.Missing.fills() {
		if i := column.firstMissing(t.Rows); i >= 0 {
			return s, missingError(c.Name, i, "fill it in or drop the row")
		}
	}
	if !c.Categorical {
		if column.Codes != nil && slices.ContainsFunc(column.Codes, func(k int32) bool { return k >= 0 }) {
			return s, notNumeric(column)
		}
		s.numbers, s.indicator = column.Numbers, c.Indicator
		if s.numbers == nil { // of text, and every cell missing
			s.numbers = slices.Repeat([]float64{math.NaN()}, t.Rows)
		}
		if c.Mean != nil {
			s.mean = *c.Mean
		}
		return s, nil
	}
	text := column.categories(c.Numeric)
	s.codes = text.Codes
	if e.HashBits == 0 {
		s.feature = c.features(text.Levels, at)
		return s, nil
	}
	s.at = hashFrom
	for _, l := range append(text.Levels[:len(text.Levels):len(text.Levels)], missingLevel) {
		h, sign := hashFeature([]byte(c.Name+"="+l), e.HashBits)
		s.feature = append(s.feature, int32(hashFrom)+int32(h))
		s.value = append(s.value, sign)
	}
	return s, nil
}

// notNumeric is text in a column that was of numbers in training.
func notNumeric(c *Column) error {
	first := c.First()
	return c.textError(first, "cannot read "+quote(c.Levels[first])+" as a number", "the model was trained on numbers here")
}

// features is the feature of each of a table's levels, and of a missing cell.
func (c *EncodedColumn) features(levels []string, at int) []int32 {
	index := make(map[string]int32, len(c.Levels))
	for k, l := range c.Levels {
		index[l] = int32(at + k)
	}
	other, ok := index[otherLevel]
	if !ok {
		other = -1
	}
	of := make([]int32, len(levels)+1)
	for k := range of {
		level := missingLevel
		if k < len(levels) {
			level = levels[k]
		}
		if of[k], ok = index[level]; !ok {
			of[k] = other
		}
	}
	return of
}

// row appends the entries of row i in rising order of their columns, each once, none of
// value 0.
func (p *plan) row(i int, to []entry, text *[]byte) []entry {
	for j := range p.steps {
		switch s := &p.steps[j]; {
		case s.numbers != nil:
			v := s.numbers[i]
			missing := math.IsNaN(v)
			if missing {
				v = s.mean
			}
			if v != 0 {
				to = append(to, entry{uint32(s.at), v})
			}
			if missing && s.indicator {
				to = append(to, entry{uint32(s.at + 1), 1})
			}
		case s.cross != nil:
			*text = append(append((*text)[:0], s.name...), '=')
			*text = appendCross(*text, s.cross, i)
			h, sign := hashFeature(*text, p.logHash)
			to = append(to, entry{uint32(p.hashFrom) + h, sign})
		default:
			k := int(s.codes[i])
			if k < 0 {
				k = len(s.feature) - 1
			}
			if f := s.feature[k]; f >= 0 {
				v := 1.0
				if s.value != nil {
					v = s.value[k]
				}
				to = append(to, entry{uint32(f), v})
			}
		}
	}
	if p.hashFrom < p.cols {
		return p.merged(to)
	}
	return to
}

// merged sorts the hashed entries and adds up those that met.
func (p *plan) merged(row []entry) []entry {
	from := slices.IndexFunc(row, func(e entry) bool { return int(e.col) >= p.hashFrom })
	if from < 0 {
		return row
	}
	hashed := row[from:]
	slices.SortFunc(hashed, func(a, b entry) int { return int(a.col) - int(b.col) })
	to := row[:from]
	for k := 0; k < len(hashed); {
		sum := entry{col: hashed[k].col}
		for ; k < len(hashed) && hashed[k].col == sum.col; k++ {
			sum.v += hashed[k].v
		}
		if sum.v != 0 {
			to = append(to, sum)
		}
	}
	return to
}

// planRows is how many rows a goroutine takes at a time.
const planRows = 4096

// forRows calls do with every row's entries, on several goroutines; the first error by
// row wins.
func (p *plan) forRows(do func(i int, row []entry) error) error {
	blocks := (p.rows + planRows - 1) / planRows
	errs := make([]error, blocks)
	var next atomic.Int64
	var group sync.WaitGroup
	for range min(p.threads, blocks) {
		group.Go(func() {
			var row []entry
			var text []byte
			for p.ctx.Err() == nil {
				b := int(next.Add(1)) - 1
				if b >= blocks {
					return
				}
				for i := b * planRows; i < min((b+1)*planRows, p.rows) && errs[b] == nil; i++ {
					row = p.row(i, row[:0], &text)
					errs[b] = do(i, row)
				}
			}
		})
	}
	group.Wait()
	if p.ctx.Err() != nil {
		return context.Cause(p.ctx)
	}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func dense[T float32 | float64](p *plan) (*tensor.Dense, error) {
	x := make([]T, p.rows*p.cols)
	err := p.forRows(func(i int, row []entry) error {
		to := x[i*p.cols : (i+1)*p.cols]
		for _, e := range row {
			v := T(e.v)
			if v-v != 0 {
				return p.tooLarge(i, e)
			}
			to[e.col] = v
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return tensor.New(tensor.WithShape(p.rows, p.cols), tensor.WithBacking(x)), nil
}

// csr makes the rows twice: once to count their entries, once to store them.
func (p *plan) csr(single bool) (*backend.CSR, error) {
	m := &backend.CSR{Rows: p.rows, Cols: p.cols, RowPtr: make([]int64, p.rows+1)}
	err := p.forRows(func(i int, row []entry) error {
		m.RowPtr[i+1] = int64(len(row))
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i := range p.rows {
		m.RowPtr[i+1] += m.RowPtr[i]
	}
	n := m.RowPtr[p.rows]
	m.Col = make([]uint32, n)
	switch {
	case p.ones:
	case single:
		m.Val32 = make([]float32, n)
	default:
		m.Val64 = make([]float64, n)
	}
	return m, p.forRows(func(i int, row []entry) error {
		for k, e := range row {
			at := m.RowPtr[i] + int64(k)
			m.Col[at] = e.col
			switch {
			case m.Val64 != nil:
				m.Val64[at] = e.v
			case m.Val32 != nil:
				if m.Val32[at] = float32(e.v); math.IsInf(float64(m.Val32[at]), 0) {
					return p.tooLarge(i, e)
				}
			}
		}
		return nil
	})
}

// tooLarge is a number beyond float32.
func (p *plan) tooLarge(i int, e entry) error {
	name := ""
	for _, s := range p.steps {
		if s.at == int(e.col) {
			name = s.name
		}
	}
	return rowError(name, i, fmt.Sprintf("%v is too large for float32", e.v), "read the table as float64")
}
