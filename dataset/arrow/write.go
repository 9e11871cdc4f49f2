package arrow

import (
	"encoding/binary"
	"io"
	"math"

	flatbuffers "github.com/google/flatbuffers/go"
)

// Writer writes a file of columns of float32 or float64 and perhaps a last one of text,
// whose cells are codes of a dictionary: nothing is packed and no cell is missing. It
// needs no more memory than one batch.
type Writer struct {
	to      io.Writer
	at      int64
	err     error
	names   []string
	single  func(column int) bool
	texts   []string
	batches []block
	known   []block // dictionaries
	body    []byte
}

// block is where a message is, as the footer says it.
type block struct {
	at, body int64
	meta     int32
}

// align is what messages and buffers begin at a multiple of.
const align = 64

// NewWriter begins a file. single tells which columns of numbers are float32. Texts, where
// there are some, are those of the last column.
func NewWriter(to io.Writer, names []string, single func(column int) bool, texts []string) *Writer {
	w := &Writer{to: to, names: names, single: single, texts: texts}
	w.write([]byte(FileMagic + "\x00\x00"))
	w.message(headerSchema, w.addSchema, nil)
	if texts != nil {
		w.writeTexts()
	}
	return w
}

// Append writes a batch of that many rows: columns are a []float32, a []float64 or the
// []int32 of codes.
func (w *Writer) Append(rows int, columns []any) error {
	w.body = w.body[:0]
	buffers := make([]section, 0, 2*len(columns))
	for _, c := range columns {
		at := len(w.body)
		switch c := c.(type) {
		case []float32:
			for _, v := range c {
				w.body = binary.LittleEndian.AppendUint32(w.body, math.Float32bits(v))
			}
		case []float64:
			for _, v := range c {
				w.body = binary.LittleEndian.AppendUint64(w.body, math.Float64bits(v))
			}
		case []int32:
			for _, v := range c {
				w.body = binary.LittleEndian.AppendUint32(w.body, uint32(v))
			}
		}
		buffers = append(buffers, section{int64(at), 0}, section{int64(at), int64(len(w.body) - at)})
		w.pad()
	}
	b := w.message(headerBatch, func(f *flatbuffers.Builder) flatbuffers.UOffsetT {
		return addBatch(f, rows, len(columns), buffers)
	}, w.body)
	w.batches = append(w.batches, b)
	return w.err
}

// writeTexts writes the dictionary.
func (w *Writer) writeTexts() {
	w.body = w.body[:0]
	end := uint32(0)
	for i := range len(w.texts) + 1 {
		w.body = binary.LittleEndian.AppendUint32(w.body, end)
		if i < len(w.texts) {
			end += uint32(len(w.texts[i]))
		}
	}
	offsets := section{0, int64(len(w.body))}
	w.pad()
	data := section{int64(len(w.body)), int64(end)}
	for _, t := range w.texts {
		w.body = append(w.body, t...)
	}
	w.pad()
	b := w.message(headerDictionary, func(f *flatbuffers.Builder) flatbuffers.UOffsetT {
		batch := addBatch(f, len(w.texts), 1, []section{{}, offsets, data})
		f.StartObject(3)
		f.PrependUOffsetTSlot(1, batch, 0)
		return f.EndObject()
	}, w.body)
	w.known = append(w.known, b)
}

// Close ends the file. It does not close what it is written to.
func (w *Writer) Close() error {
	w.write([]byte(StreamMagic + "\x00\x00\x00\x00"))
	f := flatbuffers.NewBuilder(1024)
	schema := w.addSchema(f)
	known, batches := addBlocks(f, w.known), addBlocks(f, w.batches)
	f.StartObject(5)
	f.PrependInt16Slot(0, version5, 0)
	f.PrependUOffsetTSlot(1, schema, 0)
	f.PrependUOffsetTSlot(2, known, 0)
	f.PrependUOffsetTSlot(3, batches, 0)
	f.Finish(f.EndObject())
	w.write(f.FinishedBytes())
	w.write(binary.LittleEndian.AppendUint32(nil, uint32(len(f.FinishedBytes()))))
	w.write([]byte(FileMagic))
	return w.err
}

func (w *Writer) write(b []byte) {
	if w.err == nil {
		_, w.err = w.to.Write(b)
		w.at += int64(len(b))
	}
}

