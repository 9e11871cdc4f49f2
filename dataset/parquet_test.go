package dataset

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"
)

// parquetPath is a file that testdata/parquet/make.py wrote.
func parquetPath(name string) string {
	return filepath.Join("testdata", "parquet", name+".parquet")
}

const parquetRows = 23

// numbersOfMake are the columns of numbers of the table in make.py.
func numbersOfMake() (names []string, columns [][]float64) {
	add := func(name string, of func(i int) float64) {
		v := make([]float64, parquetRows)
		for i := range v {
			v[i] = of(i)
		}
		names, columns = append(names, name), append(columns, v)
	}
	add("single", func(i int) float64 { return float64(i)/4 - 2 })
	add("double", func(i int) float64 { return float64(i-11) * 0.1 })
	for _, b := range []int{8, 16, 32, 64} {
		add(fmt.Sprintf("i%d", b), func(i int) float64 {
			if i == 3 {
				return -math.Ldexp(1, min(b, 53)-1)
			}
			return float64(i - 5)
		})
		add(fmt.Sprintf("u%d", b), func(i int) float64 {
			if i == 3 {
				return math.Ldexp(1, min(b, 53)) - 1
			}
			return float64(i)
		})
	}
	add("flag", func(i int) float64 {
		if i%3 == 0 {
			return 1
		}
		return 0
	})
	add("price", func(i int) float64 { return float64(i-4) / 100 })
	return names, columns
}

func TestParquet_EveryPackingGivesTheSameNumbers(t *testing.T) {
	names, columns := numbersOfMake()
	for _, name := range []string{"none", "snappy", "gzip", "zstd", "pages-v1", "pages-v2", "plain", "delta"} {
		for _, threads := range []int{1, 2, 7} {
			for _, float := range []tensor.Dtype{tensor.Float32, tensor.Float64} {
				d, err := Read(context.Background(), parquetPath(name), ReadOptions{Ignore: []string{"city"}, Float: float, Threads: threads})
				require.NoError(t, err, name)
				require.Equal(t, names, d.FeatureNames)
				require.Equal(t, "label", d.LabelName)
				require.Equal(t, Classes{Names: []string{"0", "1"}, Numeric: true}, d.Classes)
				for i := range parquetRows {
					require.Equal(t, int32(i%2), d.Labels[i])
					for j := range names {
						if float == tensor.Float32 {
							require.Equal(t, float32(columns[j][i]), d.X.Data().([]float32)[i*len(names)+j], "%s: row %d, %s", name, i, names[j])
						} else {
							require.Equal(t, columns[j][i], d.X.Data().([]float64)[i*len(names)+j], "%s: row %d, %s", name, i, names[j])
						}
					}
				}
			}
		}
	}
}

// A file with texts is a Table, and so are its numbers: both ways must agree.
func TestParquet_TextAndMissingCellsAreATable(t *testing.T) {
	names, columns := numbersOfMake()
	for _, name := range []string{"pages-v1", "pages-v2", "plain", "delta", "holes-v1", "holes-v2"} {
		d, err := Read(context.Background(), parquetPath(name), ReadOptions{Encode: EncodeOptions{Missing: MissingMean}})
		require.NoError(t, err, name)
		holes := name[:5] == "holes"
		want := append(append([]string(nil), names...), "city=Oslo", "city=Paris", "city=Rome")
		if holes {
			want = append(want, "city=<missing>")
		}
		require.Equal(t, want, d.FeatureNames, name)
		rows := rowsOf(d)
		for i, row := range rows {
			hole := holes && i%5 == 2
			for j, n := range names {
				if !hole || n != "double" && n != "i8" && n != "flag" {
					require.Equal(t, columns[j][i], row[j], "%s: row %d, %s", name, i, n)
				}
			}
			levels := row[len(names):]
			at := []int{1, 0, 2}[i%3]
			if hole {
				at = 3
			}
			for k, v := range levels {
				require.Equal(t, k == at, v == 1, "%s: row %d, level %d", name, i, k)
			}
		}
	}
}

