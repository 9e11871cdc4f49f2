// Package libcuda stands in for the CUDA driver library at link time, so that one
// binary starts on machines with and without a driver.
//
// gorgonia.org/cu links against libcuda and calls cuInit from an init function: a
// binary with it would not load where libcuda.so.1 is missing, and would exit
// before main where there is no GPU. Here every driver symbol that cu and our own
// binding import is a trampoline instead:
//
//	cu ── call cuMemAlloc_v2 ──> trampoline ── jmp *slot ──> libcuda.so.1
//	                                               └──────── (until Load) an error code
//
// and cuInit is a function that does nothing. Load, called when a device is first
// asked for, opens the library, fills the slots and calls the true cuInit. A program
// that uses cu for itself beside this module must call Load first.
//
// The files: symbols.h is the generated list of symbols (symbols.sh), trampolines.S
// the code made from it, load.c what Load does. libcuda.a is an empty archive: it
// answers the -lcuda that cu asks of the linker. env.sh finds or fetches cuda.h,
// which cu needs to compile and this package does not.
//
// Builds that leave the CUDA binding out (-tags cpu, no cgo, other platforms) see an
// empty package.
package libcuda
