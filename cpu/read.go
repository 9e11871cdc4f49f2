package cpu

import (
	"sync"
	"unsafe"

	"github.com/logreg-gpu/logreg-gpu/cpu/internal/simd"
)

// Read reads all of x and returns a sum of its bits: nothing but the memory's speed,
// which one read of X by Eval is measured against.
func Read[T float32 | float64](x []T, threads int) (total uint64) {
	if len(x) == 0 {
		return 0
	}
	words := unsafe.Slice((*uint64)(unsafe.Pointer(&x[0])), uintptr(len(x))*unsafe.Sizeof(x[0])/8)
	var done sync.WaitGroup
	parts := make([]uint64, threads)
	for t := range threads {
		done.Go(func() { parts[t] = simd.Read(words[len(words)*t/threads : len(words)*(t+1)/threads]) })
	}
	done.Wait()
	for _, p := range parts {
		total += p
	}
	return total
}
