package dataset

import (
	"context"
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"
)

// readString reads a CSV given as text, under the name t.csv.
func readString(text string, o ReadOptions) (*Dataset, error) {
	return ReadFrom(context.Background(), strings.NewReader(text), "t.csv", o)
}

// everyBlockSize reads text in blocks of every size, requires the same outcome of
// all and returns it.
func everyBlockSize(t require.TestingT, text string, o ReadOptions) (*Dataset, error) {
	want, wantErr := readString(text, o)
	for size := 1; size <= len(text)+1; size++ {
		o.blockBytes = size
		o.Threads = 1 + size%3
		got, err := readString(text, o)
		if wantErr != nil {
			require.EqualError(t, err, wantErr.Error(), "blocks of %d bytes", size)
			continue
		}
		require.NoError(t, err, "blocks of %d bytes", size)
		require.Equal(t, want.X.Data(), got.X.Data(), "blocks of %d bytes", size)
		require.Equal(t, want.Labels, got.Labels)
		require.Equal(t, want.Classes, got.Classes)
		require.Equal(t, want.Weights, got.Weights)
		require.Equal(t, want.Offsets, got.Offsets)
	}
	return want, wantErr
}

func TestCSV_Text(t *testing.T) {
	two := []float64{1, 2, 3, 4}
	for _, c := range []struct {
		name, text string
		o          ReadOptions
		x          []float64
		features   []string
		classes    []string
		labels     []int32
	}{
		{"header", "a,b,y\n1,2,0\n3,4,1\n", ReadOptions{}, two, []string{"a", "b"}, []string{"0", "1"}, []int32{0, 1}},
		{"no header", "1,2,0\n3,4,1\n", ReadOptions{}, two, []string{"x0", "x1"}, []string{"0", "1"}, []int32{0, 1}},
		{"no header, text labels", "1,2,no\n3,4,yes\n", ReadOptions{}, two, []string{"x0", "x1"}, []string{"no", "yes"}, []int32{0, 1}},
		{"header of numbers over a named label", "0,1,label\n1,2,0\n3,4,1\n", ReadOptions{}, two, []string{"0", "1"}, []string{"0", "1"}, []int32{0, 1}},
		{"header of numbers, label asked by name", "0,1,label\n1,2,no\n3,4,yes\n", ReadOptions{Label: "label"}, two, []string{"0", "1"}, []string{"no", "yes"}, []int32{0, 1}},
		{"header forced", "0,1,2\n1,2,no\n3,4,yes\n", ReadOptions{Header: HeaderPresent}, two, []string{"0", "1"}, []string{"no", "yes"}, []int32{0, 1}},
		{"header with an index column", ",b,y\n1,2,0\n3,4,1\n", ReadOptions{}, two, []string{"0", "b"}, []string{"0", "1"}, []int32{0, 1}},
		{"CRLF", "a,b,y\r\n1,2,0\r\n3,4,1\r\n", ReadOptions{}, two, []string{"a", "b"}, []string{"0", "1"}, []int32{0, 1}},
		{"no newline at the end", "a,b,y\n1,2,0\n3,4,1", ReadOptions{}, two, []string{"a", "b"}, []string{"0", "1"}, []int32{0, 1}},
		{"CR at the end", "a,b,y\n1,2,0\n3,4,1\r", ReadOptions{}, two, []string{"a", "b"}, []string{"0", "1"}, []int32{0, 1}},
		{"byte order mark", "\xef\xbb\xbfa,b,y\n1,2,0\n3,4,1\n", ReadOptions{Features: []string{"a", "b"}}, two, []string{"a", "b"}, []string{"0", "1"}, []int32{0, 1}},
		{"byte order mark, no header", "\xef\xbb\xbf1,2,0\n3,4,1\n", ReadOptions{}, two, []string{"x0", "x1"}, []string{"0", "1"}, []int32{0, 1}},
		{"blank lines", "\n\r\na,b,y\n\n1,2,0\n  \n\r\n3,4,1\n\n\n", ReadOptions{}, two, []string{"a", "b"}, []string{"0", "1"}, []int32{0, 1}},
		{"blanks around cells", "a, b , y\n 1 ,2 , no\n3,\t4, no \n", ReadOptions{}, two, []string{"a", "b"}, []string{"no"}, []int32{0, 0}},
		{"semicolons", "a;b;y\n1;2;n,o\n3;4;yes\n", ReadOptions{}, two, []string{"a", "b"}, []string{"n,o", "yes"}, []int32{0, 1}},
		{"tabs", "a\tb\ty\n1\t2\tno\n3\t4\tye s\n", ReadOptions{}, two, []string{"a", "b"}, []string{"no", "ye s"}, []int32{0, 1}},
		{"bars", "a|b|y\n1|2|no\n3|4|yes\n", ReadOptions{Delimiter: '|'}, two, []string{"a", "b"}, []string{"no", "yes"}, []int32{0, 1}},
		{"quotes", "\"a,1\",\"b\n2\",y\n1,\"2\",\"a,\"\"b\"\"\nc\"\n\"3\" ,4,d\n", ReadOptions{}, two, []string{"a,1", "b\n2"}, []string{"a,\"b\"\nc", "d"}, []int32{0, 1}},
		{"quoted cells with blanks", "a,b,y\n1, \"2\" ,\"\"\"\"\n3,4,\" a \"\n", ReadOptions{}, two, []string{"a", "b"}, []string{" a ", "\""}, []int32{1, 0}},
		{"numbers of many forms", "a,b,y\n+1e0,20E-1,0\n.3e1,00004.,1\n", ReadOptions{}, two, []string{"a", "b"}, []string{"0", "1"}, []int32{0, 1}},
		{"numeric labels by value", "1,2,10\n3,4,-1\n5,6,1e1\n7,8,-1.0\n9,10,2\n", ReadOptions{}, []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, []string{"x0", "x1"}, []string{"-1", "2", "10"}, []int32{2, 0, 2, 0, 1}},
		{"mixed labels as text", "1,2,10\n3,4,b\n5,6,9\n7,8,1e1\n", ReadOptions{}, []float64{1, 2, 3, 4, 5, 6, 7, 8}, []string{"x0", "x1"}, []string{"10", "1e1", "9", "b"}, []int32{0, 3, 2, 1}},
		{"label first", "y,a,b\n0,1,2\n1,3,4\n", ReadOptions{Label: "y"}, two, []string{"a", "b"}, []string{"0", "1"}, []int32{0, 1}},
		{"label by index", "y,a,b\n0,1,2\n1,3,4\n", ReadOptions{Label: "0"}, two, []string{"a", "b"}, []string{"0", "1"}, []int32{0, 1}},
		{"label by negative index", "0,1,2\n1,3,4\n", ReadOptions{Label: "-3"}, two, []string{"x0", "x1"}, []string{"0", "1"}, []int32{0, 1}},
		{"a name wins over an index", "a,0,b\n1,0,2\n3,1,4\n", ReadOptions{Label: "0", Header: HeaderPresent}, two, []string{"a", "b"}, []string{"0", "1"}, []int32{0, 1}},
		{"ignored text columns", "id,a,b,y\nq,1,2,0\nr,3,4,1\n", ReadOptions{Ignore: []string{"id"}}, two, []string{"a", "b"}, []string{"0", "1"}, []int32{0, 1}},
		{"a list with blanks", "id,a,b,y\nq,1,2,0\nr,3,4,1\n", ReadOptions{Ignore: []string{"0", " id"}}, two, []string{"a", "b"}, []string{"0", "1"}, []int32{0, 1}},
		{"ignored column without header", "q,1,2,0\nr,3,4,1\n", ReadOptions{Ignore: []string{"0"}}, two, []string{"x0", "x1"}, []string{"0", "1"}, []int32{0, 1}},
		{"no labels", "1,2\n3,4\n", ReadOptions{NoLabel: true}, two, []string{"x0", "x1"}, nil, nil},
		{"labels left out", "a,y,b\n1,0,2\n3,1,4\n", ReadOptions{NoLabel: true, Label: "y"}, two, []string{"a", "b"}, nil, nil},
		{"given classes", "1,2,b\n3,4,a\n", ReadOptions{Classes: &Classes{Names: []string{"a", "b", "c"}}}, two, []string{"x0", "x1"}, []string{"a", "b", "c"}, []int32{1, 0}},
		{"given numeric classes", "1,2,3.0\n3,4,-0\n", ReadOptions{Classes: &Classes{Names: []string{"0", "1", "3"}, Numeric: true}}, two, []string{"x0", "x1"}, []string{"0", "1", "3"}, []int32{2, 0}},
		{"one cell", "7\n", ReadOptions{NoLabel: true}, []float64{7}, []string{"x0"}, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := everyBlockSize(t, c.text, c.o)
			require.NoError(t, err)
			require.Equal(t, c.x, d.X.Data())
			require.Equal(t, tensor.Shape{len(c.x) / len(c.features), len(c.features)}, d.X.Shape())
			require.Equal(t, c.features, d.FeatureNames)
			require.Equal(t, c.classes, d.Classes.Names)
			require.Equal(t, c.labels, d.Labels)
			require.NoError(t, d.Check())
			require.Equal(t, "t.csv", d.Name)
		})
	}
}

