package arrow

import (
	"bufio"
	"encoding/binary"
	"io"
	"sync"
	"unsafe"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// stream is the bytes of one buffer, unpacked, from its first to its last.
type stream struct {
	file *source
	at   int64     // in the file, of a buffer that is not packed
	from *unpacker // else
	left int64     // bytes that buf has not had yet
	buf  []byte    // at a multiple of 8 bytes in memory
	a, b int       // those of buf that were read and not taken
}

// streamBytes is how much a stream reads at a time: of all columns of an ordinary table, no
// more than the second cache of a core holds.
const streamBytes = 16 << 10

// maxWindow bounds what Zstandard may look back at; level 19 asks for 8 MB.
const maxWindow = 32 << 20

// open begins to read a buffer.
func (b *Batch) open(s section) (*stream, error) {
	st := &stream{file: &b.file.source, at: s.at, left: s.n}
	if b.codec == unpacked || s.n == 0 {
		return st, nil
	}
	var size [8]byte
	if s.n < 8 {
		return nil, damage("a packed buffer of %d bytes", s.n)
	}
	if err := b.file.read(size[:], s.at); err != nil {
		return nil, err
	}
	s.at, s.n = s.at+8, s.n-8
	st.at, st.left = s.at, int64(binary.LittleEndian.Uint64(size[:]))
	switch {
	case st.left == -1: // packing would have made it longer
		st.left = s.n
		return st, nil
	case st.left < 0 || st.left > b.room(s):
		return nil, damage("%d bytes cannot hold %d", s.n, st.left)
	case st.left == 0:
		return st, nil
	}
	st.from = unpackers[b.codec].Get().(*unpacker)
	return st, st.from.reset(io.NewSectionReader(b.file.r, s.at, s.n))
}

// take returns the next n bytes, which stay until the next call; at a multiple of 4 or 8
// bytes in memory if all calls before were for such.
func (s *stream) take(n int) ([]byte, error) {
	if s.b-s.a < n {
		if err := s.fill(n); err != nil {
			return nil, err
		}
	}
	s.a += n
	return s.buf[s.a-n : s.a], nil
}

func (s *stream) fill(n int) error {
	kept := s.buf[s.a:s.b]
	if len(s.buf) < n {
		s.buf = aligned(max(n, streamBytes))
	}
	s.a, s.b = 0, copy(s.buf, kept)
	more := s.buf[s.b:min(int64(len(s.buf)), int64(s.b)+s.left)]
	if s.b+len(more) < n {
		return damage("a buffer is too short")
	}
	if s.from == nil {
		if err := s.file.read(more, s.at); err != nil {
			return err
		}
		s.at += int64(len(more))
	} else if _, err := io.ReadFull(s.from, more); err != nil {
		return unpackError(err)
	}
	s.b, s.left = s.b+len(more), s.left-int64(len(more))
	return nil
}

// skip passes n bytes by.
func (s *stream) skip(n int64) error {
	if have := int64(s.b - s.a); s.from == nil && n > have && n-have <= s.left {
		s.a, s.b = 0, 0
		s.at, s.left = s.at+n-have, s.left-(n-have)
		return nil
	}
	for n > 0 {
		k := min(n, streamBytes)
		if _, err := s.take(int(k)); err != nil {
			return err
		}
		n -= k
	}
	return nil
}

// all reads n bytes into memory of their own, which grows as they come.
func (s *stream) all(n int64) ([]byte, error) {
	if n > s.left+int64(s.b-s.a) {
		return nil, damage("a buffer is too short")
	}
	var b []byte
	if s.from == nil {
		b = make([]byte, 0, n)
	}
	for int64(len(b)) < n {
		piece, err := s.take(int(min(n-int64(len(b)), 1<<20)))
		if err != nil {
			return nil, err
		}
		b = append(b, piece...)
	}
	return b, nil
}

func (s *stream) close() {
	if s != nil && s.from != nil {
		s.from.release()
		s.from = nil
	}
}

// aligned is memory for n bytes or a few more.
func aligned(n int) []byte {
	words := make([]uint64, (n+7)/8)
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), 8*len(words))
}

// unpacker undoes a compression. They are used again.
type unpacker struct {
	io.Reader
	in    *bufio.Reader
	again func(io.Reader) error
	pool  *sync.Pool
}

func (u *unpacker) reset(r io.Reader) error {
	u.in.Reset(r)
	if err := u.again(u.in); err != nil {
		return unpackError(err)
	}
	return nil
}

func (u *unpacker) release() {
	u.in.Reset(nil)
	u.pool.Put(u)
}

var unpackers = [...]*sync.Pool{packedLZ4: {}, packedZstd: {}}

func init() {
	unpackers[packedLZ4].New = func() any {
		z := lz4.NewReader(nil)
		return &unpacker{z, bufio.NewReaderSize(nil, 4096), func(r io.Reader) error { z.Reset(r); return nil }, unpackers[packedLZ4]}
	}
	unpackers[packedZstd].New = func() any {
		z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			panic("arrow: " + err.Error()) // none of these options can fail
		}
		return &unpacker{z, bufio.NewReaderSize(nil, 4096), z.Reset, unpackers[packedZstd]}
	}
}

func unpackError(err error) error {
	return &Error{Problem: "the packed data make no sense: " + err.Error(), Advice: "the file is damaged", Err: err}
}
