package dataset

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"
	"pgregory.net/rapid"
)

// contents are all features of d as float64.
func contents(t require.TestingT, d *Dataset) []float64 {
	rows, cols := d.Shape()
	x := make([]float64, 0, rows*cols)
	if d.Stream != nil {
		require.NoError(t, eachPiece(d.Stream, func(_ int, piece []float64) { x = append(x, piece...) }))
		return x
	}
	switch v := d.X.Data().(type) {
	case []float64:
		return append(x, v...)
	case []float32:
		for _, f := range v {
			x = append(x, float64(f))
		}
	}
	return x
}

// csvOf is a table of numbers with labels, weights and offsets.
func csvOf(rng *rand.Rand, rows, cols int) []byte {
	var b bytes.Buffer
	for i := range rows {
		for range cols {
			fmt.Fprintf(&b, "%v,", rng.NormFloat64())
		}
		fmt.Fprintf(&b, "%v,%v,%s\n", rng.Float64(), rng.NormFloat64(), []string{"b", "c", "a"}[min(rng.IntN(3), i)])
	}
	return b.Bytes()
}

func TestCSV_P10_ThroughAScratchFileIsTheSame(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		rows, cols := rapid.IntRange(2, 300).Draw(t, "rows"), rapid.IntRange(1, 9).Draw(t, "cols")
		text := csvOf(rng, rows, cols)
		o := ReadOptions{
			Weight: "-3", Offset: "-2", Format: "csv", Scratch: dir,
			Float:   rapid.SampledFrom([]tensor.Dtype{tensor.Float64, tensor.Float32}).Draw(t, "float"),
			Threads: rapid.IntRange(1, 5).Draw(t, "threads"), blockBytes: rapid.IntRange(20, 2000).Draw(t, "block"),
		}
		want, err := ReadFrom(t.Context(), bytes.NewReader(text), "memory", o)
		require.NoError(t, err)
		for _, limit := range []int64{1, 1 << 40} { // left on the disk; taken back
			o.MaxMemory = limit
			got, err := ReadFrom(t.Context(), bytes.NewReader(text), "memory", o)
			require.NoError(t, err)
			require.Equal(t, limit == 1, got.Stream != nil)
			require.Equal(t, contents(t, want), contents(t, got))
			require.Equal(t, want.Labels, got.Labels)
			require.Equal(t, want.Classes, got.Classes)
			require.Equal(t, want.Weights, got.Weights)
			require.Equal(t, want.Offsets, got.Offsets)
			require.Equal(t, want.FeatureNames, got.FeatureNames)
			require.NoError(t, got.Check())
			require.NoError(t, got.Close())
		}
		left, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Empty(t, left)
	})
}

func TestCSV_ScratchTakesCompressedFilesAndSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(1, 1))
	text := csvOf(rng, 500, 3)
	path := filepath.Join(t.TempDir(), "x.csv.gz")
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write(text)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o600))
	d, err := Read(t.Context(), path, ReadOptions{MaxMemory: 1, Scratch: dir})
	require.NoError(t, err)
	require.NotNil(t, d.Stream)
	require.NoError(t, d.Close())

	for _, c := range []struct{ text, problem string }{
		{"1,2,a\n" + string(text[:0]) + "3,x,b\n", `bad.csv:2: column "1": cannot read "x" as a number`},
		{"a,b,y\n", "there are no rows below the header"},
	} {
		path := filepath.Join(t.TempDir(), "bad.csv")
		require.NoError(t, os.WriteFile(path, []byte(c.text), 0o600))
		_, err := Read(t.Context(), path, ReadOptions{MaxMemory: 1, Scratch: dir, blockBytes: 4, Header: map[bool]Header{true: HeaderAbsent, false: HeaderPresent}[c.text[0] == '1']})
		require.ErrorContains(t, err, c.problem)
	}
	_, err = Read(t.Context(), path, ReadOptions{MaxMemory: 1, Scratch: filepath.Join(dir, "nowhere")})
	require.ErrorContains(t, err, "--scratch names another directory")
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)
}

// A disk that is full is a clear error, and nothing is left on it.
func TestCSV_ScratchOnAFullDisk(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("/dev/full is Linux's")
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	require.NoError(t, err)
	s, err := newScratch(t.TempDir(), 1000, tensor.Float64)
	require.NoError(t, err)
	s.to.Reset(full)
	for range 1000 {
		if err = s.add(make([]float64, 1000)); err != nil {
			break
		}
	}
	require.ErrorContains(t, err, "no space left on device; --scratch names another directory")
	s.discard()
}

// npy is a file of numpy's with the numbers of x.
func npy(t require.TestingT, path, descr string, rows, cols int, x any) {
	var b bytes.Buffer
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%d, %d), }", descr, rows, cols)
	for (len(npyMagic)+4+len(header)+1)%64 != 0 {
		header += " "
	}
	b.WriteString(npyMagic + "\x01\x00")
	require.NoError(t, binary.Write(&b, binary.LittleEndian, uint16(len(header)+1)))
	b.WriteString(header + "\n")
	var order binary.ByteOrder = binary.LittleEndian
	if descr[0] == '>' {
		order = binary.BigEndian
	}
	require.NoError(t, binary.Write(&b, order, x))
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o600))
}

