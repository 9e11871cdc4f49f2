package lrb

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"
	"pgregory.net/rapid"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// numbers are any bits, NaN too: a file keeps what it is given.
func numbers[T float32 | float64](t *rapid.T, n int) []T {
	x := make([]T, n)
	for i := range x {
		x[i] = T(rapid.Float64().Draw(t, "x"))
	}
	return x
}

func drawColumns(t *rapid.T, rows, cols int) Columns {
	var c Columns
	if rapid.Bool().Draw(t, "named") {
		c.Features = make([]string, cols)
		for j := range c.Features {
			c.Features[j] = rapid.SampledFrom([]string{"a", "b<c>", "ü", "\n"}).Draw(t, "name")
		}
	}
	if rapid.Bool().Draw(t, "labelled") {
		c.Label, c.Classes, c.Numeric = "y", []string{"0", "1", "2.5"}, true
		for range rows {
			c.Labels = append(c.Labels, int32(rapid.IntRange(0, 2).Draw(t, "label")))
		}
	}
	if rapid.Bool().Draw(t, "weighted") {
		c.Weights = numbers[float64](t, rows)
	}
	if rapid.Bool().Draw(t, "offset") {
		c.Offsets = numbers[float64](t, rows)
	}
	return c
}

func open(t require.TestingT, b []byte) *File {
	f, err := NewFile(bytes.NewReader(b), int64(len(b)), "t.lrb")
	require.NoError(t, err)
	return f
}

// What is written in pieces of any size is read back bit for bit: as a whole, by any
// number of threads, and in other pieces.
func TestDense_RoundTrip(t *testing.T) {
	t.Run("float32", func(t *testing.T) {
		denseRoundTrip(t, tensor.Float32, (*Writer).Append32, (*File).Dense32, (*Rows).ReadRows32)
	})
	t.Run("float64", func(t *testing.T) {
		denseRoundTrip(t, tensor.Float64, (*Writer).Append64, (*File).Dense64, (*Rows).ReadRows64)
	})
}

func denseRoundTrip[T float32 | float64](t *testing.T, dtype tensor.Dtype, appendTo func(*Writer, []T) error, all func(*File, context.Context, int) ([]T, error), some func(*Rows, int, []T) error) {
	ctx := context.Background()
	rapid.Check(t, func(t *rapid.T) {
		cols := rapid.SampledFrom([]int{1, 2, 3, 16, 5000, 70001}).Draw(t, "cols")
		rows := rapid.IntRange(1, 70).Draw(t, "rows")
		if cols == 1 {
			rows *= 2000 // several blocks
		}
		few := numbers[T](t, min(rows*cols, 100))
		x := make([]T, rows*cols)
		for i := range x {
			x[i] = few[i%len(few)] + T(i)
		}
		c := drawColumns(t, min(rows, 70), cols)
		if rows > 70 {
			c.Labels, c.Weights, c.Offsets = nil, nil, nil
		}
		var b bytes.Buffer
		w := NewDense(&b, cols, dtype)
		for at := 0; at < rows; {
			n := rapid.IntRange(0, rows-at).Draw(t, "piece")
			require.NoError(t, appendTo(w, x[at*cols:(at+n)*cols]))
			at += n
		}
		require.NoError(t, w.Close(c))

		f := open(t, b.Bytes())
		r, d := f.Shape()
		require.Equal(t, [2]int{rows, cols}, [2]int{r, d})
		require.Equal(t, dtype, f.Dtype())
		require.False(t, f.Sparse())
		sameColumns(t, c, f.Columns)
		got, err := all(f, ctx, rapid.IntRange(1, 3).Draw(t, "threads"))
		require.NoError(t, err)
		require.True(t, bytes.Equal(toBytes(x), toBytes(got)))
		require.True(t, bytes.HasPrefix(b.Bytes()[headSize:], bytesOf(x)), "X is contiguous behind the header")

		reader, err := f.Rows()
		require.NoError(t, err)
		first := rapid.IntRange(0, rows).Draw(t, "first")
		n := rapid.IntRange(0, rows-first).Draw(t, "n")
		part := make([]T, n*cols)
		require.NoError(t, some(reader, first, part))
		require.True(t, bytes.Equal(toBytes(x[first*cols:(first+n)*cols]), toBytes(part)))
		for _, blk := range f.blocks {
			require.Zero(t, blk.offset%align)
		}
	})
}

