//go:build linux && amd64 && cgo && !cpu

package cubinding

import (
	"unsafe"

	"gorgonia.org/cu"

	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
	"github.com/logreg-gpu/logreg-gpu/cuda/driver/libcuda"
)

// context is a CUDA context, current on the OS thread that opened it.
type context struct {
	info   driver.DeviceInfo
	cu     cu.CUContext
	pinned map[uint64]bool // handles of host buffers, which outlive a context
}

var _ driver.Context = (*context)(nil)

// alreadyCurrent is CUDA_ERROR_CONTEXT_ALREADY_CURRENT.
const alreadyCurrent driver.Code = 202

// Open refuses a second context on one thread: the calls of the first would go to
// the second unnoticed.
func (cudaDriver) Open(ordinal int) (driver.Context, error) {
	if err := libcuda.Load(); err != nil {
		return nil, err
	}
	info, err := describe(ordinal)
	if err != nil {
		return nil, err
	}
	current, err := cu.CurrentContext()
	if err != nil {
		return nil, wrap("cuCtxGetCurrent", err)
	}
	if current != (cu.CUContext{}) {
		return nil, libcuda.Error("cuCtxCreate", alreadyCurrent)
	}
	ctx, err := cu.Device(ordinal).MakeContext(cu.SchedAuto)
	if err != nil {
		return nil, wrap("cuCtxCreate", err)
	}
	return &context{info: info, cu: ctx, pinned: map[uint64]bool{}}, nil
}

func (c *context) Info() driver.DeviceInfo { return c.info }

func (c *context) MemInfo() (free, total int64, err error) {
	free, total, err = cu.MemInfo()
	return free, total, wrap("cuMemGetInfo", err)
}

func (c *context) Alloc(name string, bytes int64) (driver.Ptr, error) {
	p, err := cu.MemAlloc(bytes)
	return driver.Ptr(p), wrap("cuMemAlloc", err)
}

func (c *context) Free(p driver.Ptr) error {
	return wrap("cuMemFree", cu.MemFree(cu.DevicePtr(p)))
}

func (c *context) CopyIn(dst driver.Ptr, src []byte) error {
	return wrap("cuMemcpyHtoD", cu.MemcpyHtoD(cu.DevicePtr(dst), unsafe.Pointer(unsafe.SliceData(src)), int64(len(src))))
}

func (c *context) CopyOut(dst []byte, src driver.Ptr) error {
	return wrap("cuMemcpyDtoH", cu.MemcpyDtoH(unsafe.Pointer(unsafe.SliceData(dst)), cu.DevicePtr(src), int64(len(dst))))
}

func (c *context) CopyInAsync(dst driver.Ptr, src driver.HostBuffer, bytes int, s driver.Stream) error {
	from := unsafe.Pointer(unsafe.SliceData(src.Bytes[:bytes]))
	return wrap("cuMemcpyHtoDAsync", cu.MemcpyHtoDAsync(cu.DevicePtr(dst), from, int64(bytes), cuStream(s)))
}

func (c *context) CopyOutAsync(dst driver.HostBuffer, src driver.Ptr, bytes int, s driver.Stream) error {
	to := unsafe.Pointer(unsafe.SliceData(dst.Bytes[:bytes]))
	return wrap("cuMemcpyDtoHAsync", cu.MemcpyDtoHAsync(to, cu.DevicePtr(src), int64(bytes), cuStream(s)))
}

func (c *context) Memset(dst driver.Ptr, value byte, n int64, s driver.Stream) error {
	return wrap("cuMemsetD8Async", cu.MemsetD8Async(cu.DevicePtr(dst), value, n, cuStream(s)))
}

func (c *context) Synchronize() error { return wrap("cuCtxSynchronize", cu.Synchronize()) }

// Close destroys the context, and with it all memory, modules, streams and events
// that are left in it.
func (c *context) Close() error {
	var first error
	for h := range c.pinned {
		if err := c.FreeHost(driver.HostBuffer{Handle: h}); err != nil && first == nil {
			first = err
		}
	}
	if err := c.cu.Destroy(); err != nil {
		return wrap("cuCtxDestroy", err)
	}
	return first
}

// stream is a stream that orders itself with the default stream, so that the
// waiting copies, which go there, come after its work.
type stream struct{ cu cu.Stream }

func (c *context) NewStream() (driver.Stream, error) {
	s, err := cu.MakeStream(cu.DefaultStream)
	if err != nil {
		return nil, wrap("cuStreamCreate", err)
	}
	return &stream{s}, nil
}

func cuStream(s driver.Stream) cu.Stream {
	if s == nil {
		return cu.NoStream
	}
	return s.(*stream).cu
}

func (s *stream) Synchronize() error { return wrap("cuStreamSynchronize", s.cu.Synchronize()) }
func (s *stream) Destroy() error     { return wrap("cuStreamDestroy", s.cu.Destroy()) }

func (s *stream) Record(e driver.Event) error {
	return wrap("cuEventRecord", e.(*event).cu.Record(s.cu))
}

func (s *stream) Wait(e driver.Event) error {
	return wrap("cuStreamWaitEvent", s.cu.Wait(e.(*event).cu, 0))
}

type event struct{ cu cu.Event }

func (c *context) NewEvent() (driver.Event, error) {
	e, err := cu.MakeEvent(cu.DefaultEvent)
	if err != nil {
		return nil, wrap("cuEventCreate", err)
	}
	return &event{e}, nil
}

func (e *event) Synchronize() error { return wrap("cuEventSynchronize", e.cu.Synchronize()) }
func (e *event) Destroy() error     { return wrap("cuEventDestroy", cu.DestroyEvent(&e.cu)) }

func (e *event) Since(start driver.Event) (float32, error) {
	ms, err := start.(*event).cu.Elapsed(e.cu)
	return float32(ms), wrap("cuEventElapsedTime", err)
}
