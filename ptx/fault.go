package ptx

import "fmt"

// Kind is what a check found.
type Kind string

// The kinds of Fault.
const (
	OutOfBounds      Kind = "out of bounds"
	UseAfterFree     Kind = "use after free"
	Misaligned       Kind = "misaligned"
	Uninitialised    Kind = "uninitialised read"
	ReadOnly         Kind = "write to constant memory"
	Race             Kind = "race"
	DivergentBarrier Kind = "divergent barrier"
	DivergentSync    Kind = "divergent warp operation"
	Deadlock         Kind = "deadlock"
	Budget           Kind = "instruction budget"
	Trap             Kind = "trap"
	Unsupported      Kind = "unsupported"
)

// Fault is an error of a kernel that the emulator caught while running it.
type Fault struct {
	Kind    Kind
	Kernel  string
	Line    int    // of the PTX text
	Text    string // the instruction
	Block   [3]uint32
	Thread  [3]uint32
	Address uint64 // 0 where none is concerned
	Space   Space
	Memory  string // name of the allocation or variable, or the nearest one
	Detail  string
}

func (f *Fault) Error() string {
	s := fmt.Sprintf("%s in kernel %s, line %d (%s), block (%d,%d,%d), thread (%d,%d,%d)", f.Kind,
		f.Kernel, f.Line, f.Text, f.Block[0], f.Block[1], f.Block[2], f.Thread[0], f.Thread[1], f.Thread[2])
	if f.Memory != "" {
		s += fmt.Sprintf(", %s address %#x, %s", f.Space, f.Address, f.Memory)
	}
	if f.Detail != "" {
		s += ": " + f.Detail
	}
	return s
}
