package dataset

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"
	"pgregory.net/rapid"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

func readSVM(text string, o ReadOptions) (*Dataset, error) {
	return ReadFrom(context.Background(), strings.NewReader(text), "t.svm", o)
}

// svmCell is one cell of a row as it stands in the text.
type svmCell struct {
	index uint32
	value float64
}

// plainSVM reads what strconv and strings can: the definition that the reader is held to.
// ok is false where the text is refused.
func plainSVM(text string) (rows [][]svmCell, labels []string, ok bool) {
	for _, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		words := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' || r == '\r' })
		if len(words) == 0 {
			continue
		}
		if strings.ContainsAny(words[0], ",:") {
			return nil, nil, false
		}
		labels = append(labels, words[0])
		words = words[1:]
		if len(words) > 0 && strings.HasPrefix(words[0], "qid:") {
			words = words[1:]
		}
		row, last := []svmCell{}, int64(-1)
		for _, w := range words {
			at, cell, found := strings.Cut(w, ":")
			index, err := strconv.ParseUint(at, 10, 32)
			if !found || err != nil || int64(index) <= last || len(at) > 16 {
				return nil, nil, false
			}
			v, number := parseNumber([]byte(cell))
			if !number || math.IsInf(v, 0) {
				return nil, nil, false
			}
			last = int64(index)
			row = append(row, svmCell{uint32(index), v})
		}
		rows = append(rows, row)
	}
	return rows, labels, len(rows) > 0
}

// sameSVM demands that d has those rows and labels.
func sameSVM(t require.TestingT, rows [][]svmCell, labels []string, d *Dataset) {
	first, high, ones, entries := uint32(1), uint32(0), true, 0
	for _, row := range rows {
		for _, e := range row {
			entries++
			high = max(high, e.index)
			ones = ones && e.value == 1
			if e.index == 0 {
				first = 0
			}
		}
	}
	m := d.Sparse
	require.NoError(t, m.Check())
	require.Equal(t, len(rows), m.Rows)
	require.Equal(t, max(int(high)+1-int(first), 1), m.Cols)
	require.Equal(t, "x"+strconv.Itoa(int(first)), d.FeatureNames[0])
	require.Equal(t, ones, m.Val32 == nil && m.Val64 == nil, "ones need no values")
	e := int64(0)
	for i, row := range rows {
		require.Equal(t, e, m.RowPtr[i])
		for _, want := range row {
			require.Equal(t, want.index-first, m.Col[e])
			if m.Val32 != nil {
				require.Equal(t, math.Float32bits(float32(want.value)), math.Float32bits(m.Val32[e]))
			} else {
				require.Equal(t, math.Float64bits(want.value), math.Float64bits(m.Value(e)))
			}
			e++
		}
	}
	require.Equal(t, e, m.Entries())
	codes, classes, err := Encode(labels)
	require.NoError(t, err)
	require.Equal(t, classes, d.Classes)
	require.Equal(t, codes, d.Labels)
}

// What is written is read back exactly, in blocks of any size, by any number of threads.
func TestLibSVM_RoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.svm")
	rapid.Check(t, func(t *rapid.T) {
		rows, first := rapid.IntRange(1, 30).Draw(t, "rows"), rapid.Uint32Range(0, 1).Draw(t, "first")
		value := rapid.OneOf(rapid.Just(1.0), rapid.Float64Range(-1e10, 1e10), rapid.Map(rapid.IntRange(-99999, 99999), func(i int) float64 { return float64(i) / 1000 }))
		if rapid.Bool().Draw(t, "ones") {
			value = rapid.Just(1.0)
		}
		label := rapid.SampledFrom([]string{"+1", "-1", "0", "2.5", "1e2"})
		if rapid.Bool().Draw(t, "words") {
			label = rapid.SampledFrom([]string{"spam", "ham", "ü"})
		}
		comment := rapid.SampledFrom([]string{"", "", " ", "\t\r", " # 1:2 \"quote", "#"})
		var text strings.Builder
		for range rows {
			for rapid.IntRange(0, 9).Draw(t, "blank line") == 0 {
				text.WriteString(rapid.SampledFrom([]string{"\n", " \r\n", "# a \" comment: 1:1\n"}).Draw(t, "line"))
			}
			fmt.Fprint(&text, label.Draw(t, "label"))
			if rapid.Bool().Draw(t, "qid") {
				text.WriteString(" qid:77")
			}
			index := first
			for range rapid.IntRange(0, 6).Draw(t, "entries") {
				index += rapid.SampledFrom([]uint32{0, 0, 1, 7, 1000, 300000}).Draw(t, "gap")
				text.WriteString(rapid.SampledFrom([]string{" ", "  ", "\t"}).Draw(t, "blank"))
				fmt.Fprintf(&text, "%d:%s", index, strconv.FormatFloat(value.Draw(t, "v"), "efg"[rapid.IntRange(0, 2).Draw(t, "form")], -1, 64))
				index++
			}
			text.WriteString(comment.Draw(t, "comment") + "\n")
		}
		whole := strings.TrimSuffix(text.String(), rapid.SampledFrom([]string{"", "\n"}).Draw(t, "last newline"))
		o := ReadOptions{blockBytes: rapid.IntRange(1, len(whole)).Draw(t, "block"), Threads: rapid.IntRange(1, 4).Draw(t, "threads")}
		if rapid.Bool().Draw(t, "float32") {
			o.Float = tensor.Float32
		}
		entries, labels, ok := plainSVM(whole)
		require.True(t, ok)
		d, err := readSVM(whole, o)
		require.NoError(t, err, "%q", whole)
		sameSVM(t, entries, labels, d)
		require.NoError(t, d.Check())

		require.NoError(t, os.WriteFile(path, []byte(whole), 0o644))
		fromFile, err := Read(context.Background(), path, o)
		require.NoError(t, err)
		fromFile.Name = d.Name
		require.Equal(t, d, fromFile, "an estimate of the entries changes nothing")
	})
}

