package hugepages

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// pageBytes is the size of a huge page of the usual processors.
const pageBytes = 2 << 20

// Want asks for huge pages under x, which must not have been written to yet.
// Each page of 4 KB that is read has its address looked up; with narrow rows that
// costs up to a fifth of the time. It is a wish: where the system has none, nothing
// changes.
func Want[E any](x []E) {
	var e E
	start := uintptr(unsafe.Pointer(unsafe.SliceData(x)))
	skip := -start % pageBytes
	bytes := uintptr(len(x)) * unsafe.Sizeof(e)
	if bytes < skip+pageBytes {
		return
	}
	whole := (bytes - skip) &^ (pageBytes - 1)
	aligned := unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(x)), skip)), whole)
	_ = unix.Madvise(aligned, unix.MADV_HUGEPAGE)
}
