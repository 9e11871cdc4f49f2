package cuda

import (
	"errors"
	"unsafe"

	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
)

// memory is device memory with one owner, freed together.
type memory struct {
	g      *gpu
	owned  []driver.Ptr
	spaces map[string]*space
}

// space is a working buffer that grows.
type space struct {
	ptr   driver.Ptr
	bytes int64
}

// alloc adds memory for good.
func (m *memory) alloc(name string, bytes int64) (driver.Ptr, error) {
	p, err := m.g.alloc(name, bytes)
	if err == nil {
		m.owned = append(m.owned, p)
	}
	return p, err
}

// tryAlloc is alloc of what is free.
func (m *memory) tryAlloc(name string, bytes int64) (driver.Ptr, error) {
	p, err := m.g.tryAlloc(name, bytes)
	if err == nil {
		m.owned = append(m.owned, p)
	}
	return p, err
}

// upload is alloc with content.
func (m *memory) upload(name string, content []byte) (driver.Ptr, error) {
	p, err := m.alloc(name, int64(len(content)))
	if err != nil || len(content) == 0 {
		return p, err
	}
	return p, m.g.context.CopyIn(p, content)
}

// work returns the buffer of that name with room for bytes; its content is lost when it
// grows, and between operations.
func (m *memory) work(name string, bytes int64) (driver.Ptr, error) {
	s := m.spaces[name]
	if s != nil && s.bytes >= bytes {
		return s.ptr, nil
	}
	if s != nil {
		delete(m.spaces, name)
		// Launches of an earlier operation may still read it.
		if err := errors.Join(m.g.context.Synchronize(), m.g.context.Free(s.ptr)); err != nil {
			return 0, err
		}
	}
	p, err := m.g.alloc(name, bytes)
	if err != nil {
		return 0, err
	}
	m.spaces[name] = &space{p, bytes}
	return p, nil
}

// free gives everything back.
func (m *memory) free() error {
	var err error
	for _, p := range m.owned {
		err = errors.Join(err, m.g.context.Free(p))
	}
	for _, s := range m.spaces {
		err = errors.Join(err, m.g.context.Free(s.ptr))
	}
	m.owned, m.spaces = nil, map[string]*space{}
	return err
}

// numbersOf is its inverse: all whole numbers in b.
func numbersOf[T float32 | float64](b []byte) []T {
	var v T
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/int(unsafe.Sizeof(v)))
}

// bytesOf is the memory of s, for copies.
func bytesOf[T any](s []T) []byte {
	if len(s) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), len(s)*int(unsafe.Sizeof(s[0])))
}
