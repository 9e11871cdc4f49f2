package dataset

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"strconv"
	"strings"

	"github.com/logreg-gpu/logreg-gpu/internal/half"
)

// npyMagic begins every NPY file; two bytes of version follow.
const npyMagic = "\x93NUMPY"

// maxNPYHeader bounds the header's text. numpy refuses more than 10000 bytes.
const maxNPYHeader = 64 << 10

// npyHeader is what the beginning of an NPY file says of the array behind it, as the
// text of a Python dictionary: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4)}.
// Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
type npyHeader struct {
	number  numberType
	big     bool // big-endian
	fortran bool // the first index runs fastest
	shape   []int
}

// numberType is a kind of number that arrays hold.
type numberType struct {
	size    int
	integer bool
	value   func(b []byte, order binary.ByteOrder) float64
}

// numberTypes are the types read, by the letter and size of numpy's descr.
var numberTypes = map[string]numberType{
	"b1": {1, true, func(b []byte, _ binary.ByteOrder) float64 {
		if b[0] != 0 {
			return 1
		}
		return 0
	}},
	"i1": {1, true, func(b []byte, _ binary.ByteOrder) float64 { return float64(int8(b[0])) }},
	"i2": {2, true, func(b []byte, o binary.ByteOrder) float64 { return float64(int16(o.Uint16(b))) }},
	"i4": {4, true, func(b []byte, o binary.ByteOrder) float64 { return float64(int32(o.Uint32(b))) }},
	"i8": {8, true, func(b []byte, o binary.ByteOrder) float64 { return float64(int64(o.Uint64(b))) }},
	"u1": {1, true, func(b []byte, _ binary.ByteOrder) float64 { return float64(b[0]) }},
	"u2": {2, true, func(b []byte, o binary.ByteOrder) float64 { return float64(o.Uint16(b)) }},
	"u4": {4, true, func(b []byte, o binary.ByteOrder) float64 { return float64(o.Uint32(b)) }},
	"u8": {8, true, func(b []byte, o binary.ByteOrder) float64 { return float64(o.Uint64(b)) }},
	"f2": {2, false, func(b []byte, o binary.ByteOrder) float64 { return float64(half.FromFloat16(o.Uint16(b))) }},
	"f4": {4, false, func(b []byte, o binary.ByteOrder) float64 { return float64(math.Float32frombits(o.Uint32(b))) }},
	"f8": {8, false, func(b []byte, o binary.ByteOrder) float64 { return math.Float64frombits(o.Uint64(b)) }},
}

