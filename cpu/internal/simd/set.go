package simd

import "sync/atomic"

// Set is an instruction set.
type Set int32

// Generic is plain Go; AVX2 comes with FMA and F16C; AVX512 is F, DQ, BW and VL.
const (
	Generic Set = iota
	AVX2
	AVX512
)

func (s Set) String() string { return [...]string{"generic", "avx2", "avx512"}[s] }

var inUse atomic.Int32

func init() { inUse.Store(int32(best())) }

// Using is the set in use.
func Using() Set { return Set(inUse.Load()) }

// Sets returns the sets that this processor has, the best last.
func Sets() (sets []Set) {
	for s := Generic; s <= best(); s++ {
		sets = append(sets, s)
	}
	return sets
}

// Use makes s, one of Sets, the set of everything taken from this package from now
// on, and returns what undoes that. It is there for tests.
func Use(s Set) (restore func()) {
	if s > best() {
		panic("simd: this processor does not have " + s.String())
	}
	before := inUse.Swap(int32(s))
	return func() { inUse.Store(before) }
}
