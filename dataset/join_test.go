package dataset

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"
	"pgregory.net/rapid"
)

func writeFiles(t require.TestingT, dir string, files map[string]string) {
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
}

// quickly is WriteFile without waiting for the disk.
func quickly(t require.TestingT, path string, d *Dataset, format string) {
	var b bytes.Buffer
	var to io.WriteCloser = nopCloser{&b}
	for _, c := range compressions {
		if strings.HasSuffix(path, c.extension) {
			var err error
			to, err = c.create(&b)
			require.NoError(t, err)
		}
	}
	require.NoError(t, Write(context.Background(), to, d, format))
	require.NoError(t, to.Close())
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o644))
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// sameTable demands that got is what want is but for its name.
func sameTable(t require.TestingT, want, got *Dataset) {
	wantX, gotX := allNumbers(t, want), allNumbers(t, got)
	require.True(t, bytes.Equal(toBits(wantX), toBits(gotX)), "%v, want %v", gotX, wantX)
	require.Equal(t, want.FeatureNames, got.FeatureNames)
	require.Equal(t, want.LabelName, got.LabelName)
	require.Equal(t, want.Labels, got.Labels)
	require.Equal(t, want.Classes, got.Classes)
	require.Equal(t, want.Weights, got.Weights)
	require.Equal(t, want.Offsets, got.Offsets)
	require.Equal(t, want.Encoding, got.Encoding)
	require.Equal(t, want.Groups, got.Groups)
	require.NoError(t, got.Check())
}

// A table in several files of any format, compressed or not, is the table in one, in
// memory and out of it.
func TestRead_FilesOfAPatternAreOneTable(t *testing.T) {
	ctx := context.Background()
	for _, w := range writers {
		t.Run(w.format, func(t *testing.T) {
			dir := t.TempDir()
			rapid.Check(t, func(t *rapid.T) {
				d, _ := plainDataset(t)
				if w.names {
					for j := range d.FeatureNames {
						d.FeatureNames[j] = fmt.Sprintf("col%d", j)
					}
				}
				if d.Stream != nil {
					x, err := gather(ctx, d.Stream)
					require.NoError(t, err)
					d.X, d.Stream = x, nil
				}
				rows, _ := d.Shape()
				old, err := filepath.Glob(filepath.Join(dir, "*"))
				require.NoError(t, err)
				for _, path := range old {
					require.NoError(t, os.Remove(path))
				}
				ext := formats[slices.IndexFunc(formats, func(f format) bool { return f.name == w.format })].extensions[0]
				quickly(t, filepath.Join(dir, "whole"+ext), d, w.format)
				for first, k := 0, 0; first < rows; k++ {
					n := rows - first
					if k < 2 {
						n = rapid.IntRange(1, rows-first).Draw(t, "rows")
					}
					pack := rapid.SampledFrom([]string{"", ".gz", ".zst"}).Draw(t, "compression")
					quickly(t, filepath.Join(dir, fmt.Sprintf("part-%03d%s%s", k, ext, pack)), d.Take(seq(rows)[first:first+n]), w.format)
					first += n
				}
				o := ReadOptions{NoLabel: d.Labels == nil, Header: HeaderPresent, Scratch: dir}
				if rapid.Bool().Draw(t, "narrow") && d.Dtype() == tensor.Float32 {
					o.Float = tensor.Float32
				}
				if w.format == "libsvm" {
					o.IndexBase, o.Cols = IndexFromZero, len(d.FeatureNames) // which the first row of a file says otherwise
				}
				want, err := Read(ctx, filepath.Join(dir, "whole"+ext), o)
				require.NoError(t, err)
				limit := rapid.SampledFrom([]int64{0, 1, 1 << 40}).Draw(t, "limit")
				o.MaxMemory = limit
				got, err := Read(ctx, filepath.Join(dir, "part-*"), o)
				if w.format == "npz" && limit == 1 { // which cannot be read in pieces
					require.ErrorContains(t, err, "--max-memory")
					return
				}
				require.NoError(t, err)
				require.Equal(t, limit == 1, got.OnDisk())
				sameTable(t, want, got)
				require.NoError(t, got.Close())
			})
		})
	}
}