func toBytes[T float32 | float64](x []T) (b []byte) {
	for _, v := range x {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(float64(v)))
	}
	return b
}

func sameColumns(t require.TestingT, want, got Columns) {
	require.True(t, bytes.Equal(toBytes(want.Weights), toBytes(got.Weights)) && bytes.Equal(toBytes(want.Offsets), toBytes(got.Offsets)))
	want.Weights, want.Offsets, got.Weights, got.Offsets = nil, nil, nil, nil
	require.Equal(t, want, got)
}

// drawCSR draws a sparse matrix of float32s, float64s or ones.
func drawCSR(t *rapid.T, values valueType) *backend.CSR {
	m := &backend.CSR{Rows: rapid.IntRange(1, 60).Draw(t, "rows"), Cols: rapid.SampledFrom([]int{1, 9, 3000, backend.MaxSparseCols}).Draw(t, "cols"), RowPtr: []int64{0}}
	for range m.Rows {
		row := rapid.SliceOfNDistinct(rapid.Uint32Range(0, uint32(m.Cols-1)), 0, min(m.Cols, 20), rapid.ID[uint32]).Draw(t, "columns")
		slices.Sort(row)
		m.Col = append(m.Col, row...)
		m.RowPtr = append(m.RowPtr, int64(len(m.Col)))
	}
	m.Col = append([]uint32{}, m.Col...)
	switch values {
	case float32s:
		m.Val32 = numbers[float32](t, len(m.Col))
	case float64s:
		m.Val64 = numbers[float64](t, len(m.Col))
	}
	return m
}

func writeCSR(t require.TestingT, m *backend.CSR, c Columns) []byte {
	var b bytes.Buffer
	w := NewSparse(&b, m.Dtype(), m.Val32 == nil && m.Val64 == nil)
	require.NoError(t, w.AppendCSR(m))
	require.NoError(t, w.Close(c))
	return b.Bytes()
}

func TestSparse_RoundTrip(t *testing.T) {
	for _, values := range []valueType{float32s, float64s, ones} {
		t.Run(string(values), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				m := drawCSR(t, values)
				c := drawColumns(t, m.Rows, min(m.Cols, 9))
				if m.Cols > 9 {
					c.Features = nil
				}
				b := writeCSR(t, m, c)
				f := open(t, b)
				got, err := f.CSR(context.Background(), rapid.IntRange(1, 3).Draw(t, "threads"))
				require.NoError(t, err)
				require.Equal(t, m.RowPtr, got.RowPtr)
				require.Equal(t, m.Col, got.Col)
				require.True(t, bytes.Equal(toBytes(m.Val32), toBytes(got.Val32)) && bytes.Equal(toBytes(m.Val64), toBytes(got.Val64)))
				require.Equal(t, m.Cols, got.Cols)
				require.NoError(t, got.Check())
				sameColumns(t, c, f.Columns)
				rows, err := f.SparseRows()
				require.NoError(t, err)
				samePieces(t, m, rows)

				// Appended in pieces, the file is the same.
				var again bytes.Buffer
				w := NewSparse(&again, m.Dtype(), values == ones)
				cut := rapid.IntRange(0, m.Rows).Draw(t, "cut")
				for _, part := range [][2]int{{0, cut}, {cut, m.Rows}} {
					require.NoError(t, w.AppendCSR(rowsOf(m, part[0], part[1])))
				}
				require.NoError(t, w.Close(c))
				require.True(t, bytes.Equal(b, again.Bytes()))
			})
		})
	}
}

// samePieces reads m in pieces of any size, into room that is used again.
func samePieces(t *rapid.T, m *backend.CSR, r *SparseRows) {
	var piece backend.CSR
	require.Equal(t, m.RowPtr, r.RowPtr())
	for range 10 {
		first := rapid.IntRange(0, m.Rows-1).Draw(t, "first")
		n := rapid.IntRange(1, m.Rows-first).Draw(t, "n")
		require.NoError(t, r.ReadCSR(first, n, &piece))
		require.NoError(t, piece.Check())
		want := rowsOf(m, first, first+n)
		require.Equal(t, want.RowPtr, piece.RowPtr)
		require.Equal(t, want.Cols, piece.Cols)
		require.True(t, slices.Equal(want.Col, piece.Col))
		require.True(t, bytes.Equal(toBytes(want.Val32), toBytes(piece.Val32)) && bytes.Equal(toBytes(want.Val64), toBytes(piece.Val64)))
	}
}

