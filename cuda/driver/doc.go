// Package driver is the small part of the CUDA driver that the cuda backend uses,
// as an interface with two implementations:
//
//	cuda (backend) ---> driver.Driver <--- driver/cubinding   gorgonia.org/cu, a real GPU
//	                                  <--- ptx                our emulator, host memory
//
// so that the very same host code and the very same PTX run in tests on machines
// without a GPU. It holds the interface, its value types and its errors, and
// nothing that needs cgo.
package driver
