package cuda

import (
	"context"
	"errors"
	"fmt"

	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
)

// call is one operation on a Data, on the device's thread.
type call struct {
	*data
	ctx context.Context
}

// shape is a launch before the device is looked at: work pieces along x, of which the
// grid takes as many at a time as the device holds, rows of the grid along y, and
// dynamic shared bytes. threads 0 is the kernel's own number.
type shape struct{ work, y, threads, shared int }

// launch queues a kernel for the data's storage; storage "" is that of X.
func (c *call) launch(name, storage string, s shape, args ...driver.Arg) error {
	return c.launchOn(nil, name, storage, s, args...)
}

func (c *call) launchOn(stream driver.Stream, name, storage string, s shape, args ...driver.Arg) error {
	if c.ctx.Err() != nil {
		return context.Cause(c.ctx)
	}
	if storage == "" {
		storage = c.suffix
	}
	f, err := c.g.kernel(name, storage)
	if err != nil {
		return err
	}
	if s.shared > f.dynamic {
		if err := f.SetMaxDynamicShared(s.shared); err != nil {
			return fmt.Errorf("%d bytes of shared memory for %s: %w", s.shared, name, err)
		}
		f.dynamic = s.shared
	}
	if s.threads == 0 {
		s.threads = f.threads
	}
	y := max(s.y, 1)
	x := min(max(s.work, 1), max(c.g.resident(f, s.threads, s.shared)/y, 1))
	l := driver.Grid1(x, s.threads, s.shared, stream)
	l.Grid[1] = uint32(y)
	if err := c.g.context.Launch(f.Function, l, args...); err != nil {
		return fmt.Errorf("launching %s: %w", name, err)
	}
	return nil
}

// resident is how many blocks of a kernel the device runs at once: what threads,
// registers and shared memory allow. One more than that would run alone, after all others.
// A warp takes registers in units of 256, from one of the multiprocessor's four parts.
func (g *gpu) resident(f *function, threads, dynamic int) int {
	n := g.info.MaxThreadsPerSM / threads
	if f.registers > 0 {
		warp := (f.registers*32 + 255) / 256 * 256
		n = min(n, g.info.RegistersPerSM/4/warp*4*32/threads)
	}
	if shared := f.shared + dynamic; shared > 0 {
		n = min(n, g.info.SharedPerSM/(shared+1024)) // 1 KB a block is the system's
	}
	return g.info.Multiprocessors * max(n, 1)
}

// combine sums the partial sums of all blocks, width numbers each, in float64; with add
// to what out holds.
func (c *call) combine(real string, part driver.Ptr, blocks, width int, add bool, out driver.Ptr) error {
	f, err := c.g.kernel("combine_partials_"+real, "")
	if err != nil {
		return err
	}
	if c.ctx.Err() != nil {
		return context.Cause(c.ctx)
	}
	adding, slices := int32(0), int32(0)
	if add {
		adding = 1
	}
	for slices < 7 && blocks > 8<<slices { // each slice adds some 8 blocks
		slices++
	}
	// No loop over columns: the grid covers them all, whatever the device holds.
	threads := max(256, 8<<slices)
	l := driver.Grid1((width<<slices+threads-1)/threads, threads, 0, nil)
	err = c.g.context.Launch(f.Function, l, driver.PtrArg(part), driver.Int32(int32(blocks)), driver.Int64(int64(width)),
		driver.Int32(slices), driver.Int32(adding), driver.PtrArg(out))
	if err != nil {
		return fmt.Errorf("launching combine_partials: %w", err)
	}
	return nil
}

// fetch copies float64 results back; it waits for everything before.
func (c *call) fetch(from driver.Ptr, out []float64) error {
	if err := c.g.context.CopyOut(bytesOf(out), from); err != nil {
		return fmt.Errorf("copying results: %w", err)
	}
	if c.ctx.Err() != nil {
		return context.Cause(c.ctx)
	}
	return nil
}

// run does f as one operation on d.
func (d *data) run(ctx context.Context, f func(*call) error) error {
	if d.closed {
		return errClosed
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	err := d.g.do(func() error { return f(&call{d, ctx}) })
	if err == nil || errors.Is(err, context.Cause(ctx)) {
		return err
	}
	return fmt.Errorf("%s: %w", d.g.name, err)
}
