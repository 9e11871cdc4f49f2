//go:build linux && amd64 && cgo && !cpu

package cubinding

/*
#include <cuda.h>
#include <stdint.h>

// argument is driver.Arg: the parameter in the low bytes of a cell of 8.
typedef struct {
	uint64_t cell;
	uint8_t size;
} argument;

enum { MAX_ARGUMENTS = 64 };

// launch points cuLaunchKernel at the cells where they are; the driver copies them
// before it returns.
static CUresult launch(CUfunction f, const uint32_t *grid, const uint32_t *block,
	uint32_t shared, CUstream stream, argument *args, size_t n)
{
	void *params[MAX_ARGUMENTS];
	if (n > MAX_ARGUMENTS)
		return CUDA_ERROR_INVALID_VALUE;
	for (size_t i = 0; i < n; i++)
		params[i] = &args[i].cell;
	return cuLaunchKernel(f, grid[0], grid[1], grid[2], block[0], block[1], block[2],
		shared, stream, params, NULL);
}

// load has the JIT write its complaints to log, NUL-terminated.
static CUresult load(CUmodule *m, const void *ptx, char *log, size_t size)
{
	CUjit_option names[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
	void *values[] = {log, (void *)(uintptr_t)size};
	return cuModuleLoadDataEx(m, ptx, 2, names, values);
}
*/
import "C"

import (
	"strings"
	"unsafe"

	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
	"github.com/logreg-gpu/logreg-gpu/cuda/driver/libcuda"
)

// The C struct argument is Go's driver.Arg: these lines do not compile otherwise.
var (
	_ [unsafe.Sizeof(driver.Arg{}) - C.sizeof_argument]struct{}
	_ [C.sizeof_argument - unsafe.Sizeof(driver.Arg{})]struct{}
)

func failure(call string, r C.CUresult) error { return libcuda.Error(call, driver.Code(r)) }

type module struct {
	name string
	mod  C.CUmodule
}

// jitLog is the room for the JIT's complaints; more of them are cut off.
const jitLog = 8 << 10

func (c *context) Load(name string, ptx []byte) (driver.Module, error) {
	text := append(ptx[:len(ptx):len(ptx)], 0) // a copy: the driver wants a C string
	log := make([]byte, jitLog)
	m := &module{name: name}
	if r := C.load(&m.mod, unsafe.Pointer(&text[0]), (*C.char)(unsafe.Pointer(&log[0])), jitLog); r != C.CUDA_SUCCESS {
		err := libcuda.Error("cuModuleLoadDataEx", driver.Code(r))
		err.Log = name
		if said := oneLine(log); said != "" {
			err.Log += ": " + said
		}
		return nil, err
	}
	return m, nil
}

// oneLine joins the lines of a NUL-terminated log, since errors are one line.
func oneLine(log []byte) string {
	text, _, _ := strings.Cut(string(log), "\x00")
	lines := strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' })
	for i, l := range lines {
		lines[i] = strings.Join(strings.Fields(l), " ")
	}
	return strings.Join(lines, "; ")
}

func (m *module) Unload() error {
	if r := C.cuModuleUnload(m.mod); r != C.CUDA_SUCCESS {
		return failure("cuModuleUnload", r)
	}
	return nil
}

func (m *module) Function(name string) (driver.Function, error) {
	cname := append([]byte(name), 0)
	f := &function{name: name}
	if r := C.cuModuleGetFunction(&f.fn, m.mod, (*C.char)(unsafe.Pointer(&cname[0]))); r != C.CUDA_SUCCESS {
		err := libcuda.Error("cuModuleGetFunction", driver.Code(r))
		err.Log = m.name + " has no kernel " + name
		return nil, err
	}
	return f, nil
}

type function struct {
	name string
	fn   C.CUfunction
}

func (f *function) Name() string { return f.name }

func (f *function) SetMaxDynamicShared(bytes int) error {
	const attribute = C.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
	if r := C.cuFuncSetAttribute(f.fn, attribute, C.int(bytes)); r != C.CUDA_SUCCESS {
		return failure("cuFuncSetAttribute", r)
	}
	return nil
}

func (f *function) Attributes() (driver.FunctionAttributes, error) {
	var a driver.FunctionAttributes
	for _, want := range []struct {
		attribute C.CUfunction_attribute
		value     *int
	}{
		{C.CU_FUNC_ATTRIBUTE_NUM_REGS, &a.Registers},
		{C.CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, &a.SharedBytes},
		{C.CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES, &a.LocalBytes},
		{C.CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK, &a.MaxThreads},
	} {
		var v C.int
		if r := C.cuFuncGetAttribute(&v, want.attribute, f.fn); r != C.CUDA_SUCCESS {
			return a, failure("cuFuncGetAttribute", r)
		}
		*want.value = int(v)
	}
	return a, nil
}

func (c *context) Launch(f driver.Function, l driver.Launch, args ...driver.Arg) error {
	r := C.launch(f.(*function).fn,
		(*C.uint32_t)(&l.Grid[0]), (*C.uint32_t)(&l.Block[0]), C.uint32_t(l.Shared),
		C.CUstream(unsafe.Pointer(cuStream(l.Stream).C())),
		(*C.argument)(unsafe.Pointer(unsafe.SliceData(args))), C.size_t(len(args)))
	if r != C.CUDA_SUCCESS {
		err := libcuda.Error("cuLaunchKernel", driver.Code(r))
		err.Log = f.Name()
		return err
	}
	return nil
}
