package driver

// Driver is a CUDA driver or something that behaves like one.
type Driver interface {
	// Name is "cuda" for a real driver, "cuda-emu" for the emulator.
	Name() string

	// Version is the CUDA version the driver supports, as cuDriverGetVersion
	// gives it: 12040 for CUDA 12.4.
	Version() (int, error)

	// Devices lists the GPUs. No GPU or no driver is an *Error, never an empty list.
	Devices() ([]DeviceInfo, error)

	// Open makes a context on the device with that Ordinal.
	Open(ordinal int) (Context, error)
}

// DeviceInfo describes one GPU.
type DeviceInfo struct {
	Ordinal          int
	Name             string
	Memory           int64 // bytes
	Major, Minor     int   // compute capability
	Multiprocessors  int
	SharedPerBlock   int // bytes a block may ask for after opting in
	SharedPerSM      int // bytes
	RegistersPerSM   int
	L2               int // bytes
	ClockKHz         int
	MemoryClockKHz   int
	MemoryBusBits    int
	MaxThreadsPerSM  int
	PCIBusID         string
	UnifiedAddresses bool
}

// Ptr is a device address; 0 is no memory.
type Ptr uint64

// Context is one device's memory, modules and streams. Every call must come from
// the OS thread that opened it (runtime.LockOSThread); the cuda backend keeps one
// such thread a device and hops to it once per backend call. Close releases
// everything that is left.
type Context interface {
	Info() DeviceInfo

	// MemInfo returns the free and total bytes of device memory.
	MemInfo() (free, total int64, err error)

	// Load compiles PTX text for the device. A failure carries the JIT's log.
	Load(name string, ptx []byte) (Module, error)

	// Alloc returns device memory aligned to 256 bytes, its content undefined.
	// name appears in the emulator's reports. Too little memory is an *Error of
	// code OutOfMemory.
	Alloc(name string, bytes int64) (Ptr, error)
	Free(Ptr) error

	// AllocHost returns pinned host memory, FreeHost gives it back.
	AllocHost(bytes int) (HostBuffer, error)
	FreeHost(HostBuffer) error

	// CopyIn and CopyOut copy to and from the device and wait.
	CopyIn(dst Ptr, src []byte) error
	CopyOut(dst []byte, src Ptr) error

	// CopyInAsync and CopyOutAsync return at once; the buffer must be left alone
	// until the stream has passed the copy.
	CopyInAsync(dst Ptr, src HostBuffer, bytes int, s Stream) error
	CopyOutAsync(dst HostBuffer, src Ptr, bytes int, s Stream) error

	// Memset writes the byte value to n bytes, in the order of the stream.
	Memset(dst Ptr, value byte, n int64, s Stream) error

	// Launch starts a kernel. It returns when the launch is queued; errors of the
	// kernel itself may appear at a later call or Synchronize.
	Launch(f Function, l Launch, args ...Arg) error

	NewStream() (Stream, error)
	NewEvent() (Event, error)

	// Synchronize waits for all streams.
	Synchronize() error

	Close() error
}

// HostBuffer is pinned host memory.
type HostBuffer struct {
	Bytes  []byte
	Handle uint64 // the implementation's
}

// Module is one loaded PTX file.
type Module interface {
	// Function finds an entry by name. A missing one is an *Error of code NotFound.
	Function(name string) (Function, error)
	Unload() error
}

// Function is a kernel of a loaded module.
type Function interface {
	Name() string

	// SetMaxDynamicShared allows launches with up to that many bytes of dynamic
	// shared memory; above 48 KiB it must be called before Launch.
	SetMaxDynamicShared(bytes int) error

	// Attributes returns registers a thread, static shared and local bytes.
	Attributes() (FunctionAttributes, error)
}

// FunctionAttributes are what the JIT gave a kernel.
type FunctionAttributes struct {
	Registers, SharedBytes, LocalBytes, MaxThreads int
}

// Stream orders copies and launches. The nil Stream is the context's default one.
type Stream interface {
	Synchronize() error
	Record(Event) error
	Wait(Event) error // later work of this stream waits for the event
	Destroy() error
}

// Event is a point in a stream.
type Event interface {
	Synchronize() error
	// Since returns the milliseconds from start to this event; both must have passed.
	Since(start Event) (float32, error)
	Destroy() error
}

// Launch is the shape of a launch.
type Launch struct {
	Grid, Block [3]uint32
	Shared      uint32 // dynamic shared memory, bytes
	Stream      Stream
}

// Grid1 is the launch of blocks blocks of threads threads.
func Grid1(blocks, threads int, shared int, s Stream) Launch {
	return Launch{[3]uint32{uint32(blocks), 1, 1}, [3]uint32{uint32(threads), 1, 1}, uint32(shared), s}
}
