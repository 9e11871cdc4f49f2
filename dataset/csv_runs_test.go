package dataset

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"
)

// oddTable is a table of numbers written in many ways, most of them plain, with columns of
// other roles among the features; x is what strconv makes of the features.
func oddTable(r *rand.Rand, rows, cols int, odd float64) (text string, x []float64) {
	var b strings.Builder
	newline := []string{"\n", "\r\n"}[r.IntN(2)]
	for i := range rows {
		for col := range cols {
			v := r.NormFloat64() * math.Pow(10, float64(r.IntN(6)-3))
			cell := strconv.FormatFloat(v, 'f', r.IntN(9), 64)
			if r.Float64() < odd {
				cell = []string{
					strconv.FormatFloat(v, 'e', -1, 64), strconv.FormatFloat(v, 'g', 17, 64), "+1.5", "-0", "5.", "-.5", "00012.500",
					"12345678901234567", "9007199254740993", "0.00000000000000000001",
				}[r.IntN(10)]
			}
			if col == cols/2 {
				cell = strconv.Itoa(i % 3)
			}
			if col != cols/2 && col != cols/3 {
				want, err := strconv.ParseFloat(cell, 64)
				if err != nil {
					panic(err)
				}
				x = append(x, want)
			}
			if r.Float64() < odd {
				cell = []string{`"` + cell + `"`, " " + cell, cell + "  "}[r.IntN(3)]
			}
			b.WriteString(cell)
			if col+1 < cols {
				b.WriteByte(';')
			}
		}
		if i+1 < rows || r.IntN(2) == 0 {
			b.WriteString(newline)
		}
		if r.Float64() < odd {
			b.WriteString(newline)
		}
	}
	return b.String(), x
}

// However cells are written and blocks are cut, numbers have strconv's bits: with cells in
// runs, cells that break them, and so many of these that runs are given up.
func TestCSV_RunsHaveTheBitsOfStrconv(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, shape := range [][2]int{{1, 4}, {3000, 4}, {400, 61}, {9, 3000}, {40_000, 5}} {
		for _, odd := range []float64{0, 0.003, 0.1, 1} {
			rows, cols := shape[0], shape[1]
			text, want := oddTable(r, rows, cols, odd)
			o := ReadOptions{
				Header: HeaderAbsent, Delimiter: ';', Label: strconv.Itoa(cols / 2), Ignore: []string{strconv.Itoa(cols / 3)},
				Threads: 1 + r.IntN(3), blockBytes: []int{0, 300, 20_000}[r.IntN(3)],
			}
			name := fmt.Sprintf("%d x %d, %v odd, blocks of %d", rows, cols, odd, o.blockBytes)
			d, err := readString(text, o)
			require.NoError(t, err, name)
			got := d.X.Data().([]float64)
			require.Len(t, got, len(want), name)
			for i, v := range got {
				if math.Float64bits(v) != math.Float64bits(want[i]) {
					t.Fatalf("%s: number %d is %v instead of %v", name, i, v, want[i])
				}
			}
			for i, l := range d.Labels {
				if l != int32(i%3) {
					t.Fatalf("%s: label %d is %d", name, i, l)
				}
			}
			o.Float = tensor.Float32
			d, err = readString(text, o)
			require.NoError(t, err, name)
			for i, v := range d.X.Data().([]float32) {
				if math.Float32bits(v) != math.Float32bits(float32(want[i])) {
					t.Fatalf("%s: float32 %d is %v instead of %v", name, i, v, float32(want[i]))
				}
			}
		}
	}
}

// A wrong row in the middle of many is found where it stands, whatever is wrong with it.
func TestCSV_P20_RunsEndAtWrongRows(t *testing.T) {
	good := strings.Repeat("1.25,-0.5,3,0.125,1\n", 2000)
	for row, problem := range map[string]string{
		"1.25,-0.5,3,1\n":              "the row has 4 cells where 5 are expected; every row needs as many cells as the first",
		"1.25,-0.5,3,0.125,1,1\n":      "the row has 6 cells where 5 are expected; every row needs as many cells as the first",
		"1.25,-0.5,x3,0.125,1\n":       `column "2": cannot read "x3" as a number; ` + textAdvice("2"),
		"1.25,-0.5,,0.125,1\n":         `column "2": the cell is empty; ` + missingAdvice,
		"1.25,-0.5,3,1e400,1\n":        `column "3": "1e400" is too large for float64; rescale the column`,
		"1.25,-0.5\"3,4\",0.125,1\n":   `column "1": there is a quote inside an unquoted cell; write the cell in quotes and double the quotes inside`,
		"1.25,-0.5,3,\"0.125\n\"x,1\n": `there is text after the closing quote; write the cell in quotes and double the quotes inside`,
	} {
		line := 2001
		if strings.Count(row, "\n") == 2 {
			line, problem = 2002, `column "3": `+problem
		}
		_, err := readString(good+row+good, ReadOptions{Header: HeaderAbsent})
		require.EqualError(t, err, fmt.Sprintf("t.csv:%d: %s", line, problem), "%q", row)
	}
}
