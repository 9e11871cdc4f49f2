package arrow

import (
	"fmt"
	"io"
	"math"
)

// File is an open file. It serves several goroutines.
type File struct {
	source
	Columns []Column
	Batches []*Batch

	fields       []field
	dictionaries map[int64]*dictionary
	final        bool // dictionaries are complete before the first batch
}

// Open reads the description of the size bytes of r, which must stay open. Batches without
// rows are left out.
func Open(r io.ReaderAt, size int64) (*File, error) {
	f := &File{source: source{r, size}, dictionaries: map[int64]*dictionary{}}
	if err := f.messages(); err != nil {
		return nil, err
	}
	return f, nil
}

// Codecs (Message.fbs).
const (
	unpacked = -1 + iota
	packedLZ4
	packedZstd
)

// Batch is a record batch.
type Batch struct {
	file    *File
	rows    int
	columns []array
	codec   int
	known   map[int64]known // dictionaries
}

// array is where a column of a batch is.
type array struct {
	nulls   int64
	buffers []section // the bitmap of what is there, and what the type has
	views   []section // the texts of a typeUtf8View
}

// section is a part of the file.
type section struct{ at, n int64 }

// Rows is the number of rows, at least one.
func (b *Batch) Rows() int { return b.rows }

func (f *File) addBatch(m *message) error {
	b, err := f.batch(m, m.table, f.fields)
	if err != nil || b.rows == 0 {
		return err
	}
	for i := range f.fields {
		c := &f.Columns[i]
		if c.Refused != "" {
			continue
		}
		if err := b.check(i, &f.fields[i], f.fields[i].coded); err != nil {
			return in(c.Name, err)
		}
		c.Nulls = c.Nulls || b.columns[i].nulls != 0 || f.fields[i].of.id == typeNull
	}
	b.known = f.knownNow()
	f.Batches = append(f.Batches, b)
	return nil
}

// layout walks through the descriptions of a batch's arrays, in the order of the fields.
type layout struct {
	m                *message
	t                table
	node, nodes      int // where the next is, and how many are left
	buffer, buffers  int
	variadic, counts int
	end              int64 // of the buffers so far
	rows             int64
}

// batch reads the description of a record batch of those fields.
func (f *File) batch(m *message, t table, fields []field) (*Batch, error) {
	b := &Batch{file: f, codec: unpacked}
	l := layout{m: m, t: t, rows: t.int64(0)}
	l.node, l.nodes = t.vector(1, 16)
	l.buffer, l.buffers = t.vector(2, 16)
	l.variadic, l.counts = t.vector(4, 8)
	if c, ok := t.child(3); ok {
		if b.codec = c.byte(0); b.codec > packedZstd || c.byte(1) != 0 {
			return nil, unknown("are packed in a way not known here", "write the file with lz4, zstd or no compression")
		}
	}
	switch {
	case t.f == nil || t.f.bad || l.rows < 0 || l.rows > math.MaxInt32*int64(math.MaxInt16):
		return nil, damage("a record batch that cannot be understood")
	case m.version == version4 && m.custom:
		return nil, unknown("are packed as before Arrow 1.0", "write the file anew with a later version")
	}
	b.rows = int(l.rows)
	for i := range fields {
		a, rows, err := l.array(&fields[i], true)
		if err != nil {
			return nil, in(fields[i].name, err)
		}
		if rows != l.rows {
			return nil, in(fields[i].name, damage("%d cells for %d rows", rows, l.rows))
		}
		b.columns = append(b.columns, a)
	}
	return b, nil
}

