package checkpoint_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/checkpoint"
)

func open(path string, resume bool, facts []checkpoint.Fact) error {
	j, err := checkpoint.Open(checkpoint.Options{Path: path, Resume: resume}, facts)
	if err == nil {
		err = j.Close()
	}
	return err
}

// What is no checkpoint is neither resumed nor replaced; what is one, in whatever
// state, may be replaced.
func TestOpen_FilesOfEveryKind(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, "good")
	require.NoError(t, open(good, false, facts))
	header, err := os.ReadFile(good)
	require.NoError(t, err)
	line := bytes.IndexByte(header, '\n') + 1
	huge := slices.Clone(header)
	binary.LittleEndian.PutUint32(huge[line:], 1<<31)

	for name, c := range map[string]struct {
		text   string
		kind   error
		reason string
	}{
		"table":       {"a,b,y\n1,2,0\n", checkpoint.ErrNotCheckpoint, "it was not written by --checkpoint"},
		"model":       {"{\n  \"format\": \"logreg-gpu model\"", checkpoint.ErrNotCheckpoint, "it was not written"},
		"binary":      {"\x93NUMPY\x01\x00", checkpoint.ErrNotCheckpoint, "it was not written"},
		"newer":       {"logreg-gpu checkpoint 2\nsomething else", checkpoint.ErrNewer, "its format version is 2, this program reads up to 1; upgrade"},
		"no version":  {"logreg-gpu checkpoint x\n", checkpoint.ErrDamaged, "its first line is broken"},
		"version 0":   {"logreg-gpu checkpoint 0\n", checkpoint.ErrDamaged, "its first line is broken"},
		"first line":  {string(header[:5]), checkpoint.ErrDamaged, "its first line is broken"},
		"no facts":    {string(header[:line]), checkpoint.ErrDamaged, "it ends within its header"},
		"torn facts":  {string(header[:len(header)-10]), checkpoint.ErrDamaged, "it ends within its header"},
		"changed":     {strings.Replace(string(header), "test", "text", 1), checkpoint.ErrDamaged, "its header does not match its checksum"},
		"huge header": {string(huge), checkpoint.ErrDamaged, "its header claims 2147483648 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, name)
			require.NoError(t, os.WriteFile(path, []byte(c.text), 0o666))
			for _, err := range []error{open(path, true, facts), checkpoint.Check(path, true)} {
				var file *checkpoint.FileError
				require.ErrorAs(t, err, &file)
				require.ErrorIs(t, err, c.kind)
				require.Equal(t, path, file.Path)
				require.Contains(t, err.Error(), c.reason)
				require.NotContains(t, err.Error(), "\n")
			}
			if errors.Is(c.kind, checkpoint.ErrNotCheckpoint) {
				require.ErrorIs(t, checkpoint.Check(path, false), c.kind)
				require.ErrorIs(t, open(path, false, facts), c.kind)
				left, err := os.ReadFile(path)
				require.NoError(t, err)
				require.Equal(t, c.text, string(left))
				return
			}
			require.NoError(t, checkpoint.Check(path, false))
			require.NoError(t, open(path, false, facts))
			left, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, header, left)
		})
	}
}

// An empty file, as of mktemp, is where nothing has been kept yet.
func TestOpen_Empty(t *testing.T) {
	for _, resume := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "empty")
		require.NoError(t, os.WriteFile(path, nil, 0o666))
		require.NoError(t, checkpoint.Check(path, resume))
		require.NoError(t, open(path, resume, facts))
		require.NoError(t, open(path, true, facts))
	}
}

func TestOpen_WhatCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	for _, resume := range []bool{false, true} {
		for _, err := range []error{
			open(filepath.Join(dir, "none", "fit.ckpt"), resume, facts), checkpoint.Check(filepath.Join(dir, "none", "fit.ckpt"), resume),
			open(dir, resume, facts), checkpoint.Check(dir, resume),
		} {
			var pe *fs.PathError
			require.ErrorAs(t, err, &pe)
		}
	}
	if _, err := os.Stat("/dev/full"); err == nil {
		require.ErrorContains(t, open("/dev/full", false, facts), "is no regular file, as a checkpoint must be")
	}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, entries)
}

