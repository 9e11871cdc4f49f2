package arrow

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	flatbuffers "github.com/google/flatbuffers/go"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/stretchr/testify/require"
)

// readAll reads every cell of a file: how many there are, or the first error.
func readAll(b []byte) (cells int, err error) {
	f, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return 0, err
	}
	var numbers [1000]float64
	for _, batch := range f.Batches {
		for i, column := range f.Columns {
			if column.Refused != "" || batch.Rows() > 1<<20 {
				continue
			}
			c, err := batch.Open(i)
			if err != nil {
				return 0, err
			}
			for left := batch.Rows(); left > 0 && err == nil; {
				n := min(left, len(numbers))
				if column.Text {
					err = c.Texts(n, func([]byte) { cells++ })
				} else {
					var got []float64
					got, err = c.Next64(numbers[:n])
					cells += len(got)
				}
				left -= n
			}
			c.Close()
			if err != nil {
				return 0, err
			}
		}
	}
	return cells, nil
}

func testdata(t require.TestingT) map[string][]byte {
	paths, err := filepath.Glob("../testdata/arrow/*.[af]*")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	files := map[string][]byte{}
	for _, path := range paths {
		files[filepath.Base(path)], err = os.ReadFile(path)
		require.NoError(t, err)
	}
	return files
}

// hostile writes a stream of one column of a type, whose batch claims rows and has
// buffers of the lengths that it claims.
type hostile struct {
	kind    byte
	of      func(f *flatbuffers.Builder) // the fields of the type
	rows    int64
	nulls   int64
	codec   int8
	buffers [][]byte
	views   int  // how many of them are texts of a view
	coded   bool // the batch is a dictionary, of which another batch has the first entry
	places  func(i int, at, n int64) (int64, int64)
}

func float(f *flatbuffers.Builder) {
	f.StartObject(1)
	f.PrependInt16Slot(0, 1, 0)
}

func nothing(f *flatbuffers.Builder) { f.StartObject(0) }

func (h *hostile) bytes() []byte {
	var out bytes.Buffer
	w := &Writer{to: &out}
	w.message(headerSchema, func(f *flatbuffers.Builder) flatbuffers.UOffsetT {
		name := f.CreateString("x")
		h.of(f)
		of := f.EndObject()
		var dictionary flatbuffers.UOffsetT
		if h.coded {
			f.StartObject(4)
			dictionary = f.EndObject()
		}
		f.StartObject(7)
		f.PrependUOffsetTSlot(0, name, 0)
		f.PrependByteSlot(2, h.kind, 0)
		f.PrependUOffsetTSlot(3, of, 0)
		f.PrependUOffsetTSlot(4, dictionary, 0)
		field := f.EndObject()
		all := addVector(f, 4, 4, 1, func(int) { f.PrependUOffsetT(field) })
		f.StartObject(4)
		f.PrependUOffsetTSlot(1, all, 0)
		return f.EndObject()
	}, nil)
	var body []byte
	at := make([]int64, len(h.buffers))
	for i, b := range h.buffers {
		at[i] = int64(len(body))
		body = append(body, b...)
	}
	kind := byte(headerBatch)
	if h.coded {
		kind = headerDictionary
	}
	w.message(kind, func(f *flatbuffers.Builder) flatbuffers.UOffsetT {
		nodes := addVector(f, 16, 8, 1, func(int) { f.PrependInt64(h.nulls); f.PrependInt64(h.rows) })
		places := addVector(f, 16, 8, len(h.buffers), func(i int) {
			at, n := at[i], int64(len(h.buffers[i]))
			if h.places != nil {
				at, n = h.places(i, at, n)
			}
			f.PrependInt64(n)
			f.PrependInt64(at)
		})
		var views, packed flatbuffers.UOffsetT
		if h.kind == typeUtf8View {
			views = addVector(f, 8, 8, 1, func(int) { f.PrependInt64(int64(h.views)) })
		}
		if h.codec >= 0 {
			f.StartObject(2)
			f.PrependInt8Slot(0, h.codec, -1)
			packed = f.EndObject()
		}
		f.StartObject(5)
		f.PrependInt64Slot(0, h.rows, 0)
		f.PrependUOffsetTSlot(1, nodes, 0)
		f.PrependUOffsetTSlot(2, places, 0)
		f.PrependUOffsetTSlot(3, packed, 0)
		f.PrependUOffsetTSlot(4, views, 0)
		batch := f.EndObject()
		if h.coded {
			f.StartObject(3)
			f.PrependUOffsetTSlot(1, batch, 0)
			return f.EndObject()
		}
		return batch
	}, body)
	if h.coded {
		_ = w.Append(1, []any{[]int32{0}})
	}
	w.write([]byte(StreamMagic + "\x00\x00\x00\x00"))
	return out.Bytes()
}