func TestParquet_DecimalsOfBytes(t *testing.T) {
	d, err := Read(context.Background(), parquetPath("refused"), ReadOptions{Label: "label", Ignore: []string{"day", "list", "city"}, Float: tensor.Float64})
	require.NoError(t, err)
	names, columns := numbersOfMake()
	for i := range parquetRows {
		require.Equal(t, columns[len(names)-1][i], d.X.Data().([]float64)[i*len(names)+len(names)-1])
	}
	require.Equal(t, -0x1p100-0x1p60, decimals{[]byte{0xff, 0xff, 0xff, 0xef, 0xff, 0xff, 0xff, 0xff, 0xf0, 0, 0, 0, 0, 0, 0, 0}, 16}.at(0))
}

func TestParquet_OneFloat32ColumnIsFloat32(t *testing.T) {
	d, err := Read(context.Background(), parquetPath("none"), ReadOptions{Ignore: []string{"double", "i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64", "flag", "price", "city"}})
	require.NoError(t, err)
	require.Equal(t, tensor.Float32, d.X.Dtype())
}

func TestParquet_FromAStream(t *testing.T) {
	b, err := os.ReadFile(parquetPath("snappy"))
	require.NoError(t, err)
	d, err := ReadFrom(context.Background(), bytes.NewReader(b), "x.parquet", ReadOptions{Ignore: []string{"city"}})
	require.NoError(t, err)
	rows, _ := d.Shape()
	require.Equal(t, parquetRows, rows)
}

func TestParquet_P20_ErrorsNameTheColumn(t *testing.T) {
	for _, c := range []struct {
		file string
		o    ReadOptions
		want string
	}{
		{"refused", ReadOptions{Label: "label", Ignore: []string{"list"}}, `column "day": it holds dates, which are no features; leave it out with --ignore`},
		{"refused", ReadOptions{Label: "label", Ignore: []string{"day"}}, `column "list": it holds nested fields`},
		{"pandas", ReadOptions{Ignore: []string{"bytes"}}, `column "nothing": it holds no values at all, which are no features; leave it out with --ignore`},
		{"pandas", ReadOptions{Ignore: []string{"nothing"}}, `column "bytes": row 0: the text is not UTF-8; leave the column out with --ignore`},
		{"holes-v1", ReadOptions{Ignore: []string{"city"}}, `column "double": row 2`},
		{"lz4", ReadOptions{}, `column "single": it is packed with LZ4_RAW; write the file with zstd, snappy, gzip or no compression`},
		{"none", ReadOptions{Label: "nosuch"}, `there is no column "nosuch"; the columns are "single"`},
		{"none", ReadOptions{Weight: "i8", Ignore: []string{"city"}}, `column "i8": row 0: the weight -5 is negative`},
		{"none", ReadOptions{Ignore: []string{"city"}, Classes: &Classes{Names: []string{"0", "7"}, Numeric: true}}, `column "label": row 1: the label "1" is not among the model's classes`},
	} {
		_, err := Read(context.Background(), parquetPath(c.file), c.o)
		require.ErrorContains(t, err, c.want)
		var e *ReadError
		require.ErrorAs(t, err, &e)
		require.Equal(t, parquetPath(c.file), e.File)
	}
}

// The labels of pandas' rows are neither the label, though they stand last, nor a feature.
func TestParquet_IndexOfPandas(t *testing.T) {
	for _, c := range []struct {
		o     ReadOptions
		label string
		x     []float64
	}{
		{ReadOptions{}, "y", []float64{1.5, 2, 3}},
		{ReadOptions{Label: "__index_level_0__"}, "__index_level_0__", []float64{1.5, 0, 2, 1, 3, 0}},
		{ReadOptions{Label: "-1"}, "__index_level_0__", []float64{1.5, 0, 2, 1, 3, 0}},
		{ReadOptions{Features: []string{"__index_level_0__"}, Label: "y"}, "y", []float64{2, 0, 1}},
	} {
		c.o.Ignore = []string{"nothing", "bytes"}
		d, err := Read(context.Background(), parquetPath("pandas"), c.o)
		require.NoError(t, err)
		require.Equal(t, c.label, d.LabelName)
		require.Equal(t, c.x, d.X.Data())
	}
}

