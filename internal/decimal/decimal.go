package decimal

import "unsafe"

// The assembly, where the processor has what it takes.
var (
	ends    func(positions *uint32, x *byte, n int, first uint32, delimiter byte) int
	parse32 func(numbers *float32, text *byte, start int, ends *uint32, n int, delimiter, last byte, tables *byte) int
	parse64 func(numbers *float64, text *byte, start int, ends *uint32, n int, delimiter, last byte, tables *byte) int
)

// Fast tells whether this processor reads cells faster here than number by number.
func Fast() bool { return ends != nil }

// endsSlack is how far behind the positions may be written.
const endsSlack = 15

// MaxEnds is how many positions must be held for n bytes of text.
func MaxEnds(n int) int { return n + endsSlack }

// Ends writes the positions of delimiters and newlines in text[from:to] and returns how
// many there are. positions holds MaxEnds(to-from).
func Ends(positions []uint32, text []byte, from, to int, delimiter byte) int {
	n, whole := 0, (to-from)&^63
	if ends != nil && whole > 0 {
		_, _ = positions[MaxEnds(to-from)-1], text[to-1]
		n = ends(&positions[0], &text[from], whole, uint32(from), delimiter)
		from += whole
	}
	return n + EndsGeneric(positions[n:], text, from, to, delimiter)
}

// EndsGeneric is Ends in plain Go.
func EndsGeneric(positions []uint32, text []byte, from, to int, delimiter byte) (n int) {
	for i, c := range text[from:to] {
		if c == delimiter || c == '\n' {
			positions[n] = uint32(from + i)
			n++
		}
	}
	return n
}

// Parse reads the cells of which the first starts at text[start] and the i-th ends at
// text[ends[i]], as many as there are numbers to be had: with the delimiter, the last of
// them with last. It returns how many it read. It stops early at a cell that ends
// otherwise, that is no decimal number of at most 16 bytes after its sign, whose digits
// pass 2^53, or that ends within the first 16 bytes of the text.
func Parse[T float32 | float64](numbers []T, text []byte, start int, ends []uint32, delimiter, last byte) int {
	if len(numbers) == 0 || len(ends) < len(numbers) || start < 0 || start > len(text) || int(ends[len(numbers)-1]) >= len(text) {
		return 0
	}
	switch x := any(numbers).(type) {
	case []float32:
		if parse32 != nil {
			return parse32(&x[0], &text[0], start, &ends[0], len(x), delimiter, last, &tables.zeros[0])
		}
	case []float64:
		if parse64 != nil {
			return parse64(&x[0], &text[0], start, &ends[0], len(x), delimiter, last, &tables.zeros[0])
		}
	}
	return ParseGeneric(numbers, text, start, ends, delimiter, last)
}

// ParseGeneric is Parse in plain Go, digit by digit.
func ParseGeneric[T float32 | float64](numbers []T, text []byte, start int, ends []uint32, delimiter, last byte) int {
	for i := range numbers {
		end := int(ends[i])
		if i == len(numbers)-1 {
			delimiter = last
		}
		if text[end] != delimiter || end < 16 || start > end {
			return i
		}
		cell := text[start:end]
		minus := len(cell) > 0 && cell[0] == '-'
		if minus {
			cell = cell[1:]
		}
		if len(cell) > 16 {
			return i
		}
		digits, back, count := uint64(0), 0, 0
		for k, c := range cell {
			switch {
			case c == '.' && back == 0:
				back = len(cell) - k
			case c >= '0' && c <= '9':
				digits = digits*10 + uint64(c-'0')
				count++
			default:
				return i
			}
		}
		if count == 0 || digits>>53 != 0 {
			return i
		}
		v := float64(digits) / tables.powers[back]
		if minus {
			v = -v
		}
		numbers[i] = T(v)
		start = end + 1
	}
	return len(numbers)
}

// tables are what the assembly reads, in that order.
var tables = makeTables()

type parseTables struct {
	zeros, points, nines, tens, hundreds, myriads [16]byte

	keep   [17][16]byte // ones in the last i bytes
	move   [17][16]byte // which byte comes from where, if there is a point i bytes before the end
	powers [17]float64  // 10^(i-1), what the digits are divided by then
}

var _ [640]byte = [unsafe.Offsetof(tables.powers)]byte{}

func makeTables() *parseTables {
	t := new(parseTables)
	for i := range 16 {
		t.zeros[i], t.points[i], t.nines[i] = '0', '.', 9
		// The weights of neighbours: bytes, then 16 bits, then 16 bits again.
		t.tens[i] = []byte{10, 1}[i%2]
		t.hundreds[i] = []byte{100, 0, 1, 0}[i%4]
		t.myriads[i] = []byte{10000 & 0xff, 10000 >> 8, 1, 0}[i%4]
	}
	t.powers[0], t.powers[1] = 1, 1
	for i := range 17 {
		for j := range 16 {
			if j >= 16-i {
				t.keep[i][j] = 0xff
			}
			t.move[i][j] = byte(j)
			if i > 0 && j <= 16-i {
				t.move[i][j] = byte(j) - 1 // of the first byte, 0xff: zero
			}
		}
		if i > 1 {
			t.powers[i] = t.powers[i-1] * 10
		}
	}
	return t
}
