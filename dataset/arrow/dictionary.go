package arrow

import (
	"bytes"
	"math"
	"sync"
)

// dictionary is the entries that the codes of a column refer to. Batches of a stream add
// to it, between record batches; another dictionary of the same number takes its place.
type dictionary struct {
	parts []*Batch
	of    *field
	once  sync.Once
	err   error

	ends    []int // of the parts among the entries
	texts   [][]byte
	numbers []float64
}

// known is what is known of a dictionary when a batch comes: its first parts.
type known struct {
	*dictionary
	parts int
}

// The entries of a dictionary may take so many bytes, and so many for each of the file's.
const (
	dictionaryMemory = 64 << 20
	dictionaryRatio  = 32
)

// addDictionary takes a dictionary, or what is added to one. Those of columns that are
// not read are passed by.
func (f *File) addDictionary(m *message) error {
	id, delta := m.table.int64(0), m.table.byte(2) != 0
	data, ok := m.table.child(1)
	if !ok {
		return damage("a dictionary that cannot be understood")
	}
	var of *field
	for i := range f.fields {
		if f.fields[i].coded && f.fields[i].id == id && f.Columns[i].Refused == "" {
			of = &f.fields[i]
			break
		}
	}
	if of == nil {
		return nil
	}
	values := field{name: of.name, of: of.of, children: of.children}
	b, err := f.batch(m, data, []field{values})
	if err == nil && b.rows > 0 {
		err = b.check(0, &values, false)
	}
	if err != nil {
		return in(of.name, err)
	}
	d := f.dictionaries[id]
	switch {
	case d == nil || !delta && !f.final:
		d = &dictionary{of: &values}
		f.dictionaries[id] = d
	case !delta:
		return in(of.name, damage("two dictionaries for one column of a file"))
	}
	d.parts = append(d.parts, b)
	return nil
}

// knownNow is what is known of all dictionaries.
func (f *File) knownNow() map[int64]known {
	if len(f.dictionaries) == 0 {
		return nil
	}
	all := make(map[int64]known, len(f.dictionaries))
	for id, d := range f.dictionaries {
		all[id] = known{d, len(d.parts)}
	}
	return all
}

// dictionary is that of a column, read once.
func (b *Batch) dictionary(f *field) (known, error) {
	k, ok := b.known[f.id]
	switch {
	case !ok:
		return k, damage("its dictionary is missing")
	case k.of.of != f.of:
		return k, damage("its dictionary is that of a column of another type")
	}
	k.once.Do(func() { k.err = k.read() })
	return k, k.err
}

func (d *dictionary) read() error {
	n, text := 0, d.of.describe().Text
	room := dictionaryMemory + dictionaryRatio*d.parts[0].file.size
	for _, b := range d.parts {
		if b.rows > 0 {
			c, err := b.cells(0, d.of, false)
			if err != nil {
				return err
			}
			if text {
				err = c.Texts(b.rows, func(t []byte) {
					if room -= int64(len(t)) + 24; room > 0 {
						d.texts = append(d.texts, bytes.Clone(t))
					}
				})
			} else if room -= 8 * int64(b.rows); room > 0 {
				err = d.addNumbers(c, b.rows)
			}
			c.Close()
			if err != nil {
				return err
			}
			if room <= 0 {
				return &Error{Problem: "its dictionary is too large", Advice: "leave the column out with --ignore"}
			}
		}
		n += b.rows
		d.ends = append(d.ends, n)
	}
	return nil
}

// addNumbers reads n entries, for which memory is taken as they come.
func (d *dictionary) addNumbers(c *Cells, n int) error {
	var piece [pieceRows]float64
	for n > 0 {
		cells, err := c.Next64(piece[:min(n, pieceRows)])
		if err != nil {
			return err
		}
		d.numbers = append(d.numbers, cells...)
		n -= len(cells)
	}
	return nil
}

// entries is how many there are.
func (k known) entries() int64 { return int64(k.ends[k.parts-1]) }

// lookUp decodes codes of numbers.
func lookUp[T float32 | float64](c *Cells, first int, dst []T) error {
	n, bad, wrong := c.known.entries(), false, int64(0)
	err := c.integers(len(dst), func(i int, code int64) {
		switch {
		case code >= 0 && code < n:
			dst[i] = T(c.known.numbers[code])
		case c.missing(first + i):
			dst[i] = T(math.NaN())
		default:
			bad, wrong = true, code
		}
	})
	if err == nil && bad {
		return damage("entry %d of a dictionary of %d", wrong, n)
	}
	return err
}

// codedTexts is Texts of codes.
func (c *Cells) codedTexts(first, n int, use func(text []byte)) error {
	entries, bad, wrong := c.known.entries(), false, int64(0)
	err := c.integers(n, func(i int, code int64) {
		switch {
		case bad:
		case c.missing(first + i):
			use(nil)
		case code >= 0 && code < entries:
			use(c.known.texts[code])
		default:
			bad, wrong = true, code
		}
	})
	if err == nil && bad {
		return damage("entry %d of a dictionary of %d", wrong, entries)
	}
	return err
}
