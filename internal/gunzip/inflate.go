package gunzip

import (
	"encoding/binary"
	"io"

	"github.com/klauspost/compress/flate"
)

const (
	windowBytes = 32 << 10 // how far back a match may be

	// Behind what is decoded there is room for a match and for what is written too much.
	outSlack = 258 + 16

	inBytes = 64 << 10

	// A match takes at most so many bits: two codes of 15, 5 and 13 extra bits.
	matchBits = 48
)

// inflater decodes the blocks of a member.
type inflater struct {
	src    io.Reader
	srcErr error
	in     []byte // in[at:] is to be decoded
	at     int
	before int64 // bytes that were in front of in

	// The next have bits of the input, the first lowest.
	bits uint64
	have uint

	out   []byte
	start int // of what may be referred to
	end   int // written
	limit int // of end, but for a match

	state  func(*inflater) error // decodes on; nil at a member's end
	last   bool                  // the block is
	stored int                   // bytes left of a stored block

	literal, distance code
	literals          [1 << litBits]uint32
	distances         [1 << distBits]uint32
}

func (f *inflater) corrupt() error {
	return flate.CorruptInputError(f.before + int64(f.at) - int64(f.have/8))
}

// more reads more input, so that at least 8 bytes are there if the source has them.
func (f *inflater) more() error {
	if f.srcErr != nil {
		return nil
	}
	rest := copy(f.in[:cap(f.in)], f.in[f.at:])
	f.before += int64(f.at)
	f.in, f.at = f.in[:rest], 0
	for len(f.in) < 8 && f.srcErr == nil {
		n, err := f.src.Read(f.in[len(f.in):cap(f.in)])
		f.in, f.srcErr = f.in[:len(f.in)+n], err
	}
	if f.srcErr != nil && f.srcErr != io.EOF {
		return f.srcErr
	}
	return nil
}

// need makes sure of n bits, at most 48.
func (f *inflater) need(n uint) error {
	if err := f.gather(); err != nil {
		return err
	}
	if f.have < n {
		return io.ErrUnexpectedEOF
	}
	return nil
}

// gather makes bits of input, 56 or more if there are so many.
func (f *inflater) gather() error {
	for f.have < 56 {
		if f.at == len(f.in) {
			if err := f.more(); err != nil {
				return err
			}
			if f.at == len(f.in) {
				break
			}
		}
		f.bits |= uint64(f.in[f.at]) << f.have
		f.at++
		f.have += 8
	}
	return nil
}

func (f *inflater) take(n uint) uint64 {
	v := f.bits & (1<<n - 1)
	f.bits >>= n
	f.have -= n
	return v
}

// begin starts at a member's first block.
func (f *inflater) begin() {
	f.start, f.last, f.state = f.end, false, (*inflater).header
}

// decode goes on in out, up to its end or the member's, and returns what has been decoded.
func (f *inflater) decode(out []byte) ([]byte, error) {
	from := max(f.start, f.end-windowBytes)
	n := copy(out, f.out[from:f.end])
	f.out, f.start, f.end, f.limit = out, max(0, f.start-from), n, len(out)-outSlack
	var err error
	for f.state != nil && f.end < f.limit && err == nil {
		err = f.state(f)
	}
	return f.out[n:f.end], err
}

func (f *inflater) header() error {
	if f.last {
		f.take(f.have % 8)
		f.state = nil
		return nil
	}
	if err := f.need(3); err != nil {
		return err
	}
	f.last = f.take(1) == 1
	switch f.take(2) {
	case 0:
		return f.storedHeader()
	case 1:
		f.fixed()
	case 2:
		if err := f.dynamic(); err != nil {
			return err
		}
	default:
		return f.corrupt()
	}
	f.state = (*inflater).symbols
	return nil
}

func (f *inflater) storedHeader() error {
	f.take(f.have % 8)
	if err := f.need(32); err != nil {
		return err
	}
	n, check := f.take(16), f.take(16)
	if n != check^0xffff {
		return f.corrupt()
	}
	f.stored, f.state = int(n), (*inflater).copyStored
	return nil
}

