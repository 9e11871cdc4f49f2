// Package cuda is the backend for NVIDIA GPUs. It turns the operations of package
// backend into launches of the kernels of package kernels:
//
//	backend.Data ---> call: one operation, on the device's own OS thread
//	                   |  plan      which kernels and forms (plan.go)
//	                   |  request   coefficients and models: one copy in (request.go)
//	                   |  launches  partial sums of logical blocks (launch.go)
//	                   |  combine   float64, in block order
//	                   v  results   one copy out
//	              driver.Driver: a real GPU, or the PTX emulator of package ptx
//
// Sparse X is held by rows and again by columns, and takes kernels of its own (sparse.go,
// sparse_order.go); models, columns, launches and results are the same. By rows alone its sums
// are those of integers (fixed.go). X that does not fit is cut into pieces (pieces.go).
//
// It registers two backends: "cuda", and "cuda-emu", which runs the same host code and
// the same PTX on the emulator, slowly, for tests and for curiosity.
//
// Results are the same bits for any grid and any order of blocks: sums are cut into
// logical blocks, a function of the shape of X alone (blocks.go). They are not the same
// bits as another backend's.
package cuda