func TestRead_FilesShareClassesAndCategories(t *testing.T) {
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{
		"a1.csv":  "city,age,y\nLyon,3,no\nParis,,yes\n",
		"a2.csv":  "age,y,city\n5,maybe,Nice\n7,no,Lyon\n", // columns by name, the label is not the last
		"a3.csv":  "city,age,y\nOslo,9,yes\n",
		"whole":   "city,age,y\nLyon,3,no\nParis,,yes\nNice,5,maybe\nLyon,7,no\nOslo,9,yes\n",
		"n1.csv":  "1,2,0\n3,4,1\n",
		"n2.csv":  "5,6,7\n",
		"nums":    "1,2,0\n3,4,1\n5,6,7\n",
		"s1.svm":  "1 2:1 5:1\n",
		"s2.svm":  "-1 0:1 9:1\n1 3:2\n",
		"svm":     "1 2:1 5:1\n-1 0:1 9:1\n1 3:2\n",
		"b.csv":   "a,b\n1,2\n",
		"[b].csv": "a,b\n7,2\n",
	})
	for _, c := range []struct {
		whole, pattern string
		o              ReadOptions
	}{
		{"whole", "a?.csv", ReadOptions{Encode: EncodeOptions{Missing: MissingIndicator}}},
		{"whole", "a?.csv", ReadOptions{Encode: EncodeOptions{Missing: MissingDrop}}},
		{"whole", "a[1-3].csv", ReadOptions{Encode: EncodeOptions{Missing: MissingMean}, Group: "city"}},
		{"whole", "a*.csv", ReadOptions{Encode: EncodeOptions{Missing: MissingMean}, Classes: &Classes{Names: []string{"maybe", "no", "yes", "?"}}}},
		{"nums", "n*.csv", ReadOptions{}},
		{"nums", "n*.csv", ReadOptions{Group: "x1"}},
		{"svm", "s?.svm", ReadOptions{}},
		{"svm", "s?.svm", ReadOptions{Features: []string{"x3", "x9", "x0"}}},
	} {
		c.o.Format = "csv"
		if c.whole == "svm" {
			c.o.Format = "libsvm"
		}
		want, err := Read(t.Context(), filepath.Join(dir, c.whole), c.o)
		require.NoError(t, err)
		got, err := Read(t.Context(), filepath.Join(dir, c.pattern), c.o)
		require.NoError(t, err, c.pattern)
		require.Equal(t, want.Dropped, got.Dropped)
		sameTable(t, want, got)
	}
	table, label, err := ReadTable(t.Context(), filepath.Join(dir, "a*.csv"), ReadOptions{})
	require.NoError(t, err)
	require.Equal(t, 2, label)
	require.Equal(t, []string{"Lyon", "Nice", "Oslo", "Paris"}, table.Columns[0].Levels)
	file, line := table.Columns[0].Place(1)
	require.Equal(t, filepath.Join(dir, "a2.csv"), file)
	require.Equal(t, 2, line)

	// A file of that very name goes before the pattern.
	d, err := Read(t.Context(), filepath.Join(dir, "[b].csv"), ReadOptions{})
	require.NoError(t, err)
	require.Equal(t, []float64{7}, d.X.Data())
}

