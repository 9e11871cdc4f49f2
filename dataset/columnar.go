package dataset

import (
	"context"
	"fmt"

	"gorgonia.org/tensor"
)

// columnar is an open file that has its columns one by one, in groups of rows: of Parquet
// or Arrow. A file of plain numbers goes straight into X, its groups side by side; text and
// missing cells make it a Table first.
//
//	file --pages of Parquet, package arrow--> cellReader of each column
//	       --columnar_numbers.go--> X, or --columnar_stream.go--> scratch file
//	       --columnar_table.go--> Table
type columnar struct {
	format  string
	columns []columnarColumn
	groups  []columnGroup
	rows    int
	size    int64 // of the file
}

// columnarColumn describes a column.
type columnarColumn struct {
	name    string
	text    bool
	single  bool   // its numbers have no more digits than a float32
	missing bool   // some of its cells are known to be missing
	refused string // what it holds that can be no feature; "" for the rest
}

// columnGroup are rows that can be read apart from others.
type columnGroup interface {
	numRows() int
	open(column int) (cellReader, error)
}

// cellReader goes through the cells of one column in one group.
type cellReader interface {
	// Next32 returns the next len(buf) cells of a column of numbers, NaN where they are
	// missing: decoded to buf, or where they are until the next call.
	Next32(buf []float32) ([]float32, error)
	Next64(buf []float64) ([]float64, error)

	// Texts calls use with the text of each of the next n cells, nil where it is missing.
	Texts(n int, use func(text []byte)) error

	Close()
}

// nextNumbers is Next32 or Next64.
func nextNumbers[T float32 | float64](r cellReader, buf []T) ([]T, error) {
	if buf, ok := any(buf).([]float32); ok {
		cells, err := r.Next32(buf)
		return any(cells).([]T), err
	}
	cells, err := r.Next64(any(buf).([]float64))
	return any(cells).([]T), err
}

func (f *columnar) dataset(ctx context.Context, o *ReadOptions) (*Dataset, error) {
	if f.rows == 0 {
		return nil, &ReadError{Problem: "there are no rows", Advice: "a table needs at least one row"}
	}
	names := make([]string, len(f.columns))
	for i, c := range f.columns {
		names[i] = c.name
	}
	c, err := chooseColumns(names, len(names), o)
	if err != nil {
		return nil, err
	}
	plain := o.Encoding == nil && o.Encode.zero()
	for i, role := range c.role {
		col := &f.columns[i]
		if role != roleIgnored && col.refused != "" {
			return nil, col.refuse()
		}
		plain = plain && (role < 0 || !col.text && !col.missing)
	}
	if plain {
		single := o.Float == tensor.Float32 || o.Float == (tensor.Dtype{}) && f.single(c)
		var d *Dataset
		if single {
			d, err = readColumnarNumbers[float32](ctx, f, c, o)
		} else {
			d, err = readColumnarNumbers[float64](ctx, f, c, o)
		}
		if err != errNotPlain {
			return d, err
		}
	}
	if err := o.tooLargeToEncode(int64(f.rows) * int64(len(c.features)) * 8); err != nil {
		return nil, err
	}
	t, err := f.table(ctx, o, func(i int) bool { return c.role[i] != roleIgnored })
	if err != nil {
		return nil, err
	}
	return t.dataset(o)
}

func (c *columnarColumn) refuse() error {
	return &ReadError{Column: c.name, Problem: "it holds " + c.refused + ", which are no features", Advice: "leave it out with --ignore, or make numbers or text of it"}
}

// single tells whether no feature has more than float32's digits.
func (f *columnar) single(c *columns) bool {
	for i, r := range c.role {
		if r >= 0 && !f.columns[i].single {
			return false
		}
	}
	return true
}

// columnarRatio bounds what a file may grow to: a page of equal numbers packs a million
// of them into a few bytes.
const columnarRatio = 10000

// checkSize refuses counts of rows that the file can hardly hold.
func (f *columnar) checkSize(cols, size int) error {
	if cols == 0 {
		return nil
	}
	if most := f.size * columnarRatio; int64(f.rows) > most/int64(cols*size) {
		return damage(f.format, fmt.Sprintf("%d bytes cannot hold %d rows", f.size, f.rows))
	}
	return nil
}

// damaged makes an error of a panic: libraries that unpack have some for damaged data.
func (f *columnar) damaged(err *error) {
	if r := recover(); r != nil {
		*err = damage(f.format, fmt.Sprint(r))
	}
}

func damage(format, what string) error {
	return &ReadError{Problem: "the " + format + " data make no sense: " + what, Advice: "the file is damaged"}
}
