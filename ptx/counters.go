package ptx

import (
	"fmt"
	"sort"

	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
)

// Counters say what launches of one kernel did. Bytes are those the lanes asked
// for: 32 lanes that read the same word count it 32 times. Arrays are by Space.
type Counters struct {
	Launches         int
	Instructions     uint64 // of warps
	laneInstructions uint64
	Loaded, Stored   [numSpaces]uint64
	Atomics          uint64
}

// LaneInstructions counts each instruction once for every thread that executed it.
func (c *Counters) LaneInstructions() uint64 { return c.laneInstructions }

func (c *Counters) add(o *Counters) {
	c.Launches += o.Launches
	c.Instructions += o.Instructions
	c.laneInstructions += o.laneInstructions
	c.Atomics += o.Atomics
	for i := range c.Loaded {
		c.Loaded[i] += o.Loaded[i]
		c.Stored[i] += o.Stored[i]
	}
}

// Counters returns what was counted since the start or the last ResetCounters, by
// kernel name.
func (d *Driver) Counters() map[string]Counters {
	d.mu.Lock()
	defer d.mu.Unlock()
	m := make(map[string]Counters, len(d.counters))
	for k, v := range d.counters {
		m[k] = v
	}
	return m
}

// ResetCounters sets all counters to zero, those of allocations too.
func (d *Driver) ResetCounters() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.counters)
	for _, c := range d.contexts {
		for _, r := range c.memory.regions {
			r.loaded, r.stored = 0, 0
			clear(r.reads)
		}
	}
}

// Allocation describes device or pinned host memory.
type Allocation struct {
	Name           string
	Ptr            driver.Ptr // 0 for pinned host memory
	Bytes          int64
	Loaded, Stored uint64 // bytes, by kernels
}

func (a Allocation) String() string { return fmt.Sprintf("%s: %d bytes", a.Name, a.Bytes) }

// Live lists the memory that was allocated and not freed, device memory first: empty
// after a clean shutdown.
func (d *Driver) Live() []Allocation {
	var list []Allocation
	for _, c := range d.contexts {
		for _, r := range c.memory.regions {
			if !r.freed && r.module == nil {
				list = append(list, r.allocation())
			}
		}
		var handles []uint64
		for h := range c.host {
			handles = append(handles, h)
		}
		sort.Slice(handles, func(i, j int) bool { return handles[i] < handles[j] })
		for _, h := range handles {
			list = append(list, Allocation{Name: "pinned host memory", Bytes: int64(len(c.host[h].bytes))})
		}
	}
	return list
}

// MostUsed is how many bytes of device memory were allocated at once at most: a device of
// as many would have done.
func (d *Driver) MostUsed() (bytes int64) {
	for _, c := range d.contexts {
		bytes = max(bytes, c.memory.most)
	}
	return bytes
}

// LiveObjects counts modules, streams (but the default one) and events that were not
// released.
func (d *Driver) LiveObjects() (modules, streams, events int) {
	for _, c := range d.contexts {
		modules += len(c.modules)
		streams += max(0, len(c.streams)-1)
		events += c.events
	}
	return
}

func (r *region) allocation() Allocation {
	return Allocation{r.name, driver.Ptr(r.base), int64(r.size), r.loaded, r.stored}
}

// Allocations returns all allocations of that name, freed ones too, in the order
// they were made.
func (d *Driver) Allocations(name string) []Allocation {
	var list []Allocation
	for _, c := range d.contexts {
		for _, r := range c.memory.regions {
			if r.name == name && r.module == nil {
				list = append(list, r.allocation())
			}
		}
	}
	return list
}

// TraceReads counts from now on for every byte of the allocation at p how often
// kernels load it; Reads returns the counts. A one-pass kernel reads each byte of
// its data exactly once.
func (d *Driver) TraceReads(p driver.Ptr) {
	if r := d.region(p); r != nil {
		r.reads = make([]uint32, r.size)
	}
}

// Reads returns the counts that TraceReads started, nil without it.
func (d *Driver) Reads(p driver.Ptr) []uint32 {
	if r := d.region(p); r != nil {
		return r.reads
	}
	return nil
}

func (d *Driver) region(p driver.Ptr) *region {
	for _, c := range d.contexts {
		if r := c.memory.at(uint64(p)); r != nil && uint64(p)-r.base < r.size {
			return r
		}
	}
	return nil
}

// Inspect returns the content of the allocation at p and, for each byte, whether it
// was ever written. It checks and counts nothing.
func (d *Driver) Inspect(p driver.Ptr) (data []byte, defined []bool) {
	r := d.region(p)
	if r == nil || r.freed {
		return nil, nil
	}
	defined = make([]bool, r.size)
	for i := range defined {
		defined[i] = r.defined(uint64(i), 1)
	}
	return append([]byte(nil), r.data...), defined
}
