package arrow

import "encoding/binary"

// maxText bounds the bytes of one text: as a category nobody needs more, and one is held in
// memory at a time.
const maxText = 1 << 20

// views are the texts of a typeUtf8View: 16 bytes each, with the text in them or its place
// in one of several buffers, which are read as a whole.
type views struct {
	batch    *Batch
	sections []section
	bytes    [][]byte // of those that were asked for
	room     int64    // for more of them
}

// The buffers of a batch's views, which are held in memory, may be unpacked to so many
// bytes, and so many for each packed one.
const (
	viewMemory = 64 << 20
	viewRatio  = 256
)

func newViews(b *Batch, sections []section) *views {
	v := &views{batch: b, sections: sections, bytes: make([][]byte, len(sections)), room: viewMemory}
	for _, s := range sections {
		v.room += viewRatio * s.n
	}
	return v
}

func (v *views) text(cell []byte) ([]byte, error) {
	n := int(int32(binary.LittleEndian.Uint32(cell)))
	switch {
	case n < 0 || n > maxText:
		return nil, longText(int64(n))
	case n <= 12:
		return cell[4 : 4+n], nil
	}
	k, at := int(int32(binary.LittleEndian.Uint32(cell[8:]))), int(int32(binary.LittleEndian.Uint32(cell[12:])))
	if k < 0 || k >= len(v.bytes) {
		return nil, damage("a text in buffer %d of %d", k, len(v.bytes))
	}
	if v.bytes[k] == nil {
		s, err := v.batch.open(v.sections[k])
		defer s.close()
		if err != nil {
			return nil, err
		}
		if v.room -= s.left; v.room < 0 {
			return nil, &Error{Problem: "its texts are too long", Advice: "leave the column out with --ignore"}
		}
		if v.bytes[k], err = s.all(s.left); err != nil {
			return nil, err
		}
	}
	if at < 0 || at > len(v.bytes[k])-n {
		return nil, damage("a text at %d of %d bytes", at, len(v.bytes[k]))
	}
	return v.bytes[k][at : at+n], nil
}

func longText(n int64) error {
	if n < 0 {
		return damage("a text of %d bytes", n)
	}
	return &Error{Problem: "its texts are too long", Advice: "leave the column out with --ignore"}
}

// begin reads where the first text begins.
func (c *Cells) begin() error {
	if c.of.bits = 32; c.of.id == typeLargeUtf8 {
		c.of.bits = 64
	}
	c.of.sign = true
	raw, err := c.values.take(c.of.bits / 8)
	if err != nil {
		return err
	}
	if c.end = integer(raw, 0, c.of); c.end < 0 {
		return damage("a text at %d", c.end)
	}
	return c.data.skip(c.end)
}

// Texts calls use with each of the next n cells of a column of text, nil where it is
// missing. Texts stay until the next one. They may be other than UTF-8.
func (c *Cells) Texts(n int, use func(text []byte)) error {
	return in(c.name, c.nextTexts(n, use))
}

func (c *Cells) nextTexts(n int, use func(text []byte)) error {
	first, err := c.take(n)
	switch {
	case err != nil:
		return err
	case c.known.dictionary != nil:
		return c.codedTexts(first, n, use)
	}
	for done := 0; done < n; done += pieceRows {
		k := min(pieceRows, n-done)
		size := c.of.bits / 8
		if c.views != nil {
			size = 16
		}
		raw, err := c.values.take(k * size)
		if err != nil {
			return err
		}
		for i := range k {
			var text []byte
			missing := c.missing(first + done + i)
			switch {
			case c.views == nil:
				text, err = c.nextText(integer(raw, i, c.of), missing)
			case !missing:
				text, err = c.views.text(raw[16*i : 16*i+16])
			}
			if err != nil {
				return err
			}
			if missing {
				text = nil
			}
			use(text)
		}
	}
	return nil
}

// nextText is the text up to end.
func (c *Cells) nextText(end int64, missing bool) ([]byte, error) {
	n := end - c.end
	c.end = end
	switch {
	case n < 0:
		return nil, longText(n)
	case missing:
		return nil, c.data.skip(n)
	case n > maxText:
		return nil, longText(n)
	case n == 0:
		return []byte{}, nil
	}
	return c.data.take(int(n))
}
