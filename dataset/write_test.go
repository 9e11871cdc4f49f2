package dataset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"
	"pgregory.net/rapid"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// drawDataset draws a dataset of any kind, and its numbers.
func drawDataset(t *rapid.T) (*Dataset, []float64) {
	m, x := drawSparse(t)
	rows, cols := m.Rows, m.Cols
	d := &Dataset{Name: "drawn"}
	narrow := make([]float32, len(x))
	convert(narrow, x)
	switch kind := rapid.SampledFrom([]string{"sparse", "float32", "float64", "stream"}).Draw(t, "kind"); kind {
	case "sparse":
		d.Sparse = m
	case "float32":
		x = make([]float64, len(x))
		convert(x, narrow)
		d.X = tensor.New(tensor.WithShape(rows, cols), tensor.WithBacking(narrow))
	default:
		for i := range x {
			if rapid.Bool().Draw(t, "any") {
				x[i] = rapid.Float64().Filter(func(v float64) bool { return v-v == 0 }).Draw(t, "v")
			}
		}
		if d.X = tensor.New(tensor.WithShape(rows, cols), tensor.WithBacking(x)); kind == "stream" {
			d.X, d.Stream = nil, &memory{rows: rows, cols: cols, x64: x}
		}
	}
	switch rapid.SampledFrom([]string{"x0", "x1", "words"}).Draw(t, "names") {
	case "x0":
		d.FeatureNames = autoNames(0, cols)
	case "x1":
		d.FeatureNames = autoNames(1, cols)
	default:
		for j := range cols {
			d.FeatureNames = append(d.FeatureNames, fmt.Sprintf("%s%d", rapid.SampledFrom([]string{"a", "b,\t\"", "ü \n", "y", "sample_weight"}).Draw(t, "name"), j))
		}
		if rapid.Bool().Draw(t, "clash") {
			d.FeatureNames[0] = "y"
		}
	}
	if kind := rapid.SampledFrom([]string{"none", "numbers", "words"}).Draw(t, "labels"); kind != "none" {
		labels := rapid.SliceOfN(rapid.SampledFrom([]string{"0", "-1", "2.5", "1e+20"}), rows, rows).Draw(t, "labels")
		if kind == "words" {
			labels = rapid.SliceOfN(rapid.SampledFrom([]string{"spam", "ham,", "a \"b\"\nc", " ", "9"}), rows-1, rows-1).Draw(t, "labels")
			labels = append(labels, "word")
		}
		var err error
		d.LabelName = "y"
		d.Labels, d.Classes, err = Encode(labels)
		require.NoError(t, err)
	}
	if rapid.Bool().Draw(t, "weighted") {
		d.Weights = rapid.SliceOfN(rapid.Float64Range(0, 1e9), rows, rows).Draw(t, "weights")
	}
	if rapid.Bool().Draw(t, "offset") {
		d.Offsets = rapid.SliceOfN(rapid.Float64Range(-1e9, 1e9), rows, rows).Draw(t, "offsets")
	}
	require.NoError(t, d.Check())
	return d, x
}

// allNumbers is X as float64s.
func allNumbers(t require.TestingT, d *Dataset) []float64 {
	rows, cols := d.Shape()
	x := make([]float64, rows*cols)
	require.NoError(t, fillRows(d, 0, x))
	return x
}

