package dataset

import (
	"bytes"
	"encoding/csv"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// What encoding/csv and strconv write is read back exactly, in blocks of any size.
func TestCSV_RoundTrip(t *testing.T) {
	finite := rapid.OneOf(
		rapid.Float64().Filter(func(v float64) bool { return !math.IsInf(v, 0) && !math.IsNaN(v) }),
		rapid.Map(rapid.Int(), func(i int) float64 { return float64(i) }),
		rapid.Map(rapid.IntRange(-99999, 99999), func(i int) float64 { return float64(i) / 1000 }),
	)
	label := rapid.SampledFrom([]string{"a", "b c", "x,y", "x;y", "q\"q", "\"", "line\nbreak", "ü", "-1", "2.0", " lead", "tab\tbed"})
	rapid.Check(t, func(t *rapid.T) {
		rows, cols := rapid.IntRange(1, 20).Draw(t, "rows"), rapid.IntRange(1, 5).Draw(t, "cols")
		x := rapid.SliceOfN(finite, rows*cols, rows*cols).Draw(t, "x")
		labels := rapid.SliceOfN(label, rows, rows).Draw(t, "labels")
		at := rapid.IntRange(0, cols).Draw(t, "label column")
		header := rapid.Bool().Draw(t, "header")

		var text bytes.Buffer
		w := csv.NewWriter(&text)
		w.Comma = rapid.SampledFrom([]rune{',', ';', '\t'}).Draw(t, "delimiter")
		w.UseCRLF = rapid.Bool().Draw(t, "CRLF")
		if header {
			names := make([]string, cols)
			for j := range names {
				names[j] = "name " + strconv.Itoa(j)
			}
			require.NoError(t, w.Write(slices.Insert(names, at, "the label")))
		}
		for i := range rows {
			record := make([]string, cols)
			for j := range record {
				record[j] = strconv.FormatFloat(x[i*cols+j], "eg"[rapid.IntRange(0, 1).Draw(t, "form")], -1, 64)
			}
			require.NoError(t, w.Write(slices.Insert(record, at, labels[i])))
		}
		w.Flush()
		whole := text.String()
		if rapid.Bool().Draw(t, "drop the last newline") {
			whole = strings.TrimSuffix(strings.TrimSuffix(whole, "\n"), "\r")
		}

		o := ReadOptions{
			Label: strconv.Itoa(at), Delimiter: byte(w.Comma), Header: HeaderAbsent,
			blockBytes: rapid.IntRange(1, len(whole)).Draw(t, "block"), Threads: rapid.IntRange(1, 4).Draw(t, "threads"),
		}
		if header {
			o.Header = HeaderPresent
		}
		d, err := readString(whole, o)
		require.NoError(t, err, "%q", whole)
		require.Equal(t, x, d.X.Data())
		codes, classes, err := Encode(labels)
		require.NoError(t, err)
		if w.UseCRLF { // the writer does the same to newlines inside quotes
			for k, name := range classes.Names {
				classes.Names[k] = strings.ReplaceAll(name, "\n", "\r\n")
			}
		}
		require.Equal(t, classes, d.Classes)
		require.Equal(t, codes, d.Labels)
	})
}

// FuzzCSV holds the reader to encoding/csv: whatever encoding/csv accepts and is a
// table of numbers with a label we accept too, with the same values; and blocks of
// any size give one result.
func FuzzCSV(f *testing.F) {
	for _, text := range []string{
		"1,2,a\n3,4,b\n", "1,2,a\r\n3,4,b\r\n", "\"1\",\"2\",\"a,\"\"b\"\"\"\n3,4,\"x\ny\"", "\n\n1,2\n\n", " 1 , 2\n",
		"1,\"2\n", "1,2\"3\n", "\xef\xbb\xbf1,2\n", "1\r2,3\n", "1,2\x00\n", "1e400,1\n", "-0,+.5e-3,-0\n0,5.,0\n", "1,2\n3\n", ",\n", "nan,1\n", "\"\"\"\",1\n1,\"\"\n", "9007199254740993,18446744073709551616\n",
	} {
		f.Add(text, 3)
	}
	f.Fuzz(func(t *testing.T, text string, block int) {
		o := ReadOptions{Delimiter: ',', Header: HeaderAbsent}
		got, err := readString(text, o)
		o.blockBytes, o.Threads = 1+int(uint(block)%64), 2
		again, errAgain := readString(text, o)
		if err != nil {
			require.EqualError(t, errAgain, err.Error())
		} else {
			require.NoError(t, errAgain)
			require.Equal(t, got.X.Data(), again.X.Data())
			require.Equal(t, got.Labels, again.Labels)
			require.Equal(t, got.Classes, again.Classes)
		}

		x, labels, ok := withEncodingCSV(text)
		if !ok {
			return
		}
		require.NoError(t, err, "encoding/csv reads %q", text)
		require.Equal(t, len(x), len(got.X.Data().([]float64)))
		for i, v := range got.X.Data().([]float64) {
			require.Equal(t, math.Float64bits(x[i]), math.Float64bits(v))
		}
		codes, classes, err := Encode(labels)
		require.NoError(t, err)
		require.Equal(t, classes, got.Classes)
		require.Equal(t, codes, got.Labels)
	})
}

// withEncodingCSV reads rows of numbers and a label; ok is false where encoding/csv
// refuses the text, or it is no such table, or holds what we read otherwise on
// purpose: NUL bytes, carriage returns and blanks at the edges of quoted labels.
func withEncodingCSV(text string) (x []float64, labels []string, ok bool) {
	if strings.ContainsAny(text, "\x00\r") && strings.ContainsAny(strings.ReplaceAll(text, "\r\n", "\n"), "\x00\r") {
		return nil, nil, false
	}
	r := csv.NewReader(strings.NewReader(text))
	for {
		record, err := r.Read()
		if err == io.EOF {
			return x, labels, len(labels) > 0
		}
		if err != nil || len(record) < 2 {
			return nil, nil, false
		}
		last := len(record) - 1
		for _, cell := range record[:last] {
			v, number := parseNumber([]byte(strings.Trim(cell, " \t")))
			if !number || math.IsInf(v, 0) || strings.Trim(cell, " \t") != strings.TrimSpace(cell) {
				return nil, nil, false
			}
			x = append(x, v)
		}
		label := strings.Trim(record[last], " \t")
		v, number := parseNumber([]byte(label))
		if label == "" || label != record[last] && strings.Contains(text, `"`) || !utf8.ValidString(label) ||
			strings.EqualFold(label, "nan") || infinite([]byte(label)) || number && math.IsInf(v, 0) || strings.Contains(label, "\n") && strings.Contains(text, "\r\n") {
			return nil, nil, false
		}
		labels = append(labels, label)
	}
}
