package ptx

import (
	"fmt"
	"math/rand/v2"

	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
)

// context implements driver.Context over host memory.
type context struct {
	d       *Driver
	thread  int // OS thread that opened it
	info    driver.DeviceInfo
	memory  memory
	modules map[*module]bool
	host    map[uint64]hostAllocation
	handles uint64
	events  int
	clock   uint32 // of race detection, over all launches

	streams       []*stream
	defaultStream *stream

	broken  error // a kernel's fault: as on a real device all that follows fails
	closed  bool
	started uint64 // launches, for the seed of each
}

type hostAllocation struct{ bytes []byte }

var _ driver.Context = (*context)(nil)

// ready is the check at the start of every call.
func (c *context) ready(call string) error {
	if c.closed {
		return newError(call, contextGone, "the context is closed", "")
	}
	if c.d.config.OneThread && threadID() != c.thread {
		return newError(call, invalidContext, "called from another OS thread than Open", "")
	}
	if c.broken != nil {
		return rename(c.broken, call)
	}
	return nil
}

// Info implements driver.Context.
func (c *context) Info() driver.DeviceInfo { return c.info }

// MemInfo implements driver.Context.
func (c *context) MemInfo() (free, total int64, err error) {
	if err := c.ready("cuMemGetInfo"); err != nil {
		return 0, 0, err
	}
	return c.d.config.Memory - c.memory.used(), c.d.config.Memory, nil
}

// Load implements driver.Context.
func (c *context) Load(name string, ptx []byte) (driver.Module, error) {
	if err := c.ready("cuModuleLoadDataEx"); err != nil {
		return nil, err
	}
	if err := c.d.injected("load", "cuModuleLoadDataEx"); err != nil {
		return nil, err
	}
	m, err := c.load(name, string(ptx))
	if err != nil {
		return nil, err
	}
	c.modules[m] = true
	return m, nil
}

// Alloc implements driver.Context. The memory is filled with ones, which are NaNs.
func (c *context) Alloc(name string, n int64) (driver.Ptr, error) {
	const call = "cuMemAlloc"
	if err := c.ready(call); err != nil {
		return 0, err
	}
	if err := c.d.injected("alloc", call); err != nil {
		return 0, err
	}
	if n <= 0 {
		return 0, newError(call, driver.InvalidValue, fmt.Sprintf("%d bytes for %q", n, name), "")
	}
	if free := c.d.config.Memory - c.memory.used(); n > free {
		return 0, newError(call, driver.OutOfMemory, fmt.Sprintf("%d bytes for %q, %d are free", n, name, free), "")
	}
	r := c.memory.add(name, uint64(n))
	for i := range r.data {
		r.data[i] = 0xff
	}
	c.memory.most = max(c.memory.most, c.memory.used())
	return driver.Ptr(r.base), nil
}

// Free implements driver.Context. It waits for all work, as cuMemFree does.
func (c *context) Free(p driver.Ptr) error {
	err := c.ready("cuMemFree")
	if c.closed {
		return err
	}
	if err == nil {
		err = c.drain()
	}
	r := c.memory.at(uint64(p))
	if r == nil || r.base != uint64(p) || r.module != nil {
		return newError("cuMemFree", driver.InvalidValue, fmt.Sprintf("%#x is not the start of an allocation", uint64(p)), "")
	}
	if r.freed {
		return newError("cuMemFree", driver.InvalidValue, fmt.Sprintf("%q was freed before", r.name), "")
	}
	c.memory.free(r)
	return err
}

// AllocHost implements driver.Context.
func (c *context) AllocHost(n int) (driver.HostBuffer, error) {
	const call = "cuMemAllocHost"
	if err := c.ready(call); err != nil {
		return driver.HostBuffer{}, err
	}
	if err := c.d.injected("alloc host", call); err != nil {
		return driver.HostBuffer{}, err
	}
	if n <= 0 {
		return driver.HostBuffer{}, newError(call, driver.InvalidValue, fmt.Sprintf("%d bytes", n), "")
	}
	c.handles++
	b := make([]byte, n)
	for i := range b {
		b[i] = 0xff
	}
	c.host[c.handles] = hostAllocation{b}
	return driver.HostBuffer{Bytes: b, Handle: c.handles}, nil
}

// FreeHost implements driver.Context.
func (c *context) FreeHost(b driver.HostBuffer) error {
	if _, ok := c.host[b.Handle]; !ok {
		return newError("cuMemFreeHost", driver.InvalidValue, "not pinned memory, or freed before", "")
	}
	err := c.ready("cuMemFreeHost")
	if err == nil {
		err = c.drain()
	}
	delete(c.host, b.Handle)
	return err
}