// array takes what belongs to a field; of what is within it no more than its place is
// known.
func (l *layout) array(f *field, top bool) (a array, rows int64, err error) {
	if l.nodes == 0 {
		return a, 0, damage("a record batch describes too few columns")
	}
	rows, a.nulls = l.t.f.int64(l.node), l.t.f.int64(l.node+8)
	l.node, l.nodes = l.node+16, l.nodes-1
	of, children := f.of, f.children
	if f.coded {
		of, children = f.index, nil
	}
	n, views := 2, 0
	switch of.id {
	case typeNull, typeRunEndEncoded:
		n = 0
	case typeBinary, typeUtf8, typeLargeBinary, typeLargeUtf8, typeListView, typeLargeListView:
		n = 3
	case typeStruct, typeFixedSizeList:
		n = 1
	case typeUnion:
		if n = 1; of.dense {
			n++
		}
		if l.m.version == version4 {
			n++
		}
	case typeBinaryView, typeUtf8View:
		if l.counts == 0 {
			return a, 0, damage("a record batch does not tell how many buffers it has")
		}
		count := l.t.f.int64(l.variadic)
		l.variadic, l.counts = l.variadic+8, l.counts-1
		if count < 0 || count > int64(l.buffers) {
			return a, 0, damage("a column of %d buffers", count)
		}
		views = int(count)
	}
	for k := range n + views {
		s, err := l.section()
		switch {
		case err != nil:
			return a, 0, err
		case !top:
		case k < n:
			a.buffers = append(a.buffers, s)
		default:
			a.views = append(a.views, s)
		}
	}
	for k := range children {
		if _, _, err := l.array(&children[k], false); err != nil {
			return a, 0, err
		}
	}
	return a, rows, nil
}

// section takes the next buffer: within the body, and behind those before, so that no
// byte counts twice.
func (l *layout) section() (s section, err error) {
	if l.buffers == 0 {
		return s, damage("a record batch has too few buffers")
	}
	at, n := l.t.f.int64(l.buffer), l.t.f.int64(l.buffer+8)
	l.buffer, l.buffers = l.buffer+16, l.buffers-1
	if n == 0 {
		return s, nil
	}
	if at < l.end || n < 0 || n > l.m.bodyLen || at > l.m.bodyLen-n {
		return s, damage("a buffer of %d bytes at %d in a batch of %d", n, at, l.m.bodyLen)
	}
	l.end = at + n
	return section{l.m.body + at, n}, nil
}

// The most that a byte can be unpacked to: by LZ4, whose format has that limit, and by
// Zstandard, which says of blocks of 128 KB of one value no more than 3 bytes and the
// value.
const (
	ratioLZ4  = 256
	ratioZstd = 1 << 15
)

// room is how many bytes the buffer can hold.
func (b *Batch) room(s section) int64 {
	ratio := int64(1)
	switch {
	case b.codec == packedLZ4:
		ratio = ratioLZ4
	case b.codec == packedZstd:
		ratio = ratioZstd
	}
	if s.n > math.MaxInt64/ratio {
		return math.MaxInt64
	}
	return s.n * ratio
}

// check holds the number of rows against the size of the buffers.
func (b *Batch) check(column int, f *field, coded bool) error {
	a, of := &b.columns[column], f.of
	if coded {
		of = f.index
	}
	if a.nulls < -1 || a.nulls > int64(b.rows) {
		return damage("%d of %d cells are missing", a.nulls, b.rows)
	}
	if of.id == typeNull {
		return nil
	}
	rows := int64(b.rows)
	if a.nulls != 0 && a.buffers[0].n == 0 {
		if a.nulls > 0 {
			return damage("it does not tell which cells are missing")
		}
		a.nulls = 0
	}
	if a.nulls != 0 && b.room(a.buffers[0]) < (rows+7)/8 {
		return damage("%d bytes cannot tell which of %d cells are missing", a.buffers[0].n, rows)
	}
	need := rows * int64(of.bits) / 8
	switch of.id {
	case typeBool:
		need = (rows + 7) / 8
	case typeUtf8:
		need = 4 * (rows + 1)
	case typeLargeUtf8:
		need = 8 * (rows + 1)
	case typeUtf8View:
		need = 16 * rows
	}
	if b.room(a.buffers[1]) < need {
		return damage("%d bytes cannot hold %d cells", a.buffers[1].n, rows)
	}
	return nil
}

// Open begins to read a column that is not refused.
func (b *Batch) Open(column int) (*Cells, error) {
	f := &b.file.fields[column]
	if refused := b.file.Columns[column].Refused; refused != "" {
		return nil, fmt.Errorf("column %q holds %s", f.name, refused)
	}
	c, err := b.cells(column, f, f.coded)
	return c, in(f.name, err)
}
