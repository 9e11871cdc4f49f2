//go:build linux && amd64 && cgo && !cpu

package cubinding

/*
#include <cuda.h>
*/
import "C"

import (
	"unsafe"

	"gorgonia.org/cu"

	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
)

// AllocHost returns page-locked memory of C, which the garbage collector neither
// moves nor frees.
func (c *context) AllocHost(bytes int) (driver.HostBuffer, error) {
	var p unsafe.Pointer
	if r := C.cuMemHostAlloc(&p, C.size_t(bytes), 0); r != C.CUDA_SUCCESS {
		return driver.HostBuffer{}, failure("cuMemHostAlloc", r)
	}
	h := uint64(uintptr(p))
	c.pinned[h] = true
	return driver.HostBuffer{Bytes: unsafe.Slice((*byte)(p), bytes), Handle: h}, nil
}

func (c *context) FreeHost(b driver.HostBuffer) error {
	// Handle and not Bytes: the caller may have sliced those.
	if r := C.cuMemFreeHost(*(*unsafe.Pointer)(unsafe.Pointer(&b.Handle))); r != C.CUDA_SUCCESS {
		return failure("cuMemFreeHost", r)
	}
	delete(c.pinned, b.Handle)
	return nil
}

// pciBusID is the device's place as nvidia-smi prints it, "00000000:3B:00.0".
func pciBusID(dev cu.Device) (string, error) {
	var buf [32]C.char
	if r := C.cuDeviceGetPCIBusId(&buf[0], C.int(len(buf)), C.CUdevice(dev)); r != C.CUDA_SUCCESS {
		return "", failure("cuDeviceGetPCIBusId", r)
	}
	return C.GoString(&buf[0]), nil
}
