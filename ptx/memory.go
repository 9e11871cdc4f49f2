package ptx

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
	"sort"
)

// region is a piece of memory with its shadow: an allocation, a module variable,
// the shared memory of a block, the local memory of a warp.
//
// A bit of def tells for each byte whether it was ever written; undef counts the
// zeros, so that the usual region, all written, costs nothing to check.
type region struct {
	name     string
	space    Space
	base     uint64
	size     uint64
	data     []byte
	def      []uint64
	undef    int
	holes    []hole // of shared memory: red zones between variables
	vars     []*variable
	freed    bool
	readOnly bool
	module   *module // that owns it, nil for an allocation

	shadow shadow

	loaded, stored uint64
	reads          []uint32 // by byte, while traced
}

// hole is a range of offsets that belong to no variable.
type hole struct{ from, to uint64 }

func newRegion(name string, space Space, base, size uint64) *region {
	r := &region{name: name, space: space, base: base, size: size, data: make([]byte, size), undef: int(size)}
	r.def = make([]uint64, (size+63)/64)
	return r
}

// defined tells whether n bytes at o, which do not cross a multiple of 64 within
// an aligned access, were all written.
func (r *region) defined(o, n uint64) bool {
	mask := (uint64(1)<<n - 1) << (o & 63)
	return r.def[o>>6]&mask == mask
}

// define marks n <= 16 bytes at o, aligned to n, as written.
func (r *region) define(o, n uint64) {
	mask := (uint64(1)<<n - 1) << (o & 63)
	if old := r.def[o>>6]; old&mask != mask {
		r.undef -= bits.OnesCount64(mask &^ old)
		r.def[o>>6] = old | mask
	}
}

// defineRange marks any range as written.
func (r *region) defineRange(o, n uint64) {
	for ; n > 0 && o&63 != 0; o, n = o+1, n-1 {
		r.define(o, 1)
	}
	for ; n >= 64; o, n = o+64, n-64 {
		r.undef -= 64 - bits.OnesCount64(r.def[o>>6])
		r.def[o>>6] = ^uint64(0)
	}
	for ; n > 0; o, n = o+1, n-1 {
		r.define(o, 1)
	}
}

// forget makes all bytes undefined again.
func (r *region) forget() {
	clear(r.def)
	r.undef = int(r.size)
}

// get reads n bytes at o as an unsigned number.
func (r *region) get(o uint64, n int) uint64 {
	switch n {
	case 4:
		return uint64(binary.LittleEndian.Uint32(r.data[o:]))
	case 8:
		return binary.LittleEndian.Uint64(r.data[o:])
	case 2:
		return uint64(binary.LittleEndian.Uint16(r.data[o:]))
	}
	return uint64(r.data[o])
}

// put writes the low n bytes of v at o.
func (r *region) put(o uint64, n int, v uint64) {
	switch n {
	case 4:
		binary.LittleEndian.PutUint32(r.data[o:], uint32(v))
	case 8:
		binary.LittleEndian.PutUint64(r.data[o:], v)
	case 2:
		binary.LittleEndian.PutUint16(r.data[o:], uint16(v))
	default:
		r.data[o] = byte(v)
	}
}

// Device addresses. Shared and local memory are seen by generic addresses through
// windows far from global memory, as on the hardware.
const (
	globalBase   = 0x7_0000_0000
	sharedWindow = 0x0100_0000_0000_0000
	localWindow  = 0x0200_0000_0000_0000
	windowMask   = 0xff00_0000_0000_0000
	allocAlign   = 256
	redZone      = 256 // unmapped bytes between allocations, at least
	sharedRed    = 16  // and between shared variables
)

// memory is the global memory of a context: regions by address. Addresses are never
// used twice, so a stale pointer always meets the region it once belonged to.
type memory struct {
	most    int64     // bytes allocated at once
	regions []*region // sorted by base
	next    uint64
}

// graveyard is how many freed regions are remembered, for reports.
const graveyard = 1024

// add places a new region of n bytes.
func (m *memory) add(name string, n uint64) *region {
	if len(m.regions) > 4*graveyard {
		m.prune()
	}
	if m.next == 0 {
		m.next = globalBase
	}
	r := newRegion(name, Global, m.next, n)
	m.next += (n+allocAlign-1)/allocAlign*allocAlign + redZone
	m.regions = append(m.regions, r)
	return r
}

// at returns the region with the largest base not above a, or nil.
func (m *memory) at(a uint64) *region {
	i := sort.Search(len(m.regions), func(i int) bool { return m.regions[i].base > a })
	if i == 0 {
		return nil
	}
	return m.regions[i-1]
}

// find returns the live region that holds n bytes at a, or what is wrong.
func (m *memory) find(a, n uint64) (*region, Kind, string) {
	r := m.at(a)
	if r == nil {
		if len(m.regions) == 0 {
			return nil, OutOfBounds, "no memory is allocated"
		}
		return nil, OutOfBounds, fmt.Sprintf("below all allocations, the first is %q", m.regions[0].name)
	}
	o := a - r.base
	switch {
	case o < r.size && r.freed:
		return nil, UseAfterFree, fmt.Sprintf("inside %q, which was freed", r.name)
	case o < r.size && n <= r.size-o:
		return r, "", ""
	case o < r.size:
		return nil, OutOfBounds, fmt.Sprintf("%d bytes at offset %d of %q (%d bytes)", n, o, r.name, r.size)
	}
	text := fmt.Sprintf("%d bytes past the end of %q (%d bytes)", o-r.size, r.name, r.size)
	if i := sort.Search(len(m.regions), func(i int) bool { return m.regions[i].base > a }); i < len(m.regions) {
		if next := m.regions[i]; next.base-a < o-r.size {
			text = fmt.Sprintf("%d bytes before %q (%d bytes)", next.base-a, next.name, next.size)
		}
	}
	return nil, OutOfBounds, text
}

// free forgets the content of a region but keeps its place, for reports.
func (m *memory) free(r *region) {
	r.freed, r.data, r.def, r.shadow = true, nil, nil, shadow{}
}

// used is the sum of the live regions' bytes.
func (m *memory) used() int64 {
	var n int64
	for _, r := range m.regions {
		if !r.freed {
			n += int64(r.size)
		}
	}
	return n
}

// prune drops the oldest freed regions.
func (m *memory) prune() {
	freed := 0
	for _, r := range m.regions {
		if r.freed {
			freed++
		}
	}
	m.regions = slices.DeleteFunc(m.regions, func(r *region) bool {
		if r.freed && freed > graveyard {
			freed--
			return true
		}
		return false
	})
}