// rowsOf is rows [from, to) of m, in the same memory.
func rowsOf(m *backend.CSR, from, to int) *backend.CSR {
	part := &backend.CSR{Rows: to - from, Cols: m.Cols, RowPtr: []int64{0}, Col: m.Col[m.RowPtr[from]:m.RowPtr[to]]}
	for i := from; i < to; i++ {
		part.RowPtr = append(part.RowPtr, m.RowPtr[i+1]-m.RowPtr[from])
	}
	if m.Val32 != nil {
		part.Val32 = m.Val32[m.RowPtr[from]:m.RowPtr[to]]
	}
	if m.Val64 != nil {
		part.Val64 = m.Val64[m.RowPtr[from]:m.RowPtr[to]]
	}
	return part
}

// many is a sparse matrix of several blocks.
func many() *backend.CSR {
	m := &backend.CSR{Rows: 40_000, Cols: 50, RowPtr: []int64{0}}
	for i := range m.Rows {
		for j := range i % 4 {
			m.Col = append(m.Col, uint32(10*j+i%10))
			m.Val32 = append(m.Val32, float32(i))
		}
		m.RowPtr = append(m.RowPtr, int64(len(m.Col)))
	}
	return m
}

func TestSparse_SeveralBlocks(t *testing.T) {
	m := many()
	b := writeCSR(t, m, Columns{})
	f := open(t, b)
	require.Greater(t, len(f.blocks), 1)
	for threads := range 4 {
		got, err := f.CSR(context.Background(), threads)
		require.NoError(t, err)
		require.Equal(t, m, got)
	}
	r, err := f.SparseRows()
	require.NoError(t, err)
	rapid.Check(t, func(t *rapid.T) { samePieces(t, m, r) })
	require.ErrorContains(t, r.ReadCSR(39_999, 2, new(backend.CSR)), "2 rows asked from row 39999 on of 40000")
}

// A pass over sparse rows notices a block that is not what it was, whole or for the most
// part; of a small part, columns that would lead astray.
func TestSparseRows_NoticesDamage(t *testing.T) {
	m := many()
	b := writeCSR(t, m, Columns{})
	f := open(t, b)
	r, err := f.SparseRows()
	require.NoError(t, err)
	n := f.blocks[0].rows
	var piece backend.CSR
	b[headSize+4*100] ^= 1 // a column
	for _, rows := range []int{n, n + 1, 2*n/3 + 1} {
		require.ErrorIs(t, r.ReadCSR(0, rows, &piece), ErrDamaged)
	}
	b[headSize+4*100] ^= 1
	require.NoError(t, r.ReadCSR(0, n, &piece))
	b[headSize+4*100+2] = 1
	require.ErrorContains(t, r.ReadCSR(60, 30, &piece), "of 50 columns")
}

// small is a file of two blocks' worth of every section.
func small(t require.TestingT, sparse bool) []byte {
	c := Columns{Features: []string{"a", "b"}, Label: "y", Labels: []int32{0, 1, 1}, Classes: []string{"no", "yes"}, Weights: []float64{1, 2, 3}, Offsets: []float64{4, 5, 6}}
	if sparse {
		return writeCSR(t, &backend.CSR{Rows: 3, Cols: 2, RowPtr: []int64{0, 2, 2, 3}, Col: []uint32{0, 1, 1}, Val64: []float64{1, 2, 3}}, c)
	}
	var b bytes.Buffer
	w := NewDense(&b, 2, tensor.Float32)
	require.NoError(t, w.Append32([]float32{1, 2, 3, 4, 5, 6}))
	require.NoError(t, w.Close(c))
	return b.Bytes()
}