// packed are n zeros, and what is said of how many they are.
func packed(codec int8, n int, says int64) []byte {
	var out bytes.Buffer
	out.Write(binary.LittleEndian.AppendUint64(nil, uint64(says)))
	var to io.WriteCloser = lz4.NewWriter(&out)
	if codec == packedZstd {
		to, _ = zstd.NewWriter(&out)
	}
	_, _ = to.Write(make([]byte, n))
	_ = to.Close()
	return out.Bytes()
}

// hostiles are files of which nothing but the sizes is wrong.
func hostiles() map[string]*hostile {
	four := make([]byte, 16)
	offsets := func(v ...uint32) (b []byte) {
		for _, x := range v {
			b = binary.LittleEndian.AppendUint32(b, x)
		}
		return b
	}
	return map[string]*hostile{
		"rows without bytes":     {kind: typeFloat, of: float, rows: 1 << 40, codec: -1, buffers: [][]byte{{}, four}},
		"rows beyond an int":     {kind: typeFloat, of: float, rows: math.MaxInt64, codec: -1, buffers: [][]byte{{}, four}},
		"fewer rows than none":   {kind: typeFloat, of: float, rows: -1, codec: -1, buffers: [][]byte{{}, four}},
		"one row too many":       {kind: typeFloat, of: float, rows: 5, codec: -1, buffers: [][]byte{{}, four}},
		"a buffer beyond all":    {kind: typeFloat, of: float, rows: 4, codec: -1, buffers: [][]byte{{}, four}, places: func(int, int64, int64) (int64, int64) { return math.MaxInt64 - 8, 16 }},
		"a buffer before all":    {kind: typeFloat, of: float, rows: 4, codec: -1, buffers: [][]byte{{}, four}, places: func(int, int64, int64) (int64, int64) { return -64, 16 }},
		"a buffer of no length":  {kind: typeFloat, of: float, rows: 4, codec: -1, buffers: [][]byte{{}, four}, places: func(int, int64, int64) (int64, int64) { return 0, math.MinInt64 }},
		"buffers over others":    {kind: typeFloat, of: float, rows: 8, nulls: 1, codec: -1, buffers: [][]byte{four, four}, places: func(int, int64, int64) (int64, int64) { return 0, 32 }},
		"too few buffers":        {kind: typeUtf8, of: nothing, rows: 3, codec: -1, buffers: [][]byte{{}, offsets(0, 1, 2, 3)}},
		"more nulls than rows":   {kind: typeFloat, of: float, rows: 4, nulls: 5, codec: -1, buffers: [][]byte{{15}, four}},
		"nulls without a bitmap": {kind: typeFloat, of: float, rows: 4, nulls: 2, codec: -1, buffers: [][]byte{{}, four}},
		"texts beyond the data":  {kind: typeUtf8, of: nothing, rows: 3, codec: -1, buffers: [][]byte{{}, offsets(0, 1, 2, 1000), {'a', 'b', 'c'}}},
		"texts that go back":     {kind: typeUtf8, of: nothing, rows: 3, codec: -1, buffers: [][]byte{{}, offsets(0, 3, 1, 3), {'a', 'b', 'c'}}},
		"texts before the data":  {kind: typeUtf8, of: nothing, rows: 3, codec: -1, buffers: [][]byte{{}, offsets(1<<31, 3, 3, 3), {'a', 'b', 'c'}}},
		"a text of 2 GB":         {kind: typeUtf8, of: nothing, rows: 3, codec: -1, buffers: [][]byte{{}, offsets(0, 1, 2, 1<<31-1), {'a', 'b', 'c'}}},
		"views of nothing":       {kind: typeUtf8View, of: nothing, rows: 1, codec: -1, buffers: [][]byte{{}, offsets(20, 0, 7, 0)}},
		"views beyond":           {kind: typeUtf8View, of: nothing, rows: 1, codec: -1, views: 1, buffers: [][]byte{{}, offsets(20, 0, 0, 1<<31-1), four}},
		"views of 2 GB":          {kind: typeUtf8View, of: nothing, rows: 1, codec: -1, views: 1, buffers: [][]byte{{}, offsets(1<<31-1, 0, 0, 0), four}},
		"views of many buffers":  {kind: typeUtf8View, of: nothing, rows: 1, codec: -1, views: 1 << 40, buffers: [][]byte{{}, offsets(20, 0, 0, 0), four}},
		"lz4 of less":            {kind: typeFloat, of: float, rows: 1000, codec: packedLZ4, buffers: [][]byte{{}, packed(packedLZ4, 100, 4000)}},
		"zstd of less":           {kind: typeFloat, of: float, rows: 1000, codec: packedZstd, buffers: [][]byte{{}, packed(packedZstd, 100, 4000)}},
		"says less than it has":  {kind: typeFloat, of: float, rows: 1000, codec: packedZstd, buffers: [][]byte{{}, packed(packedZstd, 4000, 100)}},
		"says 8 EB":              {kind: typeFloat, of: float, rows: 1000, codec: packedZstd, buffers: [][]byte{{}, packed(packedZstd, 4000, math.MaxInt64)}},
		"says less than nothing": {kind: typeFloat, of: float, rows: 1000, codec: packedLZ4, buffers: [][]byte{{}, packed(packedLZ4, 4000, -2)}},
		"lz4 of 2^40 rows":       {kind: typeFloat, of: float, rows: 1 << 40, codec: packedLZ4, buffers: [][]byte{{}, packed(packedLZ4, 4000, 1<<42)}},
		"no codec":               {kind: typeFloat, of: float, rows: 1000, codec: 7, buffers: [][]byte{{}, packed(packedLZ4, 4000, 4000)}},
		"a prefix cut":           {kind: typeFloat, of: float, rows: 2, codec: packedLZ4, buffers: [][]byte{{}, {1, 2, 3}}},
	}
}

