package ptx

import (
	"errors"
	"fmt"
	"sync"

	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
)

// Config describes the emulated driver and device. The zero value is a good one.
type Config struct {
	DeviceName      string // "PTX emulator"
	Major, Minor    int    // compute capability, 9.0
	Version         int    // of CUDA, 12040
	Memory          int64  // bytes of device memory, 4 GiB; host memory is taken only as it is allocated
	Multiprocessors int    // 8

	// Seed orders blocks, warps, the paths of diverged warps and the lanes of
	// atomics. A correct kernel gives the same bits for every seed.
	Seed uint64

	// Unchecked switches the definedness and race checks off. Bounds, alignment,
	// barriers and deadlock are always checked.
	Unchecked bool

	// MaxInstructions is how many warp instructions a launch may run, 1 << 32.
	MaxInstructions uint64

	// Late keeps work that a stream has been given until something waits for it, so
	// that a missing wait shows. Otherwise everything is executed at once.
	Late bool

	// OneThread makes calls fail that do not come from the OS thread which opened the
	// context, as the contract of driver.Context demands (on Linux; elsewhere it is
	// not checked).
	OneThread bool

	// Faults makes calls fail.
	Faults []Injection
}

// Injection makes the Nth call of a kind, counted from 1 over the driver's life, fail.
type Injection struct {
	Call string // "launch", "copy", "alloc", "alloc host", "memset", "load", "synchronize"
	N    int
	Code driver.Code
}

// Driver is the emulator as a CUDA driver.
type Driver struct {
	config Config

	mu       sync.Mutex // contexts may live on different threads
	calls    map[string]int
	counters map[string]Counters
	contexts []*context
}

var _ driver.Driver = (*Driver)(nil)

// NewDriver returns an emulated driver with one device.
func NewDriver(c Config) *Driver {
	if c.DeviceName == "" {
		c.DeviceName = "PTX emulator"
	}
	if c.Major == 0 {
		c.Major, c.Minor = 9, 0
	}
	if c.Version == 0 {
		c.Version = 12040
	}
	if c.Memory == 0 {
		c.Memory = 4 << 30
	}
	if c.Multiprocessors == 0 {
		c.Multiprocessors = 8
	}
	if c.MaxInstructions == 0 {
		c.MaxInstructions = 1 << 32
	}
	return &Driver{config: c, calls: map[string]int{}, counters: map[string]Counters{}}
}

// Name implements driver.Driver.
func (d *Driver) Name() string { return "cuda-emu" }

// Version implements driver.Driver.
func (d *Driver) Version() (int, error) { return d.config.Version, nil }

// Devices implements driver.Driver.
func (d *Driver) Devices() ([]driver.DeviceInfo, error) {
	shared := map[int]int{70: 96, 72: 96, 75: 64, 80: 163, 86: 99, 87: 163, 89: 99, 90: 227}[d.config.Major*10+d.config.Minor]
	if shared == 0 {
		shared = 227
	}
	threads := 2048
	if d.config.Major == 7 && d.config.Minor == 5 {
		threads = 1024
	}
	return []driver.DeviceInfo{{
		Name: d.config.DeviceName, Memory: d.config.Memory, Major: d.config.Major, Minor: d.config.Minor,
		Multiprocessors: d.config.Multiprocessors, SharedPerBlock: shared << 10, SharedPerSM: (shared + 1) << 10,
		RegistersPerSM: 65536, L2: 50 << 20, ClockKHz: 1000000, MemoryClockKHz: 1000000, MemoryBusBits: 256,
		MaxThreadsPerSM: threads, PCIBusID: "emulated", UnifiedAddresses: true,
	}}, nil
}

// Open implements driver.Driver.
func (d *Driver) Open(ordinal int) (driver.Context, error) {
	if ordinal != 0 {
		return nil, newError("cuDeviceGet", driver.InvalidDevice, fmt.Sprintf("device %d of 1", ordinal), "")
	}
	info, _ := d.Devices()
	c := &context{d: d, thread: threadID(), info: info[0], modules: map[*module]bool{}, host: map[uint64]hostAllocation{}}
	c.defaultStream = &stream{c: c}
	c.streams = []*stream{c.defaultStream}
	d.mu.Lock()
	d.contexts = append(d.contexts, c)
	d.mu.Unlock()
	return c, nil
}