// everything reads all of a file.
func everything(b []byte) (what []any, err error) {
	f, err := NewFile(bytes.NewReader(b), int64(len(b)), "t.lrb")
	if err != nil {
		return nil, err
	}
	what = append(what, f.rows, f.cols, f.Columns)
	switch {
	case f.sparse:
		m, err := f.CSR(context.Background(), 1)
		if r, again := f.SparseRows(); again == nil {
			again = r.ReadCSR(0, f.rows, new(backend.CSR))
			if (err == nil) != (again == nil) {
				return nil, errors.New("rows in pieces are not those of the whole")
			}
		}
		return append(what, m), err
	case f.values == float64s:
		x, err := f.Dense64(context.Background(), 1)
		return append(what, x), err
	default:
		x, err := f.Dense32(context.Background(), 1)
		return append(what, x), err
	}
}

// A file with any one byte changed, or cut at any length, is an error, unless the byte
// is one of the zeros that fill gaps.
func TestFile_DamageIsNoticed(t *testing.T) {
	for _, sparse := range []bool{false, true} {
		whole := small(t, sparse)
		want, err := everything(whole)
		require.NoError(t, err)
		damaged := slices.Clone(whole)
		gaps := 0
		for i := range whole {
			for _, flip := range []byte{1, 0x80, 0xff} {
				damaged[i] = whole[i] ^ flip
				got, err := everything(damaged)
				if err == nil {
					require.Zero(t, whole[i], "byte %d", i)
					require.Equal(t, want, got)
					gaps++
					continue
				}
				var e *Error
				require.ErrorAs(t, err, &e)
				require.NotContains(t, err.Error(), "\n")
			}
			damaged[i] = whole[i]
			_, err := everything(whole[:i])
			require.Error(t, err, "cut at %d", i)
		}
		require.Less(t, gaps, 3*6*align)
		_, err = everything(append(slices.Clone(whole), 0))
		require.ErrorIs(t, err, ErrDamaged)
	}
}

// redirected is the file with another directory, its checksums right.
func redirected(whole []byte, change func(text []byte) []byte) []byte {
	foot := whole[len(whole)-headSize:]
	at, n := binary.LittleEndian.Uint64(foot), binary.LittleEndian.Uint64(foot[8:])
	text := change(slices.Clone(whole[at : at+n]))
	b := append(slices.Clone(whole[:at]), text...)
	foot = slices.Clone(foot)
	binary.LittleEndian.PutUint64(foot[8:], uint64(len(text)))
	binary.LittleEndian.PutUint32(foot[16:], crc32.Checksum(text, castagnoli))
	binary.LittleEndian.PutUint32(foot[20:], crc32.Checksum(foot[:20], castagnoli))
	return append(b, foot...)
}

// A directory that claims more than the file holds is refused before memory is reserved
// for it: these claims would need more than any machine has.
func TestFile_HostileDirectory(t *testing.T) {
	for _, sparse := range []bool{false, true} {
		whole := small(t, sparse)
		_, err := everything(redirected(whole, func(text []byte) []byte { return text }))
		require.NoError(t, err)
		for _, c := range [][2]string{
			{`"rows":3`, `"rows":4`},
			{`"rows":3`, `"rows":1000000000000`},
			{`"rows":3`, `"rows":9223372036854775807`},
			{`"rows":3`, `"rows":-1`},
			{`"rows":3`, `"rows":1e99`},
			{`"cols":2`, `"cols":1`},
			{`"cols":2`, `"cols":4611686018427387904`},
			{`"cols":2`, `"cols":0`},
			{`"values":"float`, `"values":"int`},
			{`"entries":3`, `"entries":4`},
			{`"entries":3`, `"entries":4611686018427387904`},
			{`"entries":3`, `"entries":-3`},
			{`"entries":3`, `"entries":1152921504606846977`},
			{`"classes":["no","yes"]`, `"classes":["no"]`},
			{`"features":["a","b"]`, `"features":["a"]`},
			{`"bytes":24`, `"bytes":4611686018427387904`},
			{`"bytes":24`, `"bytes":-8`},
			{`"bytes":24`, `"bytes":16`},
			{`"offset":`, `"offset":-1`},
			{`"offset":`, `"offset":9223372036854775807,"x":`},
			{`{`, `[`},
			{`"blocks"`, `"bricks"`},
			{`"row_pointers"`, `"rowing"`},
		} {
			if !bytes.Contains(whole, []byte(c[0])) {
				continue
			}
			_, err := everything(redirected(whole, func(text []byte) []byte {
				return bytes.Replace(text, []byte(c[0]), []byte(c[1]), 1)
			}))
			require.ErrorIs(t, err, ErrDamaged, "%s -> %s", c[0], c[1])
		}
	}
}

