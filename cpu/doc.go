// Package cpu is the backend "cpu": X is read once for the loss and gradient of all
// models, by all cores.
//
//	logical blocks   blocks.go   rows cut by N and D alone, summed in block order
//	  tiles          tile.go     rows that stay in the cache, for all three steps:
//	    products     z = X w
//	    link         link.go     loss, residual or curvature of each z
//	    outer sums   g += X' r
//
// Sparse X has its own loops (sparse*.go), cut by its entries; csr.go holds the steps that
// look columns up.
//
// The steps are kernels of cpu/internal/simd: assembly where the processor has it.
//
// Numbers of type T are float64 for float64 storage and float32 for all narrower
// ones, which are widened a tile at a time. Losses, and sums beyond one tile, are
// float64. The package cpu/reference, imported here so that both are registered, is
// the same in plain loops.
package cpu
