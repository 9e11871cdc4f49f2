package dataset

import (
	"fmt"
	"io"
	"math"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding"
)

// pages walks through the cells of one column in one row group.
type pages struct {
	column *parquetColumn
	in     parquet.Pages
	page   parquet.Page
	rows   int // of the page
	at     int // the next of them

	values  any              // the page's values: a slice of their type, or codes of a dictionary
	next    int              // the next of them: behind at where cells are missing
	coded   bool             // values are codes
	missing func(i int) bool // nil where no cell of the page is

	dictionary parquet.Dictionary // the one that entries were made of
	entries    any                // the dictionary's numbers: a slice of their type, or float64
	texts      byteArrays         // or its texts
}

// booleans are booleans, eight a byte.
type booleans []byte

// byteArrays are texts one behind the other.
type byteArrays struct {
	data    []byte
	offsets []uint32
}

func (b byteArrays) at(i int) []byte { return b.data[b.offsets[i]:b.offsets[i+1]] }

// decimals are integers of size bytes each, the highest first.
type decimals struct {
	data []byte
	size int
}

// at is the nearest float64 to the i-th.
func (d decimals) at(i int) float64 {
	b := d.data[i*d.size : (i+1)*d.size]
	high := int64(int8(b[0])) >> 7 // the sign fills what b leaves out
	low := uint64(high)
	for _, v := range b {
		high, low = high<<8|int64(low>>56), low<<8|uint64(v)
	}
	if high == int64(low)>>63 {
		return float64(int64(low))
	}
	return float64(high)*0x1p64 + float64(low)
}

// codes are cells given as indices into a dictionary.
type codes []int32

// Close gives the pages up.
func (s *pages) Close() {
	if s.page != nil {
		parquet.Release(s.page)
	}
	_ = s.in.Close() // nothing was written
}

// ready turns the page where it is read to its end and returns the number of rows left
// in it.
func (s *pages) ready() (int, error) {
	for s.at == s.rows {
		if s.page != nil {
			parquet.Release(s.page)
			s.page = nil
		}
		page, err := s.in.ReadPage()
		if err == io.EOF {
			return 0, parquetDamage(fmt.Sprintf("column %q has fewer cells than there are rows", s.column.name))
		}
		if err != nil {
			return 0, &ReadError{Column: s.column.name, Problem: "cannot read its cells: " + err.Error(), Advice: "the file is damaged, or packed in a way not known here", Err: err}
		}
		s.open(page)
	}
	return s.rows - s.at, nil
}

func (s *pages) open(page parquet.Page) {
	s.page, s.rows, s.at, s.next, s.coded, s.missing = page, int(page.NumRows()), 0, 0, false, nil
	if page.NumNulls() > 0 {
		levels := page.DefinitionLevels()
		s.missing = func(i int) bool { return levels[i] == 0 }
	}
	data := page.Data()
	d := page.Dictionary()
	if d == nil {
		s.values = valuesOf(data, s.column)
		return
	}
	s.values, s.coded = codes(data.Int32()), true
	if d == s.dictionary {
		return
	}
	s.dictionary, s.texts = d, byteArrays{}
	switch entries := valuesOf(d.Page().Data(), s.column).(type) {
	case byteArrays:
		s.texts = entries
	case []float32:
		s.entries = entries
	default:
		numbers := make([]float64, d.Len())
		numbersOf(entries, 0, numbers, nil)
		scale(numbers, s.column.divisor)
		s.entries = numbers
	}
}

// valuesOf is data as a slice of the column's type.
func valuesOf(data encoding.Values, c *parquetColumn) any {
	switch c.kind {
	case parquet.Boolean:
		return booleans(data.Boolean())
	case parquet.Int32:
		if c.unsigned {
			return data.Uint32()
		}
		return data.Int32()
	case parquet.Int64:
		if c.unsigned {
			return data.Uint64()
		}
		return data.Int64()
	case parquet.Float:
		return data.Float()
	case parquet.Double:
		return data.Double()
	case parquet.FixedLenByteArray:
		b, size := data.FixedLenByteArray()
		return decimals{b, size}
	}
	b, offsets := data.ByteArray()
	return byteArrays{b, offsets}
}