// What a file claims of its sizes is one line, and takes neither memory nor time.
func TestOpen_HostileCountsAreErrors(t *testing.T) {
	for name, h := range hostiles() {
		t.Run(name, func(t *testing.T) {
			b := h.bytes()
			used := allocated(func() {
				_, err := readAll(b)
				var e *Error
				require.ErrorAs(t, err, &e)
				require.NotEmpty(t, e.Advice)
				t.Log(err)
			})
			// An unpacker of Zstandard and what it looks back at is the most that is held.
			require.Less(t, used, uint64(32<<20))
		})
	}
}

// allocated is the memory that do takes, given back or not.
func allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// A gigabyte in some kilobytes is unpacked piece by piece.
func TestTexts_ABombIsNotHeld(t *testing.T) {
	const size = 1 << 28
	zeros := packed(packedZstd, size, size)
	require.Less(t, len(zeros), size/5_000)
	h := &hostile{kind: typeUtf8, of: nothing, rows: 1, codec: packedZstd, buffers: [][]byte{{}, append(bytes.Repeat([]byte{0xff}, 8), 0, 0, 0, 0x10, 0, 0, 0, 0x10), zeros}}
	used := allocated(func() {
		n, err := readAll(h.bytes())
		require.NoError(t, err)
		require.Equal(t, 1, n)
	})
	require.Less(t, used, uint64(32<<20))
	h = &hostile{kind: typeUtf8View, of: nothing, rows: 1, codec: packedZstd, views: 1, buffers: [][]byte{{}, append(bytes.Repeat([]byte{0xff}, 8), 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), zeros}}
	used = allocated(func() {
		_, err := readAll(h.bytes())
		require.EqualError(t, err, `column "x": its texts are too long; leave the column out with --ignore`)
	})
	require.Less(t, used, uint64(32<<20))

	// Several that each could be held, together.
	h.rows, h.views, h.buffers = 3, 3, [][]byte{{}, bytes.Repeat([]byte{0xff}, 8)}
	for k := range 3 {
		h.buffers[1] = append(h.buffers[1], 20, 0, 0, 0, 0, 0, 0, 0, byte(k), 0, 0, 0, 0, 0, 0, 0)
		h.buffers = append(h.buffers, packed(packedZstd, 40<<20, 40<<20))
	}
	_, err := readAll(h.bytes())
	require.EqualError(t, err, `column "x": its texts are too long; leave the column out with --ignore`)
}