// What any format holds is read back to the same bits, and written again it is the same
// file.
func TestWrite_RoundTrip(t *testing.T) {
	for _, w := range writers {
		t.Run(w.format, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				ctx := context.Background()
				d, x := drawDataset(t)
				var file bytes.Buffer
				if err := Write(ctx, &file, d, w.format); err != nil {
					// Only what the format says that it cannot hold.
					var e *WriteError
					require.ErrorAs(t, err, &e)
					words := d.Labels != nil && !d.Classes.Numeric
					require.True(t, !w.sides && (d.Weights != nil || d.Offsets != nil) || words && !w.words || words && w.format == "libsvm", "%v", err)
					return
				}
				o := ReadOptions{Format: w.format, NoLabel: d.Labels == nil, Header: HeaderPresent}
				if w.format == "csv" || w.format == "tsv" || w.format == "parquet" || w.format == "arrow" {
					o.Header = HeaderPresent
					named := func(name string) string {
						for slices.Contains(d.FeatureNames, name) {
							name += "_"
						}
						return name
					}
					if d.Weights != nil {
						o.Weight = named("sample_weight")
					}
					if d.Offsets != nil {
						o.Offset = named("offset")
					}
				}
				if w.dense && rapid.Bool().Draw(t, "narrow") {
					o.Float = d.Dtype()
				}
				got, err := ReadFrom(ctx, bytes.NewReader(file.Bytes()), "t", o)
				require.NoError(t, err, "%q", file.String())
				require.True(t, bytes.Equal(toBits(x), toBits(allNumbers(t, got))), "%v %v", x, allNumbers(t, got))
				require.Equal(t, d.Labels, got.Labels)
				require.Equal(t, d.Classes, got.Classes)
				require.Equal(t, d.Weights, got.Weights)
				require.Equal(t, d.Offsets, got.Offsets)
				if w.names || AutoNamed(d.FeatureNames) || w.format == "libsvm" && autoNamed(d.FeatureNames, 1) {
					require.Equal(t, d.FeatureNames, got.FeatureNames)
				}
				if w.format == "lrb" {
					require.Equal(t, d.Sparse, got.Sparse)
					require.Equal(t, d.Dtype(), got.Dtype())
				}

				var again bytes.Buffer
				require.NoError(t, Write(ctx, &again, got, w.format))
				if o.Float == (tensor.Dtype{}) && (w.names || AutoNamed(d.FeatureNames)) {
					require.Equal(t, file.String(), again.String())
				}
			})
		})
	}
}

func toBits(x []float64) (b []byte) {
	for _, v := range x {
		b = fmt.Appendf(b, "%016x", math.Float64bits(v))
	}
	return b
}

// Large matrices are written in pieces, in parallel, in order.
func TestWrite_ManyPieces(t *testing.T) {
	const rows, cols = 20_000, 7
	x := make([]float64, rows*cols)
	labels := make([]int, rows)
	for i := range x {
		x[i] = float64(i)
		labels[i/cols] = i % 2
	}
	d, err := New(x, rows, cols, labels)
	require.NoError(t, err)
	for _, w := range writers {
		var file bytes.Buffer
		require.NoError(t, Write(context.Background(), &file, d, w.format))
		got, err := ReadFrom(context.Background(), &file, "t", ReadOptions{Format: w.format})
		require.NoError(t, err)
		require.Equal(t, x, allNumbers(t, got))
		require.Equal(t, d.Labels, got.Labels)
	}
}

func TestWrite_Refuses(t *testing.T) {
	ctx := context.Background()
	wide := &Dataset{Name: "wide", Sparse: &backend.CSR{Rows: 1, Cols: maxDenseCols + 1, RowPtr: []int64{0, 0}, Col: []uint32{}}, FeatureNames: make([]string, maxDenseCols+1)}
	for _, format := range []string{"csv", "tsv", "npy", "npz"} {
		require.EqualError(t, Write(ctx, &bytes.Buffer{}, wide, format), "wide: cannot be written as "+format+": 1 x 16777217 numbers, zeros included, are too many; libsvm and lrb keep it sparse")
	}
	_, err := WriteFormat("x.docx", "")
	require.ErrorContains(t, err, "cannot tell the format")
	format, err := WriteFormat("x.CSV.gz", "")
	require.NoError(t, err)
	require.Equal(t, "csv", format)

	// A stream that cannot be read, a context that ends.
	gone := errors.New("the file is gone")
	d := &Dataset{Stream: &memory{rows: 2, cols: 2, x64: make([]float64, 4), err: gone}, FeatureNames: autoNames(0, 2)}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	for _, w := range writers {
		require.ErrorIs(t, Write(ctx, &bytes.Buffer{}, d, w.format), gone, w.format)
		good, err := New[float64, int](make([]float64, 4), 2, 2, nil)
		require.NoError(t, err)
		require.ErrorIs(t, Write(ended, &bytes.Buffer{}, good, w.format), context.Canceled, w.format)
	}
}