func TestCSV_WeightAndOffset(t *testing.T) {
	d, err := everyBlockSize(t, "a,w,o,y\n1,0.5,-3,no\n2,0,1e2,yes\n", ReadOptions{Weight: "w", Offset: "2"})
	require.NoError(t, err)
	require.Equal(t, []string{"a"}, d.FeatureNames)
	require.Equal(t, []float64{0.5, 0}, d.Weights)
	require.Equal(t, []float64{-3, 100}, d.Offsets)
	require.Equal(t, "y", d.LabelName)

	d, err = readString("1,no,0.5\n2,yes,4\n", ReadOptions{Weight: "-1"})
	require.NoError(t, err)
	require.Equal(t, []int32{0, 1}, d.Labels, "the label is the last column that is nothing else")
	require.Equal(t, "1", d.LabelName)
}

func TestCSV_P20_ErrorsNameLineColumnAndValue(t *testing.T) {
	three := &Classes{Names: []string{"a", "b", "c"}}
	for _, c := range []struct {
		text string
		o    ReadOptions
		want string
	}{
		{"", ReadOptions{}, "t.csv: the file is empty; a table needs at least one row"},
		{"\n \r\n", ReadOptions{}, "t.csv: there are only blank lines; a table needs at least one row"},
		{"a,b,y\n", ReadOptions{}, "t.csv: there are no rows below the header; a table needs at least one row"},
		{"a,b,y\n\n\n", ReadOptions{}, "t.csv: there are no rows below the header; a table needs at least one row"},
		{"age,b,y\n1,2,0\nn/a,2,0\n", ReadOptions{}, `t.csv:3: column "age": cannot read "n/a" as a number; use --missing mean or --missing drop`},
		{"a,b,y\n1,,0\n", ReadOptions{}, `t.csv:2: column "b": the cell is empty; use --missing mean or --missing drop`},
		{"1,,0\n", ReadOptions{}, `t.csv:1: column "1": the cell is empty; use --missing mean or --missing drop`},
		{"a,b,y\n1,NaN,0\n", ReadOptions{}, `t.csv:2: column "b": cannot read "NaN" as a number; use --missing mean or --missing drop`},
		{"1,NaN,0\n", ReadOptions{}, `t.csv:1: column "1": cannot read "NaN" as a number; use --missing mean or --missing drop`},
		{"a,b,y\n1,-inf,0\n", ReadOptions{}, `t.csv:2: column "b": "-inf" is not finite; fill in a number or drop the row`},
		{"a,b,y\n1,1e999,0\n", ReadOptions{}, `t.csv:2: column "b": "1e999" is too large for float64; rescale the column`},
		{"a,b,y\n1,1e39,0\n", ReadOptions{Float: tensor.Float32}, `t.csv:2: column "b": 1e+39 is too large for float32; read the table as float64`},
		{"a,b,y\n1,2,0\n\n\"x\n\",red,0\n", ReadOptions{Ignore: []string{"a"}}, `t.csv:5: column "b": cannot read "red" as a number; --categorical b makes categories of the column, --ignore b leaves it out`},
		{"a,the b,y\n1,red,0\n1,2,1\n", ReadOptions{}, `t.csv:2: column "the b": cannot read "red" as a number; --categorical 'the b' makes categories of the column, --ignore 'the b' leaves it out`},
		{"a,b,y\n1,2,0\n1,,0\n", ReadOptions{Features: []string{"a", "b"}}, `t.csv:3: column "b": the cell is empty; fill it in or drop the row`},
		{"a,b,y\n1,2,0\n1,red,0\n", ReadOptions{Features: []string{"a", "b"}}, `t.csv:3: column "b": cannot read "red" as a number; the model was trained on numbers here`},
		{"a,w,y\n1,2,0\n1,red,0\n", ReadOptions{Weight: "w"}, `t.csv:3: column "w": cannot read "red" as a number; the column must hold numbers`},
		{"a,w,y\n1,2,0\n1,?,0\n", ReadOptions{Weight: "w"}, `t.csv:3: column "w": cannot read "?" as a number; fill in a number or drop the row`},
		{"a;b;y\n1;2,5;0\n", ReadOptions{}, `t.csv:2: column "b": cannot read "2,5" as a number; write decimals with a point`},
		{"a,b,y\n1,2,0\n1,0x10,0\n", ReadOptions{}, `t.csv:3: column "b": cannot read "0x10" as a number; --categorical b makes categories of the column, --ignore b leaves it out`},
		{"a,b,y\n1,2,0\n1,2 3,0\n", ReadOptions{}, `t.csv:3: column "b": cannot read "2 3" as a number; --categorical b makes categories of the column, --ignore b leaves it out`},
		{"a,b,y\n1,2,0\n1," + strings.Repeat("z", 100) + ",0\n", ReadOptions{}, `t.csv:3: column "b": cannot read "` + strings.Repeat("z", 40) + `"... as a number; --categorical b makes categories of the column, --ignore b leaves it out`},
		{"a,,y,\n1,2,0,\n", ReadOptions{}, `t.csv:2: column "3": the label is empty; fill it in or drop the row`},
		{",b,,y\n1,2,x,0\n1,2,3,0\n", ReadOptions{Ignore: []string{"0"}}, `t.csv:2: column "2": cannot read "x" as a number; --categorical 2 makes categories of the column, --ignore 2 leaves it out`},
		{"a,b,y\n1,2,\n", ReadOptions{}, `t.csv:2: column "y": the label is empty; fill it in or drop the row`},
		{"a,b,y\n1,2,nan\n", ReadOptions{}, `t.csv:2: column "y": the label "nan" is not finite; fill in a class or drop the row`},
		{"a,b,y\n1,2,\xff\n", ReadOptions{}, `t.csv:2: column "y": the label "\xff" is not UTF-8; convert the file to UTF-8`},
		{"a,\xff,y\n1,2,1\n", ReadOptions{}, `t.csv:1: the header "\xff" is not UTF-8; convert the file to UTF-8`},
		{"1,2,a\n1,2,d\n", ReadOptions{Classes: three}, `t.csv:2: column "2": the label "d" is not among the model's classes; the classes are "a", "b", "c"`},
		{"a,b,y\n1,2,0\n1,2\n", ReadOptions{}, `t.csv:3: the row has 2 cells where 3 are expected; every row needs as many cells as the first`},
		{"a,b,y\n1,2,0\n1,2,3,4\n", ReadOptions{}, `t.csv:3: the row has 4 cells where 3 are expected; every row needs as many cells as the first`},
		{"a,b,y\n1,2,0\n1,x,3,4\n", ReadOptions{}, `t.csv:3: the row has 4 cells where 3 are expected; every row needs as many cells as the first`},
		{"a,b,y\n1,2,0\n,\n", ReadOptions{}, `t.csv:3: the row has 2 cells where 3 are expected; every row needs as many cells as the first`},
		{"a,b,a,y,b\n1,2,3,4,5\n", ReadOptions{}, `t.csv: the header names columns twice: "a", "b"; rename them`},
		{"a,b,y\n1,2,0\n1,\"2,0\n1,2,3\n", ReadOptions{}, `t.csv:3: column "b": a quoted cell is not closed; write the cell in quotes and double the quotes inside`},
		{"a,b,y\n1,2,0\n1,2\"3,0\n", ReadOptions{}, `t.csv:3: column "b": there is a quote inside an unquoted cell; write the cell in quotes and double the quotes inside`},
		{"a,b,y\n1,2,\"x\"y\n", ReadOptions{}, `t.csv:2: column "y": there is text after the closing quote; write the cell in quotes and double the quotes inside`},
		{"a,\"b,y\n1,2,0\n", ReadOptions{}, `t.csv:1: a quoted cell is not closed; write the cell in quotes and double the quotes inside`},
		{"a,b,y\n1,2,0\n1,\x00,0\n", ReadOptions{}, `t.csv:3: there is a NUL byte; this is no text table; is it a binary file?`},
		{"\xff\xfea\x00", ReadOptions{}, `t.csv:1: the text is UTF-16; save it as UTF-8`},
		{"a,b,y\r1,2,0\r", ReadOptions{}, `t.csv:1: lines end in a carriage return alone; convert the file to LF or CRLF line ends`},
		{"a,b,y\n1,2,0\n", ReadOptions{Label: "species"}, `t.csv: there is no column "species"; the columns are "a", "b", "y"`},
		{"1,2,0\n", ReadOptions{Label: "species"}, `t.csv: there is no column "species", for the table has no header; give the column's index from 0`},
		{"1,2,0\n", ReadOptions{Label: "3"}, `t.csv: there is no column 3 among 3; indexes count from 0, negative ones from the end`},
		{"1,2,0\n", ReadOptions{Weight: "-4"}, `t.csv: there is no column -4 among 3; indexes count from 0, negative ones from the end`},
		{"a,b,y\n1,2,0\n", ReadOptions{Label: "b", Weight: "1"}, `t.csv: column "b": cannot be both the sample weight and the label`},
		{"a,b,y\n1,2,0\n", ReadOptions{Label: "b", Ignore: []string{"-2"}}, `t.csv: column "b": cannot be both an ignored column and the label`},
		{"a,w,y\n1,2,0\n1,-2,0\n", ReadOptions{Weight: "w"}, `t.csv:3: column "w": the weight -2 is negative; weights must not be negative`},
		{"y\n1\n", ReadOptions{}, `t.csv: there is a single column; a table needs at least one column beside the label; where the delimiter is another than comma, semicolon or tab, name it with --delimiter`},
		{"w,y\n1,2\n", ReadOptions{Weight: "w"}, `t.csv: there is no feature column; a table needs at least one column beside the label`},
		{"a|y\n1|2\n", ReadOptions{}, `t.csv: there is a single column; a table needs at least one column beside the label; where the delimiter is another than comma, semicolon or tab, name it with --delimiter`},
		{"a,b\n", ReadOptions{Delimiter: '.'}, `t.csv: cannot use "." as the delimiter; use a tab or a punctuation mark that numbers and quotes do not need`},
	} {
		_, err := everyBlockSize(t, c.text, c.o)
		require.EqualError(t, err, c.want, "%q", c.text)
		var e *ReadError
		require.ErrorAs(t, err, &e)
		require.Equal(t, "t.csv", e.File)
	}
}

