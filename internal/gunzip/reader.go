package gunzip

import (
	"encoding/binary"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/gzip"
)

// BufferBytes is the least that a buffer of Next may have.
const BufferBytes = windowBytes + 64<<10 + outSlack

// Reader decompresses the members of a gzip file, one behind the other.
type Reader struct {
	f    inflater
	crc  uint32
	size uint32
	err  error
	own  []byte // of Read
	rest []byte // what is left of it
}

// NewReader reads the first header of r.
func NewReader(r io.Reader) (*Reader, error) {
	z := &Reader{f: inflater{src: r, in: make([]byte, 0, inBytes)}}
	if err := z.header(); err != nil {
		return nil, err
	}
	return z, nil
}

// Next decompresses into buf, of BufferBytes or more, and returns what came out, a part of
// buf; nothing where there is an error. It refers to the buffer of the call before, which
// must be as it was until this one returns. Errors are those of compress/gzip.
func (z *Reader) Next(buf []byte) ([]byte, error) {
	for z.err == nil {
		if z.f.state == nil {
			if z.err = z.trailer(); z.err == nil {
				z.err = z.header()
			}
			continue
		}
		var text []byte
		text, z.err = z.f.decode(buf)
		z.crc = crc32.Update(z.crc, crc32.IEEETable, text)
		z.size += uint32(len(text))
		if len(text) > 0 {
			return text, nil
		}
	}
	return nil, z.err
}

// Read implements io.Reader. It must not be mixed with Next.
func (z *Reader) Read(p []byte) (int, error) {
	if len(z.rest) == 0 {
		if z.own == nil {
			z.own = make([]byte, windowBytes+128<<10+outSlack)
		}
		var err error
		if z.rest, err = z.Next(z.own); err != nil {
			return 0, err
		}
	}
	n := copy(p, z.rest)
	z.rest = z.rest[n:]
	return n, nil
}

func (z *Reader) trailer() error {
	var b [8]byte
	if err := z.bytes(b[:]); err != nil {
		return err
	}
	if binary.LittleEndian.Uint32(b[:]) != z.crc || binary.LittleEndian.Uint32(b[4:]) != z.size {
		return gzip.ErrChecksum
	}
	return nil
}

const (
	flagCRC     = 1 << 1
	flagExtra   = 1 << 2
	flagName    = 1 << 3
	flagComment = 1 << 4
)

// header reads a member's. The end of the file in front of it is io.EOF.
func (z *Reader) header() error {
	var b [10]byte
	if err := z.f.gather(); err != nil {
		return err
	}
	if z.f.have == 0 {
		return io.EOF
	}
	if err := z.bytes(b[:]); err != nil {
		return err
	}
	if b[0] != 0x1f || b[1] != 0x8b || b[2] != 8 {
		return gzip.ErrHeader
	}
	sum := crc32.ChecksumIEEE(b[:])
	read := func(p []byte) error {
		err := z.bytes(p)
		sum = crc32.Update(sum, crc32.IEEETable, p)
		return err
	}
	flags := b[3]
	if flags&flagExtra != 0 {
		if err := read(b[:2]); err != nil {
			return err
		}
		extra := make([]byte, binary.LittleEndian.Uint16(b[:]))
		if err := read(extra); err != nil {
			return err
		}
	}
	for _, flag := range []byte{flagName, flagComment} {
		for n := 0; flags&flag != 0; n++ {
			if n == 512 { // as long as compress/gzip takes
				return gzip.ErrHeader
			}
			if err := read(b[:1]); err != nil {
				return err
			}
			if b[0] == 0 {
				break
			}
		}
	}
	if flags&flagCRC != 0 {
		if err := z.bytes(b[:2]); err != nil {
			return err
		}
		if binary.LittleEndian.Uint16(b[:]) != uint16(sum) {
			return gzip.ErrHeader
		}
	}
	z.crc, z.size = 0, 0
	z.f.begin()
	return nil
}

// bytes reads whole bytes of the input.
func (z *Reader) bytes(p []byte) error {
	for i := range p {
		if err := z.f.need(8); err != nil {
			return err
		}
		p[i] = byte(z.f.take(8))
	}
	return nil
}
