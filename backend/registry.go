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

	// Memory bounds the bytes of this machine's memory that a Data of a Source.Rows
	// takes for X, with all rows drawn from it; 0 is no bound. What does not fit is
	// read again in every pass. It never changes a result.
	Memory int64
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
			b, err = d.Open(opts)
			return b, nil, err
		case name == AutoName && d.Rank > 0:
			b, err := d.Open(opts)
			if err == nil {
				return b, passed, nil
			}
			passed = append(passed, fmt.Errorf("%s: %w", d.Name, err))
		}
	}
	if name == AutoName {
		return nil, passed, fmt.Errorf("%w: no backend opens here", ErrUnavailable)
	}
	return nil, nil, fmt.Errorf("%w: unknown backend %q; use auto, %s", ErrUnavailable, name, strings.Join(names, ", "))
}