// hold finds the allocation of n bytes at p for a copy.
func (c *context) hold(call string, p driver.Ptr, n int64) (*region, uint64, error) {
	if n < 0 {
		return nil, 0, newError(call, driver.InvalidValue, fmt.Sprintf("%d bytes", n), "")
	}
	r, _, text := c.memory.find(uint64(p), uint64(n))
	if r == nil {
		return nil, 0, newError(call, driver.InvalidValue, fmt.Sprintf("%d bytes at %#x: %s", n, uint64(p), text), "")
	}
	return r, uint64(p) - r.base, nil
}

func (c *context) copyIn(call string, dst driver.Ptr, src []byte) error {
	if len(src) == 0 {
		return nil
	}
	r, o, err := c.hold(call, dst, int64(len(src)))
	if err != nil {
		return err
	}
	copy(r.data[o:], src)
	r.defineRange(o, uint64(len(src)))
	return nil
}

func (c *context) copyOut(call string, dst []byte, src driver.Ptr) error {
	if len(dst) == 0 {
		return nil
	}
	r, o, err := c.hold(call, src, int64(len(dst)))
	if err != nil {
		return err
	}
	if r.undef > 0 && !c.d.config.Unchecked {
		for i := o; i < o+uint64(len(dst)); i++ {
			if !r.defined(i, 1) {
				f := &Fault{Kind: Uninitialised, Kernel: "(copy to the host)", Text: call, Address: r.base + i, Space: Global,
					Memory: fmt.Sprintf("offset %d of %q", i, r.name), Detail: "nothing was written there"}
				return faultError(call, f)
			}
		}
	}
	copy(dst, r.data[o:])
	return nil
}

// CopyIn implements driver.Context.
func (c *context) CopyIn(dst driver.Ptr, src []byte) error {
	const call = "cuMemcpyHtoD"
	if err := c.before("copy", call); err != nil {
		return err
	}
	return c.copyIn(call, dst, src)
}

// CopyOut implements driver.Context.
func (c *context) CopyOut(dst []byte, src driver.Ptr) error {
	const call = "cuMemcpyDtoH"
	if err := c.before("copy", call); err != nil {
		return err
	}
	return c.copyOut(call, dst, src)
}

// before opens a synchronous call: it waits for the default stream only, as for
// streams that were created non-blocking.
func (c *context) before(kind, call string) error {
	if err := c.ready(call); err != nil {
		return err
	}
	if err := c.d.injected(kind, call); err != nil {
		return err
	}
	return c.defaultStream.drain(nil)
}

// CopyInAsync implements driver.Context.
func (c *context) CopyInAsync(dst driver.Ptr, src driver.HostBuffer, n int, s driver.Stream) error {
	return c.copyAsync("cuMemcpyHtoDAsync", src, n, s, func(call string) error { return c.copyIn(call, dst, src.Bytes[:n]) })
}

// CopyOutAsync implements driver.Context.
func (c *context) CopyOutAsync(dst driver.HostBuffer, src driver.Ptr, n int, s driver.Stream) error {
	return c.copyAsync("cuMemcpyDtoHAsync", dst, n, s, func(call string) error { return c.copyOut(call, dst.Bytes[:n], src) })
}

func (c *context) copyAsync(call string, b driver.HostBuffer, n int, s driver.Stream, f func(string) error) error {
	if err := c.ready(call); err != nil {
		return err
	}
	if err := c.d.injected("copy", call); err != nil {
		return err
	}
	if _, ok := c.host[b.Handle]; !ok {
		return newError(call, driver.InvalidValue, "the host buffer is not pinned memory, or was freed", "")
	}
	if n < 0 || n > len(b.Bytes) {
		return newError(call, driver.InvalidValue, fmt.Sprintf("%d bytes of a buffer of %d", n, len(b.Bytes)), "")
	}
	return c.enqueue(call, s, func() error { return f(call) })
}

// Memset implements driver.Context.
func (c *context) Memset(dst driver.Ptr, value byte, n int64, s driver.Stream) error {
	const call = "cuMemsetD8Async"
	if err := c.ready(call); err != nil {
		return err
	}
	if err := c.d.injected("memset", call); err != nil {
		return err
	}
	if n == 0 {
		return nil
	}
	return c.enqueue(call, s, func() error {
		r, o, err := c.hold(call, dst, n)
		if err != nil {
			return err
		}
		for i := o; i < o+uint64(n); i++ {
			r.data[i] = value
		}
		r.defineRange(o, uint64(n))
		return nil
	})
}

