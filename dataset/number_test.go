package dataset

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// checkDecimal holds parseDecimal, where it decides, to strconv.ParseFloat bit for
// bit, and parseNumber always. It tells whether parseDecimal decided.
func checkDecimal(t require.TestingT, text string) bool {
	want, err := strconv.ParseFloat(text, 64)
	for _, follower := range []string{",", "\n", " x", ""} {
		b := append([]byte(text+follower), make([]byte, numberPad)...)
		got, end := parseDecimal(b, 0)
		if end < 0 {
			continue
		}
		if end != len(text) { // it stopped early: what it read must be a number itself
			require.Less(t, end, len(text))
			want, err := strconv.ParseFloat(text[:end], 64)
			require.NoError(t, err, text)
			require.Equal(t, math.Float64bits(want), math.Float64bits(got), text)
			continue
		}
		require.NoError(t, err, text)
		require.Equal(t, math.Float64bits(want), math.Float64bits(got), text)
	}
	if got, ok := parseNumber([]byte(text)); ok {
		require.Equal(t, math.Float64bits(want), math.Float64bits(got), text)
	} else if err == nil {
		require.True(t, strings.ContainsAny(strings.ToLower(text), "xin_"), "%q is a number", text)
	}
	_, end := parseDecimal(append([]byte(text+","), make([]byte, numberPad)...), 0)
	return end == len(text)
}

func TestNumber_BitEqualToStrconv_HardCases(t *testing.T) {
	cases := []string{
		"0", "-0", "+0", "0.0", "-0.0e5", "1", "-1", ".5", "5.", ".", "", "-", "+", "e", "1e", "1e+", "1e-", "-.5e-3", "--1", "+-1", "1.2.3", "1e5e5",
		"9007199254740991", "9007199254740992", "9007199254740993", "9007199254740994", "9007199254740995", "9007199254740993.0", "900719925474099.3e1",
		"18446744073709551615", "18446744073709551616", "9999999999999999999", "99999999999999999999", "1844674407370955161.5", "0.99999999999999999",
		"1e22", "1e23", "1e-22", "1e-23", "9007199254740993e22", "9007199254740993e-22", "8.442911973260991817129021e-309",
		"2.2250738585072012e-308", "2.2250738585072011e-308", "4.9e-324", "5e-324", "2e-324", "1e-400", "1.7976931348623157e308", "1.7976931348623159e308", "1e309", "1e400", "-1e400",
		"1e0000000000000000000022", "1e000", "1e100", "1e-100", "1e1000", "1e99999999999999999999",
		"12345678", "123456789", "1234567890123456", "12345678901234567", "1234567890123456789", "0.12345678", "0.123456789", "12345678.12345678", "1.2345678901234567",
		"0.000000000000000000000000000001", "000000000000000000000000000001", "0.1", "0.3", "2.675", "1.005", "179769313486231570000000000000000000000",
		"7.1202363472230444e-307", "123456789012345680e-30", "4503599627370496.5", "4503599627370497.5", "4503599627370496.500000000000001",
		"1_000", "0x1p-2", "inf", "-Inf", "nan", "NaN", "Infinity", "1e5x", "1/2", "1:2", "1.5:", "\xb0", "1\xb0", "1\xff\xff\xff\xff\xff\xff\xff\xff2",
	}
	for _, text := range cases {
		checkDecimal(t, text)
	}
}

// Numbers as programs write them: shortest, fixed, scientific; random digits around
// every power of two and ten; and half-way points between neighbours.
func TestNumber_BitEqualToStrconv_Random(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	fast, all := 0, 0
	count := func(ok bool) {
		all++
		if ok {
			fast++
		}
	}
	for range 200_000 {
		v := random.NormFloat64() * math.Pow(10, float64(random.IntN(30)-15))
		count(checkDecimal(t, strconv.FormatFloat(v, 'g', -1, 64)))
		count(checkDecimal(t, strconv.FormatFloat(v, "efg"[random.IntN(3)], random.IntN(19), 64)))
	}
	require.Greater(t, float64(fast)/float64(all), 0.8, "the fast path must take ordinary numbers")
	for range 100_000 {
		v := math.Float64frombits(random.Uint64())
		checkDecimal(t, strconv.FormatFloat(v, 'e', random.IntN(20), 64))
		checkDecimal(t, fmt.Sprintf("%d.%de%d", random.Uint64()>>random.IntN(64), random.Uint64()>>random.IntN(64), random.IntN(80)-40))
		checkDecimal(t, fmt.Sprintf("%de%d", random.Uint64()>>random.IntN(64), random.IntN(140)-70))
		// 2^53 + odd halves of an ulp: exactly between two float64.
		m := 1<<53 + random.Uint64N(1<<53)
		checkDecimal(t, fmt.Sprintf("%d", 2*m+1))
		checkDecimal(t, fmt.Sprintf("%d.5", m>>1|1<<52))
		checkDecimal(t, fmt.Sprintf("%de%d", (2*m+1)%1_000_000_000_000_000_000, -random.IntN(30)))
	}
}

func FuzzNumber(f *testing.F) {
	f.Add("1.5e-3")
	f.Add("9007199254740993")
	f.Fuzz(func(t *testing.T, text string) { checkDecimal(t, text) })
}
