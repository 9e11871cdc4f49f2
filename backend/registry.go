package backend

import (
	"fmt"
	"sort"
	"strings"
	"sync"
)

// Options are what a user can choose about any backend.
type Options struct {
	// Threads bounds the CPU threads used; 0 means all. It never changes a result.
	Threads int

	// Memory bounds the bytes of this machine's memory that a Data of a Source.Rows or SparseRows
	// takes for X, with all rows drawn from it; 0 is no bound. What does not fit is
	// read again in every pass. It never changes a result, but for last digits where a device
	// reads sparse X in smaller pieces for it.
	Memory int64

	// FixedPoint has sparse X on a device once, by rows, instead of a second time by
	// columns: half the memory, for a slower gradient. Sums over its rows are then made of
	// 64-bit integers, as exact as kernels/include/csr_fixed.h says, and the same bits on any
	// device. Dense X is as ever. Drivers without FixedPoint refuse it.
	FixedPoint bool
}

// Device is one line of what a machine offers.
type Device struct {
	Backend string            `json:"backend"`
	Name    string            `json:"name"`
	Details map[string]string `json:"details,omitempty"`
}

// Driver is how an implementation makes itself known, from its init.
type Driver struct {
	Name  string
	About string // one line

	// Rank orders the backends that "auto" tries, highest first; 0 means that it is
	// only used when asked for by name.
	Rank int

	// FixedPoint tells that the backend takes Options.FixedPoint.
	FixedPoint bool

	// Devices lists what the backend can run on here, or says why it cannot
	// (an error of kind ErrUnavailable).
	Devices func() ([]Device, error)

	// Open starts the backend, or says why it cannot (likewise).
	Open func(Options) (Backend, error)
}

var registry struct {
	sync.Mutex
	drivers []Driver
}

// Register adds a backend. It panics on a name registered twice.
func Register(d Driver) {
	registry.Lock()
	defer registry.Unlock()
	for _, have := range registry.drivers {
		if have.Name == d.Name {
			panic("backend: registered twice: " + d.Name)
		}
	}
	registry.drivers = append(registry.drivers, d)
	sort.SliceStable(registry.drivers, func(i, j int) bool {
		a, b := registry.drivers[i], registry.drivers[j]
		return a.Rank > b.Rank || a.Rank == b.Rank && a.Name < b.Name
	})
}

// Drivers lists the registered backends, those that "auto" prefers first.
func Drivers() []Driver {
	registry.Lock()
	defer registry.Unlock()
	return append([]Driver(nil), registry.drivers...)
}

// open is Open of options that the backend takes.
func (d Driver) open(opts Options) (Backend, error) {
	if opts.FixedPoint && !d.FixedPoint {
		return nil, fmt.Errorf("%w: fixed-point sums are for sparse X on a GPU; leave the option out", ErrUnsupported)
	}
	return d.Open(opts)
}

// AutoName asks Open for the best backend that this machine offers.
const AutoName = "auto"

// Open opens a backend by name. For "auto" it takes the first that opens, in order
// of rank; passed then says of each one passed over why.
func Open(name string, opts Options) (b Backend, passed []error, err error) {
	var names []string
	for _, d := range Drivers() {
		names = append(names, d.Name)
		switch {
		case name == d.Name:
			b, err = d.open(opts)
			return b, nil, err
		case name == AutoName && d.Rank > 0:
			b, err := d.open(opts)
			if err == nil {
				return b, passed, nil
			}
			passed = append(passed, fmt.Errorf("%s: %w", d.Name, err))
		}
	}
	switch {
	case name == AutoName && opts.FixedPoint:
		return nil, passed, fmt.Errorf("%w: fixed-point sums are for sparse X on a GPU, and none opens here; leave the option out", ErrUnavailable)
	case name == AutoName:
		return nil, passed, fmt.Errorf("%w: no backend opens here", ErrUnavailable)
	}
	return nil, nil, fmt.Errorf("%w: unknown backend %q; use auto, %s", ErrUnavailable, name, strings.Join(names, ", "))
}
