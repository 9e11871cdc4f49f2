package arrow

import (
	"encoding/binary"
	"io"
)

// The first bytes of a file and of a stream.
const (
	FileMagic   = "ARROW1"
	StreamMagic = "\xff\xff\xff\xff"
)

// Kinds of messages (Message.fbs).
const (
	headerSchema     = 1
	headerDictionary = 2
	headerBatch      = 3
)

// The metadata versions that are read: of Arrow 0.8 and of 1.0.
const (
	version4 = 3
	version5 = 4
)

// source is what a file is read from.
type source struct {
	r    io.ReaderAt
	size int64
}

// read fills b with the bytes at offset at.
func (s *source) read(b []byte, at int64) error {
	if at < 0 || at > s.size-int64(len(b)) {
		return early("the Arrow data end too early")
	}
	n, err := s.r.ReadAt(b, at)
	switch {
	case n == len(b):
		return nil
	case err == io.EOF || err == nil:
		return early("the Arrow data end too early")
	}
	return &Error{Problem: "cannot read it: " + err.Error(), Advice: "is the disk at fault?", Err: err}
}

// message is the description of a schema, a dictionary or a record batch, and where its
// buffers are.
type message struct {
	version int
	kind    int
	table   // of that kind
	body    int64
	bodyLen int64
	custom  bool  // something is said beside
	next    int64 // where the next message begins
}

// message reads the one at offset at; nil where the messages end.
func (s *source) message(at int64) (*message, error) {
	var prefix [8]byte
	if err := s.read(prefix[:], at); err != nil {
		return nil, err
	}
	if string(prefix[:4]) != StreamMagic {
		return nil, damage("no message at byte %d", at)
	}
	n := int64(int32(binary.LittleEndian.Uint32(prefix[4:])))
	at += 8
	switch {
	case n == 0:
		return nil, nil
	case n < 0:
		return nil, damage("a message of %d bytes", n)
	case n > s.size-at:
		return nil, early("the Arrow data end within a message")
	}
	f := &flat{b: make([]byte, n)}
	if err := s.read(f.b, at); err != nil {
		return nil, err
	}
	t := f.root()
	m := &message{version: t.int16(0), kind: t.byte(1), bodyLen: t.int64(3), body: at + n}
	m.table, _ = t.child(2)
	_, custom := t.vector(4, 4)
	m.custom = custom > 0
	switch {
	case f.bad || m.table.f == nil || m.bodyLen < 0:
		return nil, damage("a message that cannot be understood at byte %d", at)
	case m.version != version4 && m.version != version5:
		return nil, unknown("have another version than 4 or 5 of the format", "write the file anew with Arrow 1.0 or later")
	case m.bodyLen > s.size-m.body:
		return nil, early("the Arrow data end within a message")
	}
	m.next = m.body + m.bodyLen
	return m, nil
}

// messages reads all of them in order: those of a stream, or those that the footer of a
// file names.
func (f *File) messages() error {
	var magic [len(FileMagic)]byte
	if err := f.read(magic[:], 0); err != nil {
		return err
	}
	if string(magic[:]) == FileMagic {
		return f.readFile()
	}
	return f.readStream()
}

func (f *File) readStream() error {
	first, err := f.message(0)
	if err != nil {
		return err
	}
	if first == nil || first.kind != headerSchema {
		return damage("the first message is no schema")
	}
	if err := f.readSchema(first.table); err != nil {
		return err
	}
	for at := first.next; ; {
		if at == f.size {
			return early("the end mark of the stream is missing")
		}
		m, err := f.message(at)
		if err != nil || m == nil {
			return err
		}
		switch m.kind {
		case headerDictionary:
			err = f.addDictionary(m)
		case headerBatch:
			err = f.addBatch(m)
		default:
			err = damage("a message of kind %d among record batches", m.kind)
		}
		if err != nil {
			return err
		}
		at = m.next
	}
}

func (f *File) readFile() error {
	const tail = 4 + len(FileMagic)
	var end [tail]byte
	if err := f.read(end[:], f.size-int64(tail)); err != nil {
		return err
	}
	n := int64(int32(binary.LittleEndian.Uint32(end[:])))
	footer := f.size - int64(tail) - n
	if string(end[4:]) != FileMagic || n <= 0 || footer < 8 {
		return early("the end of the Arrow file is missing")
	}
	b := &flat{b: make([]byte, n)}
	if err := f.read(b.b, footer); err != nil {
		return err
	}
	t := b.root()
	schema, ok := t.child(1)
	if b.bad || !ok {
		return damage("a footer that cannot be understood")
	}
	f.final = true
	if err := f.readSchema(schema); err != nil {
		return err
	}
	if err := f.readBlocks(t, 2, headerDictionary, footer, f.addDictionary); err != nil {
		return err
	}
	return f.readBlocks(t, 3, headerBatch, footer, f.addBatch)
}

// readBlocks adds the messages that a vector of the footer names: one behind the other, so
// that none counts twice.
func (f *File) readBlocks(footer table, slot, kind int, end int64, add func(*message) error) error {
	const size = 24
	at, n := footer.vector(slot, size)
	if footer.f.bad {
		return damage("a footer that cannot be understood")
	}
	before := int64(8)
	for i := range n {
		offset := footer.f.int64(at + size*i)
		if offset < before || offset > end {
			return damage("blocks that are not in order")
		}
		m, err := f.message(offset)
		switch {
		case err != nil:
			return err
		case m == nil || m.kind != kind || m.next > end:
			return damage("a block of the footer is another message")
		}
		if err := add(m); err != nil {
			return err
		}
		before = m.next
	}
	return nil
}
