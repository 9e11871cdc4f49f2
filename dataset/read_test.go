package dataset

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/dataset/lrb"
)

func TestRead_Builtins(t *testing.T) {
	for _, c := range []struct {
		name       string
		rows, cols int
		classes    []string
		first      []float64
		label      string
	}{
		{"breast_cancer", 569, 30, []string{"0", "1"}, []float64{17.99, 10.38}, "label"},
		{"iris", 150, 4, []string{"0", "1", "2"}, []float64{5.1, 3.5, 1.4, 0.2}, "label"},
		{"tutorial", 100, 1, []string{"0", "1"}, []float64{0.3745401188473625}, "y"},
	} {
		d, err := Read(context.Background(), "builtin:"+c.name, ReadOptions{})
		require.NoError(t, err)
		rows, cols := d.Shape()
		require.Equal(t, []int{c.rows, c.cols}, []int{rows, cols})
		require.Equal(t, Classes{Names: c.classes, Numeric: true}, d.Classes)
		require.Equal(t, c.first, d.X.Data().([]float64)[:len(c.first)])
		require.Equal(t, c.label, d.LabelName)
		require.Equal(t, "builtin:"+c.name, d.Name)
		require.Len(t, d.FeatureNames, cols)
		require.NoError(t, d.Check())
	}
	d, err := Read(context.Background(), "builtin:iris", ReadOptions{Float: tensor.Float32, Ignore: []string{"0"}})
	require.NoError(t, err)
	require.Equal(t, []float32{3.5, 1.4, 0.2}, d.X.Data().([]float32)[:3])

	x, y, probe := Tutorial()
	tutorial, err := Read(context.Background(), "builtin:tutorial", ReadOptions{})
	require.NoError(t, err)
	require.Equal(t, x, tutorial.X.Data())
	for i := range y {
		require.Equal(t, int32(y[i]), tutorial.Labels[i])
	}
	require.Equal(t, []float64{0.2, 0.6, 0.8}, probe)

	_, err = Read(context.Background(), "builtin:mnist", ReadOptions{})
	require.EqualError(t, err, "builtin:mnist: there is no such built-in data set; use one of breast_cancer, iris, tutorial")
}

// compressed is text as gzip and zstd.
func compressed(t *testing.T, text []byte) (gz, zst []byte) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	encoder, err := zstd.NewWriter(nil)
	require.NoError(t, err)
	return b.Bytes(), encoder.EncodeAll(text, nil)
}

// bigTable is some megabytes of text whose numbers tell their place.
func bigTable(rows int) []byte {
	var b []byte
	for i := range rows {
		b = strconv.AppendInt(b, int64(i), 10)
		b = append(b, ',')
		b = strconv.AppendInt(b, int64(-i), 10)
		b = append(b, ",c"...)
		b = strconv.AppendInt(b, int64(i%3), 10)
		b = append(b, '\n')
		if i%1000 == 0 {
			b = append(b, '\n')
		}
	}
	return b
}

func TestRead_FilesStreamsAndCompressionAgree(t *testing.T) {
	const rows = 200_000
	text := bigTable(rows)
	gz, zst := compressed(t, text)
	dir := t.TempDir()
	check := func(d *Dataset, err error) {
		t.Helper()
		require.NoError(t, err)
		n, cols := d.Shape()
		require.Equal(t, []int{rows, 2}, []int{n, cols})
		require.Equal(t, []string{"c0", "c1", "c2"}, d.Classes.Names)
		for i, v := range d.X.Data().([]float64) {
			if want := float64(i/2) * float64(1-i%2*2); v != want {
				require.Equal(t, want, v, "row %d", i/2)
			}
		}
		for i, l := range d.Labels {
			if l != int32(i%3) {
				require.Equal(t, i%3, l, "row %d", i)
			}
		}
	}
	for name, content := range map[string][]byte{"a.csv": text, "a.csv.gz": gz, "a.csv.zst": zst, "named.wrongly.csv": gz, "A.CSV.GZ": gz} {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, content, 0o644))
		d, err := Read(context.Background(), path, ReadOptions{})
		check(d, err)
		require.Equal(t, path, d.Name)
		d, err = Read(context.Background(), "-", ReadOptions{Stdin: bytes.NewReader(content), Threads: 3})
		check(d, err)
		require.Equal(t, "-", d.Name)
	}
}

// The rows get shorter, so that every sample but the estimate's last is of long
// rows and the reserved memory runs out; and the other way round.
func TestRead_EstimateOfRowsMayBeWrong(t *testing.T) {
	long, short := strings.Repeat("1.000000000000000000000000000000,0\n", 100_000), strings.Repeat("1,0\n", 3*headBytes/8)
	for _, text := range []string{long + short, short + long} {
		path := filepath.Join(t.TempDir(), "a.csv")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		d, err := Read(context.Background(), path, ReadOptions{})
		require.NoError(t, err)
		require.Equal(t, strings.Count(text, "\n"), len(d.Labels))
		for _, v := range d.X.Data().([]float64) {
			if v != 1 {
				require.Equal(t, 1.0, v)
			}
		}
	}
}

