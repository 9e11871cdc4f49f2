package dataset

import (
	"encoding/binary"
	"math"
	"math/big"
	"math/bits"
	"strconv"
	"unsafe"
)

// numberPad is how many readable bytes must follow the text of a number.
const numberPad = 8

// parseDecimal reads the decimal number at b[p:] and returns it with the position
// after it. It handles what can be decided fast, up to 19 digits, a small
// exponent and no plus sign; otherwise, and where there is no number, end is -1 and the caller turns
// to parseNumber. Where it succeeds the value is bit-equal to strconv.ParseFloat's.
//
// numberPad bytes must be readable after the number's end.
func parseDecimal(b []byte, p int) (v float64, end int) {
	minus := (uint64(b[p]^'-') - 1) >> 63 // 1 or 0: the sign is a coin toss, no branch foretells it
	p += int(minus)
	mant, k := digits(b, p)
	p += k
	count := k
	for k == 8 {
		var m uint64
		m, k = digits(b, p)
		p += k
		count += k
		mant = mant*uintPow10[k] + m
	}
	exp10 := 0
	if b[p] == '.' {
		p++
		for k = 8; k == 8; {
			var m uint64
			m, k = digits(b, p)
			p += k
			exp10 -= k
			mant = mant*uintPow10[k] + m
		}
		count -= exp10
	}
	if count == 0 || count > 19 { // 19 digits always fit 64 bits
		return 0, -1
	}
	if b[p]|0x20 == 'e' {
		var e int
		if e, p = exponent(b, p+1); p < 0 {
			return 0, -1
		}
		exp10 += e
	}
	// Up to 2^53 and 10^22 both operands are exact, and the result is rounded once
	// (Clinger 1990).
	if mant <= 1<<53 && -22 <= exp10 && exp10 <= 22 {
		v = float64(mant)
		if exp10 < 0 {
			v /= floatPow10[-exp10]
		} else {
			v *= floatPow10[exp10]
		}
	} else {
		var ok bool
		if v, ok = scaleDecimal(mant, exp10); !ok {
			return 0, -1
		}
	}
	return math.Float64frombits(math.Float64bits(v) | minus<<63), p
}

// digits reads the at most 8 decimal digits at b[p:] in one go: the value of the
// first k bytes, as far as they are digits.
func digits(b []byte, p int) (value uint64, k int) {
	m := binary.LittleEndian.Uint64(b[p:]) ^ 0x3030303030303030 // '0'..'9' become 0..9
	other := ((m + 0x7676767676767676) | m) & 0x8080808080808080
	k = bits.TrailingZeros64(other) >> 3
	m <<= uint(64 - 8*k) // zeros in front, the bytes after the digits drop out
	m = m*10 + m>>8      // pairs of digits in every second byte
	const pairs = 0x000000ff000000ff
	m = ((m&pairs)*(100+1000000<<32) + (m>>16&pairs)*(1+10000<<32)) >> 32
	return m & 0xffffffff, k
}

// exponent reads a sign and up to 3 digits; end is -1 where there are none or more.
func exponent(b []byte, p int) (e, end int) {
	negative := b[p] == '-'
	if negative || b[p] == '+' {
		p++
	}
	m, k := digits(b, p)
	if k == 0 || k > 3 {
		return 0, -1
	}
	if negative {
		return -int(m), p + k
	}
	return int(m), p + k
}

// scaleDecimal returns mant * 10^exp10 rounded to nearest even, or false where 64
// bits of the power do not decide the rounding.
//
// Eisel and Lemire's method: Lemire, Number parsing at a gigabyte per second (2021),
// section 5, without its second, wider product.
func scaleDecimal(mant uint64, exp10 int) (float64, bool) {
	if mant == 0 {
		return 0, true
	}
	if exp10 < minScale || exp10 > maxScale {
		return 0, false
	}
	zeros := bits.LeadingZeros64(mant)
	mant <<= zeros
	// 217706/2^16 is log2(10), exact enough for the floor over this range.
	exp2 := (217706*exp10)>>16 + 64 + 1023 - zeros
	hi, lo := bits.Mul64(mant, scaleMantissa[exp10-minScale])
	if hi&0x1ff == 0x1ff && lo+mant < mant {
		return 0, false // the cut-off bits of the power might carry into the result
	}
	top := int(hi >> 63)
	m := hi >> (top + 9) // 54 bits
	exp2 -= 1 - top
	if lo == 0 && hi&0x1ff == 0 && m&3 == 1 {
		return 0, false // half-way between two numbers, if the power is exact
	}
	m += m & 1
	m >>= 1
	if m>>53 > 0 {
		m >>= 1
		exp2++
	}
	return math.Float64frombits(uint64(exp2)<<52 | m&(1<<52-1)), true
}

const (
	minScale = -60
	maxScale = 60
)

var (
	uintPow10     = [...]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8}
	floatPow10    = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}
	scaleMantissa = scaleMantissas()
)

// scaleMantissas returns the leading 64 bits of each power of ten, rounded down.
func scaleMantissas() (table [maxScale - minScale + 1]uint64) {
	for e := range table {
		power := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(e+minScale, -e-minScale))), nil)
		if e+minScale < 0 {
			power.Quo(new(big.Int).Lsh(big.NewInt(1), 64+uint(power.BitLen())), power)
		} else {
			power.Lsh(power, 64)
		}
		table[e] = new(big.Int).Rsh(power, uint(power.BitLen()-64)).Uint64()
	}
	return table
}

// parseNumber reads all of text as a finite decimal number, as strconv.ParseFloat
// does; the words for infinity and NaN, hexadecimal and underscores are no numbers.
// Beyond the range of float64 the value is infinite.
func parseNumber(text []byte) (v float64, ok bool) {
	if len(text) == 0 {
		return 0, false
	}
	for _, c := range text {
		if (c < '0' || c > '9') && c != '.' && c != '-' && c != '+' && c|0x20 != 'e' {
			return 0, false
		}
	}
	v, err := strconv.ParseFloat(unsafe.String(&text[0], len(text)), 64)
	return v, err == nil || math.IsInf(v, 0)
}
