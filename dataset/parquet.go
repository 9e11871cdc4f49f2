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
)

// readParquet reads a flat Parquet file: one column of numbers, booleans or text a
// field. Only the columns that are used are read.
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

// parquetColumn is a field of the file.
type parquetColumn struct {
	columnarColumn
	leaf     int // its index among the leaf columns
	kind     parquet.Kind
	unsigned bool
	divisor  float64 // of decimals: 10^scale; else 1
}

// parquetGroup is a row group.
type parquetGroup struct {
	parquet.RowGroup
	columns []parquetColumn
}

func (g *parquetGroup) numRows() int { return int(g.NumRows()) }

func (g *parquetGroup) open(column int) (cellReader, error) {
	c := &g.columns[column]
	return &pages{column: c, in: g.ColumnChunks()[c.leaf].Pages()}, nil
}

// parquetCodecs are the compressions that are undone. The library's Brotli and LZ4 take
// memory without bound for damaged pages.
var parquetCodecs = []parquetformat.CompressionCodec{parquetformat.Uncompressed, parquetformat.Snappy, parquetformat.Gzip, parquetformat.Zstd}

func openParquet(file *spooled, o *ReadOptions) (p *columnar, err error) {
	buffer := 1 << 20
	if o.MaxMemory > 0 { // there is one a column
		buffer = 1 << 16
	}
	if err := checkFooter(file); err != nil {
		return nil, err
	}
	p = &columnar{format: "Parquet", size: file.size}
	defer p.damaged(&err)
	f, err := parquet.OpenFile(file, file.size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true), parquet.ReadBufferSize(buffer))
	if err != nil {
		return nil, &ReadError{Problem: "this is no Parquet file: " + err.Error(), Advice: "the file is damaged or incomplete, or something else", Err: err}
	}
	var columns []parquetColumn
	for _, c := range f.Root().Columns() {
		columns = append(columns, columnOfParquet(c))
		if c.Leaf() && !slices.Contains(parquetCodecs, c.Compression().CompressionCodec()) {
			return nil, &ReadError{Column: c.Name(), Problem: "it is packed with " + c.Compression().String(), Advice: "write the file with zstd, snappy, gzip or no compression"}
		}
	}
	for _, c := range columns {
		p.columns = append(p.columns, c.columnarColumn)
	}
	for _, g := range f.RowGroups() {
		if n := g.NumRows(); n < 0 || int64(p.rows) > math.MaxInt-n {
			return nil, parquetDamage(fmt.Sprintf("a row group of %d rows", n))
		}
		p.rows += int(g.NumRows())
		p.groups = append(p.groups, &parquetGroup{g, columns})
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
	out := parquetColumn{columnarColumn: columnarColumn{name: c.Name()}, leaf: c.Index(), divisor: 1}
	if !c.Leaf() || c.Repeated() {
		out.refused = "nested fields"
		return out
	}
	out.kind = c.Type().Kind()
	switch out.kind {
	case parquet.Int96:
		out.refused = "times"
	case parquet.Float:
		out.single = true
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
	case *parquetformat.NullType:
		out.refused = "no values at all"
	case *parquetformat.DateType:
		out.refused = "dates"
	case *parquetformat.TimeType, *parquetformat.TimestampType:
		out.refused = "times"
	case *parquetformat.JsonType, *parquetformat.BsonType, *parquetformat.UUIDType:
		out.refused = "documents or identifiers"
	}
	return out
}

func parquetDamage(what string) error { return damage("Parquet", what) }