func TestRead_Damage(t *testing.T) {
	text := bigTable(50_000)
	gz, zst := compressed(t, text)
	for _, whole := range [][]byte{gz, zst} {
		for _, cut := range []int{5, len(whole) / 2, len(whole) - 5, len(whole) - 1} {
			_, err := ReadFrom(context.Background(), bytes.NewReader(whole[:cut]), "a.csv", ReadOptions{})
			require.EqualError(t, err, "a.csv: the compressed data end too early; the file is damaged or incomplete", "cut at %d of %d", cut, len(whole))
		}
		flipped := bytes.Clone(whole)
		flipped[len(whole)/2] ^= 0x40
		_, err := ReadFrom(context.Background(), bytes.NewReader(flipped), "a.csv", ReadOptions{})
		var e *ReadError
		require.ErrorAs(t, err, &e)

		_, err = ReadFrom(context.Background(), bytes.NewReader(append(bytes.Clone(whole), "and something else"...)), "a.csv", ReadOptions{})
		require.Regexp(t, "^a.csv: the compressed data are damaged: .+; copy or compress the file again$", err.Error())
		_, err = ReadFrom(context.Background(), io.MultiReader(bytes.NewReader(whole[:len(whole)/2]), iotest.ErrReader(errors.New("input/output error"))), "a.csv", ReadOptions{})
		require.EqualError(t, err, "a.csv: input/output error", "a disk that fails is no damage of the file's")
	}
	_, err := ReadFrom(context.Background(), strings.NewReader(lrb.Magic+"and little else"), "a.lrb", ReadOptions{})
	require.EqualError(t, err, "a.lrb: this is no lrb file: it does not begin like one; the file is damaged, or something else")
}

func TestRead_Paths(t *testing.T) {
	dir := t.TempDir()
	_, err := Read(context.Background(), filepath.Join(dir, "none.csv"), ReadOptions{})
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.Equal(t, 1, strings.Count(err.Error(), "none.csv"), "the path is named once: %v", err)
	_, err = Read(context.Background(), dir, ReadOptions{})
	require.EqualError(t, err, dir+": is a directory; give a file")

	for _, c := range []struct {
		name, format, want string
	}{
		{"a.xls", "", `a.xls: cannot tell the format from the extension ".xls"; name it with --format; use one of csv, tsv, libsvm, npy, npz, lrb, parquet, arrow`},
		{"a.csv", "xls", `a.csv: unknown format "xls"; use one of csv, tsv, libsvm, npy, npz, lrb, parquet, arrow`},
	} {
		_, err := ReadFrom(context.Background(), strings.NewReader("1,2\n"), c.name, ReadOptions{Format: c.format})
		require.EqualError(t, err, c.want)
	}
	for name, o := range map[string]ReadOptions{"a.tsv": {}, "a.TAB.gz": {}, "-": {Format: "tsv"}, "a.csv": {Format: "tsv"}} {
		d, err := ReadFrom(context.Background(), strings.NewReader("1\t2,3\n"), name, o)
		require.NoError(t, err)
		require.Equal(t, []string{"2,3"}, d.Classes.Names)
	}
}