// Bytes flipped and lengths cut: an error or a table, never a panic.
func TestParquet_DamageIsAnError(t *testing.T) {
	for _, name := range []string{"holes-v2", "snappy"} {
		whole, err := os.ReadFile(parquetPath(name))
		require.NoError(t, err)
		read := func(b []byte) error {
			_, err := ReadFrom(context.Background(), bytes.NewReader(b), "x.parquet", ReadOptions{Encode: EncodeOptions{Missing: MissingMean}, Threads: 1})
			if err != nil {
				var e *ReadError
				require.ErrorAs(t, err, &e)
				require.NotContains(t, err.Error(), "\n")
			}
			return err
		}
		for n := 0; n < len(whole); n += 1 + n/7 {
			require.Error(t, read(whole[:n]), "cut to %d bytes", n)
		}
		for at := 0; at < len(whole); at += 13 {
			damaged := bytes.Clone(whole)
			damaged[at] ^= 0x55
			_ = read(damaged)
		}
	}
}

func FuzzParquet(f *testing.F) {
	for _, name := range []string{"none", "snappy", "holes-v1", "holes-v2", "delta", "refused"} {
		b, err := os.ReadFile(parquetPath(name))
		require.NoError(f, err)
		f.Add(b)
	}
	// Small files, which a fuzzer gets further with.
	type row struct {
		A float32 `parquet:"a,optional"`
		B string  `parquet:"b,dict"`
		C int64   `parquet:"c,snappy"`
		Y bool    `parquet:"y"`
	}
	for _, version := range []int{1, 2} {
		var b bytes.Buffer
		w := parquet.NewGenericWriter[row](&b, parquet.DataPageVersion(version), parquet.DataPageStatistics(false), parquet.CreatedBy("", "", ""))
		_, err := w.Write([]row{{1, "u", 7, true}, {0, "v", 8, false}, {2, "u", 9, true}})
		require.NoError(f, err)
		require.NoError(f, w.Close())
		f.Add(b.Bytes())
	}
	for _, labels := range [][]int{nil, {0, 1}} {
		d, err := New([]float64{1, 2}, 2, 1, labels)
		require.NoError(f, err)
		var b bytes.Buffer
		require.NoError(f, Write(context.Background(), &b, d, "parquet"))
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := ReadFrom(context.Background(), bytes.NewReader(b), "x.parquet", ReadOptions{Encode: EncodeOptions{Missing: MissingMean}, Threads: 1})
		if err == nil {
			require.NoError(t, d.Check())
		}
	})
}

// Pages that end within the tiles that X is written in, each column's elsewhere, and row
// groups of odd sizes.
func TestParquet_P9_PagesAndTilesOfAnySize(t *testing.T) {
	type row struct {
		A float32 `parquet:"a"`
		B float32 `parquet:"b,dict"`
		C float64 `parquet:"c"`
		D int32   `parquet:"d,dict"`
		E float32 `parquet:"e,optional"`
		F int64   `parquet:"f,snappy"`
		Y int32   `parquet:"y"`
	}
	rows := make([]row, 20_011)
	for i := range rows {
		v := float32(i*7919%10007) / 8
		rows[i] = row{v, float32(i % 997), float64(v) / 3, int32(i % 31), v + 1, int64(i) - 10, int32(i % 3)}
	}
	path := filepath.Join(t.TempDir(), "x.parquet")
	var b bytes.Buffer
	w := parquet.NewGenericWriter[row](&b, parquet.PageBufferSize(3001), parquet.MaxRowsPerRowGroup(7_777))
	_, err := w.Write(rows)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o666))
	for _, threads := range []int{1, 2, 5} {
		for _, float := range []tensor.Dtype{tensor.Float32, tensor.Float64} {
			d, err := Read(t.Context(), path, ReadOptions{Threads: threads, Float: float})
			require.NoError(t, err)
			require.Equal(t, tensor.Shape{len(rows), 6}, d.X.Shape())
			at := func(k int) float64 {
				if float == tensor.Float32 {
					return float64(d.X.Data().([]float32)[k])
				}
				return d.X.Data().([]float64)[k]
			}
			for i, r := range rows {
				for j, want := range []float64{float64(r.A), float64(r.B), r.C, float64(r.D), float64(r.E), float64(r.F)} {
					if float == tensor.Float32 {
						want = float64(float32(want))
					}
					if at(i*6+j) != want || d.Labels[i] != r.Y {
						t.Fatalf("%d threads: row %d, column %d: %v instead of %v, label %d", threads, i, j, at(i*6+j), want, d.Labels[i])
					}
				}
			}
		}
	}
}