func TestFile_OtherFiles(t *testing.T) {
	for _, b := range []string{"", "1,2,3\n", Magic, "\x89LRB\n\x1a\n" + string(make([]byte, 200))} {
		_, err := everything([]byte(b))
		require.Error(t, err)
		if len(b) < len(Magic) {
			require.ErrorIs(t, err, ErrNotLRB)
		}
	}
	newer := small(t, false)
	newer[8] = 9
	_, err := everything(newer)
	require.ErrorIs(t, err, ErrNewer)
	_, err = Open(filepath.Join(t.TempDir(), "none.lrb"))
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = Open(t.TempDir())
	require.ErrorContains(t, err, "is no regular file")
}

// A file that changes between two passes is an error, also where its size and its time
// stay the same; one that is replaced under its name is still read as it was.
func TestRows_ChangedBetweenPasses(t *testing.T) {
	for name, change := range map[string]func(path string, info os.FileInfo) error{
		"longer":  func(path string, _ os.FileInfo) error { return os.Truncate(path, 1<<20) },
		"shorter": func(path string, _ os.FileInfo) error { return os.Truncate(path, 70) },
		"touched": func(path string, info os.FileInfo) error {
			return os.Chtimes(path, info.ModTime().Add(time.Second), info.ModTime().Add(time.Second))
		},
		"secretly": func(path string, info os.FileInfo) error {
			b, err := os.ReadFile(path)
			b[headSize] ^= 1
			return errors.Join(err, os.WriteFile(path, b, 0o644), os.Chtimes(path, info.ModTime(), info.ModTime()))
		},
		"": func(path string, info os.FileInfo) error {
			return errors.Join(os.WriteFile(path+"2", nil, 0o644), os.Rename(path+"2", path))
		},
	} {
		for _, sparse := range []bool{false, true} {
			path := filepath.Join(t.TempDir(), "t.lrb")
			require.NoError(t, os.WriteFile(path, small(t, sparse), 0o644))
			f, err := Open(path)
			require.NoError(t, err)
			read, all := passOf(t, f, sparse)
			require.NoError(t, read())
			info, err := os.Stat(path)
			require.NoError(t, err)
			require.NoError(t, change(path, info))
			switch err = read(); name {
			case "":
				require.NoError(t, err)
			case "secretly":
				require.ErrorIs(t, err, ErrDamaged)
			default:
				require.ErrorIs(t, err, ErrChanged, name)
				require.ErrorIs(t, all(), ErrChanged, name)
			}
			require.NoError(t, f.Close())
		}
	}
}

// passOf are the two ways to read all of f, which small has written: in pieces and as a
// whole.
func passOf(t *testing.T, f *File, sparse bool) (pass, all func() error) {
	if !sparse {
		r, err := f.Rows()
		require.NoError(t, err)
		return func() error { return r.ReadRows32(0, make([]float32, 6)) }, func() error {
			_, err := f.Dense32(context.Background(), 0)
			return err
		}
	}
	r, err := f.SparseRows()
	require.NoError(t, err)
	return func() error { return r.ReadCSR(0, 3, new(backend.CSR)) }, func() error {
		_, err := f.CSR(context.Background(), 0)
		return err
	}
}

func TestRows_Refuses(t *testing.T) {
	r, err := open(t, small(t, false)).Rows()
	require.NoError(t, err)
	require.Error(t, r.ReadRows64(0, make([]float64, 2)))
	require.Error(t, r.ReadRows32(0, make([]float32, 3)))
	require.Error(t, r.ReadRows32(2, make([]float32, 4)))
	require.Error(t, r.ReadRows32(-1, make([]float32, 2)))
	_, err = open(t, small(t, true)).Rows()
	require.Error(t, err)
}

// failing takes n bytes and no more, as a full disk.
type failing struct{ n int }

var errFull = errors.New("no space left on device")

func (f *failing) Write(b []byte) (int, error) {
	if len(b) > f.n {
		n := f.n
		f.n = 0
		return n, errFull
	}
	f.n -= len(b)
	return len(b), nil
}

