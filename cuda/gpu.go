package cuda

import (
	"errors"
	"fmt"
	"sync"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
	"github.com/logreg-gpu/logreg-gpu/kernels"
)

// gpu is one device as a backend. All but name, mutex and closed belongs to its thread.
type gpu struct {
	name   string
	thread *thread
	mutex  sync.Mutex // one operation at a time
	closed bool

	fixedPoint bool  // backend.Options.FixedPoint
	memory     int64 // backend.Options.Memory

	context   driver.Context
	info      driver.DeviceInfo
	target    kernels.Target
	policy    policy
	chunks    chunks
	modules   map[string]driver.Module
	functions map[string]*function
	holders   []*pieces // of memory that they can do without
}

// function is a loaded kernel.
type function struct {
	driver.Function
	threads   int
	registers int
	shared    int // static bytes
	dynamic   int // dynamic bytes allowed so far
}

// defaultShared is what a kernel may have of shared memory, static and dynamic, without
// asking.
const defaultShared = 48 << 10

var (
	_ backend.Backend    = (*gpu)(nil)
	_ backend.Particular = (*gpu)(nil)
)

// New opens a device of the driver as a backend of the given name.
func New(name string, d driver.Driver, ordinal int, opts backend.Options) (backend.Backend, error) {
	g := &gpu{name: name, thread: newThread(), chunks: chunkBytes, fixedPoint: opts.FixedPoint, memory: opts.Memory, modules: map[string]driver.Module{}, functions: map[string]*function{}}
	err := g.thread.do(func() error {
		version, err := d.Version()
		if err != nil {
			return err
		}
		if g.context, err = d.Open(ordinal); err != nil {
			return err
		}
		g.info = g.context.Info()
		if g.target, err = targetOf(g.info, version); err != nil {
			return errors.Join(err, g.context.Close())
		}
		g.policy = g.choosePolicy()
		return nil
	})
	if err != nil {
		g.thread.end()
		return nil, unavailable(err)
	}
	return g, nil
}

func (g *gpu) Name() string { return g.name }

// Device implements backend.Particular: tensor cores round as their generation does, and
// fixed-point sums are not those by columns.
func (g *gpu) Device() string {
	device := fmt.Sprintf("%s of compute capability %d.%d, %s", g.info.Name, g.info.Major, g.info.Minor, g.target.Name)
	if g.fixedPoint {
		device += ", fixed-point sums"
	}
	return device
}

func (g *gpu) Close() error {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if g.closed {
		return backend.ErrClosed
	}
	g.closed = true
	err := g.thread.do(func() error {
		var first error
		for _, m := range g.modules {
			first = errors.Join(first, m.Unload())
		}
		return errors.Join(first, g.context.Close())
	})
	g.thread.end()
	return err
}

// do runs f on the device's thread, alone. After an error nothing is left running, so
// that f's memory can be freed.
func (g *gpu) do(f func() error) error {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if g.closed {
		return backend.ErrClosed
	}
	return g.thread.do(func() error {
		err := f()
		if err != nil {
			_ = g.context.Synchronize() // the first error is the one to tell
		}
		return err
	})
}

// kernel returns a kernel for a storage, loading its module when first used: the JIT
// takes time, and a fit needs few of them.
func (g *gpu) kernel(name, storage string) (*function, error) {
	k, ok := kernels.Find(name)
	if !ok {
		panic("cuda: no kernel " + name)
	}
	entry, file := k.Entry(storage), k.Module(storage)
	if f := g.functions[entry]; f != nil {
		return f, nil
	}
	m := g.modules[file]
	if m == nil {
		text, err := kernels.PTX(g.target.Name, file)
		if err != nil {
			return nil, err
		}
		if m, err = g.context.Load(file, text); err != nil {
			return nil, fmt.Errorf("loading %s for %s: %w", file, g.target.Name, err)
		}
		g.modules[file] = m
	}
	f, err := m.Function(entry)
	if err != nil {
		return nil, fmt.Errorf("looking up %s: %w", entry, err)
	}
	a, err := f.Attributes()
	if err != nil {
		return nil, fmt.Errorf("attributes of %s: %w", entry, err)
	}
	g.functions[entry] = &function{Function: f, threads: k.Threads, registers: a.Registers, shared: a.SharedBytes, dynamic: defaultShared - a.SharedBytes}
	return g.functions[entry], nil
}

// alloc returns device memory of at least one byte. Where there is none left, pieces of X
// that can be sent again give theirs up.
func (g *gpu) alloc(name string, bytes int64) (driver.Ptr, error) {
	for {
		p, err := g.tryAlloc(name, bytes)
		if !outOfMemory(err) {
			return p, err
		}
		freed := false
		for _, h := range g.holders {
			var giveErr error
			if freed, giveErr = h.giveUp(); giveErr != nil {
				return 0, giveErr
			}
			if freed {
				break
			}
		}
		if !freed {
			return 0, err
		}
	}
}

// tryAlloc is alloc of what is free.
func (g *gpu) tryAlloc(name string, bytes int64) (driver.Ptr, error) {
	p, err := g.context.Alloc(name, max(bytes, 1))
	return p, g.outOfMemory(err, bytes)
}

// outOfMemory makes the driver's code a *backend.OutOfMemoryError.
func (g *gpu) outOfMemory(err error, asked int64) error {
	if !errors.Is(err, &driver.Error{Code: driver.OutOfMemory}) {
		return err
	}
	free, _, infoErr := g.context.MemInfo()
	if infoErr != nil {
		free = 0
	}
	return &backend.OutOfMemoryError{Device: g.info.Name, Asked: asked, Free: free}
}