// Booleans of a dictionary, a bit each in the file, would be numbers of 8 bytes.
func TestDictionary_ABombIsNotHeld(t *testing.T) {
	const size = 4 << 20
	h := &hostile{kind: typeBool, of: nothing, rows: 8 * size, codec: packedZstd, coded: true, buffers: [][]byte{{}, packed(packedZstd, size, size)}}
	used := allocated(func() {
		_, err := readAll(h.bytes())
		require.EqualError(t, err, `column "x": its dictionary is too large; leave the column out with --ignore`)
	})
	require.Less(t, used, uint64(64<<20))
	h.rows = 1000
	n, err := readAll(h.bytes())
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

// Tables that refer to the same children again and again describe more than memory holds.
func TestFlat_SharedTablesAreCounted(t *testing.T) {
	f := flatbuffers.NewBuilder(1024)
	var field flatbuffers.UOffsetT
	for depth := range 20 {
		name := f.CreateString("x")
		children := addVector(f, 4, 4, min(depth, 1)*100, func(int) { f.PrependUOffsetT(field) })
		f.StartObject(0)
		of := f.EndObject()
		f.StartObject(7)
		f.PrependUOffsetTSlot(0, name, 0)
		f.PrependByteSlot(2, typeStruct, 0)
		f.PrependUOffsetTSlot(3, of, 0)
		f.PrependUOffsetTSlot(5, children, 0)
		field = f.EndObject()
	}
	all := addVector(f, 4, 4, 1, func(int) { f.PrependUOffsetT(field) })
	f.StartObject(4)
	f.PrependUOffsetTSlot(1, all, 0)
	f.Finish(f.EndObject())
	buf := &flat{b: f.FinishedBytes()}
	used := allocated(func() {
		err := (&File{}).readSchema(buf.root())
		require.EqualError(t, err, "the Arrow data make no sense: a schema that cannot be understood; the file is damaged")
	})
	require.Less(t, used, uint64(1<<20))
}

// A file that reads itself again and again by its footer, a batch at a time.
func TestOpen_BlocksCountOnce(t *testing.T) {
	var out bytes.Buffer
	w := NewWriter(&out, []string{"x"}, func(int) bool { return true }, nil)
	require.NoError(t, w.Append(4, []any{[]float32{1, 2, 3, 4}}))
	w.batches = append(w.batches, w.batches[0])
	require.NoError(t, w.Close())
	_, err := readAll(out.Bytes())
	require.EqualError(t, err, "the Arrow data make no sense: blocks that are not in order; the file is damaged")
}

// Cut anywhere, a file is an error: nothing is taken for the whole.
func TestOpen_CutFilesAreErrors(t *testing.T) {
	for name, whole := range testdata(t) {
		if name == "old.feather" {
			continue
		}
		cells, err := readAll(whole)
		require.NoError(t, err, name)
		require.NotZero(t, cells)
		for n := range whole {
			_, err := readAll(whole[:n])
			var e *Error
			require.ErrorAs(t, err, &e, "%s cut to %d bytes", name, n)
		}
	}
}

func TestDecimal(t *testing.T) {
	v := make([]byte, 16)
	low := uint64(0xefff)<<48 + 0xfffffff000000000>>16
	binary.LittleEndian.PutUint64(v, low)
	binary.LittleEndian.PutUint64(v[8:], math.MaxUint64-0xff)
	require.Equal(t, -0x1p72+float64(low), decimal(v))
	got := make([]float64, 1)
	decode(got, []byte{0xff, 0xff, 0xff, 0xff}, valueType{id: typeDecimal, bits: 32, scale: -2})
	require.Equal(t, -100., got[0])
}

// FuzzFile reads damaged files: an error or all cells, within memory and time.
func FuzzFile(f *testing.F) {
	for _, b := range testdata(f) {
		f.Add(b)
	}
	for _, h := range hostiles() {
		f.Add(h.bytes())
		h.rows = 2
		f.Add(h.bytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := readAll(b); err != nil {
			var e *Error
			require.ErrorAs(t, err, &e, fmt.Sprint(err))
		}
	})
}