func (h *npyHeader) order() binary.ByteOrder {
	if h.big {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// native tells whether the array's bytes are numbers of this machine.
func (h *npyHeader) native() bool {
	return h.number.size == 1 || binary.NativeEndian.Uint16([]byte{0, 1}) == h.order().Uint16([]byte{0, 1})
}

// bytes is the size of the array, ok unless it passes what an int counts.
func (h *npyHeader) bytes() (n int, ok bool) {
	high, total := uint64(0), uint64(h.number.size)
	for _, extent := range h.shape {
		if extent == 0 {
			return 0, true
		}
		if high, total = bits.Mul64(total, uint64(extent)); high != 0 || total > math.MaxInt {
			return 0, false
		}
	}
	return int(total), true
}

var errNotNPY = errors.New("this is no NPY file")

// typeError is an array in good order that holds what cannot be read.
type typeError string

func (e typeError) Error() string { return string(e) }

// readNPYHeader reads the header and leaves r at the first number. size is the length
// of what was read. Errors say what is wrong, not where.
func readNPYHeader(r io.Reader) (h npyHeader, size int, err error) {
	head := make([]byte, len(npyMagic)+2, len(npyMagic)+6)
	if _, err := io.ReadFull(r, head); err != nil || string(head[:len(npyMagic)]) != npyMagic {
		return h, 0, errNotNPY
	}
	version := head[len(npyMagic)]
	wide := 2
	switch version {
	case 1:
	case 2, 3:
		wide = 4
	default:
		return h, 0, fmt.Errorf("the NPY version is %d; versions 1 to 3 are known", version)
	}
	head = head[:len(head)+wide]
	length := head[len(head)-wide:]
	if _, err := io.ReadFull(r, length); err != nil {
		return h, 0, errors.New("the NPY header ends too early")
	}
	n := uint64(binary.LittleEndian.Uint16(length))
	if wide == 4 {
		n = uint64(binary.LittleEndian.Uint32(length))
	}
	if n > maxNPYHeader {
		return h, 0, fmt.Errorf("the NPY header claims %d bytes; at most %d make sense", n, maxNPYHeader)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return h, 0, errors.New("the NPY header ends too early")
	}
	h, err = parseNPYHeader(text)
	return h, len(head) + len(text), err
}

// parseNPYHeader understands the dictionary as numpy writes it, keys in any order.
func parseNPYHeader(text []byte) (h npyHeader, err error) {
	p := literal{rest: bytes.TrimRight(text, " \n\x00")}
	var seen []string
	p.expect('{')
	for !p.accept('}') && !p.failed {
		key := p.text()
		p.expect(':')
		switch key {
		case "descr":
			if next := p.peek(); next == '[' || next == '(' {
				return h, typeError("the array holds records; only plain numbers can be read")
			}
			if err := h.setType(p.text()); err != nil && !p.failed {
				return h, err
			}
		case "fortran_order":
			h.fortran = p.boolean()
		case "shape":
			h.shape = p.tuple()
		default:
			p.failed = true
		}
		seen = append(seen, key)
		if !p.accept(',') {
			p.expect('}')
			break
		}
	}
	if p.failed || len(seen) != 3 || h.shape == nil || h.number.size == 0 || seen[0] == seen[1] || seen[1] == seen[2] || seen[0] == seen[2] || p.peek() != 0 {
		return h, fmt.Errorf("the NPY header %s is malformed", quote(string(text)))
	}
	return h, nil
}

func (h *npyHeader) setType(descr string) error {
	if len(descr) < 3 || !strings.Contains("<>|=", descr[:1]) {
		return typeError("the array holds numpy's type " + quote(descr) + "; only plain numbers can be read")
	}
	var known bool
	if h.number, known = numberTypes[descr[1:]]; !known {
		return typeError("the array holds numpy's type " + quote(descr) + "; float, integer and bool can be read")
	}
	h.big = descr[0] == '>'
	return nil
}

// literal reads the few Python literals that NPY headers are made of. The first
// mistake sets failed; what is returned from then on means nothing.
type literal struct {
	rest   []byte
	failed bool
}

// peek is the next byte that is no blank, 0 at the end.
func (p *literal) peek() byte {
	if p.rest = bytes.TrimLeft(p.rest, " \n\t"); len(p.rest) == 0 {
		return 0
	}
	return p.rest[0]
}

func (p *literal) accept(c byte) bool {
	if p.failed || p.peek() != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

func (p *literal) expect(c byte) { p.failed = !p.accept(c) || p.failed }

func (p *literal) text() string {
	mark := p.peek()
	if mark != '\'' && mark != '"' {
		p.failed = true
		return ""
	}
	text, rest, closed := bytes.Cut(p.rest[1:], []byte{mark})
	p.rest, p.failed = rest, p.failed || !closed
	return string(text)
}

func (p *literal) boolean() bool {
	p.peek()
	for word, value := range map[string]bool{"True": true, "False": false} {
		if rest, ok := bytes.CutPrefix(p.rest, []byte(word)); ok {
			p.rest = rest
			return value
		}
	}
	p.failed = true
	return false
}

// tuple reads sizes that are not negative; (5,) has one and () none.
func (p *literal) tuple() []int {
	sizes := []int{}
	p.expect('(')
	for !p.accept(')') && !p.failed {
		p.peek()
		digits := bytes.IndexFunc(p.rest, func(r rune) bool { return r < '0' || r > '9' })
		if digits < 0 {
			p.failed = true
			break
		}
		n, err := strconv.Atoi(string(p.rest[:digits]))
		if err != nil {
			p.failed = true
			break
		}
		p.rest = bytes.TrimPrefix(p.rest[digits:], []byte("L")) // Python 2 wrote 5L
		sizes = append(sizes, n)
		if !p.accept(',') {
			p.expect(')')
			break
		}
	}
	return sizes
}