// A disk that fills up leaves the old file as it was, and nothing beside it.
func TestWriteFile_FullDisk(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err == nil {
		d, err := New(make([]float64, 100), 10, 10, make([]int, 10))
		require.NoError(t, err)
		for _, w := range writers {
			require.ErrorContains(t, WriteFile(context.Background(), "/dev/full", d, w.format), "no space left on device", w.format)
		}
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "t.csv")
	require.NoError(t, os.WriteFile(path, []byte("old"), 0o644))
	d := &Dataset{Stream: &memory{rows: 2, cols: 2, x64: make([]float64, 4), err: errors.New("gone")}, FeatureNames: autoNames(0, 2)}
	require.Error(t, WriteFile(context.Background(), path, d, "csv"))
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 1)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "old", string(text))
}

func TestWriteFile_Compressed(t *testing.T) {
	d, err := New([]float64{1, 2, 3, 4}, 2, 2, []int{0, 1})
	require.NoError(t, err)
	for _, ext := range []string{".csv", ".csv.gz", ".csv.zst", ".lrb.gz", ".npz.zst"} {
		path := filepath.Join(t.TempDir(), "t"+ext)
		format, err := WriteFormat(path, "")
		require.NoError(t, err)
		require.NoError(t, WriteFile(context.Background(), path, d, format))
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, strings.HasSuffix(ext, ".gz"), strings.HasPrefix(string(b), "\x1f\x8b"))
		require.Equal(t, strings.HasSuffix(ext, ".zst"), strings.HasPrefix(string(b), "\x28\xb5\x2f\xfd"))
		got, err := Read(context.Background(), path, ReadOptions{})
		require.NoError(t, err)
		require.Equal(t, d.X.Data(), got.X.Data())
	}
}

func TestAppendNumber(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 1: "1", -17: "-17", 1e6: "1000000", 0.1: "0.1", 1e-6: "0.000001", 1e-7: "1e-07", 123456789012345678: "123456789012345680", 1e21: "1e+21", -2.5e-300: "-2.5e-300",
	} {
		require.Equal(t, want, string(appendNumber(nil, v)))
	}
	require.Equal(t, "-0", string(appendNumber(nil, math.Copysign(0, -1))))
}

// plainDataset is one that every format can hold.
func plainDataset(t *rapid.T) (*Dataset, []float64) {
	for {
		d, x := drawDataset(t)
		if d.Labels == nil || d.Classes.Numeric {
			d.Weights, d.Offsets = nil, nil
			_, cols := d.Shape()
			d.FeatureNames = autoNames(0, cols)
			return d, x
		}
	}
}

// From any format to any other and back: the same numbers, bit for bit, and the same
// labels; of the same types, where both formats have types.
func TestWrite_EveryPairOfFormats(t *testing.T) {
	ctx := context.Background()
	typed := func(format string) bool { // npy has one type for features and labels together
		return format != "csv" && format != "tsv" && format != "libsvm" && format != "npy"
	}
	for _, first := range writers {
		t.Run(first.format, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				second := rapid.SampledFrom(writers).Draw(t, "second")
				d, x := plainDataset(t)
				through := func(d *Dataset, format string) *Dataset {
					var file bytes.Buffer
					require.NoError(t, Write(ctx, &file, d, format))
					got, err := ReadFrom(ctx, &file, "t", ReadOptions{Format: format, NoLabel: d.Labels == nil, Header: HeaderPresent})
					require.NoError(t, err)
					return got
				}
				one := through(d, first.format)
				two := through(one, second.format)
				back := through(two, first.format)
				for _, got := range []*Dataset{one, two, back} {
					require.True(t, bytes.Equal(toBits(x), toBits(allNumbers(t, got))))
					require.Equal(t, d.Labels, got.Labels)
					require.Equal(t, d.Classes, got.Classes)
					require.Equal(t, d.FeatureNames, got.FeatureNames)
				}
				if typed(first.format) && typed(second.format) {
					require.Equal(t, one.Dtype(), back.Dtype())
					require.Equal(t, one.Sparse != nil && second.format == "lrb", back.Sparse != nil)
				}
			})
		})
	}
}