// Launch implements driver.Context.
func (c *context) Launch(f driver.Function, l driver.Launch, args ...driver.Arg) error {
	const call = "cuLaunchKernel"
	if err := c.ready(call); err != nil {
		return err
	}
	if err := c.d.injected("launch", call); err != nil {
		return err
	}
	e, ok := f.(*entry)
	if !ok || e.m.c != c || e.m.gone {
		return newError(call, driver.InvalidValue, "the function is not of this context, or its module was unloaded", "")
	}
	cells, err := c.check(call, e.k, l, args)
	if err != nil {
		return err
	}
	return c.enqueue(call, l.Stream, func() error { return c.execute(e.k, l, cells) })
}

// check holds a launch to the limits of the device and the kernel and packs its
// parameters.
func (c *context) check(call string, k *kernel, l driver.Launch, args []driver.Arg) ([]byte, error) {
	bad := func(code driver.Code, format string, a ...any) ([]byte, error) {
		return nil, newError(call, code, k.name+": "+fmt.Sprintf(format, a...), "")
	}
	g, b := l.Grid, l.Block
	if g[0] == 0 || g[1] == 0 || g[2] == 0 || b[0] == 0 || b[1] == 0 || b[2] == 0 {
		return bad(driver.InvalidValue, "grid %v of blocks %v is empty", g, b)
	}
	if g[0] > 1<<31-1 || g[1] > 65535 || g[2] > 65535 {
		return bad(driver.InvalidValue, "grid %v is larger than 2147483647 x 65535 x 65535", g)
	}
	threads := uint64(b[0]) * uint64(b[1]) * uint64(b[2])
	if threads > 1024 || b[0] > 1024 || b[1] > 1024 || b[2] > 64 {
		return bad(driver.InvalidValue, "block %v has more than 1024 threads or more than 64 in z", b)
	}
	if m := k.source.maxTID; m > 0 && threads > uint64(m) {
		return bad(driver.InvalidValue, "%d threads, the kernel was compiled for at most %d", threads, m)
	}
	if r := k.source.reqTID; r[0] > 0 && (b[0] != uint32(r[0]) || b[1] != uint32(r[1]) || b[2] != uint32(r[2])) {
		return bad(driver.InvalidValue, "block %v, the kernel requires %v", b, r)
	}
	if int(l.Shared) > max(k.maxDynamic, 48<<10-k.sharedReal) {
		return bad(driver.InvalidValue, "%d bytes of dynamic and %d of static shared memory; above 48 KiB call SetMaxDynamicShared first", l.Shared, k.sharedReal)
	}
	if len(args) != len(k.params) {
		return bad(driver.InvalidValue, "%d arguments, the kernel has %d parameters", len(args), len(k.params))
	}
	cells := make([]byte, alignUp(k.paramBytes, 8)+8)
	for i, p := range k.params {
		if p.bytes > 8 || int(args[i].Size) != max(4, p.bytes) {
			return bad(driver.InvalidValue, "argument %d has %d bytes, parameter %q has %d", i, args[i].Size, p.name, p.bytes)
		}
		r := region{data: cells}
		r.put(uint64(p.offset), p.bytes, args[i].Cell)
	}
	return cells[:k.paramBytes], nil
}

// execute runs a launch to its end.
func (c *context) execute(k *kernel, l driver.Launch, args []byte) error {
	c.started++
	if c.clock > 1<<31 { // before the race detector's clock wraps
		c.clock = 0
		for _, r := range c.memory.regions {
			r.shadow = shadow{}
		}
	}
	run := &launch{c: c, k: k, shape: l, args: args, checks: !c.d.config.Unchecked,
		rand: rand.NewPCG(c.d.config.Seed, c.started)}
	err := run.run()
	run.stats.Launches = 1
	c.d.mu.Lock()
	sum := c.d.counters[k.name]
	sum.add(&run.stats)
	c.d.counters[k.name] = sum
	c.d.mu.Unlock()
	if f, ok := err.(*Fault); ok {
		c.broken = faultError("cuLaunchKernel", f)
		return c.broken
	}
	return err
}

// Synchronize implements driver.Context.
func (c *context) Synchronize() error {
	const call = "cuCtxSynchronize"
	if err := c.ready(call); err != nil {
		return err
	}
	if err := c.d.injected("synchronize", call); err != nil {
		return err
	}
	return c.drain()
}

// drain runs all that is queued.
func (c *context) drain() error {
	for _, s := range c.streams {
		if err := s.drain(nil); err != nil {
			return err
		}
	}
	return nil
}

// Close implements driver.Context.
func (c *context) Close() error {
	if c.closed {
		return newError("cuCtxDestroy", invalidContext, "the context is closed already", "")
	}
	var err error
	if c.broken == nil {
		err = c.drain()
	}
	for m := range c.modules {
		m.Unload()
	}
	for _, r := range c.memory.regions {
		c.memory.free(r)
	}
	clear(c.host)
	c.streams, c.events, c.closed = nil, 0, true
	return err
}