// injected counts a call and returns the failure planned for it.
func (d *Driver) injected(kind, call string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls[kind]++
	for _, f := range d.config.Faults {
		if f.Call == kind && f.N == d.calls[kind] {
			return newError(call, f.Code, fmt.Sprintf("injected at %s %d", kind, f.N), "")
		}
	}
	return nil
}

// Calls is how often calls of a kind (see Injection) were made.
func (d *Driver) Calls(kind string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.calls[kind]
}

// Inject plans one more failure; N counts from the driver's start.
func (d *Driver) Inject(f Injection) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.config.Faults = append(d.config.Faults, f)
}

// Codes of the driver that only the emulator gives.
const (
	noBinaryForGPU driver.Code = 209
	launchTimeout  driver.Code = 702
	misaligned     driver.Code = 716
	contextGone    driver.Code = 709
	invalidContext driver.Code = 201
)

var codeNames = map[driver.Code]string{
	driver.InvalidValue:          "CUDA_ERROR_INVALID_VALUE",
	driver.OutOfMemory:           "CUDA_ERROR_OUT_OF_MEMORY",
	driver.NotInitialized:        "CUDA_ERROR_NOT_INITIALIZED",
	driver.NoDevice:              "CUDA_ERROR_NO_DEVICE",
	driver.InvalidDevice:         "CUDA_ERROR_INVALID_DEVICE",
	driver.InvalidPTX:            "CUDA_ERROR_INVALID_PTX",
	driver.UnsupportedPTXVersion: "CUDA_ERROR_UNSUPPORTED_PTX_VERSION",
	driver.NotFound:              "CUDA_ERROR_NOT_FOUND",
	driver.IllegalAddress:        "CUDA_ERROR_ILLEGAL_ADDRESS",
	driver.LaunchOutOfResources:  "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES",
	driver.LaunchFailed:          "CUDA_ERROR_LAUNCH_FAILED",
	driver.StubLibrary:           "CUDA_ERROR_STUB_LIBRARY",
	noBinaryForGPU:               "CUDA_ERROR_NO_BINARY_FOR_GPU",
	launchTimeout:                "CUDA_ERROR_LAUNCH_TIMEOUT",
	misaligned:                   "CUDA_ERROR_MISALIGNED_ADDRESS",
	contextGone:                  "CUDA_ERROR_CONTEXT_IS_DESTROYED",
	invalidContext:               "CUDA_ERROR_INVALID_CONTEXT",
}

// launchError is a driver error that carries the emulator's finding: errors.As finds
// both the *driver.Error and the *Fault in it.
type launchError struct {
	cause driver.Error
	fault *Fault
}

func (e *launchError) Error() string { return e.cause.Error() }

func (e *launchError) Unwrap() []error { return []error{&e.cause, e.fault} }

func newError(call string, code driver.Code, text, log string) error {
	name := codeNames[code]
	if name == "" {
		name = "CUDA_ERROR_UNKNOWN"
	}
	return &driver.Error{Call: call, Code: code, Name: name, Text: text, Log: log}
}

// faultError is a kernel's fault as an error of the call.
func faultError(call string, f *Fault) error {
	code := driver.LaunchFailed
	switch f.Kind {
	case OutOfBounds, UseAfterFree, ReadOnly:
		code = driver.IllegalAddress
	case Misaligned:
		code = misaligned
	case Budget, Deadlock:
		code = launchTimeout
	}
	return &launchError{driver.Error{Call: call, Code: code, Name: codeNames[code], Text: f.Error()}, f}
}

// rename is err as the error of another call.
func rename(err error, call string) error {
	var f *launchError
	if errors.As(err, &f) {
		g := *f
		g.cause.Call = call
		return &g
	}
	var e *driver.Error
	if errors.As(err, &e) {
		g := *e
		g.Call = call
		return &g
	}
	return err
}
