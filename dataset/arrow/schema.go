package arrow

import "unicode/utf8"

// Types (Schema.fbs) that are told apart.
const (
	typeNull            = 1
	typeInt             = 2
	typeFloat           = 3
	typeBinary          = 4
	typeUtf8            = 5
	typeBool            = 6
	typeDecimal         = 7
	typeDate            = 8
	typeTime            = 9
	typeTimestamp       = 10
	typeInterval        = 11
	typeList            = 12
	typeStruct          = 13
	typeUnion           = 14
	typeFixedSizeBinary = 15
	typeFixedSizeList   = 16
	typeMap             = 17
	typeDuration        = 18
	typeLargeBinary     = 19
	typeLargeUtf8       = 20
	typeLargeList       = 21
	typeRunEndEncoded   = 22
	typeBinaryView      = 23
	typeUtf8View        = 24
	typeListView        = 25
	typeLargeListView   = 26
)

// valueType is the type of a field.
type valueType struct {
	id    int
	bits  int // of a number
	sign  bool
	scale int  // of a decimal
	dense bool // of a union
}

// field is a field of the schema.
type field struct {
	name     string
	of       valueType // of the values, of a dictionary where there is one
	coded    bool
	index    valueType // into a dictionary
	id       int64     // of it
	children []field
}

// maxDepth is how far fields may be nested.
const maxDepth = 64

// readSchema reads the fields.
func (f *File) readSchema(schema table) error {
	if schema.int16(0) != 0 {
		return unknown("are big-endian", "write the file on a little-endian machine")
	}
	for _, t := range schema.tables(1) {
		field, err := readField(t, 0)
		if err != nil {
			return err
		}
		f.fields = append(f.fields, field)
		f.Columns = append(f.Columns, field.describe())
	}
	if schema.f.bad {
		return damage("a schema that cannot be understood")
	}
	return nil
}

func readField(t table, depth int) (field, error) {
	f := field{name: t.text(0)}
	of, _ := t.child(3)
	f.of = readType(t.byte(2), of)
	if d, ok := t.child(4); ok {
		f.coded, f.id, f.index = true, d.int64(0), valueType{id: typeInt, bits: 32, sign: true}
		if index, ok := d.child(1); ok {
			f.index = readType(typeInt, index)
		}
	}
	children := t.tables(5)
	if t.f == nil || t.f.bad || depth > maxDepth || !utf8.ValidString(f.name) {
		return f, damage("a schema that cannot be understood")
	}
	for _, c := range children {
		child, err := readField(c, depth+1)
		if err != nil {
			return f, err
		}
		f.children = append(f.children, child)
	}
	return f, nil
}

func readType(id int, t table) valueType {
	v := valueType{id: id}
	switch id {
	case typeInt:
		v.bits, v.sign = t.int32(0, 0), t.byte(1) != 0
	case typeFloat:
		v.bits = 16 << min(max(t.int16(0), 0), 2)
	case typeBool:
		v.bits = 1
	case typeDecimal:
		v.bits, v.scale = t.int32(2, 128), t.int32(1, 0)
	case typeUnion:
		v.dense = t.int16(0) != 0
	}
	return v
}

// Column describes a column of the table.
type Column struct {
	Name    string
	Text    bool   // it holds texts, else numbers
	Single  bool   // its numbers are float32 or less
	Nulls   bool   // some cells are missing
	Refused string // what it holds where that is neither; "" for the rest
}

func (f *field) describe() Column {
	c := Column{Name: f.name}
	switch v := f.of; v.id {
	case typeUtf8, typeLargeUtf8, typeUtf8View:
		c.Text = true
	case typeFloat:
		c.Single = v.bits <= 32
	case typeInt:
		if !whole(v.bits) {
			c.Refused = "integers of an unknown size"
		}
	case typeDecimal:
		switch {
		case v.bits > 128:
			c.Refused = "decimals of more than 38 digits"
		case v.bits != 32 && v.bits != 64 && v.bits != 128, v.scale < -maxScale || v.scale > maxScale:
			c.Refused = "decimals of an unknown kind"
		}
	case typeBool, typeNull:
	case typeDate:
		c.Refused = "dates"
	case typeTime, typeTimestamp, typeInterval, typeDuration:
		c.Refused = "times"
	case typeBinary, typeLargeBinary, typeBinaryView, typeFixedSizeBinary:
		c.Refused = "bytes"
	default:
		c.Refused = "nested fields"
	}
	if f.coded && (!whole(f.index.bits) || f.index.id != typeInt) {
		c.Refused = "codes of an unknown size"
	}
	if f.coded && f.of.id == typeNull {
		c.Refused = "codes of nothing"
	}
	return c
}

// whole tells whether integers of so many bits are read.
func whole(bits int) bool { return bits == 8 || bits == 16 || bits == 32 || bits == 64 }

// maxScale bounds the power of ten that decimals are divided by.
const maxScale = 76
