// Package cubinding is driver.Driver on real GPUs, by way of gorgonia.org/cu.
//
//	devices.go   the driver and its list of GPUs            cu
//	context.go   memory, copies, streams, events            cu
//	module.go    module loading with the JIT's log,         our own cgo
//	             functions, launches
//	pinned.go    page-locked host memory                    our own cgo
//
// cu leaves out what the last two do, or does it in a way that does not suit us: its
// Launch reads eight bytes from every parameter whatever its size and allocates twice
// a call, its JIT log travels as a bare integer address, its Ctx hops through a
// channel for each call, and it knows no pinned memory and no function attributes.
//
// Nothing of the driver is touched, and no library loaded, before the first call of
// a Driver's method: package libcuda makes that so. It also gives the reason when
// there is no CUDA here, which every method then returns.
//
// The binding is built for linux/amd64 with cgo and without -tags cpu; it needs
// cuda.h of CUDA 11.7 to 12.9 (see libcuda/env.sh). Elsewhere New returns an
// error that says what is missing.
package cubinding