// One line that names the file and its line; whatever was read before is given up.
func TestRead_FilesOfAPatternErrors(t *testing.T) {
	dir := t.TempDir()
	scratch := t.TempDir()
	t.Chdir(dir)
	writeFiles(t, dir, map[string]string{
		"1a.csv": "a,b,y\n1,2,0\n", "1b.csv": "a,b,y\n3,x,1\n", "1c.csv": "a,b,y\n3,4,1\n",
		"2a.csv": "a,b,y\n1,2,0\n", "2b.csv": "a,c,y\n3,4,1\n",
		"3a.csv": "1,2,0\n", "3b.csv": "1,2,3,0\n",
		"4a.csv": "a,b,y\n1,2,0\n", "4b.csv": "1,2,0\n",
		"5a.csv": "a,b,y\n1,2,0\n2,3,1\n", "5b.csv": "a,b,y\n1,2,0\nx,3,0\ny,5,0\n",
		"6a.csv": "a,y\n1,0\n", "6b.csv": "",
		"7a.svm": "1 1:1\n", "7b.svm": "1 1:1\n\n0 2000000000:1\n",
		"8a.csv": "a,b,y\n1,2,0\n", "8b.svm": "1 1:1\n",
		"9a.csv": "a,b,y\n1,2,0\n", "9b.csv": "a,b,extra,y\n3,4,5,1\n",
		"10a.csv": "a,t,y\n1,u,0\n", "10b.csv": "a,t,y\n3,4,1\n",
		"11a.csv": "a,t,y\n1,2,0\n1,3,1\n", "11b.csv": "a,t,y\n3,u,1\n1,v,0\n",
	})
	require.NoError(t, os.Mkdir("6c.csv", 0o755))

	npy(t, "13a.npy", "<f8", 2, 2, []float64{1, 0, 2, 1})
	npy(t, "13b.npy", "<f8", 2, 2, []float64{1, 0, math.NaN(), 1})
	for _, c := range []struct {
		pattern, want string
		o             ReadOptions
	}{
		{"nosuch-*.csv", `nosuch-*.csv: no file matches the pattern`, ReadOptions{}},
		{"[z.csv", `[z.csv: cannot be understood as a pattern; close the bracket, or write a backslash before one that is meant as it is`, ReadOptions{}},
		{"1?.csv", `1b.csv:2: column "b": cannot read "x" as a number; --categorical b makes categories of the column, --ignore b leaves it out`, ReadOptions{}},
		{"2*.csv", `2b.csv: its columns are not those of 2a.csv, it lacks "b"; files that are read together need the same columns`, ReadOptions{}},
		{"3*.csv", `3b.csv: it has 3 features where 3a.csv has 2; files that are read together need the same columns`, ReadOptions{}},
		{"4*.csv", `4b.csv: it has no header, and 4a.csv has one; files that are read together need the same columns`, ReadOptions{}},
		{"5*.csv", `5b.csv:3: column "a": cannot read "x" as a number; --categorical a makes categories of the column, --ignore a leaves it out`, ReadOptions{Encode: EncodeOptions{Missing: MissingMean}}},
		{"6[ab].csv", `6b.csv: the file is empty; a table needs at least one row`, ReadOptions{}},
		{"6[ac].csv", `6c.csv: is a directory; give a file`, ReadOptions{}},
		{"7*.svm", `7b.svm:3: there would be 2000000000 features for 3 entries; is an index wrong? If not, --features 2000000000 reads it`, ReadOptions{}},
		{"7*.svm", `7b.svm:3: column "2000000000": the index is beyond the 5 features; --features says how many there are`, ReadOptions{Cols: 5}},
		{"8*", `8b.svm: its features are sparse where those of 8a.csv are dense; files that are read together need the same columns`, ReadOptions{}},
		{"9*.csv", `9b.csv: its columns are not those of 9a.csv, it has "extra" besides; files that are read together need the same columns`, ReadOptions{}},
		{"10?.csv", `10a.csv:2: column "t": cannot read "u" as a number; --categorical t makes categories of the column, --ignore t leaves it out`, ReadOptions{}},
		{"11?.csv", `11b.csv:2: column "t": cannot read "u" as a number; --categorical t makes categories of the column, --ignore t leaves it out`, ReadOptions{}},
		{"13?.npy", `13b.npy: column "0": row 1: NaN is not finite; use --missing mean or --missing drop`, ReadOptions{}},
		{"[15]a.csv", `5a.csv:3: column "y": the label "1" is not among the model's classes; the classes are "0"`, ReadOptions{Classes: &Classes{Names: []string{"0"}, Numeric: true}}},
	} {
		for _, limit := range []int64{0, 1 << 40, 1} {
			c.o.MaxMemory, c.o.Scratch = limit, scratch
			d, err := Read(t.Context(), c.pattern, c.o)
			if err == nil && limit == 1 && strings.HasSuffix(c.pattern, ".npy") {
				require.NoError(t, d.Close()) // numbers on the disk are looked at when they are loaded
				continue
			}
			require.IsType(t, (*ReadError)(nil), err)
			if limit != 1 { // else what does not fit is said first
				require.EqualError(t, err, c.want, "%s within %d", c.pattern, limit)
			}
		}
	}
	left, err := os.ReadDir(scratch)
	require.NoError(t, err)
	require.Empty(t, left)
}

// Labels of a file of their own, or of several.
func TestRead_FilesOfLabels(t *testing.T) {
	t.Chdir(t.TempDir())
	npy(t, "x1.npy", "<f4", 1, 2, []float32{1, 2})
	npy(t, "x2.npy", "<f8", 2, 2, []float64{3, 4, 5, 0.1})
	for path, y := range map[string][]float64{"y1.npy": {7}, "y2.npy": {8, 7}, "y.npy": {7, 8, 7}} {
		var b bytes.Buffer
		require.NoError(t, writeVector(&b, y))
		require.NoError(t, os.WriteFile(path, b.Bytes(), 0o644))
	}
	for _, labels := range []string{"y.npy", "y?.npy"} {
		for _, limit := range []int64{0, 1} {
			d, err := Read(t.Context(), "x*.npy", ReadOptions{LabelFile: labels, MaxMemory: limit})
			require.NoError(t, err)
			require.Equal(t, []float64{1, 2, 3, 4, 5, 0.1}, allNumbers(t, d))
			require.Equal(t, []int32{0, 1, 0}, d.Labels)
			require.Equal(t, []string{"7", "8"}, d.Classes.Names)
			file, row := d.Place(2)
			require.Equal(t, "x2.npy", file)
			require.Equal(t, 1, row)
			require.NoError(t, d.Close())
		}
	}
	_, err := Read(t.Context(), "x*.npy", ReadOptions{LabelFile: "y[1].npy"})
	require.EqualError(t, err, "y[1].npy: there are 1 labels for the 3 rows of x*.npy; every row needs a label")

	// A file that changes between two passes is named.
	d, err := Read(t.Context(), "x*.npy", ReadOptions{NoLabel: true, MaxMemory: 1})
	require.NoError(t, err)
	defer d.Close()
	past := time.Now().Add(-time.Hour)
	require.NoError(t, os.Chtimes("x2.npy", past, past))
	require.ErrorContains(t, d.Stream.ReadRows64(0, make([]float64, 6)), "x2.npy: the file has been changed since it was opened")
}
