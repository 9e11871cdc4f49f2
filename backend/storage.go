package backend

import (
	"fmt"
	"strings"
)

// Storage is the number format that X is held in.
type Storage uint8

// Auto is Float64 while X stays under AutoFloat64Bytes, else Float32.
const (
	Auto Storage = iota
	Float64
	Float32
	BFloat16
	Float16
)

// AutoFloat64Bytes is the size of X in float64 below which Auto chooses Float64.
const AutoFloat64Bytes = 64 << 20

var storageNames = [...]string{"auto", "float64", "float32", "bfloat16", "float16"}
var storageBytes = [...]int{0, 8, 4, 2, 2}

func (s Storage) String() string { return storageNames[s] }

// Bytes is the size of one number.
func (s Storage) Bytes() int { return storageBytes[s] }

// Resolve replaces Auto by the format for a matrix of the given shape.
func (s Storage) Resolve(rows, cols int) Storage {
	switch {
	case s != Auto:
		return s
	case rows < AutoFloat64Bytes/8/cols:
		return Float64
	default:
		return Float32
	}
}

// ParseStorage is the inverse of String.
func ParseStorage(name string) (Storage, error) {
	for i, n := range storageNames {
		if n == name {
			return Storage(i), nil
		}
	}
	return Auto, fmt.Errorf("unknown number format %q; use one of %s", name, strings.Join(storageNames[:], ", "))
}
