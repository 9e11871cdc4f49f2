// Package ptx runs PTX, NVIDIA's assembly language, without a GPU: it is the second
// implementation of cuda/driver.Driver, over host memory, so that the very same
// kernels and the very same host code are tested on machines that have no device.
//
//	text --lexer--> tokens --parser--> source --decoder--> kernel{code, constants}
//	                                                          |
//	driver calls --context--> stream --launch--> blocks --> warps: 32 lanes a register
//	                  |                             |          |
//	               memory: regions            barriers,     paths of diverged lanes,
//	               with a shadow          random schedule   the smallest pc first
//	               (defined? who wrote,
//	                who read, when)
//
// Every instruction is decoded once, when the module is loaded; one that the
// emulator does not know is an error there, with its line. A warp executes an
// instruction for all its active lanes at once.
//
// It finds, and reports as a *Fault with kernel, line, block, thread and address:
// accesses out of bounds, misaligned or to freed memory; reads of memory and
// registers that nothing wrote; races in shared and in global memory, across warps
// and blocks; barriers and warp-wide operations that not all threads reach; deadlock
// and endless loops. Blocks, warps and diverged lanes are interleaved at random from
// Config.Seed, so that what depends on their order shows.
//
// Float arithmetic is exact in every rounding mode. The approximate instructions
// (ex2.approx and others) give the correctly rounded value where hardware may be
// off by an ulp or two, and mma sums in the way measured on real tensor cores (see
// decode_mma.go): there the emulator is a model, not a copy.
//
// It is not a timing model, and it does not know textures, surfaces, clusters,
// wgmma, tensor maps or indirect calls.
package ptx