func (w *Writer) pad() { w.body = append(w.body, make([]byte, -len(w.body)&(align-1))...) }

// message writes a message, whose body begins at a multiple of align.
func (w *Writer) message(kind byte, header func(*flatbuffers.Builder) flatbuffers.UOffsetT, body []byte) block {
	f := flatbuffers.NewBuilder(1024)
	h := header(f)
	f.StartObject(5)
	f.PrependInt16Slot(0, version5, 0)
	f.PrependByteSlot(1, kind, 0)
	f.PrependUOffsetTSlot(2, h, 0)
	f.PrependInt64Slot(3, int64(len(body)), 0)
	f.Finish(f.EndObject())
	meta := f.FinishedBytes()
	b := block{at: w.at, body: int64(len(body))}
	padding := int(-(w.at + 8 + int64(len(meta))) & (align - 1))
	b.meta = int32(8 + len(meta) + padding)
	w.write(binary.LittleEndian.AppendUint32([]byte(StreamMagic), uint32(len(meta)+padding)))
	w.write(meta)
	w.write(make([]byte, padding))
	w.write(body)
	return b
}

func (w *Writer) addSchema(f *flatbuffers.Builder) flatbuffers.UOffsetT {
	fields := make([]flatbuffers.UOffsetT, len(w.names))
	for i, name := range w.names {
		n := f.CreateString(name)
		children := addVector(f, 4, 4, 0, nil)
		text := w.texts != nil && i == len(w.names)-1
		var dictionary flatbuffers.UOffsetT
		kind := byte(typeFloat)
		if text {
			kind = typeUtf8
			f.StartObject(2) // Int
			f.PrependInt32Slot(0, 32, 0)
			f.PrependBoolSlot(1, true, false)
			index := f.EndObject()
			f.StartObject(4) // DictionaryEncoding
			f.PrependUOffsetTSlot(1, index, 0)
			dictionary = f.EndObject()
		}
		f.StartObject(1) // FloatingPoint or Utf8
		if !text {
			precision := int16(2)
			if w.single(i) {
				precision = 1
			}
			f.PrependInt16Slot(0, precision, 0)
		}
		of := f.EndObject()
		f.StartObject(7)
		f.PrependUOffsetTSlot(0, n, 0)
		f.PrependByteSlot(2, kind, 0)
		f.PrependUOffsetTSlot(3, of, 0)
		f.PrependUOffsetTSlot(4, dictionary, 0)
		f.PrependUOffsetTSlot(5, children, 0)
		fields[i] = f.EndObject()
	}
	all := addVector(f, 4, 4, len(fields), func(i int) { f.PrependUOffsetT(fields[i]) })
	f.StartObject(4)
	f.PrependUOffsetTSlot(1, all, 0)
	return f.EndObject()
}

// addBatch adds the description of a record batch.
func addBatch(f *flatbuffers.Builder, rows, columns int, buffers []section) flatbuffers.UOffsetT {
	nodes := addVector(f, 16, 8, columns, func(int) {
		f.PrependInt64(0)
		f.PrependInt64(int64(rows))
	})
	places := addVector(f, 16, 8, len(buffers), func(i int) {
		f.PrependInt64(buffers[i].n)
		f.PrependInt64(buffers[i].at)
	})
	f.StartObject(5)
	f.PrependInt64Slot(0, int64(rows), 0)
	f.PrependUOffsetTSlot(1, nodes, 0)
	f.PrependUOffsetTSlot(2, places, 0)
	return f.EndObject()
}

func addBlocks(f *flatbuffers.Builder, blocks []block) flatbuffers.UOffsetT {
	return addVector(f, 24, 8, len(blocks), func(i int) {
		f.PrependInt64(blocks[i].body)
		f.Pad(4)
		f.PrependInt32(blocks[i].meta)
		f.PrependInt64(blocks[i].at)
	})
}

// addVector adds n elements, which add prepends.
func addVector(f *flatbuffers.Builder, size, alignment, n int, add func(i int)) flatbuffers.UOffsetT {
	f.StartVector(size, n, alignment)
	for i := n - 1; i >= 0; i-- {
		add(i)
	}
	return f.EndVector(n)
}