func (f *inflater) copyStored() error {
	for f.stored > 0 && f.end < f.limit {
		if f.have > 0 {
			f.out[f.end] = byte(f.take(8))
			f.end++
			f.stored--
			continue
		}
		if f.at == len(f.in) {
			if err := f.more(); err != nil {
				return err
			}
			if f.at == len(f.in) {
				return io.ErrUnexpectedEOF
			}
		}
		n := copy(f.out[f.end:min(f.end+f.stored, f.limit)], f.in[f.at:])
		f.at, f.end, f.stored = f.at+n, f.end+n, f.stored-n
	}
	if f.stored == 0 {
		f.state = (*inflater).header
	}
	return nil
}

func (f *inflater) fixed() {
	var lengths [288]uint8
	for s := range lengths {
		switch {
		case s < 144, s >= 280:
			lengths[s] = 8
		case s < 256:
			lengths[s] = 9
		default:
			lengths[s] = 7
		}
	}
	var distances [32]uint8
	for s := range distances {
		distances[s] = 5
	}
	f.literal.set(lengths[:])
	f.distance.set(distances[:])
	f.makeTables()
}

func (f *inflater) makeTables() {
	f.literal.table(f.literals[:], longer, literalEntries)
	joinLiterals(&f.literals)
	f.distance.table(f.distances[:], 0, distanceEntries)
}

// lengthOrder is the order in which the lengths of the codes of lengths stand.
var lengthOrder = [19]int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

func (f *inflater) dynamic() error {
	if err := f.need(14); err != nil {
		return err
	}
	literals, distances, n := int(f.take(5))+257, int(f.take(5))+1, int(f.take(4))+4
	if literals > 286 || distances > 30 {
		return f.corrupt()
	}
	var lengths [286 + 30]uint8
	for _, s := range lengthOrder[:n] {
		if err := f.need(3); err != nil {
			return err
		}
		lengths[s] = uint8(f.take(3))
	}
	if !f.literal.set(lengths[:19]) {
		return f.corrupt()
	}
	lengths = [286 + 30]uint8{}
	for i := 0; i < literals+distances; {
		if err := f.gather(); err != nil {
			return err
		}
		s, l, ok := f.literal.find(f.bits)
		if !ok && f.literal.lacks(f.have) {
			return f.corrupt()
		}
		if !ok || uint(l) > f.have {
			return io.ErrUnexpectedEOF
		}
		f.take(uint(l))
		if s < 16 {
			lengths[i] = uint8(s)
			i++
			continue
		}
		repeat, value := 3, uint8(0)
		if s == 16 {
			if i == 0 {
				return f.corrupt()
			}
			value = lengths[i-1]
		} else if s == 18 {
			repeat = 11
		}
		extra := [3]uint{2, 3, 7}[s-16]
		if extra > f.have {
			return io.ErrUnexpectedEOF
		}
		repeat += int(f.take(extra))
		if i+repeat > literals+distances {
			return f.corrupt()
		}
		for range repeat {
			lengths[i] = value
			i++
		}
	}
	if !f.literal.set(lengths[:literals]) || !f.distance.set(lengths[literals:literals+distances]) {
		return f.corrupt()
	}
	f.makeTables()
	return nil
}

// symbols decodes literals and matches to the end of the block, or until enough is there.
func (f *inflater) symbols() error {
	for f.end < f.limit {
		if len(f.in)-f.at < 8 {
			if err := f.more(); err != nil {
				return err
			}
		}
		if f.fast() {
			f.state = (*inflater).header
			return nil
		}
		if f.end >= f.limit {
			return nil
		}
		ended, err := f.one()
		if err != nil {
			return err
		}
		if ended {
			f.state = (*inflater).header
			return nil
		}
	}
	return nil
}

