package arrow

import "encoding/binary"

// flat is a flatbuffer that may be damaged. Reading it never fails: what is not there, or
// not within it, is zero, and bad is set.
//
// Tables may be referred to many times over, so that a few bytes describe millions of
// them; what is read is therefore counted.
type flat struct {
	b    []byte
	read int // bytes of tables and strings
	bad  bool
}

// has tells whether n bytes at offset at are within the buffer.
func (f *flat) has(at, n int) bool {
	if n < 0 || at < 0 || at > len(f.b)-n {
		f.bad = true
	}
	return !f.bad
}

// spend counts n bytes. No honest flatbuffer refers to the same ones again and again.
func (f *flat) spend(n int) bool {
	if f.read += n; f.read > 4*len(f.b) {
		f.bad = true
	}
	return !f.bad
}

func (f *flat) uint16(at int) int {
	if !f.has(at, 2) {
		return 0
	}
	return int(binary.LittleEndian.Uint16(f.b[at:]))
}

func (f *flat) int32(at int) int {
	if !f.has(at, 4) {
		return 0
	}
	return int(int32(binary.LittleEndian.Uint32(f.b[at:])))
}

func (f *flat) int64(at int) int64 {
	if !f.has(at, 8) {
		return 0
	}
	return int64(binary.LittleEndian.Uint64(f.b[at:]))
}

// indirect is what the offset at at refers to.
func (f *flat) indirect(at int) int { return at + f.int32(at) }

// root is the table that the buffer is about.
func (f *flat) root() table { return f.table(f.indirect(0)) }

// table is a table of a flatbuffer. The zero value has no fields.
type table struct {
	f      *flat
	at     int
	size   int // bytes at at
	vtable int
	fields int // that the vtable knows
}

func (f *flat) table(at int) table {
	t := table{f: f, at: at, vtable: at - f.int32(at)}
	t.fields = (f.uint16(t.vtable) - 4) / 2
	t.size = f.uint16(t.vtable + 2)
	if !f.spend(8) || !f.has(at, t.size) || !f.has(t.vtable, 4+2*t.fields) || t.fields < 0 {
		f.bad = true
		return table{}
	}
	return t
}

// field is where a field of n bytes is; 0 where it has its default.
func (t table) field(slot, n int) int {
	if slot >= t.fields {
		return 0
	}
	offset := t.f.uint16(t.vtable + 4 + 2*slot)
	if offset != 0 && (offset < 4 || offset+n > t.size) {
		t.f.bad = true
	}
	if offset == 0 || t.f.bad {
		return 0
	}
	return t.at + offset
}

func (t table) byte(slot int) int {
	if at := t.field(slot, 1); at != 0 {
		return int(t.f.b[at])
	}
	return 0
}

func (t table) int16(slot int) int {
	if at := t.field(slot, 2); at != 0 {
		return int(int16(t.f.uint16(at)))
	}
	return 0
}

// int32 is a field, or its default.
func (t table) int32(slot, otherwise int) int {
	if at := t.field(slot, 4); at != 0 {
		return t.f.int32(at)
	}
	return otherwise
}

func (t table) int64(slot int) int64 {
	if at := t.field(slot, 8); at != 0 {
		return t.f.int64(at)
	}
	return 0
}

// child is the table that a field refers to.
func (t table) child(slot int) (table, bool) {
	at := t.field(slot, 4)
	if at == 0 {
		return table{}, false
	}
	c := t.f.table(t.f.indirect(at))
	return c, !t.f.bad
}

// vector is where the n elements of a vector are.
func (t table) vector(slot, size int) (at, n int) {
	field := t.field(slot, 4)
	if field == 0 {
		return 0, 0
	}
	at = t.f.indirect(field)
	n = t.f.int32(at)
	if n < 0 || n > len(t.f.b)/size || !t.f.has(at+4, n*size) {
		t.f.bad = true
		return 0, 0
	}
	return at + 4, n
}

func (t table) text(slot int) string {
	at, n := t.vector(slot, 1)
	if n == 0 || !t.f.spend(n) {
		return ""
	}
	return string(t.f.b[at : at+n])
}

// tables are those that a vector refers to.
func (t table) tables(slot int) []table {
	at, n := t.vector(slot, 4)
	var all []table
	for i := range n {
		all = append(all, t.f.table(t.f.indirect(at+4*i)))
		if t.f.bad {
			return nil
		}
	}
	return all
}
