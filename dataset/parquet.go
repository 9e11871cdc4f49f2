package dataset

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/parquet-go/parquet-go"
	parquetformat "github.com/parquet-go/parquet-go/format"
	"gorgonia.org/tensor"
)

// readParquet reads a flat Parquet file: one column of numbers, booleans or text a
// field. Only the columns that are used are read. A file of plain numbers goes straight
// into X, its row groups side by side; text and missing cells make it a Table first.
//
// Integers of 64 bits and decimals become the nearest float64. Dates, times, nested
// fields and lists are errors unless they are ignored.
func readParquet(ctx context.Context, in *input, o *ReadOptions) (*Dataset, error) {
	file, err := in.spool(o, "Parquet file", parquetMagic)
	if err != nil {
		return nil, err
	}
	defer file.close()
	p, err := openParquet(file, o)
	if err != nil {
		return nil, withFile(err, in.name)
	}
	d, err := p.dataset(ctx, o)
	return d, withFile(err, in.name)
}

// parquetFile is an open file and its columns.
type parquetFile struct {
	*parquet.File
	columns []parquetColumn
	rows    int
	size    int64
}

// parquetColumn is a field of the file.
type parquetColumn struct {
	name     string
	leaf     int // its index among the leaf columns
	kind     parquet.Kind
	text     bool
	unsigned bool
	optional bool
	divisor  float64 // of decimals: 10^scale; else 1
	refused  string  // what it holds that can be no feature; "" for the rest
}

// parquetCodecs are the compressions that are undone. The library's Brotli and LZ4 take
// memory without bound for damaged pages.
var parquetCodecs = []parquetformat.CompressionCodec{parquetformat.Uncompressed, parquetformat.Snappy, parquetformat.Gzip, parquetformat.Zstd}

func openParquet(file *spooled, o *ReadOptions) (p *parquetFile, err error) {
	buffer := 1 << 20
	if o.MaxMemory > 0 { // there is one a column
		buffer = 1 << 16
	}
	if err := checkFooter(file); err != nil {
		return nil, err
	}
	defer damagedParquet(&err)
	f, err := parquet.OpenFile(file, file.size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true), parquet.ReadBufferSize(buffer))
	if err != nil {
		return nil, &ReadError{Problem: "this is no Parquet file: " + err.Error(), Advice: "the file is damaged or incomplete, or something else", Err: err}
	}
	p = &parquetFile{File: f, size: file.size}
	for _, g := range f.RowGroups() {
		if n := g.NumRows(); n < 0 || int64(p.rows) > math.MaxInt-n {
			return nil, parquetDamage(fmt.Sprintf("a row group of %d rows", n))
		}
		p.rows += int(g.NumRows())
	}
	if p.rows == 0 {
		return nil, &ReadError{Problem: "there are no rows", Advice: "a table needs at least one row"}
	}
	for _, c := range f.Root().Columns() {
		p.columns = append(p.columns, columnOfParquet(c))
		if c.Leaf() && !slices.Contains(parquetCodecs, c.Compression().CompressionCodec()) {
			return nil, &ReadError{Column: c.Name(), Problem: "it is packed with " + c.Compression().String(), Advice: "write the file with zstd, snappy, gzip or no compression"}
		}
	}
	return p, nil
}

// checkFooter holds the size that the file's last bytes claim for its description against
// that of the file: the library takes memory for it unasked.
func checkFooter(file *spooled) error {
	var end [8]byte
	_, err := file.ReadAt(end[:], max(0, file.size-8))
	if n := int64(binary.LittleEndian.Uint32(end[:])); err != nil && err != io.EOF || string(end[4:]) != parquetMagic || n > file.size-12 {
		return &ReadError{Problem: "this is no Parquet file: its end is missing", Advice: "the file is damaged or incomplete, or something else", Err: err}
	}
	return nil
}

const parquetMagic = "PAR1"

// columnOfParquet says what a field of the schema is.
func columnOfParquet(c *parquet.Column) parquetColumn {
	out := parquetColumn{name: c.Name(), leaf: c.Index(), optional: c.Optional(), divisor: 1}
	if !c.Leaf() || c.Repeated() {
		out.refused = "nested fields"
		return out
	}
	out.kind = c.Type().Kind()
	switch out.kind {
	case parquet.Int96:
		out.refused = "times"
	case parquet.ByteArray:
		out.text = true
	case parquet.FixedLenByteArray:
		out.refused = "fixed-length bytes"
	}
	l := c.Type().LogicalType()
	if l == nil {
		return out
	}
	switch l := l.Value.(type) {
	case *parquetformat.DecimalType:
		out.divisor = math.Pow10(int(l.Scale))
		out.text, out.refused = false, ""
		if size := c.Type().Length(); out.kind == parquet.ByteArray || out.kind == parquet.FixedLenByteArray && size > 16 {
			out.refused = "decimals of more than 38 digits"
		}
	case *parquetformat.IntType:
		out.unsigned = !l.IsSigned
	case *parquetformat.DateType:
		out.refused = "dates"
	case *parquetformat.TimeType, *parquetformat.TimestampType:
		out.refused = "times"
	case *parquetformat.JsonType, *parquetformat.BsonType, *parquetformat.UUIDType:
		out.refused = "documents or identifiers"
	}
	return out
}

func (p *parquetFile) dataset(ctx context.Context, o *ReadOptions) (*Dataset, error) {
	names := make([]string, len(p.columns))
	for i, c := range p.columns {
		names[i] = c.name
	}
	c, err := chooseColumns(names, len(names), o)
	if err != nil {
		return nil, err
	}
	plain := o.Encoding == nil && o.Encode.zero()
	for i, role := range c.role {
		col := &p.columns[i]
		if role != roleIgnored && col.refused != "" {
			return nil, col.refuse()
		}
		plain = plain && (role < 0 || !col.text)
	}
	if plain {
		single := o.Float == tensor.Float32 || o.Float == (tensor.Dtype{}) && p.single(c)
		var d *Dataset
		if single {
			d, err = readParquetNumbers[float32](ctx, p, c, o)
		} else {
			d, err = readParquetNumbers[float64](ctx, p, c, o)
		}
		if err != errNotPlain {
			return d, err
		}
	}
	if err := o.tooLargeToEncode(int64(p.rows) * int64(len(c.features)) * 8); err != nil {
		return nil, err
	}
	t, err := p.table(ctx, o, func(i int) bool { return c.role[i] != roleIgnored })
	if err != nil {
		return nil, err
	}
	return t.dataset(o)
}

func (c *parquetColumn) refuse() error {
	return &ReadError{Column: c.name, Problem: "it holds " + c.refused + ", which are no features", Advice: "leave it out with --ignore, or make numbers or text of it"}
}

// single tells whether no feature has more than float32's digits.
func (p *parquetFile) single(c *columns) bool {
	for i, r := range c.role {
		if r >= 0 && p.columns[i].kind != parquet.Float {
			return false
		}
	}
	return true
}

// damagedParquet makes an error of a panic: the library has some for damaged pages.
func damagedParquet(err *error) {
	if r := recover(); r != nil {
		*err = parquetDamage(fmt.Sprint(r))
	}
}

func parquetDamage(what string) error {
	return &ReadError{Problem: "the Parquet data make no sense: " + what, Advice: "the file is damaged"}
}
