package dataset

import (
	"context"
	"slices"
	"unicode/utf8"
)

// table reads the wanted columns, side by side; the others are there by name alone.
func (f *columnar) table(ctx context.Context, o *ReadOptions, want func(column int) bool) (*Table, error) {
	t, tasks, err := f.columnTasks(ctx, want)
	if err != nil {
		return nil, err
	}
	return t, run(ctx, o.workers(), tasks)
}

// columnTasks is a table whose columns are there when the tasks have been done.
func (f *columnar) columnTasks(ctx context.Context, want func(column int) bool) (*Table, []func() error, error) {
	t := &Table{Rows: f.rows, Columns: make([]Column, len(f.columns))}
	var tasks []func() error
	for i := range f.columns {
		t.Columns[i].Name = f.columns[i].name
		if want(i) {
			tasks = append(tasks, func() (err error) {
				t.Columns[i], err = f.column(ctx, i)
				return err
			})
		}
	}
	return t, tasks, f.checkSize(len(tasks), 8)
}

// column reads one column of all groups.
func (f *columnar) column(ctx context.Context, i int) (Column, error) {
	out := Column{Name: f.columns[i].name}
	read := out.addNumbers
	if f.columns[i].text {
		read = newTextReader(&out, textMemory+textRatio*f.size).add
	}
	err := f.eachGroup(ctx, i, read)
	return out, err
}

// eachGroup reads one column of all groups.
func (f *columnar) eachGroup(ctx context.Context, i int, read func(r cellReader, rows int) error) (err error) {
	defer f.damaged(&err)
	for _, g := range f.groups {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		r, err := g.open(i)
		if err != nil {
			return err
		}
		err = read(r, g.numRows())
		r.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// pieceCells is how many cells of a column are read at a time.
const pieceCells = 4096

// addNumbers appends n numbers, for which not much memory is taken before they are there.
func (out *Column) addNumbers(r cellReader, n int) error {
	out.Numbers = slices.Grow(out.Numbers, min(n, 1<<20))
	var piece [pieceCells]float64
	for ; n > 0; n -= pieceCells {
		cells, err := r.Next64(piece[:min(n, pieceCells)])
		if err != nil {
			return err
		}
		out.Numbers = append(out.Numbers, cells...)
	}
	return nil
}

// The texts of a column may take so many bytes, and so many for each of the file's: a page
// of long texts that hardly differ packs thousands into one.
const (
	textMemory = 64 << 20
	textRatio  = 32
)

// textReader numbers the distinct texts of a column.
type textReader struct {
	out    *Column
	codeOf map[string]int32
	room   int64 // for more of them
}

func newTextReader(out *Column, room int64) *textReader {
	return &textReader{out, map[string]int32{}, room}
}

// add appends n texts.
func (r *textReader) add(cells cellReader, n int) error {
	row := len(r.out.Codes)
	invalid := -1
	err := cells.Texts(n, func(text []byte) {
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
			if r.room -= int64(len(text)); r.room < 0 {
				return
			}
			code = int32(len(r.out.Levels))
			r.codeOf[string(text)] = code
			r.out.Levels = append(r.out.Levels, string(text))
		}
		r.out.Codes = append(r.out.Codes, code)
	})
	if err == nil && r.room < 0 {
		return &ReadError{Column: r.out.Name, Problem: "its texts are too long", Advice: "leave the column out with --ignore"}
	}
	if err == nil && invalid >= 0 {
		return rowError(r.out.Name, invalid, "the text is not UTF-8", "leave the column out with --ignore")
	}
	return err
}
