package dataset

import (
	"context"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"
)

// table reads the wanted columns, side by side; the others are there by name alone.
func (p *parquetFile) table(ctx context.Context, o *ReadOptions, want func(column int) bool) (*Table, error) {
	t, tasks, err := p.columnTasks(ctx, want)
	if err != nil {
		return nil, err
	}
	return t, run(ctx, o.workers(), tasks)
}

// columnTasks is a table whose columns are there when the tasks have been done.
func (p *parquetFile) columnTasks(ctx context.Context, want func(column int) bool) (*Table, []func() error, error) {
	t := &Table{Rows: p.rows, Columns: make([]Column, len(p.columns))}
	var tasks []func() error
	for i := range p.columns {
		c := &p.columns[i]
		t.Columns[i].Name = c.name
		if want(i) {
			tasks = append(tasks, func() (err error) {
				t.Columns[i], err = p.column(ctx, c)
				return err
			})
		}
	}
	return t, tasks, p.checkSize(len(tasks), 8)
}

// column reads one column of all row groups.
func (p *parquetFile) column(ctx context.Context, c *parquetColumn) (_ Column, err error) {
	defer damagedParquet(&err)
	out := Column{Name: c.name}
	read := out.numbersOfGroup
	if c.text {
		read = newTextReader(&out).group
	}
	for _, g := range p.RowGroups() {
		if ctx.Err() != nil {
			return out, context.Cause(ctx)
		}
		s := openPages(g, c)
		err := read(s, g)
		s.close()
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

func (out *Column) numbersOfGroup(s *pages, g parquet.RowGroup) error {
	at := len(out.Numbers)
	out.Numbers = append(out.Numbers, make([]float64, g.NumRows())...)
	return s.read(out.Numbers[at:])
}

// textReader numbers the distinct texts of a column.
type textReader struct {
	out    *Column
	codeOf map[string]int32
}

func newTextReader(out *Column) *textReader { return &textReader{out, map[string]int32{}} }

func (r *textReader) group(s *pages, g parquet.RowGroup) error {
	row := len(r.out.Codes)
	invalid := -1
	err := s.readTexts(int(g.NumRows()), func(text []byte) {
		row++
		if text == nil {
			r.out.Codes = append(r.out.Codes, -1)
			return
		}
		code, ok := r.codeOf[string(text)]
		if !ok {
			if !utf8.Valid(text) && invalid < 0 {
				invalid = row - 1
			}
			code = int32(len(r.out.Levels))
			r.codeOf[string(text)] = code
			r.out.Levels = append(r.out.Levels, string(text))
		}
		r.out.Codes = append(r.out.Codes, code)
	})
	if err == nil && invalid >= 0 {
		return &ReadError{Column: r.out.Name, Line: invalid + 1, Problem: "the text is not UTF-8", Advice: "leave the column out with --ignore"}
	}
	return err
}