// A disk that is full anywhere makes Close fail.
func TestWriter_FullDisk(t *testing.T) {
	m := &backend.CSR{Rows: 3, Cols: 2, RowPtr: []int64{0, 2, 2, 3}, Col: []uint32{0, 1, 1}}
	for _, sparse := range []bool{true, false} {
		write := func(to *failing) error {
			var w *Writer
			if sparse {
				w = NewSparse(to, tensor.Float64, false)
				_ = w.AppendCSR(m) // Close says it again
			} else {
				w = NewDense(to, 2, tensor.Float64)
				_ = w.Append64([]float64{1, 2, 3, 4, 5, 6})
			}
			return w.Close(Columns{Labels: []int32{0, 0, 0}, Classes: []string{"a"}})
		}
		size := 0
		for write(&failing{size}) != nil {
			require.ErrorIs(t, write(&failing{size}), errFull)
			size++
		}
		require.Greater(t, size, 4*headSize)
	}
}

func TestWriter_Refuses(t *testing.T) {
	var b bytes.Buffer
	csr := many()
	for name, use := range map[string]func() error{
		"no columns":     func() error { return NewDense(&b, 0, tensor.Float32).Append32(nil) },
		"no rows":        func() error { return NewDense(&b, 1, tensor.Float32).Close(Columns{}) },
		"no sparse rows": func() error { return NewSparse(&b, tensor.Float32, true).Close(Columns{}) },
		"other type":     func() error { return NewDense(&b, 1, tensor.Float32).Append64([]float64{1}) },
		"half a row":     func() error { return NewDense(&b, 2, tensor.Float32).Append32([]float32{1}) },
		"sparse":         func() error { return NewDense(&b, 50, tensor.Float32).AppendCSR(csr) },
		"dense":          func() error { return NewSparse(&b, tensor.Float32, false).Append32([]float32{1}) },
		"values":         func() error { return NewSparse(&b, tensor.Float32, true).AppendCSR(csr) },
		"float32":        func() error { return NewSparse(&b, tensor.Float64, false).AppendCSR(csr) },
	} {
		require.Error(t, use(), name)
	}
	for name, c := range map[string]Columns{
		"labels": {Labels: []int32{0, 0}}, "weights": {Weights: []float64{}}, "offsets": {Offsets: []float64{1, 2}},
		"features": {Features: []string{"a"}}, "class": {Labels: []int32{1}, Classes: []string{"a"}}, "UTF-8": {Features: []string{"a", "\xff"}},
	} {
		w := NewDense(&b, 2, tensor.Float32)
		require.NoError(t, w.Append32([]float32{1, 2}))
		require.Error(t, w.Close(c), name)
	}
}

// FuzzFile: damaged and hostile files give an error or a matrix, and memory in
// proportion to their size.
func FuzzFile(f *testing.F) {
	for _, sparse := range []bool{false, true} {
		whole := small(f, sparse)
		f.Add(whole, false)
		f.Add(whole, true)
		f.Add(whole[:len(whole)-1], false)
	}
	f.Fuzz(func(t *testing.T, b []byte, fix bool) {
		if fix && len(b) > 2*headSize { // let mutations of the directory through
			b = repaired(b)
		}
		what, err := everything(b)
		if err != nil {
			require.NotContains(t, err.Error(), "\n")
			return
		}
		if m, ok := what[len(what)-1].(*backend.CSR); ok {
			require.NoError(t, m.Check())
			require.LessOrEqual(t, m.Bytes(), int64(len(b)))
		}
	})
}

// repaired has the checksums of footer and directory right, as far as they can be found.
func repaired(b []byte) []byte {
	b = slices.Clone(b)
	foot := b[len(b)-headSize:]
	at := binary.LittleEndian.Uint64(foot)
	if at >= headSize && at <= uint64(len(b)-headSize) {
		text := b[at : len(b)-headSize]
		binary.LittleEndian.PutUint64(foot[8:], uint64(len(text)))
		binary.LittleEndian.PutUint32(foot[16:], crc32.Checksum(text, castagnoli))
	}
	binary.LittleEndian.PutUint32(foot[20:], crc32.Checksum(foot[:20], castagnoli))
	clear(foot[24:56])
	copy(foot[56:], Magic)
	return b
}