func TestRead_ColumnsForPrediction(t *testing.T) {
	model := []string{"a", "b"}
	auto := []string{"x0", "x1"}
	classes := &Classes{Names: []string{"no", "yes"}}
	x := []float64{1, 2, 3, 4}
	labels := []int32{0, 1}
	for _, c := range []struct {
		name, text string
		o          ReadOptions
		labels     []int32
		err        string
	}{
		{"same columns", "a,b,y\n1,2,no\n3,4,yes\n", ReadOptions{Features: model}, labels, ""},
		{"reordered", "y,b,a\nno,2,1\nyes,4,3\n", ReadOptions{Features: model, Label: "y"}, labels, ""},
		{"extra columns, also of text", "id,b,when,a,y\nq,2,,1,no\nr,4,today,3,yes\n", ReadOptions{Features: model}, labels, ""},
		{"without the label", "b,a\n2,1\n4,3\n", ReadOptions{Features: model, NoLabel: true}, nil, ""},
		{"without the label that the model names", "b,a\n2,1\n4,3\n", ReadOptions{Features: model, NoLabel: true, Label: "y"}, nil, ""},
		{"an empty label is not read", "b,a,y\n2,1,\n4,3,\n", ReadOptions{Features: model, NoLabel: true}, nil, ""},
		{"no header, with label", "1,2,no\n3,4,yes\n", ReadOptions{Features: model}, labels, ""},
		{"no header, label first", "no,1,2\nyes,3,4\n", ReadOptions{Features: model, Label: "0"}, labels, ""},
		{"no header, without label", "1,2\n3,4\n", ReadOptions{Features: model, NoLabel: true}, nil, ""},
		{"no header, label to leave out", "1,2,no\n3,4,yes\n", ReadOptions{Features: model, NoLabel: true}, nil, ""},
		{"no header, first column to leave out", "no,1,2\nyes,3,4\n", ReadOptions{Features: model, NoLabel: true, Label: "0"}, nil, ""},
		{"no header, label by a name", "1,2,no\n3,4,yes\n", ReadOptions{Features: model, Label: "y"}, labels, ""},
		{"no header, other columns named away", "1,q,2,7,no\n3,r,4,8,yes\n", ReadOptions{Features: model, Ignore: []string{"1"}, Weight: "3"}, labels, ""},
		{"model without header, data with", "a,b,y\n1,2,no\n3,4,yes\n", ReadOptions{Features: auto}, labels, ""},
		{"model without header, data with its names", "x1,x0,y\n2,1,no\n4,3,yes\n", ReadOptions{Features: auto}, labels, ""},

		{"missing", "b,c,y\n1,2,no\n", ReadOptions{Features: []string{"a", "b", "d"}}, nil, `t.csv: 2 of the model's 3 features are missing: "a", "d"; add the columns; their order does not matter`},
		{"no label", "a,b\n1,2\n", ReadOptions{Features: model}, nil, `t.csv: there is no label column beside the model's features; add one`},
		{"label not there", "a,b\n1,2\n", ReadOptions{Features: model, Label: "y"}, nil, `t.csv: there is no column "y"; the columns are "a", "b"`},
		{"label is a feature", "a,b\n1,2\n", ReadOptions{Features: model, Label: "b"}, nil, `t.csv: column "b": cannot be both a feature of the model and the label`},
		{"feature is the weight", "a,b,y\n1,2,no\n", ReadOptions{Features: model, Weight: "a"}, nil, `t.csv: column "a": is a feature of the model and cannot be the sample weight`},
		{"no header, too few", "1,2\n", ReadOptions{Features: model}, nil, `t.csv: there are 2 columns where the model has 2 features and a label; without a header that names the features, the columns must be the model's`},
		{"no header, too many", "1,2,3,4\n", ReadOptions{Features: model, NoLabel: true}, nil, `t.csv: there are 4 columns where the model has 2 features, with or without a label; without a header that names the features, the columns must be the model's`},
		{"unseen label", "a,b,y\n1,2,no\n3,4,maybe\n", ReadOptions{Features: model}, nil, `t.csv:3: column "y": the label "maybe" is not among the model's classes; the classes are "no", "yes"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.o.Classes = classes
			d, err := readString(c.text, c.o)
			if c.err != "" {
				require.EqualError(t, err, c.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, x, d.X.Data())
			require.Equal(t, c.labels, d.Labels)
			require.Equal(t, c.o.Features, d.FeatureNames)
		})
	}
}

// endless is a stream whose second Read ends the context and then waits for ever.
type endless struct {
	first  *strings.Reader
	cancel context.CancelFunc
	never  chan struct{}
}

func (e endless) Read(p []byte) (int, error) {
	if e.first.Len() > 0 {
		return e.first.Read(p)
	}
	e.cancel()
	<-e.never
	return 0, nil
}

// A terminal that nobody types at does not hold up the end of the context.
func TestReadFrom_StopsWhileTheStreamWaits(t *testing.T) {
	for _, first := range []string{"", "a,y\n1,2\n", "\x1f\x8b"} {
		ctx, cancel := context.WithCancel(context.Background())
		never := make(chan struct{})
		_, err := ReadFrom(ctx, endless{strings.NewReader(first), cancel, never}, "-", ReadOptions{})
		require.ErrorIs(t, err, context.Canceled)
		close(never)
	}
}

// What is read ahead of the parser is not waited for when a row is wrong.
func TestReadFrom_StopsAtAnErrorWhileTheCompressedStreamWaits(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := io.WriteString(z, "a,y\n1,0\n1,0,0\n"+strings.Repeat("1,0\n", 8*aheadBytes/4))
	require.NoError(t, err)
	require.NoError(t, z.Flush())
	never := make(chan struct{})
	defer close(never)
	stream := io.MultiReader(&b, readerFunc(func([]byte) (int, error) {
		<-never
		return 0, io.EOF
	}))
	_, err = ReadFrom(context.Background(), stream, "a.csv", ReadOptions{})
	require.EqualError(t, err, "a.csv:3: the row has 3 cells where 2 are expected; every row needs as many cells as the first")
}