// fast decodes as long as 8 bytes of input are there, and room, and all is well; one then
// finds out what it is that is not. It tells whether the block has ended.
func (f *inflater) fast() (ended bool) {
	in, at, out, end, limit := f.in, f.at, f.out, f.end, f.limit
	next, have := f.bits, f.have
	lits, dists := &f.literals, &f.distances
	for len(in)-at >= 8 && end < limit {
		next |= binary.LittleEndian.Uint64(in[at:]) << (have & 63)
		at += int(63-have) >> 3
		have |= 56

		e := lits[next&(1<<litBits-1)]
		if e&kinds == literals {
			binary.LittleEndian.PutUint32(out[end:], e>>valueAt)
			end += int(e >> countAt & 3)
			next >>= e & taken
			have -= uint(e & taken)
			e = lits[next&(1<<litBits-1)]
			if e&kinds == literals {
				binary.LittleEndian.PutUint32(out[end:], e>>valueAt)
				end += int(e >> countAt & 3)
				next >>= e & taken
				have -= uint(e & taken)
				e = lits[next&(1<<litBits-1)]
				if e&kinds == literals {
					binary.LittleEndian.PutUint32(out[end:], e>>valueAt)
					end += int(e >> countAt & 3)
					next >>= e & taken
					have -= uint(e & taken)
					continue
				}
			}
			if have < matchBits {
				if len(in)-at < 8 {
					break
				}
				next |= binary.LittleEndian.Uint64(in[at:]) << (have & 63)
				at += int(63-have) >> 3
				have |= 56
			}
		}
		if e&kinds != length {
			if e&kinds == blockEnd {
				next >>= e & taken
				have -= uint(e & taken)
				ended = true
			}
			break
		}
		// Until it is known that all is well, nothing is taken.
		rest, used := next>>(e&taken), e&taken
		extra := e >> extraAt
		size := int(e>>valueAt&valueLen) + int(rest&(1<<(extra&15)-1))
		rest >>= extra & 15
		used += extra
		d := dists[rest&(1<<distBits-1)]
		if d&taken == 0 {
			break
		}
		rest >>= d & taken
		extra = d >> 4 & 15
		back := int(d>>valueAt) + int(rest&(1<<extra-1))
		used += d&taken + extra
		if back > end-f.start {
			break
		}
		next >>= used & 63
		have -= uint(used)
		end = match(out, end, back, size)
	}
	f.at, f.end = at, end
	f.bits, f.have = next&(1<<have-1), have
	return ended
}

// match copies size bytes from back bytes before end to end. Up to 7 bytes behind them are
// written too.
func match(out []byte, end, back, size int) int {
	from, stop := end-back, end+size
	if back >= 8 {
		for ; end < stop; end, from = end+8, from+8 {
			binary.LittleEndian.PutUint64(out[end:], binary.LittleEndian.Uint64(out[from:]))
		}
		return stop
	}
	for ; end < stop; end, from = end+1, from+1 {
		out[end] = out[from]
	}
	return stop
}

// one decodes a symbol, with care.
func (f *inflater) one() (ended bool, err error) {
	if err := f.gather(); err != nil {
		return false, err
	}
	s, l, ok := f.literal.find(f.bits)
	if !ok && f.literal.lacks(f.have) {
		return false, f.corrupt()
	}
	if !ok || uint(l) > f.have {
		return false, io.ErrUnexpectedEOF
	}
	f.take(uint(l))
	switch {
	case s < 256:
		f.out[f.end] = byte(s)
		f.end++
		return false, nil
	case s == 256:
		return true, nil
	case s > 285:
		return false, f.corrupt()
	}
	e := literalEntries[s]
	extra := uint(e >> extraAt)
	if err := f.need(extra); err != nil {
		return false, err
	}
	size := int(e>>valueAt&valueLen) + int(f.take(extra))
	if err := f.gather(); err != nil {
		return false, err
	}
	s, l, ok = f.distance.find(f.bits)
	if !ok && f.distance.lacks(f.have) {
		return false, f.corrupt()
	}
	if !ok || uint(l) > f.have {
		return false, io.ErrUnexpectedEOF
	}
	f.take(uint(l))
	if s >= 30 {
		return false, f.corrupt()
	}
	d := distanceEntries[s]
	extra = uint(d >> 4 & 15)
	if err := f.need(extra); err != nil {
		return false, err
	}
	back := int(d>>valueAt) + int(f.take(extra))
	if back > f.end-f.start {
		return false, f.corrupt()
	}
	f.end = match(f.out, f.end, back, size)
	return false, nil
}
