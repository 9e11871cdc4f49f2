package gunzip

import "math/bits"

// Tables are looked up with the next bits of the input, the first of them lowest. An entry
// says how many bits it takes in its lowest 4, and what it is in the two below 256:
const (
	literals = 0 << 6 // 1 to 3 literals: their count << 4, and themselves from bit 8 on
	length   = 1 << 6 // of a match: its base from bit 8 on, the count of extra bits from bit 20 on
	blockEnd = 2 << 6
	longer   = 3 << 6 // a code of more bits than the table has, or none

	kinds    = 3 << 6
	taken    = 15
	countAt  = 4
	valueAt  = 8
	extraAt  = 20
	valueLen = 1<<(extraAt-valueAt) - 1
)

const (
	litBits  = 11
	distBits = 9
	maxBits  = 15 // of a code
)

// Entries of distances have no kind: the count of extra bits is at bit 4, the base at bit
// 8, and one that takes no bits is longer, or none.

// code is the canonical Huffman code of the lengths: what is needed to find one bit by bit.
type code struct {
	count   [maxBits + 1]uint16 // of codes of each length
	symbols [288]uint16         // by code
}

// set makes the code of lengths. It tells whether they are one, by the rules of
// compress/flate: complete, but for a single code of one bit, and for none at all.
func (c *code) set(lengths []uint8) bool {
	c.count = [maxBits + 1]uint16{}
	for _, l := range lengths {
		c.count[l]++
	}
	c.count[0] = 0
	left, total := 1, 0
	var next [maxBits + 2]uint16
	for l := 1; l <= maxBits; l++ {
		left = left<<1 - int(c.count[l])
		if left < 0 {
			return false
		}
		next[l+1] = next[l] + c.count[l]
		total += int(c.count[l])
	}
	for s, l := range lengths {
		if l != 0 {
			c.symbols[next[l]] = uint16(s)
			next[l]++
		}
	}
	return left == 0 || total == 0 || total == 1 && c.count[1] == 1
}

// find decodes a symbol from the next bits, 15 of them or as many as there are and zeros.
func (c *code) find(next uint64) (symbol, length int, ok bool) {
	value, first, index := 0, 0, 0
	for l := 1; l <= maxBits; l++ {
		value |= int(next & 1)
		next >>= 1
		n := int(c.count[l])
		if value-first < n {
			return int(c.symbols[index+value-first]), l, true
		}
		index += n
		first = (first + n) << 1
		value <<= 1
	}
	return 0, 0, false
}

// lacks tells whether what find did not find in so many bits is no code, whatever follows:
// a code that is not complete has one symbol of one bit, or none.
func (c *code) lacks(bits uint) bool { return bits >= uint(c.count[1]) }

// table fills t, whose size is a power of two, with entry(symbol) | its length for every
// code that is not too long for it, and none elsewhere.
func (c *code) table(t []uint32, none uint32, entry *[288]uint32) {
	width := bits.Len(uint(len(t))) - 1
	for i := range t {
		t[i] = none
	}
	value, index := 0, 0
	for l := 1; l <= width; l++ {
		for range c.count[l] {
			e := entry[c.symbols[index]] | uint32(l)
			for i := int(bits.Reverse16(uint16(value)) >> (16 - l)); i < len(t); i += 1 << l {
				t[i] = e
			}
			value++
			index++
		}
		value <<= 1
	}
}

// joinLiterals makes entries of two and three literals of those whose codes fit together
// into a lookup.
func joinLiterals(t *[1 << litBits]uint32) {
	// What follows an entry has a lower index, and so is not joined yet; but for that of
	// all zeros, which follows itself.
	zero := t[0]
	for i := len(t) - 1; i >= 0; i-- {
		e := t[i]
		for n := uint32(1); n < 3 && e&kinds == literals; n++ {
			used := e & taken
			next := zero
			if rest := i >> used; rest > 0 {
				next = t[rest]
			}
			if next&kinds != literals || used+next&taken > litBits {
				break
			}
			e = e + next&taken + 1<<countAt | next>>valueAt<<(valueAt+8*n)
		}
		t[i] = e
	}
}

// What symbols become, without the length of their codes.
var (
	literalEntries  = makeLiteralEntries()
	distanceEntries = makeDistanceEntries()
)

func makeLiteralEntries() *[288]uint32 {
	var e [288]uint32
	for s := range e {
		switch {
		case s < 256:
			e[s] = literals | 1<<countAt | uint32(s)<<valueAt
		case s == 256:
			e[s] = blockEnd
		case s < 265:
			e[s] = length | uint32(s-257+3)<<valueAt
		case s < 285:
			extra := (s - 261) / 4
			e[s] = length | uint32((4+(s-265)%4)<<extra+3)<<valueAt | uint32(extra)<<extraAt
		case s == 285:
			e[s] = length | 258<<valueAt
		default:
			e[s] = longer
		}
	}
	return &e
}

func makeDistanceEntries() *[288]uint32 {
	var e [288]uint32
	for s := range 30 {
		extra := max(0, s/2-1)
		base := s + 1
		if extra > 0 {
			base = (2+s%2)<<extra + 1
		}
		e[s] = uint32(base)<<valueAt | uint32(extra)<<4
	}
	return &e
}
