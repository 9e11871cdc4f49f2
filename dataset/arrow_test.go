package dataset

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"
)

// arrowPath is a file that testdata/arrow/make.py wrote, of the table that Parquet's has
// too, and a few columns more.
func arrowPath(name string) string { return filepath.Join("testdata", "arrow", name) }

var arrowTexts = []string{"city", "large", "view", "town"}

func numbersOfArrow() (names []string, columns [][]float64) {
	names, columns = numbersOfMake()
	names, columns = append([]string{"half"}, names...), append([][]float64{columns[0]}, columns...)
	small, rank := make([]float64, parquetRows), make([]float64, parquetRows)
	for i := range small {
		small[i], rank[i] = float64(i-4)/10, float64(i%4)
	}
	return append(names, "small", "rank"), append(columns, small, rank)
}

func TestArrow_EveryPackingGivesTheSameNumbers(t *testing.T) {
	names, columns := numbersOfArrow()
	for _, name := range []string{"plain.arrow", "stream.arrows", "lz4.arrow", "zstd.arrows"} {
		for _, threads := range []int{1, 2, 7} {
			for _, float := range []tensor.Dtype{tensor.Float32, tensor.Float64} {
				for _, limit := range []int64{0, 1} {
					d, err := Read(t.Context(), arrowPath(name), ReadOptions{Ignore: arrowTexts, Float: float, Threads: threads, MaxMemory: limit, Scratch: t.TempDir()})
					require.NoError(t, err, name)
					require.Equal(t, limit == 1, d.OnDisk())
					require.Equal(t, names, d.FeatureNames)
					require.Equal(t, "label", d.LabelName)
					require.Equal(t, Classes{Names: []string{"0", "1"}, Numeric: true}, d.Classes)
					x := allNumbers(t, d)
					for i := range parquetRows {
						require.Equal(t, int32(i%2), d.Labels[i])
						for j, n := range names {
							want := columns[j][i]
							if float == tensor.Float32 {
								want = float64(float32(want))
							}
							require.Equal(t, want, x[i*len(names)+j], "%s: row %d, %s", name, i, n)
						}
					}
					require.NoError(t, d.Close())
				}
			}
		}
	}
	d, err := Read(t.Context(), arrowPath("plain.arrow"), ReadOptions{Features: []string{"single", "half"}})
	require.NoError(t, err)
	require.Equal(t, tensor.Float32, d.X.Dtype(), "float16 and float32 alone are float32")
}

// Texts, in a dictionary or not, and missing cells; of a slice, whose bitmaps and texts do
// not begin at a byte's or a buffer's begin, too.
func TestArrow_TextAndMissingCellsAreATable(t *testing.T) {
	names, columns := numbersOfArrow()
	without := []string{"double", "i8", "flag", "price", "rank"}
	for _, file := range []struct {
		name        string
		first, rows int
		holes       bool
	}{{"plain.arrow", 0, 23, false}, {"stream.arrows", 0, 23, false}, {"holes.arrow", 0, 23, true}, {"holes.feather", 0, 23, true}, {"sliced.arrow", 7, 12, true}} {
		table, label, err := ReadTable(t.Context(), arrowPath(file.name), ReadOptions{})
		require.NoError(t, err, file.name)
		require.Equal(t, len(table.Columns)-1, label)
		require.Equal(t, append(append(slices.Clone(names), arrowTexts...), "label"), table.names())
		for i := range file.rows {
			at := i + file.first
			hole := file.holes && at%5 == 2
			for j, n := range names {
				if got := table.Columns[j].Numbers[i]; hole && slices.Contains(without, n) {
					require.True(t, math.IsNaN(got), "%s: row %d, %s", file.name, i, n)
				} else {
					require.Equal(t, columns[j][at], got, "%s: row %d, %s", file.name, i, n)
				}
			}
			for j, n := range arrowTexts {
				c := &table.Columns[len(names)+j]
				want := []string{"Paris", "Oslo", "Rome"}[at%3]
				if want == "Oslo" && n == "view" {
					want = "metropolis of Oslo"
				}
				if hole {
					require.Equal(t, int32(-1), c.Codes[i])
				} else {
					require.Equal(t, want, c.Levels[c.Codes[i]], "%s: row %d, %s", file.name, i, n)
				}
			}
		}
		for _, c := range table.Columns[len(names):label] {
			require.Len(t, c.Levels, 3, "what no row has is no level")
		}
	}
}