func TestNPY_P10_InPiecesIsTheSame(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		rows, cols := rapid.IntRange(2, 200).Draw(t, "rows"), rapid.IntRange(4, 9).Draw(t, "cols")
		descr := rapid.SampledFrom([]string{"<f4", "<f8", ">f4", ">f8", "<i2"}).Draw(t, "descr")
		x32, x64, x16 := make([]float32, rows*cols), make([]float64, rows*cols), make([]int16, rows*cols)
		for i := range x64 {
			x16[i] = int16(rng.IntN(5))
			x64[i] = float64(x16[i]) + rng.Float64()
			if i%cols == cols-1 {
				x16[i] = int16(i / cols % 2)
				x64[i] = float64(x16[i])
			}
			x32[i] = float32(x64[i])
		}
		path := filepath.Join(dir, "x.npy")
		npy(t, path, descr, rows, cols, map[byte]any{'4': x32, '8': x64, '2': x16}[descr[2]])
		o := rapid.SampledFrom([]ReadOptions{
			{}, {NoLabel: true}, {Label: "0"}, {Weight: "1", Offset: "0"}, {Ignore: []string{"2"}}, {Features: []string{"x0"}, Ignore: []string{"1"}, NoLabel: true},
		}).Draw(t, "options")
		o.Float = rapid.SampledFrom([]tensor.Dtype{{}, tensor.Float32, tensor.Float64}).Draw(t, "float")
		if o.Features != nil {
			o.Features = nil
			for j := range cols - 1 {
				o.Features = append(o.Features, fmt.Sprintf("x%d", j))
			}
		}
		want, err := Read(t.Context(), path, o)
		require.NoError(t, err)
		o.MaxMemory = 1
		got, err := Read(t.Context(), path, o)
		require.NoError(t, err)
		require.NotNil(t, got.Stream)
		require.Equal(t, want.X.Dtype(), got.Stream.Dtype())
		require.Equal(t, contents(t, want), contents(t, got))
		require.Equal(t, want.Labels, got.Labels)
		require.Equal(t, want.Classes, got.Classes)
		require.Equal(t, want.Weights, got.Weights)
		require.Equal(t, want.Offsets, got.Offsets)
		require.Equal(t, want.FeatureNames, got.FeatureNames)
		require.NoError(t, got.Close())
	})
}

func TestNPY_ChangedBetweenPassesIsAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.npy")
	x := make([]float64, 40)
	for _, change := range []func(*os.File) error{
		func(f *os.File) error { return f.Truncate(200) },
		func(f *os.File) error { _, err := f.WriteAt([]byte{1}, 400); return err },
		func(f *os.File) error { _, err := f.WriteAt([]byte{1}, 1000); return err },
	} {
		npy(t, path, "<f8", 10, 4, x)
		past := time.Now().Add(-time.Hour)
		require.NoError(t, os.Chtimes(path, past, past))
		d, err := Read(context.Background(), path, ReadOptions{NoLabel: true, MaxMemory: 1})
		require.NoError(t, err)
		row := make([]float64, 4)
		require.NoError(t, d.Stream.ReadRows64(3, row))
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		require.NoError(t, err)
		require.NoError(t, change(f))
		require.NoError(t, f.Close())
		require.ErrorContains(t, d.Stream.ReadRows64(3, row), path+": the file has been changed since it was opened")
		require.NoError(t, d.Close())
	}
}

// Parquet, whose pages no pass could read again and again, and LibSVM go through a scratch
// file; a stream of .lrb or Parquet, which are read from their ends, is kept in one first.
func TestStream_P10_EveryFormatInPiecesIsTheSame(t *testing.T) {
	dir, scratch := t.TempDir(), t.TempDir()
	for _, format := range []string{"parquet", "arrow", "lrb", "libsvm"} {
		t.Run(format, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				table, _ := plainDataset(t)
				_, cols := table.Shape()
				for j := range table.FeatureNames {
					table.FeatureNames[j] = string(rune('a' + j))
				}
				path := filepath.Join(dir, "t."+format)
				quickly(t, path, table, format)
				o := ReadOptions{NoLabel: table.Labels == nil, Scratch: scratch, Threads: rapid.IntRange(1, 5).Draw(t, "threads"), blockBytes: rapid.IntRange(1, 100).Draw(t, "block")}
				o.Float = rapid.SampledFrom([]tensor.Dtype{{}, tensor.Float32, tensor.Float64}).Draw(t, "float")
				if cols > 2 && rapid.Bool().Draw(t, "some") {
					o.Ignore = []string{"1"}
					if rapid.Bool().Draw(t, "order") {
						o.Ignore, o.Features = nil, []string{"c", "a"}
						if format == "libsvm" {
							o.Features = []string{"x3", "x1"}
						}
					}
				}
				want, err := Read(t.Context(), path, o)
				var e *ReadError
				if errors.As(err, &e) && strings.Contains(e.Problem, "too large for float32") {
					t.Skip("beyond float32")
				}
				require.NoError(t, err)
				b, err := os.ReadFile(path)
				require.NoError(t, err)
				for _, limit := range []int64{1, 1 << 40} {
					o.MaxMemory = limit
					for _, stream := range []bool{false, true} {
						var got *Dataset
						if stream {
							got, err = ReadFrom(t.Context(), bytes.NewReader(b), path, o)
						} else {
							got, err = Read(t.Context(), path, o)
						}
						require.NoError(t, err)
						require.Equal(t, limit == 1, got.OnDisk())
						require.Equal(t, want.Dtype(), got.Dtype())
						require.Equal(t, want.isSparse(), got.isSparse())
						if want.Sparse != nil && got.Sparse != nil {
							require.Equal(t, want.Sparse, got.Sparse)
						}
						sameTable(t, want, got)
						require.NoError(t, got.Close())
					}
				}
			})
		})
	}
	left, err := os.ReadDir(scratch)
	require.NoError(t, err)
	require.Empty(t, left)
}