// FuzzLibSVM holds the reader to its definition, and every refusal to one line; blocks of
// any size give one result.
func FuzzLibSVM(f *testing.F) {
	for _, text := range []string{
		"1 1:2 3:4\n-1 2:1\n", "1 0:2\n", "a qid:3 1:1 # c\n\nb\n", "1,2 1:1\n", "1 2:1 1:1\n", "1 1:1 1:1\n", "1 4000000000:1\n", "1 99999999999999999999:1\n",
		"1 -1:1\n", "1 nan:1\n", "1 1:nan\n", "1 1:1e400\n", "1 1:\n", "1 1\n", "1:1\n", "1 :1\n", "1 1:1:1\n", "1 1 :1\n", "\xef\xbb\xbf1 1:1\r\n", "1 +1:1\n", "\"1 1:1\n2\" 1:1\n", "# nothing\n", "1 1:0x1p3\n", "1\t\t12345678:.5\n", "1 1:-0 #\n",
	} {
		f.Add(text, 3)
	}
	f.Fuzz(func(t *testing.T, text string, block int) {
		o := ReadOptions{Cols: 0}
		got, err := readSVM(text, o)
		o.blockBytes, o.Threads = 1+int(uint(block)%64), 2
		again, errAgain := readSVM(text, o)
		if err != nil {
			require.EqualError(t, errAgain, err.Error())
			require.NotContains(t, err.Error(), "\n")
			require.IsType(t, (*ReadError)(nil), err)
		} else {
			require.NoError(t, errAgain)
			require.Equal(t, got, again)
		}
		if strings.Contains(text, "\x00") || strings.HasPrefix(text, "\xfe\xff") || strings.HasPrefix(text, "\xff\xfe") || compressedText(text) {
			return
		}
		rows, labels, ok := plainSVM(strings.TrimPrefix(text, "\xef\xbb\xbf"))
		switch {
		case err == nil:
			require.True(t, ok, "%q", text)
			sameSVM(t, rows, labels, got)
		case ok && !strings.Contains(err.Error(), "label") && !strings.Contains(err.Error(), "index") && !strings.Contains(err.Error(), "features for") && !strings.Contains(err.Error(), "carriage return"):
			t.Fatalf("%q is refused: %v", text, err)
		}
	})
}

// compressedText tells whether a text is taken for a compressed one.
func compressedText(text string) bool {
	for _, c := range compressions {
		if strings.HasPrefix(text, c.magic) {
			return true
		}
	}
	return false
}