// The first fact that differs is named, with both values where they are short.
func TestOpen_OtherFacts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fit.ckpt")
	long := make([]int, 100)
	made := []checkpoint.Fact{checkpoint.Of("C", 1.5), checkpoint.Of("Cs", long), checkpoint.Of("seed", uint64(7))}
	require.NoError(t, open(path, false, made))
	require.NoError(t, open(path, true, slices.Clone(made)))
	with := func(i int, f checkpoint.Fact) []checkpoint.Fact {
		changed := slices.Clone(made)
		changed[i] = f
		return changed
	}
	for want, facts := range map[string][]checkpoint.Fact{
		"made with C 1.5, now 2; leave out --resume to start afresh":   with(0, checkpoint.Of("C", 2.0)),
		"made with other Cs; leave out --resume to start afresh":       with(1, checkpoint.Of("Cs", append(long, 1))),
		"made with other C; leave out --resume to start afresh":        with(0, checkpoint.Of("C", long)),
		"made with seed 7, now 8; leave out --resume to start afresh":  with(2, checkpoint.Of("seed", 8)),
		"made with other seed; leave out --resume to start afresh":     made[:2],
		"made with other batch; leave out --resume to start afresh":    append(slices.Clone(made), checkpoint.Of("batch", 3)),
		"made with other l1-ratio; leave out --resume to start afresh": with(0, checkpoint.Of("l1-ratio", 3)),
	} {
		err := open(path, true, facts)
		require.ErrorIs(t, err, checkpoint.ErrOther)
		require.EqualError(t, err, path+": "+want)
	}
	require.NoError(t, open(path, true, made), "a refusal leaves the file as it is")
	require.NoError(t, open(path, false, made[:1]), "without Resume it is replaced")
	require.NoError(t, open(path, true, made[:1]))
}

// pieces is a RowReader over a matrix in memory.
type pieces struct {
	*tensor.Dense
	fail error
}

func (p pieces) Shape() (rows, cols int) { return p.Dense.Shape()[0], p.Dense.Shape()[1] }

func (p pieces) ReadRows32(first int, dst []float32) error {
	copy(dst, p.Data().([]float32)[first*p.Dense.Shape()[1]:])
	return p.fail
}

func (p pieces) ReadRows64(first int, dst []float64) error {
	copy(dst, p.Data().([]float64)[first*p.Dense.Shape()[1]:])
	return p.fail
}

