package simd

// reads are the reading functions of each Set but Generic; n is a multiple of 64.
var reads = map[Set]func(sums, x *uint64, n int){}

// Read returns the sum of x: a plain read, which benchmarks compare with.
func Read(x []uint64) uint64 {
	f := reads[Using()]
	n := len(x) &^ 63
	if f == nil || n == 0 {
		return ReadGeneric(x)
	}
	var sums [8]uint64
	f(&sums[0], &x[0], n)
	return ReadGeneric(sums[:]) + ReadGeneric(x[n:])
}

// ReadGeneric is Read in plain Go.
func ReadGeneric(x []uint64) (sum uint64) {
	for _, v := range x {
		sum += v
	}
	return sum
}