// One clear error, with the line and the index.
func TestLibSVM_Errors(t *testing.T) {
	for text, want := range map[string]string{
		"1 1:1\n1 2:1 2:3\n":          `t.svm:2: column "2": the index occurs twice in the row; drop one of them`,
		"1 3:1 2:3\n":                 `t.svm:1: column "2": the index stands behind 3; sort the entries of each row by index`,
		"1 -3:1\n":                    `t.svm:1: the index "-3" has a sign; indices count from 0 or 1`,
		"1 nan:1\n":                   `t.svm:1: cannot read "nan" as an index; indices are whole numbers`,
		"1 1.5:1\n":                   `t.svm:1: cannot read "1.5" as an index; indices are whole numbers`,
		"1 :1\n":                      `t.svm:1: cannot read "" as an index; indices are whole numbers`,
		"1 4000000000:1\n":            `t.svm:1: column "4000000000": the index is too large; at most 2147483648 features are supported`,
		"1 2147483649:1\n":            `t.svm:1: column "2147483649": the index is too large; at most 2147483648 features are supported`,
		"1 99999999999999999999:1\n":  `t.svm:1: the index "99999999999999999999" is too large; at most 2147483648 features are supported`,
		"1 1:1\n\n1 2000000000:1 #\n": `t.svm:3: there would be 2000000000 features for 2 entries; is an index wrong? If not, --features 2000000000 reads it`,
		"1 1:inf\n":                   `t.svm:1: column "1": "inf" is not finite; fill in a number or drop the row`,
		"1 7:nan\n":                   `t.svm:1: column "7": "nan" is not finite; fill in a number or drop the row`,
		"1 7:1e999\n":                 `t.svm:1: column "7": "1e999" is too large for float64; rescale the feature`,
		"1 7:abc\n":                   `t.svm:1: column "7": cannot read "abc" as a number; values are numbers`,
		"1 7: 3\n":                    `t.svm:1: column "7": there is no value; write index:value without a blank`,
		"1 7\n":                       `t.svm:1: cannot read "7" as index:value; after the label come only entries`,
		"1 7:1 qid:3\n":               `t.svm:1: "qid:3" stands behind an entry; a qid follows the label`,
		"# c\n1,3 1:1\n":              `t.svm:2: column "y": the row has several labels: "1,3"; a row has one class; train one model a label`,
		"1:1 2:3\n":                   `t.svm:1: column "y": there is no label before "1:1"; a row begins with its label`,
		"nan 1:1\n":                   `t.svm:1: column "y": the label "nan" is not finite; fill in a class or drop the row`,
		"# only\n\n":                  `t.svm: there are only comments and blank lines; a table needs at least one row`,
		"":                            `t.svm: the file is empty; a table needs at least one row`,
		"1 1:1\n\x00":                 `t.svm:2: there is a NUL byte; this is no text table; is it a binary file?`,
	} {
		_, err := readSVM(text, ReadOptions{})
		require.EqualError(t, err, want, "%q", text)
	}
	_, err := readSVM("1 1:1e39\n", ReadOptions{Float: tensor.Float32})
	require.EqualError(t, err, `t.svm:1: column "1": 1e+39 is too large for float32; read the table as float64`)
	for _, o := range []ReadOptions{{Weight: "w"}, {Offset: "o"}, {Cols: -1}, {Cols: math.MaxInt}, {Encode: EncodeOptions{HashBits: 3}}, {Encoding: &Encoding{}}, {Ignore: []string{"x7"}}, {Ignore: []string{"-9"}}, {Ignore: []string{"0"}}} {
		_, err := readSVM("1 1:1\n", o)
		require.IsType(t, (*ReadError)(nil), err, "%+v", o)
	}
}

// A file counts from 0 where it has an index 0, unless one says otherwise; files for a
// model count as that of its training did.
func TestLibSVM_IndexBase(t *testing.T) {
	from0, from1 := "1 0:5 2:6\n", "1 1:5 3:6\n"
	x := func(text string, o ReadOptions) (string, []float64) {
		d, err := readSVM(text, o)
		require.NoError(t, err)
		return d.FeatureNames[0], toDense(d.Sparse)
	}
	for _, c := range []struct {
		text  string
		o     ReadOptions
		first string
		x     []float64
	}{
		{from0, ReadOptions{}, "x0", []float64{5, 0, 6}},
		{from1, ReadOptions{}, "x1", []float64{5, 0, 6}},
		{from1, ReadOptions{IndexBase: IndexFromZero}, "x0", []float64{0, 5, 0, 6}},
		{from1, ReadOptions{IndexBase: IndexFromOne, Cols: 5}, "x1", []float64{5, 0, 6, 0, 0}},
		{from0, ReadOptions{Cols: 4}, "x0", []float64{5, 0, 6, 0}},
		{from1, ReadOptions{Features: autoNames(0, 4)}, "x0", []float64{0, 5, 0, 6}},
		{from1, ReadOptions{Features: autoNames(0, 3), IndexBase: IndexFromOne}, "x0", []float64{5, 0, 6}},
		{from1, ReadOptions{Features: autoNames(1, 4)}, "x1", []float64{5, 0, 6, 0}},
		{from1, ReadOptions{Features: []string{"a", "b", "c"}}, "a", []float64{5, 0, 6}},
		{from0, ReadOptions{Features: []string{"a", "b", "c"}}, "a", []float64{5, 0, 6}},
		{from1, ReadOptions{Features: []string{"x3", "x1", "x2", "x9"}}, "x3", []float64{6, 5, 0, 0}},
		{from0, ReadOptions{Features: []string{"x2", "x1"}}, "x2", []float64{6, 0}},
		{from1, ReadOptions{Ignore: []string{"x2", "0"}}, "x3", []float64{6}},
		{from0, ReadOptions{Ignore: []string{"x2", "-2"}}, "x0", []float64{5}},
	} {
		first, got := x(c.text, c.o)
		require.Equal(t, c.first, first, "%q %+v", c.text, c.o)
		require.Equal(t, c.x, got, "%q %+v", c.text, c.o)
	}
	for want, o := range map[string]ReadOptions{
		`t.svm:1: column "0": there is an index 0 where indices count from 1; --zero-based true reads it`:                                                   {IndexBase: IndexFromOne},
		`t.svm:1: column "0": there is an index 0 where indices count from 1, as in the model's training data; --zero-based true reads it`:                  {Features: autoNames(1, 3)},
		`t.svm:1: column "2": the index is beyond the 2 features; --features says how many there are`:                                                       {Cols: 2},
		`t.svm:1: column "2": the index is beyond the 2 features of the model; train with --features and the largest number of any file, or drop the entry`: {Features: autoNames(0, 2)},
	} {
		_, err := readSVM(from0, o)
		require.EqualError(t, err, want)
	}
	_, err := readSVM(from1, ReadOptions{Features: autoNames(0, 3)})
	require.EqualError(t, err, `t.svm:1: column "3": the index is beyond the 3 features of the model, counted from 0; does the file count from 1? --zero-based false reads it so`)
}

