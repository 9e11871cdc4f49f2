//go:build linux && amd64 && cgo && !cpu

package libcuda

/*
#cgo LDFLAGS: -ldl
#include "load.h"
*/
import "C"

import (
	"fmt"
	"sync"

	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
)

// Load opens the machine's CUDA driver, fills the trampolines and initialises it.
// Only the first call does so; later ones return the same answer: nil, or a
// *driver.Error with the reason why there is no CUDA here. Before the first call
// every driver function fails as not initialised, and nothing of the driver has
// been touched.
func Load() error { return load() }

var load = sync.OnceValue(func() error {
	if reason := C.libcuda_open(); reason != nil {
		return &driver.Error{
			Call: "dlopen",
			Code: driver.NoDevice,
			Name: "CUDA_ERROR_NO_DEVICE",
			Text: "no NVIDIA driver: " + C.GoString(reason),
		}
	}
	if code := driver.Code(C.libcuda_init()); code != 0 {
		return Error("cuInit", code)
	}
	return nil
})

// Error describes a failed driver call in the driver's own words.
func Error(call string, code driver.Code) *driver.Error {
	var name, text *C.char
	C.libcuda_error(C.int(code), &name, &text)
	e := &driver.Error{Call: call, Code: code, Name: C.GoString(name), Text: C.GoString(text)}
	if name == nil {
		e.Name = fmt.Sprintf("CUresult %d", code)
	}
	return e
}
