package arrow

import (
	"encoding/binary"
	"math"
)

// Cells are those of one column in one batch, from the first to the last.
type Cells struct {
	name   string
	of     valueType
	left   int    // cells
	at     int    // the next of them
	valid  []byte // a bit for each that is there; nil where all are
	values *stream
	bits   []byte  // of booleans
	data   *stream // texts, one behind the other
	end    int64   // of the last text in data
	views  *views
	known  known // the dictionary that values are codes of
}

// pieceRows is how many cells are decoded at a time.
const pieceRows = 2048

// cells opens the arrays of a column.
func (b *Batch) cells(column int, f *field, coded bool) (_ *Cells, err error) {
	a := &b.columns[column]
	c := &Cells{name: f.name, of: f.of, left: b.rows}
	if coded {
		c.of = f.index
	}
	defer func() {
		if err != nil {
			c.Close()
		}
	}()
	if c.of.id == typeNull {
		return c, nil
	}
	if a.nulls != 0 {
		if c.valid, err = b.bitmap(a.buffers[0]); err != nil {
			return nil, err
		}
	}
	if c.of.id == typeBool {
		c.bits, err = b.bitmap(a.buffers[1])
		return c, err
	}
	if c.values, err = b.open(a.buffers[1]); err != nil {
		return nil, err
	}
	switch {
	case coded:
		c.known, err = b.dictionary(f)
	case c.of.id == typeUtf8 || c.of.id == typeLargeUtf8:
		if c.data, err = b.open(a.buffers[2]); err == nil {
			err = c.begin()
		}
	case c.of.id == typeUtf8View:
		c.views = newViews(b, a.views)
	}
	return c, err
}

// bitmap reads a bit a row.
func (b *Batch) bitmap(s section) ([]byte, error) {
	st, err := b.open(s)
	defer st.close()
	if err != nil {
		return nil, err
	}
	return st.all((int64(b.rows) + 7) / 8)
}

// Close gives up what unpacks the column.
func (c *Cells) Close() {
	c.values.close()
	c.data.close()
}

// take counts n cells as read.
func (c *Cells) take(n int) (first int, err error) {
	if n > c.left {
		return 0, damage("a column ends too early")
	}
	c.at, c.left = c.at+n, c.left-n
	return c.at - n, nil
}

func (c *Cells) missing(i int) bool { return c.valid != nil && c.valid[i/8]>>(i%8)&1 == 0 }

// Next32 returns the next len(buf) cells of a column of numbers, NaN where they are
// missing: decoded to buf, or where they are until the next call.
func (c *Cells) Next32(buf []float32) ([]float32, error) {
	cells, err := next(c, buf)
	return cells, in(c.name, err)
}

// Next64 is Next32 in double precision.
func (c *Cells) Next64(buf []float64) ([]float64, error) {
	cells, err := next(c, buf)
	return cells, in(c.name, err)
}

func next[T float32 | float64](c *Cells, buf []T) ([]T, error) {
	first, err := c.take(len(buf))
	if err != nil {
		return nil, err
	}
	switch {
	case c.of.id == typeNull:
		for i := range buf {
			buf[i] = T(math.NaN())
		}
		return buf, nil
	case c.of.id == typeBool:
		for i := range buf {
			buf[i] = T(c.bits[(first+i)/8] >> ((first + i) % 8) & 1)
		}
	case c.known.dictionary != nil:
		err = lookUp(c, first, buf)
	case len(buf) <= pieceRows && sameNumbers[T](c.of) && c.valid == nil:
		var raw []byte
		if raw, err = c.values.take(len(buf) * c.of.bits / 8); err == nil {
			return numbersAt[T](raw, len(buf)), nil
		}
	default:
		for to := buf; len(to) > 0 && err == nil; to = to[min(len(to), pieceRows):] {
			piece := to[:min(len(to), pieceRows)]
			var raw []byte
			if raw, err = c.values.take(len(piece) * c.of.bits / 8); err == nil {
				decode(piece, raw, c.of)
			}
		}
	}
	if err != nil {
		return nil, err
	}
	if c.valid != nil {
		for i := range buf {
			if c.missing(first + i) {
				buf[i] = T(math.NaN())
			}
		}
	}
	return buf, nil
}

// integers decodes the next n cells of codes or of places of texts.
func (c *Cells) integers(n int, use func(i int, v int64)) error {
	for i := 0; i < n; i += pieceRows {
		k := min(pieceRows, n-i)
		raw, err := c.values.take(k * c.of.bits / 8)
		if err != nil {
			return err
		}
		for j := range k {
			use(i+j, integer(raw, j, c.of))
		}
	}
	return nil
}

// integer is the i-th of raw. One of 64 bits without a sign that is beyond those with one
// is -1.
func integer(raw []byte, i int, of valueType) int64 {
	switch of.bits {
	case 8:
		if of.sign {
			return int64(int8(raw[i]))
		}
		return int64(raw[i])
	case 16:
		v := binary.LittleEndian.Uint16(raw[2*i:])
		if of.sign {
			return int64(int16(v))
		}
		return int64(v)
	case 32:
		v := binary.LittleEndian.Uint32(raw[4*i:])
		if of.sign {
			return int64(int32(v))
		}
		return int64(v)
	}
	v := int64(binary.LittleEndian.Uint64(raw[8*i:]))
	if !of.sign {
		return max(v, -1)
	}
	return v
}