// Rows to be predicted may have labels of any kind, or none.
func TestLibSVM_WithoutLabels(t *testing.T) {
	for _, text := range []string{"1:5 2:6\n\n2:7\n", "0 1:5 2:6\n? 2:7\n", "a,b 1:5 2:6\n1 2:7 # c\n"} {
		d, err := readSVM(text, ReadOptions{NoLabel: true, Label: "z", Classes: &Classes{Names: []string{"a", "b"}}})
		require.NoError(t, err)
		require.Nil(t, d.Labels)
		require.Equal(t, []float64{5, 6, 0, 7}, toDense(d.Sparse))
	}
	d, err := readSVM("1 1:1\n-1\n", ReadOptions{Label: "click"})
	require.NoError(t, err)
	require.Equal(t, "click", d.LabelName)
	_, err = readSVM("3 1:1\n", ReadOptions{Classes: &Classes{Names: []string{"1", "2"}, Numeric: true}})
	require.EqualError(t, err, `t.svm:1: column "y": the label "3" is not among the model's classes; the classes are "1", "2"`)
}

// A million features need not cost much more than their coefficients.
func TestLibSVM_ManyFeatures(t *testing.T) {
	d, err := readSVM("1 1:1 1000000:2\n0\n", ReadOptions{})
	require.NoError(t, err)
	require.Equal(t, 1_000_000, d.Sparse.Cols)
	require.Equal(t, "x1000000", d.FeatureNames[999_999])
	d, err = readSVM("1 20000000:1\n0\n", ReadOptions{Cols: 20_000_000})
	require.NoError(t, err)
	require.Equal(t, 20_000_000, d.Sparse.Cols)
	require.Less(t, d.Sparse.Cols, backend.MaxSparseCols)
}

// svmText is sparse text like that of click logs: 39 entries a row.
func svmText(rows int) []byte {
	var b bytes.Buffer
	state := uint32(1)
	for i := range rows {
		fmt.Fprintf(&b, "%d", i&1)
		index := uint32(0)
		for range 39 {
			state = state*1664525 + 1013904223
			index += 1 + state>>20
			fmt.Fprintf(&b, " %d:%.6g", index, float64(state>>8)/float64(1<<20))
		}
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// BenchmarkLibSVM reads 100,000 rows of 39 entries (MB/s of text). scikit-learn's
// load_svmlight_file reads such text at 35 MB/s.
func BenchmarkLibSVM(b *testing.B) {
	text := svmText(100_000)
	path := filepath.Join(b.TempDir(), "t.svm")
	require.NoError(b, os.WriteFile(path, text, 0o644))
	for _, threads := range []int{1, 0} {
		for _, dtype := range []tensor.Dtype{tensor.Float32, tensor.Float64} {
			b.Run(fmt.Sprintf("%v/threads=%d", dtype, threads), func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				for b.Loop() {
					if _, err := Read(context.Background(), path, ReadOptions{Float: dtype, Threads: threads}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