func TestArrow_OfPolars(t *testing.T) {
	d, err := Read(t.Context(), arrowPath("polars.arrow"), ReadOptions{})
	require.NoError(t, err)
	require.Equal(t, []string{"single", "double", "i64", "flag", "city=Oslo", "city=Paris", "city=Rome"}, d.FeatureNames)
	_, columns := numbersOfArrow()
	for i, row := range rowsOf(d) {
		for j, k := range []int{1, 2, 9, 11} {
			require.Equal(t, columns[k][i], row[j])
		}
		require.Equal(t, 1., row[4+[]int{1, 0, 2}[i%3]])
	}
}

// A dictionary that grows from batch to batch, and others that take its place: codes of a
// batch are those of the dictionary that came before it.
func TestArrow_DictionariesOfStreams(t *testing.T) {
	for _, name := range []string{"grows.arrows", "replaced.arrows"} {
		table, _, err := ReadTable(t.Context(), arrowPath(name), ReadOptions{Threads: 1})
		require.NoError(t, err, name)
		c := table.Columns[1]
		for i, code := range c.Codes {
			at := i
			if name == "grows.arrows" {
				at = []int{0, 1, 3, 4, 2, 5, 6, 7, 8}[i]
			}
			require.Equal(t, []string{"Paris", "Oslo", "Rome"}[at%3], c.Levels[code], "%s: row %d", name, i)
		}
	}
}

func TestArrow_P20_ErrorsNameTheColumn(t *testing.T) {
	ignored := []string{"list", "raw", "when", "wide", "pair", "nothing"}
	but := func(name string) ReadOptions {
		return ReadOptions{Ignore: slices.DeleteFunc(append([]string{"day"}, ignored...), func(n string) bool { return n == name })}
	}
	for _, c := range []struct {
		file string
		o    ReadOptions
		want string
	}{
		{"refused.arrow", but("day"), `column "day": it holds dates, which are no features; leave it out with --ignore`},
		{"refused.arrow", but("list"), `column "list": it holds nested fields`},
		{"refused.arrow", but("pair"), `column "pair": it holds nested fields`},
		{"refused.arrow", but("raw"), `column "raw": it holds bytes`},
		{"refused.arrow", but("when"), `column "when": it holds times`},
		{"refused.arrow", but("wide"), `column "wide": it holds decimals of more than 38 digits`},
		{"refused.arrow", but("nothing"), `column "nothing": row 0: the cell is missing`},
		{"holes.arrow", ReadOptions{Ignore: arrowTexts}, `column "double": row 2: the cell is missing`},
		{"holes.arrow", ReadOptions{MaxMemory: 1}, `the table is larger than --max-memory and has text or missing cells`},
		{"plain.arrow", ReadOptions{Label: "nosuch"}, `there is no column "nosuch"; the columns are "half"`},
		{"plain.arrow", ReadOptions{Weight: "i8", Ignore: arrowTexts}, `column "i8": row 0: the weight -5 is negative`},
		{"old.feather", ReadOptions{}, `this is version 1 of Feather; write it anew as version 2`},
	} {
		_, err := Read(t.Context(), arrowPath(c.file), c.o)
		require.ErrorContains(t, err, c.want)
		var e *ReadError
		require.ErrorAs(t, err, &e)
		require.Equal(t, arrowPath(c.file), e.File)
	}
	// What is refused takes its place among the others.
	d, err := Read(t.Context(), arrowPath("refused.arrow"), but(""))
	require.NoError(t, err)
	require.Equal(t, []string{"single", "last"}, d.FeatureNames)
	for _, row := range rowsOf(d) {
		require.Equal(t, row[0], row[1])
	}
	_, err = ReadFrom(t.Context(), strings.NewReader("a,b\n1,2\n"), "-", ReadOptions{Format: "arrow"})
	require.EqualError(t, err, "-: this is no Arrow IPC file: it does not begin like one; the file is damaged, or something else")
}

