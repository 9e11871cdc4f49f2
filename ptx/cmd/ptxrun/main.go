// Command ptxrun runs one launch of a PTX kernel on the emulator with all checks on.
//
//	go run ./ptx/cmd/ptxrun --kernel saxpy --grid 4 --block 256 \
//	    --arg 'f32[1024]=iota' --arg 'f32[1024]=zeros' --arg u64=1024 saxpy.ptx
//
// It prints the head and a checksum of every buffer and what the kernel did; on an
// error it prints the reason on one line and exits with 1.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
	"github.com/logreg-gpu/logreg-gpu/ptx"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "ptxrun: %v\n", err)
		os.Exit(1)
	}
}

// list collects a repeated flag.
type list []string

func (l *list) String() string     { return strings.Join(*l, " ") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

func run(args []string, out io.Writer) error {
	fs := flag.NewFlagSet("ptxrun", flag.ContinueOnError)
	fs.SetOutput(io.Discard) // an error is one line; help goes to out
	var specs list
	kernel := fs.String("kernel", "", "name of the kernel")
	grid := fs.String("grid", "1", "blocks, X[,Y,Z]")
	block := fs.String("block", "32", "threads a block, X[,Y,Z]")
	shared := fs.Int("shared", 0, "dynamic shared memory, bytes")
	seed := fs.Uint64("seed", 0, "seed of the schedule and of buffers filled with rand")
	most := fs.Uint64("max-instructions", 1<<28, "warp instructions after which a launch counts as endless")
	target := fs.String("device", "9.0", "compute capability of the emulated device")
	fs.Var(&specs, "arg", "an argument: f32[N]=zeros|ones|iota|rand|uninit (f32, f64, u32, u64), or a scalar: u64=1024")
	if err := fs.Parse(args); errors.Is(err, flag.ErrHelp) {
		fs.SetOutput(out)
		fs.Usage()
		return nil
	} else if err != nil {
		return err
	}
	if fs.NArg() != 1 || *kernel == "" {
		return fmt.Errorf("usage: ptxrun --kernel NAME [flags] FILE.ptx")
	}
	text, err := os.ReadFile(fs.Arg(0))
	if err != nil {
		return err
	}
	l := driver.Launch{Shared: uint32(*shared)}
	if l.Grid, err = dimensions(*grid); err != nil {
		return fmt.Errorf("--grid: %w", err)
	}
	if l.Block, err = dimensions(*block); err != nil {
		return fmt.Errorf("--block: %w", err)
	}
	config := ptx.Config{Seed: *seed, Version: 13010, MaxInstructions: *most}
	if _, err := fmt.Sscanf(*target, "%d.%d", &config.Major, &config.Minor); err != nil {
		return fmt.Errorf("--device: %q is not a compute capability", *target)
	}
	d := ptx.NewDriver(config)
	c, err := d.Open(0)
	if err != nil {
		return err
	}
	defer c.Close()
	m, err := c.Load(fs.Arg(0), text)
	if err != nil {
		return err
	}
	f, err := m.Function(*kernel)
	if err != nil {
		return err
	}
	if *shared > 48<<10 {
		if err := f.SetMaxDynamicShared(*shared); err != nil {
			return err
		}
	}
	var cells []driver.Arg
	var buffers []*buffer
	for i, s := range specs {
		a, b, err := argument(c, i, s, *seed)
		if err != nil {
			return fmt.Errorf("--arg %s: %w", s, err)
		}
		cells = append(cells, a)
		if b != nil {
			buffers = append(buffers, b)
		}
	}
	if err := c.Launch(f, l, cells...); err != nil {
		return err
	}
	if err := c.Synchronize(); err != nil {
		return err
	}
	for _, b := range buffers {
		b.print(out, d)
	}
	n := d.Counters()[*kernel]
	fmt.Fprintf(out, "instructions: %d of warps, %d of threads\n", n.Instructions, n.LaneInstructions())
	fmt.Fprintf(out, "bytes loaded: global %d, shared %d, local %d; stored: global %d, shared %d, local %d; atomics %d\n",
		n.Loaded[ptx.Global], n.Loaded[ptx.Shared], n.Loaded[ptx.Local],
		n.Stored[ptx.Global], n.Stored[ptx.Shared], n.Stored[ptx.Local], n.Atomics)
	return nil
}

// dimensions reads X[,Y,Z].
func dimensions(s string) ([3]uint32, error) {
	d := [3]uint32{1, 1, 1}
	parts := strings.Split(s, ",")
	if len(parts) > 3 {
		return d, fmt.Errorf("%q has more than three numbers", s)
	}
	for i, p := range parts {
		n, err := strconv.ParseUint(p, 10, 32)
		if err != nil || n == 0 {
			return d, fmt.Errorf("%q is not a positive number", p)
		}
		d[i] = uint32(n)
	}
	return d, nil
}
