package decimal

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// some 16 bytes before the first cell, which is where Parse starts to look.
const front = "0123456789abcde\n"

func endsOf(text []byte, delimiter byte) []uint32 {
	positions := make([]uint32, MaxEnds(len(text)))
	return positions[:Ends(positions, text, 0, len(text), delimiter)]
}

// Delimiters and newlines in any number and place, at any alignment.
func TestEnds(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, share := range []float64{0, 0.02, 0.15, 0.5, 1} {
		for n := range 300 {
			text := make([]byte, n)
			for i := range text {
				text[i] = byte(random.Uint32())
				if random.Float64() < share {
					text[i] = []byte{';', '\n'}[random.IntN(2)]
				}
			}
			from := random.IntN(n + 1)
			got, want := make([]uint32, MaxEnds(n)), make([]uint32, MaxEnds(n))
			k := Ends(got[:MaxEnds(n-from)], text, from, n, ';')
			require.Equal(t, want[:EndsGeneric(want, text, from, n, ';')], got[:k])
		}
	}
}

// checkCell holds both forms to strconv: what they take has its bits, and they take the
// same.
func checkCell[T float32 | float64](t *testing.T, cell string) (taken bool) {
	text := append(append([]byte(front), cell...), "\n................"...)
	stops := []uint32{uint32(len(front) + len(cell))}
	guarded, twin := []T{7, 7, 7}, []T{7}
	n := Parse(guarded[1:2], text, len(front), stops, ',', '\n')
	require.Equal(t, ParseGeneric(twin, text, len(front), stops, ',', '\n'), n, "%q", cell)
	require.Equal(t, []T{7, 7}, []T{guarded[0], guarded[2]}, "%q", cell)
	if n == 0 {
		return false
	}
	want, err := strconv.ParseFloat(cell, 64)
	require.NoError(t, err, "%q", cell)
	require.Equal(t, math.Float64bits(float64(T(want))), math.Float64bits(float64(guarded[1])), "%q", cell)
	require.Equal(t, math.Float64bits(float64(T(want))), math.Float64bits(float64(twin[0])), "%q", cell)
	return true
}

func TestParse_EqualsStrconv(t *testing.T) {
	for _, cell := range []string{"0", "-0", "0.0", "-0.0", "1", "-1", "12345678", "1234567890123456", "-1234567890123456", "0.1", ".5", "5.", "-.5", "-5.",
		"0.12345678901234", ".123456789012345", "123456789012345.", "9007199254740991", "0000000000000001", "1.7976931", "00.5", "-000000.000000001"} {
		require.True(t, checkCell[float64](t, cell), "%q", cell)
		checkCell[float32](t, cell)
	}
	for _, cell := range []string{"", "-", ".", "-.", "--1", "+1", "1-", "1e5", "1E5", "1..2", "1.2.3", ".1.", " 1", "1 ", "1\r", "0x1", "1_0", "nan", "inf", "NA", "a", "\"1\"", "1:2", "/", "12345678901234567",
		"9007199254740992", "9999999999999999", "1\x00", "\xb1", "1/2"} {
		require.False(t, checkCell[float64](t, cell), "%q", cell)
		checkCell[float32](t, cell)
	}
	random := rand.New(rand.NewPCG(3, 4))
	for range 200_000 {
		v := random.NormFloat64() * math.Pow(10, float64(random.IntN(9)-3))
		format, precision := []byte{'f', 'g'}[random.IntN(2)], random.IntN(12)-1
		cell := strconv.FormatFloat(v, format, precision, 64)
		checkCell[float64](t, cell)
		checkCell[float32](t, cell)
	}
}

// Rows of a table: as many cells as there are up to the first that is no such number, or
// ends otherwise than asked for, whatever stands around.
func TestParse_StopsAtTheFirstThatIsNone(t *testing.T) {
	for _, c := range []struct {
		cells string
		n     int
	}{
		{"1,2.5,-3,4\n", 4}, {"1,2.5,-3e1,4\n", 2}, {"x,2,3,4\n", 0}, {"1,2,3\n4\n", 2}, {"1,2,3,4,", 3}, {"1,2,3,\n", 3}, {"1,,3,4\n", 1}, {"\"1\",2,3,4\n", 0},
	} {
		text := append(append([]byte(front), c.cells...), make([]byte, 16)...)
		stops := endsOf(text, ',')[1:]
		numbers, twin := make([]float32, 4), make([]float32, 4)
		require.Equal(t, c.n, Parse(numbers, text, len(front), stops, ',', '\n'), "%q", c.cells)
		require.Equal(t, c.n, ParseGeneric(twin, text, len(front), stops, ',', '\n'), "%q", c.cells)
		require.Equal(t, twin, numbers)
	}
	require.Zero(t, Parse(make([]float64, 1), []byte("1,2\n"), 0, []uint32{1}, ',', ','), "nothing is before the first 16 bytes")
	require.Zero(t, Parse(make([]float64, 2), []byte(front+"1,2\n"), 16, []uint32{17}, ',', ','), "fewer ends than numbers")
	require.Zero(t, Parse(make([]float64, 1), []byte(front+"1,"), 16, []uint32{18}, ',', ','), "an end behind the text")
}

func FuzzParse(f *testing.F) {
	for _, cell := range []string{"1.25", "-0.0078125", "1e5", "9007199254740993", "", "12..5", "1\r", "\x00"} {
		f.Add(cell)
	}
	f.Fuzz(func(t *testing.T, cell string) {
		checkCell[float64](t, cell)
		checkCell[float32](t, cell)
	})
}

// BenchmarkParse reads rows of 28 numbers of 7 digits.
func BenchmarkParse(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	const cols, rows = 28, 800
	text := []byte(front)
	for range rows {
		for range cols {
			text = append(strconv.AppendFloat(text, random.NormFloat64(), 'g', 7, 64), ',')
		}
		text[len(text)-1] = '\n'
	}
	positions, numbers := make([]uint32, MaxEnds(len(text))), make([]float32, cols)
	for _, form := range []struct {
		name  string
		ends  func(positions []uint32, text []byte, from, to int, delimiter byte) int
		parse func(numbers []float32, text []byte, start int, ends []uint32, delimiter, last byte) int
	}{{"AVX2", Ends, Parse[float32]}, {"generic", EndsGeneric, ParseGeneric[float32]}} {
		b.Run(form.name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				stops := positions[:form.ends(positions, text, 0, len(text), ',')]
				start, stops := int(stops[0])+1, stops[1:]
				for ; len(stops) >= cols; stops = stops[cols:] {
					form.parse(numbers, text, start, stops, ',', '\n')
					start = int(stops[cols-1]) + 1
				}
			}
		})
	}
}