// Cut anywhere, a file is an error: nothing is taken for the whole.
func TestArrow_CutFilesAreErrors(t *testing.T) {
	for _, name := range []string{"grows.arrows", "polars.arrow"} {
		whole, err := os.ReadFile(arrowPath(name))
		require.NoError(t, err)
		require.NoError(t, readArrowBytes(t, whole))
		for n := range whole {
			require.Error(t, readArrowBytes(t, whole[:n]), "%s cut to %d bytes", name, n)
		}
	}
}

// Bytes flipped: an error or a table, never a panic.
func TestArrow_DamageIsAnError(t *testing.T) {
	for _, name := range []string{"holes.arrow", "lz4.arrow", "zstd.arrows", "polars.arrow"} {
		whole, err := os.ReadFile(arrowPath(name))
		require.NoError(t, err)
		for at := 0; at < len(whole); at += 41 {
			damaged := bytes.Clone(whole)
			damaged[at] ^= 0x55
			_ = readArrowBytes(t, damaged)
		}
	}
}

// readArrowBytes demands that errors are one line that names the file, and tables whole.
func readArrowBytes(t require.TestingT, b []byte) error {
	d, err := ReadFrom(context.Background(), bytes.NewReader(b), "x.arrow", ReadOptions{Encode: EncodeOptions{Missing: MissingMean}, Threads: 1})
	if err != nil {
		require.IsType(t, (*ReadError)(nil), err)
		require.NotContains(t, err.Error(), "\n")
		require.Contains(t, err.Error(), "x.arrow: ")
		return err
	}
	require.NoError(t, d.Check())
	return nil
}

// Batches of all sizes, of more columns than are open at a time, and threads: the same X.
func TestArrow_P9_BatchesAndTilesOfAnySize(t *testing.T) {
	for _, shape := range [][2]int{{400_001, 5}, {3_001, 700}, {1, 1}} {
		rows, cols := shape[0], shape[1]
		x, labels := make([]float32, rows*cols), make([]string, rows)
		for i := range x {
			x[i] = float32(i*7919%1_000_003) / 8
		}
		for i := range labels {
			labels[i] = []string{"ham", " ", "spam ü"}[i%3]
		}
		if rows == 1 {
			labels[0] = "one"
		}
		d, err := New[float32, int](x, rows, cols, nil)
		require.NoError(t, err)
		d.Labels, d.Classes, err = Encode(labels)
		require.NoError(t, err)
		file := filepath.Join(t.TempDir(), "t.feather")
		require.NoError(t, WriteFile(t.Context(), file, d, "arrow"))
		for _, threads := range []int{1, 3} {
			got, err := Read(t.Context(), file, ReadOptions{Threads: threads})
			require.NoError(t, err)
			require.Equal(t, tensor.Float32, got.X.Dtype())
			require.True(t, slices.Equal(x, got.X.Data().([]float32)), "%d x %d, %d threads", rows, cols, threads)
			require.Equal(t, d.Labels, got.Labels)
			require.Equal(t, d.Classes, got.Classes)
		}
	}
}

func BenchmarkArrow(b *testing.B) {
	const rows, cols = 500_000, 28
	x := make([]float32, rows*cols)
	for i := range x {
		x[i] = float32(i*7919%1_000_003) / 8
	}
	d, err := New[float32, int](x, rows, cols, nil)
	if err != nil {
		b.Fatal(err)
	}
	file := filepath.Join(b.TempDir(), "t.arrow")
	if err := WriteFile(b.Context(), file, d, "arrow"); err != nil {
		b.Fatal(err)
	}
	for _, threads := range []int{1, 2} {
		b.Run(fmt.Sprintf("%dthreads", threads), func(b *testing.B) {
			b.SetBytes(4 * rows * cols)
			for b.Loop() {
				if _, err := Read(b.Context(), file, ReadOptions{NoLabel: true, Threads: threads}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
