package driver

import "math"

// Arg is one kernel parameter: at most 8 bytes, in the low bytes of an 8-byte
// cell. gorgonia.org/cu reads 8 bytes from every parameter's address whatever its
// size, so a cell of 8 is the only safe one.
type Arg struct {
	Cell uint64
	Size uint8 // bytes of the parameter: 4 or 8
}

// The kinds of parameter our kernels take.
func PtrArg(p Ptr) Arg      { return Arg{uint64(p), 8} }
func Uint64(v uint64) Arg   { return Arg{v, 8} }
func Int64(v int64) Arg     { return Arg{uint64(v), 8} }
func Uint32(v uint32) Arg   { return Arg{uint64(v), 4} }
func Int32(v int32) Arg     { return Arg{uint64(uint32(v)), 4} }
func Float32(v float32) Arg { return Arg{uint64(math.Float32bits(v)), 4} }
func Float64(v float64) Arg { return Arg{math.Float64bits(v), 8} }