// Every part of the data is in the facts: none can change unnoticed.
func TestOfSource_SeesEveryPart(t *testing.T) {
	dense := func() *tensor.Dense { return source().X }
	csr := func() *backend.CSR {
		return &backend.CSR{Rows: rows, Cols: cols, RowPtr: make([]int64, rows+1), Col: []uint32{1}, Val64: []float64{2}}
	}
	narrow := func(at int, v float32) *tensor.Dense {
		x := make([]float32, rows*cols)
		x[at] = v
		return tensor.New(tensor.WithShape(rows, cols), tensor.WithBacking(x))
	}
	with := func(change func(*backend.Source)) []checkpoint.Fact {
		src := source()
		change(src)
		facts, err := checkpoint.OfSource(src)
		require.NoError(t, err)
		return facts
	}
	same := func(*backend.Source) {}
	sparse := func(change func(*backend.CSR)) func(*backend.Source) {
		return func(s *backend.Source) {
			s.X, s.Sparse = nil, csr()
			change(s.Sparse)
		}
	}
	inPieces := func(x *tensor.Dense) func(*backend.Source) {
		return func(s *backend.Source) { s.X, s.Rows = nil, pieces{x, nil} }
	}
	sparseInPieces := func(col uint32, v float64, fail error) func(*backend.Source) {
		return func(s *backend.Source) {
			m := csr()
			m.RowPtr[rows], m.Col[0], m.Val64[0] = 1, col, v
			s.X, s.SparseRows = nil, sparsePieces{m, fail}
		}
	}
	path := filepath.Join(t.TempDir(), "fit.ckpt")
	for _, c := range []struct {
		part     string
		was, now func(*backend.Source)
	}{
		{"", same, same},
		{"", sparse(func(*backend.CSR) {}), sparse(func(*backend.CSR) {})},
		{"", inPieces(dense()), inPieces(dense())},
		{"", sparseInPieces(1, 2, nil), sparseInPieces(1, 2, nil)},
		{"values of X", sparseInPieces(1, 2, nil), sparseInPieces(1, 3, nil)},
		{"values of X", sparseInPieces(1, 2, nil), sparseInPieces(0, 2, nil)},
		{"X dense float64, now sparse float64 in pieces", same, sparseInPieces(1, 2, nil)},
		{"values of X", same, func(s *backend.Source) { s.X.Data().([]float64)[rows*cols-1]++ }},
		{"values of X", inPieces(narrow(0, 1)), inPieces(narrow(rows*cols-1, 1))},
		{"values of X", inPieces(dense()), func(s *backend.Source) {
			s.X.Data().([]float64)[3]++
			inPieces(s.X)(s)
		}},
		{"values of X", sparse(func(*backend.CSR) {}), sparse(func(m *backend.CSR) { m.Val64[0]++ })},
		{"values of X", sparse(func(*backend.CSR) {}), sparse(func(m *backend.CSR) { m.Col[0]-- })},
		{"values of X", sparse(func(*backend.CSR) {}), sparse(func(m *backend.CSR) { m.RowPtr[5]++ })},
		{"X sparse float64, now sparse float32", sparse(func(*backend.CSR) {}), sparse(func(m *backend.CSR) { m.Val64 = nil })},
		{"X dense float64, now dense float32", same, func(s *backend.Source) { s.X = narrow(0, 1) }},
		{"X dense float64, now sparse float64", same, sparse(func(*backend.CSR) {})},
		{"X dense float64, now float64 in pieces", same, inPieces(dense())},
		{"rows 30, now 31", same, sparse(func(m *backend.CSR) { m.Rows++ })},
		{"columns 2, now 3", same, sparse(func(m *backend.CSR) { m.Cols++ })},
		{"labels", same, func(s *backend.Source) { s.Labels[1][29]++ }},
		{"labels", same, func(s *backend.Source) { s.Labels = s.Labels[:1] }},
		{"labels", same, func(s *backend.Source) { s.Labels = [][]int32{append(s.Labels[0], s.Labels[1]...)} }},
		{"weights", same, func(s *backend.Source) { s.Weights[0][7]++ }},
		{"weights", same, func(s *backend.Source) { s.Weights = nil }},
		{"offsets", same, func(s *backend.Source) { s.Offsets[0][0]++ }},
		{"folds", same, func(s *backend.Source) { s.Folds[0]++ }},
	} {
		require.NoError(t, open(path, false, with(c.was)))
		err := open(path, true, with(c.now))
		if c.part == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorIs(t, err, checkpoint.ErrOther, c.part)
		require.Contains(t, err.Error(), c.part+"; leave")
	}
	lost := errors.New("the disk is gone")
	src := source()
	src.X, src.Rows = nil, pieces{dense(), lost}
	_, err := checkpoint.OfSource(src)
	require.ErrorIs(t, err, lost)
	src = source()
	sparseInPieces(1, 2, lost)(src)
	_, err = checkpoint.OfSource(src)
	require.ErrorIs(t, err, lost)
}

// sparsePieces is a CSR that is read in pieces, or fails.
type sparsePieces struct {
	*backend.CSR
	fail error
}

func (p sparsePieces) Shape() (int, int) { return p.Rows, p.Cols }
func (p sparsePieces) RowPtr() []int64   { return p.CSR.RowPtr }
func (p sparsePieces) Ones() bool        { return false }

func (p sparsePieces) ReadCSR(first, n int, m *backend.CSR) error {
	m.SetRows(p, first, n)
	copy(m.Col, p.Col[p.CSR.RowPtr[first]:])
	copy(m.Val64, p.Val64[p.CSR.RowPtr[first]:])
	return p.fail
}

// Large matrices are summed by all processors, to the same fact.
func TestOfSource_P9_AnyNumberOfThreads(t *testing.T) {
	x := make([]float32, 1<<20+1)
	for i := range x {
		x[i] = float32(i)
	}
	src := &backend.Source{X: tensor.New(tensor.WithShape(len(x), 1), tensor.WithBacking(x))}
	want, err := checkpoint.OfSource(src)
	require.NoError(t, err)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, threads := range []int{1, 3, 7} {
		runtime.GOMAXPROCS(threads)
		got, err := checkpoint.OfSource(src)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	x[len(x)-1]++
	got, err := checkpoint.OfSource(src)
	require.NoError(t, err)
	require.NotEqual(t, want, got)
}

// records gives the places in a checkpoint where its header and its records end.
func records(t *testing.T, file []byte) (ends []int) {
	line := bytes.IndexByte(file, '\n') + 1
	at := line + 4 + int(binary.LittleEndian.Uint32(file[line:])) + 4
	for ; at < len(file); at += 8 + 32 + int(binary.LittleEndian.Uint64(file[at:])) + 4 {
		ends = append(ends, at)
	}
	require.Equal(t, len(file), at)
	return append(ends, at)
}