func TestCSV_FirstErrorInTheFileWins(t *testing.T) {
	text := "a,y\n" + strings.Repeat("1,0\n", 500) + "bad,0\n" + strings.Repeat("worse,0\n", 500)
	for range 50 {
		_, err := readString(text, ReadOptions{blockBytes: 64, Threads: 8})
		var e *ReadError
		require.ErrorAs(t, err, &e)
		require.Equal(t, 502, e.Line)
		require.Equal(t, "bad", e.Value)
	}
}

func TestCSV_P24_GivenClassesAndOptionsAreNotModified(t *testing.T) {
	classes := Classes{Names: []string{"b", "a"}}
	o := ReadOptions{Classes: &classes, Features: []string{"q", "p"}, Ignore: []string{"r"}}
	_, err := readString("p,q,r,y\n1,2,3,a\n", o)
	require.NoError(t, err)
	require.Equal(t, Classes{Names: []string{"b", "a"}}, classes)
	require.Equal(t, []string{"q", "p"}, o.Features)
}

func TestCSV_RowLimit(t *testing.T) {
	defer func(n int) { maxRowBytes = n }(maxRowBytes)
	maxRowBytes = 1 << 20
	text := "a,y\n1,0\n1,\"" + strings.Repeat("1,0\n", 1<<20)
	_, err := readString(text, ReadOptions{})
	require.EqualError(t, err, "t.csv:3: the row that starts here has more than 1048576 bytes; is a quote left open?")
	_, err = readString("\""+strings.Repeat("1,0\n", 1<<20), ReadOptions{})
	require.EqualError(t, err, "t.csv:1: the row that starts here has more than 1048576 bytes; is a quote left open?")
}