// scale makes decimals of integers.
func scale[T float32 | float64](v []T, divisor float64) {
	if divisor == 1 {
		return
	}
	for i := range v {
		v[i] = T(float64(v[i]) / divisor)
	}
}

// numbersOf writes the values from the i-th on, or the dictionary's where they are codes, to
// dst.
func numbersOf[T float32 | float64](values any, i int, dst []T, dictionary any) {
	n := len(dst)
	switch v := values.(type) {
	case codes:
		if entries, ok := dictionary.([]float32); ok {
			lookUp(dst, v[i:i+n], entries)
		} else {
			lookUp(dst, v[i:i+n], dictionary.([]float64))
		}
	case booleans:
		for k := range dst {
			dst[k] = T(v[(i+k)/8] >> ((i + k) % 8) & 1)
		}
	case decimals:
		for k := range dst {
			dst[k] = T(v.at(i + k))
		}
	case []int32:
		convertTo(dst, v[i:i+n])
	case []uint32:
		convertTo(dst, v[i:i+n])
	case []int64:
		convertTo(dst, v[i:i+n])
	case []uint64:
		convertTo(dst, v[i:i+n])
	case []float32:
		convertTo(dst, v[i:i+n])
	case []float64:
		convertTo(dst, v[i:i+n])
	}
}

func lookUp[S, T float32 | float64](dst []T, codes codes, entries []S) {
	for k, code := range codes {
		dst[k] = T(entries[code])
	}
}

func convertTo[S int32 | uint32 | int64 | uint64 | float32 | float64, T float32 | float64](dst []T, src []S) {
	for k, v := range src {
		dst[k] = T(v)
	}
}

// Next32 implements cellReader.
func (s *pages) Next32(buf []float32) ([]float32, error) { return nextOfPages(s, buf) }

// Next64 implements cellReader.
func (s *pages) Next64(buf []float64) ([]float64, error) { return nextOfPages(s, buf) }

// nextOfPages returns the next cells where they are in their page, if they are numbers of
// that type, else decoded to buf.
func nextOfPages[T float32 | float64](s *pages, buf []T) ([]T, error) {
	for done := 0; done < len(buf); {
		left, err := s.ready()
		if err != nil {
			return nil, err
		}
		n := min(left, len(buf)-done)
		to := buf[done : done+n]
		if s.missing != nil {
			for k := range to {
				if to[k] = T(math.NaN()); !s.missing(s.at + k) {
					numbersOf(s.values, s.next, to[k:k+1], s.entries)
					s.next++
				}
			}
		} else if same, ok := s.values.([]T); ok && n == len(buf) {
			s.at, s.next = s.at+n, s.next+n
			return same[s.next-n : s.next], nil
		} else {
			numbersOf(s.values, s.next, to, s.entries)
			s.next += n
		}
		if !s.coded {
			scale(to, s.column.divisor)
		}
		s.at += n
		done += n
	}
	return buf, nil
}

// Texts implements cellReader.
func (s *pages) Texts(n int, use func(text []byte)) error {
	for n > 0 {
		left, err := s.ready()
		if err != nil {
			return err
		}
		for k := range min(left, n) {
			if s.missing != nil && s.missing(s.at+k) {
				use(nil)
				continue
			}
			var text []byte
			switch v := s.values.(type) {
			case codes:
				text = s.texts.at(int(v[s.next]))
			case byteArrays:
				text = v.at(s.next)
			}
			if text == nil {
				text = []byte{}
			}
			s.next++
			use(text)
		}
		s.at += min(left, n)
		n -= min(left, n)
	}
	return nil
}