// A row longer than the head that is looked at, and than a block.
func TestCSV_WideRows(t *testing.T) {
	const cols = 30_000
	header := strings.Repeat("column,", cols)
	row := strings.Repeat("1.25,", cols)
	d, err := readString(row+"0\n"+row+"1\n", ReadOptions{blockBytes: 1 << 10})
	require.NoError(t, err)
	require.Equal(t, tensor.Shape{2, cols}, d.X.Shape())
	_, err = readString(header+"y\n"+row+"1\n", ReadOptions{})
	require.EqualError(t, err, `t.csv: the header names columns twice: "column"; rename them`)
}

func TestCSV_Cancel(t *testing.T) {
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(context.Background())
	// The reader cancels once it is read from beyond the head, and never ends.
	endless := readerFunc(func(p []byte) (int, error) {
		if len(p) < headBytes {
			cancel(stop)
		}
		return copy(p, strings.Repeat("1,2,0\n", len(p)/6+1)[:len(p)-len(p)%6]), nil
	})
	_, err := ReadFrom(ctx, endless, "-", ReadOptions{blockBytes: 6 * 1024})
	require.ErrorIs(t, err, stop)
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestCSV_ReadErrorsAreReported(t *testing.T) {
	broken := errors.New("disk on fire")
	for _, before := range []string{"", "a,y\n", "a,y\n" + strings.Repeat("1,0\n", 1<<18)} {
		_, err := ReadFrom(context.Background(), io.MultiReader(strings.NewReader(before), readerFunc(func([]byte) (int, error) { return 0, broken })), "x.csv", ReadOptions{})
		require.ErrorIs(t, err, broken)
		require.EqualError(t, err, "x.csv: disk on fire")
	}
}

func TestCSV_Float32IsFloat64RoundedOnce(t *testing.T) {
	// Half-way between two float32, just above in float64's last place and beyond it.
	for _, text := range []string{"1.00000005960464477539", "1.0000000596046448", "1.000000059604644775390626", "0.1", "3.4028234e38"} {
		d, err := readString(text+",0\n", ReadOptions{Float: tensor.Float32})
		require.NoError(t, err)
		want, ok := parseNumber([]byte(text))
		require.True(t, ok)
		require.Equal(t, math.Float32bits(float32(want)), math.Float32bits(d.X.Data().([]float32)[0]))
	}
}
